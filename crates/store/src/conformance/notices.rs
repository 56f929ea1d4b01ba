//! Notices on their way: through the outbox as events are, and nowhere else.

use std::sync::Arc;
use std::time::Duration;

use futures_util::TryStreamExt;

use super::Outcome as Done;
use super::repairs_sample::{making, notice, proposal};
use super::sample::{at, event_id, opening};
use crate::query::{DeliveryFilter, DeliveryState, EventFilter, Record};
use crate::repairs::{NewNotice, RepairCommit};
use crate::types::{Claimed, Outcome, Resend};
use crate::{Error, Store};

type Fresh = Arc<dyn Store>;

const LEASE: Duration = Duration::from_secs(30);

async fn tell(store: &Fresh, seconds: i64, notices: Vec<NewNotice>) -> Result<(), Error> {
    store.commit_repair(RepairCommit { notices, ..RepairCommit::new(at(seconds)) }).await
}

fn numbers(claimed: &[Claimed]) -> Vec<evenkeel_core::id::EventId> {
    claimed.iter().map(|one| one.event).collect()
}

pub async fn a_notice_is_claimed_to_the_byte_at_every_attempt(store: Fresh) -> Done {
    let made = proposal("a", "x", 1, "restart");
    let told = notice(10, Some(&made), &["n8n", "ntfy"])?;
    store.commit_repair(RepairCommit { notices: vec![told.clone()], ..making(20, &[&made]) }).await?;
    assert!(store.claim(None, 9, LEASE, at(19)).await?.is_empty(), "claimed before it was due");
    assert_eq!(store.next_due().await?, Some(at(20)));
    let body = serde_json::to_vec(&told.notice)?;
    for (attempt, seconds) in [(1, 20), (2, 50), (3, 80)] {
        let claimed = store.claim(None, 9, LEASE, at(seconds)).await?;
        assert_eq!(claimed.iter().map(|one| one.sink.as_str()).collect::<Vec<_>>(), ["n8n", "ntfy"]);
        for one in &claimed {
            assert_eq!((one.event, one.ticket.attempt, one.since), (event_id(10), attempt, at(20)));
            assert_eq!((&one.payload, &one.drift_key), (&body, &told.notice.order_key()));
        }
    }
    Ok(())
}

pub async fn notices_keep_their_order_and_wait_for_no_event(store: Fresh) -> Done {
    let made = proposal("a", "x", 1, "restart");
    store.commit(opening("a", "x", 1, 0, &["n8n"])).await?;
    let event = store.claim(None, 9, LEASE, at(2)).await?.remove(0);
    store.settle(event.ticket, Outcome::Retry { at: at(5000), why: "at night".to_owned() }, at(2)).await?;
    let of_drift = |n| notice(n, Some(&made), &["n8n"]);
    tell(&store, 10, vec![of_drift(10)?, of_drift(11)?, notice(12, None, &["n8n"])?]).await?;
    tell(&store, 20, vec![notice(20, None, &["n8n"])?, of_drift(21)?]).await?;
    let first = store.claim(None, 9, LEASE, at(20)).await?;
    assert_eq!(numbers(&first), [10, 12].map(event_id), "one of each order, none behind the event");
    assert!(store.claim(None, 9, LEASE, at(21)).await?.is_empty(), "overtaken while in flight");
    let retry = Outcome::Retry { at: at(100), why: "no".to_owned() };
    assert_eq!(
        store.settle_all(&[(first[0].ticket, retry), (first[1].ticket, Outcome::Delivered)], at(22)).await?,
        [true, true]
    );
    let about_all = store.claim(None, 9, LEASE, at(23)).await?;
    assert_eq!(numbers(&about_all), [event_id(20)]);
    store.settle(about_all[0].ticket, Outcome::Delivered, at(24)).await?;
    assert_eq!(store.next_due().await?, Some(at(100)), "what waits behind a retry is not due before it");
    for n in [10, 11, 21] {
        let next = store.claim(None, 9, LEASE, at(100)).await?;
        assert_eq!(numbers(&next), [event_id(n)]);
        store.settle(next[0].ticket, Outcome::Delivered, at(100)).await?;
    }
    Ok(())
}

