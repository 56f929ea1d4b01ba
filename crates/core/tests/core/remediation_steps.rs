//! The state machine of a proposal: the way through it, what is refused, what changes nothing, and that no sequence of
//! inputs breaks it.

// A panic in a test's helper is the failed assertion itself, as in the test.
#![allow(clippy::unwrap_used, clippy::panic)]

use crate::repair::{at, broke, done, draft, gap, looked, missing, person, play, proposed, rejects};
use evenkeel_core::remediation::{
    Answer, Approver, Code, Effect, Input, Mode, Phase, Proposal, Refused, Saw, SendFailure, State, step,
};
use proptest::prelude::*;

const DISPATCH: Input = Input::Dispatch { epoch: 7 };

fn word(proposal: &Proposal) -> &'static str {
    proposal.state().as_str()
}

/// Approved by a person at 10, dispatched at 20, accepted at 21.
fn running() -> Proposal {
    play(proposed(Mode::Approve), [(10, person("ada")), (20, DISPATCH), (21, Input::Accepted)])
}

fn refused(proposal: &Proposal, input: Input, seconds: i64) -> Refused {
    step(proposal, input, at(seconds)).unwrap_err()
}

fn unchanged(proposal: &Proposal, input: Input, seconds: i64) {
    let (after, journal) = step(proposal, input.clone(), at(seconds)).unwrap();
    assert_eq!((&after, journal.len()), (proposal, 0), "{input:?}");
}

#[test]
fn the_way_of_a_repair_that_works() {
    let (mut proposal, mut journal) = draft(missing("box", "web"), Mode::Approve).open(at(0));
    let inputs = [
        (10, person("ada")),
        (20, DISPATCH),
        (21, Input::Accepted),
        (30, done()),
        (40, looked(31, Saw::Gone)),
    ];
    for (seconds, input) in inputs {
        let (after, said) = step(&proposal, input, at(seconds)).unwrap();
        proposal = after;
        journal.extend(said);
    }
    let run = proposal.state().run().unwrap();
    assert_eq!(run.approval.by, Approver::Person("ada".into()));
    assert_eq!((run.at, run.epoch), (at(20), 7));
    assert!(matches!(proposal.state(), State::Verified { answer: Answer::Succeeded, .. }));
    let told: Vec<_> = journal.iter().map(|e| (e.code, &*e.actor, e.text.as_str())).collect();
    let what = "restart for web on box (SERVICE_MISSING)";
    let lines = [
        (Code::Proposed, "evenkeel", "restart is proposed for web on box (SERVICE_MISSING).".to_owned()),
        (Code::ApprovalWanted, "evenkeel", format!("{what} waits for approval.")),
        (Code::Approved, "ada", format!("{what} is approved.")),
        (Code::Dispatched, "evenkeel", format!("{what} is dispatched.")),
        (Code::Acknowledged, "action restart", format!("{what} has been accepted.")),
        (Code::Succeeded, "action restart", format!("{what} has succeeded, as its receiver says: ok")),
        (Code::Verified, "evenkeel", format!("{what} worked: the drift is gone.")),
    ];
    assert_eq!(told, lines.iter().map(|(c, a, t)| (*c, *a, t.as_str())).collect::<Vec<_>>());
    let announced: Vec<_> = journal.iter().filter(|e| e.announce).map(|e| e.code).collect();
    assert_eq!(announced, [Code::ApprovalWanted]);
}

#[test]
fn auto_is_approved_by_the_rule_and_propose_asks_nobody() {
    let (auto, journal) = draft(missing("box", "web"), Mode::Auto).open(at(0));
    assert!(
        matches!(auto.state(), State::Approved { approval } if approval.by == Approver::Rule("all".into()))
    );
    assert_eq!(journal.iter().map(|e| e.code).collect::<Vec<_>>(), [Code::Proposed, Code::Approved]);
    let (quiet, journal) = draft(missing("box", "web"), Mode::Propose).open(at(0));
    assert_eq!(word(&quiet), "proposed");
    assert!(journal.iter().all(|e| !e.announce));
}

#[test]
fn r1_nothing_is_dispatched_without_consent_or_twice_or_too_late() {
    let proposal = proposed(Mode::Approve);
    assert_eq!(refused(&proposal, DISPATCH, 1), Refused::NotApproved("proposed"));
    let rejected = play(proposal.clone(), [(1, rejects("ada"))]);
    assert_eq!(refused(&rejected, DISPATCH, 2), Refused::NotApproved("rejected"));
    assert_eq!(refused(&rejected, person("bob"), 2), Refused::Decided("rejected"));
    assert_eq!(refused(&running(), DISPATCH, 30), Refused::NotApproved("acknowledged"));
    let day = 24 * 3600;
    assert_eq!(refused(&proposal, person("ada"), day), Refused::TooLate(at(day)));
    // Who approves at the last moment gives it a day of its own.
    let late = play(proposal, [(day - 1, person("ada"))]);
    assert_eq!(refused(&late, DISPATCH, 2 * day - 1), Refused::TooLate(at(2 * day - 1)));
    assert_eq!(word(&play(late, [(2 * day - 2, DISPATCH)])), "dispatched");
}

