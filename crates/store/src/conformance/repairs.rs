//! Repairs: steps that are kept whole or not at all, and what is found again.

use std::sync::Arc;

use evenkeel_core::remediation::{Phase, Proposal};

use super::Outcome as Done;
use super::repairs_sample::{
    callback, change, dispatched, every_state, halted, in_state, listed, making, notice, page, proposal,
    token, verified, withdrawn,
};
use super::sample::{at, host, journal, missing, opening};
use crate::query::{Cursor, DeliveryFilter, JournalFilter};
use crate::repairs::{Callback, ControlsChange, ProposalFilter, RepairCommit, Repairs};
use crate::rows::JournalKind;
use crate::types::PassCommit;
use crate::{Error, Store};

type Fresh = Arc<dyn Store>;

fn keys(repairs: &Repairs) -> Vec<&str> {
    repairs.proposals.iter().map(|row| row.proposal.key.as_str()).collect()
}

fn sorted(proposals: &[&Proposal]) -> Vec<String> {
    let mut keys: Vec<_> = proposals.iter().map(|proposal| proposal.key.to_string()).collect();
    keys.sort();
    keys
}

pub async fn a_proposal_comes_back_in_every_state(store: Fresh) -> Done {
    let mut kept = Vec::new();
    for (number, state) in (1..).zip(every_state()) {
        let made = proposal("a", "x", number, "restart");
        store.commit_repair(making(2, &[&made])).await?;
        let changed = in_state(&made, state)?;
        let step = RepairCommit { proposals: vec![change(1, &changed)], ..RepairCommit::new(at(9)) };
        store.commit_repair(step).await?;
        kept.push(changed);
    }
    let rows = page(&*store, None, 99).await?.rows;
    assert!(rows.iter().all(|row| (row.revision, row.updated_at) == (2, at(9))), "{rows:?}");
    kept.reverse();
    assert_eq!(rows.into_iter().map(|row| row.proposal).collect::<Vec<_>>(), kept);
    for one in &kept {
        let filter =
            ProposalFilter { states: vec![one.state().as_str().to_owned()], ..ProposalFilter::default() };
        assert!(listed(&*store, &filter).await?.contains(one), "not found as {}", one.state().as_str());
    }
    Ok(())
}

pub async fn the_planner_gets_what_is_under_way_what_was_dispatched_and_what_is_of_an_open_drift(
    store: Fresh,
) -> Done {
    assert_eq!(store.repairs(at(0)).await?, Repairs::default());
    store.commit(opening("a", "open", 1, 0, &[])).await?;
    let old = |service, number, state| in_state(&proposal("a", service, number, "restart"), state);
    let waiting = proposal("a", "x", 1, "restart");
    let running = old("x", 2, dispatched(10))?;
    let long_ago = old("x", 3, verified(10))?;
    let just_then = old("x", 4, verified(500))?;
    let later = old("x", 5, verified(501))?;
    let gone = old("x", 6, withdrawn(900))?;
    let of_open = [old("open", 1, withdrawn(2))?, old("open", 2, verified(3))?];
    let of_other = in_state(&proposal("b", "open", 1, "restart"), withdrawn(2))?;
    let all = [&waiting, &running, &long_ago, &just_then, &later, &gone, &of_open[0], &of_open[1], &of_other];
    store.commit_repair(making(9, &all)).await?;
    let repairs = store.repairs(at(500)).await?;
    assert_eq!(
        keys(&repairs),
        sorted(&[&waiting, &running, &just_then, &later, &of_open[0], &of_open[1]]),
        "in the order of their keys"
    );
    let rows: Vec<_> = repairs.proposals.iter().map(|row| (row.revision, row.updated_at)).collect();
    assert_eq!(rows, [(1, at(9)); 6]);
    assert!(repairs.proposals.iter().any(|row| row.proposal == just_then), "not as it was made");

    // A drift that ended takes what is over with it.
    let ended = PassCommit { removals: vec![missing("a", "open")], ..PassCommit::new(host("a"), 1, at(600)) };
    store.commit(ended).await?;
    assert_eq!(keys(&store.repairs(at(501)).await?), sorted(&[&waiting, &running, &later]));
    Ok(())
}

