//! What is read of a guest slowly: its configuration, and the addresses its agent or its container tells. What lives
//! here: what is known, when it is read again. What does not: asking (`errand`).

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use evenkeel_core::{Fact, Gap, GapKind};
use tokio::time::Instant;

use super::guest_config::GuestConfig;
use super::wire::{GuestKind, GuestRow};

/// Errands at once under way: a few per observation, so that a cluster is not asked about every guest in one go.
const BATCH: usize = 8;
/// After a change a guest is read again this soon, then at twice the distance, up to the interval: a guest that was just
/// started has its addresses one after the other.
const SOON: Duration = Duration::from_secs(30);
/// A guest younger than this is not done with getting its addresses.
const YOUNG: u64 = 90;
/// What is older than so many intervals is not held to be true any more.
const STALE_AFTER: u32 = 3;

/// What a survey says of a guest beside the lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Detail {
    pub(super) macs: Fact<Vec<Arc<str>>>,
    pub(super) disk_mib: Fact<u64>,
    pub(super) addresses: Fact<Vec<IpAddr>>,
    pub(super) uuid: Option<Arc<str>>,
}

/// What was found out about one guest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) config: Result<GuestConfig, Gap>,
    /// `None`: nobody was asked, or nobody could be reached who knows.
    pub(super) addresses: Option<Fact<Vec<IpAddr>>>,
}

/// A guest to be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ask {
    pub(super) key: String,
    pub(super) kind: GuestKind,
    pub(super) vmid: u64,
    pub(super) node: String,
    pub(super) running: bool,
    pub(super) young: bool,
    name: Option<String>,
}

/// What of a guest's row, when it changes, makes its details worth another look.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Watched {
    name: Option<String>,
    tags: Option<String>,
    lock: Option<String>,
    node: Option<String>,
    status: Option<String>,
}

#[derive(Clone, Debug)]
struct Entry {
    watched: Watched,
    config: Option<(Result<GuestConfig, Gap>, Instant)>,
    addresses: Option<(Fact<Vec<IpAddr>>, Instant)>,
    due: Instant,
    /// Reads since the last change.
    rounds: u32,
    under_way: bool,
}

/// What is known of every guest.
#[derive(Debug)]
pub(super) struct Details {
    entries: BTreeMap<String, Entry>,
    interval: Duration,
}

impl Details {
    pub(super) fn new(interval: Duration) -> Self {
        Self { entries: BTreeMap::new(), interval }
    }

    /// Takes note of a list and says whom to read now. `readable` excludes guests that cannot answer (their node is
    /// away) or must not be disturbed (a backup freezes the agent).
    pub(super) fn plan(
        &mut self,
        rows: &[GuestRow],
        readable: impl Fn(&GuestRow) -> bool,
        now: Instant,
    ) -> Vec<Ask> {
        let there: BTreeSet<String> = rows.iter().map(GuestRow::key).collect();
        self.entries.retain(|key, _| there.contains(key));
        let mut due: Vec<(Instant, Ask)> = Vec::new();
        for row in
            rows.iter().filter(|row| row.template != Some(true) && row.status.as_deref() != Some("unknown"))
        {
            let key = row.key();
            let entry = self.entries.entry(key.clone()).or_insert_with(|| Entry::new(row, now));
            entry.watch(row, now);
            if entry.due > now || entry.under_way || !readable(row) {
                continue;
            }
            if let Some(node) = &row.node {
                let running = is_running(row);
                due.push((
                    entry.due,
                    Ask {
                        key,
                        kind: row.kind,
                        vmid: row.vmid,
                        node: node.clone(),
                        running,
                        young: running && row.uptime.is_some_and(|seconds| seconds < YOUNG),
                        name: row.name.clone(),
                    },
                ));
            }
        }
        due.sort_by_key(|(since, _)| *since);
        due.truncate(BATCH.saturating_sub(self.under_way()));
        let asks: Vec<Ask> = due.into_iter().map(|(_, ask)| ask).collect();
        for ask in &asks {
            if let Some(entry) = self.entries.get_mut(&ask.key) {
                entry.under_way = true;
            }
        }
        asks
    }

    /// Errands that have not come back.
    pub(super) fn under_way(&self) -> usize {
        self.entries.values().filter(|entry| entry.under_way).count()
    }

    /// Whether something was never read.
    pub(super) fn has_unread(&self) -> bool {
        self.entries.values().any(|entry| entry.under_way || entry.config.is_none())
    }

