//! The plan: what to propose, what time and observation ask for, what to dispatch, and what holds the rest back. A
//! function of its arguments alone, whatever their order.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::Policy;
use super::brake::{BrakeState, Fleet};
use super::guard::{self, Controls, Tally};
use super::input::Input;
use super::proposal::{Content, Draft, Key, Patience, Proposal, ProposalId};
use super::reason::Reason;
use super::record::JournalEntry;
use super::rule::{Action, Effect, Mode, Param};
use super::settle;
use super::sight::{Sight, Standing};
use super::state::{Phase, State};
use super::step::step;
use crate::id::DriftId;

/// What the planner is told.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// Every drift that is open or has a proposal that is not over. What is missing here is unknown, not gone.
    pub sights: &'a [Sight],
    /// The proposals of those drifts, and all that were dispatched within [`REMEMBERED`](super::REMEMBERED).
    pub proposals: &'a [Proposal],
    /// The fleet as a whole.
    pub fleet: &'a Fleet,
    /// What persons and the brake have decided.
    pub controls: &'a Controls,
}

/// What there is to do now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Proposals to make, in the order of the drifts.
    pub propose: Vec<Draft>,
    /// Inputs that are due, in the order of the keys; each is for [`step()`].
    pub settle: Vec<(Key, Input)>,
    /// Proposals to dispatch, the most urgent first.
    pub dispatch: Vec<Key>,
    /// Requests that were dispatched, are not taken yet, and may be sent at this moment: again, if they were before.
    pub send: BTreeSet<Key>,
    /// What waits, and why.
    pub held: Vec<Held>,
    /// The brake's memory as it is now.
    pub brake: BrakeState,
    /// What to write down because the brake engaged or released.
    pub brake_entry: Option<JournalEntry>,
}

/// Something that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// What.
    pub waiting: Waiting,
    /// What holds it back; the first of several.
    pub reason: Reason,
}

/// What can wait.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Waiting {
    /// A drift a rule selects, and for which nothing is proposed.
    Drift(DriftId),
    /// A proposal.
    Proposal(Key),
}

/// What a plan looks things up in.
pub(super) struct Index<'a> {
    pub(super) sights: BTreeMap<&'a DriftId, &'a Sight>,
    by_drift: BTreeMap<&'a DriftId, Vec<&'a Proposal>>,
}

impl<'a> Index<'a> {
    fn new(facts: &Facts<'a>) -> Self {
        let mut by_drift: BTreeMap<&DriftId, Vec<&Proposal>> = BTreeMap::new();
        for proposal in facts.proposals {
            by_drift.entry(&proposal.id.drift).or_default().push(proposal);
        }
        let sights = facts.sights.iter().map(|sight| (&sight.drift, sight)).collect();
        Self { sights, by_drift }
    }

    pub(super) fn of(&self, drift: &DriftId) -> impl Iterator<Item = &'a Proposal> {
        self.by_drift.get(drift).into_iter().flatten().copied()
    }
}

/// What the rules want for one drift.
pub(super) enum Wanted<'a> {
    /// Nothing: no rule selects it, or the one that does is off.
    Nothing,
    /// Something that cannot be asked for, because this is not known.
    Unaddressed(Param),
    /// This.
    Content { content: Content, action: &'a Action, min_age: jiff::SignedDuration },
}

impl<'a> Wanted<'a> {
    /// The first rule that selects the drift decides.
    pub(super) fn by(policy: &'a Policy, sight: &Sight) -> Self {
        let selects = |rule: &&super::Rule| rule.selects(&sight.drift, sight.severity, sight.labels());
        let Some(rule) = policy.rules.iter().find(selects).filter(|_| policy.enabled) else {
            return Self::Nothing;
        };
        let action = rule.action.as_ref().and_then(|name| policy.actions.get(name));
        let (Some(action), Mode::Propose | Mode::Approve | Mode::Auto) = (action, rule.mode) else {
            return Self::Nothing;
        };
        match action.filled(&sight.drift, sight.severity, &sight.known) {
            Err(param) => Self::Unaddressed(param),
            Ok(params) => Self::Content {
                content: Content {
                    rule: rule.name.clone(),
                    mode: rule.mode,
                    action: action.name.clone(),
                    effect: action.effect,
                    params,
                },
                action,
                min_age: rule.min_age,
            },
        }
    }
}

