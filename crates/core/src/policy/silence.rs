//! Silences: times during which drift is kept and shown, but sent to nobody. What one covers, and what one that a person
//! makes at run time must look like. What does not live here: how one is kept, and who may make one.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::rule::{Labels, Matcher};
use crate::event::EventType;
use crate::id::DriftId;
use crate::ledger::{Entry, State};

/// The longest reason, in characters.
pub const LONGEST_REASON: usize = 1000;
/// The longest pattern, in characters.
pub const LONGEST_PATTERN: usize = 200;
/// How many patterns of one kind a silence may have.
pub const MOST_PATTERNS: usize = 50;

/// A time during which drift is kept and shown, but sent to nobody.
#[derive(Clone, Debug, PartialEq)]
pub struct Silence {
    /// Its name, shown where it hits.
    pub name: Arc<str>,
    /// Whom it concerns.
    pub covers: Covers,
    /// Why, in the operator's words.
    pub reason: Arc<str>,
    /// Who decided it.
    pub owner: Option<Arc<str>>,
    /// When it begins; `None` = at once.
    pub starts: Option<Timestamp>,
    /// When it ends. A silence always ends.
    pub ends: Timestamp,
}

/// Whom a silence concerns, and with that where it comes from.
#[derive(Clone, Debug, PartialEq)]
pub enum Covers {
    /// Of the configuration: what matches, whatever it is.
    Rule(Matcher),
    /// Made at run time: exactly this drift.
    Drift(DriftId),
    /// Made at run time: what matches. That something cannot be seen is covered only where its type is named: a pattern
    /// written in haste must not hide that evenkeel went blind.
    Pattern(Matcher),
}

impl Silence {
    /// Whether it holds at this moment.
    pub fn in_force(&self, now: Timestamp) -> bool {
        self.starts.is_none_or(|start| start <= now) && now < self.ends
    }

    /// Whether it concerns this drift, at whatever time.
    pub fn covers(&self, id: &DriftId, labels: Labels<'_>) -> bool {
        match &self.covers {
            Covers::Rule(matcher) => matcher.matches(id, labels),
            Covers::Drift(drift) => drift == id,
            Covers::Pattern(matcher) => {
                let kind = id.event_type;
                matcher.matches(id, labels) && (!kind.is_blindness() || matcher.types.contains(&kind))
            }
        }
    }
}

/// A silence that a person makes at run time, as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MadeSilence {
    /// Its name.
    pub name: Arc<str>,
    /// Whom it concerns.
    pub target: Target,
    /// Why.
    pub reason: Arc<str>,
    /// Who made it.
    pub owner: Arc<str>,
    /// When.
    pub made_at: Timestamp,
    /// When it begins.
    pub starts: Timestamp,
    /// When it ends at the latest.
    pub ends: Timestamp,
    /// It ends when its drift is resolved.
    #[serde(default)]
    pub until_resolved: bool,
    /// Who ended it before its time, if somebody did.
    #[serde(default)]
    pub ended: Option<Ended>,
}

/// Whom a silence made at run time concerns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// Exactly this drift.
    Drift(DriftId),
    /// What these match.
    Pattern(Pattern),
}

/// Within one list any entry suffices; all lists that are not empty must match.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pattern {
    /// Globs on the host's name; for a source that belongs to no host, on `kind/name`.
    pub hosts: Vec<Arc<str>>,
    /// Globs on the service's name.
    pub services: Vec<Arc<str>>,
    /// Event types.
    pub types: Vec<EventType>,
}

/// That a silence was ended before its time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub by: Arc<str>,
    /// Why; may be empty.
    pub reason: Arc<str>,
}

/// What a person wishes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    /// Whom it concerns.
    pub target: Target,
    /// Why.
    pub reason: String,
    /// When it begins; `None` = at once.
    pub starts: Option<Timestamp>,
    /// When it ends.
    pub until: Option<Until>,
}

/// When a silence ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// At this moment.
    Moment(Timestamp),
    /// So long after its beginning.
    After(SignedDuration),
    /// When its drift is resolved, and as late as one may.
    Resolved,
}

/// Where a silence stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stands {
    /// It begins later.
    Coming,
    /// It holds.
    InForce,
    /// It has ended.
    Over,
}

