//! Questions: pages, filters, figures, the export.

use std::sync::Arc;

use evenkeel_core::event::{EventType, Severity, Transition};
use evenkeel_core::id::{DriftId, Field};
use evenkeel_core::ledger::State;
use futures_util::TryStreamExt;
use jiff::Timestamp;
use serde_json::Value;

use super::Outcome;
use super::sample::{at, entry, event, event_id, host, journal, missing, observed, opening};
use crate::query::{Cursor, DriftFilter, EventFilter, JournalFilter, Record};
use crate::rows::{ExpectedRow, JournalKind};
use crate::types::PassCommit;
use crate::{Error, Store};

type Fresh = Arc<dyn Store>;

pub async fn pages_stay_stable_while_events_are_added(store: Fresh) -> Outcome {
    for n in 0..10 {
        store.commit(opening("a", "x", n, u64::from(n), &[])).await?;
    }
    let filter = EventFilter::default();
    let (mut seen, mut after, mut added) = (Vec::new(), None, 10);
    loop {
        let page = store.events(&filter, after, 3).await?;
        seen.extend(page.rows.iter().map(|row| row.event.id));
        store.commit(opening("a", "x", added, u64::from(added), &[])).await?;
        added += 1;
        let Some(next) = page.next else { break };
        // As a client would bring it back.
        after = Some(Cursor::new(next.as_str()));
    }
    assert_eq!(seen, (0..10).rev().map(event_id).collect::<Vec<_>>());
    let exact = store.events(&EventFilter { until: Some(at(3)), ..filter }, None, 3).await?;
    assert_eq!((exact.rows.len(), exact.next), (3, None), "a full last page promises another");
    Ok(())
}

pub async fn a_cursor_of_nobody_ends_the_list(store: Fresh) -> Outcome {
    store.commit(opening("a", "x", 1, 0, &[])).await?;
    for text in ["", "rubbish", "1; DROP TABLE events", "-1"] {
        let page = store.events(&EventFilter::default(), Some(Cursor::new(text)), 3).await?;
        assert!(page.rows.is_empty() && page.next.is_none(), "{text:?}");
    }
    Ok(())
}

pub async fn what_opened_and_ended_is_read_on_from_where_one_was(store: Fresh) -> Outcome {
    let gone = |n: u32, second: i64| {
        let mut event = event(n, &missing("a", "x"));
        (event.transition, event.created_at) = (Transition::Resolved, at(second));
        PassCommit { events: vec![event], ..PassCommit::new(host("a"), 1, at(second)) }
    };
    let mut changed = event(9, &missing("b", "y"));
    changed.transition = Transition::Changed;
    store.commit(opening("a", "x", 1, 0, &[])).await?;
    store.commit(gone(2, 7)).await?;
    store.commit(PassCommit { events: vec![changed], ..PassCommit::new(host("b"), 0, at(8)) }).await?;
    let all = store.turns(0, at(-100), 10).await?;
    let said: Vec<_> = all.iter().map(|turn| (turn.at, turn.transition)).collect();
    assert_eq!(said, [(at(7), Transition::Resolved), (at(1), Transition::Opened)], "a change is no turn");
    for turn in &all {
        assert_eq!((&turn.subject, turn.event_type), (&host("a"), EventType::ServiceMissing));
        assert_eq!(turn.handle, missing("a", "x").handle());
    }
    assert_eq!(store.turns(0, at(-100), 1).await?, all[..1], "of too many, the newest");
    assert_eq!(store.turns(all[1].seq, at(-100), 10).await?, all[..1]);
    assert_eq!(store.turns(0, at(7), 10).await?, all[..1], "not before: that moment counts");
    assert!(store.turns(all[0].seq, at(-100), 10).await?.is_empty());
    Ok(())
}

pub async fn the_last_sign_of_life_is_when_anything_was_last_seen(store: Fresh) -> Outcome {
    assert_eq!(store.last_sign().await?, None);
    store.save_observed(&[observed("a", "x", 50), observed("b", "x", 20)]).await?;
    assert_eq!(store.last_sign().await?, Some(at(50)));
    store.save_observed(&[observed("b", "x", 70)]).await?;
    assert_eq!(store.last_sign().await?, Some(at(70)), "seen again as it was is seen");
    Ok(())
}

