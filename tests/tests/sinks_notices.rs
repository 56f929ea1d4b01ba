//! What remediation has to say, on its way from the outbox: told at once and by itself, signed as it is kept, and settled
//! as any delivery is. What does not live here: who writes notices.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a panic in a test is the failed assertion"
)]

use std::sync::Arc;
use std::time::Duration;

use evenkeel::config::SinkFilter;
use evenkeel::deliver::people::{Manners, Quiet};
use evenkeel_core::remediation::{Code, Notice, NoticeKind};
use evenkeel_core::{EventId, Secret};
use evenkeel_lab::ntfy::{Mode, Ntfy};
use evenkeel_lab::receiver::{self, Receiver};
use evenkeel_sinks::{ntfy, webhook};
use evenkeel_store::{DeliveryState, Outcome};
use evenkeel_tests::moody::MoodyStore;
use evenkeel_tests::stage::plan::SIGNING_SECRET;
use evenkeel_tests::stage::{Ear, Lab, Plan, Stage, soon};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

const PATIENCE: Duration = Duration::from_secs(60);

fn notice(number: u8, code: Code) -> Notice {
    Notice {
        id: EventId::new(Timestamp::UNIX_EPOCH, [number; 10]),
        kind: NoticeKind::Notice,
        code,
        text: format!("Notice {number}."),
        actor: "evenkeel".into(),
        at: Timestamp::now(),
        drift_id: Some("SERVICE_MISSING|host:box|web||".to_owned()),
        handle: Some("7K3M9Q2A".to_owned()),
        proposal: None,
    }
}

fn slip(store: &MoodyStore, sink: &str, notice: &Notice) {
    store.slip(sink, notice.id, serde_json::to_vec(notice).unwrap());
}

fn phone(server: &Ntfy, manners: Manners) -> Ear {
    let settings = ntfy::Settings::new("phone", server.url(), "phone");
    let sink = ntfy::NtfySink::new(ntfy::Config::new(settings).unwrap(), None).unwrap();
    Ear::new(sink, SinkFilter::default()).mannered(manners).noticing()
}

/// A night of which an hour is over and hours are left, and in which nothing is urgent enough.
fn asleep() -> Manners {
    let time = |hours| (Timestamp::now() + SignedDuration::from_hours(hours)).to_zoned(TimeZone::UTC).time();
    Manners {
        quiet: Quiet::new(time(-1), time(6), TimeZone::UTC),
        group_wait: PATIENCE * 2,
        ..Manners::default()
    }
}

#[tokio::test]
async fn in_the_night_a_notice_is_told_at_once_and_by_itself_while_events_wait() {
    let server = Ntfy::start().await.unwrap();
    let lab = Lab::small(&[("box", &[("web", 80)])]).await;
    let plan = Plan::believing().hearing(phone(&server, asleep()));
    let (stage, store) = Stage::start_on(lab, plan, |inner| Arc::new(MoodyStore::new(inner))).await;
    stage.until(&[]).await;
    stage.engine("box").stop("web").unwrap();
    let waits = || async {
        let rows = stage.deliveries().await;
        rows.iter().any(|row| row.last_error.as_deref() == Some("quiet hours; told when they end"))
    };
    assert!(soon(waits).await, "{:#?}", stage.deliveries().await);
    for (number, code) in
        [(1, Code::BrakeEngaged), (2, Code::ApprovalWanted), (3, Code::Escalated), (4, Code::BrakeReleased)]
    {
        slip(&store, "phone", &notice(number, code));
    }
    // Another event rings the bell behind which the outbox is looked into.
    stage.engine("box").remove("web").unwrap();
    let told = tokio::time::timeout(PATIENCE, server.until("phone", 4)).await.expect("four notices");
    let titles: Vec<_> = told.iter().map(|told| told["title"].as_str().unwrap()).collect();
    assert_eq!(
        titles,
        [
            "The brake is on: web on box",
            "Approval wanted: web on box",
            "A person is needed: web on box",
            "The brake is off: web on box",
        ]
    );
    let settled = || async { store.settled() == [const { Outcome::Delivered }; 4] };
    assert!(soon(settled).await, "{:#?}", store.settled());
    let rows = stage.deliveries().await;
    assert!(rows.iter().all(|row| row.state == DeliveryState::Pending), "the event still waits: {rows:#?}");
    assert_eq!(server.messages("phone").len(), 4, "no event is told by night");
}

#[tokio::test]
async fn what_is_not_taken_is_tried_again_or_given_up_as_an_event_would_be() {
    let server = Ntfy::start().await.unwrap();
    server.set_mode(Mode::Away);
    let n8n = Receiver::start(SIGNING_SECRET).await.unwrap();
    n8n.set_mode(receiver::Mode::status(403));
    let settings = webhook::Settings {
        secrets: vec![Secret::new(SIGNING_SECRET)],
        ..webhook::Settings::new("n8n", n8n.url())
    };
    let hook = webhook::WebhookSink::new(webhook::Config::new(settings).unwrap()).unwrap();
    let plan = Plan::believing()
        .hearing(phone(&server, Manners::default()))
        .hearing(Ear::new(hook, SinkFilter::default()).noticing());
    let slipping = |inner| {
        let store = Arc::new(MoodyStore::new(inner));
        slip(&store, "phone", &notice(1, Code::Escalated));
        slip(&store, "n8n", &notice(2, Code::Escalated));
        store
    };
    let lab = Lab::small(&[("box", &[("web", 80)])]).await;
    let (stage, store) = Stage::start_on(lab, plan, slipping).await;
    assert!(soon(|| async { store.settled().len() == 2 }).await, "{:#?}", store.settled());
    let settled = store.settled();
    assert!(settled.iter().any(|outcome| matches!(outcome, Outcome::Retry { .. })), "{settled:#?}");
    let dead = settled.iter().find_map(|outcome| match outcome {
        Outcome::Dead { why } => Some(why.clone()),
        Outcome::Delivered | Outcome::Retry { .. } => None,
    });
    assert!(dead.unwrap().contains("403"));
    let arrived = n8n.next().await.unwrap();
    assert_eq!(arrived.id, notice(2, Code::Escalated).id.to_string());
    assert!(arrived.verified, "signed as an event is");
    // The journal says so under the drift, and names no event: there is none of this id.
    let journal = || async {
        let page = stage.store().journal(&evenkeel_store::JournalFilter::default(), None, 50).await.unwrap();
        page.rows.into_iter().find(|row| row.data["what"] == "dead")
    };
    assert!(soon(|| async { journal().await.is_some() }).await);
    let row = journal().await.unwrap();
    assert_eq!((row.event, row.drift_key.as_deref()), (None, Some("SERVICE_MISSING|host:box|web||")));
}
