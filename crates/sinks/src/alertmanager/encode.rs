//! From an event or an open drift to an alert. Pure: both give the same labels for the same drift, and the labels are
//! what an alert is.

use std::collections::BTreeMap;

use evenkeel_core::{Event, Transition};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::OpenDrift;
use crate::http::Link;
use crate::message::one_line;

/// Labels that say which drift it is.
pub(super) const OWN_LABELS: [&str; 5] = ["alertname", "host", "service", "severity", "handle"];

/// Annotations are for people; what a hostile name can make of them has an end.
const LONGEST: usize = 2000;
/// Longest name in a label; which drift it is says the handle.
const NAME: usize = 200;

/// What every alert of a sink wears.
#[derive(Clone, Debug, Default)]
pub(super) struct Dress {
    pub(super) labels: BTreeMap<String, String>,
    pub(super) link: Option<Link>,
}

/// The alert of an event: open until `until` unless it is repeated, or ended when the drift was.
pub(super) fn of_event(event: &Event, dress: &Dress, until: Timestamp) -> Value {
    let ends_at = match event.transition {
        Transition::Opened | Transition::Reopened | Transition::Changed | Transition::Reminder => until,
        // Before its start Alertmanager takes no end.
        Transition::Resolved => event.created_at.max(event.first_seen),
    };
    let drift = OpenDrift {
        event_type: event.event_type,
        hostname: event.hostname.clone(),
        service: event.service.clone(),
        severity: event.severity,
        handle: event.handle.clone(),
        details: event.details.clone(),
        first_seen: event.first_seen,
    };
    let mut alert = of_drift(&drift, dress, ends_at);
    if !event.folded.is_empty() {
        let named = event.folded.join(", ");
        let more =
            usize::try_from(event.folded_count).unwrap_or(usize::MAX).saturating_sub(event.folded.len());
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        alert["annotations"]["explains"] = Value::String(one_line(&format!("{named}{more}"), LONGEST));
    }
    alert
}

/// The alert of a drift that is open.
pub(super) fn of_drift(drift: &OpenDrift, dress: &Dress, ends_at: Timestamp) -> Value {
    let OpenDrift { event_type, hostname, service, severity, handle, details, first_seen } = drift;
    let mut labels: Map<String, Value> =
        dress.labels.iter().map(|(name, value)| (name.clone(), Value::from(value.as_str()))).collect();
    labels.insert("alertname".to_owned(), event_type.code().into());
    labels.insert("severity".to_owned(), severity.as_str().into());
    labels.insert("handle".to_owned(), handle.as_str().into());
    if let Some(host) = hostname {
        labels.insert("host".to_owned(), one_line(host.as_str(), NAME).into());
    }
    if let Some(service) = service {
        labels.insert("service".to_owned(), one_line(service.as_str(), NAME).into());
    }
    let mut alert = json!({
        "labels": labels,
        "annotations": { "summary": one_line(details, LONGEST), "explain": format!("evenkeel explain {handle}") },
        "startsAt": first_seen.to_string(),
        "endsAt": ends_at.to_string(),
    });
    if let Some(link) = &dress.link {
        alert["generatorURL"] = Value::String(link.to(Some(handle)));
    }
    alert
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{at, event, hostile, resolved};

    #[test]
    fn a_hostile_name_stays_a_label() {
        let dress = Dress {
            labels: [("team".to_owned(), "ops".to_owned())].into(),
            link: Some(Link::new("https://evenkeel.lan/{handle}").unwrap()),
        };
        insta::assert_json_snapshot!(of_event(&hostile(), &dress, at("2025-12-22T03:18:52Z")));
    }

    #[test]
    fn every_transition_of_a_drift_is_about_the_same_alert() {
        let labels = |event: &Event| of_event(event, &Dress::default(), Timestamp::MAX)["labels"].clone();
        for transition in
            [Transition::Reopened, Transition::Changed, Transition::Reminder, Transition::Resolved]
        {
            assert_eq!(labels(&Event { transition, ..event() }), labels(&event()));
        }
        assert_ne!(labels(&Event { handle: "OTHER".into(), ..event() }), labels(&event()));
    }

    #[test]
    fn what_is_resolved_ended_when_it_was_and_never_before_its_start() {
        let ends = |event: &Event| of_event(event, &Dress::default(), Timestamp::MAX)["endsAt"].clone();
        assert_eq!(ends(&resolved()), "2025-12-22T03:14:52Z");
        assert_eq!(
            ends(&Event { created_at: at("2025-12-22T03:00:00Z"), ..resolved() }),
            "2025-12-22T03:14:22Z"
        );
    }
}