pub async fn events_behind_a_number_come_in_their_order(store: Fresh) -> Outcome {
    assert!(store.events_behind(0, 10).await?.is_empty());
    for n in 0..5 {
        store.commit(opening("a", "x", n, u64::from(n), &[])).await?;
    }
    let all = store.events_behind(0, 10).await?;
    assert_eq!(
        all.iter().map(|row| row.event.id).collect::<Vec<_>>(),
        (0..5).map(event_id).collect::<Vec<_>>()
    );
    assert!(all.windows(2).all(|pair| pair[0].seq < pair[1].seq));
    let part = store.events_behind(all[1].seq, 2).await?;
    assert_eq!(part, all[2..4]);
    assert!(store.events_behind(all[4].seq, 10).await?.is_empty());
    assert!(store.events_behind(u64::MAX, 10).await?.is_empty(), "a number nobody has given yet");
    Ok(())
}

pub async fn events_are_filtered(store: Fresh) -> Outcome {
    let mut pass = opening("a", "x", 1, 0, &[]);
    let mut port = event(2, &DriftId::of_service(&"a".into(), &"y".into(), EventType::PortMismatch));
    port.severity = Severity::Low;
    port.transition = Transition::Resolved;
    pass.events.push(port);
    store.commit(pass).await?;
    store.commit(opening("b", "x", 3, 0, &[])).await?;
    let all = EventFilter::default();
    let cases = [
        (all.clone(), vec![3, 2, 1]),
        (EventFilter { types: vec![EventType::ServiceMissing], ..all.clone() }, vec![3, 1]),
        (EventFilter { types: EventType::ALL.to_vec(), ..all.clone() }, vec![3, 2, 1]),
        (EventFilter { severities: vec![Severity::Low, Severity::Info], ..all.clone() }, vec![2]),
        (EventFilter { transitions: vec![Transition::Resolved], ..all.clone() }, vec![2]),
        (EventFilter { host: Some("a".into()), ..all.clone() }, vec![2, 1]),
        (EventFilter { host: Some("A".into()), ..all.clone() }, vec![]),
        (EventFilter { service: Some("x".into()), ..all.clone() }, vec![3, 1]),
        (EventFilter { handle: Some(missing("b", "x").handle().to_lowercase()), ..all.clone() }, vec![3]),
        (EventFilter { since: Some(at(2)), ..all.clone() }, vec![3, 2]),
        (EventFilter { until: Some(at(2)), ..all.clone() }, vec![1]),
        (EventFilter { since: Some(at(2)), until: Some(at(3)), host: Some("a".into()), ..all }, vec![2]),
    ];
    for (filter, expected) in cases {
        let found = store.events(&filter, None, 10).await?.rows;
        let found: Vec<_> = found.into_iter().map(|row| row.event.id).collect();
        assert_eq!(found, expected.into_iter().map(event_id).collect::<Vec<_>>(), "{filter:?}");
    }
    Ok(())
}

pub async fn moments_compare_across_time_zones_and_fractions(store: Fresh) -> Outcome {
    let whole: Timestamp = "2025-12-22T05:00:00+01:00".parse()?;
    let fraction: Timestamp = "2025-12-21T23:00:00.000001-05:00".parse()?;
    assert_eq!(whole, at(0));
    for (n, moment) in (1_u32..).zip([whole, fraction]) {
        let mut pass = opening("a", "x", n, u64::from(n) - 1, &["n8n"]);
        pass.events[0].created_at = moment;
        pass.at = moment;
        store.commit(pass).await?;
    }
    let since = |since: Timestamp| EventFilter { since: Some(since), ..EventFilter::default() };
    assert_eq!(store.events(&since(whole), None, 9).await?.rows.len(), 2);
    assert_eq!(store.events(&since(fraction), None, 9).await?.rows.len(), 1);
    assert_eq!(store.events(&since("2025-12-22T09:30:00.5+05:30".parse()?), None, 9).await?.rows.len(), 0);
    assert_eq!(store.next_due().await?, Some(whole));
    Ok(())
}

/// Three subjects, five entries: a/x open, a/y pending, a/ip open and folded, b/x resolved, b open.
async fn ledgers(store: &Fresh) -> Result<(), Error> {
    let pending = |mut e: evenkeel_core::ledger::Entry, state| {
        e.state = state;
        e
    };
    let mut folded = entry(DriftId::of_field(&"a".into(), None, Field::Ip));
    folded.parent = Some(DriftId::of_host(&"b".into(), EventType::NodeUnreachable));
    let a = vec![entry(missing("a", "x")), pending(entry(missing("a", "y")), State::Pending), folded];
    let b = vec![
        pending(entry(missing("b", "x")), State::Resolved),
        entry(DriftId::of_host(&"b".into(), EventType::NodeUnreachable)),
    ];
    store.commit(PassCommit { upserts: a, ..PassCommit::new(host("a"), 0, at(0)) }).await?;
    store.commit(PassCommit { upserts: b, ..PassCommit::new(host("b"), 0, at(0)) }).await?;
    Ok(())
}

