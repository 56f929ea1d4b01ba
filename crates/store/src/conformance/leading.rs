//! Who leads: what holds for every database, and, where several processes may have one open, what holds between them.
//!
//! Nobody waits in these: a right for no time at all has run out when it is given.

use std::sync::Arc;
use std::time::Duration;

use evenkeel_core::id::{SourceId, SourceKind};
use evenkeel_core::model::HostKind;
use evenkeel_core::policy::silence::Target;
use serde_json::json;

use super::Outcome as Done;
use super::repairs_sample::{callback, making, notice, proposal, token};
use super::sample::{at, docker, event_id, host, journal, missing, observed, opening};
use super::silences::silence;
use crate::query::{DeliveryFilter, DeliveryState};
use crate::repairs::RepairCommit;
use crate::rows::{AssetRow, ExpectedRow, JournalKind, SavedInventory, SavedStatus};
use crate::types::{Keep, Leadership, Outcome, Resend, RetentionPolicy, Ticket};
use crate::{Error, Store};

type Fresh = Arc<dyn Store>;
/// Two processes with the same database, of which neither leads.
type Two = [Arc<dyn Store>; 2];

const LONG: Duration = Duration::from_secs(600);

fn epoch(leadership: &Leadership) -> Option<u64> {
    match leadership {
        Leadership::Ours { epoch } => Some(*epoch),
        Leadership::Theirs { .. } => None,
    }
}

/// Until when somebody else leads.
fn theirs(leadership: Leadership, who: &str) -> Result<jiff::Timestamp, String> {
    match leadership {
        Leadership::Theirs { ref holder, until } if holder == who => Ok(until),
        Leadership::Ours { .. } | Leadership::Theirs { .. } => {
            Err(format!("{who} does not lead: {leadership:?}"))
        }
    }
}

pub async fn whoever_leads_renews_it_as_it_is(store: Fresh) -> Done {
    let first = store.lead("a", LONG).await?;
    assert!(epoch(&first).is_some(), "{first:?}");
    assert_eq!(store.lead("a", Duration::ZERO).await?, first);
    // It has run out and nobody took it.
    assert_eq!(store.lead("a", LONG).await?, first);
    store.commit(opening("a", "x", 1, 0, &[])).await?;
    store.resign().await?;
    Ok(())
}

pub async fn what_the_leader_shows_is_kept_and_replaced(store: Fresh) -> Done {
    assert_eq!(store.last_status().await?, None);
    for (seconds, body) in [(1, "{\"hosts\": []}"), (2, "{}"), (2, "{ \"h\": \"höhe \\u0000\" }")] {
        let status = SavedStatus { at: at(seconds), body: body.to_owned() };
        store.save_status(&status).await?;
        assert_eq!(store.last_status().await?, Some(status), "not to the byte");
    }
    Ok(())
}

pub async fn one_of_two_leads([one, other]: Two) -> Done {
    let first = one.lead("one", LONG).await?;
    let Some(epoch) = epoch(&first) else { return Err(format!("nobody led: {first:?}").into()) };
    let until = theirs(other.lead("other", LONG).await?, "one")?;
    assert_eq!(one.lead("one", LONG * 2).await?, Leadership::Ours { epoch });
    let later = theirs(other.lead("other", LONG).await?, "one")?;
    assert!(later > until, "not renewed: {until} {later}");
    Ok(())
}

pub async fn a_lead_that_ran_out_is_taken_over([one, other]: Two) -> Done {
    let before = epoch(&one.lead("one", Duration::ZERO).await?);
    one.commit(opening("a", "x", 1, 0, &["n8n"])).await?;
    let after = epoch(&other.lead("other", LONG).await?);
    assert!(after > before, "{before:?} {after:?}");
    theirs(one.lead("one", LONG).await?, "other")?;
    // The same name is not the same leader.
    theirs(one.lead("other", LONG).await?, "other")?;
    // And it goes to and fro.
    other.lead("other", Duration::ZERO).await?;
    assert!(epoch(&one.lead("one", LONG).await?) > after);
    one.commit(opening("a", "y", 2, 1, &["n8n"])).await?;
    Ok(())
}