/// Looks at everything once.
pub fn plan(facts: &Facts<'_>, policy: &Policy, now: Timestamp) -> Plan {
    let index = Index::new(facts);
    let brake = &facts.controls.brake;
    let (brake, brake_entry) = match policy.enabled {
        true => brake.look(&policy.guards.brake, facts.fleet, facts.sights, now),
        // Nobody wants to hear that what does not run is held.
        false => (brake.clone(), None),
    };
    let mut settle: Vec<(Key, Input)> = facts
        .proposals
        .iter()
        .filter_map(|p| settle::due(p, &index, policy, now).map(|input| (p.key.clone(), input)))
        .collect();
    settle.sort_by(|a, b| a.0.cmp(&b.0));
    let mut plan = Plan {
        propose: Vec::new(),
        settle,
        dispatch: Vec::new(),
        send: BTreeSet::new(),
        held: Vec::new(),
        brake,
        brake_entry,
    };
    for sight in index.sights.values() {
        match draft(sight, &index, policy, (&plan.brake, facts.fleet), now) {
            Ok(Some(draft)) => plan.propose.push(draft),
            Ok(None) => {}
            Err(reason) => plan.held.push(Held { waiting: Waiting::Drift(sight.drift.clone()), reason }),
        }
    }
    dispatch(&mut plan, facts, &index, policy, now);
    let not_taken = facts.proposals.iter().filter(|p| matches!(p.state(), State::Dispatched { .. }));
    let sent = not_taken.filter(|p| may_be_done(p, &plan.brake, facts, &index, policy, now).is_ok());
    plan.send = sent.map(|p| p.key.clone()).collect();
    plan.held.sort_by(|a, b| a.waiting.cmp(&b.waiting));
    plan
}

/// What would be done if every proposal and every settlement of this moment were made: the dry run. Changes nothing.
pub fn rehearse(facts: &Facts<'_>, policy: &Policy, now: Timestamp) -> Plan {
    let first = plan(facts, policy, now);
    let inputs: BTreeMap<&Key, &Input> = first.settle.iter().map(|(key, input)| (key, input)).collect();
    let settled = |proposal: &Proposal| match inputs.get(&proposal.key) {
        // What is refused stays as it is.
        Some(input) => {
            step(proposal, (*input).clone(), now).map_or_else(|_| proposal.clone(), |(after, _)| after)
        }
        None => proposal.clone(),
    };
    let made = first.propose.iter().cloned().map(|draft| draft.open(now).0);
    let proposals: Vec<Proposal> = facts.proposals.iter().map(settled).chain(made).collect();
    let second = plan(&Facts { proposals: &proposals, ..*facts }, policy, now);
    Plan { dispatch: second.dispatch, held: second.held, ..first }
}

/// The proposal to make for one drift; `None` if nobody asks for one, or one is under way.
fn draft(
    sight: &Sight,
    index: &Index<'_>,
    policy: &Policy,
    (brake, fleet): (&BrakeState, &Fleet),
    now: Timestamp,
) -> Result<Option<Draft>, Reason> {
    let Standing::Open { since, .. } = &sight.standing else {
        return Ok(None);
    };
    let wanted = Wanted::by(policy, sight);
    let under_way = index.of(&sight.drift).any(|p| p.phase() != Phase::Over);
    if under_way || matches!(wanted, Wanted::Nothing) {
        return Ok(None);
    }
    guard::fit(sight)?;
    let (content, action, min_age) = match wanted {
        Wanted::Nothing => return Ok(None),
        Wanted::Unaddressed(param) => return Err(Reason::NotKnown(param)),
        Wanted::Content { content, action, min_age } => (content, action, min_age),
    };
    let here = || index.of(&sight.drift).filter(|p| p.id.occasion == *since);
    if let Some(last) = here().filter(|p| closes(p, &content)).max_by_key(|p| p.id.number) {
        return Err(Reason::Closed(last.state().as_str()));
    }
    let newest = here().max_by_key(|p| p.id.number);
    if newest.is_some_and(|p| settle::due(p, index, policy, now).is_some()) {
        // It is about to be handed to a person.
        return Ok(None);
    }
    settle::old_enough(*since, min_age, now)?;
    // In a storm not even proposals are made: five hundred questions are no question.
    guard::braked(brake)?;
    guard::intended(fleet)?;
    Ok(Some(Draft {
        id: ProposalId {
            drift: sight.drift.clone(),
            occasion: *since,
            number: newest.map_or(1, |p| p.id.number.saturating_add(1)),
        },
        content,
        severity: sight.severity,
        patience: Patience {
            approve: policy.guards.approve_within,
            answer: action.answer_within,
            verify: action.verify_within,
        },
    }))
}