#[test]
fn who_approved_may_still_change_their_mind_until_it_is_dispatched() {
    let approved = play(proposed(Mode::Approve), [(1, person("ada"))]);
    assert_eq!(word(&play(approved, [(2, rejects("ada"))])), "rejected");
    assert_eq!(refused(&running(), rejects("ada"), 30), Refused::Decided("acknowledged"));
}

#[test]
fn who_decides_is_named_and_who_declines_says_why() {
    let proposal = proposed(Mode::Approve);
    assert_eq!(refused(&proposal, person("  "), 1), Refused::Nameless("who approves"));
    assert_eq!(refused(&proposal, rejects(""), 1), Refused::Nameless("who rejects"));
    let why = Input::Reject { by: "ada".into(), reason: "\n".into() };
    assert_eq!(refused(&proposal, why, 1), Refused::Nameless("why it is rejected"));
}

#[test]
fn a_callback_is_a_claim_and_only_what_was_looked_at_afterwards_verifies() {
    let claimed = play(running(), [(100, done())]);
    assert_eq!(word(&claimed), "succeeded");
    unchanged(&claimed, looked(99, Saw::Gone), 101);
    unchanged(&claimed, looked(101, Saw::Nothing(gap())), 102);
    assert_eq!(word(&play(claimed.clone(), [(102, looked(100, Saw::Gone))])), "verified");
    // What is still there may be on its way, for five minutes.
    unchanged(&claimed, looked(399, Saw::Drift), 400);
    assert_eq!(word(&play(claimed, [(401, looked(400, Saw::Drift))])), "not_verified");
}

#[test]
fn what_is_seen_before_the_answer_decides_nothing() {
    unchanged(&running(), looked(50, Saw::Gone), 51);
    unchanged(&running(), looked(5000, Saw::Drift), 51);
    unchanged(&proposed(Mode::Auto), looked(5000, Saw::Gone), 51);
}

#[test]
fn a_failure_or_silence_may_have_worked_all_the_same() {
    for (seconds, input) in [(100, broke()), (620, Input::TimedOut)] {
        let ended = play(running(), [(seconds, input)]);
        assert_eq!(ended.phase(), Phase::Unverified);
        assert_eq!(word(&play(ended.clone(), [(700, looked(650, Saw::Gone))])), "verified");
        assert_eq!(word(&play(ended, [(9000, looked(8000, Saw::Drift))])), "not_verified");
    }
}

#[test]
fn nothing_times_out_or_expires_early() {
    assert_eq!(refused(&running(), Input::TimedOut, 619), Refused::NotYet(at(620)));
    assert_eq!(refused(&proposed(Mode::Auto), Input::Expire, 100), Refused::NotYet(at(86_400)));
    assert_eq!(refused(&running(), Input::Expire, 90_000), Refused::Decided("acknowledged"));
}

#[test]
fn repetitions_and_late_words_are_answered_and_change_nothing() {
    let approved = play(proposed(Mode::Approve), [(1, person("ada"))]);
    unchanged(&approved, person("bob"), 2);
    unchanged(&running(), Input::Accepted, 30);
    unchanged(&running(), Input::SendFailed(SendFailure::ForNow("reset".into())), 30);
    let claimed = play(running(), [(100, done())]);
    unchanged(&claimed, done(), 101);
    unchanged(&claimed, Input::TimedOut, 101);
    assert_eq!(refused(&claimed, broke(), 101), Refused::Contradicts(Answer::Succeeded));
    let verified = play(claimed, [(102, looked(101, Saw::Gone))]);
    for input in [done(), broke(), Input::Accepted, Input::TimedOut, looked(9000, Saw::Drift)] {
        unchanged(&verified, input, 9001);
    }
    assert_eq!(refused(&proposed(Mode::Auto), done(), 5), Refused::NotDispatched("approved"));
}

#[test]
fn a_late_answer_is_noted_once_and_believed_by_nobody() {
    let silent = play(running(), [(620, Input::TimedOut)]);
    let (late, journal) = step(&silent, done(), at(700)).unwrap();
    assert_eq!(journal[0].code, Code::AnsweredLate);
    assert!(matches!(late.state(), State::TimedOut { late: Some(Answer::Succeeded), .. }));
    unchanged(&late, done(), 701);
    assert_eq!(refused(&late, broke(), 701), Refused::Contradicts(Answer::Succeeded));
}