pub async fn controls_are_kept_with_their_revision(store: Fresh) -> Done {
    for (revision, why) in [(0, "zu viel"), (1, "noch immer")] {
        let change = ControlsChange { expected_revision: revision, controls: halted(why) };
        store.commit_repair(RepairCommit { controls: Some(change), ..RepairCommit::new(at(5)) }).await?;
        let repairs = store.repairs(at(0)).await?;
        assert_eq!((repairs.controls, repairs.controls_revision), (halted(why), revision + 1));
    }
    Ok(())
}

/// Everything a store has of repairs.
async fn everything(store: &Fresh) -> Result<impl PartialEq + std::fmt::Debug, Error> {
    Ok((
        page(&**store, None, 99).await?,
        store.repairs(at(0)).await?,
        store.journal(&JournalFilter::default(), None, 99).await?,
        store.deliveries(&DeliveryFilter::default(), None, 99).await?,
        (store.callback(token(1)).await?, store.callback(token(2)).await?, store.callback(token(9)).await?),
        store.rows().await?,
    ))
}

/// A step with something of everything beside what is wrong with it.
fn full(wrong: RepairCommit) -> Result<RepairCommit, String> {
    let beside = proposal("beside", "x", 1, "restart");
    let mut step = wrong;
    step.proposals.insert(0, change(0, &beside));
    step.callbacks.insert(0, callback(9, &beside, 100));
    step.journal = vec![journal(JournalKind::Decision, "beside", 9)];
    step.notices.insert(0, notice(90, Some(&beside), &["ntfy"])?);
    if step.controls.is_none() {
        step.controls = Some(ControlsChange { expected_revision: 1, controls: halted("beside") });
    }
    Ok(step)
}

pub async fn a_step_that_is_refused_leaves_nothing(store: Fresh) -> Done {
    let there = proposal("a", "x", 1, "restart");
    let absent = proposal("a", "x", 2, "restart");
    let first = RepairCommit {
        controls: Some(ControlsChange { expected_revision: 0, controls: halted("first") }),
        callbacks: vec![callback(1, &there, 100), callback(2, &there, 100)],
        notices: vec![notice(7, Some(&there), &["ntfy"])?],
        ..making(2, &[&there])
    };
    store.commit_repair(first).await?;
    store.commit_repair(RepairCommit { used: Some(token(2)), ..RepairCommit::new(at(3)) }).await?;
    let before = everything(&store).await?;
    let none = || RepairCommit::new(at(9));
    let proposals = |revision, of| RepairCommit { proposals: vec![change(revision, of)], ..none() };
    let controls = |expected_revision| RepairCommit {
        controls: Some(ControlsChange { expected_revision, controls: halted("late") }),
        ..none()
    };
    let used = |n| RepairCommit { used: Some(token(n)), ..none() };
    for (wrong, named, expected, found) in [
        (proposals(0, &there), there.key.as_str(), 0, 1),
        (proposals(2, &there), there.key.as_str(), 2, 1),
        (proposals(1, &absent), absent.key.as_str(), 1, 0),
        (controls(0), "", 0, 1),
        (controls(2), "", 2, 1),
        (used(2), "callback", 1, 2),
        (used(77), "callback", 1, 0),
    ] {
        match store.commit_repair(full(wrong.clone())?).await {
            Err(Error::Conflict { what, expected: e, found: f }) => {
                assert!(what.contains(named) && (e, f) == (expected, found), "{what}: {e} {f} of {wrong:?}");
            }
            other => return Err(format!("not a conflict: {other:?} of {wrong:?}").into()),
        }
        assert_eq!(everything(&store).await?, before, "left by {wrong:?}");
    }
    let twice = RepairCommit { callbacks: vec![callback(1, &there, 100)], ..none() };
    let orphan = RepairCommit { callbacks: vec![callback(3, &absent, 100)], ..none() };
    let told = RepairCommit { notices: vec![notice(7, None, &["ntfy"])?], ..none() };
    for wrong in [twice, orphan, told] {
        match store.commit_repair(full(wrong.clone())?).await {
            Err(Error::Refused { .. }) => {}
            other => return Err(format!("not refused: {other:?} of {wrong:?}").into()),
        }
        assert_eq!(everything(&store).await?, before, "left by {wrong:?}");
    }
    // Nothing was wrong with the rest of it.
    store.commit_repair(full(none())?).await?;
    let rows = store.rows().await?;
    assert_eq!((rows.proposals, rows.notices, rows.deliveries, rows.journal), (2, 2, 2, 1));
    Ok(())
}

