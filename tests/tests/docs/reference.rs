//! The reference names everything there is, and nothing that is not: every type of event with its cause, what it rests on and
//! what to do, every field that can drift, every gap, every error, every metric. What a page says about each is for people to
//! judge.

use std::collections::{BTreeMap, BTreeSet};

use evenkeel::metrics::Metrics;
use evenkeel_core::{EventType, Field, GapKind, Transition};
use evenkeel_tests::repo::{self, File, in_backticks, section};
use prometheus::Registry;

const EVENTS: &str = "docs/reference/events.md";
const ERRORS: &str = "docs/reference/errors.md";
const METRICS: &str = "docs/reference/metrics.md";

#[test]
fn every_type_of_event_has_its_cause_what_it_rests_on_and_what_to_do() {
    let page = repo::read(EVENTS);
    for kind in EventType::ALL {
        let code = kind.code();
        let part = section(&page, &format!("## {code}"));
        let places = ["**Cause.**", "**Evidence.**", "**What to do.**"].map(|word| part.find(word));
        let [Some(cause), Some(evidence), Some(advice)] = places else {
            panic!("{EVENTS}: {code} lacks one of cause, evidence, what to do");
        };
        assert!(cause < evidence && evidence < advice, "{EVENTS}: {code}");
        let row = format!("| [`{code}`](#{}) | {} |", code.to_lowercase(), kind.default_severity().as_str());
        assert!(page.contains(&row), "{EVENTS}: no row begins `{row}`");
    }
    let headed = page.lines().filter_map(|line| line.strip_prefix("## ")).filter(|word| word.contains('_'));
    let codes: BTreeSet<&str> = EventType::ALL.iter().map(|kind| kind.code()).collect();
    assert_eq!(headed.collect::<BTreeSet<_>>(), codes);
}

#[test]
fn every_field_and_every_transition_is_explained() {
    let page = repo::read(EVENTS);
    let words: BTreeSet<&str> = page.lines().flat_map(in_backticks).collect();
    let fields = Field::ALL.iter().map(|field| field.as_str());
    let transitions = Transition::ALL.iter().map(|transition| transition.as_str());
    let missing: Vec<&str> = fields.chain(transitions).filter(|word| !words.contains(word)).collect();
    assert!(missing.is_empty(), "{EVENTS}: {missing:?}");
}

#[test]
fn every_gap_says_what_to_do() {
    let page = repo::read(ERRORS);
    let rows = rows(section(&page, "## Gaps"));
    let known: BTreeSet<&str> = GapKind::ALL.iter().map(|kind| kind.as_str()).collect();
    let told: BTreeSet<&str> = rows.iter().flat_map(|cells| in_backticks(cells[0])).collect();
    assert_eq!(told, known);
    assert!(rows.iter().all(|cells| cells.len() == 3 && cells[2].len() > 10), "{rows:?}");
}

#[test]
fn every_error_of_the_program_says_what_to_do_and_no_other_is_told_of() {
    let page = repo::read(ERRORS);
    let gaps = section(&page, "## Gaps");
    let rest = page.replace(gaps, "");
    let mut told = BTreeSet::new();
    for cells in rows(&rest) {
        assert!(cells.len() == 2 && cells[1].len() > 5, "{ERRORS}: what is to be done? {cells:?}");
        told.extend(in_backticks(cells[0]).into_iter().map(as_told));
    }
    let mut made: BTreeMap<String, String> = BTreeMap::new();
    for file in product() {
        for text in errors(code(&file)) {
            let text = as_told(&text);
            if text.chars().any(char::is_alphabetic) {
                made.entry(text).or_insert_with(|| file.path.clone());
            }
        }
    }
    assert!(made.len() > 100, "only {} errors were found", made.len());
    let untold: Vec<_> = made.iter().filter(|(text, _)| !told.contains(*text)).collect();
    assert!(untold.is_empty(), "no row in {ERRORS} for {untold:#?}");
    let gone: Vec<_> = told.iter().filter(|text| !made.contains_key(*text)).collect();
    assert!(gone.is_empty(), "{ERRORS} tells of what no code says: {gone:#?}");
}

