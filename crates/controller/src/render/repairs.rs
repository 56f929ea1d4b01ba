//! Proposals for people, and what would run now. What does not live here: their JSON, which is the API's.

use evenkeel_core::remediation::{Param, ProposalLine};
use serde_json::Value;

use super::text::{self, BOLD, DIM, WARN, cut, fit, harmless_json, moment, styled, width};

/// Proposals as lines, in the order given.
pub fn list(lines: &[ProposalLine], columns: usize) -> String {
    let columns = columns.clamp(40, 200);
    let widest = |text: fn(&ProposalLine) -> String, most: usize| {
        lines.iter().map(|line| width(&text(line))).max().unwrap_or(0).min(most)
    };
    let (actions, places) = (widest(|line| clean(&line.action), 24), widest(place, 32));
    let mut out = String::new();
    for line in lines {
        let head = format!(
            "{}  {}  {}  {}  {}",
            styled(DIM, &moment(line.created_at)),
            styled(BOLD, &line.handle),
            fit(line.state, 12),
            fit(&clean(&line.action), actions),
            fit(&place(line), places)
        );
        let used = 20 + 2 + 8 + 2 + 12 + 2 + actions + 2 + places + 2;
        let rest = format!("{} ({})", line.event_type.code(), line.drift_handle);
        let rest = match &line.why {
            Some(why) => format!("{rest}: {}", clean(why)),
            None => rest,
        };
        match columns.saturating_sub(used) {
            room @ 24.. => out.push_str(&format!("{head}  {}\n", cut(&rest, room))),
            _ => out.push_str(&format!("{head}\n    {}\n", cut(&rest, columns.saturating_sub(4)))),
        }
    }
    out
}

/// Everything about one proposal.
pub fn show(line: &ProposalLine) -> String {
    let mut out = format!("{} {} for {}\n", styled(BOLD, &line.handle), clean(&line.action), place(line));
    let mut row = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            out.push_str(&format!("  {}  {value}\n", styled(DIM, &fit(name, 10))));
        }
    };
    row("state", Some(format!("{} ({})", line.state, line.phase)));
    row("why", line.why.as_deref().map(clean));
    row("drift", Some(format!("{} {}", line.drift_handle, clean(&line.drift_id))));
    row("rule", Some(format!("{} ({})", clean(&line.rule), line.mode.as_str())));
    let param =
        |(param, value): (&Param, &std::sync::Arc<str>)| format!("{}={}", param.as_str(), clean(value));
    row(
        "told",
        (!line.params.is_empty()).then(|| line.params.iter().map(param).collect::<Vec<_>>().join(" ")),
    );
    row("made", Some(moment(line.created_at)));
    row("expires", (line.phase == "waiting").then(|| moment(line.expires_at)));
    row(
        "approved",
        line.approved_by
            .as_deref()
            .zip(line.approved_at)
            .map(|(by, at)| format!("{} by {}", moment(at), clean(by))),
    );
    row("dispatched", line.dispatched_at.map(moment));
    row("since", line.since.map(moment));
    row(
        "answer",
        line.answer.and_then(|answer| serde_json::to_value(answer).ok()?.as_str().map(str::to_owned)),
    );
    row(
        "output",
        line.output
            .as_ref()
            .filter(|output| !output.as_str().is_empty())
            .map(|output| clean(output.as_str())),
    );
    row("key", Some(line.key.to_string()));
    out
}

/// What a decision led to.
pub fn decided(line: &Value) -> String {
    let text = |key: &str| clean(line.get(key).and_then(Value::as_str).unwrap_or_default());
    format!(
        "{} is {}: {} for {}\n",
        styled(BOLD, &text("handle")),
        text("state"),
        text("action"),
        text("drift_id")
    )
}

/// What would run now, and what holds the rest back.
pub fn rehearsal(rehearsal: &Value, columns: usize) -> String {
    let columns = columns.clamp(40, 200);
    let text = |value: &Value, key: &str| clean(value.get(key).and_then(Value::as_str).unwrap_or_default());
    let rows = |key: &str| rehearsal.get(key).and_then(Value::as_array).cloned().unwrap_or_default();
    let mut out = String::new();
    if rehearsal.get("enabled").and_then(Value::as_bool) == Some(false) {
        out.push_str("Remediation is not switched on: nothing is proposed.\n");
    }
    if let Some(halt) = rehearsal.get("halt").filter(|halt| !halt.is_null()) {
        let said = format!("{} stopped all repairs: {}", text(halt, "by"), text(halt, "reason"));
        out.push_str(&format!("{} {said}\n", styled(WARN, "halted")));
    }
    if rehearsal.pointer("/brake/engaged").is_some_and(|engaged| !engaged.is_null()) {
        out.push_str(&format!("{} too much drifts at once\n", styled(WARN, "brake on")));
    }
    for (title, key) in [("would be proposed", "propose"), ("would be dispatched", "dispatch")] {
        let rows = rows(key);
        out.push_str(&format!("{} {title}\n", styled(BOLD, &rows.len().to_string())));
        for row in &rows {
            let what = format!("{}  {}  {}", text(row, "handle"), text(row, "action"), text(row, "drift_id"));
            out.push_str(&format!("  {}\n", cut(&what, columns.saturating_sub(2))));
        }
    }
    let held = rows("held");
    out.push_str(&format!("{} held back\n", styled(BOLD, &held.len().to_string())));
    for row in &held {
        let what = match row.get("action").and_then(Value::as_str) {
            Some(action) => format!("{} for {}", clean(action), text(row, "drift_id")),
            None => text(row, "drift_id"),
        };
        out.push_str(&format!(
            "  {}\n",
            cut(
                &format!("{}  {what}: {}", text(row, "drift_handle"), text(row, "why")),
                columns.saturating_sub(2)
            )
        ));
    }
    out
}

fn place(line: &ProposalLine) -> String {
    let host = line.host.as_ref().map(|host| clean(host.as_str()));
    match (&line.service, host) {
        (Some(service), Some(host)) => format!("{}@{host}", clean(service.as_str())),
        (None, Some(host)) => host,
        (_, None) => clean(&line.drift_id),
    }
}

/// As JSON, in the form of the API.
pub fn json(value: &impl serde::Serialize) -> Result<String, serde_json::Error> {
    serde_json::to_string_pretty(value).map(|text| harmless_json(&text))
}

fn clean(text: &str) -> String {
    text::clean(text).into_owned()
}
