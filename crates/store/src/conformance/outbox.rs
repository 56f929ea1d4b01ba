//! The outbox: claims, leases, order, ends.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use evenkeel_core::event::Side;
use jiff::SignedDuration;

use super::Outcome as Done;
use super::sample::{at, delivery, event, event_id, host, missing, opening};
use crate::query::{DeliveryFilter, DeliveryState};
use crate::types::{Claimed, Outcome, PassCommit, Resend};
use crate::{Error, Store};

type Fresh = Arc<dyn Store>;

const LEASE: Duration = Duration::from_secs(30);

fn retry(seconds: i64, why: &str) -> Outcome {
    Outcome::Retry { at: at(seconds), why: why.to_owned() }
}

fn dead(why: &str) -> Outcome {
    Outcome::Dead { why: why.to_owned() }
}

/// Puts several events of one drift into the outbox, in one commit each.
async fn story(store: &Fresh, service: &str, numbers: &[u32], sinks: &[&str]) -> Result<(), Error> {
    for &n in numbers {
        let revision = store.load(&host("a")).await?.revision;
        store.commit(opening("a", service, n, revision, sinks)).await?;
    }
    Ok(())
}

fn numbers(claimed: &[Claimed]) -> Vec<evenkeel_core::id::EventId> {
    claimed.iter().map(|c| c.event).collect()
}

pub async fn a_delivery_is_claimed_once_until_its_lease_ends(store: Fresh) -> Done {
    store.commit(opening("a", "x", 10, 0, &["n8n"])).await?;
    assert!(store.claim(None, 9, LEASE, at(9)).await?.is_empty(), "claimed before it was due");
    let first = store.claim(None, 9, LEASE, at(10)).await?;
    assert_eq!(numbers(&first), [event_id(10)]);
    assert_eq!(first[0].ticket.attempt, 1);
    assert_eq!(first[0].since, at(10));
    assert!(store.claim(None, 9, LEASE, at(39)).await?.is_empty(), "claimed twice");
    assert_eq!(store.next_due().await?, Some(at(40)));
    let again = store.claim(None, 9, LEASE, at(40)).await?;
    assert_eq!(again.len(), 1);
    assert_eq!(again[0].ticket.attempt, 2);
    assert!(store.settle(again[0].ticket, Outcome::Delivered, at(41)).await?);
    assert!(!store.settle(again[0].ticket, Outcome::Delivered, at(41)).await?, "settled twice");
    assert!(store.claim(None, 9, LEASE, at(9999)).await?.is_empty());
    assert_eq!(store.next_due().await?, None);
    Ok(())
}

pub async fn an_outdated_ticket_cannot_retry_or_bury_but_delivered_is_a_fact(store: Fresh) -> Done {
    store.commit(opening("a", "x", 0, 0, &["n8n"])).await?;
    let old = store.claim(None, 1, LEASE, at(0)).await?.remove(0).ticket;
    let new = store.claim(None, 1, LEASE, at(30)).await?.remove(0).ticket;
    assert!(!store.settle(old, retry(500, "late"), at(31)).await?);
    assert!(!store.settle(old, dead("late"), at(31)).await?);
    assert!(store.settle(old, Outcome::Delivered, at(32)).await?);
    assert!(!store.settle(new, retry(500, "late"), at(33)).await?, "a delivered one came back");
    let row = store.deliveries(&DeliveryFilter::default(), None, 1).await?.rows.remove(0);
    assert_eq!((row.state, row.settled_at), (DeliveryState::Delivered, Some(at(32))));
    Ok(())
}

pub async fn deliveries_of_one_drift_keep_their_order(store: Fresh) -> Done {
    story(&store, "x", &[1, 2, 3], &["n8n", "ntfy"]).await?;
    story(&store, "y", &[4], &["n8n"]).await?;
    let first = store.claim(Some("n8n"), 9, LEASE, at(10)).await?;
    assert_eq!(numbers(&first), [event_id(1), event_id(4)]);
    assert!(store.claim(Some("n8n"), 9, LEASE, at(11)).await?.is_empty(), "overtaken while in flight");
    assert_eq!(numbers(&store.claim(Some("ntfy"), 9, LEASE, at(11)).await?), [event_id(1)]);
    store.settle(first[1].ticket, Outcome::Delivered, at(11)).await?;
    store.settle(first[0].ticket, retry(100, "no"), at(12)).await?;
    assert!(store.claim(Some("n8n"), 9, LEASE, at(13)).await?.is_empty(), "overtaken while waiting");
    let second = store.claim(Some("n8n"), 1, LEASE, at(100)).await?;
    assert_eq!(numbers(&second), [event_id(1)]);
    store.settle(second[0].ticket, Outcome::Delivered, at(101)).await?;
    let third = store.claim(Some("n8n"), 1, LEASE, at(101)).await?;
    assert_eq!(numbers(&third), [event_id(2)]);
    store.settle(third[0].ticket, Outcome::Delivered, at(102)).await?;
    let fourth = store.claim(Some("n8n"), 1, LEASE, at(102)).await?;
    assert_eq!(numbers(&fourth), [event_id(3)]);
    Ok(())
}

