//! The receiver against what n8n answered when it was recorded, and its own bookkeeping.

use std::time::Duration;

use reqwest::{Client, Method, Response};
use serde_json::{Value, json};
use standardwebhooks::Webhook;

use super::{Mode, PATH, Receiver};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const RECORDED: &str = include_str!("recorded.jsonl");

struct Sender {
    client: Client,
    receiver: Receiver,
}

impl Sender {
    async fn new() -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let builder = Client::builder().no_proxy().tls_certs_only([]).timeout(Duration::from_secs(20));
        Self { client: builder.build().unwrap(), receiver: Receiver::start(SECRET).await.unwrap() }
    }

    async fn request(&self, method: Method, path: &str, body: &str) -> Response {
        let url = format!("http://{}{path}", self.receiver.address());
        let request = self.client.request(method, url).header("content-type", "application/json");
        request.body(body.to_owned()).send().await.unwrap()
    }

    async fn try_deliver(&self, id: &str, secret: &str) -> reqwest::Result<Response> {
        let now = evenkeel_ambient::elsewhere().as_second();
        let body = "{\"test\":1}";
        let signature = Webhook::new(secret).unwrap().sign(id, now, body.as_bytes()).unwrap();
        let request = self.client.post(self.receiver.url()).header("content-type", "application/json");
        let request = request.header("webhook-id", id).header("webhook-timestamp", now);
        request.header("webhook-signature", signature).body(body).send().await
    }

    async fn deliver(&self, id: &str, secret: &str) -> Response {
        self.try_deliver(id, secret).await.unwrap()
    }

    async fn in_mode(&self, mode: Mode) -> Response {
        self.receiver.once(mode);
        self.deliver("01JD9", SECRET).await
    }
}

/// The answer in the form of the recording.
async fn told(case: &str, response: Response) -> Value {
    let status = response.status().as_u16();
    let port = response.url().port().unwrap();
    let text = response.text().await.unwrap().replace(&format!(":{port}/"), ":5678/");
    match serde_json::from_str::<Value>(&text) {
        Ok(body) => json!({"case": case, "status": status, "body": body}),
        Err(_) => json!({"case": case, "status": status, "body_text": text}),
    }
}

#[tokio::test]
async fn every_answer_equals_the_one_n8n_gave() {
    let sender = Sender::new().await;
    let wrong = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
    for line in RECORDED.lines() {
        let recorded: Value = serde_json::from_str(line).unwrap();
        let case = recorded["case"].as_str().unwrap();
        let response = match case {
            "accepted, Respond to Webhook node" => sender.deliver("01JD1", SECRET).await,
            "responseMode onReceived" => sender.in_mode(Mode::Started).await,
            "missing or wrong header-auth value" => sender.in_mode(Mode::BadAuth).await,
            "HMAC wrong, workflow answers itself" => {
                // The recording's second execution.
                let fresh = Sender::new().await;
                fresh.deliver("01JD1", SECRET).await;
                fresh.deliver("01JD2", wrong).await
            }
            "workflow failed BEFORE its Respond node (responseMode responseNode)" => {
                sender.in_mode(Mode::Crashed).await
            }
            "unknown path, or n8n still starting" => {
                sender.request(Method::POST, "/webhook/nothere", "{}").await
            }
            "wrong method" => sender.request(Method::GET, PATH, "").await,
            "truncated JSON body" => sender.request(Method::POST, PATH, "{\"a\":").await,
            "body over N8N_PAYLOAD_SIZE_MAX (16 MB)" => {
                let body = format!("\"{}\"", "x".repeat(16 * 1024 * 1024));
                sender.request(Method::POST, PATH, &body).await
            }
            "resume URL, first POST" => {
                while sender.receiver.executions() < 4 {
                    sender.deliver("01JD3", SECRET).await;
                }
                sender.request(Method::POST, "/webhook-waiting/4", "{}").await
            }
            "resume URL, second POST" => sender.request(Method::POST, "/webhook-waiting/4", "{}").await,
            "resume URL, unknown execution" => {
                sender.request(Method::POST, "/webhook-waiting/99999", "{}").await
            }
            other => panic!("nothing plays {other}"),
        };
        assert_eq!(told(case, response).await, recorded);
    }
    assert_eq!(RECORDED.lines().count(), 12);
}

