//! Silences for people. What does not live here: their JSON.

use evenkeel_core::policy::MadeSilence;
use evenkeel_core::policy::silence::{Pattern, Target};
use jiff::Timestamp;
use serde_json::Value;

use super::text::{BOLD, DIM, clean, fit, moment, styled};

/// Silences as lines, in the order given.
pub fn list(silences: &[&MadeSilence], now: Timestamp) -> String {
    let line = |silence: &&MadeSilence| {
        let until = match silence.until_resolved && silence.ended.is_none() {
            true => "resolved, at most ",
            false => "",
        };
        format!(
            "{}  {}  until {until}{}  {}  {}\n    {}\n",
            styled(BOLD, &silence.name),
            fit(silence.stands(now).as_str(), 8),
            styled(DIM, &moment(silence.over_at())),
            clean(&whom(&silence.target)),
            styled(DIM, &format!("by {}", clean(&silence.owner))),
            clean(&silence.reason)
        )
    };
    silences.iter().map(line).collect()
}

fn whom(target: &Target) -> String {
    match target {
        Target::Drift(drift) => format!("drift {} ({drift})", drift.handle()),
        Target::Pattern(Pattern { hosts, services, types }) => {
            let types: Vec<&str> = types.iter().map(|kind| kind.code()).collect();
            let lists =
                [("hosts", hosts.join(", ")), ("services", services.join(", ")), ("types", types.join(", "))];
            let said = lists.iter().filter(|(_, list)| !list.is_empty());
            said.map(|(of, list)| format!("{of} {list}")).collect::<Vec<_>>().join("  ")
        }
    }
}

/// What the controller made.
pub fn made(silence: &Value) -> String {
    let until = match silence.get("until_resolved").and_then(Value::as_bool) {
        Some(true) => "until it is resolved, at most until",
        Some(false) | None => "until",
    };
    format!("silence {} holds {until} {}", word(silence, "name"), word(silence, "ends"))
}

/// What the controller ended.
pub fn ended(silence: &Value) -> String {
    format!("silence {} is over; what is still open is told now", word(silence, "name"))
}

fn word(silence: &Value, key: &str) -> String {
    clean(silence.get(key).and_then(Value::as_str).unwrap_or("?")).into_owned()
}
