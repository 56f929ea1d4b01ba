//! What is kept beside the ledgers: the last complete inventory, and what sources showed.

use std::sync::Arc;

use evenkeel_core::model::{ExpectedHost, Inventory};
use evenkeel_core::{Coverage, SourceId};
use evenkeel_store::{AssetRow, Error, ExpectedRow, ObservedRow, SavedInventory, Store};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::world::Seen;

/// The form an inventory is kept in.
#[derive(Serialize, Deserialize)]
struct Kept {
    started: Timestamp,
    #[serde(default)]
    filtered: bool,
    hosts: Vec<Arc<ExpectedHost>>,
}

/// Keeps a complete inventory: as one piece for the next start, as snapshots per host for history, as assets.
pub async fn inventory(store: &dyn Store, inventory: &Inventory) -> Result<(), Error> {
    let kept =
        Kept { started: inventory.started, filtered: inventory.filtered, hosts: inventory.hosts.clone() };
    // Every type in it serialises without fail; an empty text would be refused on reading, not believed.
    let bytes = serde_json::to_vec(&kept).unwrap_or_else(|_| Vec::new());
    let saved =
        SavedInventory { source: inventory.source.clone(), observed_at: inventory.observed_at, bytes };
    store.save_inventory(&saved).await?;
    let rows: Vec<ExpectedRow> =
        inventory.hosts.iter().map(|host| ExpectedRow::of(host, inventory.observed_at)).collect();
    store.save_expected(&rows).await?;
    let assets: Vec<AssetRow> = inventory.hosts.iter().map(|host| AssetRow::of(host)).collect();
    store.save_assets(&assets, inventory.observed_at).await
}

/// The last complete inventory of an earlier run. One that cannot be read any more is as good as none: the next read of
/// NetBox brings it back.
pub async fn last_inventory(store: &dyn Store, source: &SourceId) -> Result<Option<Inventory>, Error> {
    let Some(saved) = store.last_inventory(source).await? else { return Ok(None) };
    match serde_json::from_slice::<Kept>(&saved.bytes) {
        Ok(kept) => Ok(Some(Inventory {
            source: source.clone(),
            started: kept.started,
            observed_at: saved.observed_at,
            coverage: Coverage::Complete,
            hosts: kept.hosts,
            filtered: kept.filtered,
        })),
        Err(error) => {
            tracing::warn!(%error, "the kept inventory is of another form; waiting for netbox");
            Ok(None)
        }
    }
}

/// Keeps what a source showed, where it differs from what it showed before. Blindness shows nothing.
pub async fn observed(store: &dyn Store, seen: &[Seen]) -> Result<(), Error> {
    let complete = seen.iter().filter(|seen| seen.view.coverage.is_complete());
    let rows: Vec<ObservedRow> =
        complete.map(|seen| ObservedRow::of(&seen.host, &seen.view, seen.sensitive)).collect();
    if rows.is_empty() {
        return Ok(());
    }
    store.save_observed(&rows).await.map(|_| ())
}
