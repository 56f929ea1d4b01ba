//! Ledgers: what is committed, what is refused, what is read back.

use std::sync::Arc;

use evenkeel_core::event::Side;
use evenkeel_core::fingerprint::Fingerprint;
use evenkeel_core::ledger::{Entry, Ledger, State};
use evenkeel_core::model::HostKind;
use futures_util::TryStreamExt;
use jiff::SignedDuration;

use super::Outcome;
use super::sample::{at, delivery, entry, event, event_id, host, journal, missing, observed, opening};
use crate::query::{DeliveryFilter, EventFilter, JournalFilter};
use crate::rows::JournalKind;
use crate::types::{Outcome as Kind, PassCommit};
use crate::{Error, Store};

type Fresh = Arc<dyn Store>;

fn listed(ledger: &Ledger) -> Vec<Entry> {
    ledger.entries.values().map(Box::as_ref).cloned().collect()
}

pub async fn an_unknown_subject_has_an_empty_ledger_of_revision_zero(store: Fresh) -> Outcome {
    let loaded = store.load(&host("a")).await?;
    assert_eq!(loaded.revision, 0);
    assert_eq!(loaded.ledger.subject, host("a"));
    assert!(loaded.ledger.entries.is_empty() && loaded.ledger.born.is_none() && loaded.fingerprint.is_none());
    assert!(store.load_all().await?.is_empty());
    Ok(())
}

pub async fn a_commit_is_read_back_whole(store: Fresh) -> Outcome {
    let mut pass = opening("a", "freshrss", 1, 0, &["n8n", "ntfy"]);
    pass.events.push(event(2, &missing("a", "readeck")));
    pass.born = Some(at(5));
    pass.fingerprint = Some(Fingerprint(u128::MAX - 1));
    pass.journal = vec![journal(JournalKind::Decision, "opened", 1)];
    let committed = store.commit(pass.clone()).await?;
    assert_eq!(committed.revision, 1);
    assert_eq!(committed.event_seqs.len(), 2);
    assert!(committed.event_seqs[0] < committed.event_seqs[1]);

    let loaded = store.load(&host("a")).await?;
    assert_eq!(loaded.revision, 1);
    assert_eq!(loaded.ledger.born, Some(at(5)));
    assert_eq!(loaded.fingerprint, pass.fingerprint);
    assert_eq!(listed(&loaded.ledger), pass.upserts);
    assert_eq!(store.load_all().await?, vec![loaded]);

    let stored = store.event(event_id(1)).await?.ok_or("the event is gone")?;
    assert_eq!(stored.seq, committed.event_seqs[0]);
    assert_eq!(stored.subject, host("a"));
    assert_eq!(stored.event, pass.events[0]);
    assert_eq!(store.deliveries(&DeliveryFilter::default(), None, 10).await?.rows.len(), 2);
    assert_eq!(store.journal(&JournalFilter::default(), None, 10).await?.rows, pass.journal);
    Ok(())
}

/// Nothing of `opening("a", "freshrss", ..)` is there.
async fn nothing_of(
    store: &Fresh,
    subject: &str,
    revision: u64,
    events: usize,
    deliveries: usize,
) -> Outcome {
    let loaded = store.load(&host(subject)).await?;
    assert_eq!(loaded.revision, revision, "the revision moved");
    assert_eq!(loaded.ledger.entries.len() as u64, revision, "an entry was written");
    assert_eq!(store.events(&EventFilter::default(), None, 100).await?.rows.len(), events);
    assert_eq!(store.deliveries(&DeliveryFilter::default(), None, 100).await?.rows.len(), deliveries);
    assert_eq!(store.journal(&JournalFilter::default(), None, 100).await?.rows.len(), 0);
    Ok(())
}