impl Stands {
    /// Every standing, in the order they are gone through.
    pub const ALL: [Self; 3] = [Self::Coming, Self::InForce, Self::Over];

    /// The lower-case word used in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Coming => "coming",
            Self::InForce => "in_force",
            Self::Over => "over",
        }
    }

    /// Reads the word back.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|stands| stands.as_str() == text)
    }
}

/// What is wrong with a wish.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Mistake {
    /// No reason is given.
    #[error("say why: whoever finds this silence later wants to know")]
    NoReason,
    /// The reason is too long.
    #[error("the reason has more than {LONGEST_REASON} characters; say it shorter")]
    LongReason,
    /// Nobody is meant.
    #[error("this silences nothing; name a drift, hosts, services or types (hosts: `*` for everything)")]
    Nothing,
    /// A pattern cannot be meant.
    #[error(
        "one of the {of} is empty, longer than {LONGEST_PATTERN} characters, or one of more than {MOST_PATTERNS}"
    )]
    BadPattern {
        /// `hosts`, `services` or `types`.
        of: &'static str,
    },
    /// No end is given.
    #[error("say when it ends: a silence always ends; for good there are ignore rules in the configuration")]
    NoEnd,
    /// It ends before it begins, or in the past.
    #[error("it would be over before it begins")]
    EndsEarly,
    /// It lasts longer than is allowed.
    #[error("it would last longer than {longest} days, which is as long as one may (`longest_silence` in [policy])", longest = days(*longest))]
    TooLong {
        /// As long as one may.
        longest: Duration,
    },
    /// There is nothing that could be resolved.
    #[error("only a silence of one drift can last until that is resolved; say when it ends")]
    NothingResolves,
}

impl Mistake {
    /// Which part of the wish is meant.
    pub fn about(&self) -> &'static str {
        match self {
            Self::NoReason | Self::LongReason => "reason",
            Self::Nothing => "hosts",
            Self::BadPattern { of } => of,
            Self::NoEnd | Self::EndsEarly | Self::TooLong { .. } | Self::NothingResolves => "ends",
        }
    }
}

/// That a silence cannot be ended: it is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this silence ended at {at}")]
pub struct AlreadyOver {
    /// Since when.
    pub at: Timestamp,
}

impl MadeSilence {
    /// A silence as it was wished for, or everything that is wrong with the wish. Moments are whole seconds.
    pub fn new(
        name: Arc<str>,
        wish: Wish,
        owner: Arc<str>,
        longest: Duration,
        now: Timestamp,
    ) -> Result<Self, Vec<Mistake>> {
        let Wish { target, reason, starts, until } = wish;
        let mut mistakes = Vec::new();
        let reason = reason.trim();
        if reason.is_empty() {
            mistakes.push(Mistake::NoReason);
        } else if reason.chars().count() > LONGEST_REASON {
            mistakes.push(Mistake::LongReason);
        }
        if let Target::Pattern(pattern) = &target {
            mistakes.extend(pattern.mistake());
        }
        let now = whole(now);
        let starts = starts.map_or(now, |starts| whole(starts).max(now));
        let end = ends(starts, until, matches!(target, Target::Drift(_)), longest);
        match end {
            Ok(ends) if mistakes.is_empty() => Ok(Self {
                name,
                target,
                reason: Arc::from(reason),
                owner,
                made_at: now,
                starts,
                ends,
                until_resolved: until == Some(Until::Resolved),
                ended: None,
            }),
            Ok(_) => Err(mistakes),
            Err(mistake) => {
                mistakes.push(mistake);
                Err(mistakes)
            }
        }
    }

    /// The same, ended now.
    pub fn end(&self, by: Arc<str>, reason: &str, now: Timestamp) -> Result<Self, AlreadyOver> {
        match self.stands(now) {
            Stands::Over => Err(AlreadyOver { at: self.over_at() }),
            Stands::Coming | Stands::InForce => {
                let reason = reason.trim().chars().take(LONGEST_REASON).collect::<String>();
                let at = whole(now).max(self.made_at);
                Ok(Self { ended: Some(Ended { at, by, reason: reason.into() }), ..self.clone() })
            }
        }
    }

