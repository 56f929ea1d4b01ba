//! The simulated n8n as somebody meets it who asks it for an action.

use std::sync::atomic::{AtomicUsize, Ordering};

use reqwest::{Client, Response};
use serde_json::json;

use super::*;
use crate::docker::{Container, DockerLab};
use crate::receiver::{self, Receiver, key_of};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const PATH: &str = "evenkeel-restart-container";

/// An n8n with one workflow that counts what it did, somebody who asks, and where it calls back.
struct Stage {
    n8n: N8n,
    client: Client,
    desk: Receiver,
    done: Arc<AtomicUsize>,
}

impl Stage {
    async fn new(change: impl FnOnce(Workflow) -> Workflow) -> Self {
        let n8n = N8n::start().await.unwrap();
        let done = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&done);
        let act = move |request: Value| {
            counted.fetch_add(1, Ordering::Relaxed);
            async move { Ok(format!("restarted {}", request["proposal"]["params"]["container"])) }
        };
        n8n.register(change(Workflow::new(PATH, act).signed(SECRET).unwrap()));
        n8n.set_callback_tries(5, Duration::ZERO);
        let desk = Receiver::start_unsigned().await.unwrap();
        desk.set_mode(receiver::Mode::status(204));
        let client = Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
        Self { n8n, client, desk, done }
    }

    async fn try_ask(&self, key: &str, secret: &str) -> reqwest::Result<Response> {
        let body = json!({
            "event": {}, "idempotency_key": key, "attempt": 1,
            "proposal": { "action": "restart container", "params": { "container": "web" } },
            "callback": { "url": self.desk.url(), "expires_at": "2026-01-01T00:00:00Z" },
        })
        .to_string();
        let now = evenkeel_ambient::elsewhere().as_second();
        let signature = key_of(secret).unwrap().sign(key, now, body.as_bytes()).unwrap();
        let request = self.client.post(self.n8n.url(PATH)).header("webhook-id", key);
        let request = request.header("webhook-timestamp", now).header("webhook-signature", signature);
        request.header("content-type", "application/json").body(body).send().await
    }

    async fn ask(&self, key: &str) -> (u16, Value) {
        let answer = self.try_ask(key, SECRET).await.unwrap();
        (answer.status().as_u16(), read(answer).await)
    }

    /// What arrived at the address to call back.
    fn told(&self) -> Vec<Value> {
        self.desk.arrived().iter().map(|call| serde_json::from_slice(&call.body).unwrap()).collect()
    }

    fn done(&self) -> usize {
        self.done.load(Ordering::Relaxed)
    }
}

async fn read(answer: Response) -> Value {
    let text = answer.text().await.unwrap();
    serde_json::from_str(&text).unwrap_or(Value::String(text))
}

/// Everything that was begun has ended.
fn ended(runs: &[Execution]) -> bool {
    runs.iter().all(|run| run.ended)
}

#[tokio::test]
async fn a_request_is_accepted_acted_on_and_told_about() {
    let stage = Stage::new(|workflow| workflow).await;
    let (status, answer) = stage.ask("k1").await;
    assert_eq!((status, &answer["accepted"], &answer["repeated"]), (202, &json!(true), &json!(false)));
    let runs = stage.n8n.until(ended).await;
    let [run] = runs.as_slice() else { panic!("{runs:?}") };
    assert_eq!((run.number, run.key.as_str(), run.attempt, run.path.as_str()), (1, "k1", 1, PATH));
    assert_eq!(run.what, What::Acted(Ok("restarted \"web\"".into())));
    assert_eq!(run.callbacks[0].answer, Ok(204));
    assert_eq!(stage.told(), [json!({ "result": "succeeded", "output": "restarted \"web\"" })]);
}

#[tokio::test]
async fn an_action_is_a_real_one_and_comes_after_the_answer() {
    let docker = Arc::new(DockerLab::start("box2").await.unwrap());
    docker.run(Container::new("web"));
    docker.exit("web", 1).unwrap();
    let stage = Stage::new(|workflow| workflow).await;
    let (engine, gate) = (Arc::clone(&docker), Arc::new(tokio::sync::Notify::new()));
    let opened = Arc::clone(&gate);
    let restart = move |request: Value| {
        let (engine, gate) = (Arc::clone(&engine), Arc::clone(&gate));
        async move {
            gate.notified().await;
            let name = request["proposal"]["params"]["container"].as_str().unwrap_or_default().to_owned();
            engine.start_container(&name).map(|()| name.clone()).map_err(|error| error.to_string())
        }
    };
    stage.n8n.register(Workflow::new(PATH, restart).signed(SECRET).unwrap());
    assert_eq!(stage.ask("k1").await.0, 202);
    assert_eq!(stage.n8n.executions()[0].what, What::Running, "answered before it is done");
    opened.notify_one();
    stage.n8n.until(ended).await;
    assert_eq!(stage.n8n.acted("k1"), 1);
    assert_eq!(stage.told()[0]["output"], "web");
    assert!(docker.start_container("nowhere").is_err(), "the engine is one that can say no");
}

