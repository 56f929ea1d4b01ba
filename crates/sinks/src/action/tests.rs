//! Requests over the wire, to the lab's receiver.

use std::time::Duration;

use evenkeel_core::remediation::{
    Content, Draft, Effect, Input, Mode as Consent, Param, Params, Patience, Proposal, ProposalId, step,
};
use evenkeel_core::{DriftId, EventType, Secret, Severity};
use evenkeel_lab::n8n::{Conduct, N8n, What, Workflow};
use evenkeel_lab::receiver::{Mode, Receiver};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::{ActionSink, Request, told};
use crate::samples::event;
use crate::webhook::{Config, Settings, SuccessRule};
use crate::{Receipt, SinkError};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const TOKEN: &str = "c4llb4ckt0ken";
const HEADER: &str = "hunter2-hunter2";

fn request(attempt: u32) -> Request {
    let proposal = dispatched();
    Request {
        key: proposal.key.to_string(),
        attempt,
        event: serde_json::to_value(event()).unwrap(),
        proposal: told(&proposal),
        callback_url: Secret::new(format!("https://evenkeel.lan/api/v1/callbacks/{TOKEN}")),
        callback_expires_at: "2025-12-22T03:25:22Z".parse().unwrap(),
    }
}

/// A proposal that a rule consented to and that is being sent.
fn dispatched() -> Proposal {
    let now: Timestamp = "2025-12-22T03:15:22Z".parse().unwrap();
    let short = SignedDuration::from_mins(10);
    let draft = Draft {
        id: ProposalId {
            drift: DriftId::of_service(&"box2-daily".into(), &"freshrss".into(), EventType::ServiceMissing),
            occasion: event().created_at,
            number: 1,
        },
        content: Content {
            rule: "media services".into(),
            mode: Consent::Auto,
            action: "restart container".into(),
            effect: Effect::Repair,
            params: Params::from([(Param::Host, "box2-daily".into()), (Param::Container, "freshrss".into())]),
        },
        severity: Severity::High,
        patience: Patience { approve: short, answer: short, verify: short },
    };
    let (approved, _) = draft.open(now);
    step(&approved, Input::Dispatch { epoch: 7 }, now).unwrap().0
}

fn sink(url: String) -> ActionSink {
    let settings = Settings {
        secrets: vec![Secret::new(SECRET)],
        header: Some(("X-Evenkeel-Token".into(), Secret::new(HEADER))),
        success: SuccessRule::accepted(),
        timeout: Duration::from_secs(5),
        ..Settings::new("restart container", url)
    };
    ActionSink::new(Config::new(settings).unwrap()).unwrap()
}

async fn n8n() -> (Receiver, ActionSink) {
    let receiver = Receiver::start(SECRET).await.unwrap();
    let sink = sink(receiver.url());
    (receiver, sink)
}

fn word(answer: &Result<Receipt, SinkError>) -> &'static str {
    match answer {
        Ok(_) => "accepted",
        Err(SinkError::Unavailable { .. }) => "unavailable",
        Err(SinkError::Throttled { .. }) => "throttled",
        Err(SinkError::Rejected { .. }) => "rejected",
    }
}

#[tokio::test]
async fn a_request_arrives_signed_under_its_key_with_all_a_workflow_needs() {
    let (receiver, sink) = n8n().await;
    assert_eq!(sink.send(&request(1)).await, Ok(Receipt { status: Some(202) }));
    let arrived = receiver.next().await.unwrap();
    assert!(arrived.verified && arrived.accepted);
    let key = request(1).key;
    assert_eq!((&arrived.id, &arrived.headers["idempotency-key"]), (&key, &key), "what is signed is the key");
    assert_eq!(arrived.headers["x-evenkeel-token"], HEADER);
    assert_eq!(arrived.headers["content-type"], "application/json");
    let body: Value = serde_json::from_slice(&arrived.body).unwrap();
    let documented: Value = serde_json::from_str(evenkeel_lab::n8n::REQUEST).unwrap();
    assert_eq!(body, documented);
}

#[tokio::test]
async fn a_repetition_has_the_same_key_and_says_that_it_is_one() {
    let (receiver, sink) = n8n().await;
    receiver.once(Mode::ResetMidAnswer);
    assert_eq!(word(&sink.send(&request(1)).await), "unavailable");
    sink.send(&request(2)).await.unwrap();
    let attempts: Vec<Value> = receiver
        .arrived()
        .iter()
        .map(|arrived| serde_json::from_slice::<Value>(&arrived.body).unwrap()["attempt"].clone())
        .collect();
    assert_eq!((receiver.count(&request(1).key), attempts), (2, vec![Value::from(1), Value::from(2)]));
}