/// Whether a proposal that is over says that there is to be no further one of this content for this opening.
fn closes(proposal: &Proposal, content: &Content) -> bool {
    match (proposal.state(), proposal.content.effect) {
        (State::Escalated { .. }, _) => true,
        (State::Rejected { .. }, _) | (State::Succeeded { .. }, Effect::Tell) => {
            proposal.content.action == content.action
        }
        (State::Succeeded { .. }, Effect::Repair)
        | (
            State::Proposed
            | State::Approved { .. }
            | State::Expired { .. }
            | State::Withdrawn { .. }
            | State::Dispatched { .. }
            | State::Acknowledged { .. }
            | State::Failed { .. }
            | State::TimedOut { .. }
            | State::Verified { .. }
            | State::NotVerified { .. },
            _,
        ) => false,
    }
}

/// Takes approved proposals one by one, the most urgent first, as far as the guards let them.
fn dispatch(plan: &mut Plan, facts: &Facts<'_>, index: &Index<'_>, policy: &Policy, now: Timestamp) {
    let mut tally = Tally::of(facts.proposals, plan.brake.released_at, now);
    let is_due = |key: &Key| plan.settle.binary_search_by(|(other, _)| other.cmp(key)).is_ok();
    let waiting = facts.proposals.iter().filter(|p| p.phase() == Phase::Waiting && !is_due(&p.key));
    let mut waiting: Vec<&Proposal> = waiting.collect();
    waiting.sort_by_key(|p| (std::cmp::Reverse(p.severity), p.created_at, &p.key));
    for proposal in waiting {
        match may_run(proposal, &tally, &plan.brake, facts, index, policy, now) {
            Ok(()) => {
                tally.dispatch(proposal);
                plan.dispatch.push(proposal.key.clone());
            }
            Err(reason) => {
                plan.held.push(Held { waiting: Waiting::Proposal(proposal.key.clone()), reason });
            }
        }
    }
}

/// The guards, those first that a person would want to hear of first.
fn may_run(
    proposal: &Proposal,
    tally: &Tally<'_>,
    brake: &BrakeState,
    facts: &Facts<'_>,
    index: &Index<'_>,
    policy: &Policy,
    now: Timestamp,
) -> Result<(), Reason> {
    if let State::Proposed = proposal.state() {
        return Err(Reason::AwaitsApproval);
    }
    let action = may_be_done(proposal, brake, facts, index, policy, now)?;
    guard::exclusive(tally, &proposal.id.drift.subject)?;
    guard::cool(tally, &proposal.id.drift, policy.guards.cooldown)?;
    guard::concurrency(tally, policy.guards.concurrency)?;
    guard::action_concurrency(tally, action)?;
    guard::slow_start(tally)?;
    guard::budget(tally, &policy.guards)
}

/// The guards that say whether it may be done at all, with its action: asked before it is dispatched, and each time
/// before it is sent, for what is not taken yet can still be held back.
fn may_be_done<'a>(
    proposal: &Proposal,
    brake: &BrakeState,
    facts: &Facts<'_>,
    index: &Index<'_>,
    policy: &'a Policy,
    now: Timestamp,
) -> Result<&'a Action, Reason> {
    guard::halted(facts.controls)?;
    guard::braked(brake)?;
    guard::intended(facts.fleet)?;
    let unseen = || Reason::Unfit(super::Unfit::Unseen(not_told()));
    let sight = index.sights.get(&proposal.id.drift).copied().ok_or_else(unseen)?;
    guard::fit(sight)?;
    guard::seen(sight)?;
    let action = match Wanted::by(policy, sight) {
        Wanted::Content { content, action, min_age: _ } if content == proposal.content => action,
        Wanted::Content { .. } => return Err(Reason::Closed("withdrawn")),
        Wanted::Unaddressed(param) => return Err(Reason::NotKnown(param)),
        Wanted::Nothing => return Err(Reason::Closed("withdrawn")),
    };
    guard::windows(&policy.guards.windows, now)?;
    Ok(action)
}

fn not_told() -> crate::Gap {
    crate::Gap::new(crate::GapKind::NotYetObserved, "nothing is known about its drift")
}