pub async fn whoever_resigns_is_followed_at_once([one, other]: Two) -> Done {
    one.lead("one", LONG).await?;
    one.resign().await?;
    fenced(one.commit(opening("a", "x", 1, 0, &[])).await, "nobody")?;
    assert!(epoch(&other.lead("other", LONG).await?).is_some());
    // Whoever does not lead has nothing to give back.
    one.resign().await?;
    other.commit(opening("a", "x", 1, 0, &[])).await?;
    Ok(())
}

pub async fn what_an_earlier_leader_had_claimed_is_due_at_once([one, other]: Two) -> Done {
    one.lead("one", Duration::ZERO).await?;
    one.commit(opening("a", "x", 1, 0, &["n8n"])).await?;
    let claimed = one.claim(None, 5, LONG, at(2)).await?;
    assert_eq!(claimed.len(), 1);
    // Whoever only renews keeps what it claimed.
    one.lead("one", Duration::ZERO).await?;
    assert!(one.claim(None, 5, LONG, at(3)).await?.is_empty());
    other.lead("other", LONG).await?;
    fenced(one.settle(claimed[0].ticket, Outcome::Delivered, at(3)).await, "other")?;
    let again = other.claim(None, 5, LONG, at(3)).await?;
    assert_eq!(
        again.iter().map(|one| (one.event, one.ticket.attempt)).collect::<Vec<_>>(),
        [(event_id(1), 2)]
    );
    Ok(())
}

fn fenced<T: std::fmt::Debug>(outcome: Result<T, Error>, by: &str) -> Done {
    match outcome {
        Err(Error::NotLeader { leader, .. }) if leader == by => Ok(()),
        other => Err(format!("not refused for {by}: {other:?}").into()),
    }
}

/// Every method that writes, with something to write.
async fn every_write_is_fenced(store: &Fresh, by: &str) -> Done {
    let none = Keep { age: None, count: Some(0) };
    let policy = RetentionPolicy {
        events: none,
        snapshots: none,
        delivered: none,
        dead: none,
        journal: none,
        proposals: none,
    };
    let ticket = Ticket { delivery: 1, attempt: 1 };
    let asset = AssetRow {
        asset_type: "device".to_owned(),
        name: "new".to_owned(),
        parent: None,
        metadata: json!({}),
    };
    let expected = ExpectedRow {
        kind: "host".to_owned(),
        hostname: "a".into(),
        hash: 1,
        data: "{}".to_owned(),
        at: at(9),
    };
    let inventory = SavedInventory {
        source: SourceId::new(SourceKind::Netbox, "main"),
        observed_at: at(9),
        bytes: vec![1],
    };
    fenced(store.commit(opening("a", "y", 2, 1, &["n8n"])).await, by)?;
    for outcome in
        store.commit_all(vec![opening("a", "y", 2, 1, &["n8n"]), opening("b", "y", 3, 0, &[])]).await
    {
        fenced(outcome, by)?;
    }
    fenced(store.remember(&[(host("a"), Some((HostKind::Device, 7)))]).await, by)?;
    fenced(store.save_observed(&[observed("a", "late", 9)]).await, by)?;
    fenced(store.save_expected(&[expected]).await, by)?;
    fenced(store.save_inventory(&inventory).await, by)?;
    fenced(store.save_sources(&[docker("new")], at(9)).await, by)?;
    fenced(store.save_assets(&[asset], at(9)).await, by)?;
    fenced(store.save_status(&SavedStatus { at: at(9), body: "late".to_owned() }).await, by)?;
    fenced(store.claim(None, 5, LONG, at(9)).await, by)?;
    fenced(store.settle(ticket, Outcome::Delivered, at(9)).await, by)?;
    fenced(store.release(&[ticket], at(9)).await, by)?;
    fenced(store.resend(Resend::Sink("n8n".to_owned()), at(9)).await, by)?;
    fenced(store.set_back(at(0)).await, by)?;
    fenced(store.note(&[journal(JournalKind::Log, "late", 9)]).await, by)?;
    let step = RepairCommit {
        callbacks: vec![callback(1, &proposal("a", "x", 1, "restart"), 9)],
        journal: vec![journal(JournalKind::Log, "late", 9)],
        notices: vec![notice(9, None, &["n8n"])?],
        ..making(9, &[&proposal("a", "x", 1, "restart")])
    };
    fenced(store.commit_repair(step).await, by)?;
    let target = Target::Drift(missing("a", "x"));
    let made = silence(9, target, 9, 60)?;
    fenced(store.add_silence(&made, &[journal(JournalKind::Log, "late", 9)]).await, by)?;
    fenced(store.end_silence(&made.end("one".into(), "", at(9))?, &[]).await, by)?;
    fenced(store.prune(&policy, at(1_000_000)).await, by)
}