pub async fn a_dead_delivery_holds_nothing_back_and_can_be_sent_again(store: Fresh) -> Done {
    story(&store, "x", &[1, 2], &["n8n"]).await?;
    let first = store.claim(None, 9, LEASE, at(10)).await?.remove(0);
    assert!(store.settle(first.ticket, dead("410 gone"), at(11)).await?);
    let listed = DeliveryFilter { states: vec![DeliveryState::Dead], ..DeliveryFilter::default() };
    let row = store.deliveries(&listed, None, 9).await?.rows.remove(0);
    assert_eq!((row.event, row.last_error.as_deref()), (event_id(1), Some("410 gone")));
    let second = store.claim(None, 9, LEASE, at(11)).await?;
    assert_eq!(numbers(&second), [event_id(2)]);
    store.settle(second[0].ticket, Outcome::Delivered, at(12)).await?;
    assert_eq!(store.resend(Resend::Event(event_id(2)), at(20)).await?, 0, "sent a delivered one again");
    assert_eq!(store.resend(Resend::Delivery(row.id), at(20)).await?, 1);
    assert_eq!(store.resend(Resend::Sink("n8n".to_owned()), at(20)).await?, 0);
    let again = store.claim(None, 9, LEASE, at(20)).await?;
    assert_eq!(numbers(&again), [event_id(1)]);
    assert_eq!((again[0].ticket.attempt, again[0].since), (2, at(20)), "its time begins anew");
    assert_eq!(store.outbox().await?[0].oldest_pending, Some(at(20)));
    store.settle(again[0].ticket, Outcome::Delivered, at(21)).await?;
    let row = store.deliveries(&DeliveryFilter::default(), None, 9).await?.rows.pop().ok_or("gone")?;
    assert_eq!((row.state, row.first_error.as_deref()), (DeliveryState::Delivered, Some("410 gone")));
    Ok(())
}

pub async fn a_dead_delivery_that_arrived_after_all_hurries_nothing(store: Fresh) -> Done {
    story(&store, "x", &[1, 2], &["n8n"]).await?;
    let first = store.claim(None, 9, LEASE, at(10)).await?.remove(0);
    assert!(store.settle(first.ticket, dead("timeout"), at(11)).await?);
    let second = store.claim(None, 9, LEASE, at(11)).await?.remove(0);
    assert!(store.settle(second.ticket, retry(100, "502"), at(12)).await?);
    assert!(store.settle(first.ticket, Outcome::Delivered, at(13)).await?);
    assert!(!store.settle(first.ticket, Outcome::Delivered, at(14)).await?, "delivered twice");
    assert_eq!(store.next_due().await?, Some(at(100)), "the second is tried before its time");
    Ok(())
}

pub async fn a_retry_comes_back_when_due_with_its_errors(store: Fresh) -> Done {
    store.commit(opening("a", "x", 0, 0, &["n8n"])).await?;
    for (n, why) in (1..).zip(["502", "timeout", "connection refused"]) {
        let claimed = store.claim(None, 9, LEASE, at(n * 100)).await?.remove(0);
        assert!(store.settle(claimed.ticket, retry(n * 100 + 100, why), at(n * 100 + 1)).await?);
        assert_eq!(store.next_due().await?, Some(at(n * 100 + 100)));
        assert!(store.claim(None, 9, LEASE, at(n * 100 + 99)).await?.is_empty());
    }
    let row = store.deliveries(&DeliveryFilter::default(), None, 9).await?.rows.remove(0);
    assert_eq!(row.attempts, 3);
    assert_eq!(row.first_error.as_deref(), Some("502"));
    assert_eq!(row.last_error.as_deref(), Some("connection refused"));
    assert_eq!((row.state, row.claimed_at, row.settled_at), (DeliveryState::Pending, None, None));
    Ok(())
}

