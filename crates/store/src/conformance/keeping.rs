//! What is kept and what goes: snapshots, inventories, retention.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use evenkeel_core::id::{SourceId, SourceKind};
use futures_util::TryStreamExt;
use serde_json::{Value, json};

use super::Outcome as Done;
use super::sample::{at, delivery, docker, event, event_id, host, journal, missing, observed, opening};
use crate::query::{DeliveryFilter, EventFilter, JournalFilter, Record};
use crate::rows::{AssetRow, ExpectedRow, JournalKind, ObservedRow, SavedInventory};
use crate::types::{Keep, Outcome, PassCommit, RetentionPolicy, RowCounts, Saved, Stats};
use crate::{Error, Store};

type Fresh = Arc<dyn Store>;

/// Everything is kept.
pub const NOTHING: RetentionPolicy = RetentionPolicy {
    events: Keep { age: None, count: None },
    snapshots: Keep { age: None, count: None },
    delivered: Keep { age: None, count: None },
    dead: Keep { age: None, count: None },
    journal: Keep { age: None, count: None },
    proposals: Keep { age: None, count: None },
};

/// Nothing older than so many seconds.
pub fn older_than(seconds: u64) -> Keep {
    Keep { age: Some(Duration::from_secs(seconds)), count: None }
}

/// No more than so many.
pub fn at_most(count: u64) -> Keep {
    Keep { age: None, count: Some(count) }
}

async fn exported(store: &Fresh, record: Record) -> Result<Vec<Value>, Box<dyn std::error::Error>> {
    let lines: Vec<_> = store.export(None).try_collect().await?;
    let lines = lines.into_iter().filter(|line| line.record == record);
    Ok(lines.map(|line| serde_json::from_str(&line.json)).collect::<Result<_, _>>()?)
}

pub async fn a_snapshot_is_kept_only_when_it_changes(store: Fresh) -> Done {
    let first = store.save_observed(&[observed("a", "one", 1), observed("b", "one", 1)]).await?;
    assert_eq!(first, Saved { changed: 2, unchanged: 0, stale: 0 });
    let second = store.save_observed(&[observed("a", "one", 2), observed("b", "two", 2)]).await?;
    assert_eq!(second, Saved { changed: 1, unchanged: 1, stale: 0 });
    // Back to what it was is a change, too.
    let third = store.save_observed(&[observed("b", "one", 3), observed("b", "one", 4)]).await?;
    assert_eq!(third, Saved { changed: 1, unchanged: 1, stale: 0 });
    assert_eq!(store.save_observed(&[]).await?, Saved::default());
    let mut other = observed("a", "one", 5);
    other.source = docker("second");
    assert_eq!(
        store.save_observed(&[other]).await?.changed,
        1,
        "another source of the same host is another view"
    );
    assert_eq!(exported(&store, Record::Observed).await?.len(), 5);
    Ok(())
}

pub async fn an_older_report_is_ignored(store: Fresh) -> Done {
    store.save_observed(&[observed("a", "new", 10)]).await?;
    store.save_observed(&[observed("a", "new", 20)]).await?;
    let late = store.save_observed(&[observed("a", "old", 15), observed("a", "new", 19)]).await?;
    assert_eq!(late, Saved { changed: 0, unchanged: 0, stale: 2 });
    assert_eq!(store.save_observed(&[observed("a", "new", 20)]).await?.unchanged, 1);
    Ok(())
}

/// What a host is expected to be, with a text standing for all of it.
pub fn expected(host: &str, text: &str, seconds: i64) -> ExpectedRow {
    let data = json!({ "hostname": host, "role": text }).to_string();
    let hash = xxhash_rust::xxh3::xxh3_128(data.as_bytes());
    ExpectedRow { kind: "host".to_owned(), hostname: host.into(), hash, data, at: at(seconds) }
}

pub async fn expected_snapshots_are_kept_only_when_they_change(store: Fresh) -> Done {
    assert_eq!(store.save_expected(&[expected("a", "x", 1), expected("b", "x", 1)]).await?.changed, 2);
    let again = store.save_expected(&[expected("a", "x", 2), expected("b", "y", 2)]).await?;
    assert_eq!(again, Saved { changed: 1, unchanged: 1, stale: 0 });
    let rows = exported(&store, Record::Expected).await?;
    assert_eq!(rows.iter().map(|row| &row["role"]).collect::<Vec<_>>(), ["x", "x", "y"]);
    Ok(())
}