pub async fn a_callback_is_used_once(store: Fresh) -> Done {
    assert_eq!(store.callback(token(1)).await?, None);
    let made = proposal("a", "x", 1, "restart");
    store
        .commit_repair(RepairCommit { callbacks: vec![callback(1, &made, 100)], ..making(2, &[&made]) })
        .await?;
    let kept = Callback { proposal: made.key.clone(), expires_at: at(100), used_at: None };
    assert_eq!(store.callback(token(1)).await?, Some(kept.clone()));
    assert_eq!(store.callback(token(2)).await?, None);
    let answer = |seconds| RepairCommit { used: Some(token(1)), ..RepairCommit::new(at(seconds)) };
    store.commit_repair(answer(50)).await?;
    assert!(matches!(store.commit_repair(answer(51)).await, Err(Error::Conflict { .. })));
    assert_eq!(store.callback(token(1)).await?, Some(Callback { used_at: Some(at(50)), ..kept }));
    Ok(())
}

pub async fn of_two_who_change_a_proposal_one_wins(store: Fresh) -> Done {
    let made = proposal("a", "x", 1, "restart");
    for round in 0..20 {
        let state = |who: &str| serde_json::json!({ "is": "withdrawn", "why": who, "at": at(9) });
        let step = |who: &str| -> Result<RepairCommit, serde_json::Error> {
            let proposals = vec![change(round, &in_state(&made, state(who))?)];
            let journal = vec![journal(JournalKind::Decision, who, 9)];
            Ok(RepairCommit { proposals, journal, ..RepairCommit::new(at(9)) })
        };
        let (one, other) =
            tokio::join!(store.commit_repair(step("one")?), store.commit_repair(step("other")?));
        let (winner, lost) = if one.is_ok() { ("one", other) } else { ("other", one) };
        assert!(matches!(lost, Err(Error::Conflict { .. })), "{lost:?}");
        let row = page(&*store, None, 2).await?.rows.remove(0);
        assert_eq!((row.revision, &row.proposal), (round + 1, &in_state(&made, state(winner))?));
        let said = store.journal(&JournalFilter::default(), None, 1).await?.rows.remove(0).text;
        assert_eq!(said, winner);
    }
    assert_eq!(store.rows().await?.journal, 20);
    Ok(())
}

pub async fn proposals_are_filtered(store: Fresh) -> Done {
    let [a, b, c] = [("a", "x", "restart"), ("a", "y", "tell"), ("b", "x", "restart")]
        .map(|(host, service, action)| proposal(host, service, 1, action));
    let b = in_state(&b, dispatched(3))?;
    let c = in_state(&c, verified(3))?;
    store.commit_repair(making(2, &[&a, &b, &c])).await?;
    let none = ProposalFilter::default;
    let key = |key: &str| ProposalFilter { key: Some(key.to_owned()), ..none() };
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    for (filter, expected) in [
        (none(), vec![&c, &b, &a]),
        (ProposalFilter { phases: vec![Phase::Waiting, Phase::Over], ..none() }, vec![&c, &a]),
        (ProposalFilter { phases: vec![Phase::Unverified], ..none() }, vec![]),
        (ProposalFilter { states: words(&["dispatched", "proposed"]), ..none() }, vec![&b, &a]),
        (ProposalFilter { states: words(&["approved"]), ..none() }, vec![]),
        (ProposalFilter { subject: Some("host:a".to_owned()), ..none() }, vec![&b, &a]),
        (ProposalFilter { drift_key: Some(missing("a", "y").to_string()), ..none() }, vec![&b]),
        (ProposalFilter { action: Some("restart".to_owned()), ..none() }, vec![&c, &a]),
        (
            ProposalFilter { action: Some("restart".to_owned()), phases: vec![Phase::Over], ..none() },
            vec![&c],
        ),
        (key(a.key.as_str()), vec![&a]),
        (key(&a.key.handle().to_ascii_lowercase()), vec![&a]),
        (key(a.key.as_str().get(..4).unwrap_or_default()), vec![&a]),
        (key(a.key.as_str().get(..3).unwrap_or_default()), vec![]),
        (key(""), vec![]),
        (key("%%%%"), vec![]),
        (key("****"), vec![]),
        (key("____"), vec![]),
        (key("\0\0\0\0"), vec![]),
        (key(&format!("{}0", a.key)), vec![]),
    ] {
        let found = listed(&*store, &filter).await?;
        assert_eq!(found.iter().collect::<Vec<_>>(), expected, "{filter:?}");
    }
    Ok(())
}

