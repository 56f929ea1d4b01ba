//! Every history of one service up to a length, walked through: which states the ledger's entries pass through, and what
//! they say of themselves in each. Longer and stranger histories are random, in `ledger_properties`.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a panic in a test is the failed assertion itself")]

use std::collections::BTreeSet;
use std::time::Duration;

use crate::world::run::{Run, Step};
use crate::world::{Plan, at, blind, declared, docker, flap, host, patient, shown, subject};
use evenkeel_core::ledger::{Entry, Ledger, State};
use evenkeel_core::model::RunState;
use evenkeel_core::policy::{Covers, IgnoreRule, Matcher, Policy, Silence};
use evenkeel_core::{DriftId, EventType, GapKind, SourceKind, Transition};

/// What one look can find.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Look {
    Down,
    Up,
    Unseen,
    /// Down, and an ignore rule covers it.
    Accepted,
    /// Down, and a silence covers it.
    Silenced,
    /// Down, and a machine it depends on is down as well.
    Explained,
}

const LOOKS: [Look; 6] =
    [Look::Down, Look::Up, Look::Unseen, Look::Accepted, Look::Silenced, Look::Explained];

/// How many looks a history has. Flapping takes six: opened, resolved, opened, each believed on the second.
const LENGTH: usize = 6;

/// What a report says of one drift.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Said {
    Drifted,
    Clean,
    Unknown,
    Ignored,
    Nothing,
}

fn policy(look: Look) -> Policy {
    let missing = Matcher { types: vec![EventType::ServiceMissing], ..Matcher::default() };
    let mut policy = Policy { flap: flap(3, 3600, 600), ..patient() };
    if look == Look::Accepted {
        let (name, reason) = ("accepted".into(), "a test".into());
        policy.ignore.push(IgnoreRule { name, matcher: missing, reason, owner: None, expires: None });
    } else if look == Look::Silenced {
        let covers = Covers::Rule(missing);
        let (name, reason) = ("quiet".into(), "a test".into());
        policy.silences.push(Silence { name, covers, reason, owner: None, starts: None, ends: at(86_400) });
    }
    policy
}

fn take(ledger: &Ledger, look: Look, seconds: i64) -> Step {
    let services = |shown| Plan::new(host([declared("web")]), [docker(shown)]);
    let plan = match look {
        Look::Down | Look::Accepted | Look::Silenced | Look::Explained => services(vec![]),
        Look::Up => services(vec![shown("web", RunState::Running)]),
        Look::Unseen => Plan::new(host([declared("web")]), [blind(SourceKind::Docker, GapKind::TimedOut)]),
    };
    let mut run = Run::new(policy(look));
    run.ledger = ledger.clone();
    let open: Vec<DriftId> = ledger.unresolved().cloned().collect();
    let world = plan.at(seconds);
    let report = run.policy.apply(world.diff(&open), &world.expected, at(seconds));
    let node = DriftId::of_host(subject().host().unwrap(), EventType::NodeUnreachable);
    let outer = if look == Look::Explained { vec![node] } else { Vec::new() };
    run.take(report, at(seconds), &outer)
}

fn said(step: &Step, id: &DriftId) -> Said {
    let report = &step.report;
    if report.drifted.iter().any(|drift| drift.id == *id) {
        Said::Drifted
    } else if report.clean.iter().any(|(clean, _)| clean == id) {
        Said::Clean
    } else if report.unknown.iter().any(|(unknown, _)| unknown == id) {
        Said::Unknown
    } else if report.ignored.iter().any(|(drift, _)| drift.id == *id) {
        Said::Ignored
    } else {
        Said::Nothing
    }
}

/// Where an entry may go from where it is. `None`: there is none.
fn may_become(from: Option<State>, said: Said) -> &'static [Option<State>] {
    use State::{Open, Pending, Resolved};
    match (from, said) {
        (None, Said::Drifted) => &[Some(Pending)],
        (None, Said::Clean | Said::Unknown | Said::Ignored | Said::Nothing) => &[None],
        (Some(Pending), Said::Drifted) => &[Some(Pending), Some(Open)],
        // What was never believed is forgotten; what had been before is what it was: over.
        (Some(Pending), Said::Clean | Said::Ignored) => &[None, Some(Resolved)],
        (Some(Pending), Said::Unknown) => &[Some(Pending)],
        (Some(Open), Said::Drifted | Said::Unknown) => &[Some(Open)],
        (Some(Open), Said::Clean) => &[Some(Open), Some(Resolved), None],
        (Some(Open), Said::Ignored) => &[Some(Resolved), None],
        (Some(Resolved), Said::Drifted) => &[Some(Pending)],
        (Some(Resolved), Said::Clean | Said::Unknown | Said::Ignored | Said::Nothing) => &[Some(Resolved)],
        // Whatever is not over is judged, whatever both sides say.
        (Some(Pending | Open), Said::Nothing) => &[],
    }
}

