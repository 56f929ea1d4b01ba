//! A proposal: one action for one drift, and where it stands. What does not live here: how it gets from one state to the
//! next; that is [`super::step()`], and there is no other way.

use std::fmt;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::record::{Code, JournalEntry};
use super::rule::{Effect, Mode, Params};
use super::state::{Approval, Approver, Phase, State};
use crate::event::Severity;
use crate::id::DriftId;

/// What a proposal is about: the drift, the opening of it, and the how-manieth proposal for that opening.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ProposalId {
    /// The drift.
    pub drift: DriftId,
    /// When the drift was opened: a drift that comes back is another occasion.
    pub occasion: Timestamp,
    /// From 1 on, counted within the occasion.
    pub number: u32,
}

impl ProposalId {
    /// The idempotency key: the same for every repetition of one request, another for every other proposal.
    pub fn key(&self) -> Key {
        const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
        let Self { drift, occasion, number } = self;
        let text = format!("{drift}|{}|{number}", occasion.as_nanosecond());
        let hash = xxhash_rust::xxh3::xxh3_128(text.as_bytes());
        let letter = |i: u32| char::from(ALPHABET[((hash >> (i * 5)) & 31) as usize]);
        Key(Arc::from((0..26).map(letter).collect::<String>()))
    }
}

/// A proposal's idempotency key, in Crockford base 32. People type its first eight characters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Key(Arc<str>);

impl Key {
    /// The key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The short handle people type.
    pub fn handle(&self) -> &str {
        self.0.get(..8).unwrap_or(&self.0)
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// How long is waited for what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Patience {
    /// For approval, and then for the moment in which it may run.
    pub approve: SignedDuration,
    /// For the receiver's answer.
    pub answer: SignedDuration,
    /// For the effect to be seen.
    pub verify: SignedDuration,
}

/// One action for one drift. What it would do is decided when it is made and does not change; only its state does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proposal {
    /// What it is about.
    pub id: ProposalId,
    /// Its idempotency key; kept, so that a newer version that made keys otherwise would not send it twice.
    pub key: Key,
    /// What it would do.
    pub content: Content,
    /// How much its drift mattered when it was made.
    pub severity: Severity,
    /// How long is waited for what.
    pub patience: Patience,
    /// When it was made.
    pub created_at: Timestamp,
    /// Until when it may be approved and dispatched.
    pub expires_at: Timestamp,
    pub(super) state: State,
}

/// What a proposal would do, and on whose behalf.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Content {
    /// The rule that asks for it.
    pub rule: Arc<str>,
    /// Who may approve it.
    pub mode: Mode,
    /// The action's name.
    pub action: Arc<str>,
    /// What the action is meant to achieve.
    pub effect: Effect,
    /// What the action is told.
    pub params: Params,
}

impl Proposal {
    /// Where it stands.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// What that means for everybody else.
    pub fn phase(&self) -> Phase {
        match (&self.state, self.content.effect) {
            (State::Proposed | State::Approved { .. }, _) => Phase::Waiting,
            (State::Dispatched { .. } | State::Acknowledged { .. }, _) => Phase::Running,
            (State::Succeeded { .. } | State::Failed { .. } | State::TimedOut { .. }, Effect::Repair) => {
                Phase::Unverified
            }
            // There is nothing to observe of a message that was sent.
            (State::Succeeded { .. } | State::Failed { .. } | State::TimedOut { .. }, Effect::Tell) => {
                Phase::Over
            }
            (
                State::Rejected { .. }
                | State::Expired { .. }
                | State::Withdrawn { .. }
                | State::Verified { .. }
                | State::NotVerified { .. }
                | State::Escalated { .. },
                _,
            ) => Phase::Over,
        }
    }

    /// Whether what was dispatched did what it was meant to, and when that was known. `None`: not dispatched, or not
    /// known yet.
    pub fn outcome(&self) -> Option<(bool, Timestamp)> {
        match (&self.state, self.content.effect) {
            (State::Verified { at, .. }, _) | (State::Succeeded { at, .. }, Effect::Tell) => {
                Some((true, *at))
            }
            (State::NotVerified { at, .. } | State::Escalated { run: Some(_), at, .. }, _)
            | (State::Failed { at, .. } | State::TimedOut { at, .. }, Effect::Tell) => Some((false, *at)),
            (State::Succeeded { .. } | State::Failed { .. } | State::TimedOut { .. }, Effect::Repair)
            | (
                State::Proposed
                | State::Approved { .. }
                | State::Rejected { .. }
                | State::Expired { .. }
                | State::Withdrawn { .. }
                | State::Dispatched { .. }
                | State::Acknowledged { .. }
                | State::Escalated { run: None, .. },
                _,
            ) => None,
        }
    }

    /// A line of the journal about it.
    pub(super) fn note(&self, code: Code, at: Timestamp, actor: Arc<str>, text: String) -> JournalEntry {
        JournalEntry {
            code,
            at,
            drift: Some(self.id.drift.clone()),
            proposal: Some(self.key.clone()),
            actor,
            text,
            announce: code.is_announced(),
        }
    }
}

/// A proposal that is to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// What it is about.
    pub id: ProposalId,
    /// What it would do.
    pub content: Content,
    /// How much its drift matters.
    pub severity: Severity,
    /// How long is waited for what.
    pub patience: Patience,
}

impl Draft {
    /// Makes the proposal. A rule of mode `auto` approves it in the same breath.
    pub fn open(self, now: Timestamp) -> (Proposal, Vec<JournalEntry>) {
        let Self { id, content, severity, patience } = self;
        let key = id.key();
        let expires_at = later(now, patience.approve);
        let state = State::Proposed;
        let mut proposal =
            Proposal { id, key, content, severity, patience, created_at: now, expires_at, state };
        let Content { rule, mode, action, effect: _, params: _ } = proposal.content.clone();
        let text = format!("{action} is proposed for {}.", about(&proposal.id.drift));
        let asked = Code::ApprovalWanted;
        let wanted = format!("{action} for {} waits for approval.", about(&proposal.id.drift));
        let us: Arc<str> = Arc::from(JournalEntry::SELF);
        let mut journal = vec![proposal.note(Code::Proposed, now, us.clone(), text)];
        match mode {
            Mode::Off | Mode::Propose => {}
            Mode::Approve => journal.push(proposal.note(asked, now, us, wanted)),
            Mode::Auto => {
                let by = Approver::Rule(rule.clone());
                let text =
                    format!("{action} for {} is approved by the rule itself.", about(&proposal.id.drift));
                journal.push(proposal.note(Code::Approved, now, by.name(), text));
                proposal.state =
                    State::Approved { approval: Approval { by, reason: Arc::from(""), at: now } };
            }
        }
        (proposal, journal)
    }
}

/// A drift in the words of a sentence.
pub(super) fn about(id: &DriftId) -> String {
    let place = match &id.subject {
        crate::id::Subject::Host(host) => host.to_string(),
        crate::id::Subject::Source(source) => source.to_string(),
    };
    match &id.service {
        Some(service) => format!("{service} on {place} ({})", id.event_type),
        None => format!("{place} ({})", id.event_type),
    }
}

/// The moment so much later; the end of time where there is none.
pub(super) fn later(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.checked_add(by).unwrap_or(Timestamp::MAX)
}

/// The moment so much earlier; the beginning of time where there is none.
pub(super) fn before(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.checked_sub(by).unwrap_or(Timestamp::MIN)
}
