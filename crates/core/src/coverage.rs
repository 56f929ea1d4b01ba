//! What was asked, how far the answer reaches, and the only way to ask for an entity.
//!
//! "Unknown is not absent" lives in [`Lookup`]: nothing in this crate can learn that a thing is missing except
//! through [`Lookup::Absent`], and only a complete answer produces that.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::id::HostName;

/// The kinds of things a source can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EntityKind {
    /// A physical machine or hypervisor node.
    Host,
    /// A virtual machine or system container.
    Vm,
    /// Services (containers, apps) running on a machine.
    Service,
}

impl fmt::Display for EntityKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Host => "hosts",
            Self::Vm => "virtual machines",
            Self::Service => "services",
        })
    }
}

/// One question that was asked: which entities of this kind are there on this host?
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Scope {
    /// The host asked about.
    pub host: HostName,
    /// The kind asked for.
    pub kind: EntityKind,
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on {}", self.kind, self.host)
    }
}

/// Why something is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GapKind {
    /// Nobody has answered since the start: cold start.
    NotYetObserved,
    /// No configured source speaks about this scope.
    Uncovered,
    /// The connection was refused, reset or not found.
    Unreachable,
    /// No answer within the time allowed.
    TimedOut,
    /// The source refused the credentials, or they no longer show what they showed.
    Unauthorized,
    /// The answer could not be understood.
    Malformed,
    /// The answer ended early or its parts do not add up.
    Truncated,
    /// The last complete answer is too old to rest anything on.
    Stale,
    /// The answer is complete but so different from the last one that it is held back (plausibility brake).
    Implausible,
    /// More than one thing answers to this name.
    Ambiguous,
}

impl GapKind {
    /// Every kind.
    pub const ALL: [Self; 10] = [
        Self::NotYetObserved,
        Self::Uncovered,
        Self::Unreachable,
        Self::TimedOut,
        Self::Unauthorized,
        Self::Malformed,
        Self::Truncated,
        Self::Stale,
        Self::Implausible,
        Self::Ambiguous,
    ];

    /// The snake-case word used in metrics, the API and the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotYetObserved => "not_yet_observed",
            Self::Uncovered => "uncovered",
            Self::Unreachable => "unreachable",
            Self::TimedOut => "timed_out",
            Self::Unauthorized => "unauthorized",
            Self::Malformed => "malformed",
            Self::Truncated => "truncated",
            Self::Stale => "stale",
            Self::Implausible => "implausible",
            Self::Ambiguous => "ambiguous",
        }
    }
}

impl fmt::Display for GapKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.as_str().replace('_', " "))
    }
}

/// A hole in what is known, with its cause in words. Never carries a secret.
///
/// Shared and one pointer wide: gaps are rare, and whatever may have one ([`Fact`], [`Coverage`]) is to stay small
/// where there is none.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Gap(Arc<Cause>);

/// What a [`Gap`] says; its fields are read through the gap (`gap.kind`).
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename = "Gap")]
pub struct Cause {
    /// The kind of hole.
    pub kind: GapKind,
    /// A lower-case phrase saying what happened and where (`connect to tcp://192.168.2.16:2376: refused`).
    pub why: Arc<str>,
}

impl Gap {
    /// So many characters of a cause are kept: whoever answers may have written words of it, and it goes to logs, pages
    /// and the store.
    pub const LONGEST: usize = 1000;

    /// A gap of this kind with its cause: one line, without what would steer a terminal.
    pub fn new(kind: GapKind, why: impl AsRef<str>) -> Self {
        let why = why.as_ref();
        let decent = why.len() <= Self::LONGEST && !why.chars().any(char::is_control);
        let why = if decent { Arc::from(why) } else { one_line(why) };
        Self(Arc::new(Cause { kind, why }))
    }
}

fn one_line(why: &str) -> Arc<str> {
    let calm = |c: char| if c.is_control() { ' ' } else { c };
    if why.chars().nth(Gap::LONGEST).is_none() {
        return why.chars().map(calm).collect::<String>().into();
    }
    why.chars().take(Gap::LONGEST - 1).map(calm).chain(['…']).collect::<String>().into()
}

impl Deref for Gap {
    type Target = Cause;

    fn deref(&self) -> &Cause {
        &self.0
    }
}

impl fmt::Debug for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl fmt::Display for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.why.is_empty() { self.kind.fmt(f) } else { write!(f, "{}: {}", self.kind, self.why) }
    }
}

/// How far an answer reaches. `Complete` is earned: rights checked, every page read, every part understood.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Coverage {
    /// What is not in the answer does not exist in the scope.
    Complete,
    /// What is not in the answer may exist all the same.
    Partial(Gap),
}

impl Coverage {
    /// The gap, if there is one.
    pub fn gap(&self) -> Option<&Gap> {
        match self {
            Self::Complete => None,
            Self::Partial(gap) => Some(gap),
        }
    }

    /// Whether absence from the answer proves absence.
    pub fn is_complete(&self) -> bool {
        matches!(self, Self::Complete)
    }
}

/// One attribute: known, or unknown with the cause. It is not an `Option`: a container that publishes no port is
/// `Known(none)`, a container whose ports could not be read is `Unknown`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Fact<T> {
    /// Read and understood.
    Known(T),
    /// Not read, or not understood.
    Unknown(Gap),
}

impl<T> Fact<T> {
    /// The value, where it is known; the gap otherwise.
    pub fn known(&self) -> Result<&T, &Gap> {
        match self {
            Self::Known(value) => Ok(value),
            Self::Unknown(gap) => Err(gap),
        }
    }

    /// Shorthand for an unknown fact.
    pub fn unknown(kind: GapKind, why: impl AsRef<str>) -> Self {
        Self::Unknown(Gap::new(kind, why))
    }
}

/// The answer to "is it there?". There is no other way to ask, and no `Option` to confuse it with.
#[derive(Debug, PartialEq, Eq)]
pub enum Lookup<'a, E> {
    /// Seen.
    Present(&'a E),
    /// Proved absent by a complete answer.
    Absent,
    /// Nobody can say, and why.
    Unknown(&'a Gap),
}

impl<E> Clone for Lookup<'_, E> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<E> Copy for Lookup<'_, E> {}
