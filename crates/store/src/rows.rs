//! What is kept beside the ledger: snapshots, the last inventory, assets, the journal.

use evenkeel_core::id::{DriftId, EventId, HostName, SourceId, Subject};
use evenkeel_core::model::{ExpectedHost, HostKind, HostView};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};
use xxhash_rust::xxh3::xxh3_128;

use crate::canonical;

pub use evenkeel_core::JournalKind;

/// What one source reported about one host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObservedRow {
    /// The host.
    pub hostname: HostName,
    /// The configured source (`docker/box2-media`).
    pub source: SourceId,
    /// A hash of `snapshot`, equal if and only if nothing worth keeping changed.
    pub hash: u128,
    /// The value under `snapshot` in the canonical form, as JSON text.
    pub snapshot: String,
    /// When the answer was complete.
    pub observed_at: Timestamp,
}

impl ObservedRow {
    /// The row of one view. Of a sensitive host only names and states are kept.
    pub fn of(host: &HostName, view: &HostView, sensitive: bool) -> Self {
        let snapshot = canonical::observed_body(view, sensitive).to_string();
        Self {
            hostname: host.clone(),
            source: view.source.clone(),
            hash: xxh3_128(snapshot.as_bytes()),
            snapshot,
            observed_at: view.observed_at,
        }
    }
}

/// What is declared about one host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpectedRow {
    /// What kind of snapshot (`host`).
    pub kind: String,
    /// The host.
    pub hostname: HostName,
    /// A hash of `data`.
    pub hash: u128,
    /// The canonical form, as JSON text.
    pub data: String,
    /// When it was read.
    pub at: Timestamp,
}

impl ExpectedRow {
    /// The row of one declared host.
    pub fn of(host: &ExpectedHost, at: Timestamp) -> Self {
        let data = canonical::expected_snapshot(host).to_string();
        Self {
            kind: "host".to_owned(),
            hostname: host.name.clone(),
            hash: xxh3_128(data.as_bytes()),
            data,
            at,
        }
    }
}

/// The last complete inventory of one NetBox, in whatever form its owner encodes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SavedInventory {
    /// Which NetBox.
    pub source: SourceId,
    /// When the read ended.
    pub observed_at: Timestamp,
    /// The inventory; the store does not look inside.
    pub bytes: Vec<u8>,
}

/// What a leader shows at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SavedStatus {
    /// When it was so.
    pub at: Timestamp,
    /// Everything it shows, as JSON text in whatever form its owner chose; the store does not look inside.
    pub body: String,
}

/// A declared host in the list of assets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssetRow {
    /// `device` or `virtual_machine`.
    pub asset_type: String,
    /// The name, unique within its type.
    pub name: String,
    /// The node or cluster it belongs to.
    pub parent: Option<String>,
    /// What else is declared.
    pub metadata: Value,
}

impl AssetRow {
    /// The asset of one declared host.
    pub fn of(host: &ExpectedHost) -> Self {
        let asset_type = match host.kind {
            HostKind::Device => "device",
            HostKind::VirtualMachine => "virtual_machine",
        };
        let parent = host.node.as_ref().map(|node| node.as_str()).or(host.cluster.as_deref());
        Self {
            asset_type: asset_type.to_owned(),
            name: host.name.as_str().to_owned(),
            parent: parent.map(str::to_owned),
            metadata: json!({
                "netbox_id": host.netbox_id,
                "status": host.status.to_string(),
                "ip": host.primary_ip,
                "role": host.role,
                "site": host.site,
                "tenant": host.tenant,
                "cluster": host.cluster,
                "sensitive": host.sensitive,
            }),
        }
    }
}

/// One line of the journal in its canonical form.
#[derive(Clone, Debug, Serialize)]
pub struct JournalLine<'a> {
    created_at: Timestamp,
    kind: &'static str,
    actor: &'a str,
    text: &'a str,
    subject: Option<String>,
    event: Option<EventId>,
    drift_id: Option<&'a str>,
    handle: Option<String>,
    data: &'a Value,
}

/// One line of the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JournalRow {
    /// What it is.
    pub kind: JournalKind,
    /// When.
    pub at: Timestamp,
    /// The host or source concerned.
    pub subject: Option<Subject>,
    /// The event that led to it.
    pub event: Option<EventId>,
    /// The drift concerned, in its text form.
    pub drift_key: Option<String>,
    /// Who: `evenkeel`, a user, a remote system.
    pub actor: String,
    /// One sentence for people.
    pub text: String,
    /// Everything else.
    pub data: Value,
}

impl JournalRow {
    /// The row as it is shown, in the API and on the command line.
    pub fn line(&self) -> JournalLine<'_> {
        JournalLine {
            created_at: self.at,
            kind: self.kind.as_str(),
            actor: &self.actor,
            text: &self.text,
            subject: self.subject.as_ref().map(ToString::to_string),
            event: self.event,
            drift_id: self.drift_key.as_deref(),
            handle: self.handle(),
            data: &self.data,
        }
    }

    /// The handle of the drift concerned, by which people ask for it; `None` also where the text is no drift's.
    pub fn handle(&self) -> Option<String> {
        self.drift_key.as_deref().and_then(DriftId::parse).map(|id| id.handle())
    }
}