pub async fn a_stale_revision_is_refused_and_writes_nothing(store: Fresh) -> Outcome {
    store.commit(opening("a", "freshrss", 1, 0, &["n8n"])).await?;
    for stale in [0, 2, 7] {
        let mut pass = opening("a", "readeck", 2, stale, &["n8n"]);
        pass.journal = vec![journal(JournalKind::Log, "no", 1)];
        match store.commit(pass).await {
            Err(Error::Conflict { what, expected, found }) => {
                assert_eq!((what.as_str(), expected, found), ("host:a", stale, 1));
            }
            other => return Err(format!("not refused: {other:?}").into()),
        }
        nothing_of(&store, "a", 1, 1, 1).await?;
    }
    match store.commit(opening("b", "x", 3, 1, &[])).await {
        Err(Error::Conflict { found: 0, .. }) => nothing_of(&store, "b", 0, 1, 1).await,
        other => Err(format!("not refused: {other:?}").into()),
    }
}

pub async fn an_event_id_used_twice_leaves_nothing_of_its_commit(store: Fresh) -> Outcome {
    store.commit(opening("a", "freshrss", 1, 0, &["n8n"])).await?;
    let mut pass = opening("b", "readeck", 2, 0, &["n8n"]);
    pass.journal = vec![journal(JournalKind::Log, "no", 1)];
    pass.events.push(event(1, &missing("b", "maloja")));
    let refused = store.commit(pass).await;
    assert!(matches!(refused, Err(Error::Refused { .. })), "{refused:?}");
    nothing_of(&store, "b", 0, 1, 1).await?;
    // And the store goes on.
    store.commit(opening("b", "readeck", 2, 0, &["n8n"])).await?;
    Ok(())
}

pub async fn a_delivery_of_an_unknown_event_leaves_nothing_of_its_commit(store: Fresh) -> Outcome {
    let mut pass = opening("a", "freshrss", 1, 0, &["n8n"]);
    pass.deliveries.push(delivery("n8n", &event(99, &missing("a", "freshrss"))));
    let refused = store.commit(pass).await;
    assert!(matches!(refused, Err(Error::Refused { .. })), "{refused:?}");
    nothing_of(&store, "a", 0, 0, 0).await
}

pub async fn a_delivery_may_be_about_an_earlier_event(store: Fresh) -> Outcome {
    let first = opening("a", "x", 1, 0, &[]);
    let later = PassCommit {
        deliveries: vec![delivery("n8n", &first.events[0])],
        ..PassCommit::new(host("a"), 1, at(2))
    };
    store.commit(first).await?;
    store.commit(later).await?;
    let claimed = store.claim(None, 9, std::time::Duration::from_secs(1), at(3)).await?;
    assert_eq!(claimed.iter().map(|one| one.event).collect::<Vec<_>>(), [event_id(1)]);
    Ok(())
}

pub async fn entries_are_changed_and_removed(store: Fresh) -> Outcome {
    store.commit(opening("a", "freshrss", 1, 0, &[])).await?;
    store.commit(opening("a", "readeck", 2, 1, &[])).await?;
    store.commit(opening("b", "readeck", 3, 0, &[])).await?;
    let mut resolved = entry(missing("a", "readeck"));
    resolved.state = State::Resolved;
    resolved.resolved_at = Some(at(9));
    let pass = PassCommit {
        upserts: vec![resolved.clone()],
        removals: vec![missing("a", "freshrss"), missing("a", "never-there")],
        ..PassCommit::new(host("a"), 2, at(9))
    };
    store.commit(pass).await?;
    let ledger = store.load(&host("a")).await?.ledger;
    assert_eq!(listed(&ledger), [resolved]);
    assert_eq!(store.load(&host("b")).await?.ledger.entries.len(), 1, "another subject was touched");
    Ok(())
}