#[tokio::test]
async fn a_known_key_is_accepted_and_nothing_is_done_unless_the_workflow_forgets() {
    let stage = Stage::new(|workflow| workflow).await;
    for repeated in [false, true, true] {
        let (status, answer) = stage.ask("k1").await;
        assert_eq!((status, &answer["repeated"]), (202, &json!(repeated)));
    }
    stage.ask("k2").await;
    let runs = stage.n8n.until(ended).await;
    assert_eq!((runs.len(), stage.done(), stage.n8n.acted("k1")), (4, 2, 1));
    let forgetful = Stage::new(Workflow::forgetful).await;
    forgetful.ask("k1").await;
    forgetful.ask("k1").await;
    forgetful.n8n.until(ended).await;
    assert_eq!(forgetful.done(), 2, "n8n itself deduplicates nothing");
}

#[tokio::test]
async fn whom_it_does_not_believe_it_refuses_in_n8ns_words() {
    let stage = Stage::new(|workflow| workflow.header("X-Token", "hunter2")).await;
    let refused = stage.try_ask("k1", SECRET).await.unwrap();
    assert_eq!(
        (refused.status().as_u16(), read(refused).await),
        (403, json!("Authorization data is wrong!"))
    );
    assert!(stage.n8n.executions().is_empty());
    let stage = Stage::new(|workflow| workflow).await;
    let wrong = stage.try_ask("k1", "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD").await.unwrap();
    assert_eq!((wrong.status().as_u16(), &read(wrong).await["accepted"]), (401, &json!(false)));
    assert_eq!(stage.n8n.executions()[0].what, What::Refused);
    let nobodys = Stage::new(|workflow| Workflow { keys: Vec::new(), ..workflow }).await;
    assert_eq!(nobodys.ask("k1").await.0, 401, "without a secret nobody is believed");
    assert_eq!(stage.done() + nobodys.done(), 0);
}

#[tokio::test]
async fn what_is_not_there_yet_or_any_more_is_a_404() {
    let stage = Stage::new(|workflow| workflow).await;
    stage.n8n.once(Conduct::Starting);
    let told = format!("The requested webhook \"POST {PATH}\" is not registered.");
    assert_eq!(stage.ask("k1").await, (404, json!({ "code": 404, "message": told })));
    stage.n8n.set_active(PATH, false);
    assert_eq!(stage.ask("k1").await.0, 404);
    assert!(stage.n8n.executions().is_empty());
    stage.n8n.set_active(PATH, true);
    assert_eq!(stage.ask("k1").await.0, 202);
    let nowhere = stage.client.post(stage.n8n.url("nowhere")).send().await.unwrap();
    assert_eq!(nowhere.status().as_u16(), 404);
}

#[tokio::test]
async fn a_crashed_workflow_answers_200_with_nothing_and_takes_the_key_when_it_is_asked_again() {
    let stage = Stage::new(|workflow| workflow).await;
    stage.n8n.once(Conduct::Crashed);
    assert_eq!(stage.ask("k1").await, (200, json!("")));
    assert_eq!((&stage.n8n.executions()[0].what, stage.done()), (&What::Crashed, 0));
    stage.ask("k1").await;
    stage.n8n.until(ended).await;
    assert_eq!(stage.done(), 1);
}

#[tokio::test]
async fn each_way_to_lie_or_be_silent_is_what_it_says() {
    for (conduct, done, told) in [
        (Conduct::Well, 1, vec!["succeeded"]),
        (Conduct::Pretends, 0, vec!["succeeded"]),
        (Conduct::Fails, 0, vec!["failed"]),
        (Conduct::SaysTwice, 1, vec!["succeeded", "succeeded"]),
        (Conduct::SaysLate(Duration::from_millis(20)), 1, vec!["succeeded"]),
        (Conduct::Silent, 1, vec![]),
    ] {
        let stage = Stage::new(|workflow| workflow).await;
        stage.n8n.set(conduct);
        stage.ask("k1").await;
        stage.n8n.until(ended).await;
        let results: Vec<Value> = stage.told().iter().map(|call| call["result"].clone()).collect();
        assert_eq!(
            (stage.done(), results),
            (done, told.iter().map(|word| json!(word)).collect()),
            "{conduct:?}"
        );
    }
}

#[tokio::test]
async fn a_callback_that_is_not_taken_is_repeated_and_given_up() {
    let stage = Stage::new(|workflow| workflow).await;
    stage.desk.once(receiver::Mode::status(503));
    stage.desk.once(receiver::Mode::Reset);
    stage.ask("k1").await;
    let runs = stage.n8n.until(ended).await;
    let answers: Vec<_> = runs[0].callbacks.iter().map(|call| call.answer.clone().ok()).collect();
    assert_eq!(answers, [Some(503), None, Some(204)]);
    stage.desk.set_mode(receiver::Mode::status(410));
    stage.ask("k2").await;
    let runs = stage.n8n.until(ended).await;
    assert_eq!(runs[1].callbacks.len(), 5);
    for call in runs.iter().flat_map(|run| &run.callbacks) {
        assert!(!format!("{call:?}").contains("/webhook/drift"), "the address is a secret: {call:?}");
    }
}

#[tokio::test]
async fn away_it_refuses_finishes_what_runs_and_comes_back_where_it_was() {
    let stage = Stage::new(|workflow| workflow.after(Duration::from_millis(20))).await;
    stage.ask("k1").await;
    stage.n8n.go_away().await;
    assert!(stage.try_ask("k2", SECRET).await.unwrap_err().is_connect());
    stage.n8n.until(ended).await;
    stage.n8n.come_back().await.unwrap();
    assert_eq!(stage.ask("k1").await.1["repeated"], true);
    assert_eq!(stage.ask("k2").await.1["repeated"], false);
}
