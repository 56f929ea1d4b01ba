//! What holds a proposal back: each guard is a function of its own with a reason of its own. What does not live here: the
//! order in which proposals are looked at; that is [`super::plan()`].

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::brake::{BrakeLimits, BrakeState, Fleet};
use super::proposal::{Key, Proposal, before, later};
use super::reason::Reason;
use super::record::{Code, JournalEntry};
use super::rule::Action;
use super::said::line;
use super::sight::{Saw, Sight, Standing, Unfit};
use super::state::{Answer, Phase, State};
use super::window::{self, Window};
use crate::id::{DriftId, Subject};
use crate::identity::canonical;

/// The bounds an approved proposal has to keep within.
#[derive(Clone, Debug, PartialEq)]
pub struct Guards {
    /// How many actions run at once.
    pub concurrency: u32,
    /// How often a drift is acted on before a person is needed.
    pub attempts: u32,
    /// Attempts on earlier openings of the drift count for this long: what comes back soon was not repaired.
    pub attempts_window: SignedDuration,
    /// Between two attempts on one drift.
    pub cooldown: SignedDuration,
    /// How many actions are dispatched within an hour.
    pub per_hour: u32,
    /// How many actions are dispatched within 24 hours.
    pub per_day: u32,
    /// How long a proposal waits for approval, and an approved one for the moment in which it may run.
    pub approve_within: SignedDuration,
    /// How long an effect that nobody can see is waited for beyond the action's own time, before a person is needed.
    pub unseen_after: SignedDuration,
    /// When repairs may run, and when not.
    pub windows: Vec<Window>,
    /// When too much drifts at once.
    pub brake: BrakeLimits,
}

impl Default for Guards {
    fn default() -> Self {
        Self {
            concurrency: 3,
            attempts: 3,
            attempts_window: SignedDuration::from_hours(1),
            cooldown: SignedDuration::from_mins(10),
            per_hour: 10,
            per_day: 30,
            approve_within: SignedDuration::from_hours(24),
            unseen_after: SignedDuration::from_hours(1),
            windows: Vec::new(),
            brake: BrakeLimits::default(),
        }
    }
}

/// That a person stopped everything.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Halt {
    /// Who.
    pub by: Arc<str>,
    /// Why.
    pub reason: Arc<str>,
    /// When.
    pub at: Timestamp,
}

/// What persons and the brake have decided, beside the rules. Kept in the store.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Controls {
    /// The kill switch.
    pub halt: Option<Halt>,
    /// The brake.
    pub brake: BrakeState,
}

impl Controls {
    /// Pulls the kill switch: nothing is dispatched until somebody resumes. What runs is not recalled.
    pub fn halt(&self, by: &str, reason: &str, now: Timestamp) -> (Self, JournalEntry) {
        let halt = Halt { by: line(by), reason: line(reason), at: now };
        let text = format!("{} stops all repairs: {}", halt.by, halt.reason);
        let entry = JournalEntry::of_all(Code::Halted, now, halt.by.clone(), text);
        (Self { halt: Some(halt), ..self.clone() }, entry)
    }

    /// Lets it go on. `None`: nothing was stopped.
    pub fn resume(&self, by: &str, reason: &str, now: Timestamp) -> Option<(Self, JournalEntry)> {
        self.halt.as_ref()?;
        let by = line(by);
        let text = format!("{by} lets repairs go on: {}", line(reason));
        let entry = JournalEntry::of_all(Code::Resumed, now, by, text);
        Some((Self { halt: None, ..self.clone() }, entry))
    }
}

/// What counts against the bounds: what runs and what ran, and what this plan adds to it.
#[derive(Debug)]
pub struct Tally<'a> {
    now: Timestamp,
    busy: BTreeMap<String, Key>,
    running: u32,
    unproven: u32,
    by_action: BTreeMap<&'a str, u32>,
    dispatched: Vec<Timestamp>,
    ended: BTreeMap<&'a DriftId, Timestamp>,
    width: u32,
}