pub async fn what_each_source_shows_of_a_host_can_be_asked(store: Fresh) -> Done {
    let mut second = observed("a", "two", 2);
    second.source = docker("second");
    store.save_observed(&[observed("a", "one", 1), second.clone(), observed("b", "one", 1)]).await?;
    store.save_observed(&[observed("a", "other", 3)]).await?;
    store.save_observed(&[observed("a", "other", 4)]).await?;
    let shown = store.shown(&"a".into()).await?;
    // The newest of each, and when it was last seen so.
    assert_eq!(shown, [observed("a", "other", 4), second]);
    assert_eq!(store.shown(&"nobody".into()).await?, []);
    Ok(())
}

pub async fn whoever_ever_showed_a_host_is_known(store: Fresh) -> Done {
    assert_eq!(store.sources_shown().await?, BTreeSet::new());
    let by = |name: &str, host: &str| ObservedRow { source: docker(name), ..observed(host, "x", 1) };
    store.save_observed(&[by("a", "box"), by("b", "box"), by("a", "attic")]).await?;
    store.save_sources(&[docker("silent")], at(1)).await?;
    assert_eq!(store.sources_shown().await?, BTreeSet::from([docker("a"), docker("b")]));
    Ok(())
}

pub async fn ten_megabytes_of_snapshot_survive(store: Fresh) -> Done {
    let text = "ä\"\\".repeat(2_000_000);
    let rows = [observed("small", "x", 1), observed("big", &text, 1), observed("after", "x", 1)];
    assert!(rows[1].snapshot.len() > 10_000_000);
    assert_eq!(store.save_observed(&rows).await?.changed, 3);
    let kept = exported(&store, Record::Observed).await?;
    let big = kept.iter().find(|row| row["hostname"] == "big").ok_or("gone")?;
    assert!(big["snapshot"]["containers"][0]["name"] == text.as_str(), "changed on the way");
    Ok(())
}

pub async fn the_last_inventory_replaces_the_one_before(store: Fresh) -> Done {
    let source = SourceId::new(SourceKind::Netbox, "main");
    assert_eq!(store.last_inventory(&source).await?, None);
    for seconds in [1, 2] {
        let bytes = vec![u8::try_from(seconds).unwrap_or(0), 0, 0xff];
        let inventory = SavedInventory { source: source.clone(), observed_at: at(seconds), bytes };
        store.save_inventory(&inventory).await?;
        assert_eq!(store.last_inventory(&source).await?, Some(inventory));
    }
    assert_eq!(store.last_inventory(&SourceId::new(SourceKind::Netbox, "other")).await?, None);
    Ok(())
}

pub async fn sources_and_assets_may_be_said_again(store: Fresh) -> Done {
    let asset = |status: &str| AssetRow {
        asset_type: "virtual_machine".to_owned(),
        name: "box2-daily".to_owned(),
        parent: Some("Box2".to_owned()),
        metadata: json!({ "status": status }),
    };
    for seconds in 0..2 {
        store.save_sources(&[docker("a"), docker("b")], at(seconds)).await?;
        store.save_assets(&[asset("active")], at(seconds)).await?;
        store.save_assets(&[asset("offline")], at(seconds)).await?;
    }
    store.save_sources(&[], at(1)).await?;
    store.save_assets(&[], at(1)).await?;
    Ok(())
}

async fn ids(store: &Fresh) -> Result<Vec<evenkeel_core::id::EventId>, Error> {
    let page = store.events(&EventFilter::default(), None, 10_000).await?;
    Ok(page.rows.into_iter().map(|row| row.event.id).collect())
}

