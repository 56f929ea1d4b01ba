//! A made-up fleet that breaks, is repaired or is not, answers or does not: what the properties are tried on. The shell
//! in it does what a plan says and checks at every dispatch what must hold.

use std::collections::{BTreeMap, BTreeSet};

use evenkeel_core::remediation::{
    BrakeState, Claim, Code, Controls, Facts, Fleet, Halt, Input, Mode, Output, Phase, Plan, Policy,
    Proposal, Saw, SendFailure, Sight, Standing, State, Unfit, plan, step,
};
use evenkeel_core::{Coverage, DriftId};
use proptest::prelude::*;
use proptest::sample::select;

use super::{at, commit, gap, gone, missing, open};

/// Hosts and services of the fleet.
pub const HOSTS: [&str; 4] = ["a", "b", "c", "d"];
pub const SERVICES: [&str; 3] = ["x", "y", "z"];

/// Something that happens.
#[derive(Clone, Debug)]
pub enum Happening {
    Breaks(usize),
    Heals(usize),
    Folds(usize),
    Unfolds(usize),
    Blinds(usize),
    Sees(usize),
    Silences(usize),
    Approves(usize),
    Rejects(usize),
    Accepts(usize),
    FailsToSend(usize),
    Answers(usize, bool),
    Halts,
    Resumes,
    Releases,
    LosesIntent,
    FindsIntent,
    Storm,
}

pub fn happening() -> impl Strategy<Value = Happening> {
    let n = 0..HOSTS.len() * SERVICES.len();
    prop_oneof![
        6 => n.clone().prop_map(Happening::Breaks),
        2 => n.clone().prop_map(Happening::Heals),
        1 => n.clone().prop_map(Happening::Folds),
        1 => n.clone().prop_map(Happening::Unfolds),
        1 => n.clone().prop_map(Happening::Blinds),
        2 => n.clone().prop_map(Happening::Sees),
        1 => n.clone().prop_map(Happening::Silences),
        3 => n.clone().prop_map(Happening::Approves),
        1 => n.clone().prop_map(Happening::Rejects),
        3 => n.clone().prop_map(Happening::Accepts),
        1 => n.clone().prop_map(Happening::FailsToSend),
        4 => (n, any::<bool>()).prop_map(|(n, worked)| Happening::Answers(n, worked)),
        1 => select(vec![Happening::Halts, Happening::Resumes, Happening::Resumes]),
        1 => select(vec![Happening::Releases]),
        1 => select(vec![Happening::LosesIntent, Happening::FindsIntent, Happening::FindsIntent]),
        1 => Just(Happening::Storm),
    ]
}

/// What happens and how many seconds later the planner looks.
pub fn history() -> impl Strategy<Value = Vec<(Happening, i64)>> {
    let pause = prop_oneof![4 => 1i64..60, 2 => 60i64..900, 1 => 900i64..9000];
    proptest::collection::vec((happening(), pause), 1..120)
}

pub fn mode() -> impl Strategy<Value = Mode> {
    prop_oneof![1 => Just(Mode::Propose), 1 => Just(Mode::Approve), 4 => Just(Mode::Auto)]
}

#[derive(Clone, Debug, Default)]
struct Truth {
    since: Option<i64>,
    folded: bool,
    blind: bool,
    silenced: bool,
}

/// The fleet, and everything the shell keeps.
#[derive(Debug)]
pub struct Run {
    pub policy: Policy,
    pub now: i64,
    pub proposals: Vec<Proposal>,
    pub controls: Controls,
    pub fleet: Fleet,
    pub dispatches: Vec<(i64, String)>,
    pub told: Vec<evenkeel_core::remediation::JournalEntry>,
    truths: BTreeMap<DriftId, Truth>,
}

impl Run {
    pub fn new(policy: Policy) -> Self {
        let all = HOSTS.iter().flat_map(|host| SERVICES.iter().map(|service| missing(host, service)));
        Self {
            policy,
            now: 0,
            proposals: Vec::new(),
            controls: Controls { halt: None, brake: BrakeState::default() },
            fleet: super::calm(12),
            dispatches: Vec::new(),
            told: Vec::new(),
            truths: all.map(|drift| (drift, Truth::default())).collect(),
        }
    }