impl<'a> Tally<'a> {
    /// Counts what there is. `since`: from when on success is looked at for the slow start.
    pub fn of(proposals: &'a [Proposal], since: Option<Timestamp>, now: Timestamp) -> Self {
        let mut tally = Self {
            now,
            busy: BTreeMap::new(),
            running: 0,
            unproven: 0,
            by_action: BTreeMap::new(),
            dispatched: proposals.iter().filter_map(|p| p.state().run()).map(|run| run.at).collect(),
            ended: BTreeMap::new(),
            width: width(proposals, since, now),
        };
        for proposal in proposals {
            match proposal.phase() {
                Phase::Running => tally.occupy(proposal),
                Phase::Unverified => {
                    tally.unproven += 1;
                    tally.take(proposal);
                }
                Phase::Waiting | Phase::Over => {}
            }
            if let Some((_, at)) = proposal.outcome() {
                let ended = tally.ended.entry(&proposal.id.drift).or_insert(at);
                *ended = at.max(*ended);
            }
        }
        tally
    }

    /// Counts one more.
    pub fn dispatch(&mut self, proposal: &'a Proposal) {
        self.dispatched.push(self.now);
        self.occupy(proposal);
    }

    fn occupy(&mut self, proposal: &'a Proposal) {
        self.running += 1;
        self.unproven += 1;
        *self.by_action.entry(&*proposal.content.action).or_default() += 1;
        self.take(proposal);
    }

    fn take(&mut self, proposal: &Proposal) {
        let key = self.busy.entry(place(&proposal.id.drift.subject)).or_insert_with(|| proposal.key.clone());
        if proposal.key < *key {
            key.clone_from(&proposal.key);
        }
    }

    fn dispatched_within(&self, time: SignedDuration) -> u32 {
        let from = before(self.now, time);
        u32::try_from(self.dispatched.iter().filter(|at| **at > from).count()).unwrap_or(u32::MAX)
    }
}

/// One host is one place, however it is spelled.
fn place(subject: &Subject) -> String {
    match subject {
        Subject::Host(host) => format!("host:{}", canonical(host.as_str())),
        Subject::Source(source) => format!("source:{source}"),
    }
}

/// For how long a repair is remembered from its dispatch on, whatever else becomes of it: the budget, the window of attempts
/// and the pause look back a day at most, the latter two from its end.
pub const REMEMBERED: Duration = Duration::from_hours(48);

/// How many may be under way at once: 1, 2, 4 … doubled when as many have worked in a row. What ran a day ago or before
/// the brake was released says nothing any more; neither does what ended though nobody said that the action was run.
fn width(proposals: &[Proposal], since: Option<Timestamp>, now: Timestamp) -> u32 {
    // A clock that was set back must not make what works now count for nothing.
    let since = since.map_or(Timestamp::MIN, |since| since.min(now));
    let from = before(now, SignedDuration::from_hours(24)).max(since);
    let ended: BTreeSet<(Timestamp, &Key, bool)> = proposals
        .iter()
        .filter(|p| !matches!(p.state(), State::Verified { answer: Answer::TimedOut | Answer::Failed, .. }))
        .filter_map(|p| p.outcome().map(|(worked, at)| (at, &p.key, worked)))
        .filter(|(at, ..)| *at > from)
        .collect();
    let worked = ended.iter().rev().take_while(|(.., worked)| *worked).count();
    1 << (worked + 1).ilog2().min(16)
}

/// The kill switch.
pub fn halted(controls: &Controls) -> Result<(), Reason> {
    controls.halt.clone().map_or(Ok(()), |halt| Err(Reason::Halted(halt)))
}

/// The brake.
pub fn braked(brake: &BrakeState) -> Result<(), Reason> {
    brake.engaged.as_ref().map_or(Ok(()), |engaged| Err(Reason::Braked(engaged.why)))
}

/// Nobody repairs what may not be wrong. That intent is not known has an event of its own and needs no second one.
pub fn intended(fleet: &Fleet) -> Result<(), Reason> {
    fleet.intent.gap().map_or(Ok(()), |gap| Err(Reason::NoIntent(gap.clone())))
}