pub async fn retention_by_age_never_removes_what_is_not_delivered(store: Fresh) -> Done {
    for n in 0..6 {
        let sinks: &[&str] = if n == 4 { &[] } else { &["n8n"] };
        let service = format!("s{n}");
        store.commit(opening("a", &service, n, u64::from(n), sinks)).await?;
    }
    let claimed = store.claim(None, 9, Duration::from_secs(10), at(10)).await?;
    // 0 delivered, 1 dead, 2 waiting for another attempt, 3 in flight, 4 without delivery, 5 the newest.
    store.settle(claimed[0].ticket, Outcome::Delivered, at(11)).await?;
    store.settle(claimed[1].ticket, Outcome::Dead { why: "no".to_owned() }, at(11)).await?;
    store.settle(claimed[2].ticket, Outcome::Retry { at: at(5000), why: "no".to_owned() }, at(11)).await?;
    let pruned = store.prune(&RetentionPolicy { events: older_than(1), ..NOTHING }, at(1000)).await?;
    assert_eq!(pruned.events, 2);
    assert_eq!(ids(&store).await?, [5, 3, 2, 1].map(event_id));
    assert_eq!(store.deliveries(&DeliveryFilter::default(), None, 9).await?.rows.len(), 4);

    let all =
        RetentionPolicy { events: older_than(1), dead: older_than(1), delivered: older_than(1), ..NOTHING };
    let pruned = store.prune(&all, at(1000)).await?;
    assert_eq!((pruned.deliveries, pruned.events), (1, 1), "the dead one and its event");
    assert_eq!(ids(&store).await?, [5, 3, 2].map(event_id));
    assert_eq!(store.prune(&all, at(1000)).await?, crate::Pruned::default(), "not idempotent");
    Ok(())
}

pub async fn retention_by_count_keeps_the_newest(store: Fresh) -> Done {
    let mut pass = PassCommit::new(host("a"), 0, at(0));
    pass.events = (0..50).map(|n| event(n, &missing("a", "x"))).collect();
    pass.deliveries = vec![delivery("n8n", &pass.events[3])];
    pass.journal = (0..50).map(|n| journal(JournalKind::Log, &n.to_string(), n)).collect();
    store.commit(pass).await?;
    for n in 0..9 {
        store.save_observed(&[observed("a", &n.to_string(), n)]).await?;
    }
    let policy =
        RetentionPolicy { events: at_most(10), snapshots: at_most(4), journal: at_most(5), ..NOTHING };
    let pruned = store.prune(&policy, at(1)).await?;
    assert_eq!((pruned.events, pruned.snapshots, pruned.journal), (39, 5, 45));
    let mut left: Vec<_> = (40..50).rev().map(event_id).collect();
    left.push(event_id(3));
    assert_eq!(ids(&store).await?, left);
    let journal = store.journal(&JournalFilter::default(), None, 99).await?.rows;
    assert_eq!(
        journal.iter().map(|row| row.text.as_str()).collect::<Vec<_>>(),
        ["49", "48", "47", "46", "45"]
    );
    Ok(())
}

pub async fn retention_never_touches_ledger_entries_or_the_newest_snapshot(store: Fresh) -> Done {
    store.commit(opening("a", "x", 0, 0, &["n8n"])).await?;
    store.save_observed(&[observed("a", "one", 1), observed("b", "one", 1)]).await?;
    store.save_observed(&[observed("a", "two", 2)]).await?;
    store.save_expected(&[expected("a", "x", 1)]).await?;
    let harshest = RetentionPolicy {
        events: at_most(0),
        snapshots: older_than(0),
        delivered: at_most(0),
        dead: at_most(0),
        journal: at_most(0),
        proposals: at_most(0),
    };
    let before = store.load_all().await?;
    let pruned = store.prune(&harshest, at(1_000_000)).await?;
    assert_eq!(pruned.snapshots, 1);
    assert_eq!(store.load_all().await?, before);
    assert_eq!(store.claim(None, 9, Duration::from_secs(1), at(1)).await?.len(), 1);
    assert_eq!(store.save_observed(&[observed("b", "one", 3)]).await?.unchanged, 1);
    Ok(())
}

pub async fn retention_works_through_more_than_a_batch(store: Fresh) -> Done {
    let mut pass = PassCommit::new(host("a"), 0, at(0));
    pass.events = (0..2500).map(|n| event(n, &missing("a", "x"))).collect();
    store.commit(pass).await?;
    let pruned = store.prune(&RetentionPolicy { events: older_than(10), ..NOTHING }, at(2410)).await?;
    assert_eq!(pruned.events, 2400);
    assert_eq!(ids(&store).await?.len(), 100);
    Ok(())
}

