//! What is said about evenkeel's own database.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a panic is the failed test itself"
)]

use std::sync::Arc;

use evenkeel_core::judge::own_store;
use evenkeel_core::ledger::{Ledger, State, advance};
use evenkeel_core::model::Expected;
use evenkeel_core::policy::Policy;
use evenkeel_core::{
    EventId, EventType, Fact, Field, Gap, GapKind, OwnStore, Severity, Subject, Transition, Verdict,
    diff_store,
};
use jiff::{SignedDuration, Timestamp};

const LIMIT: u64 = 5_000_000_000;

fn at(seconds: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + SignedDuration::from_secs(seconds)
}

fn store(size: Fact<u64>, seconds: i64) -> OwnStore {
    OwnStore { at: Arc::from("/var/lib/evenkeel.db"), size, read_at: at(seconds) }
}

fn known(bytes: u64, seconds: i64) -> OwnStore {
    store(Fact::Known(bytes), seconds)
}

fn away(seconds: i64) -> OwnStore {
    store(Fact::Unknown(Gap::new(GapKind::Unreachable, "the store does not answer")), seconds)
}

fn word(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Drifted(_) => "drifted",
        Verdict::Clean(_) => "clean",
        Verdict::Unknown(_) => "unknown",
    }
}

#[test]
fn over_the_limit_it_is_drift_below_nine_tenths_it_is_none_and_between_nobody_says() {
    for (bytes, expected) in [
        (0, "clean"),
        (4_499_999_999, "clean"),
        (4_500_000_000, "unknown"),
        (4_999_999_999, "unknown"),
        (5_000_000_000, "drifted"),
        (u64::MAX, "drifted"),
    ] {
        assert_eq!(word(&known(bytes, 1).verdict(Some(LIMIT))), expected, "{bytes}");
    }
    assert_eq!(word(&known(u64::MAX, 1).verdict(None)), "clean", "no limit");
}

#[test]
fn u3_a_store_that_is_away_is_unknown_and_never_clean() {
    for limit in [None, Some(LIMIT)] {
        assert_eq!(word(&away(1).verdict(limit)), "unknown");
    }
}

#[test]
fn what_is_said_names_the_database_its_size_and_what_to_do() {
    let Verdict::Drifted(drift) = known(5_260_000_000, 1).verdict(Some(LIMIT)) else { panic!("no drift") };
    assert_eq!(drift.id.to_string(), "RESOURCE_EXCEEDED|source:store/evenkeel||database|");
    assert_eq!(drift.severity, Severity::Medium);
    assert_eq!(
        drift.difference.details(&drift.id),
        "evenkeel's own database (/var/lib/evenkeel.db) takes up 5.2 GB, over its limit of 5.0 GB; \
         `[store.retention]` says how much is kept."
    );
    let (expected, observed) = drift.difference.sides(Some(Field::Database));
    assert_eq!(expected.unwrap().value.as_deref(), Some("at most 5.0 GB"));
    assert_eq!(observed.unwrap().value.as_deref(), Some("5.2 GB"));
}

#[test]
fn it_opens_when_it_lasts_stays_through_doubt_and_absence_and_ends_below() {
    let policy = Policy::default();
    let subject = Subject::Source(own_store());
    let mut ledger = Ledger::new(subject);
    let mut said = Vec::new();
    let mut minute = |ledger: &mut Ledger, minute: i64, own: OwnStore| {
        let report = diff_store(&own, Some(LIMIT), ledger.unresolved());
        let report = policy.apply(report, &Expected::not_yet(own_store()), at(minute * 60));
        let mut n = 0_u8;
        let mut id = || {
            n += 1;
            EventId::new(at(minute * 60), [n; 10])
        };
        let advanced = advance(ledger, &report, &policy, &[], at(minute * 60), &mut id);
        said.extend(advanced.events.iter().map(|event| (minute, event.transition, event.event_type)));
        *ledger = advanced.ledger;
        let open = ledger.entries.values().filter(|entry| entry.state == State::Open).count();
        open == 1
    };
    let over = |n: i64| known(LIMIT + n.unsigned_abs() * 1000, n * 60);
    assert!(!minute(&mut ledger, 0, over(0)), "one reading is none");
    for n in 1..=4 {
        assert!(!minute(&mut ledger, n, over(n)), "a backup's bulge is no alarm");
    }
    assert!(minute(&mut ledger, 5, over(5)));
    assert!(minute(&mut ledger, 6, known(4_700_000_000, 360)), "between the thresholds");
    assert!(minute(&mut ledger, 7, away(420)), "away");
    assert!(minute(&mut ledger, 8, known(1_000_000, 480)), "one reading is none");
    assert!(!minute(&mut ledger, 9, known(1_000_000, 540)));
    assert_eq!(
        said,
        [
            (5, Transition::Opened, EventType::ResourceExceeded),
            (9, Transition::Resolved, EventType::ResourceExceeded)
        ]
    );
}
