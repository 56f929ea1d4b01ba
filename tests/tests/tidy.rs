//! The order of the repository: what the documents say about it equals what is on the disk, and rules that no
//! compiler knows hold.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a panic in a test is the failed assertion itself"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};

use evenkeel_tests::repo::{self, File, in_backticks, section};

/// Lines of a file, tests not counted.
const MOST_LINES: usize = 400;
/// Files that may be longer, up to this, and why they are not two.
const LONG: &[(&str, usize, &str)] = &[];

fn rust_files() -> Vec<File> {
    repo::files().into_iter().filter(|file| file.path.ends_with(".rs")).collect()
}

/// The code before the file's own tests; nothing of files that are tests altogether.
fn code(file: &File) -> &str {
    let folder = file.path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let is_test = file.path.starts_with("tests/")
        || folder.split('/').any(|part| part == "tests" || part == "conformance")
        || file.path.ends_with("/tests.rs");
    if is_test {
        return "";
    }
    file.text.split("\n#[cfg(test)]\nmod tests {").next().unwrap_or_default()
}

fn assert_none(what: &str, found: &[String]) {
    assert!(found.is_empty(), "{what}:\n  {}", found.join("\n  "));
}

#[test]
fn the_code_map_equals_the_disk() {
    let architecture = repo::read("ARCHITECTURE.md");
    let mapped: BTreeSet<String> = section(&architecture, "## Code map")
        .lines()
        .filter_map(|line| line.strip_prefix("| `"))
        .filter_map(|line| line.split_once('`'))
        .map(|(path, _)| path.trim_end_matches('/').to_owned())
        .collect();
    let mut there: BTreeSet<String> =
        repo::folders("crates").iter().map(|name| format!("crates/{name}")).collect();
    there.extend(repo::folders(".").into_iter().filter(|name| name != "crates"));
    let unmapped: Vec<_> = there.difference(&mapped).collect();
    let gone: Vec<_> = mapped.difference(&there).collect();
    assert!(
        unmapped.is_empty() && gone.is_empty(),
        "the table under `## Code map` in ARCHITECTURE.md lacks {unmapped:?} and lists what is not there: {gone:?}"
    );
}

/// Every function of the repository, and the files that have one of that name.
fn functions() -> BTreeMap<String, Vec<String>> {
    let mut functions: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for file in rust_files() {
        for line in file.text.lines() {
            let line = line.trim_start().trim_start_matches("pub ");
            let Some(rest) = line.strip_prefix("async fn ").or_else(|| line.strip_prefix("fn ")) else {
                continue;
            };
            let name: String = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            functions.entry(name).or_default().push(file.path.clone());
        }
    }
    functions
}

#[test]
fn every_bound_names_its_place_and_a_test_that_reaches_it() {
    let (limits, functions) = (repo::read("docs/limits.md"), functions());
    let rows = limits
        .lines()
        .filter(|line| line.starts_with("| ") && !line.starts_with("| ---") && !line.starts_with("| what |"));
    let (mut wrong, mut count) = (Vec::new(), 0);
    for row in rows {
        count += 1;
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let [what, _bound, place, _then, test] = cells.as_slice() else {
            wrong.push(format!("five cells expected: {row}"));
            continue;
        };
        let (places, tests) = (in_backticks(place), in_backticks(test));
        if places.is_empty() || tests.is_empty() {
            wrong.push(format!("{what}: a place and a test are named in backticks"));
        }
        for place in places {
            let (path, name) = place.split_once("::").unwrap_or((place, ""));
            let there = repo::files().into_iter().find(|file| file.path == path);
            if !there.is_some_and(|file| file.text.contains(name)) {
                wrong.push(format!("{what}: there is no {name} in {path}"));
            }
        }
        for test in tests {
            let named = test.split_once("::");
            let known =
                |path: &str, test: &str| functions.get(test).is_some_and(|f| f.iter().any(|f| f == path));
            if !named.is_some_and(|(path, test)| known(path, test)) {
                wrong.push(format!("{what}: there is no test {test}"));
            }
        }
    }
    assert_none("the tables in docs/limits.md", &wrong);
    assert!(count > 40, "only {count} rows were found");
}

/// The cells of each row of the tables in a part of a document, headings left out.
fn rows(part: &str) -> Vec<Vec<&str>> {
    let is_row = |line: &&str| line.starts_with("| ") && !line.starts_with("| ---");
    let tables = part.split("\n\n").filter(|block| block.contains("\n| ---"));
    tables
        .flat_map(|table| table.lines().filter(is_row).skip(1))
        .map(|row| {
            row.trim_matches('|').split(" | ").map(|cell| cell.trim().trim_matches('|').trim()).collect()
        })
        .collect()
}

/// How a row of docs/assurance.md begins its last cell where no test shows it: why not.
const NOT_SHOWN: &str = "no: ";

