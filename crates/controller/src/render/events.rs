//! The history for people: one line per event.

use evenkeel_core::{Event, Transition};

use super::text::{BAD, DIM, GOOD, WARN, clean, cut, fit, harmless_json, moment, of_severity, styled, width};

/// Events as lines, in the order given; empty text for no event.
pub fn render(events: &[Event], columns: usize) -> String {
    let columns = columns.clamp(40, 200);
    let kind = events.iter().map(|event| event.event_type.code().len()).max().unwrap_or(0);
    let name = events.iter().map(|event| width(&about(event))).max().unwrap_or(0).min((columns / 4).max(12));
    let mut out = String::new();
    for event in events {
        let transition = styled(of_transition(event.transition), &fit(event.transition.as_str(), 8));
        let severity = styled(of_severity(event.severity), &fit(event.severity.as_str(), 8));
        let head = format!("{}  {transition}  ", styled(DIM, &moment(event.created_at)));
        let kind_text = styled(of_severity(event.severity), &fit(event.event_type.code(), kind));
        // The moment, the transition, the type, the name, the severity, the handle, and two spaces between them.
        let used = 20 + 2 + 8 + 2 + kind + 2 + name + 2 + 8 + 2 + 8;
        let handle = styled(DIM, &clean(&event.handle));
        let line = format!("{head}{kind_text}  {}  {severity}  {handle}", fit(&about(event), name));
        out.push_str(&line);
        let room = columns.saturating_sub(used + 2);
        let details = clean(&event.details);
        if room >= 30 {
            out.push_str(&format!("  {}", cut(&details, room)));
        } else {
            out.push_str(&format!("\n    {}", cut(&details, columns.saturating_sub(4))));
        }
        for note in notes(event) {
            out.push_str(&styled(DIM, &format!("\n    └ {}", cut(&note, columns.saturating_sub(6)))));
        }
        out.push('\n');
    }
    out
}

/// Events as JSON Lines, in their canonical form.
pub fn render_lines(events: &[Event]) -> Result<String, serde_json::Error> {
    let mut out = String::new();
    for event in events {
        out.push_str(&harmless_json(&serde_json::to_string(event)?));
        out.push('\n');
    }
    Ok(out)
}

/// Events as one JSON list, in their canonical form.
pub fn render_json(events: &[Event]) -> Result<String, serde_json::Error> {
    serde_json::to_string_pretty(events).map(|text| harmless_json(&text))
}

/// `box2-media/sonarr`, `box2-media`, `netbox`.
fn about(event: &Event) -> String {
    let host = match &event.hostname {
        Some(host) => clean(host.as_str()).into_owned(),
        None => clean(&event.source).into_owned(),
    };
    match &event.service {
        Some(service) => format!("{host}/{}", clean(service.as_str())),
        None => host,
    }
}

fn notes(event: &Event) -> Vec<String> {
    let mut notes = Vec::new();
    if event.flapping {
        notes.push("it comes and goes; further changes are held back until it is quiet".to_owned());
    }
    if event.baseline {
        notes.push("it was there at the first look and is the baseline".to_owned());
    }
    if event.folded_count > 0 {
        let said: Vec<_> = event.folded.iter().take(5).map(|folded| clean(folded)).collect();
        notes.push(format!("{} beneath it: {}", event.folded_count, said.join(", ")));
    }
    notes
}

fn of_transition(transition: Transition) -> anstyle::Style {
    match transition {
        Transition::Opened | Transition::Reopened => BAD,
        Transition::Changed => WARN,
        Transition::Resolved => GOOD,
        Transition::Reminder => DIM,
    }
}
