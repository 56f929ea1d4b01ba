//! Silences made at run time and rules, as far as persons have a say in them: what they can ask, and what is answered. What
//! does not live here: the paths and bodies, see `api::silences` and `page::rules`; and what follows; behind [`Silences`]
//! the controller decides that.

use std::sync::Arc;

use async_trait::async_trait;
use evenkeel_core::policy::MadeSilence;
use evenkeel_core::policy::silence::{Mistake, Stands, Target, Wish};
use evenkeel_core::{EventType, Severity};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Whoever keeps the silences. Every answer is given once what it says is kept.
#[async_trait]
pub trait Silences: Send + Sync {
    /// Makes a silence for whoever acts under this name.
    async fn make(&self, wish: Wish, by: &str) -> Result<MadeSilence, SilenceTrouble>;

    /// Ends one before its time.
    async fn end(&self, name: &str, by: &str, reason: &str) -> Result<MadeSilence, SilenceTrouble>;
}

/// Why something was not done. The sentence is for whoever asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SilenceTrouble {
    /// The wish cannot be meant; everything that is wrong with it.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Wrong(Vec<Mistake>),
    /// There is no such thing.
    #[error("{0}")]
    Unknown(String),
    /// Things do not stand so that it could be.
    #[error("{0}")]
    Refused(String),
    /// Nothing can be kept at this moment, so nothing is done.
    #[error("{0}")]
    Away(String),
}

/// What a rule does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RuleKind {
    /// What it covers is no drift.
    Ignore,
    /// What it covers is told to nobody.
    Silence,
    /// What it covers matters more, or less.
    Severity,
}

impl RuleKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Ignore, Self::Silence, Self::Severity];

    /// The lower-case word used in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ignore => "ignore",
            Self::Silence => "silence",
            Self::Severity => "severity",
        }
    }

    /// Reads the word back.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// Where a rule stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RuleOrigin {
    /// In the configuration.
    Configuration,
    /// Somebody made it at run time.
    Made,
}

impl RuleOrigin {
    /// The lower-case word used in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Configuration => "configuration",
            Self::Made => "made",
        }
    }
}

/// A rule that was decided, and how much it covers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleLine {
    /// What it does.
    pub kind: RuleKind,
    /// Where it stands.
    pub origin: RuleOrigin,
    /// Its name; severity rules have none.
    pub name: Option<Arc<str>>,
    /// Why.
    pub reason: Option<Arc<str>>,
    /// Who decided it.
    pub owner: Option<Arc<str>>,
    /// The severity it gives.
    pub severity: Option<Severity>,
    /// Whom it concerns.
    pub selects: Selects,
    /// When it begins; null = it did.
    pub starts: Option<Timestamp>,
    /// When it ends; null = never.
    pub ends: Option<Timestamp>,
    /// It ends when its drift is resolved, if that is earlier.
    pub until_resolved: bool,
    /// How many drifts it covers that would be open, or are, as the newest passes found.
    pub hits: u64,
}

impl RuleLine {
    /// Where it stands at this moment.
    pub fn stands(&self, now: Timestamp) -> Stands {
        if self.ends.is_some_and(|ends| ends <= now) {
            Stands::Over
        } else if self.starts.is_some_and(|starts| now < starts) {
            Stands::Coming
        } else {
            Stands::InForce
        }
    }
}

/// Whom a rule concerns: a drift, or all lists that are not empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Selects {
    /// Exactly this drift, in its text form.
    pub drift_id: Option<String>,
    /// Its handle.
    pub drift_handle: Option<String>,
    /// Event types.
    pub types: Vec<EventType>,
    /// Globs on hosts.
    pub hosts: Vec<Arc<str>>,
    /// Globs on services.
    pub services: Vec<Arc<str>>,
    /// Globs on tags.
    pub tags: Vec<Arc<str>>,
    /// Globs on tenants.
    pub tenants: Vec<Arc<str>>,
}

impl From<&Target> for Selects {
    fn from(target: &Target) -> Self {
        match target {
            Target::Drift(drift) => Self {
                drift_id: Some(drift.to_string()),
                drift_handle: Some(drift.handle()),
                ..Self::default()
            },
            Target::Pattern(pattern) => Self {
                types: pattern.types.clone(),
                hosts: pattern.hosts.clone(),
                services: pattern.services.clone(),
                ..Self::default()
            },
        }
    }
}