/// Roots only, and only what is fit to be acted on.
pub fn fit(sight: &Sight) -> Result<(), Reason> {
    match &sight.standing {
        Standing::Open { since: _, under: Some(root), unfit: _ } => Err(Reason::Consequence(root.clone())),
        Standing::Open { since: _, under: None, unfit: Some(unfit) } => Err(Reason::Unfit(unfit.clone())),
        Standing::Open { since: _, under: None, unfit: None } => match &sight.observation.saw {
            // What is over and not confirmed to be is still open; its labels may be gone with what was deleted.
            Saw::Gone => Err(Reason::Unfit(Unfit::Gone)),
            Saw::Drift | Saw::Nothing(_) => Ok(()),
        },
        Standing::NotOpen => Err(Reason::Unfit(Unfit::Unconfirmed)),
        Standing::Unknown(gap) => Err(Reason::Unfit(Unfit::Unseen(gap.clone()))),
    }
}

/// Nobody repairs what is not seen; unless that it cannot be seen is what is to be repaired.
pub fn seen(sight: &Sight) -> Result<(), Reason> {
    match sight.coverage.gap() {
        Some(gap) if !sight.drift.event_type.is_blindness() => Err(Reason::Blind(gap.clone())),
        Some(_) | None => Ok(()),
    }
}

/// Maintenance windows.
pub fn windows(windows: &[Window], now: Timestamp) -> Result<(), Reason> {
    window::allows(windows, now).map_err(Reason::Window)
}

/// One action per host at a time, until its effect has been seen.
pub fn exclusive(tally: &Tally<'_>, subject: &Subject) -> Result<(), Reason> {
    tally.busy.get(&place(subject)).map_or(Ok(()), |key| Err(Reason::HostBusy(key.clone())))
}

/// A pause between two attempts on one drift.
pub fn cool(tally: &Tally<'_>, drift: &DriftId, cooldown: SignedDuration) -> Result<(), Reason> {
    match tally.ended.get(drift).map(|ended| later(*ended, cooldown)) {
        Some(until) if tally.now < until => Err(Reason::CoolDown { until }),
        Some(_) | None => Ok(()),
    }
}

/// So many at once, overall.
pub fn concurrency(tally: &Tally<'_>, of: u32) -> Result<(), Reason> {
    if tally.running < of { Ok(()) } else { Err(Reason::Concurrency { of }) }
}

/// So many at once of one action.
pub fn action_concurrency(tally: &Tally<'_>, action: &Action) -> Result<(), Reason> {
    let running = tally.by_action.get(&*action.name).copied().unwrap_or(0);
    match action.concurrency {
        Some(of) if running >= of => Err(Reason::ActionConcurrency { of }),
        Some(_) | None => Ok(()),
    }
}

/// One first, then two, then four.
pub fn slow_start(tally: &Tally<'_>) -> Result<(), Reason> {
    if tally.unproven < tally.width { Ok(()) } else { Err(Reason::SlowStart { of: tally.width }) }
}

/// So many within an hour, and within 24 hours.
pub fn budget(tally: &Tally<'_>, guards: &Guards) -> Result<(), Reason> {
    if tally.dispatched_within(SignedDuration::from_hours(1)) >= guards.per_hour {
        return Err(Reason::HourlyBudget { of: guards.per_hour });
    }
    if tally.dispatched_within(SignedDuration::from_hours(24)) >= guards.per_day {
        return Err(Reason::DailyBudget { of: guards.per_day });
    }
    Ok(())
}

/// How often a drift was acted on: for this opening of it, and a while ago for earlier ones.
pub fn attempts<'a>(
    of_drift: impl Iterator<Item = &'a Proposal>,
    occasion: Timestamp,
    guards: &Guards,
    now: Timestamp,
) -> u32 {
    let from = before(now, guards.attempts_window);
    let counts =
        |p: &&Proposal| p.state().run().is_some_and(|run| p.id.occasion == occasion || run.at > from);
    u32::try_from(of_drift.filter(counts).count()).unwrap_or(u32::MAX)
}