pub async fn what_waits_behind_a_retry_is_not_due_before_it(store: Fresh) -> Done {
    story(&store, "x", &[1, 2], &["n8n"]).await?;
    let first = store.claim(None, 9, LEASE, at(10)).await?.remove(0);
    // In flight: the next thing to happen is the end of its lease, although the second was due long ago.
    assert_eq!(store.next_due().await?, Some(at(40)));
    store.settle(first.ticket, retry(1000, "502"), at(11)).await?;
    assert_eq!(store.next_due().await?, Some(at(1000)));
    story(&store, "x", &[12], &["n8n"]).await?;
    assert_eq!(store.next_due().await?, Some(at(1000)), "a new one behind it counts as due");
    let first = store.claim(None, 9, LEASE, at(1000)).await?.remove(0);
    store.settle(first.ticket, Outcome::Delivered, at(1001)).await?;
    assert!(store.next_due().await? <= Some(at(1001)), "let go too late");
    assert_eq!(numbers(&store.claim(None, 9, LEASE, at(1001)).await?), [event_id(2)]);
    Ok(())
}

pub async fn what_waits_for_a_receiver_is_due_at_once_when_it_is_back(store: Fresh) -> Done {
    story(&store, "x", &[1, 2], &["n8n", "ntfy"]).await?;
    story(&store, "y", &[3], &["n8n"]).await?;
    let claimed = store.claim(Some("n8n"), 9, LEASE, at(10)).await?;
    assert_eq!(numbers(&claimed), [event_id(1), event_id(3)]);
    store.settle(claimed[0].ticket, retry(1000, "502"), at(11)).await?;
    let other = store.claim(Some("ntfy"), 9, LEASE, at(10)).await?.remove(0);
    store.settle(other.ticket, retry(1000, "502"), at(11)).await?;
    // The first of x and what it holds back; the one of y is claimed, and another sink's wait is its own.
    assert_eq!(store.hurry("n8n", at(20)).await?, 2);
    assert_eq!(numbers(&store.claim(None, 9, LEASE, at(20)).await?), [event_id(1)]);
    assert_eq!(store.hurry("n8n", at(21)).await?, 0, "what is claimed already waits for nothing");
    Ok(())
}

pub async fn one_that_arrived_after_all_lets_go_what_waits_behind_it(store: Fresh) -> Done {
    story(&store, "x", &[1, 2], &["n8n"]).await?;
    let first = store.claim(None, 9, LEASE, at(10)).await?.remove(0);
    assert!(store.settle(first.ticket, retry(1000, "timeout"), at(11)).await?);
    assert!(store.claim(None, 9, LEASE, at(12)).await?.is_empty());
    assert!(store.settle(first.ticket, Outcome::Delivered, at(20)).await?);
    assert!(store.next_due().await? <= Some(at(20)), "let go too late");
    assert_eq!(numbers(&store.claim(None, 9, LEASE, at(20)).await?), [event_id(2)]);
    Ok(())
}

pub async fn a_released_delivery_is_due_at_once_and_the_attempt_is_not_counted(store: Fresh) -> Done {
    story(&store, "x", &[1], &["n8n"]).await?;
    story(&store, "y", &[2], &["n8n"]).await?;
    let claimed = store.claim(None, 9, LEASE, at(10)).await?;
    store.settle(claimed[1].ticket, Outcome::Delivered, at(10)).await?;
    store.release(&[claimed[0].ticket, claimed[1].ticket], at(11)).await?;
    let again = store.claim(None, 9, LEASE, at(11)).await?;
    assert_eq!(numbers(&again), [event_id(1)]);
    assert_eq!(again[0].ticket.attempt, 1);
    Ok(())
}

pub async fn each_sink_gets_its_share(store: Fresh) -> Done {
    let mut pass = PassCommit::new(host("a"), 0, at(0));
    for n in 0..30 {
        let event = event(n, &missing("a", &format!("s{n}")));
        pass.deliveries.push(delivery("busy", &event));
        if n < 2 {
            pass.deliveries.push(delivery("quiet", &event));
        }
        pass.events.push(event);
    }
    store.commit(pass).await?;
    let claimed = store.claim(None, 10, LEASE, at(100)).await?;
    assert_eq!(claimed.iter().filter(|c| c.sink == "quiet").count(), 2);
    assert!(claimed.iter().filter(|c| c.sink == "busy").count() >= 5);
    assert!(claimed.len() <= 10);
    Ok(())
}

pub async fn a_limit_is_kept(store: Fresh) -> Done {
    let mut pass = PassCommit::new(host("a"), 0, at(0));
    for n in 0..20 {
        let event = event(n, &missing("a", &format!("s{n}")));
        pass.deliveries.push(delivery("n8n", &event));
        pass.events.push(event);
    }
    store.commit(pass).await?;
    let mut seen = Vec::new();
    loop {
        let claimed = store.claim(None, 7, LEASE, at(100)).await?;
        assert!(claimed.len() <= 7);
        if claimed.is_empty() {
            break;
        }
        seen.extend(numbers(&claimed));
    }
    assert_eq!(seen, (0..20).map(event_id).collect::<Vec<_>>(), "not oldest first");
    assert!(store.claim(None, 0, LEASE, at(1000)).await?.is_empty());
    Ok(())
}