    /// An errand is back. Says whether it brought news.
    pub(super) fn take(&mut self, ask: &Ask, found: Found, now: Instant) -> bool {
        let interval = self.interval;
        let Some(entry) = self.entries.get_mut(&ask.key) else {
            return false;
        };
        entry.under_way = false;
        if entry.watched.name != ask.name {
            // The number may be another guest's by now: what was found may be the last one's.
            entry.due = now;
            return false;
        }
        let config = match (found.config, &entry.config) {
            // What is known outlives a read that failed, until it is too old.
            (Err(_), Some((Ok(known), since))) => (Ok(known.clone()), *since),
            (read, _) => (read, now),
        };
        let addresses = match found.addresses {
            Some(addresses) if ask.running => Some((addresses, now)),
            Some(_) | None => entry.addresses.clone(),
        };
        let news = entry.config.as_ref().map(|(config, _)| config) != Some(&config.0)
            || entry.addresses.as_ref().map(|(fact, _)| fact) != addresses.as_ref().map(|(fact, _)| fact);
        entry.config = Some(config);
        entry.addresses = addresses;
        let pause = SOON.saturating_mul(2_u32.saturating_pow(entry.rounds)).min(interval);
        entry.rounds = entry.rounds.saturating_add(1);
        entry.due = now + spread(pause, &ask.key, entry.rounds);
        news
    }

    /// What is known of this guest.
    pub(super) fn of(&self, row: &GuestRow, now: Instant) -> Detail {
        let entry = self.entries.get(&row.key());
        let limit = self.interval.saturating_mul(STALE_AFTER);
        let unread = || Gap::new(GapKind::NotYetObserved, "the configuration was not read yet");
        let old = |since: Instant| now.duration_since(since) > limit;
        let config = match entry.and_then(|entry| entry.config.as_ref()) {
            None => Err(unread()),
            Some((Ok(_), since)) if old(*since) => {
                Err(Gap::new(GapKind::Stale, "the configuration could not be read again for long"))
            }
            Some((config, _)) => config.clone(),
        };
        let addresses = match entry.and_then(|entry| entry.addresses.as_ref()) {
            _ if !is_running(row) => {
                Fact::unknown(GapKind::NotYetObserved, "a guest that does not run tells no address")
            }
            None => Fact::unknown(GapKind::NotYetObserved, "the addresses were not read yet"),
            Some((_, since)) if old(*since) => {
                Fact::unknown(GapKind::Stale, "the addresses could not be read again for long")
            }
            Some((fact, _)) => fact.clone(),
        };
        match config {
            Ok(config) => {
                Detail { macs: config.macs, disk_mib: config.disk_mib, addresses, uuid: config.uuid }
            }
            Err(gap) => Detail {
                macs: Fact::Unknown(gap.clone()),
                disk_mib: Fact::Unknown(gap),
                addresses,
                uuid: None,
            },
        }
    }
}

impl Entry {
    fn new(row: &GuestRow, now: Instant) -> Self {
        Self {
            watched: Watched::of(row),
            config: None,
            addresses: None,
            due: now,
            rounds: 0,
            under_way: false,
        }
    }

    fn watch(&mut self, row: &GuestRow, now: Instant) {
        let watched = Watched::of(row);
        if watched == self.watched {
            return;
        }
        if watched.name != self.watched.name {
            // Renamed, or the number given to another guest: nothing of the old one may be said of the new one.
            self.config = None;
            self.addresses = None;
        }
        if watched.status != self.watched.status {
            self.addresses = None;
        }
        self.watched = watched;
        self.due = now;
        self.rounds = 0;
    }
}

impl Watched {
    fn of(row: &GuestRow) -> Self {
        Self {
            name: row.name.clone(),
            tags: row.tags.clone(),
            lock: row.lock.clone(),
            node: row.node.clone(),
            status: row.status.clone(),
        }
    }
}

fn is_running(row: &GuestRow) -> bool {
    row.status.as_deref() == Some("running")
}

/// Between three and five quarters of the pause, by guest and round: what was read together is not read together again.
fn spread(pause: Duration, key: &str, round: u32) -> Duration {
    let mut hash: u32 = 2_166_136_261 ^ round;
    for byte in key.bytes() {
        hash = (hash ^ u32::from(byte)).wrapping_mul(16_777_619);
    }
    pause.mul_f64(0.75 + f64::from(hash % 1000) / 2000.0)
}