    /// Where it stands.
    pub fn stands(&self, now: Timestamp) -> Stands {
        if self.ended.is_some() || now >= self.ends {
            Stands::Over
        } else if now < self.starts {
            Stands::Coming
        } else {
            Stands::InForce
        }
    }

    /// When it is over, or was.
    pub fn over_at(&self) -> Timestamp {
        self.ended.as_ref().map_or(self.ends, |ended| ended.at)
    }

    /// Whether it was to last until its drift is resolved, and that is so. `entry` is what the ledger has of the drift
    /// now: nothing, or one that was resolved or opened anew since, says that it was resolved in between. What is said to
    /// have been later than now was before the clock was set back.
    pub fn is_fulfilled(&self, entry: Option<&Entry>, now: Timestamp) -> bool {
        let since = |at: Option<Timestamp>| at.is_some_and(|at| whole(at) > self.made_at && at <= now);
        let resolved = |entry: &Entry| {
            entry.state == State::Resolved || since(entry.resolved_at) || since(entry.opened_at)
        };
        self.until_resolved && entry.is_none_or(resolved)
    }

    /// As the policy applies it.
    pub fn silence(&self) -> Silence {
        let covers = match &self.target {
            Target::Drift(drift) => Covers::Drift(drift.clone()),
            Target::Pattern(pattern) => Covers::Pattern(pattern.matcher()),
        };
        Silence {
            name: self.name.clone(),
            covers,
            reason: self.reason.clone(),
            owner: Some(self.owner.clone()),
            starts: Some(self.starts),
            ends: self.over_at(),
        }
    }
}

impl Pattern {
    fn matcher(&self) -> Matcher {
        let Self { hosts, services, types } = self;
        let globs = |patterns: &[Arc<str>]| patterns.iter().map(|text| Matcher::glob(text)).collect();
        Matcher { types: types.clone(), hosts: globs(hosts), services: globs(services), ..Matcher::default() }
    }

    fn mistake(&self) -> Option<Mistake> {
        let Self { hosts, services, types } = self;
        if hosts.is_empty() && services.is_empty() && types.is_empty() {
            return Some(Mistake::Nothing);
        }
        let is_bad = |patterns: &[Arc<str>]| {
            let wrong = |text: &Arc<str>| text.trim().is_empty() || text.chars().count() > LONGEST_PATTERN;
            patterns.len() > MOST_PATTERNS || patterns.iter().any(wrong)
        };
        let bad = [("hosts", is_bad(hosts)), ("services", is_bad(services))].into_iter();
        let bad = bad.chain([("types", types.len() > MOST_PATTERNS)]).find(|(_, bad)| *bad);
        bad.map(|(of, _)| Mistake::BadPattern { of })
    }
}

/// When it ends, as far as that is allowed.
fn ends(
    starts: Timestamp,
    until: Option<Until>,
    is_of_one_drift: bool,
    longest: Duration,
) -> Result<Timestamp, Mistake> {
    let latest = SignedDuration::try_from(longest).ok().and_then(|longest| starts.checked_add(longest).ok());
    let latest = latest.unwrap_or(Timestamp::MAX);
    let ends = match until {
        None => return Err(Mistake::NoEnd),
        Some(Until::Resolved) if !is_of_one_drift => return Err(Mistake::NothingResolves),
        Some(Until::Resolved) => return Ok(latest),
        Some(Until::Moment(at)) => whole(at),
        Some(Until::After(by)) => starts.checked_add(by).map_or(Timestamp::MAX, whole),
    };
    if ends <= starts {
        return Err(Mistake::EndsEarly);
    }
    if ends > latest {
        return Err(Mistake::TooLong { longest });
    }
    Ok(ends)
}

pub(super) fn whole(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second()).unwrap_or(at)
}

fn days(span: Duration) -> String {
    let days = span.as_secs_f64() / 86_400.0;
    if days.fract() == 0.0 { format!("{days:.0}") } else { format!("{days:.2}") }
}

/// A name for a silence, from 40 random bits: eight letters and digits, as a drift's handle has.
pub fn name_of(random: u64) -> Arc<str> {
    Arc::from(crate::id::handle_of(random))
}