pub async fn every_attempt_and_sink_gets_the_canonical_event_to_the_byte(store: Fresh) -> Done {
    let texts = ["", "{\"a\": 1.50}\n", "höhe \u{2028} 🚢", "zero\0inside", "\"\\", "\u{1}\u{7f}"];
    let mut pass = PassCommit::new(host("a"), 0, at(0));
    for (n, text) in (0..).zip(texts) {
        let mut event = event(n, &missing("a", &format!("s{n}")));
        event.details = text.to_owned();
        event.folded = vec![text.to_owned(), "second".to_owned()];
        event.observed = Some(Side { value: Some(text.into()), port: Some(1), ..Side::default() });
        event.created_at += SignedDuration::from_nanos(1);
        pass.deliveries.extend(["n8n", "ntfy"].map(|sink| delivery(sink, &event)));
        pass.events.push(event);
    }
    let canonical: Vec<Vec<u8>> = pass.events.iter().map(serde_json::to_vec).collect::<Result<_, _>>()?;
    store.commit(pass).await?;
    for (round, sink) in (0..).zip(["n8n", "n8n", "ntfy", "n8n"]) {
        let claimed = store.claim(Some(sink), 9, LEASE, at(100 * (round + 1))).await?;
        assert_eq!(
            claimed.iter().map(|c| &c.payload).collect::<Vec<_>>(),
            canonical.iter().collect::<Vec<_>>()
        );
        for one in claimed {
            store.settle(one.ticket, retry(0, "no"), at(100 * (round + 1))).await?;
        }
    }
    Ok(())
}

pub async fn the_depth_of_the_outbox_is_told_by_sink(store: Fresh) -> Done {
    story(&store, "x", &[5, 6], &["n8n", "ntfy"]).await?;
    let claimed = store.claim(Some("ntfy"), 9, LEASE, at(10)).await?;
    store.settle(claimed[0].ticket, dead("no"), at(10)).await?;
    let depths = store.outbox().await?;
    assert_eq!(depths.len(), 2);
    assert_eq!((depths[0].sink.as_str(), depths[0].pending, depths[0].dead), ("n8n", 2, 0));
    assert_eq!(depths[0].oldest_pending, Some(at(5)));
    assert_eq!((depths[1].sink.as_str(), depths[1].pending, depths[1].dead), ("ntfy", 1, 1));
    assert_eq!(depths[1].oldest_pending, Some(at(6)));
    Ok(())
}

pub async fn deliveries_are_listed_and_filtered(store: Fresh) -> Done {
    story(&store, "x", &[1, 2], &["n8n", "ntfy"]).await?;
    let filter = DeliveryFilter { sink: Some("ntfy".to_owned()), ..DeliveryFilter::default() };
    let page = store.deliveries(&filter, None, 1).await?;
    assert_eq!(page.rows[0].event, event_id(2), "not newest first");
    let page = store.deliveries(&filter, page.next, 5).await?;
    assert_eq!((page.rows.len(), page.rows[0].event, page.next), (1, event_id(1), None));
    let filter = DeliveryFilter {
        event: Some(event_id(1)),
        drift_key: Some(missing("a", "x").to_string()),
        states: vec![DeliveryState::Pending],
        ..DeliveryFilter::default()
    };
    assert_eq!(store.deliveries(&filter, None, 9).await?.rows.len(), 2);
    let none = DeliveryFilter { states: vec![DeliveryState::Delivered], ..filter };
    assert!(store.deliveries(&none, None, 9).await?.rows.is_empty());
    Ok(())
}

pub async fn many_claimants_never_share_a_delivery(store: Fresh) -> Done {
    let mut pass = PassCommit::new(host("a"), 0, at(0));
    for n in 0..60 {
        let event = event(n, &missing("a", &format!("s{n}")));
        pass.deliveries.push(delivery(&format!("sink-{}", n % 3), &event));
        pass.events.push(event);
    }
    store.commit(pass).await?;
    let mut tasks = Vec::new();
    for _ in 0..8 {
        let store = Arc::clone(&store);
        tasks.push(tokio::spawn(async move {
            let mut mine = Vec::new();
            loop {
                let claimed = store.claim(None, 3, LEASE, at(100)).await?;
                if claimed.is_empty() {
                    return Ok::<_, Error>(mine);
                }
                for one in claimed {
                    store.settle(one.ticket, Outcome::Delivered, at(101)).await?;
                    mine.push(one.event);
                }
            }
        }));
    }
    let mut all = Vec::new();
    for task in tasks {
        all.extend(task.await??);
    }
    assert_eq!(all.len(), 60);
    assert_eq!(all.into_iter().collect::<HashSet<_>>().len(), 60);
    Ok(())
}
