//! What is kept of silences made at run time, and in which promises. What does not live here: what one may look like and
//! whom it covers; that is [`evenkeel_core::policy::silence`].

use async_trait::async_trait;
use evenkeel_core::policy::MadeSilence;
use evenkeel_core::policy::silence::Stands;
use jiff::Timestamp;

use crate::error::{Error, Result};
use crate::query::{Cursor, Page};
use crate::rows::JournalRow;

/// Which silences are asked for. Nothing set is no restriction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SilenceFilter {
    /// Those that stand like this at this moment.
    pub stands: Option<(Stands, Timestamp)>,
    /// The one of this name, in any case.
    pub name: Option<String>,
    /// Of exactly this drift, in its text form.
    pub drift_key: Option<String>,
    /// Made by whoever acts under this name.
    pub owner: Option<String>,
}

/// The part of a [`Store`](crate::Store) that keeps silences made at run time.
#[async_trait]
pub trait SilenceStore: Send + Sync {
    /// Every silence that is not over at this moment, in the order they were made. One that cannot be read back fails the
    /// whole answer with [`Error::Corrupt`], which names it: without it somebody would be told what they wished not to be.
    async fn silences_left(&self, now: Timestamp) -> Result<Vec<MadeSilence>>;

    /// Silences, newest first. The cursor stays valid while silences are made, ended and pruned.
    async fn silences(
        &self,
        filter: &SilenceFilter,
        after: Option<Cursor>,
        limit: u32,
    ) -> Result<Page<MadeSilence>>;

    /// Keeps a silence and what the journal says of it: both or nothing. [`Error::Refused`] if its name is taken.
    async fn add_silence(&self, silence: &MadeSilence, journal: &[JournalRow]) -> Result<()>;

    /// Keeps that a silence was ended, and what the journal says of it: both or nothing. [`Error::Conflict`] if it is
    /// unknown, or was ended before.
    async fn end_silence(&self, silence: &MadeSilence, journal: &[JournalRow]) -> Result<()>;
}

/// A silence's revisions; 0 is an unknown one.
const MADE: u64 = 1;
const ENDED: u64 = 2;

/// That a silence is unknown, or was ended before.
pub(crate) fn conflict(name: &str, is_known: bool) -> Error {
    let found = if is_known { ENDED } else { 0 };
    Error::Conflict { what: format!("silence {name}"), expected: MADE, found }
}

/// The drift a silence is about, in its text form.
pub(crate) fn drift_key(silence: &MadeSilence) -> Option<String> {
    match &silence.target {
        evenkeel_core::policy::silence::Target::Drift(drift) => Some(drift.to_string()),
        evenkeel_core::policy::silence::Target::Pattern(_) => None,
    }
}

/// Reads a stored silence back.
pub(crate) fn read_silence(at: &str, name: &str, json: &str) -> Result<MadeSilence> {
    let corrupt = |why| Error::corrupt(at, format!("silence {name}"), why);
    let silence: MadeSilence = serde_json::from_str(json).map_err(|error| corrupt(error.to_string()))?;
    if &*silence.name == name {
        Ok(silence)
    } else {
        Err(corrupt(format!("it says that it is {}", silence.name)))
    }
}
