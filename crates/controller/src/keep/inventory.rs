//! The last complete inventory: as one piece for the next start, as snapshots per host for history, as assets.
//!
//! Of a fleet in which one host was edited only that host is written: the others are what they were when they were
//! written last.

use std::collections::BTreeMap;
use std::io::{self, BufReader, BufWriter};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use evenkeel_core::model::{ExpectedHost, Inventory};
use evenkeel_core::{Coverage, HostName, SourceId};
use evenkeel_store::{AssetRow, Error, ExpectedRow, SavedInventory, Store};
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tracing::error;

use super::{AT_ONCE, lock};

/// How everything packed begins.
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// The form an inventory is kept in, packed.
#[derive(Serialize, Deserialize)]
struct Kept {
    started: Timestamp,
    #[serde(default)]
    filtered: bool,
    hosts: Vec<Arc<ExpectedHost>>,
}

/// The inventory on its way into the store.
#[derive(Debug, Default)]
pub(super) struct Declared {
    is_due: AtomicBool,
    /// What this process wrote last, whole.
    written: Mutex<Option<Arc<Inventory>>>,
}

impl Declared {
    /// It is to be kept.
    pub(super) fn note(&self) {
        self.is_due.store(true, Ordering::Release);
    }

    /// Whether it is to be kept; asked once for each time it was noted.
    pub(super) fn take(&self) -> bool {
        self.is_due.swap(false, Ordering::AcqRel)
    }

    /// Keeps a complete inventory.
    pub(super) async fn write(&self, store: &dyn Store, newest: Arc<Inventory>) -> Result<(), Error> {
        // What is half written is whatever it is: the next time everything is written.
        let before = lock(&self.written).take();
        save_whole(store, &newest).await?;
        let news = news(before.as_deref(), &newest);
        let at = newest.observed_at;
        for hosts in news.chunks(AT_ONCE) {
            let rows: Vec<ExpectedRow> = hosts.iter().map(|host| ExpectedRow::of(host, at)).collect();
            store.save_expected(&rows).await?;
            let assets: Vec<AssetRow> = hosts.iter().map(|host| AssetRow::of(host)).collect();
            store.save_assets(&assets, at).await?;
        }
        *lock(&self.written) = Some(newest);
        Ok(())
    }
}

/// The hosts that are not as they were.
fn news<'a>(before: Option<&Inventory>, newest: &'a Inventory) -> Vec<&'a Arc<ExpectedHost>> {
    let before: BTreeMap<&HostName, &Arc<ExpectedHost>> =
        before.iter().flat_map(|before| &before.hosts).map(|host| (&host.name, host)).collect();
    newest.hosts.iter().filter(|host| before.get(&host.name) != Some(host)).collect()
}

async fn save_whole(store: &dyn Store, inventory: &Inventory) -> Result<(), Error> {
    let kept =
        Kept { started: inventory.started, filtered: inventory.filtered, hosts: inventory.hosts.clone() };
    match packed(&kept) {
        Ok(bytes) => {
            let source = inventory.source.clone();
            let observed_at = inventory.observed_at;
            store.save_inventory(&SavedInventory { source, observed_at, bytes }).await
        }
        Err(error) => {
            // Every type in it serialises without fail.
            error!(%error, "the inventory could not be packed; the one kept before stays");
            Ok(())
        }
    }
}

/// A tenth of what it would be otherwise, in memory as on the disk, and made without ever being whole.
fn packed(kept: &Kept) -> io::Result<Vec<u8>> {
    let mut packing = BufWriter::new(GzEncoder::new(Vec::new(), Compression::fast()));
    serde_json::to_writer(&mut packing, kept)?;
    packing.into_inner()?.finish()
}

/// What was packed, or kept by a version that did not pack.
fn unpacked(bytes: &[u8]) -> Result<Kept, serde_json::Error> {
    match bytes.starts_with(&GZIP) {
        true => serde_json::from_reader(BufReader::new(GzDecoder::new(bytes))),
        false => serde_json::from_slice(bytes),
    }
}