pub async fn pages_of_proposals_stay_stable_while_proposals_are_made(store: Fresh) -> Done {
    for number in 1..=10 {
        store.commit_repair(making(2, &[&proposal("a", "x", number, "restart")])).await?;
    }
    let (mut seen, mut after, mut added) = (Vec::new(), None, 11);
    loop {
        let part = page(&*store, after, 3).await?;
        seen.extend(part.rows.iter().map(|row| row.proposal.id.number));
        // What is new does not move the others, and neither does what changes.
        store.commit_repair(making(2, &[&proposal("a", "x", added, "restart")])).await?;
        let changed = in_state(&proposal("a", "x", added - 10, "restart"), withdrawn(4))?;
        let step = RepairCommit { proposals: vec![change(1, &changed)], ..RepairCommit::new(at(4)) };
        store.commit_repair(step).await?;
        added += 1;
        let Some(next) = part.next else { break };
        after = Some(Cursor::new(next.as_str()));
    }
    assert_eq!(seen, (1..=10).rev().collect::<Vec<_>>());
    assert_eq!(page(&*store, Some(Cursor::new("nobody's")), 3).await?.rows, []);
    Ok(())
}

pub async fn proposals_of_any_script_survive(store: Fresh) -> Done {
    for (number, text) in
        (1..).zip(["čšžćđ", "日本語", "a\0b", "'; DROP TABLE proposals; --", "\u{1F4A5}\"\\"])
    {
        let made = proposal(&format!("h{text}"), text, number, text);
        let said = serde_json::json!({ "is": "withdrawn", "why": text, "at": at(3) });
        let made = in_state(&made, said)?;
        let mut told = notice(number, Some(&made), &[text])?;
        told.notice.text = text.to_owned();
        let controls = ControlsChange { expected_revision: u64::from(number) - 1, controls: halted(text) };
        let step = RepairCommit {
            controls: Some(controls),
            journal: vec![journal(JournalKind::Decision, text, 3)],
            notices: vec![told.clone()],
            ..making(3, &[&made])
        };
        store.commit_repair(step).await?;
        let subject = Some(made.id.drift.subject.to_string());
        let drift_key = Some(made.id.drift.to_string());
        let filter =
            ProposalFilter { subject, drift_key, action: Some(text.to_owned()), ..ProposalFilter::default() };
        assert_eq!(listed(&*store, &filter).await?, [made], "{text:?}");
        assert_eq!(store.repairs(at(0)).await?.controls, halted(text), "{text:?}");
        let claimed = store.claim(Some(text), 9, std::time::Duration::from_secs(9), at(3)).await?;
        // What is sent is the same to the byte; what is only compared may have another mark for a NUL.
        let order = |key: &str| key.replace('\0', "\u{fffd}");
        let sent: Vec<_> = claimed.iter().map(|one| (&one.payload, order(&one.drift_key))).collect();
        let expected = serde_json::to_vec(&told.notice)?;
        assert_eq!(sent, [(&expected, order(&told.notice.order_key()))], "{text:?}");
    }
    Ok(())
}