#[test]
fn every_metric_is_explained_with_its_labels_and_no_other_is() {
    let page = repo::read(METRICS);
    let mut told: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for cells in rows(&page) {
        let name = in_backticks(cells[0])[0];
        assert!(told.insert(name, in_backticks(cells[1])).is_none(), "{METRICS}: {name} twice");
        assert!(cells.len() == 3 && cells[2].len() > 5, "{METRICS}: what does {name} say?");
    }
    let mut made = BTreeSet::new();
    for file in product() {
        made.extend(metrics(code(&file)).into_iter().map(|name| format!("evenkeel_{name}")));
    }
    let told_names: BTreeSet<String> = told.keys().map(|name| (*name).to_owned()).collect();
    assert_eq!(told_names, made, "told in {METRICS} | made in the code");

    // What is there from the start also shows its labels.
    let registry = Registry::new();
    Metrics::register(&registry).unwrap();
    let families = registry.gather();
    assert!(families.len() > 10);
    for family in families {
        let labels: BTreeSet<&str> =
            family.get_metric().iter().flat_map(|m| m.get_label()).map(|label| label.name()).collect();
        let shown: BTreeSet<&str> = told[family.name()].iter().copied().collect();
        assert_eq!(shown, labels, "{METRICS}: the labels of {}", family.name());
    }
}

/// The rows of every table, headings left out, as their cells.
fn rows(part: &str) -> Vec<Vec<&str>> {
    let lines: Vec<&str> = part.lines().collect();
    let is_row = |line: &str| line.starts_with("| ") && !line.starts_with("| ---");
    let is_heading = |n: usize| lines.get(n + 1).is_some_and(|next| next.starts_with("| ---"));
    (0..lines.len())
        .filter(|n| is_row(lines[*n]) && !is_heading(*n))
        .map(|n| lines[n].trim_start_matches('|').trim_end_matches('|').split(" | ").map(str::trim).collect())
        .collect()
}

/// The code of what people run: no lab, no tests.
fn product() -> Vec<File> {
    let counts = |path: &str| {
        path.starts_with("crates/")
            && path.contains("/src/")
            && path.ends_with(".rs")
            && !path.starts_with("crates/lab/")
            && !path.contains("test")
    };
    repo::files().into_iter().filter(|file| counts(&file.path)).collect()
}

fn code(file: &File) -> &str {
    file.text.split("\n#[cfg(test)]\nmod tests {").next().unwrap_or_default()
}

/// What makes an error with a text that begins behind it.
const MAKERS: [&str; 6] =
    ["#[error(", "anyhow!(", "bail!(", "with_context(|| format!(", ".context(format!(", ".context("];

/// The texts of the errors that a file makes.
fn errors(code: &str) -> Vec<String> {
    let after = |maker: &'static str| code.match_indices(maker).map(move |(at, _)| at + maker.len());
    MAKERS.into_iter().flat_map(after).filter_map(|at| literal(&code[at..])).collect()
}

/// The string that a piece of code begins with.
fn literal(code: &str) -> Option<String> {
    let mut text = String::new();
    let mut rest = code.trim_start().strip_prefix('"')?.chars();
    loop {
        match rest.next()? {
            '"' => return Some(text),
            '\\' => match rest.next()? {
                '\n' => rest = rest.as_str().trim_start().chars(),
                'n' => text.push(' '),
                other => text.push(other),
            },
            other => text.push(other),
        }
    }
}

/// An error as the page has it: what is filled in is `…`, there are no backticks, and every space is one.
fn as_told(text: &str) -> String {
    let mut told = String::new();
    let mut within = false;
    for c in text.chars() {
        match c {
            '{' => {
                within = true;
                told.push('…');
            }
            '}' => within = false,
            '`' => {}
            c if !within => told.push(c),
            _ => {}
        }
    }
    told.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The names of the figures that a file makes, without what all begin with.
fn metrics(code: &str) -> Vec<String> {
    let makers =
        [".counters(", ".histogram(", ".histograms(", ".gauge(", ".gauges(", ".float(", ".floats(", "opts("];
    let name = |at: usize| {
        literal(&code[at..]).filter(|name| name.chars().all(|c| c.is_ascii_lowercase() || c == '_'))
    };
    let made = makers.iter().flat_map(|maker| {
        code.match_indices(maker).filter_map(move |(at, _)| name(at + maker.len())).collect::<Vec<_>>()
    });
    let written = code.match_indices("# HELP evenkeel_").map(|(at, mark)| {
        code[at + mark.len()..].chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect()
    });
    made.chain(written).collect()
}

#[test]
fn errors_are_found_in_code_as_they_are_told() {
    let code = "#[error(\n    \"store `{at}` has \\\n     {found}:\\n- {}\", .problems.join(\"x\"))]";
    let found: Vec<String> = errors(code).iter().map(|text| as_told(text)).collect();
    assert_eq!(found, ["store … has …: - …"]);
    assert_eq!(errors("#[error(transparent)]"), Vec::<String>::new());
    assert_eq!(
        metrics("maker\n  .gauges(\"a_b\", \"Help.\", &[])? # HELP evenkeel_c_total x"),
        ["a_b", "c_total"]
    );
}
