//! NetBox's JSON, as far as it is read here. These types do not leave the folder.

use serde::{Deserialize, Serialize};

/// A list.
#[derive(Debug, Deserialize)]
pub(super) struct Page<R> {
    /// How many rows there are, on this page or not.
    pub(super) count: usize,
    pub(super) results: Vec<R>,
}

/// A device or virtual machine.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct HostRow {
    pub(super) id: u64,
    /// A device needs none.
    pub(super) name: Option<String>,
}

/// An entry, asked for by what it says.
#[derive(Debug, Deserialize)]
pub(super) struct EntryRow {
    pub(super) assigned_object_type: String,
    pub(super) assigned_object_id: u64,
    pub(super) comments: String,
}

/// An entry to be made.
#[derive(Debug, Serialize)]
pub(super) struct NewEntry<'a> {
    pub(super) assigned_object_type: &'static str,
    pub(super) assigned_object_id: u64,
    pub(super) kind: &'static str,
    pub(super) comments: &'a str,
}

/// What was made. A page of something else that answers 2xx has no such number.
#[derive(Debug, Deserialize)]
pub(super) struct Made {
    #[serde(rename = "id")]
    pub(super) _id: u64,
}

/// What may be done to a list: NetBox names an action only to whom it allows it.
#[derive(Debug, Deserialize)]
pub(super) struct Options {
    #[serde(default)]
    pub(super) actions: Actions,
}

/// The part of it that matters.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Actions {
    #[serde(rename = "POST")]
    pub(super) post: Option<serde::de::IgnoredAny>,
}

/// The status page.
#[derive(Debug, Deserialize)]
pub(super) struct Status {
    #[serde(rename = "netbox-version")]
    pub(super) version: String,
}

/// Why something is refused.
#[derive(Debug, Deserialize)]
pub(super) struct Refusal {
    pub(super) detail: String,
}