pub async fn drifts_are_filtered_and_paged(store: Fresh) -> Outcome {
    ledgers(&store).await?;
    let all = DriftFilter::default();
    let cases = [
        (all.clone(), 5),
        (DriftFilter { states: vec![State::Open], ..all.clone() }, 3),
        (DriftFilter { states: vec![State::Open], roots_only: true, ..all.clone() }, 2),
        (DriftFilter { states: vec![State::Pending, State::Resolved], ..all.clone() }, 2),
        (DriftFilter { types: vec![EventType::ConfigDrift], ..all.clone() }, 1),
        (DriftFilter { severities: vec![Severity::Critical], ..all.clone() }, 1),
        (DriftFilter { subject: Some(host("a")), ..all.clone() }, 3),
        (DriftFilter { service: Some("x".into()), ..all.clone() }, 2),
    ];
    for (filter, expected) in cases {
        assert_eq!(store.drifts(&filter, None, 10).await?.rows.len(), expected, "{filter:?}");
    }
    let first = store.drifts(&all, None, 3).await?;
    let second = store.drifts(&all, first.next, 3).await?;
    assert_eq!((first.rows.len(), second.rows.len(), second.next), (3, 2, None));
    assert!(first.rows.iter().all(|e| !second.rows.contains(e)));
    Ok(())
}

pub async fn a_drift_is_found_by_its_handle_in_any_case(store: Fresh) -> Outcome {
    ledgers(&store).await?;
    let id = missing("a", "x");
    for handle in [id.handle(), id.handle().to_lowercase()] {
        let found = store.drift_by_handle(&handle).await?;
        assert_eq!(found.into_iter().map(|e| e.id).collect::<Vec<_>>(), std::slice::from_ref(&id));
    }
    assert!(store.drift_by_handle("00000000").await?.is_empty());
    Ok(())
}

pub async fn open_drifts_are_counted(store: Fresh) -> Outcome {
    ledgers(&store).await?;
    let counts: Vec<_> = store
        .open_counts()
        .await?
        .into_iter()
        .map(|c| (c.event_type, c.severity, c.folded, c.count))
        .collect();
    let expected = [
        (EventType::ServiceMissing, Severity::High, false, 1),
        (EventType::NodeUnreachable, Severity::Critical, false, 1),
        (EventType::ConfigDrift, Severity::Low, true, 1),
    ];
    assert_eq!(counts, expected);
    Ok(())
}

pub async fn the_journal_is_kept_and_filtered(store: Fresh) -> Outcome {
    let mut bare = journal(JournalKind::Log, "wortlos", 3);
    (bare.subject, bare.event, bare.data) = (None, None, Value::Null);
    bare.drift_key = Some("k".to_owned());
    let rows = [journal(JournalKind::Decision, "one", 1), journal(JournalKind::Action, "two", 2), bare];
    store.note(&rows).await?;
    store.note(&[]).await?;
    let all = store.journal(&JournalFilter::default(), None, 9).await?.rows;
    assert_eq!(all, rows.iter().rev().cloned().collect::<Vec<_>>());
    let about = |filter| {
        let store = Arc::clone(&store);
        async move { store.journal(&filter, None, 9).await.map(|page| page.rows.len()) }
    };
    let any = JournalFilter::default();
    assert_eq!(about(JournalFilter { kinds: vec![JournalKind::Action], ..any.clone() }).await?, 1);
    assert_eq!(about(JournalFilter { subject: Some(host("a")), ..any.clone() }).await?, 2);
    assert_eq!(about(JournalFilter { event: Some(event_id(1)), ..any.clone() }).await?, 2);
    assert_eq!(about(JournalFilter { drift_key: Some("k".to_owned()), ..any.clone() }).await?, 1);
    assert_eq!(about(JournalFilter { since: Some(at(2)), ..any.clone() }).await?, 2);
    let (id, other) = (missing("a", "x"), missing("a", "y"));
    let mut told = journal(JournalKind::Action, "three", 4);
    told.drift_key = Some(id.to_string());
    store.note(std::slice::from_ref(&told)).await?;
    let mut pass = PassCommit::new(host("a"), 0, at(5));
    pass.journal = vec![told.clone()];
    store.commit(pass).await?;
    for (handle, rows) in [(id.handle(), 2), (id.handle().to_lowercase(), 2), (other.handle(), 0)] {
        assert_eq!(about(JournalFilter { handle: Some(handle), ..any.clone() }).await?, rows);
    }
    Ok(())
}