#[tokio::test]
async fn a_starting_n8n_says_that_the_webhook_is_not_registered() {
    let sender = Sender::new().await;
    sender.receiver.set_mode(Mode::Starting);
    let answer = told("", sender.deliver("a", SECRET).await).await;
    assert_eq!(answer["status"], 404);
    assert_eq!(answer["body"]["message"], "The requested webhook \"POST drift\" is not registered.");
    assert_eq!(sender.receiver.executions(), 0);
}

#[tokio::test]
async fn duplicates_are_run_again_and_counted() {
    let sender = Sender::new().await;
    for _ in 0..3 {
        sender.deliver("same", SECRET).await;
    }
    sender.deliver("other", SECRET).await;
    assert_eq!((sender.receiver.count("same"), sender.receiver.count("other")), (3, 1));
    assert_eq!(sender.receiver.executions(), 4);
    let nths: Vec<_> =
        sender.receiver.arrived().into_iter().map(|arrived| (arrived.id, arrived.nth)).collect();
    assert_eq!(nths, [("same", 1), ("same", 2), ("same", 3), ("other", 1)].map(|(id, n)| (id.to_owned(), n)));
}

#[tokio::test]
async fn arrivals_are_told_in_order_with_what_they_carried() {
    let sender = Sender::new().await;
    sender.deliver("a", SECRET).await;
    sender.deliver("b", "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD").await;
    let first = sender.receiver.next().await.unwrap();
    assert_eq!((first.id.as_str(), first.verified, first.accepted), ("a", true, true));
    assert_eq!(first.headers["content-type"], "application/json");
    assert_eq!(&first.body[..], b"{\"test\":1}");
    let second = sender.receiver.next().await.unwrap();
    assert_eq!((second.id.as_str(), second.verified, second.accepted), ("b", false, false));
}

#[tokio::test]
async fn a_reset_leaves_the_sender_without_an_answer_but_is_recorded() {
    let sender = Sender::new().await;
    sender.receiver.once(Mode::Reset);
    assert!(sender.try_deliver("a", SECRET).await.is_err());
    sender.receiver.once(Mode::ResetMidAnswer);
    let half = sender.try_deliver("a", SECRET).await.unwrap();
    assert_eq!(half.status(), 200);
    assert!(half.bytes().await.is_err());
    assert_eq!(sender.receiver.count("a"), 2);
}

#[tokio::test]
async fn a_hanging_receiver_records_before_it_hangs() {
    let sender = Sender::new().await;
    sender.receiver.once(Mode::Hang);
    let arrived = tokio::select! {
        _ = sender.try_deliver("a", SECRET) => panic!("answered"),
        arrived = sender.receiver.next() => arrived,
    };
    assert_eq!(arrived.unwrap().id, "a");
}

#[tokio::test]
async fn closed_it_refuses_and_reopened_it_is_where_it_was() {
    let sender = Sender::new().await;
    sender.deliver("a", SECRET).await;
    sender.receiver.close().await;
    assert!(sender.try_deliver("a", SECRET).await.unwrap_err().is_connect());
    sender.receiver.reopen().await.unwrap();
    assert_eq!(sender.deliver("a", SECRET).await.status(), 202);
    assert_eq!(sender.receiver.count("a"), 2);
}

#[tokio::test]
async fn unsigned_it_accepts_what_is_not_signed_and_calls_nothing_verified() {
    let sender = Sender { receiver: Receiver::start_unsigned().await.unwrap(), ..Sender::new().await };
    assert_eq!(sender.request(Method::POST, PATH, "{}").await.status(), 202);
    assert!(!sender.receiver.arrived()[0].verified);
    assert!(sender.receiver.arrived()[0].accepted);
}
