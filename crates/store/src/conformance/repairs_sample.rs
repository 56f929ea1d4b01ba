//! Proposals and steps of repairs to put into a store.

use std::sync::Arc;

use evenkeel_core::remediation::{
    Code, Content, Controls, Draft, Effect, JournalEntry, Mode, Notice, Params, Patience, Proposal,
    ProposalId,
};
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::sample::{at, event_id, missing};
use crate::repairs::{NewCallback, NewNotice, ProposalChange, ProposalFilter, RepairCommit, TokenHash};
use crate::{Cursor, Error, Page, ProposalRow, Store};

/// The first moment of the drifts that these proposals are for.
const OCCASION: i64 = 1;

/// A proposal to do this about a service that is missing, made that many seconds after the start.
pub fn proposal(host: &str, service: &str, number: u32, action: &str) -> Proposal {
    let draft = Draft {
        id: ProposalId { drift: missing(host, service), occasion: at(OCCASION), number },
        content: Content {
            rule: Arc::from("services"),
            mode: Mode::Approve,
            action: Arc::from(action),
            effect: Effect::Repair,
            params: Params::default(),
        },
        severity: evenkeel_core::event::Severity::High,
        patience: Patience {
            approve: SignedDuration::from_hours(24),
            answer: SignedDuration::from_mins(10),
            verify: SignedDuration::from_mins(5),
        },
    };
    draft.open(at(i64::from(number))).0
}

/// The proposal in another state, given in its stored form.
pub fn in_state(proposal: &Proposal, state: Value) -> Result<Proposal, serde_json::Error> {
    let mut stored = serde_json::to_value(proposal)?;
    stored["state"] = state;
    serde_json::from_value(stored)
}

/// That it was dispatched then.
fn run(seconds: i64) -> Value {
    let approval = json!({ "by": { "person": "Jörg" }, "reason": "bitte", "at": at(seconds) });
    json!({ "approval": approval, "at": at(seconds), "epoch": 7 })
}

/// The state of a proposal whose action was dispatched then.
pub fn dispatched(seconds: i64) -> Value {
    json!({ "is": "dispatched", "run": run(seconds), "failures": 0, "last_error": null })
}

/// The state of a proposal that was dispatched then, and is over.
pub fn verified(seconds: i64) -> Value {
    json!({ "is": "verified", "run": run(seconds), "answer": "succeeded", "at": at(seconds + 60) })
}

/// The state of a proposal that is over without having been dispatched.
pub fn withdrawn(seconds: i64) -> Value {
    json!({ "is": "withdrawn", "why": "it went away", "at": at(seconds) })
}

/// Every state there is.
pub fn every_state() -> Vec<Value> {
    let approval = json!({ "by": { "rule": "services" }, "reason": "", "at": at(2) });
    vec![
        json!({ "is": "proposed" }),
        json!({ "is": "approved", "approval": approval }),
        json!({ "is": "rejected", "by": "Jörg", "reason": "nicht heute", "at": at(3) }),
        json!({ "is": "expired", "at": at(3) }),
        withdrawn(3),
        json!({ "is": "dispatched", "run": run(3), "failures": 2, "last_error": "503 \u{1F4A5}" }),
        json!({ "is": "acknowledged", "run": run(3), "at": at(4) }),
        json!({ "is": "succeeded", "run": run(3), "at": at(4), "output": "zwei\nZeilen" }),
        json!({ "is": "failed", "run": run(3), "at": at(4), "output": "" }),
        json!({ "is": "timed_out", "run": run(3), "at": at(4), "late": "failed" }),
        verified(3),
        json!({ "is": "not_verified", "run": run(3), "answer": "timed_out", "at": at(9) }),
        json!({ "is": "escalated", "run": run(3), "why": "no attempt is left", "at": at(9) }),
        json!({ "is": "escalated", "run": null, "why": "no attempt is left", "at": at(9) }),
    ]
}

/// A proposal as a change from this revision.
pub fn change(expected_revision: u64, proposal: &Proposal) -> ProposalChange {
    ProposalChange { expected_revision, proposal: proposal.clone() }
}

/// A step at that moment that makes these proposals.
pub fn making(seconds: i64, proposals: &[&Proposal]) -> RepairCommit {
    let proposals = proposals.iter().map(|proposal| change(0, proposal)).collect();
    RepairCommit { proposals, ..RepairCommit::new(at(seconds)) }
}

/// A token's hash, from a number.
pub fn token(n: u8) -> TokenHash {
    TokenHash([n; 32])
}

/// A callback for a proposal.
pub fn callback(n: u8, proposal: &Proposal, until: i64) -> NewCallback {
    NewCallback { token: token(n), proposal: proposal.key.clone(), expires_at: at(until) }
}

/// The notice that a person is needed for this proposal, from a number; with no proposal, that the brake is on.
pub fn notice(n: u32, proposal: Option<&Proposal>, sinks: &[&str]) -> Result<NewNotice, String> {
    let code = if proposal.is_some() { Code::Escalated } else { Code::BrakeEngaged };
    let entry = JournalEntry {
        code,
        at: at(i64::from(n)),
        drift: proposal.map(|proposal| proposal.id.drift.clone()),
        proposal: proposal.map(|proposal| proposal.key.clone()),
        actor: Arc::from(JournalEntry::SELF),
        text: format!("Somebody has to look („{n}“)."),
        announce: code.is_announced(),
    };
    let notice = Notice::of(&entry, event_id(n)).ok_or("it is not announced")?;
    Ok(NewNotice { notice, sinks: sinks.iter().map(|sink| (*sink).to_owned()).collect() })
}

/// Controls after a person stopped everything.
pub fn halted(why: &str) -> Controls {
    Controls::default().halt("Jörg", why, at(5)).0
}

/// The proposals that pass a filter, newest first.
pub async fn listed(store: &dyn Store, filter: &ProposalFilter) -> Result<Vec<Proposal>, Error> {
    let Page { rows, next: _ } = store.proposals(filter, None, 1000).await?;
    Ok(rows.into_iter().map(|row| row.proposal).collect())
}

/// One page of all proposals.
pub async fn page(store: &dyn Store, after: Option<Cursor>, limit: u32) -> Result<Page<ProposalRow>, Error> {
    store.proposals(&ProposalFilter::default(), after, limit).await
}