#[test]
fn every_row_of_the_assurance_is_shown_by_something_that_exists_or_says_why_not() {
    let assurance = repo::read("docs/assurance.md");
    let functions = functions();
    let mut wrong = Vec::new();
    for heading in ["## What is tested", "## Defaults that keep safe", "## Threats"] {
        for row in rows(section(&assurance, heading)) {
            let (first, last) = (row[0], row[row.len() - 1]);
            let mut shown = last.starts_with(NOT_SHOWN);
            for reference in in_backticks(last) {
                if let Some((path, test)) = reference.split_once("::") {
                    shown = true;
                    if !functions.get(test).is_some_and(|files| files.iter().any(|file| file == path)) {
                        wrong.push(format!("{first}: there is no test `{test}` in {path}"));
                    }
                } else if reference.contains('/') && !reference.contains(' ') && !reference.starts_with('/') {
                    shown = true;
                    if !repo::root().join(reference).exists() {
                        wrong.push(format!("{first}: there is no {reference}"));
                    }
                }
            }
            if !shown {
                wrong.push(format!("{first}: nothing shows it, and no word says why not"));
            }
        }
    }
    assert_none("docs/assurance.md", &wrong);
    let numbers: Vec<&str> =
        rows(section(&assurance, "## What is tested")).into_iter().map(|row| row[0]).collect();
    assert_eq!(numbers, (1..=70).map(|n| n.to_string()).collect::<Vec<_>>());
}

/// Where a simulated history is made: what runs there asks the surroundings, not the system.
const SIMULATED: &[&str] =
    &["crates/controller/src/", "crates/sources/src/", "crates/sinks/src/", "crates/lab/src/"];

#[test]
fn what_is_simulated_asks_nobody_but_its_surroundings_for_time_and_chance() {
    let mut wrong = Vec::new();
    for file in rust_files() {
        // Commands run once, and a configuration is read before anything is simulated.
        let once =
            file.path.contains("/cli/") || file.path.contains("/config/") || file.path.contains("tests");
        if once || !SIMULATED.iter().any(|folder| file.path.starts_with(folder)) {
            continue;
        }
        let product = file.text.split("#[cfg(test)]").next().unwrap_or_default();
        for asked in ["Timestamp::now()", "rand::random", "rand::rng()", "SystemTime::now()"] {
            if product.contains(asked) && !product.contains(&format!("evenkeel_ambient::{asked}")) {
                wrong.push(format!("{}: {asked}; crates/ambient has it", file.path));
            }
        }
    }
    assert_none("asked past crates/ambient", &wrong);
}

#[test]
fn every_promise_names_tests_that_exist() {
    let (promises, functions) = (repo::read("docs/promises.md"), functions());
    let named = in_backticks(&promises).into_iter().filter_map(|reference| reference.split_once(".rs::"));
    let missing: Vec<String> = named
        .clone()
        .filter(|(path, test)| {
            !functions.get(*test).is_some_and(|files| files.contains(&format!("{path}.rs")))
        })
        .map(|(path, test)| format!("{path}.rs::{test}"))
        .collect();
    assert_none("docs/promises.md", &missing);
    assert!(named.count() >= 2);
}

#[test]
fn every_invariant_names_tests_that_exist() {
    let (architecture, functions) = (repo::read("ARCHITECTURE.md"), functions());
    let rows: Vec<&str> = section(&architecture, "## Invariants")
        .lines()
        .filter(|line| {
            line.starts_with("| ") && !line.starts_with("| ---") && !line.starts_with("| Invariant")
        })
        .collect();
    let mut wrong = Vec::new();
    for row in &rows {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let [name, _meaning, tests] = cells.as_slice() else { panic!("three cells expected: {row}") };
        let mut named = false;
        for reference in in_backticks(tests) {
            let Some((path, test)) = reference.split_once("::") else {
                wrong.push(format!("{name}: `{reference}` is not `file::test`"));
                continue;
            };
            named = true;
            if !functions.get(test).is_some_and(|files| files.iter().any(|file| file == path)) {
                wrong.push(format!("{name}: there is no test `{test}` in {path}"));
            }
        }
        if !named && !tests.starts_with("not yet") {
            wrong.push(format!("{name}: no test named"));
        }
    }
    assert_none("the table under `## Invariants` in ARCHITECTURE.md", &wrong);
    let names: BTreeSet<&str> = rows.iter().filter_map(|row| row.split('|').nth(1)).map(str::trim).collect();
    let all = [
        "U1", "U2", "U3", "D1", "D2", "D3", "D4", "F1", "Q1", "Q2", "Q3", "B1", "O1", "O2", "E1", "R1", "R2",
        "S1",
    ];
    assert_eq!(names, BTreeSet::from(all));
}

