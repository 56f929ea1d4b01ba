//! How long repairs are kept: what nothing needs any more goes, and nothing else.

use std::sync::Arc;
use std::time::Duration;

use super::Outcome as Done;
use super::keeping::{NOTHING, at_most, older_than};
use super::repairs_sample::{
    callback, dispatched, in_state, listed, making, notice, proposal, token, verified, withdrawn,
};
use super::sample::{at, event_id, opening};
use crate::query::DeliveryFilter;
use crate::repairs::{ProposalFilter, RepairCommit};
use crate::types::{Outcome, Pruned, RetentionPolicy, RowCounts, Stats};
use crate::{Error, Store};

type Fresh = Arc<dyn Store>;

const HOUR: i64 = 3600;

async fn left(store: &Fresh) -> Result<Vec<u32>, Error> {
    let mut left: Vec<_> =
        listed(&**store, &ProposalFilter::default()).await?.iter().map(|one| one.id.number).collect();
    left.sort_unstable();
    Ok(left)
}

pub async fn retention_removes_only_proposals_that_nothing_needs(store: Fresh) -> Done {
    store.commit(opening("a", "open", 1, 0, &[])).await?;
    let of = |service, number, state| in_state(&proposal("a", service, number, "restart"), state);
    let now = 1000 * HOUR;
    let waiting = proposal("a", "x", 1, "restart");
    let running = of("x", 2, dispatched(2))?;
    let gone = of("x", 3, verified(2))?;
    let counts = of("x", 4, verified(now - 48 * HOUR))?;
    let counted = of("x", 5, verified(now - 48 * HOUR - 1))?;
    let of_open = of("open", 6, verified(2))?;
    let rejected = of("x", 7, withdrawn(2))?;
    let made = [&waiting, &running, &gone, &counts, &counted, &of_open, &rejected];
    let callbacks = vec![callback(3, &gone, now), callback(6, &of_open, now)];
    store.commit_repair(RepairCommit { callbacks, ..making(100, &made) }).await?;
    store.commit_repair(making(200, &[&of("x", 8, withdrawn(2))?])).await?;

    let policy = |seconds: i64| -> Result<_, std::num::TryFromIntError> {
        Ok(RetentionPolicy { proposals: older_than(u64::try_from(seconds)?), ..NOTHING })
    };
    // Exactly as old as what is kept is not too old.
    assert_eq!(store.prune(&policy(now - 100)?, at(now)).await?, Pruned::default());
    assert_eq!(store.prune(&NOTHING, at(now)).await?, Pruned::default());
    let pruned = store.prune(&policy(now - 101)?, at(now)).await?;
    assert_eq!(pruned, Pruned { proposals: 3, ..Pruned::default() });
    assert_eq!(left(&store).await?, [1, 2, 4, 6, 8]);
    assert_eq!(store.callback(token(3)).await?, None, "the callback of what is gone");
    assert!(store.callback(token(6)).await?.is_some());
    // By number nothing goes that is needed, either.
    let few = RetentionPolicy { proposals: at_most(0), ..NOTHING };
    assert_eq!(store.prune(&few, at(now)).await?.proposals, 1);
    assert_eq!(left(&store).await?, [1, 2, 4, 6]);
    assert_eq!(store.rows().await?, RowCounts { events: 1, proposals: 4, ..RowCounts::default() });
    Ok(())
}

pub async fn retention_of_proposals_by_count_keeps_the_newest(store: Fresh) -> Done {
    for number in 1..=9 {
        let over = in_state(&proposal("a", "x", number, "restart"), withdrawn(2))?;
        store.commit_repair(making(2, &[&over])).await?;
    }
    let policy = RetentionPolicy { proposals: at_most(4), ..NOTHING };
    assert_eq!(store.prune(&policy, at(3)).await?.proposals, 5);
    assert_eq!(left(&store).await?, [6, 7, 8, 9]);
    // Whoever turns pages meets nothing twice, also when all are gone and others made.
    let page = store.proposals(&ProposalFilter::default(), None, 1).await?;
    store.prune(&RetentionPolicy { proposals: at_most(0), ..NOTHING }, at(3)).await?;
    store.commit_repair(making(4, &[&proposal("a", "x", 10, "restart")])).await?;
    let next = store.proposals(&ProposalFilter::default(), page.next, 9).await?;
    assert_eq!(next.rows, []);
    assert_eq!(left(&store).await?, [10]);
    Ok(())
}