pub async fn born_stays_and_a_fingerprint_is_cleared(store: Fresh) -> Outcome {
    let settled = PassCommit {
        born: Some(at(3)),
        fingerprint: Some(Fingerprint(7)),
        ..PassCommit::new(host("a"), 0, at(3))
    };
    store.commit(settled).await?;
    store.commit(PassCommit::new(host("a"), 1, at(4))).await?;
    let loaded = store.load(&host("a")).await?;
    assert_eq!((loaded.ledger.born, loaded.fingerprint, loaded.revision), (Some(at(3)), None, 2));
    Ok(())
}

pub async fn a_remembered_match_does_not_touch_the_revision(store: Fresh) -> Outcome {
    store.commit(opening("a", "freshrss", 1, 0, &[])).await?;
    let vm = (HostKind::VirtualMachine, 14);
    let device = (HostKind::Device, 3);
    store.remember(&[(host("a"), Some(vm)), (host("new"), Some(device))]).await?;
    assert_eq!(store.load(&host("a")).await?.identity, Some(vm));
    assert_eq!(store.load(&host("new")).await?.identity, Some(device));
    store.commit(opening("a", "readeck", 2, 1, &[])).await?;
    store.commit(opening("new", "readeck", 3, 0, &[])).await?;
    assert_eq!(store.load(&host("a")).await?.identity, Some(vm), "a commit forgot the match");
    store.remember(&[(host("a"), None)]).await?;
    assert_eq!(store.load(&host("a")).await?.identity, None);
    Ok(())
}

pub async fn passes_in_one_transaction_have_outcomes_of_their_own(store: Fresh) -> Outcome {
    store.commit(opening("stale", "x", 1, 0, &[])).await?;
    let passes = vec![
        opening("a", "x", 2, 0, &["n8n"]),
        opening("stale", "y", 3, 0, &["n8n"]),
        opening("b", "x", 1, 0, &["n8n"]),
        opening("c", "x", 4, 0, &["n8n"]),
    ];
    let outcomes = store.commit_all(passes).await;
    assert!(matches!(outcomes[0], Ok(ref done) if done.revision == 1), "{:?}", outcomes[0]);
    assert!(matches!(outcomes[1], Err(Error::Conflict { .. })), "{:?}", outcomes[1]);
    assert!(matches!(outcomes[2], Err(Error::Refused { .. })), "{:?}", outcomes[2]);
    assert!(outcomes[3].is_ok(), "{:?}", outcomes[3]);
    assert_eq!(store.events(&EventFilter::default(), None, 100).await?.rows.len(), 3);
    assert_eq!(store.deliveries(&DeliveryFilter::default(), None, 100).await?.rows.len(), 2);
    assert_eq!(store.load(&host("b")).await?.revision, 0);
    Ok(())
}

pub async fn a_later_pass_of_a_subject_builds_on_the_earlier_one(store: Fresh) -> Outcome {
    let mut back = opening("a", "x", 3, 2, &["n8n"]);
    back.upserts[0].seen = 77;
    let gone = PassCommit { removals: vec![missing("a", "x")], ..PassCommit::new(host("a"), 1, at(2)) };
    let outcomes = store.commit_all(vec![opening("a", "x", 1, 0, &["n8n"]), gone, back]).await;
    let revisions: Vec<u64> =
        outcomes.into_iter().map(|o| o.map(|c| c.revision)).collect::<Result<_, _>>()?;
    assert_eq!(revisions, [1, 2, 3]);
    let entries = store.load(&host("a")).await?.ledger.entries;
    assert_eq!(entries.values().map(|e| e.seen).collect::<Vec<_>>(), [77]);
    Ok(())
}

pub async fn concurrent_writers_all_get_in(store: Fresh) -> Outcome {
    let mut tasks = Vec::new();
    for subject in 0..24_u32 {
        let store = Arc::clone(&store);
        tasks.push(tokio::spawn(async move {
            let name = format!("host-{subject}");
            for step in 0..8_u32 {
                let n = subject * 100 + step;
                let service = format!("s{step}");
                store.commit(opening(&name, &service, n, u64::from(step), &["n8n"])).await?;
            }
            Ok::<_, Error>(())
        }));
    }
    for task in tasks {
        task.await??;
    }
    let all = store.load_all().await?;
    assert_eq!(all.len(), 24);
    assert!(all.iter().all(|loaded| loaded.revision == 8 && loaded.ledger.entries.len() == 8));
    let events = store.events(&EventFilter::default(), None, 1000).await?.rows;
    assert_eq!(events.len(), 24 * 8);
    assert!(events.windows(2).all(|pair| pair[0].seq > pair[1].seq), "numbers are not unique and falling");
    Ok(())
}