#[test]
fn files_stay_short_enough_to_be_read_in_one_go() {
    let mut found = Vec::new();
    for file in rust_files() {
        let lines = code(&file).lines().count();
        let allowed =
            LONG.iter().find(|(path, ..)| *path == file.path).map_or(MOST_LINES, |(_, most, _)| *most);
        if lines > allowed {
            found.push(format!("{}: {lines} lines of {allowed}", file.path));
        }
    }
    assert_none("split these, or say in tests/tests/tidy.rs why not", &found);
    for (path, most, _) in LONG {
        let needed =
            rust_files().iter().any(|file| file.path == *path && code(file).lines().count() > MOST_LINES);
        assert!(needed, "{path} may be {most} lines long but need not be any more");
    }
}

#[test]
fn every_file_says_what_lives_in_it() {
    let found: Vec<String> = rust_files()
        .into_iter()
        .filter(|file| !file.text.starts_with("//! "))
        .map(|file| file.path)
        .collect();
    assert_none("files without a `//!` header", &found);
}

#[test]
fn nothing_is_left_for_later() {
    // Written in two parts so that this list does not find itself.
    let banned = [
        concat!("#[ig", "nore"),
        concat!("to", "do!("),
        concat!("unimple", "mented!("),
        concat!("FIX", "ME"),
    ];
    let mut found = Vec::new();
    for file in rust_files() {
        for (number, line) in file.text.lines().enumerate() {
            found.extend(
                banned
                    .iter()
                    .filter(|word| line.contains(**word))
                    .map(|word| format!("{}:{}: {word}", file.path, number + 1)),
            );
        }
    }
    assert_none("unfinished", &found);
}

#[test]
fn no_file_knows_the_machine_it_was_written_on() {
    let starts = [concat!("/wo", "rk/"), concat!("/ro", "ot/."), concat!("/ho", "me/")];
    // The user of n8n's image.
    let in_an_image = concat!("/ho", "me/node/");
    let hosts = [
        concat!("index.", "crates.io"),
        concat!("static.", "crates.io"),
        concat!("deb.", "debian.org"),
        concat!("registry.", "npmjs.org"),
        concat!("pypi.", "org"),
        concat!("pythonhosted.", "org"),
    ];
    let mut found = Vec::new();
    for file in repo::files() {
        for (number, line) in file.text.lines().enumerate() {
            let place = || format!("{}:{}: {}", file.path, number + 1, line.trim());
            // A path begins where nothing that could be part of one precedes it.
            let path = starts.iter().any(|start| {
                line.match_indices(start).any(|(at, _)| {
                    !line[at..].starts_with(in_an_image)
                        && !line[..at].ends_with(|c: char| c.is_alphanumeric() || "._-}~/".contains(c))
                })
            });
            if path || hosts.iter().any(|host| line.contains(host)) {
                found.push(place());
            }
        }
    }
    assert_none("a path or registry of one machine", &found);
}

#[test]
fn the_core_neither_waits_nor_looks_around() {
    let banned = [
        "Instant::now",
        "Timestamp::now",
        "Zoned::now",
        "std::env",
        "std::fs",
        "TcpStream",
        "UdpSocket",
        "ToSocketAddrs",
        "std::process",
        "std::thread",
        "async fn",
        "println!",
        "Mutex",
        "static mut",
    ];
    let mut found = Vec::new();
    for file in rust_files().iter().filter(|file| file.path.starts_with("crates/core/src/")) {
        for (number, line) in code(file).lines().enumerate() {
            let line = line.split("//").next().unwrap_or_default();
            found.extend(
                banned
                    .iter()
                    .filter(|word| line.contains(**word))
                    .map(|word| format!("{}:{}: {word}", file.path, number + 1)),
            );
        }
    }
    assert_none("the core is pure (docs/adr/0001-workspace-and-pure-core.md)", &found);
}

/// Files that hand the database text they put together, and what that text is made of. Everything else is written down
/// whole, and values are bound.
const SQL_AT_RUN_TIME: &[(&str, &str)] = &[
    ("crates/store/src/postgres/adopt.rs", "names of our own tables and columns"),
    ("crates/store/src/postgres/migrate.rs", "the schema's name, which the configuration checks"),
    ("crates/store/src/postgres/sequences.rs", "names of our own tables and of their sequences, quoted"),
    (
        "crates/store/src/postgres/session.rs",
        "how a transaction begins, from constants and the schema's name",
    ),
    ("crates/store/src/sqlite/journal.rs", "constants"),
    ("crates/store/src/sqlite/open.rs", "constants"),
    ("crates/store/src/sqlite/queries.rs", "constants"),
];