pub async fn a_notice_that_was_given_up_is_listed_and_sent_again(store: Fresh) -> Done {
    tell(&store, 1, vec![notice(7, None, &["n8n", "ntfy"])?, notice(8, None, &["n8n"])?]).await?;
    store.commit(opening("a", "x", 9, 0, &["n8n"])).await?;
    let claimed = store.claim(Some("n8n"), 9, LEASE, at(9)).await?;
    assert_eq!(numbers(&claimed), [7, 9].map(event_id));
    for one in &claimed {
        assert!(store.settle(one.ticket, Outcome::Dead { why: "410 gone".to_owned() }, at(10)).await?);
    }
    let of = |n| DeliveryFilter { event: Some(event_id(n)), ..DeliveryFilter::default() };
    let rows = store.deliveries(&of(7), None, 9).await?.rows;
    let seen: Vec<_> = rows.iter().map(|row| (row.sink.as_str(), row.state, row.event)).collect();
    assert_eq!(
        seen,
        [("ntfy", DeliveryState::Pending, event_id(7)), ("n8n", DeliveryState::Dead, event_id(7))]
    );
    assert_eq!(rows[0].drift_key, notice(7, None, &[])?.notice.order_key());
    let by_order = DeliveryFilter { drift_key: Some(rows[0].drift_key.clone()), ..DeliveryFilter::default() };
    assert_eq!(store.deliveries(&by_order, None, 9).await?.rows.len(), 3);
    assert_eq!(store.deliveries(&of(9), None, 9).await?.rows.len(), 1);
    assert_eq!(store.deliveries(&of(77), None, 9).await?.rows, []);
    assert_eq!(store.resend(Resend::Event(event_id(7)), at(20)).await?, 1);
    let again = store.claim(Some("n8n"), 9, LEASE, at(20)).await?;
    assert_eq!((numbers(&again), again[0].ticket.attempt), (vec![event_id(7)], 2));
    let depth = store.outbox().await?;
    let depth: Vec<_> = depth.iter().map(|one| (one.sink.as_str(), one.pending, one.dead)).collect();
    assert_eq!(depth, [("n8n", 2, 1), ("ntfy", 1, 0)]);
    Ok(())
}

pub async fn a_notice_for_nobody_is_not_kept(store: Fresh) -> Done {
    tell(&store, 1, vec![notice(7, None, &[])?, notice(8, None, &["n8n"])?]).await?;
    let rows = store.rows().await?;
    assert_eq!((rows.notices, rows.deliveries), (1, 1));
    assert_eq!(numbers(&store.claim(None, 9, LEASE, at(1)).await?), [event_id(8)]);
    // It is not kept, so its id is free.
    tell(&store, 2, vec![notice(7, None, &["n8n"])?]).await?;
    Ok(())
}

pub async fn a_notice_is_no_event(store: Fresh) -> Done {
    let made = proposal("a", "x", 1, "restart");
    store
        .commit_repair(RepairCommit {
            notices: vec![notice(7, None, &["n8n"])?, notice(8, Some(&made), &["n8n"])?],
            ..making(1, &[&made])
        })
        .await?;
    let first = store.commit(opening("b", "y", 9, 0, &["n8n"])).await?;
    let events = store.events(&EventFilter::default(), None, 9).await?.rows;
    assert_eq!(events.iter().map(|row| row.event.id).collect::<Vec<_>>(), [event_id(9)]);
    assert_eq!(store.event(event_id(7)).await?, None);
    let stats = store.stats().await?;
    assert_eq!((stats.events, stats.last_seq), (1, first.event_seqs[0]));
    assert_eq!((stats.proposals, stats.notices, stats.deliveries), (1, 2, 3));
    let lines: Vec<_> = store.export(None).try_collect().await?;
    assert_eq!(lines.iter().map(|line| line.record).collect::<Vec<_>>(), [Record::Event]);
    Ok(())
}