    fn drift(&self, n: usize) -> DriftId {
        self.truths.keys().nth(n % self.truths.len()).unwrap().clone()
    }

    pub fn sights(&self) -> Vec<Sight> {
        let sight = |(drift, truth): (&DriftId, &Truth)| {
            let Some(since) = truth.since else {
                return gone(drift.clone(), self.now);
            };
            let mut sight = open(drift.clone(), since, self.now);
            let under = truth.folded.then(|| missing("node", "root"));
            let mut unfit = truth.silenced.then(|| Unfit::Silenced("s".into()));
            if truth.blind {
                unfit = Some(Unfit::Unseen(gap()));
                sight.observation.saw = Saw::Nothing(gap());
                sight.coverage = Coverage::Partial(gap());
            }
            sight.standing = Standing::Open { since: at(since), under, unfit };
            sight
        };
        self.truths.iter().map(sight).collect()
    }

    pub fn breaks(&mut self, n: usize) {
        let (drift, now) = (self.drift(n), self.now);
        let truth = self.truths.get_mut(&drift).unwrap();
        if truth.since.is_none() {
            truth.since = Some(now);
            self.fleet.opened.push((drift, at(now)));
        }
    }

    pub fn heals(&mut self, n: usize) {
        let drift = self.drift(n);
        *self.truths.get_mut(&drift).unwrap() = Truth::default();
    }

    fn input(&mut self, n: usize, input: Input) {
        let live: Vec<usize> =
            (0..self.proposals.len()).filter(|i| self.proposals[*i].phase() != Phase::Over).collect();
        let Some(i) = live.get(n % live.len().max(1)) else { return };
        // Refused is an answer, too.
        if let Ok((after, _)) = step(&self.proposals[*i], input, at(self.now)) {
            self.proposals[*i] = after;
        }
    }

    pub fn happens(&mut self, happening: &Happening) {
        match *happening {
            Happening::Breaks(n) => self.breaks(n),
            Happening::Heals(n) => self.heals(n),
            Happening::Folds(n) => self.change(n, |truth| truth.folded = true),
            Happening::Unfolds(n) => self.change(n, |truth| truth.folded = false),
            Happening::Blinds(n) => self.change(n, |truth| truth.blind = true),
            Happening::Sees(n) => self.change(n, |truth| truth.blind = false),
            Happening::Silences(n) => self.change(n, |truth| truth.silenced = !truth.silenced),
            Happening::Approves(n) => self.input(n, super::person("ada")),
            Happening::Rejects(n) => self.input(n, super::rejects("ada")),
            Happening::Accepts(n) => self.input(n, Input::Accepted),
            Happening::FailsToSend(n) => {
                self.input(n, Input::SendFailed(SendFailure::ForNow("refused".into())))
            }
            Happening::Answers(n, worked) => {
                let output = Output::new("said", &[]);
                let claim = if worked { Claim::Succeeded(output) } else { Claim::Failed(output) };
                self.input(n, Input::Callback(claim));
                if worked {
                    self.heals(n);
                }
            }
            Happening::Halts => {
                self.controls.halt = Some(Halt { by: "ada".into(), reason: "why".into(), at: at(self.now) });
            }
            Happening::Resumes => self.controls.halt = None,
            Happening::Releases => {
                if let Some((brake, _)) = self.controls.brake.release("ada", "seen", at(self.now)) {
                    self.controls.brake = brake;
                }
            }
            Happening::LosesIntent => self.fleet.intent = Coverage::Partial(gap()),
            Happening::FindsIntent => self.fleet.intent = Coverage::Complete,
            Happening::Storm => (0..HOSTS.len() * SERVICES.len()).for_each(|n| self.breaks(n)),
        }
    }