#[test]
fn sql_is_put_together_only_where_it_is_known_of_what() {
    let mark = concat!("AssertSql", "Safe(");
    let found: Vec<String> = rust_files()
        .iter()
        .filter(|file| file.path.starts_with("crates/") && code(file).contains(mark))
        .map(|file| file.path.clone())
        .collect();
    let known: Vec<&str> = SQL_AT_RUN_TIME.iter().map(|(path, _)| *path).collect();
    assert_eq!(found, known, "bind values; where text must be put together, say here of what");
}

#[test]
fn every_crate_is_under_the_lints_that_forbid_unsafe_code() {
    let root = repo::read("Cargo.toml");
    assert!(section_of(&root, "[workspace.lints.rust]").contains("unsafe_code = \"forbid\""));
    let without: Vec<String> = repo::files()
        .into_iter()
        .filter(|file| file.path.ends_with("/Cargo.toml") && !file.path.starts_with("fuzz/"))
        .filter(|file| !section_of(&file.text, "[lints]").contains("workspace = true"))
        .map(|file| file.path)
        .collect();
    assert_none("crates without `[lints] workspace = true`", &without);
}

/// A table of a TOML file, up to the next one.
fn section_of<'a>(toml: &'a str, header: &str) -> &'a str {
    let after = toml.split_once(&format!("\n{header}\n")).map_or("", |(_, after)| after);
    after.split("\n[").next().unwrap_or_default()
}

#[test]
fn every_decision_is_in_the_index() {
    let index = repo::read("docs/adr/README.md");
    let mut found = Vec::new();
    for file in repo::files() {
        let Some(name) = file.path.strip_prefix("docs/adr/") else {
            continue;
        };
        if name.starts_with(|c: char| c.is_ascii_digit()) && !index.contains(&format!("({name})")) {
            found.push(name.to_owned());
        }
    }
    assert_none("not linked in docs/adr/README.md", &found);
}

#[test]
fn every_link_and_every_mention_of_a_document_leads_somewhere() {
    let files = repo::files();
    let mut found = Vec::new();
    for file in &files {
        let is_markdown = file.path.ends_with(".md");
        for (number, line) in file.text.lines().enumerate() {
            let mut targets: Vec<(PathBuf, Option<String>)> = Vec::new();
            if is_markdown {
                targets.extend(links(line).filter_map(|link| target(&file.path, link)));
            } else if file.path.ends_with(".rs") || file.path.ends_with(".toml") {
                targets.extend(mentions(line).map(|path| (PathBuf::from(path), None)));
            }
            for (path, anchor) in targets {
                let place = format!("{}:{}: {}", file.path, number + 1, path.display());
                let there = repo::root().join(&path);
                if !there.exists() {
                    found.push(place);
                } else if let Some(anchor) = anchor
                    && !anchors(&std::fs::read_to_string(there).unwrap_or_default()).contains(&anchor)
                {
                    found.push(format!("{place}#{anchor}"));
                }
            }
        }
    }
    assert_none("leads nowhere", &found);
}

/// What a line of Markdown links to within the repository.
fn links(line: &str) -> impl Iterator<Item = &str> {
    line.match_indices("](")
        .filter_map(|(at, _)| line[at + 2..].split_once(')'))
        .map(|(link, _)| link.trim())
        .filter(|link| !link.contains("://") && !link.starts_with("mailto:"))
}

/// Documents that a comment sends the reader to.
fn mentions(line: &str) -> impl Iterator<Item = &str> {
    line.match_indices("docs/").filter_map(|(at, _)| {
        let path = line[at..]
            .split(|c: char| !(c.is_ascii_alphanumeric() || "/_-.".contains(c)))
            .next()?
            .trim_end_matches('.');
        let begins = at == 0 || !line[..at].ends_with(|c: char| c.is_alphanumeric() || "/.-_".contains(c));
        (begins && path.ends_with(".md")).then_some(path)
    })
}

fn target(from: &str, link: &str) -> Option<(PathBuf, Option<String>)> {
    let (path, anchor) = match link.split_once('#') {
        Some((path, anchor)) => (path, Some(anchor.to_owned())),
        None => (link, None),
    };
    let path = if path.is_empty() { PathBuf::from(from) } else { Path::new(from).parent()?.join(path) };
    let mut clean = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => drop(clean.pop()),
            Component::Normal(part) => clean.push(part),
            Component::CurDir | Component::RootDir | Component::Prefix(_) => {}
        }
    }
    Some((clean, anchor))
}

/// The names under which a renderer makes headings reachable.
fn anchors(markdown: &str) -> BTreeSet<String> {
    markdown
        .lines()
        .filter(|line| line.starts_with('#'))
        .map(|line| {
            line.trim_start_matches('#')
                .trim()
                .to_lowercase()
                .chars()
                .filter_map(|c| match c {
                    ' ' => Some('-'),
                    c if c.is_alphanumeric() || c == '-' || c == '_' => Some(c),
                    _ => None,
                })
                .collect()
        })
        .collect()
}
