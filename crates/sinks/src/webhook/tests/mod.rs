//! Deliveries over the wire, to the lab's receiver.

pub(crate) mod tls;

use std::time::Duration;

use bytes::Bytes;
use evenkeel_core::remediation::Code;
use evenkeel_core::{EventType, Secret, Severity};
use evenkeel_lab::receiver::{Mode, Receiver};

use super::{Config, Settings, SuccessRule, WebhookSink};
use crate::samples::{delivery_of, notice};
use crate::{Carries, Delivery, Receipt, Sink, SinkError};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const TOKEN: &str = "hunter2-hunter2-hunter2";

pub(super) fn delivery(attempt: u32) -> Delivery {
    Delivery {
        id: "0194b6b2-7c00-7000-8000-000000000001".into(),
        attempt,
        sink: "n8n".into(),
        payload: Bytes::from_static(br#"{"id":"0194","event_type":"SERVICE_MISSING"}"#),
        carries: Carries::Event {
            drift_id: "SERVICE_MISSING|host:box2-daily|freshrss||".into(),
            event_type: EventType::ServiceMissing,
            severity: Severity::High,
        },
    }
}

fn settings(url: String) -> Settings {
    Settings {
        secrets: vec![Secret::new(SECRET)],
        header: Some(("X-Evenkeel-Token".into(), Secret::new(TOKEN))),
        success: SuccessRule::accepted(),
        ..Settings::new("n8n", url)
    }
}

fn sink(settings: Settings) -> WebhookSink {
    WebhookSink::new(Config::new(settings).unwrap()).unwrap()
}

async fn n8n() -> (Receiver, WebhookSink) {
    let receiver = Receiver::start(SECRET).await.unwrap();
    let sink = sink(settings(receiver.url()));
    (receiver, sink)
}

fn unavailable(outcome: Result<Receipt, SinkError>) -> String {
    match outcome {
        Err(SinkError::Unavailable { why }) => why,
        other @ (Ok(_) | Err(SinkError::Throttled { .. } | SinkError::Rejected { .. })) => {
            panic!("not unavailable: {other:?}")
        }
    }
}

fn rejected(outcome: Result<Receipt, SinkError>) -> String {
    match outcome {
        Err(SinkError::Rejected { why }) => why,
        other @ (Ok(_) | Err(SinkError::Throttled { .. } | SinkError::Unavailable { .. })) => {
            panic!("not rejected: {other:?}")
        }
    }
}

/// The error's words after the place, which has a random port.
fn after_place(why: &str) -> &str {
    let rest = why.strip_prefix("http://127.0.0.1:").expect("the place comes first");
    rest.trim_start_matches(|c: char| c.is_ascii_digit())
}

#[tokio::test]
async fn a_delivery_arrives_signed_with_its_body_untouched() {
    let (receiver, sink) = n8n().await;
    assert_eq!(sink.name(), "n8n");
    assert_eq!(sink.deliver(&delivery(1)).await, Ok(Receipt { status: Some(202) }));
    let arrived = receiver.next().await.unwrap();
    assert!(arrived.verified && arrived.accepted);
    assert_eq!(arrived.id, delivery(1).id);
    assert_eq!(arrived.body, delivery(1).payload);
    assert_eq!(arrived.headers["x-evenkeel-token"], TOKEN);
    assert_eq!(arrived.headers["content-type"], "application/json");
    assert!(arrived.headers["user-agent"].starts_with("evenkeel/"));
}

#[tokio::test]
async fn a_notice_arrives_as_it_is_kept_and_says_that_it_is_one() {
    let (receiver, sink) = n8n().await;
    let notice = notice(Code::ApprovalWanted);
    sink.deliver(&delivery_of(&notice)).await.unwrap();
    let arrived = receiver.next().await.unwrap();
    assert!(arrived.verified);
    assert_eq!((arrived.id, arrived.body), (notice.id.to_string(), delivery_of(&notice).payload.clone()));
    let body: serde_json::Value = serde_json::from_slice(&delivery_of(&notice).payload).unwrap();
    assert_eq!((&body["kind"], &body["code"]), (&"notice".into(), &"approval_wanted".into()));
}

#[tokio::test]
async fn a_second_attempt_carries_the_same_id() {
    let (receiver, sink) = n8n().await;
    receiver.once(Mode::Crashed);
    unavailable(sink.deliver(&delivery(1)).await);
    sink.deliver(&delivery(2)).await.unwrap();
    assert_eq!(receiver.count(&delivery(1).id), 2);
    assert!(receiver.arrived().iter().all(|arrived| arrived.verified));
}

#[tokio::test]
async fn every_way_in_which_n8n_fails_is_told_apart() {
    let (receiver, sink) = n8n().await;
    let in_mode = async |mode| {
        receiver.once(mode);
        sink.deliver(&delivery(1)).await
    };
    assert_eq!(
        after_place(&unavailable(in_mode(Mode::Crashed).await)),
        " answered 200 without the acknowledgement `accepted`"
    );
    assert_eq!(
        after_place(&unavailable(in_mode(Mode::Started).await)),
        " answered 200 without the acknowledgement `accepted`"
    );
    assert_eq!(
        after_place(&unavailable(in_mode(Mode::Starting).await)),
        " answered 404: nothing listens at this address (an inactive workflow? still starting?)"
    );
    assert_eq!(
        after_place(&rejected(in_mode(Mode::BadAuth).await)),
        " answered 403: secret or header refused"
    );
    assert_eq!(after_place(&unavailable(in_mode(Mode::Failing).await)), " answered 500");
    assert_eq!(
        after_place(&unavailable(in_mode(Mode::Reset).await)),
        ": connection closed without an answer"
    );
    assert_eq!(after_place(&unavailable(in_mode(Mode::ResetMidAnswer).await)), ": the answer ended early");
    receiver.close().await;
    assert_eq!(after_place(&unavailable(sink.deliver(&delivery(1)).await)), ": connection refused");
}

#[tokio::test]
async fn a_wrong_secret_is_rejected_by_the_workflow() {
    let receiver = Receiver::start(SECRET).await.unwrap();
    let secrets = vec![Secret::new("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD")];
    let sink = sink(Settings { secrets, ..settings(receiver.url()) });
    let why = rejected(sink.deliver(&delivery(1)).await);
    assert_eq!(after_place(&why), " answered 401: secret or header refused");
}

#[tokio::test]
async fn a_plain_receiver_needs_no_acknowledgement() {
    let receiver = Receiver::start_unsigned().await.unwrap();
    receiver.once(Mode::status(204));
    let sink = sink(Settings::new("plain", receiver.url()));
    assert_eq!(sink.deliver(&delivery(1)).await, Ok(Receipt { status: Some(204) }));
    assert!(!receiver.arrived()[0].headers.contains_key("webhook-signature"));
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let (receiver, sink) = n8n().await;
    let target = Receiver::start(SECRET).await.unwrap();
    for status in [301, 302, 303, 307, 308] {
        receiver.once(Mode::with_header(status, "location", &target.url()));
        let why = rejected(sink.deliver(&delivery(1)).await);
        let told = " a redirect; these are never followed: configure the final address";
        assert_eq!(after_place(&why), format!(" answered {status},{told}"));
    }
    assert_eq!((receiver.arrived().len(), target.arrived().len()), (5, 0));
}

#[tokio::test]
async fn a_request_for_patience_is_passed_on_in_both_forms() {
    let (receiver, sink) = n8n().await;
    let wish = async |value: &str| {
        receiver.once(Mode::with_header(429, "retry-after", value));
        match sink.deliver(&delivery(1)).await {
            Err(SinkError::Throttled { retry_after, .. }) => retry_after,
            other @ (Ok(_) | Err(SinkError::Unavailable { .. } | SinkError::Rejected { .. })) => {
                panic!("not throttled: {other:?}")
            }
        }
    };
    assert_eq!(wish("90").await, Some(Duration::from_secs(90)));
    assert_eq!(wish("Sun, 06 Nov 1994 08:49:37 GMT").await, Some(Duration::ZERO));
    assert_eq!(wish("later").await, None);
}

#[tokio::test]
async fn a_receiver_that_never_answers_is_given_up() {
    let receiver = Receiver::start(SECRET).await.unwrap();
    let sink = sink(Settings { timeout: Duration::from_millis(50), ..settings(receiver.url()) });
    receiver.once(Mode::Hang);
    let why = unavailable(sink.deliver(&delivery(1)).await);
    assert_eq!(after_place(&why), ": no complete answer within 50ms");
    assert_eq!(receiver.count(&delivery(1).id), 1, "it may have been received all the same");
}

#[tokio::test]
async fn a_slow_receiver_is_waited_for() {
    let (receiver, sink) = n8n().await;
    receiver.once(Mode::Slow(Duration::from_millis(30)));
    assert_eq!(sink.deliver(&delivery(1)).await, Ok(Receipt { status: Some(202) }));
}

#[tokio::test]
async fn a_flood_for_an_answer_is_cut_off() {
    let (receiver, sink) = n8n().await;
    let body = format!("{{\"accepted\":true,\"x\":\"{}\"}}", "x".repeat(1024 * 1024));
    receiver.once(Mode::Answer { status: 200, headers: Vec::new(), body });
    let why = unavailable(sink.deliver(&delivery(1)).await);
    assert_eq!(after_place(&why), " answered 200 with a body that is too long to be an acknowledgement");
}

#[tokio::test]
async fn no_failure_shows_a_secret_or_more_of_the_address_than_its_place() {
    let receiver = Receiver::start(SECRET).await.unwrap();
    let url = format!("{}?key=hunter2", receiver.url());
    let sink = sink(Settings { timeout: Duration::from_millis(50), ..settings(url) });
    let mut shown = format!("{sink:?}");
    let echo = Mode::Answer { status: 400, headers: Vec::new(), body: format!("bad token {TOKEN}") };
    let modes = [Mode::Hang, Mode::Reset, Mode::ResetMidAnswer, Mode::BadAuth, Mode::Crashed, echo];
    for mode in modes.into_iter().chain([301, 404, 410, 422, 429, 500].map(Mode::status)) {
        receiver.once(mode);
        let error = sink.deliver(&delivery(1)).await.unwrap_err();
        shown.push_str(&format!("\n{error} {error:?}"));
    }
    receiver.close().await;
    let error = sink.deliver(&delivery(1)).await.unwrap_err();
    shown.push_str(&format!("\n{error} {error:?}"));
    for secret in ["hunter2", "MfKQ9r8", "/webhook/drift"] {
        assert!(!shown.contains(secret), "{secret} in {shown}");
    }
}

#[tokio::test]
async fn a_name_is_resolved_through_the_guard() {
    let receiver = Receiver::start(SECRET).await.unwrap();
    let url = receiver.url().replace("127.0.0.1", "localhost");
    sink(settings(url)).deliver(&delivery(1)).await.unwrap();
    let nowhere = sink(settings("http://evenkeel.invalid/".into()));
    let why = unavailable(nowhere.deliver(&delivery(1)).await);
    assert!(why.starts_with("http://evenkeel.invalid: "), "{why}");
}