pub async fn one_of_two_writers_of_a_subject_is_refused(store: Fresh) -> Outcome {
    for round in 0..20_u32 {
        let revision = u64::from(round);
        let (one, other) = tokio::join!(
            store.commit(opening("a", "x", round * 2, revision, &["n8n"])),
            store.commit(opening("a", "y", round * 2 + 1, revision, &["n8n"])),
        );
        let refused = [one, other].iter().filter(|o| matches!(o, Err(Error::Conflict { .. }))).count();
        assert_eq!(refused, 1);
        assert_eq!(store.load(&host("a")).await?.revision, revision + 1);
    }
    assert_eq!(store.events(&EventFilter::default(), None, 100).await?.rows.len(), 20);
    Ok(())
}

pub async fn names_of_any_script_survive(store: Fresh) -> Outcome {
    let names =
        ["bücher-höhle", "データ", "o'neil\"; DROP TABLE events; --", "a|b:c/d", "🚢", "tab\tand\\slash"];
    for (n, name) in (0_u32..).zip(names) {
        let mut pass = opening(name, name, n, 0, &[name]);
        pass.events[0].details = format!("{name}\nnew line \u{1}");
        store.commit(pass.clone()).await?;
        let loaded = store.load(&host(name)).await?;
        assert_eq!(listed(&loaded.ledger), pass.upserts);
        assert_eq!(store.event(event_id(n)).await?.map(|s| s.event), pass.events.pop());
        let filter =
            EventFilter { host: Some(name.into()), service: Some(name.into()), ..EventFilter::default() };
        assert_eq!(store.events(&filter, None, 10).await?.rows.len(), 1);
        assert_eq!(store.claim(Some(name), 5, std::time::Duration::from_secs(1), at(60)).await?.len(), 1);
    }
    Ok(())
}

pub async fn an_identical_entry_comes_back_to_the_nanosecond(store: Fresh) -> Outcome {
    let mut pass = opening("a", "x", 1, 0, &[]);
    let odd = at(1) + SignedDuration::from_nanos(123_456_789);
    pass.upserts[0].last_seen = odd;
    pass.upserts[0].blind = None;
    pass.events[0].created_at = odd;
    store.commit(pass.clone()).await?;
    assert_eq!(listed(&store.load(&host("a")).await?.ledger), pass.upserts);
    assert_eq!(store.event(event_id(1)).await?.map(|s| s.event.created_at), Some(odd));
    Ok(())
}