#[test]
fn an_answer_may_overtake_the_acceptance() {
    let sent = play(proposed(Mode::Auto), [(5, DISPATCH)]);
    let answered = play(sent, [(6, done())]);
    assert_eq!(word(&answered), "succeeded");
    unchanged(&answered, Input::Accepted, 7);
}

#[test]
fn a_receiver_that_is_away_is_tried_again_and_one_that_refuses_is_not() {
    let sent = play(proposed(Mode::Auto), [(5, DISPATCH)]);
    let away = |why: &str| Input::SendFailed(SendFailure::ForNow(why.into()));
    let (once, said) = step(&sent, away("n8n is starting (404)"), at(6)).unwrap();
    assert_eq!(said.len(), 1);
    let (twice, said) = step(&once, away("n8n is starting (404)"), at(7)).unwrap();
    assert_eq!(said.len(), 0, "the same failure again is counted, not said");
    assert!(matches!(twice.state(), State::Dispatched { failures: 2, .. }));
    assert_eq!(word(&play(twice, [(605, Input::TimedOut)])), "timed_out");
    let no = Input::SendFailed(SendFailure::ForGood("403".into()));
    assert_eq!(word(&play(sent, [(6, no)])), "failed");
}

#[test]
fn a_message_that_was_sent_needs_no_observation() {
    let mut tell = draft(missing("box", "web"), Mode::Auto);
    tell.content.effect = Effect::Tell;
    let told = play(tell.open(at(0)).0, [(5, DISPATCH), (6, done())]);
    assert_eq!((word(&told), told.phase()), ("succeeded", Phase::Over));
    unchanged(&told, looked(9000, Saw::Drift), 9001);
    let mut tell = draft(missing("box", "web"), Mode::Auto);
    tell.content.effect = Effect::Tell;
    let late = play(tell.open(at(0)).0, [(5, DISPATCH), (605, Input::TimedOut), (700, done())]);
    assert_eq!(word(&late), "succeeded", "late is better than a second message");
    assert_eq!(refused(&told, Input::Escalate { why: "x".into() }, 9001), Refused::Decided("succeeded"));
}

#[test]
fn what_runs_is_not_taken_back() {
    for input in [Input::Withdraw { why: "x".into() }, Input::Escalate { why: "x".into() }] {
        assert_eq!(refused(&running(), input, 30), Refused::Decided("acknowledged"));
    }
}

#[test]
fn the_stored_form_is_stable_and_reads_back() {
    let verified = play(running(), [(30, done()), (40, looked(31, Saw::Gone))]);
    let json = serde_json::to_value(&verified).unwrap();
    assert_eq!(json["state"]["is"], "verified");
    assert_eq!(json["state"]["answer"], "succeeded");
    assert_eq!(json["state"]["run"]["approval"]["by"]["person"], "ada");
    assert_eq!(json["state"]["run"]["epoch"], 7);
    assert_eq!(json["content"]["mode"], "approve");
    assert_eq!(json["patience"]["answer"], "PT10M");
    assert_eq!(serde_json::from_value::<Proposal>(json).unwrap(), verified);
}

#[test]
fn every_opening_and_every_number_has_a_key_of_its_own() {
    let one = draft(missing("box", "web"), Mode::Auto).id;
    let mut others = [draft(missing("box", "web2"), Mode::Auto).id, one.clone(), one.clone()];
    others[1].number = 2;
    others[2].occasion = at(1);
    assert!(others.iter().all(|other| other.key() != one.key()));
    // It is kept in stores and sent to receivers: the same for ever.
    assert_eq!(one.key().as_str(), "1EDFJNN9B5YVSF2EESFMM8WYD4");
    assert_eq!(one.key().handle(), &one.key().as_str()[..8]);
}

fn input() -> impl Strategy<Value = Input> {
    let time = -100i64..100_000;
    prop_oneof![
        Just(person("ada")),
        Just(rejects("bob")),
        Just(Input::Expire),
        Just(Input::Withdraw { why: "gone".into() }),
        any::<u64>().prop_map(|epoch| Input::Dispatch { epoch }),
        Just(DISPATCH),
        Just(Input::Accepted),
        Just(Input::SendFailed(SendFailure::ForNow("away".into()))),
        Just(Input::SendFailed(SendFailure::ForGood("no".into()))),
        Just(done()),
        Just(broke()),
        Just(Input::TimedOut),
        time.clone().prop_map(|s| looked(s, Saw::Gone)),
        time.clone().prop_map(|s| looked(s, Saw::Drift)),
        time.prop_map(|s| looked(s, Saw::Nothing(gap()))),
        Just(Input::Escalate { why: "spent".into() }),
    ]
}

