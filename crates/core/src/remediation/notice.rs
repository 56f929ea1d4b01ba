//! A notice: an announced line of the journal on its way to people and programs
//! (docs/adr/0006-the-brake-is-a-notice.md). What does not live here: which lines are announced; that is
//! [`Code::is_announced`].

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::proposal::Key;
use super::record::{Code, JournalEntry};
use crate::id::EventId;

/// One announced line. Its serialized form is what sinks send.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// UUID of version 7: the idempotency key, as an event's.
    pub id: EventId,
    /// What tells it from an event.
    pub kind: Kind,
    /// What it says, in one stable word.
    pub code: Code,
    /// One sentence for people.
    pub text: String,
    /// Who: `evenkeel`, `rule NAME`, a person.
    pub actor: Arc<str>,
    /// When.
    pub at: Timestamp,
    /// The drift concerned, in its text form; null for what concerns everything.
    pub drift_id: Option<String>,
    /// The drift's short handle.
    pub handle: Option<String>,
    /// The proposal concerned, by its key.
    pub proposal: Option<Key>,
}

/// What every notice's order begins with. No drift's text form does.
const ORDER: &str = "remediation";

/// The one word under `kind`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A notice.
    #[default]
    Notice,
}

impl Notice {
    /// The notice of an announced line; `None` for a line that people are not told.
    pub fn of(entry: &JournalEntry, id: EventId) -> Option<Self> {
        let JournalEntry { code, at, drift, proposal, actor, text, announce } = entry;
        announce.then(|| Self {
            id,
            kind: Kind::Notice,
            code: *code,
            text: text.clone(),
            actor: actor.clone(),
            at: *at,
            drift_id: drift.as_ref().map(ToString::to_string),
            handle: drift.as_ref().map(crate::id::DriftId::handle),
            proposal: proposal.clone(),
        })
    }

    /// What must stay in order with it: the other notices about the same drift, or about everything. Not the drift's own
    /// events: one of those may wait for the morning, and a person who is needed now must not wait behind it.
    pub fn order_key(&self) -> String {
        match &self.drift_id {
            Some(drift) => format!("{ORDER}|{drift}"),
            None => ORDER.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_announced_line_becomes_a_notice_and_reads_back() {
        let id = EventId::new(Timestamp::UNIX_EPOCH, [7; 10]);
        let us: Arc<str> = Arc::from(JournalEntry::SELF);
        let engaged =
            JournalEntry::of_all(Code::BrakeEngaged, Timestamp::UNIX_EPOCH, us.clone(), "on".into());
        let notice = Notice::of(&engaged, id).unwrap();
        let json = serde_json::to_value(&notice).unwrap();
        assert_eq!((&json["kind"], &json["code"]), (&"notice".into(), &"brake_engaged".into()));
        assert_eq!(serde_json::from_value::<Notice>(json).unwrap(), notice);
        assert_eq!(notice.order_key(), "remediation");
        let drift = "SERVICE_MISSING|host:box|web||".to_owned();
        let about = Notice { drift_id: Some(drift.clone()), ..notice };
        assert_ne!(about.order_key(), drift, "it would wait behind what waits for the morning");
        assert!(about.order_key().ends_with(&drift) && crate::DriftId::parse(&about.order_key()).is_none());
        let halted = JournalEntry::of_all(Code::Halted, Timestamp::UNIX_EPOCH, us, "stop".into());
        assert_eq!(Notice::of(&halted, id), None);
    }
}
