//! A clock that is set back behind what is kept.

use std::sync::Arc;
use std::time::Duration;

use super::Outcome as Done;
use super::keeping::expected;
use super::sample::{at, event_id, observed, opening};
use crate::Store;
use crate::types::Outcome;

type Fresh = Arc<dyn Store>;

const LEASE: Duration = Duration::from_secs(60);
const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

pub async fn a_clock_that_goes_on_changes_nothing(store: Fresh) -> Done {
    assert!(!store.set_back(at(0)).await?, "nothing is kept that could be later");
    store.save_observed(&[observed("a", "x", 10)]).await?;
    store.commit(opening("a", "x", 10, 0, &["n8n"])).await?;
    let claimed = store.claim(None, 9, LEASE, at(10)).await?.remove(0);
    let retry = Outcome::Retry { at: at(10 + DAY), why: "429".to_owned() };
    assert!(store.settle(claimed.ticket, retry, at(10)).await?);
    // Of two machines that take turns, one may be a little behind.
    assert!(!store.set_back(at(0)).await?);
    assert!(!store.set_back(at(20)).await?);
    assert_eq!(store.next_due().await?, Some(at(10 + DAY)), "a receiver that asked for patience has it");
    assert_eq!(store.last_sign().await?, Some(at(10)));
    Ok(())
}

pub async fn what_waits_is_due_when_the_clock_is_set_back(store: Fresh) -> Done {
    store.commit(opening("a", "claimed", 0, 0, &["n8n"])).await?;
    store.commit(opening("a", "retried", 1, 1, &["n8n"])).await?;
    let both = store.claim(None, 9, LEASE, at(DAY)).await?;
    let retry = Outcome::Retry { at: at(DAY + HOUR), why: "502".to_owned() };
    assert!(store.settle(both[1].ticket, retry, at(DAY)).await?);
    // An hour back: both were made before.
    let now = at(DAY - HOUR);
    assert!(store.claim(None, 9, LEASE, now).await?.is_empty());
    assert!(store.set_back(now).await?, "one was claimed later than now");
    assert_eq!(store.next_due().await?, Some(now));
    let again = store.claim(None, 9, LEASE, now).await?;
    assert_eq!(again.iter().map(|claimed| claimed.event).collect::<Vec<_>>(), [event_id(0), event_id(1)]);
    assert_eq!(again.iter().map(|claimed| claimed.ticket.attempt).collect::<Vec<_>>(), [2, 2]);
    // Who had claimed it before neither retries nor buries it, and what arrived has arrived.
    let late = Outcome::Retry { at: at(2 * DAY), why: "502".to_owned() };
    assert!(!store.settle(both[0].ticket, late, now).await?);
    assert!(store.settle(both[0].ticket, Outcome::Delivered, now).await?);
    assert!(store.settle(again[1].ticket, Outcome::Delivered, now).await?);
    assert!(!store.set_back(now).await?, "once is enough");
    Ok(())
}

pub async fn what_was_made_later_than_now_is_due_and_keeps_its_order(store: Fresh) -> Done {
    let second = u32::try_from(HOUR)?;
    store.commit(opening("a", "x", second, 0, &["n8n", "ntfy"])).await?;
    store.commit(opening("a", "x", second + 1, 1, &["n8n"])).await?;
    assert!(store.claim(None, 9, LEASE, at(0)).await?.is_empty());
    assert!(store.set_back(at(0)).await?);
    let claimed = store.claim(Some("n8n"), 9, LEASE, at(0)).await?;
    assert_eq!(claimed.iter().map(|one| one.event).collect::<Vec<_>>(), [event_id(second)]);
    assert!(store.settle(claimed[0].ticket, Outcome::Delivered, at(1)).await?);
    let claimed = store.claim(Some("n8n"), 9, LEASE, at(1)).await?;
    assert_eq!(claimed.iter().map(|one| one.event).collect::<Vec<_>>(), [event_id(second + 1)]);
    assert_eq!(store.claim(Some("ntfy"), 9, LEASE, at(1)).await?.len(), 1);
    Ok(())
}

pub async fn a_wait_that_is_longer_than_any_is_over(store: Fresh) -> Done {
    store.commit(opening("a", "x", 0, 0, &["n8n"])).await?;
    let claimed = store.claim(None, 9, LEASE, at(0)).await?.remove(0);
    let retry = Outcome::Retry { at: at(30 * DAY), why: "502".to_owned() };
    assert!(store.settle(claimed.ticket, retry, at(0)).await?);
    assert!(store.set_back(at(60)).await?);
    assert_eq!(store.next_due().await?, Some(at(60)));
    Ok(())
}

pub async fn what_is_seen_after_the_clock_was_set_back_is_news(store: Fresh) -> Done {
    store.save_observed(&[observed("a", "before", DAY)]).await?;
    store.save_expected(&[expected("a", "before", DAY)]).await?;
    assert!(store.set_back(at(0)).await?);
    assert_eq!(store.last_sign().await?, Some(at(0)));
    let saved = store.save_observed(&[observed("a", "after", 30)]).await?;
    assert_eq!((saved.changed, saved.unchanged), (1, 0));
    assert_eq!(store.shown(&"a".into()).await?, [observed("a", "after", 30)]);
    let saved = store.save_expected(&[expected("a", "after", 30)]).await?;
    assert_eq!((saved.changed, saved.unchanged), (1, 0));
    Ok(())
}
