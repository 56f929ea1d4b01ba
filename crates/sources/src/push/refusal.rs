//! What is not taken in, and why. What does not live here: how it is told over HTTP.

use std::time::Duration;

use evenkeel_core::{Gap, HostName};
use jiff::Timestamp;

/// What became of a body. Everything in it is accounted for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Accepted {
    /// Observations that are now the newest of their host.
    pub accepted: usize,
    /// Observations that say nothing newer than what is known: repetitions, or late ones. They are passed over.
    pub duplicates: usize,
    /// Those of the accepted of which a part could not be understood: what is not in them is not taken to be gone.
    pub partial: Vec<(usize, Gap)>,
    /// Those that were not taken in.
    pub refused: Vec<(usize, Refusal)>,
}

/// Why nothing of a body was taken in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Larger than [`super::MAX_BODY`].
    #[error("the body is {size} bytes, at most {limit} are taken")]
    TooBig {
        /// Its size in bytes.
        size: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// Neither one JSON value nor one per line.
    #[error("the body is not json: line {line} column {column}")]
    NotJson {
        /// From 1.
        line: usize,
        /// From 1; 0 at the end of a line.
        column: usize,
    },
    /// More observations than are taken at once.
    #[error("the body holds {count} observations, at most {limit} are taken at once")]
    TooMany {
        /// How many.
        count: usize,
        /// The limit.
        limit: usize,
    },
    /// No observation in it.
    #[error("the body holds no observation")]
    Empty,
    /// Every observation in it was refused, each for its own reason.
    #[error("none of the observations can be taken")]
    All(Vec<(usize, Refusal)>),
}

/// Why one observation was not taken in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The line is not JSON.
    #[error("is not json: column {column}")]
    NotJson {
        /// From 1; 0 at the end of the line.
        column: usize,
    },
    /// It is not of the form that is taken.
    #[error("{0}")]
    Form(String),
    /// No name of a machine.
    #[error("the hostname is not a name: it must be 1 to 255 characters, none of them a control character")]
    BadHost,
    /// A host that this sender may not speak about.
    #[error("this token may not speak about {0}; `hosts` of its [[push]] says about which")]
    NotYours(HostName),
    /// From a future that is not a mere difference of clocks.
    #[error("observed_at {observed_at} is {} s ahead of {now}, at most {} s are allowed; is the clock right?", .ahead.as_secs(), .allowed.as_secs())]
    Future {
        /// What the sender says.
        observed_at: Timestamp,
        /// What the time is here.
        now: Timestamp,
        /// By how much it is ahead.
        ahead: Duration,
        /// By how much it may be.
        allowed: Duration,
    },
    /// Another collector speaks about this host already, and what one does not mention would be gone for the other.
    #[error("`{known}` speaks about {host} already; give `{other}` a [[push]] of its own")]
    OtherCollector {
        /// The host.
        host: HostName,
        /// Whose observation is known.
        known: String,
        /// Whose this is.
        other: String,
    },
    /// More hosts than any sender has.
    #[error("{0} hosts are known from this sender, which is the most")]
    TooManyHosts(usize),
}
