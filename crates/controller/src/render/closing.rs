//! How the look for people ends: both sides of the coverage, and one line that says it all.

use super::outcome::{Exit, Outcome, Totals};
use super::table::Page;
use super::text::{BAD, DIM, GOOD, WARN, age, clean, count, percent, styled, width};
use evenkeel_core::tally::{Coverages, Machines};

/// Writes the end.
pub(super) fn write(page: &mut Page, outcome: &Outcome) {
    let totals = outcome.totals();
    page.gap();
    coverage(page, outcome, &totals);
    last_line(page, outcome, &totals);
}

fn coverage(page: &mut Page, outcome: &Outcome, totals: &Totals) {
    let Coverages {
        declared_running,
        declared,
        declared_unknown,
        running_declared,
        running,
        running_unknown,
        planned,
        retired,
        machines,
    } = totals.coverages;
    let side = |words: &str, part: usize, whole: usize, unknown: usize| {
        let unknown = if unknown > 0 { format!(", {unknown} unknown") } else { String::new() };
        if whole == 0 {
            return format!("{words}: none known{unknown}");
        }
        format!("{words} {} % ({part} of {whole}{unknown})", percent(part, whole))
    };
    if machines != Machines::default() {
        let said = [
            side(
                "Machines declared and running",
                machines.declared_running,
                machines.declared,
                machines.declared_unknown,
            ),
            side("running and declared", machines.running_declared, machines.running, 0),
        ];
        page.parts(0, DIM, &said);
    }
    let services = if machines == Machines::default() { "Declared" } else { "Services declared" };
    let mut said = vec![
        side(&format!("{services} and running"), declared_running, declared, declared_unknown),
        side("running and declared", running_declared, running, running_unknown),
    ];
    let counted = [(planned, "planned"), (retired, "retired"), (totals.ignored, "ignored")];
    let counted: Vec<_> =
        counted.iter().filter(|(n, _)| *n > 0).map(|(n, word)| format!("{n} {word}")).collect();
    if !counted.is_empty() {
        said.push(counted.join(", "));
    }
    for (rule, end) in &outcome.expiring {
        said.push(if *end <= outcome.now {
            format!("rule `{}` has ended", clean(rule))
        } else {
            format!("rule `{}` ends in {}", clean(rule), age(outcome.now, *end))
        });
    }
    page.parts(0, DIM, &said);
}

fn last_line(page: &mut Page, outcome: &Outcome, totals: &Totals) {
    let drifts = count(totals.drifts, "drift", "drifts");
    let scopes = count(totals.blind, "blind scope", "blind scopes");
    let (style, said) = match outcome.exit() {
        Exit::InSync => (GOOD, "In sync.".to_owned()),
        Exit::Drift if totals.blind > 0 => (BAD, format!("{drifts}, {scopes}.")),
        Exit::Drift => (BAD, format!("{drifts}.")),
        Exit::Blind if totals.blind > 0 => {
            (WARN, format!("No drift seen, {scopes}: not everything was seen."))
        }
        Exit::Blind => (WARN, "No drift seen, but open ones cannot be judged.".to_owned()),
    };
    let first = outcome.subjects.iter().flat_map(|subject| &subject.roots).map(|root| &root.drift);
    let first = first.min_by_key(|drift| std::cmp::Reverse(drift.severity)).map(|drift| drift.id.handle());
    let blind = || outcome.subjects.iter().flat_map(|s| &s.blind).find_map(|scope| scope.drift.as_ref());
    let Some(handle) = first.or_else(|| blind().map(|drift| drift.id.handle())) else {
        return page.line(styled(style, &said));
    };
    let hint = format!("evenkeel explain {handle}");
    let space = page.columns().saturating_sub(width(&said) + width(&hint));
    if space >= 2 {
        page.line(format!("{}{}{}", styled(style, &said), " ".repeat(space.min(20)), styled(DIM, &hint)));
    } else {
        page.line(styled(style, &said));
        page.line(styled(DIM, &hint));
    }
}