#[tokio::test]
async fn only_a_body_that_says_so_is_a_consent_and_each_failure_says_what_to_do_with_it() {
    let (receiver, sink) = n8n().await;
    for (mode, expected) in [
        (Mode::Acknowledge, "accepted"),
        (Mode::Crashed, "unavailable"),
        (Mode::Started, "unavailable"),
        (Mode::Starting, "unavailable"),
        (Mode::Failing, "unavailable"),
        (Mode::Reset, "unavailable"),
        (Mode::ResetMidAnswer, "unavailable"),
        (Mode::status(503), "unavailable"),
        (Mode::with_header(429, "retry-after", "7"), "throttled"),
        (Mode::BadAuth, "rejected"),
        (Mode::status(401), "rejected"),
        (Mode::status(400), "rejected"),
        (Mode::status(422), "rejected"),
    ] {
        receiver.once(mode.clone());
        assert_eq!(word(&sink.send(&request(1)).await), expected, "{mode:?}");
    }
    receiver.close().await;
    assert_eq!(word(&sink.send(&request(1)).await), "unavailable", "nobody there");
}

#[tokio::test]
async fn a_redirect_does_not_carry_the_callback_elsewhere() {
    let (receiver, sink) = n8n().await;
    let elsewhere = Receiver::start(SECRET).await.unwrap();
    for status in [302, 307, 308] {
        receiver.once(Mode::with_header(status, "location", &elsewhere.url()));
        assert_eq!(word(&sink.send(&request(1)).await), "rejected");
    }
    assert_eq!((receiver.arrived().len(), elsewhere.arrived().len()), (3, 0));
}

#[tokio::test]
async fn nothing_but_the_body_shows_the_callback_or_another_secret() {
    let receiver = Receiver::start(SECRET).await.unwrap();
    let settings = Settings {
        secrets: vec![Secret::new(SECRET)],
        header: Some(("X-Evenkeel-Token".into(), Secret::new(HEADER))),
        success: SuccessRule::accepted(),
        timeout: Duration::from_millis(50),
        ..Settings::new("restart container", receiver.url())
    };
    let sink = ActionSink::new(Config::new(settings).unwrap()).unwrap();
    let mut shown = format!("{sink:?} {:?} {:?}", request(1), request(1).callback_url);
    let echo = |status| Mode::Answer { status, headers: Vec::new(), body: format!("no: {TOKEN} hunter2") };
    let modes =
        [Mode::Hang, Mode::Reset, Mode::ResetMidAnswer, Mode::Crashed, echo(200), echo(400), echo(500)];
    for mode in modes {
        receiver.once(mode);
        let error = sink.send(&request(1)).await.unwrap_err();
        shown.push_str(&format!("\n{error} {error:?}"));
    }
    let broken = Request { key: format!("a\n{TOKEN}"), ..request(1) };
    let error = sink.send(&broken).await.unwrap_err();
    shown.push_str(&format!("\n{error} {error:?}"));
    receiver.close().await;
    let error = sink.send(&request(1)).await.unwrap_err();
    shown.push_str(&format!("\n{error} {error:?}"));
    for secret in [TOKEN, "hunter2", "MfKQ9r8", "/webhook/drift"] {
        assert!(!shown.contains(secret), "{secret} in {shown}");
    }
    let sent = receiver.arrived();
    assert!(String::from_utf8_lossy(&sent[0].body).contains(TOKEN), "the receiver must know it");
}

#[tokio::test]
async fn a_workflow_that_is_asked_twice_acts_once_and_calls_back() {
    let desk = Receiver::start_unsigned().await.unwrap();
    let n8n = N8n::start().await.unwrap();
    let restart = async |request: Value| Ok(request["proposal"]["params"]["container"].to_string());
    n8n.register(
        Workflow::new("restart", restart).signed(SECRET).unwrap().header("x-evenkeel-token", HEADER),
    );
    let sink = sink(n8n.url("restart"));
    let asked = |attempt| Request { callback_url: Secret::new(desk.url()), ..request(attempt) };
    n8n.once(Conduct::Starting);
    n8n.once(Conduct::Crashed);
    for (attempt, expected) in [(1, "unavailable"), (2, "unavailable"), (3, "accepted"), (4, "accepted")] {
        assert_eq!(word(&sink.send(&asked(attempt)).await), expected, "{attempt}");
    }
    let runs = n8n.until(|runs| runs.iter().all(|run| run.ended)).await;
    let whats: Vec<_> = runs.into_iter().map(|run| (run.attempt, run.what)).collect();
    let done = What::Acted(Ok("\"freshrss\"".into()));
    assert_eq!(whats, [(2, What::Crashed), (3, done), (4, What::Repeated)]);
    assert_eq!(desk.arrived().len(), 1);
}
