//! The look as Markdown: for a merge request, a chat, a wiki.

use std::fmt::Write;

use super::outcome::{Exit, Outcome};
use super::text::{age, count, md, moment, percent};
use super::words::{about, change, folded, gap_words, heading};

/// The whole look.
pub fn render(outcome: &Outcome) -> String {
    let mut out = String::new();
    // Writing to a String cannot fail.
    let _ = write(&mut out, outcome);
    out
}

fn write(out: &mut String, outcome: &Outcome) -> std::fmt::Result {
    let totals = outcome.totals();
    let headline = match outcome.exit() {
        Exit::InSync => "in sync".to_owned(),
        Exit::Drift => {
            let drifts = count(totals.drifts, "drift", "drifts");
            if totals.blind == 0 {
                drifts
            } else {
                format!("{drifts}, {}", count(totals.blind, "blind scope", "blind scopes"))
            }
        }
        Exit::Blind => format!("no drift seen, {}", count(totals.blind, "blind scope", "blind scopes")),
    };
    writeln!(out, "## evenkeel: {headline}\n")?;
    blind(out, outcome)?;
    drifts(out, outcome)?;
    let counted = totals.coverages;
    writeln!(
        out,
        "Declared and running: {} % ({} of {}, {} unknown). Running and declared: {} % ({} of {}, {} unknown). \
         {} planned, {} retired, {} ignored.\n",
        percent(counted.declared_running, counted.declared),
        counted.declared_running,
        counted.declared,
        counted.declared_unknown,
        percent(counted.running_declared, counted.running),
        counted.running_declared,
        counted.running,
        counted.running_unknown,
        counted.planned,
        counted.retired,
        totals.ignored,
    )?;
    let version =
        outcome.netbox.version.as_deref().map(|version| format!(" {}", md(version))).unwrap_or_default();
    writeln!(
        out,
        "NetBox{version}: {}, {}. {}.",
        count(outcome.netbox.hosts, "host", "hosts"),
        count(outcome.netbox.services, "service", "services"),
        moment(outcome.now)
    )
}

fn blind(out: &mut String, outcome: &Outcome) -> std::fmt::Result {
    if outcome.subjects.iter().all(|subject| subject.blind.is_empty()) {
        return Ok(());
    }
    writeln!(out, "### Not seen\n")?;
    for subject in &outcome.subjects {
        for scope in &subject.blind {
            write!(out, "- **{}**: {}: ", md(&heading(&subject.subject)), md(&scope.source.to_string()))?;
            write!(out, "{}", md(&gap_words(&scope.gap)))?;
            if scope.unknown_services > 0 {
                write!(out, "; {} unknown", count(scope.unknown_services as usize, "service", "services"))?;
            }
            if let Some(since) = scope.since {
                write!(out, "; since {}", age(since, outcome.now))?;
            }
            writeln!(out)?;
        }
    }
    writeln!(out)
}

fn drifts(out: &mut String, outcome: &Outcome) -> std::fmt::Result {
    if outcome.subjects.iter().all(|subject| subject.roots.is_empty()) {
        return Ok(());
    }
    writeln!(out, "### Drift\n")?;
    writeln!(out, "| host | what | service | expected → observed | severity | since | handle |")?;
    writeln!(out, "| --- | --- | --- | --- | --- | --- | --- |")?;
    for subject in &outcome.subjects {
        for root in &subject.roots {
            let drift = &root.drift;
            let beneath = folded(&root.folded).map(|words| format!("<br>{}", md(&words))).unwrap_or_default();
            writeln!(
                out,
                "| {} | `{}` | {} | {}{beneath} | {} | {} | `{}` |",
                md(&heading(&subject.subject)),
                drift.id.event_type,
                md(&about(&drift.id)),
                md(&change(drift)),
                drift.severity,
                root.since.map(|since| age(since, outcome.now)).unwrap_or_default(),
                drift.id.handle(),
            )?;
        }
    }
    writeln!(out)
}
