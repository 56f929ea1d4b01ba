//! Taking, keeping and losing the right to lead, with a database that does what it is told and a clock that runs by itself.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a panic in a test is the failed assertion itself")]

use std::sync::Arc;
use std::time::Duration;

use evenkeel::face::Face;
use evenkeel::lead::front::Front;
use evenkeel::lead::{Seat, TTL, Term};
use evenkeel_store::{SavedStatus, Store};
use evenkeel_tests::moody::{Mood, MoodyStore};
use evenkeel_web::{Live, Role, WorldStatus};
use jiff::Timestamp;
use tokio::time::{Instant, timeout};

struct Replica {
    store: Arc<MoodyStore>,
    face: Arc<Face>,
    seat: Arc<Seat>,
}

fn replica() -> Replica {
    // What is not about leading is not asked here: the store behind is one that is not there.
    let store = Arc::new(MoodyStore::new(Arc::new(Front::default())));
    let face = Arc::new(Face::new().unwrap());
    let seat = Arc::new(Seat::new(store.clone(), "ours", face.clone()));
    Replica { store, face, seat }
}

/// How long the term lasts yet; `None`: longer than an hour.
async fn lasts(term: &Term) -> Option<Duration> {
    let begun = Instant::now();
    timeout(Duration::from_secs(3600), term.lost()).await.ok()?;
    Some(begun.elapsed())
}

fn follower(leader: &str) -> Role {
    Role::Follower { leader: leader.to_owned(), shown_at: None }
}

#[tokio::test(start_paused = true)]
async fn whoever_is_alone_leads_at_once_and_keeps_leading() {
    let Replica { store, face, seat } = replica();
    let term = seat.take().await;
    assert_eq!(store.leader().as_deref(), Some("ours"));
    assert_eq!(lasts(&term).await, None);
    assert!(face.metrics().contains("evenkeel_leader 1"));
    seat.resign(term).await;
    assert_eq!((store.leader(), store.resigned()), (None, 1));
    assert!(face.metrics().contains("evenkeel_leader 0"));
    assert!(face.metrics().contains("evenkeel_leader_changes_total 2"));
    // Nothing of the old term takes it back.
    tokio::time::sleep(TTL * 3).await;
    assert_eq!(store.leader(), None);
}

#[tokio::test(start_paused = true)]
async fn it_follows_as_long_as_another_leads_and_takes_over_within_a_second_of_its_end() {
    let Replica { store, face, seat } = replica();
    store.led_by(Some("theirs"));
    let taking = tokio::spawn({
        let seat = seat.clone();
        async move { seat.take().await }
    });
    tokio::time::sleep(TTL * 4).await;
    assert_eq!(face.role(), follower("theirs"));
    assert!(!taking.is_finished());
    let at = Timestamp::from_second(1_766_376_000).unwrap();
    let body = WorldStatus::default().to_text().unwrap();
    store.save_status(&SavedStatus { at, body }).await.unwrap();
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(face.role(), Role::Follower { leader: "theirs".to_owned(), shown_at: Some(at) });
    assert!(face.metrics().contains("evenkeel_leader 0"));
    store.led_by(None);
    let begun = Instant::now();
    let _term = taking.await.unwrap();
    assert!(begun.elapsed() <= Duration::from_secs(1), "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_status_of_another_version_is_not_guessed_at() {
    let Replica { store, face, seat } = replica();
    store.led_by(Some("theirs"));
    let body = "{\"form\":2,\"worlds\":[]}".to_owned();
    store.save_status(&SavedStatus { at: Timestamp::UNIX_EPOCH, body }).await.unwrap();
    assert!(timeout(TTL, seat.take()).await.is_err());
    assert_eq!(face.role(), follower("theirs"));
}

#[tokio::test(start_paused = true)]
async fn the_term_ends_when_another_leads_and_also_when_another_led_in_between() {
    for successor in [Some("theirs"), None, Some("ours")] {
        let Replica { store, seat, .. } = replica();
        let term = seat.take().await;
        let epoch = term.epoch;
        store.led_by(successor);
        let lasted = lasts(&term).await.unwrap();
        assert!(lasted <= Duration::from_secs(3), "{lasted:?}");
        seat.cede(term);
        store.led_by(None);
        assert!(seat.take().await.epoch > epoch);
    }
}

#[tokio::test(start_paused = true)]
async fn a_database_that_is_away_or_silent_is_no_loss_and_two_who_say_that_they_lead_there_never_are() {
    for mood in [Mood::Away, Mood::Silent] {
        let Replica { store, face, seat } = replica();
        let term = seat.take().await;
        store.set(mood);
        assert_eq!(lasts(&term).await, None, "{mood:?}");
        // Somebody else may have it by now; nobody here can know.
        assert!(
            face.metrics().contains("evenkeel_leader 0") && face.metrics().contains("evenkeel_store_up 0")
        );
        store.set(Mood::Well);
        tokio::time::sleep(TTL).await;
        assert!(
            face.metrics().contains("evenkeel_leader 1") && face.metrics().contains("evenkeel_store_up 1")
        );
        assert_eq!(lasts(&term).await, None, "{mood:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn nobody_leads_before_the_database_says_so() {
    let Replica { store, face, seat } = replica();
    store.set(Mood::Away);
    assert!(timeout(TTL * 10, seat.take()).await.is_err());
    let Role::Waiting { why } = face.role() else { panic!("{:?}", face.role()) };
    assert!(why.contains("it is away"), "{why}");
    store.set(Mood::Well);
    seat.take().await;
}

#[tokio::test(start_paused = true)]
async fn a_leader_that_leaves_while_the_database_is_silent_does_not_wait_for_it() {
    let Replica { store, seat, .. } = replica();
    let term = seat.take().await;
    store.set(Mood::Silent);
    timeout(Duration::from_secs(5), seat.resign(term)).await.unwrap();
    assert_eq!(store.leader().as_deref(), Some("ours"), "it runs out by itself");
}