/// The last complete inventory of an earlier run. One that cannot be read any more is as good as none: the next read of
/// NetBox brings it back. One that was read later than now was read before the clock was set back.
pub async fn last_inventory(
    store: &dyn Store,
    source: &SourceId,
    now: Timestamp,
) -> Result<Option<Inventory>, Error> {
    let Some(saved) = store.last_inventory(source).await? else { return Ok(None) };
    match unpacked(&saved.bytes) {
        Ok(kept) => Ok(Some(Inventory {
            source: source.clone(),
            started: kept.started.min(now),
            observed_at: saved.observed_at.min(now),
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

#[cfg(test)]
mod tests {
    use evenkeel_core::SourceKind;
    use evenkeel_core::model::HostKind;
    use evenkeel_store::SqliteStore;
    use evenkeel_store::sqlite::Options;
    use jiff::SignedDuration;

    use super::*;

    fn fleet(size: u64) -> Inventory {
        let at = Timestamp::from_second(60).unwrap();
        let host = |n| Arc::new(ExpectedHost::new(HostName::new(format!("box-{n:04}")), HostKind::Device, n));
        Inventory {
            source: SourceId::new(SourceKind::Netbox, "main"),
            started: at,
            observed_at: at,
            coverage: Coverage::Complete,
            hosts: (0..size).map(host).collect(),
            filtered: false,
        }
    }

    /// The same a minute later, in which these hosts were edited.
    fn edited(before: &Inventory, which: &[usize]) -> Inventory {
        let mut after = before.clone();
        after.observed_at = before.observed_at + SignedDuration::from_mins(1);
        for n in which {
            Arc::make_mut(&mut after.hosts[*n]).role = Some("moved".into());
        }
        after
    }

    fn names(hosts: &[&Arc<ExpectedHost>]) -> Vec<String> {
        hosts.iter().map(|host| host.name.to_string()).collect()
    }

    #[tokio::test]
    async fn more_than_is_written_at_once_is_written_all_the_same() {
        let store = SqliteStore::in_memory(Options::default()).await.unwrap();
        let whole = fleet(2 * AT_ONCE as u64 + 1);
        Declared::default().write(&store, Arc::new(whole.clone())).await.unwrap();
        assert_eq!(store.stats().await.unwrap().expected_snapshots, whole.hosts.len() as u64);
        let kept = last_inventory(&store, &whole.source, whole.observed_at).await.unwrap();
        assert_eq!(kept, Some(whole));
    }

    #[test]
    fn what_was_edited_or_is_new_is_written_and_nothing_else() {
        let before = fleet(9);
        assert_eq!(news(None, &before).len(), 9);
        assert!(news(Some(&before), &before).is_empty());
        let mut after = edited(&before, &[3, 7]);
        after.hosts.extend(fleet(10).hosts.pop());
        assert_eq!(names(&news(Some(&before), &after)), ["box-0003", "box-0007", "box-0009"]);
    }

    #[tokio::test]
    async fn what_could_not_be_written_is_written_with_the_next() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kept.db");
        let open = || SqliteStore::open(&path, Options::default());
        let declared = Declared::default();
        let first = fleet(4);
        let store = open().await.unwrap();
        declared.write(&store, Arc::new(first.clone())).await.unwrap();
        store.close().await;
        let second = edited(&first, &[1]);
        declared.write(&store, Arc::new(second.clone())).await.unwrap_err();
        // Another hand wrote what was on its way, and NetBox says by now what it said at first.
        let store = open().await.unwrap();
        Declared::default().write(&store, Arc::new(second.clone())).await.unwrap();
        let third = Inventory { observed_at: second.observed_at + SignedDuration::from_mins(1), ..first };
        declared.write(&store, Arc::new(third.clone())).await.unwrap();
        assert_eq!(store.stats().await.unwrap().expected_snapshots, 6, "there and back again");
        assert_eq!(last_inventory(&store, &third.source, third.observed_at).await.unwrap(), Some(third));
        store.close().await;
    }

    #[test]
    fn what_is_packed_is_small_and_comes_back_whole_as_does_what_was_never_packed() {
        let Inventory { started, filtered, hosts, .. } = fleet(100);
        let kept = Kept { started, filtered, hosts };
        let (plain, packed) = (serde_json::to_vec(&kept).unwrap(), packed(&kept).unwrap());
        assert!(packed.len() * 8 < plain.len(), "{} of {}", packed.len(), plain.len());
        for bytes in [&plain, &packed] {
            assert_eq!(unpacked(bytes).unwrap().hosts, kept.hosts);
            assert!(unpacked(&bytes[..bytes.len() / 2]).is_err(), "half of it is not taken for all");
        }
    }
}