fn modes() -> impl Strategy<Value = Mode> {
    prop_oneof![Just(Mode::Propose), Just(Mode::Approve), Just(Mode::Auto)]
}

proptest! {
    #[test]
    fn no_sequence_of_inputs_breaks_it(
        mode in modes(), tell in any::<bool>(),
        inputs in proptest::collection::vec((input(), -50i64..40_000), 0..40)
    ) {
        let mut made = draft(missing("box", "web"), mode);
        made.content.effect = if tell { Effect::Tell } else { Effect::Repair };
        let mut proposal = made.open(at(0)).0;
        let (mut dispatched, mut now) = (0, 0);
        for (input, pause) in inputs {
            // The clock may be set back.
            now += pause;
            let before = proposal.clone();
            let Ok((after, journal)) = step(&before, input.clone(), at(now)) else { continue };
            // What was decided when it was made does not change.
            prop_assert_eq!((&after.id, &after.key, &after.content), (&before.id, &before.key, &before.content));
            prop_assert!(after.state() == before.state() || !journal.is_empty() || matches!(input, Input::SendFailed(_)));
            dispatched += journal.iter().filter(|e| e.code == Code::Dispatched).count();
            if after.state() != before.state() && before.phase() == Phase::Over {
                let answered_late = tell && word(&before) == "timed_out";
                prop_assert!(word(&after) == "escalated" || answered_late, "{} was over", word(&before));
            }
            if let Some(run) = before.state().run() {
                prop_assert_eq!(after.state().run(), Some(run), "what ran has run");
            } else if after.state().run().is_some() {
                prop_assert_eq!(word(&before), "approved", "ran without consent");
            }
            // The same again changes nothing.
            if let Ok((again, said)) = step(&after, input.clone(), at(now)) {
                let counted = matches!(input, Input::SendFailed(_));
                prop_assert!((again == after || counted) && said.is_empty(), "{input:?} twice");
            }
            let json = serde_json::to_string(&after).unwrap();
            prop_assert_eq!(&serde_json::from_str::<Proposal>(&json).unwrap(), &after);
            proposal = after;
        }
        prop_assert!(dispatched <= 1, "R1: dispatched {dispatched} times");
    }
}

/// Every moment in it but what it is about, as the store keeps it.
fn moments(proposal: &Proposal) -> Vec<jiff::Timestamp> {
    fn collect(value: &serde_json::Value, moments: &mut Vec<jiff::Timestamp>) {
        match value {
            serde_json::Value::String(text) => moments.extend(text.parse::<jiff::Timestamp>().ok()),
            serde_json::Value::Array(list) => list.iter().for_each(|value| collect(value, moments)),
            serde_json::Value::Object(map) => {
                map.iter().filter(|(key, _)| *key != "id").for_each(|(_, value)| collect(value, moments));
            }
            serde_json::Value::Null | serde_json::Value::Bool(_) | serde_json::Value::Number(_) => {}
        }
    }
    let mut moments = Vec::new();
    collect(&serde_json::to_value(proposal).unwrap(), &mut moments);
    moments
}

#[test]
fn a_clock_that_is_set_back_moves_no_deadline_away() {
    let inputs = [(10, person("ada")), (20, DISPATCH), (21, Input::Accepted), (30, done())];
    let states = [
        (inputs.len(), (40, looked(31, Saw::Gone))),
        (inputs.len(), (40, looked(31, Saw::Drift))),
        (3, (30, broke())),
        (0, (10, rejects("ada"))),
        (0, (100_000, Input::Expire)),
        (1, (15, Input::Withdraw { why: "it is gone".into() })),
        (3, (100_000, Input::TimedOut)),
        (4, (100_000, Input::Escalate { why: "nobody looks".into() })),
    ];
    for (so_many, last) in states {
        let mut proposal = proposed(Mode::Approve);
        for input in inputs.iter().take(so_many).cloned().chain([last]) {
            proposal = play(proposal, [input]);
            let mut kept = proposal.clone();
            let now = at(-86_400);
            kept.set_back(now);
            let longest = now + proposal.patience.approve;
            assert!(moments(&kept).iter().all(|at| *at <= longest), "{kept:#?}");
            let run = |proposal: &Proposal| proposal.state().run().map(|run| run.at);
            assert_eq!(run(&kept), run(&proposal).map(|_| now));
            assert_eq!(kept.outcome(), proposal.outcome().map(|(worked, _)| (worked, now)));
            assert_eq!((&kept.id, &kept.key, word(&kept)), (&proposal.id, &proposal.key, word(&proposal)));
            let mut unmoved = proposal.clone();
            unmoved.set_back(at(100_000));
            assert_eq!(unmoved, proposal);
        }
    }
}