pub async fn an_export_is_one_object_a_line(store: Fresh) -> Outcome {
    let mut pass = opening("a", "x", 1, 0, &[]);
    pass.events[0].details = "two\nlines".to_owned();
    store.commit(pass).await?;
    store.commit(opening("a", "y", 500, 1, &[])).await?;
    store.save_observed(&[observed("a", "jelly\"fin", 2)]).await?;
    let data = serde_json::json!({ "hostname": "a", "services": [] }).to_string();
    let row = ExpectedRow { kind: "host".to_owned(), hostname: "a".into(), hash: 1, data, at: at(2) };
    store.save_expected(&[row]).await?;
    let lines: Vec<_> = store.export(None).try_collect().await?;
    let records: Vec<Record> = lines.iter().map(|line| line.record).collect();
    assert_eq!(records, [Record::Event, Record::Event, Record::Expected, Record::Observed]);
    let parsed: Vec<Value> = lines.iter().map(|l| serde_json::from_str(&l.json)).collect::<Result<_, _>>()?;
    assert!(lines.iter().all(|line| !line.json.contains('\n')));
    assert!(parsed.iter().zip(&records).all(|(value, record)| value["record"] == record.as_str()));
    assert_eq!(parsed[0]["details"], "two\nlines");
    assert_eq!(parsed[0]["event_type"], "SERVICE_MISSING");
    assert_eq!(parsed[2]["hostname"], "a");
    assert_eq!(parsed[3]["source"], "docker");
    assert_eq!(parsed[3]["snapshot"]["containers"][0]["name"], "jelly\"fin");
    let late: Vec<_> = store.export(Some(at(3))).try_collect().await?;
    assert_eq!(late.len(), 1);
    Ok(())
}

pub async fn an_export_larger_than_a_page_is_whole(store: Fresh) -> Outcome {
    let mut pass = PassCommit::new(host("a"), 0, at(0));
    pass.events = (0..1200).map(|n| event(n, &missing("a", "x"))).collect();
    store.commit(pass).await?;
    let big = "x".repeat(400_000);
    for n in 0..7 {
        store.save_observed(&[observed("a", &format!("{n}{big}"), n)]).await?;
    }
    let mut lines = store.export(None);
    let (mut events, mut snapshots) = (Vec::new(), 0);
    while let Some(line) = lines.try_next().await? {
        match line.record {
            Record::Event => events.push(serde_json::from_str::<Value>(&line.json)?["id"].clone()),
            Record::Observed => snapshots += 1,
            Record::Expected | Record::Silence => {}
        }
    }
    let expected: Vec<Value> = (0..1200).map(|n| Value::from(event_id(n).to_string())).collect();
    assert_eq!(events, expected);
    assert_eq!(snapshots, 7);
    Ok(())
}

pub async fn figures_add_up(store: Fresh) -> Outcome {
    assert_eq!(store.stats().await?.last_seq, 0);
    ledgers(&store).await?;
    let committed = store.commit(opening("c", "x", 1, 0, &["n8n", "ntfy"])).await?;
    store.save_observed(&[observed("a", "x", 1)]).await?;
    let stats = store.stats().await?;
    assert_eq!(
        (stats.subjects, stats.drifts_open, stats.drifts_pending, stats.drifts_resolved),
        (3, 4, 1, 1)
    );
    assert_eq!((stats.events, stats.deliveries, stats.observed_snapshots), (1, 2, 1));
    assert_eq!(Some(&stats.last_seq), committed.event_seqs.last());
    assert!(stats.bytes > 0);
    store.health().await?;
    Ok(())
}

pub async fn a_closed_store_says_so(store: Fresh) -> Outcome {
    store.commit(opening("a", "x", 1, 0, &[])).await?;
    store.close().await;
    store.close().await;
    let refused = store.commit(opening("a", "y", 2, 1, &[])).await;
    assert!(matches!(refused, Err(Error::Unavailable { .. })), "{refused:?}");
    let refused = store.load(&host("a")).await;
    assert!(matches!(refused, Err(Error::Unavailable { .. })), "{refused:?}");
    assert!(store.health().await.is_err());
    Ok(())
}