pub async fn commits_get_in_between_the_batches_of_retention(store: Fresh) -> Done {
    for revision in 0..10 {
        let mut pass = PassCommit::new(host("a"), revision, at(0));
        let first = u32::try_from(revision * 2000).unwrap_or(0);
        pass.events = (first..first + 2000).map(|n| event(n, &missing("a", "x"))).collect();
        store.commit(pass).await?;
    }
    let policy = RetentionPolicy { events: at_most(10), ..NOTHING };
    let mut pruning = Box::pin(store.prune(&policy, at(1)));
    let mut commits = 0;
    let pruned = loop {
        let commit = store.commit(PassCommit::new(host("b"), commits, at(1)));
        tokio::select! {
            pruned = &mut pruning => break pruned?,
            committed = commit => commits = committed?.revision,
        }
    };
    assert_eq!(pruned.events, 19_990);
    assert!(commits >= 5, "only {commits} commits got in");
    Ok(())
}

pub async fn rows_are_counted_through_everything_that_writes(store: Fresh) -> Done {
    assert_eq!(store.rows().await?, RowCounts::default());
    for n in 0..6 {
        let mut pass = opening("a", &format!("s{n}"), n, u64::from(n), &["n8n", "ntfy"]);
        pass.journal = vec![journal(JournalKind::Decision, "told", i64::from(n))];
        store.commit(pass).await?;
    }
    let counted = RowCounts { events: 6, deliveries: 12, journal: 6, ..RowCounts::default() };
    assert_eq!(store.rows().await?, counted);
    // What is refused counts for nothing.
    assert!(store.commit(opening("a", "s0", 9, 0, &["n8n"])).await.is_err());
    assert!(store.commit(opening("b", "s0", 0, 0, &["n8n"])).await.is_err());
    assert_eq!(store.rows().await?, counted);
    store.note(&[journal(JournalKind::Log, "one", 1), journal(JournalKind::Log, "two", 2)]).await?;
    store.save_observed(&[observed("a", "one", 1), observed("b", "one", 1)]).await?;
    store.save_observed(&[observed("a", "two", 2), observed("b", "one", 2)]).await?;
    store.save_expected(&[expected("a", "x", 1)]).await?;
    let more = RowCounts { journal: 8, observed_snapshots: 3, expected_snapshots: 1, ..counted };
    assert_eq!(store.rows().await?, more);

    let claimed = store.claim(Some("n8n"), 9, Duration::from_secs(10), at(10)).await?;
    let claimed = [claimed, store.claim(Some("ntfy"), 9, Duration::from_secs(10), at(10)).await?].concat();
    let delivered: Vec<_> = claimed.iter().map(|one| (one.ticket, Outcome::Delivered)).collect();
    store.settle_all(&delivered, at(11)).await?;
    let policy = RetentionPolicy {
        events: at_most(4),
        snapshots: older_than(1),
        delivered: at_most(9),
        journal: at_most(3),
        ..NOTHING
    };
    store.prune(&policy, at(100)).await?;
    let left = store.rows().await?;
    let stats = store.stats().await?;
    let Stats { events, deliveries, observed_snapshots, expected_snapshots, journal, .. } = stats;
    let Stats { proposals, notices, .. } = stats;
    assert_eq!(
        left,
        RowCounts { events, deliveries, observed_snapshots, expected_snapshots, journal, proposals, notices }
    );
    assert_eq!((left.events, left.journal, left.observed_snapshots), (4, 3, 2));
    Ok(())
}

/// Text that no database makes much smaller.
fn noise(bytes: usize) -> String {
    (0..bytes / 32).map(|n| format!("{:032x}", xxhash_rust::xxh3::xxh3_128(&n.to_le_bytes()))).collect()
}

pub async fn the_size_tells_what_is_kept(store: Fresh) -> Done {
    let before = store.size().await?;
    store.save_observed(&[observed("a", &noise(8_000_000), 1)]).await?;
    let grown = store.size().await? - before;
    assert!((4_000_000..80_000_000).contains(&grown), "8 MB of snapshot are {grown} bytes");
    Ok(())
}

pub async fn numbers_are_not_given_out_again_after_retention(store: Fresh) -> Done {
    let first = store.commit(opening("a", "x", 1, 0, &[])).await?;
    store.prune(&RetentionPolicy { events: at_most(0), ..NOTHING }, at(1_000_000)).await?;
    let second = store.commit(opening("a", "x", 2, 1, &[])).await?;
    assert!(second.event_seqs > first.event_seqs);
    Ok(())
}
