//! The [`Store`] contract and the databases behind it.
//!
//! What lives here: what is kept (ledger, events, outbox, snapshots, journal), in which promises, and how each database
//! keeps it; a database's SQL stays in its own folder. What does not: what the ledger decides (core), when anything is
//! written, claimed or pruned (controller), the canonical form of an event (core), how it travels (sinks).

mod canonical;
mod clock;
mod contract;
mod error;
mod group;
mod query;
mod repairs;
mod rows;
mod sessions;
mod silences;
mod sorting;
mod text;
mod types;

#[cfg(feature = "conformance")]
#[doc(hidden)]
pub mod conformance;
pub mod postgres;
pub mod sqlite;

pub use canonical::{expected_snapshot, observed_snapshot};
pub use clock::ClockStore;
pub use contract::Store;
pub use error::{Error, Result};
pub use postgres::PgStore;
pub use query::{
    Cursor, DeliveryFilter, DeliveryState, DriftFilter, EventFilter, ExportLine, ExportStream, JournalFilter,
    Page, Record,
};
pub use repairs::{
    Callback, ControlsChange, NewCallback, NewNotice, ProposalChange, ProposalFilter, ProposalRow,
    RepairCommit, Repairs, TokenHash,
};
pub use rows::{
    AssetRow, ExpectedRow, JournalKind, JournalLine, JournalRow, ObservedRow, SavedInventory, SavedStatus,
};
pub use sessions::SessionRow;
pub use silences::{SilenceFilter, SilenceStore};
pub use sqlite::SqliteStore;
pub use types::{
    Claimed, Committed, DeliveryRow, Keep, Leadership, Loaded, NewDelivery, OpenCount, OutboxDepth, Outcome,
    PassCommit, Pruned, Resend, RetentionPolicy, RowCounts, Saved, Stats, StoredEvent, Ticket, TurnRow,
};