/// No database must lose an event for what is in a name. One that cannot hold the character puts another in its place,
/// where people read and ask; what the sinks get is the event.
pub async fn a_name_with_a_nul_is_kept_and_can_be_read(store: Fresh) -> Outcome {
    let name = "zero\0\u{1}\\u0000";
    for (n, revision) in [(1, 0), (2, 1)] {
        let mut pass = opening(name, name, n, revision, &[name]);
        pass.events[0].details = format!("{name} is gone");
        pass.events[0].observed = Some(Side { value: Some(name.into()), ..Side::default() });
        pass.journal = vec![journal(JournalKind::Log, name, 1)];
        pass.journal[0].drift_key = Some(name.to_owned());
        store.commit(pass.clone()).await?;
        let loaded = store.load(&host(name)).await?;
        assert_eq!(listed(&loaded.ledger), pass.upserts);
        assert_eq!(store.event(event_id(n)).await?.map(|stored| stored.event), Some(pass.events[0].clone()));
        let claimed = store.claim(Some(name), 5, std::time::Duration::from_secs(1), at(60)).await?;
        assert_eq!(claimed.len(), 1);
        assert_eq!(claimed[0].payload, serde_json::to_vec(&pass.events[0])?);
        let dead = Kind::Dead { why: name.to_owned() };
        assert!(store.settle(claimed[0].ticket, dead, at(61)).await?);
    }
    let about = EventFilter { host: Some(name.into()), service: Some(name.into()), ..EventFilter::default() };
    assert_eq!(store.events(&about, None, 10).await?.rows.len(), 2);
    assert_eq!(store.drift_by_handle(&missing(name, name).handle()).await?.len(), 1);
    let noted = JournalFilter { drift_key: Some(name.to_owned()), ..JournalFilter::default() };
    assert_eq!(store.journal(&noted, None, 9).await?.rows.len(), 2);
    assert_eq!(store.load_all().await?.len(), 1);
    let sent = DeliveryFilter { sink: Some(name.to_owned()), ..DeliveryFilter::default() };
    assert_eq!(store.deliveries(&sent, None, 9).await?.rows.len(), 2);

    let seen = store.save_observed(&[observed(name, name, 1), observed(name, name, 2)]).await?;
    assert_eq!((seen.changed, seen.unchanged), (1, 1));
    let shown = store.shown(&name.into()).await?;
    assert_eq!(shown.iter().map(|row| row.hostname.as_str()).collect::<Vec<_>>(), [name]);
    serde_json::from_str::<serde_json::Value>(&shown[0].snapshot)?;
    let lines: Vec<_> = store.export(None).try_collect().await?;
    assert_eq!(lines.len(), 3);
    for line in lines {
        serde_json::from_str::<serde_json::Value>(&line.json)?;
    }
    Ok(())
}

/// A label on a container may be as long as somebody likes.
pub async fn names_of_any_length_are_kept_apart(store: Fresh) -> Outcome {
    let noise: String =
        (0..400_u64).map(|n| format!("{:016x}", xxhash_rust::xxh3::xxh3_64(&n.to_le_bytes()))).collect();
    let (one, other) = (format!("{noise}1"), format!("{noise}2"));
    store.commit(opening(&one, &one, 1, 0, &[&one])).await?;
    store.commit(opening(&one, &other, 2, 1, &[&one])).await?;
    store.commit(opening(&other, &one, 3, 0, &[&other])).await?;
    let gone = PassCommit { removals: vec![missing(&one, &other)], ..PassCommit::new(host(&one), 2, at(4)) };
    store.commit(gone).await?;
    let loaded = store.load(&host(&one)).await?;
    assert_eq!(loaded.revision, 3);
    assert_eq!(loaded.ledger.entries.into_keys().collect::<Vec<_>>(), [missing(&one, &one)]);
    let about = |service: &str| EventFilter {
        host: Some(one.as_str().into()),
        service: Some(service.into()),
        ..EventFilter::default()
    };
    for (service, n) in [(&one, 1), (&other, 2)] {
        let found = store.events(&about(service), None, 9).await?.rows;
        assert_eq!(found.iter().map(|row| row.event.id).collect::<Vec<_>>(), [event_id(n)]);
        assert_eq!(found[0].event.service.as_ref().map(|name| name.as_str()), Some(service.as_str()));
    }
    let claimed = store.claim(Some(&one), 9, std::time::Duration::from_secs(1), at(60)).await?;
    assert_eq!(claimed.iter().map(|one| one.event).collect::<Vec<_>>(), [event_id(1), event_id(2)]);
    store.save_observed(&[observed(&one, "x", 1), observed(&other, "y", 1)]).await?;
    assert_eq!(store.shown(&one.as_str().into()).await?.len(), 1);
    store.note(&[journal(JournalKind::Log, &noise, 1)]).await?;
    Ok(())
}
