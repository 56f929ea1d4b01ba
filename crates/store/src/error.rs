//! Why the store could not do what was asked, in the words a person needs to mend it.

use std::error::Error as StdError;

/// The result of every operation of the store.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong. `at` is the database as the operator knows it: a path, or an address without credentials.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The database does not answer, or not in time.
    #[error("store {at} is unavailable: {why}")]
    Unavailable {
        /// The database.
        at: String,
        /// What happened, and what can be done.
        why: String,
        /// The database's own error.
        #[source]
        source: Option<Box<dyn StdError + Send + Sync>>,
    },
    /// Another process holds the database.
    #[error("another evenkeel ({holder}) is using {at}: stop it, or give this one a store of its own")]
    Locked {
        /// The database.
        at: String,
        /// Who holds it, as far as known (`pid 4711`).
        holder: String,
    },
    /// Another process writes this database, or nobody asked for the right to. Nothing was written.
    #[error("store {at} is led by {leader}: this process only reads")]
    NotLeader {
        /// The database.
        at: String,
        /// Who leads, as far as known.
        leader: String,
    },
    /// The database does not let us in, or not do what must be done.
    #[error("store {at} refuses us: {why}")]
    Denied {
        /// The database.
        at: String,
        /// What it refuses, and what can be done.
        why: String,
        /// The database's own error.
        #[source]
        source: Option<Box<dyn StdError + Send + Sync>>,
    },
    /// No space is left.
    #[error("no space left for store {at}: free some, or shorten the retention")]
    Full {
        /// The database.
        at: String,
    },
    /// The database cannot be written.
    #[error("store {at} cannot be written: {why}")]
    ReadOnly {
        /// The database.
        at: String,
        /// Why, and what can be done.
        why: String,
    },
    /// Somebody else committed this first; load it again. Nothing was written.
    #[error("{what} is at revision {found}, not {expected}: it was committed by someone else meanwhile")]
    Conflict {
        /// What: a subject (`host:a`), `proposal KEY`, the callback, what holds repairs back.
        what: String,
        /// The revision the commit was based on.
        expected: u64,
        /// The revision in the store.
        found: u64,
    },
    /// What was to be written contradicts what is there: an event id twice, a delivery of an event that does not exist.
    /// Nothing was written.
    #[error("refused by store {at}: {why}")]
    Refused {
        /// The database.
        at: String,
        /// What contradicts what.
        why: String,
    },
    /// Something in the database cannot be read back.
    #[error("{what} in store {at} is corrupt: restore a backup, or move it away to start afresh")]
    Corrupt {
        /// The database.
        at: String,
        /// What cannot be read (`drift SERVICE_MISSING|host:a|b||`).
        what: String,
        /// How reading it failed.
        #[source]
        source: Option<Box<dyn StdError + Send + Sync>>,
    },
    /// The database was written by a newer evenkeel.
    #[error("store {at} has schema {found}, this evenkeel knows up to {known}: run the newer evenkeel again")]
    Newer {
        /// The database.
        at: String,
        /// Its schema version.
        found: i64,
        /// The newest version this program knows.
        known: i64,
    },
    /// The database was written by an older evenkeel and is opened for reading only.
    #[error(
        "store {at} has schema {found}, this evenkeel needs {known}: start the controller once to migrate it"
    )]
    Older {
        /// The database.
        at: String,
        /// Its schema version.
        found: i64,
        /// The version this program needs.
        known: i64,
    },
    /// Tables of an installation, or what is around them, cannot be adopted as they are. Nothing was changed.
    #[error("store {at} cannot be adopted as it is:\n- {}", .problems.join("\n- "))]
    Unfit {
        /// The database.
        at: String,
        /// Everything that stands in the way, each with what to do about it.
        problems: Vec<String>,
    },
    /// The database belongs to another program.
    #[error("{at} is a database, but not evenkeel's: check the store's path")]
    Foreign {
        /// The database.
        at: String,
    },
}

impl Error {
    /// Something stored that cannot be read back.
    pub(crate) fn corrupt(
        at: &str,
        what: impl Into<String>,
        source: impl Into<Box<dyn StdError + Send + Sync>>,
    ) -> Self {
        Self::Corrupt { at: at.to_owned(), what: what.into(), source: Some(source.into()) }
    }

    /// The same failure once more, for each of several callers who shared a transaction.
    pub(crate) fn again(&self) -> Self {
        let told = |why: &String, source: &Option<Box<dyn StdError + Send + Sync>>| {
            source.as_ref().map_or_else(|| why.clone(), |source| format!("{why} ({source})"))
        };
        match self {
            Self::Unavailable { at, why, source } => {
                Self::Unavailable { at: at.clone(), why: told(why, source), source: None }
            }
            Self::Denied { at, why, source } => {
                Self::Denied { at: at.clone(), why: told(why, source), source: None }
            }
            Self::Locked { at, holder } => Self::Locked { at: at.clone(), holder: holder.clone() },
            Self::NotLeader { at, leader } => Self::NotLeader { at: at.clone(), leader: leader.clone() },
            Self::Full { at } => Self::Full { at: at.clone() },
            Self::ReadOnly { at, why } => Self::ReadOnly { at: at.clone(), why: why.clone() },
            Self::Conflict { what, expected, found } => {
                Self::Conflict { what: what.clone(), expected: *expected, found: *found }
            }
            Self::Refused { at, why } => Self::Refused { at: at.clone(), why: why.clone() },
            Self::Corrupt { at, what, source: _ } => {
                Self::Corrupt { at: at.clone(), what: what.clone(), source: None }
            }
            Self::Newer { at, found, known } => Self::Newer { at: at.clone(), found: *found, known: *known },
            Self::Older { at, found, known } => Self::Older { at: at.clone(), found: *found, known: *known },
            Self::Unfit { at, problems } => Self::Unfit { at: at.clone(), problems: problems.clone() },
            Self::Foreign { at } => Self::Foreign { at: at.clone() },
        }
    }

    /// Whether trying again later, with nothing changed, can help.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unavailable { .. } | Self::Full { .. } => true,
            Self::Locked { .. }
            | Self::NotLeader { .. }
            | Self::Denied { .. }
            | Self::ReadOnly { .. }
            | Self::Conflict { .. }
            | Self::Refused { .. }
            | Self::Corrupt { .. }
            | Self::Newer { .. }
            | Self::Older { .. }
            | Self::Unfit { .. }
            | Self::Foreign { .. } => false,
        }
    }
}
