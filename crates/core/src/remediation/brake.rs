//! The mass brake: when much drifts at once, the cause is likelier a broken view, a power cut or a mistake in NetBox than
//! many broken services, and repairs would make it worse. What does not live here: the plausibility of one answer; that
//! is [`crate::brake`].

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::proposal::{before, later};
use super::record::{Code, JournalEntry};
use super::said::line;
use super::sight::{Sight, Standing, Unfit};
use crate::coverage::Coverage;
use crate::id::DriftId;

/// How much drift at once is too much.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BrakeLimits {
    /// The share (0 to 1) of the fleet's hosts and services that may begin to drift within the window.
    pub share: f64,
    /// So many may in any case: one host of a small fleet is a large share of it.
    pub allowance: u32,
    /// More than this may not, however large the fleet is.
    pub most: u32,
    /// The time looked back over, so that a slow drip counts as well.
    pub window: SignedDuration,
    /// After it has been calm for this long the brake releases itself.
    pub calm: SignedDuration,
}

impl Default for BrakeLimits {
    /// More than a tenth of the fleet within an hour, at least 6 and at most 51; half an hour of calm.
    fn default() -> Self {
        Self {
            share: 0.1,
            allowance: 5,
            most: 50,
            window: SignedDuration::from_hours(1),
            calm: SignedDuration::from_mins(30),
        }
    }
}

impl BrakeLimits {
    /// How many drifts of a fleet of this size may begin within the window.
    pub fn limit(&self, things: u64) -> u64 {
        let share = (things as f64 * self.share.clamp(0.0, 1.0)).floor() as u64;
        share.min(u64::from(self.most)).max(u64::from(self.allowance))
    }
}

/// What is known about the fleet as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fleet {
    /// Whether intent is known: without NetBox nobody knows what is wrong. That it is not known has an event of its own
    /// and engages no brake; nothing is proposed or dispatched meanwhile.
    pub intent: Coverage,
    /// How many hosts and services are declared.
    pub things: u64,
    /// Root drifts that were opened, those that are open and those that are over, each at the moment it began; none
    /// lies ahead of now, also where the clock was set back. Older ones than the window may be left out.
    pub opened: Vec<(DriftId, Timestamp)>,
}

/// Why the brake is on: too much at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BrakeReason {
    /// Drifts that began within the window.
    pub drifts: u64,
    /// How many may.
    pub limit: u64,
}

impl fmt::Display for BrakeReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} drifts began at once, and {} may", self.drifts, self.limit)
    }
}

/// That the brake is on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Engaged {
    /// Since when.
    pub since: Timestamp,
    /// Why, at this moment or when there last was a reason.
    pub why: BrakeReason,
    /// Since when there is no reason any more.
    pub calm_since: Option<Timestamp>,
}

/// The brake's memory. Kept in the store: a restart does not release it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BrakeState {
    /// Whether it is on.
    pub engaged: Option<Engaged>,
    /// When it was last released: from then on things start slowly again.
    pub released_at: Option<Timestamp>,
    /// When a person last released it: what began before then is known to them and not counted again.
    pub forgiven_at: Option<Timestamp>,
}

impl BrakeState {
    /// Looks at the fleet. A line is written when the brake engages and when it releases, and at no other time: one
    /// storm is one message.
    pub fn look(
        &self,
        limits: &BrakeLimits,
        fleet: &Fleet,
        sights: &[Sight],
        now: Timestamp,
    ) -> (Self, Option<JournalEntry>) {
        let us: Arc<str> = Arc::from(JournalEntry::SELF);
        match (&self.engaged, self.reason(limits, fleet, sights, now)) {
            (None, None) => (self.clone(), None),
            (None, Some(why)) => {
                let text = format!("No repair is dispatched from now on: {why}.");
                let engaged = Some(Engaged { since: now, why, calm_since: None });
                let entry = JournalEntry::of_all(Code::BrakeEngaged, now, us, text);
                (Self { engaged, ..self.clone() }, Some(entry))
            }
            (Some(engaged), Some(why)) => {
                let engaged = Some(Engaged { since: engaged.since, why, calm_since: None });
                (Self { engaged, ..self.clone() }, None)
            }
            (Some(engaged), None) => {
                // A clock that was set back must not hold it for ever.
                let calm_since = engaged.calm_since.unwrap_or(now).min(now);
                if now < later(calm_since, limits.calm) {
                    let engaged = Some(Engaged { calm_since: Some(calm_since), ..*engaged });
                    return (Self { engaged, ..self.clone() }, None);
                }
                let text = "It has been calm for a while: repairs may be dispatched again.".to_owned();
                let entry = JournalEntry::of_all(Code::BrakeReleased, now, us, text);
                (Self { engaged: None, released_at: Some(now), ..self.clone() }, Some(entry))
            }
        }
    }

    /// Releases it by hand. `None`: it is not on.
    pub fn release(&self, by: &str, reason: &str, now: Timestamp) -> Option<(Self, JournalEntry)> {
        self.engaged.as_ref()?;
        let by = line(by);
        let text = format!("{by} releases the brake: {}", line(reason));
        let entry = JournalEntry::of_all(Code::BrakeReleased, now, by, text);
        Some((Self { engaged: None, released_at: Some(now), forgiven_at: Some(now) }, entry))
    }

    fn reason(
        &self,
        limits: &BrakeLimits,
        fleet: &Fleet,
        sights: &[Sight],
        now: Timestamp,
    ) -> Option<BrakeReason> {
        let open = sights.iter().filter_map(|sight| match &sight.standing {
            // The last echo of a cause that ended is no beginning. What a clock that was ahead calls its beginning is the
            // name of that opening; when it began, the fleet says.
            Standing::Open { under: None, unfit: Some(Unfit::Unconfirmed), .. } => None,
            Standing::Open { since, under: None, unfit: _ } if *since <= now => Some((&sight.drift, *since)),
            Standing::Open { .. } | Standing::NotOpen | Standing::Unknown(_) => None,
        });
        // Each drift once, at its newest beginning.
        let mut begun: BTreeMap<&DriftId, Timestamp> = BTreeMap::new();
        for (drift, at) in fleet.opened.iter().map(|(drift, at)| (drift, *at)).chain(open) {
            begun.entry(drift).and_modify(|newest| *newest = at.max(*newest)).or_insert(at);
        }
        let from = before(now, limits.window);
        let counts =
            |at: &&Timestamp| **at > from && self.forgiven_at.is_none_or(|forgiven| **at > forgiven.min(now));
        let drifts = begun.values().filter(counts).count() as u64;
        let limit = limits.limit(fleet.things);
        (drifts > limit).then_some(BrakeReason { drifts, limit })
    }
}
