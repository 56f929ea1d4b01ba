//! A proposal as it is shown and sent: in the API, on the command line, and in the request a receiver gets. What does not
//! live here: the form in which it is kept.

use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;

use super::proposal::{Key, Proposal};
use super::rule::{Effect, Mode, Params};
use super::said::Output;
use super::state::{Answer, Phase, State};
use crate::event::{EventType, Severity};
use crate::id::{HostName, ServiceName};

/// A proposal as it is shown. What does not apply to its state is null.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ProposalLine {
    /// Its idempotency key.
    pub key: Key,
    /// The key's first characters, which people type.
    pub handle: String,
    /// The how-manieth for this opening of the drift, from 1.
    pub number: u32,
    /// The drift, in its text form.
    pub drift_id: String,
    /// The drift's handle.
    pub drift_handle: String,
    /// The host; null for a source that belongs to none.
    pub host: Option<HostName>,
    /// The service.
    pub service: Option<ServiceName>,
    /// The drift's type.
    pub event_type: EventType,
    /// How much the drift mattered when the proposal was made.
    pub severity: Severity,
    /// What it asks for.
    pub action: Arc<str>,
    /// What that is meant to achieve.
    pub effect: Effect,
    /// The rule that asks for it.
    pub rule: Arc<str>,
    /// Who may approve it.
    pub mode: Mode,
    /// What the action is told.
    pub params: Params,
    /// Where it stands, in one word.
    pub state: &'static str,
    /// What that means: `waiting`, `running`, `unverified`, `over`.
    pub phase: &'static str,
    /// When it was made.
    pub created_at: Timestamp,
    /// Until when it may be approved and dispatched.
    pub expires_at: Timestamp,
    /// Who approved it: a person, or `rule NAME`.
    pub approved_by: Option<Arc<str>>,
    /// When it was approved.
    pub approved_at: Option<Timestamp>,
    /// When it was dispatched.
    pub dispatched_at: Option<Timestamp>,
    /// What its receiver claims.
    pub answer: Option<Answer>,
    /// What its receiver said about it.
    pub output: Option<Output>,
    /// When it got where it stands; null while that is when it was made.
    pub since: Option<Timestamp>,
    /// Why it stands there, in words.
    pub why: Option<Arc<str>>,
}

impl Phase {
    /// Every phase.
    pub const ALL: [Self; 4] = [Self::Waiting, Self::Running, Self::Unverified, Self::Over];

    /// The word used in the store, the API and figures.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Unverified => "unverified",
            Self::Over => "over",
        }
    }

    /// Reads the word back.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|phase| phase.as_str() == text)
    }
}

impl From<&Proposal> for ProposalLine {
    fn from(proposal: &Proposal) -> Self {
        let Proposal { id, key, content, severity, patience: _, created_at, expires_at, state } = proposal;
        let run = state.run();
        let waiting = if let State::Approved { approval } = state { Some(approval) } else { None };
        let approval = waiting.or(run.map(|run| &run.approval));
        let Particulars { since, why, answer, output } = Particulars::of(state);
        Self {
            key: key.clone(),
            handle: key.handle().to_owned(),
            number: id.number,
            drift_id: id.drift.to_string(),
            drift_handle: id.drift.handle(),
            host: id.drift.subject.host().cloned(),
            service: id.drift.service.clone(),
            event_type: id.drift.event_type,
            severity: *severity,
            action: content.action.clone(),
            effect: content.effect,
            rule: content.rule.clone(),
            mode: content.mode,
            params: content.params.clone(),
            state: state.as_str(),
            phase: proposal.phase().as_str(),
            created_at: *created_at,
            expires_at: *expires_at,
            approved_by: approval.map(|approval| approval.by.name()),
            approved_at: approval.map(|approval| approval.at),
            dispatched_at: run.map(|run| run.at),
            answer,
            output,
            since,
            why,
        }
    }
}

/// What only some states have.
#[derive(Default)]
struct Particulars {
    since: Option<Timestamp>,
    why: Option<Arc<str>>,
    answer: Option<Answer>,
    output: Option<Output>,
}

impl Particulars {
    fn of(state: &State) -> Self {
        let at = |since: &Timestamp| Self { since: Some(*since), ..Self::default() };
        let because = |since: &Timestamp, why: &Arc<str>| Self { why: Some(why.clone()), ..at(since) };
        let said = |since: &Timestamp, answer: Answer, output: &Output| Self {
            answer: Some(answer),
            output: Some(output.clone()),
            ..at(since)
        };
        match state {
            State::Proposed => Self::default(),
            State::Approved { approval } => {
                let reason = Some(approval.reason.clone()).filter(|reason| !reason.is_empty());
                Self { why: reason, ..at(&approval.at) }
            }
            State::Rejected { by: _, reason, at } => because(at, reason),
            State::Expired { at: since } => at(since),
            State::Withdrawn { why, at } | State::Escalated { run: _, why, at } => because(at, why),
            State::Dispatched { run, failures: _, last_error } => {
                Self { why: last_error.clone(), ..at(&run.at) }
            }
            State::Acknowledged { run: _, at: since } => at(since),
            State::Succeeded { run: _, at, output } => said(at, Answer::Succeeded, output),
            State::Failed { run: _, at, output } => said(at, Answer::Failed, output),
            State::TimedOut { run: _, at: since, late } => {
                Self { answer: Some(late.unwrap_or(Answer::TimedOut)), ..at(since) }
            }
            State::Verified { run: _, answer, at: since }
            | State::NotVerified { run: _, answer, at: since } => Self { answer: Some(*answer), ..at(since) },
        }
    }
}
