//! One look at everything: what is proposed, what is settled, what is dispatched. What does not live here: sending, see
//! `sending`; the decisions, which are the planner's.

use std::collections::HashSet;
use std::time::Duration;

use evenkeel_core::DriftId;
use evenkeel_core::remediation::{
    Controls, Facts, Held, Input, Key, Phase, Plan, Proposal, ProposalLine, Waiting, plan, rehearse, step,
};
use evenkeel_web::{HeldLine, Rehearsal};
use jiff::Timestamp;
use tokio::time::Instant;
use tracing::{debug, error};

use super::engine::Engine;
use super::facts::{Gathered, gather};
use super::register::Change;
use super::sending::Ticket;

/// How often the sources are asked to look again while the effect of a repair is awaited.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

impl Engine {
    /// Looks at everything once; whether anything came of it.
    pub(super) async fn look(&mut self, now: Timestamp) -> bool {
        let proposals = self.register.proposals();
        if !self.remedies.policy.enabled && proposals.iter().all(|p| p.phase() == Phase::Over) {
            self.figures.show(&proposals, self.register.controls(), None, now);
            return false;
        }
        let Gathered { sights, fleet } =
            gather(&self.hub, &proposals, self.remedies.policy.guards.brake.window, now);
        let controls = self.register.controls().clone();
        let facts = Facts { sights: &sights, proposals: &proposals, fleet: &fleet, controls: &controls };
        let plan = plan(&facts, &self.remedies.policy, now);
        self.figures.show(&proposals, &controls, Some(&plan), now);
        let open: HashSet<&DriftId> = sights.iter().map(|sight| &sight.drift).collect();
        self.register.forget(&open, now);
        self.may_send.clone_from(&plan.send);
        self.ask_for_looks(&proposals);
        let (change, tickets) = self.changes(plan, now);
        let any = !change.is_empty();
        if self.keep(change, now).await.is_ok() {
            tickets.into_iter().for_each(|(key, ticket)| self.sends.add(key, ticket.callback, false));
            return any;
        }
        false
    }

    /// What the plan changes. What is dispatched by it is sent only once the change is kept.
    fn changes(&self, plan: Plan, now: Timestamp) -> (Change, Vec<(Key, Ticket)>) {
        let Plan { propose, settle, dispatch, send: _, held: _, brake, brake_entry } = plan;
        let mut change = Change::default();
        if brake != self.register.controls().brake {
            change.controls = Some(Controls { brake, ..self.register.controls().clone() });
        }
        change.journal.extend(brake_entry);
        for draft in propose {
            let (proposal, journal) = draft.open(now);
            change.proposals.push(proposal);
            change.journal.extend(journal);
        }
        for (key, input) in settle {
            self.stepped(&key, input, now, &mut change);
        }
        let mut tickets = Vec::new();
        for key in dispatch {
            let Some(ticket) = self.ticket(&key, now) else {
                error!(proposal = key.handle(), "it is not known where receivers reach this evenkeel");
                continue;
            };
            if self.stepped(&key, Input::Dispatch { epoch: self.remedies.epoch }, now, &mut change) {
                change.callbacks.push(ticket.registered(&key));
                tickets.push((key, ticket));
            }
        }
        (change, tickets)
    }

    /// Adds a step of one proposal; whether there is one.
    fn stepped(&self, key: &Key, input: Input, now: Timestamp, change: &mut Change) -> bool {
        let Some(proposal) = self.register.get(key) else {
            return false;
        };
        match step(proposal, input, now) {
            Ok((after, journal)) if after != *proposal => {
                change.proposals.push(after);
                change.journal.extend(journal);
                true
            }
            Ok(_) => false,
            Err(refused) => {
                debug!(proposal = key.handle(), %refused, "a step was refused");
                false
            }
        }
    }

    /// Takes one step of one proposal, and keeps it.
    pub(super) async fn take_step(&mut self, key: &Key, input: Input, now: Timestamp) -> bool {
        let mut change = Change::default();
        self.stepped(key, input, now, &mut change) && self.keep(change, now).await.is_ok()
    }

    /// Whether it worked is seen sooner if somebody looks.
    fn ask_for_looks(&mut self, proposals: &[Proposal]) {
        let awaited = |proposal: &&Proposal| proposal.phase() == Phase::Unverified;
        let keys: HashSet<&Key> = proposals.iter().filter(awaited).map(|proposal| &proposal.key).collect();
        self.asked.retain(|key, _| keys.contains(key));
        let now = Instant::now();
        for proposal in proposals.iter().filter(awaited) {
            let asked = self.asked.get(&proposal.key);
            if asked.is_none_or(|asked| now.duration_since(*asked) >= LOOK_AGAIN) {
                self.asked.insert(proposal.key.clone(), now);
                self.hub.wish_observation(&proposal.id.drift.subject, false, now);
            }
        }
    }

    /// What would be done now. Changes nothing.
    pub(super) fn rehearsal(&self, now: Timestamp) -> Rehearsal {
        let policy = &self.remedies.policy;
        let proposals = self.register.proposals();
        let Gathered { sights, fleet } = gather(&self.hub, &proposals, policy.guards.brake.window, now);
        let controls = self.register.controls();
        let facts = Facts { sights: &sights, proposals: &proposals, fleet: &fleet, controls };
        let plan = rehearse(&facts, policy, now);
        let made: Vec<Proposal> = plan.propose.iter().cloned().map(|draft| draft.open(now).0).collect();
        let find = |key: &Key| proposals.iter().chain(&made).find(|proposal| proposal.key == *key);
        let held = |held: &Held| {
            let (reason, why) = (held.reason.as_str(), held.reason.to_string());
            match &held.waiting {
                Waiting::Drift(drift) => Some(HeldLine::of(drift, None, reason, why)),
                Waiting::Proposal(key) => find(key).map(|proposal| {
                    let what = (key.to_string(), proposal.content.action.to_string());
                    HeldLine::of(&proposal.id.drift, Some(what), reason, why)
                }),
            }
        };
        Rehearsal {
            at: now,
            enabled: policy.enabled,
            controls: Controls { brake: plan.brake.clone(), ..controls.clone() },
            propose: made.iter().map(ProposalLine::from).collect(),
            dispatch: plan.dispatch.iter().filter_map(find).map(ProposalLine::from).collect(),
            held: plan.held.iter().filter_map(held).collect(),
        }
    }
}
