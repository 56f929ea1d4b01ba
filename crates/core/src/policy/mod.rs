//! What the operator decided: how to compare, when to believe, what to ignore, how much it matters, when to be quiet.

pub mod confirm;
pub mod rule;
mod set_back;
pub mod silence;

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::diff::Report;
use crate::fold;
use crate::id::DriftId;
use crate::identity::Alias;
use crate::judge::Rules;
use crate::model::{Expected, Inventory};

pub use confirm::{Confirm, Flap};
pub use rule::{IgnoreRule, Labels, Matcher, SeverityRule};
pub use silence::{Covers, MadeSilence, Silence};

/// How long a silence made at run time may last, if nothing else is configured.
pub const LONGEST_SILENCE: Duration = Duration::from_secs(90 * 86_400);

/// What the first pass over a host does with what it finds, and any pass with what a source that is new shows of it for the
/// first time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FirstRun {
    /// Every drift is an event like any other.
    #[default]
    Announce,
    /// What is there at the first complete pass is the baseline: recorded and shown, sent to nobody.
    Baseline,
}

/// The plausibility brake: an answer that loses too much at once is held back.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Brake {
    /// The share (0 to 1) of what must be there that a scope may lose within the window. Of everything that is shown,
    /// half may go at once, or this share if it is larger.
    pub share: f64,
    /// Losses up to this number are always plausible.
    pub allowance: u32,
    /// The time looked back over, so that a slow drip counts as well.
    pub window: Duration,
    /// After the same answer was repeated for this long it is believed; `None` = never, until a restart.
    pub accept_after: Option<Duration>,
}

impl Default for Brake {
    fn default() -> Self {
        Self {
            share: 0.1,
            allowance: 4,
            window: Duration::from_secs(3600),
            accept_after: Some(Duration::from_secs(30 * 60)),
        }
    }
}

/// Everything the operator decided.
#[derive(Clone, Debug)]
pub struct Policy {
    /// How to compare.
    pub rules: Rules,
    /// Other names of declared services.
    pub aliases: Vec<Alias>,
    /// When a difference is believed, and when its end is.
    pub confirm: Confirm,
    /// When a drift that comes and goes is held.
    pub flap: Flap,
    /// How long a drift that is over is remembered beyond `flap.window`, for what counts how much there was.
    pub remember: Duration,
    /// How often an open drift is said again; `None` = never.
    pub remind_after: Option<Duration>,
    /// What the first pass does.
    pub first_run: FirstRun,
    /// When an answer is implausible.
    pub brake: Brake,
    /// What is no drift.
    pub ignore: Vec<IgnoreRule>,
    /// What matters more, or less.
    pub severity: Vec<SeverityRule>,
    /// What is not to be sent for a while: as configured, then as made at run time.
    pub silences: Vec<Silence>,
    /// How long a silence made at run time may last.
    pub longest_silence: Duration,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            rules: Rules::default(),
            aliases: Vec::new(),
            confirm: Confirm::default(),
            flap: Flap::default(),
            remember: Duration::ZERO,
            remind_after: None,
            first_run: FirstRun::default(),
            brake: Brake::default(),
            ignore: Vec::new(),
            severity: Vec::new(),
            silences: Vec::new(),
            longest_silence: LONGEST_SILENCE,
        }
    }
}

impl Policy {
    /// Applies ignore rules, severities and silences to what a comparison found. Expired rules do not count.
    pub fn apply(&self, report: Report, expected: &Expected, now: Timestamp) -> Report {
        let Report { drifted, clean, unknown, mut ignored, complete, undecided, vouched_until, newcomers } =
            report;
        let accepting = |id: &DriftId| {
            let labels = Labels::of(expected, id);
            self.ignore.iter().find(|rule| rule.in_force(now) && rule.matcher.matches(id, labels))
        };
        // Whoever accepts a cause accepts what follows from it: an undeclared machine that is ignored must not raise
        // each of its services instead.
        let causes: Vec<(DriftId, Arc<str>)> = match self.ignore.is_empty() {
            true => Vec::new(),
            false => drifted
                .iter()
                .filter(|drift| fold::can_explain(&drift.id))
                .filter_map(|drift| Some((drift.id.clone(), accepting(&drift.id)?.name.clone())))
                .collect(),
        };
        let mut kept = Vec::with_capacity(drifted.len());
        for mut drift in drifted {
            let accepted = accepting(&drift.id).map(|rule| rule.name.clone()).or_else(|| {
                let cause = causes.iter().find(|(cause, _)| fold::explains(cause, &drift.id, false));
                cause.map(|(_, rule)| rule.clone())
            });
            if let Some(rule) = accepted {
                ignored.push((drift, rule));
                continue;
            }
            let labels = Labels::of(expected, &drift.id);
            if let Some(rule) = self.weighing(&drift.id, labels).and_then(|at| self.severity.get(at)) {
                drift.severity = rule.severity;
            }
            let silence = self.silences.iter().find(|s| s.in_force(now) && s.covers(&drift.id, labels));
            drift.silenced = silence.map(|s| s.name.clone());
            kept.push(drift);
        }
        Report { drifted: kept, clean, unknown, ignored, complete, undecided, vouched_until, newcomers }
    }

    /// Which of the severity rules decides about this drift.
    pub fn weighing(&self, id: &DriftId, labels: Labels<'_>) -> Option<usize> {
        self.severity.iter().position(|rule| rule.matcher.matches(id, labels))
    }

    /// This policy with silences made at run time beside its own.
    pub fn with<'a>(&self, made: impl IntoIterator<Item = &'a MadeSilence>) -> Self {
        let mut policy = self.clone();
        policy.silences.extend(made.into_iter().map(MadeSilence::silence));
        policy
    }

    /// The next moment at which a rule begins or ends, so that a pass can be planned for it.
    pub fn next_change(&self, now: Timestamp) -> Option<Timestamp> {
        let ends = self.ignore.iter().filter_map(|r| r.expires);
        let silences = self.silences.iter().flat_map(|s| [s.starts, Some(s.ends)]).flatten();
        ends.chain(silences).filter(|at| *at > now).min()
    }

    /// Whether an inventory that was read in full lost so much against the last one that it is held back.
    pub fn inventory_gap(&self, before: &Inventory, after: &Inventory) -> Option<crate::Gap> {
        crate::brake::inventory_gap(&self.brake, before, after)
    }
}
