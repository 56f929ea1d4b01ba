//! Small fleets for the tests of remediation: builders, and a shell that carries plans out against a made-up world.

// Every test file takes what it needs of this; what it leaves is not dead.
#![allow(dead_code, unreachable_pub)]
// A panic in a test's helper is the failed assertion itself, as in the test.
#![allow(clippy::unwrap_used, clippy::panic)]

pub mod fleet;

use std::collections::BTreeMap;
use std::sync::Arc;

use evenkeel_core::policy::Matcher;
use evenkeel_core::remediation::{
    Action, Claim, Content, Controls, Draft, Effect, Facts, Fleet, Input, JournalEntry, Mode, Observation,
    Output, Param, Params, Patience, Plan, Policy, Proposal, ProposalId, Rule, Saw, Sight, Standing, plan,
    step,
};
use evenkeel_core::{Coverage, DriftId, EventType, Gap, GapKind, Severity};
use jiff::{SignedDuration, Timestamp};

/// The moment `seconds` after the tests' beginning of time.
pub fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_760_000_000 + seconds).unwrap()
}

pub fn gap() -> Gap {
    Gap::new(GapKind::Unreachable, "for a test")
}

pub fn missing(host: &str, service: &str) -> DriftId {
    DriftId::of_service(&host.into(), &service.into(), EventType::ServiceMissing)
}

/// An open root, seen in full, as it was at `seconds`.
pub fn open(drift: DriftId, since: i64, seconds: i64) -> Sight {
    Sight {
        severity: drift.event_type.default_severity(),
        drift,
        standing: Standing::Open { since: at(since), under: None, unfit: None },
        observation: Observation { began: at(seconds), saw: Saw::Drift },
        coverage: Coverage::Complete,
        tags: Vec::new(),
        tenant: None,
        known: Params::from([(Param::Container, Arc::from("c"))]),
    }
}

/// A drift that is gone, seen in full.
pub fn gone(drift: DriftId, seconds: i64) -> Sight {
    Sight {
        standing: Standing::NotOpen,
        observation: Observation { began: at(seconds), saw: Saw::Gone },
        ..open(drift, 0, seconds)
    }
}

pub fn restart() -> Action {
    Action { params: vec![Param::Host, Param::Service, Param::Container], ..Action::new("restart") }
}

/// A rule for everything.
pub fn rule(name: &str, mode: Mode) -> Rule {
    Rule {
        name: name.into(),
        matcher: Matcher { hosts: vec![Matcher::glob("*")], ..Matcher::default() },
        severities: Vec::new(),
        min_age: SignedDuration::ZERO,
        action: Some("restart".into()),
        mode,
    }
}

/// One rule for everything, switched on, with the default guards.
pub fn policy(mode: Mode) -> Policy {
    let actions = BTreeMap::from([("restart".into(), restart())]);
    Policy { enabled: true, rules: vec![rule("all", mode)], actions, ..Policy::default() }
}

/// A fleet of so many things in which nothing has happened yet.
pub fn calm(things: u64) -> Fleet {
    Fleet { intent: Coverage::Complete, things, opened: Vec::new() }
}

pub fn draft(drift: DriftId, mode: Mode) -> Draft {
    let content = Content {
        rule: "all".into(),
        mode,
        action: "restart".into(),
        effect: Effect::Repair,
        params: Params::new(),
    };
    let patience = Patience {
        approve: SignedDuration::from_hours(24),
        answer: SignedDuration::from_mins(10),
        verify: SignedDuration::from_mins(5),
    };
    let id = ProposalId { drift, occasion: at(0), number: 1 };
    Draft { id, content, severity: Severity::High, patience }
}

pub fn proposed(mode: Mode) -> Proposal {
    draft(missing("box", "web"), mode).open(at(0)).0
}

pub fn person(name: &str) -> Input {
    Input::Approve { by: name.into(), reason: "".into() }
}

pub fn rejects(name: &str) -> Input {
    Input::Reject { by: name.into(), reason: "not now".into() }
}

pub fn done() -> Input {
    Input::Callback(Claim::Succeeded(Output::new("ok", &[])))
}

pub fn broke() -> Input {
    Input::Callback(Claim::Failed(Output::new("exit 1", &[])))
}

pub fn looked(seconds: i64, saw: Saw) -> Input {
    Input::Observed(Observation { began: at(seconds), saw })
}

/// Applies inputs at their moments; each must be accepted.
pub fn play(mut proposal: Proposal, inputs: impl IntoIterator<Item = (i64, Input)>) -> Proposal {
    for (seconds, input) in inputs {
        proposal = step(&proposal, input, at(seconds)).unwrap().0;
    }
    proposal
}

/// A plan with nobody's decisions.
pub fn plan_at(sights: &[Sight], proposals: &[Proposal], policy: &Policy, seconds: i64) -> Plan {
    let (fleet, controls) = (calm(1000), Controls::default());
    plan(&Facts { sights, proposals, fleet: &fleet, controls: &controls }, policy, at(seconds))
}

/// Opens what a plan proposes, applies what it settles.
pub fn commit(plan: &Plan, proposals: &mut Vec<Proposal>, now: Timestamp) -> Vec<JournalEntry> {
    let mut journal: Vec<JournalEntry> = plan.brake_entry.clone().into_iter().collect();
    for (key, input) in &plan.settle {
        let proposal = proposals.iter_mut().find(|p| p.key == *key).unwrap();
        let (after, said) = step(proposal, input.clone(), now).unwrap_or_else(|e| panic!("{input:?}: {e}"));
        *proposal = after;
        journal.extend(said);
    }
    for draft in &plan.propose {
        let (proposal, said) = draft.clone().open(now);
        assert!(proposals.iter().all(|p| p.key != proposal.key), "{} is there already", proposal.key);
        proposals.push(proposal);
        journal.extend(said);
    }
    journal
}