/// What an entry must say of itself, wherever it came from.
fn is_sound(entry: &Entry) -> bool {
    let unspoken = !entry.announced && !entry.recorded && entry.parent.is_none() && !entry.flapping;
    entry.first_seen <= entry.last_seen
        && (!entry.announced || entry.recorded)
        && match entry.state {
            State::Pending => unspoken && (entry.opened_at.is_none() || entry.resolved_at.is_some()),
            State::Open => entry.opened_at.is_some(),
            State::Resolved => unspoken && entry.resolved_at.is_some() && entry.blind.is_none(),
        }
}

/// Where an entry stands, for counting which places there are.
fn place(entry: &Entry) -> &'static str {
    match (entry.state, entry.parent.is_some(), entry.flapping, entry.blind.is_some()) {
        (State::Pending, _, _, false) if entry.resolved_at.is_some() => "pending again",
        (State::Pending, _, _, false) => "pending",
        (State::Pending, _, _, true) => "pending, unseen",
        (State::Open, _, true, _) => "flapping",
        (State::Open, true, _, _) => "folded",
        (State::Open, false, _, true) => "open, unseen",
        (State::Open, false, _, false) if entry.silenced.is_some() => "silenced",
        (State::Open, false, _, false) if !entry.announced => "open, not said",
        (State::Open, false, _, false) => "open",
        (State::Resolved, ..) => "resolved",
    }
}

struct Walk {
    places: BTreeSet<&'static str>,
    transitions: BTreeSet<Transition>,
    histories: usize,
}

impl Walk {
    fn on(&mut self, ledger: &Ledger, history: &mut Vec<Look>) {
        if history.len() == LENGTH {
            self.histories += 1;
            return;
        }
        for look in LOOKS {
            history.push(look);
            let step = take(ledger, look, 30 * history.len() as i64);
            self.check(&step, history);
            self.on(&step.advance.ledger, history);
            history.pop();
        }
    }

    fn check(&mut self, step: &Step, history: &[Look]) {
        let (before, after) = (&step.before.entries, &step.advance.ledger.entries);
        let ids: BTreeSet<&DriftId> = before.keys().chain(after.keys()).collect();
        for id in ids {
            let state =
                |entries: &std::collections::BTreeMap<DriftId, Box<Entry>>| entries.get(id).map(|e| e.state);
            let (from, to, said) = (state(before), state(after), said(step, id));
            assert!(
                may_become(from, said).contains(&to),
                "{history:?}: {id} is {said:?}, {from:?} -> {to:?}"
            );
        }
        for entry in after.values() {
            assert!(is_sound(entry), "{history:?}: {entry:?}");
            self.places.insert(place(entry));
        }
        for event in &step.advance.events {
            self.transitions.insert(event.transition);
        }
    }
}

#[test]
fn every_history_passes_through_states_that_may_be_and_every_state_is_reached() {
    let mut walk = Walk { places: BTreeSet::new(), transitions: BTreeSet::new(), histories: 0 };
    walk.on(&Ledger::new(subject()), &mut Vec::new());
    assert_eq!(walk.histories, LOOKS.len().pow(LENGTH as u32));
    let places = [
        "flapping",
        "folded",
        "open",
        "open, not said",
        "open, unseen",
        "pending",
        "pending again",
        "pending, unseen",
        "resolved",
        "silenced",
    ];
    assert_eq!(walk.places, BTreeSet::from(places));
    let transitions = [Transition::Opened, Transition::Reopened, Transition::Resolved];
    assert!(transitions.iter().all(|t| walk.transitions.contains(t)), "{:?}", walk.transitions);
    assert_eq!(policy(Look::Down).flap.window, Duration::from_secs(3600), "nothing is forgotten meanwhile");
}