pub async fn callbacks_go_a_day_after_their_time_was_up(store: Fresh) -> Done {
    let made = proposal("a", "x", 1, "restart");
    let callbacks = vec![callback(1, &made, 100), callback(2, &made, 101), callback(3, &made, 90)];
    store.commit_repair(RepairCommit { callbacks, ..making(2, &[&made]) }).await?;
    store.commit_repair(RepairCommit { used: Some(token(3)), ..RepairCommit::new(at(80)) }).await?;
    store.prune(&NOTHING, at(100 + 24 * HOUR)).await?;
    assert!(store.callback(token(1)).await?.is_some(), "a day has not passed");
    assert_eq!(store.callback(token(3)).await?, None, "used, and its time was up long ago");
    assert_eq!(store.prune(&NOTHING, at(101 + 24 * HOUR)).await?, Pruned::default());
    assert_eq!(store.callback(token(1)).await?, None);
    assert!(store.callback(token(2)).await?.is_some());
    assert_eq!(left(&store).await?, [1]);
    Ok(())
}

pub async fn retention_removes_a_notice_when_nobody_waits_for_it(store: Fresh) -> Done {
    let made = proposal("a", "x", 1, "restart");
    store.commit_repair(making(0, &[&made])).await?;
    // 0 delivered, 1 dead, 2 waiting for another attempt, 3 in flight, 4 delivered and young. Each of its own order.
    for n in 0..5_u32 {
        let about = proposal("a", &format!("s{n}"), 1, "restart");
        let notices = vec![notice(if n == 4 { 990 } else { n }, Some(&about), &["n8n"])?];
        store.commit_repair(RepairCommit { notices, ..RepairCommit::new(at(5)) }).await?;
    }
    let claimed = store.claim(None, 9, Duration::from_secs(10), at(10)).await?;
    assert_eq!(claimed.len(), 5);
    let retry = Outcome::Retry { at: at(5000), why: "no".to_owned() };
    let dead = Outcome::Dead { why: "no".to_owned() };
    let ended = [Outcome::Delivered, dead, retry];
    for (one, outcome) in claimed.iter().zip(ended) {
        store.settle(one.ticket, outcome, at(11)).await?;
    }
    store.settle(claimed[4].ticket, Outcome::Delivered, at(11)).await?;
    let policy = RetentionPolicy { events: older_than(500), ..NOTHING };
    let pruned = store.prune(&policy, at(1000)).await?;
    assert_eq!((pruned.notices, pruned.events), (1, 0));
    let rows = store.rows().await?;
    assert_eq!((rows.notices, rows.deliveries), (4, 4), "the delivered one goes with it");
    let all = RetentionPolicy { dead: older_than(1), ..policy };
    let pruned = store.prune(&all, at(1000)).await?;
    assert_eq!((pruned.notices, pruned.deliveries), (1, 1), "the dead one and its notice");
    let many = RetentionPolicy { events: at_most(0), delivered: at_most(0), ..NOTHING };
    let pruned = store.prune(&many, at(1000)).await?;
    assert_eq!(pruned.notices, 1);
    let waiting = store.deliveries(&DeliveryFilter::default(), None, 9).await?.rows;
    let mut waiting: Vec<_> = waiting.iter().map(|row| row.event).filter(|id| *id != event_id(990)).collect();
    waiting.sort();
    assert_eq!(waiting, [2, 3].map(event_id));
    assert_eq!(store.claim(None, 9, Duration::from_secs(10), at(9000)).await?.len(), 2, "still to be sent");
    let left = store.rows().await?;
    let Stats { events, deliveries, proposals, notices, .. } = store.stats().await?;
    assert_eq!(left, RowCounts { events, deliveries, proposals, notices, ..RowCounts::default() });
    assert_eq!((left.notices, left.proposals), (2, 1));
    Ok(())
}
