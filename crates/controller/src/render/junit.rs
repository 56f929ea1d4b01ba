//! The look as JUnit XML: one test case per host, so that a pipeline shows drift as failure and blindness as error.

use std::fmt::Write;

use super::outcome::{Outcome, SubjectOutcome};
use super::text::{count, xml};
use super::words::{gap_words, heading};

/// The whole look.
pub fn render(outcome: &Outcome) -> String {
    let mut cases = String::new();
    let mut tally = Tally::default();
    for subject in &outcome.subjects {
        // Writing to a String cannot fail.
        let _ = case(&mut cases, subject, &mut tally);
    }
    let Tally { tests, failures, errors, skipped } = tally;
    let counts = format!("tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\"");
    let time = outcome.took.as_secs_f64();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <testsuites name=\"evenkeel\" {counts} time=\"{time:.3}\">\n  \
         <testsuite name=\"evenkeel diff\" {counts} skipped=\"{skipped}\" time=\"{time:.3}\" timestamp=\"{}\">\n\
         {cases}  </testsuite>\n</testsuites>\n",
        outcome.now.strftime("%Y-%m-%dT%H:%M:%S"),
    )
}

#[derive(Default)]
struct Tally {
    tests: usize,
    failures: usize,
    errors: usize,
    skipped: usize,
}

fn case(out: &mut String, subject: &SubjectOutcome, tally: &mut Tally) -> std::fmt::Result {
    let name = xml(&heading(&subject.subject));
    let class = match subject.subject.host() {
        Some(_) => "evenkeel.host",
        None => "evenkeel.source",
    };
    // A test case has one result. What could not be seen comes first; drift that was seen all the same has its own.
    if !subject.blind.is_empty() || !subject.unjudged.is_empty() {
        tally.tests += 1;
        tally.errors += 1;
        let suffix = if subject.roots.is_empty() { "" } else { " (observation)" };
        writeln!(out, "    <testcase classname=\"{class}\" name=\"{name}{suffix}\">")?;
        error(out, subject)?;
        writeln!(out, "    </testcase>")?;
        if subject.roots.is_empty() {
            return Ok(());
        }
    }
    tally.tests += 1;
    if !subject.roots.is_empty() {
        tally.failures += 1;
        writeln!(out, "    <testcase classname=\"{class}\" name=\"{name}\">")?;
        failure(out, subject)?;
        writeln!(out, "    </testcase>")
    } else if subject.uncovered {
        tally.skipped += 1;
        writeln!(out, "    <testcase classname=\"{class}\" name=\"{name}\">")?;
        writeln!(out, "      <skipped message=\"no source observes it\"/>\n    </testcase>")
    } else {
        writeln!(out, "    <testcase classname=\"{class}\" name=\"{name}\"/>")
    }
}

fn error(out: &mut String, subject: &SubjectOutcome) -> std::fmt::Result {
    let blind: Vec<_> = subject
        .blind
        .iter()
        .map(|scope| {
            let unknown = count(scope.unknown_services as usize, "service", "services");
            format!("{}: {}; {unknown} unknown", scope.source, gap_words(&scope.gap))
        })
        .chain(
            subject
                .unjudged
                .iter()
                .map(|(id, gap)| format!("{} cannot be judged: {}", id.handle(), gap_words(gap))),
        )
        .collect();
    let kind = subject
        .blind
        .iter()
        .find_map(|scope| scope.drift.as_ref())
        .map_or("BLIND", |d| d.id.event_type.code());
    let message = blind.first().map(|line| xml(line)).unwrap_or_default();
    writeln!(out, "      <error type=\"{kind}\" message=\"{message}\">{}</error>", lines(&blind))
}

fn failure(out: &mut String, subject: &SubjectOutcome) -> std::fmt::Result {
    let mut said = Vec::new();
    for root in &subject.roots {
        let drift = &root.drift;
        let details = drift.difference.details(&drift.id);
        said.push(format!("{} {} [{}] {details}", drift.id.handle(), drift.id.event_type, drift.severity));
        said.extend(super::words::folded(&root.folded));
    }
    let kind = subject.roots.first().map_or("DRIFT", |root| root.drift.id.event_type.code());
    let message = count(subject.roots.len(), "drift", "drifts");
    writeln!(out, "      <failure type=\"{kind}\" message=\"{message}\">{}</failure>", lines(&said))
}

fn lines(lines: &[String]) -> String {
    lines.iter().map(|line| xml(line)).collect::<Vec<_>>().join("\n")
}