pub async fn a_fenced_writer_writes_nothing_by_any_method([one, other]: Two) -> Done {
    every_write_is_fenced(&other, "nobody").await?;
    one.lead("one", Duration::ZERO).await?;
    one.commit(opening("a", "x", 1, 0, &["n8n"])).await?;
    one.save_observed(&[observed("a", "one", 1)]).await?;
    one.claim(None, 5, LONG, at(1)).await?;
    // It never led, or leads no more and does not know yet.
    every_write_is_fenced(&other, "nobody").await?;
    other.lead("other", LONG).await?;
    every_write_is_fenced(&one, "other").await?;

    let loaded = other.load(&host("a")).await?;
    assert_eq!((loaded.revision, loaded.ledger.entries.len(), loaded.identity), (1, 1, None));
    let deliveries = other.deliveries(&DeliveryFilter::default(), None, 9).await?.rows;
    assert_eq!(
        deliveries.iter().map(|row| (row.state, row.attempts)).collect::<Vec<_>>(),
        [(DeliveryState::Pending, 1)]
    );
    let rows = other.rows().await?;
    assert_eq!((rows.events, rows.observed_snapshots, rows.expected_snapshots, rows.journal), (1, 1, 0, 0));
    assert_eq!((rows.proposals, rows.notices, other.callback(token(1)).await?), (0, 0, None));
    assert_eq!(other.silences_left(at(9)).await?, []);
    assert_eq!(other.shown(&"a".into()).await?, [observed("a", "one", 1)]);
    assert_eq!(other.last_status().await?, None);
    assert_eq!(other.last_inventory(&SourceId::new(SourceKind::Netbox, "main")).await?, None);
    // Whoever only reads is well.
    one.health().await?;
    other.health().await?;
    Ok(())
}

pub async fn commits_of_two_who_take_turns_are_all_there([one, other]: Two) -> Done {
    let (mut revision, mut acknowledged) = (0, 0);
    for round in 0..20 {
        let (leader, name) = if round % 2 == 0 { (&one, "one") } else { (&other, "other") };
        leader.lead(name, Duration::ZERO).await?;
        // Both try, as one that lost the lead without knowing would.
        let n = u32::try_from(round).unwrap_or(0) * 2;
        let service = format!("s{round}");
        let (mine, theirs) = tokio::join!(
            one.commit(opening("a", &service, n, revision, &["n8n"])),
            other.commit(opening("a", &service, n + 1, revision, &["n8n"])),
        );
        let (won, lost) = if round % 2 == 0 { (mine, theirs) } else { (theirs, mine) };
        revision = won?.revision;
        acknowledged += 1;
        assert!(matches!(lost, Err(Error::NotLeader { .. })), "{lost:?}");
    }
    let loaded = one.load(&host("a")).await?;
    assert_eq!((loaded.revision, loaded.ledger.entries.len()), (acknowledged, 20));
    assert_eq!(other.rows().await?.deliveries, acknowledged);
    Ok(())
}