    fn change(&mut self, n: usize, change: impl FnOnce(&mut Truth)) {
        let drift = self.drift(n);
        let truth = self.truths.get_mut(&drift).unwrap();
        if truth.since.is_some() {
            change(truth);
        }
    }

    pub fn plan(&self) -> Plan {
        let sights = self.sights();
        let facts = Facts {
            sights: &sights,
            proposals: &self.proposals,
            fleet: &self.fleet,
            controls: &self.controls,
        };
        plan(&facts, &self.policy, at(self.now))
    }

    /// Plans and carries the plan out, checking every dispatch.
    pub fn round(&mut self) -> Result<Plan, TestCaseError> {
        let plan = self.plan();
        let engages = self.controls.brake.engaged.is_none() && plan.brake.engaged.is_some();
        let says = plan.brake_entry.as_ref().is_some_and(|entry| entry.code == Code::BrakeEngaged);
        prop_assert_eq!(engages, says, "one storm is one message");
        self.controls.brake = plan.brake.clone();
        let before = self.proposals.clone();
        self.told.extend(commit(&plan, &mut self.proposals, at(self.now)));
        for key in &plan.dispatch {
            let sight = self.sight_of(before.iter().find(|p| p.key == *key).unwrap());
            self.check(&sight)?;
            let proposal = self.proposals.iter_mut().find(|p| p.key == *key).unwrap();
            prop_assert!(
                matches!(proposal.state(), State::Approved { .. }),
                "R1: {} ran",
                proposal.state().as_str()
            );
            *proposal = step(proposal, Input::Dispatch { epoch: 1 }, at(self.now)).unwrap().0;
            self.dispatches.push((self.now, key.to_string()));
        }
        self.bounds()?;
        Ok(plan)
    }

    fn sight_of(&self, proposal: &Proposal) -> Sight {
        self.sights().into_iter().find(|sight| sight.drift == proposal.id.drift).unwrap()
    }

    fn check(&self, sight: &Sight) -> Result<(), TestCaseError> {
        prop_assert!(self.controls.halt.is_none(), "the kill switch was pulled");
        prop_assert!(self.controls.brake.engaged.is_none(), "R2: the brake was on");
        prop_assert!(self.fleet.intent.is_complete(), "intent was not known");
        let fit = matches!(sight.standing, Standing::Open { under: None, unfit: None, .. });
        prop_assert!(fit, "ran for {:?}", sight.standing);
        prop_assert!(sight.coverage.is_complete());
        Ok(())
    }

    fn bounds(&self) -> Result<(), TestCaseError> {
        let guards = &self.policy.guards;
        let keys: BTreeSet<&String> = self.dispatches.iter().map(|(_, key)| key).collect();
        prop_assert_eq!(keys.len(), self.dispatches.len(), "R1: one key was dispatched twice");
        let within = |s: i64| self.dispatches.iter().filter(|(at, _)| *at > self.now - s).count();
        prop_assert!(within(3600) <= guards.per_hour as usize && within(86_400) <= guards.per_day as usize);
        let running = self.proposals.iter().filter(|p| p.phase() == Phase::Running).count();
        prop_assert!(running <= guards.concurrency as usize, "{running} run");
        let mut hosts = BTreeSet::new();
        for p in self.proposals.iter().filter(|p| matches!(p.phase(), Phase::Running | Phase::Unverified)) {
            prop_assert!(hosts.insert(&p.id.drift.subject), "two on {}", p.id.drift.subject);
        }
        let mut tries: BTreeMap<_, u32> = BTreeMap::new();
        for p in self.proposals.iter().filter(|p| p.state().run().is_some()) {
            *tries.entry((&p.id.drift, p.id.occasion)).or_default() += 1;
        }
        prop_assert!(tries.values().all(|n| *n <= guards.attempts), "more attempts than allowed: {tries:?}");
        let mut live = BTreeSet::new();
        for p in self.proposals.iter().filter(|p| p.phase() != Phase::Over) {
            prop_assert!(live.insert(&p.id.drift), "two proposals wait for {}", p.id.drift);
        }
        Ok(())
    }
}
