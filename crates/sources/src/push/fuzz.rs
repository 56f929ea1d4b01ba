//! What a fuzzer may send to an inbox, and what must hold of what it takes in.

use evenkeel_core::policy::Matcher;
use evenkeel_core::{Fact, SourceId, SourceKind};
use jiff::Timestamp;
use serde_json::Value;

use super::{Config, Form, PushSource, Refused};
use crate::fuzz::is_decent;

/// One body, sent twice to the same inbox. `lines`: the sender says that it is one value per line.
pub fn body(lines: bool, body: &[u8]) {
    let form = if lines { Form::Lines } else { Form::Either };
    let id = SourceId::new(SourceKind::Push, "scripts");
    let inbox = PushSource::new(Config::new(id, vec![Matcher::glob("*")]));
    // A minute after the recorded observation.
    let now = Timestamp::from_second(1_766_376_720).unwrap_or(Timestamp::UNIX_EPOCH);
    let first = inbox.accept(body, form, now);
    let snapshots = inbox.snapshots_at(now);
    match &first {
        Ok(taken) => {
            assert!(taken.accepted > 0, "the first of a host is news");
            assert!(!snapshots.is_empty() && snapshots.len() <= taken.accepted);
            assert!(taken.partial.len() <= taken.accepted);
            taken.partial.iter().for_each(|(_, gap)| is_decent(gap));
            if let Some(sent) = values(body, form) {
                assert_eq!(taken.accepted + taken.duplicates + taken.refused.len(), sent, "nobody is told");
            }
        }
        Err(Refused::All(all)) => assert!(!all.is_empty() && snapshots.is_empty()),
        Err(_) => assert!(snapshots.is_empty()),
    }
    for snapshot in &snapshots {
        assert!(snapshot.observed_at <= now, "nothing was observed in the future");
        snapshot.coverage.gap().into_iter().for_each(is_decent);
        for service in &snapshot.services {
            assert!(!service.name.as_str().is_empty());
            for gap in
                [service.state.known().err(), service.ports.known().err(), service.health.known().err()]
            {
                gap.into_iter().for_each(is_decent);
            }
            if let Fact::Unknown(gap) = &service.restarts {
                is_decent(gap);
            }
        }
    }
    // What is sent again is no news and changes nothing.
    if let Ok(again) = inbox.accept(body, form, now) {
        assert_eq!(again.accepted, 0);
        assert!(first.is_ok());
    }
    assert_eq!(inbox.snapshots_at(now), snapshots);
}

/// How many values a body holds, where it is JSON as a whole.
fn values(body: &[u8], form: Form) -> Option<usize> {
    match (form, serde_json::from_slice::<Value>(body).ok()?) {
        (Form::Either, Value::Array(values)) => Some(values.len()),
        (Form::Either, _) => Some(1),
        (Form::Lines, _) => None,
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn recorded_observations_keep_what_is_demanded() {
        let seed = include_bytes!("../../tests/fixtures/push/seed.json");
        super::body(false, seed);
        super::body(true, seed);
        super::body(false, b"[]");
    }
}
