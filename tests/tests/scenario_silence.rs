//! Silences made at run time, with the real binary: over HTTP and on the command line, ended by time, by hand and with
//! their drift, and kept through `kill -9`.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a panic in a test is the failed assertion itself")]

use evenkeel_lab::receiver::Receiver;
use evenkeel_tests::program::{self, Home, Program};
use evenkeel_tests::stage::plan::SIGNING_SECRET;
use evenkeel_tests::stage::{Lab, soon};
use serde_json::{Value, json};

/// One machine with `web` and `db`, a receiver that is told, and a home for the binary with a port of its own.
struct House {
    lab: Lab,
    receiver: Receiver,
    home: Home,
}

impl House {
    async fn new() -> Self {
        let lab = Lab::small(&[("box", &[("web", 80), ("db", 5432)])]).await;
        let receiver = Receiver::start(SIGNING_SECRET).await.unwrap();
        let home = Home::new(&lab, Some(&receiver.url()));
        let port = xtask::real::free_port().unwrap();
        home.edit("listen = \"127.0.0.1:0\"", &format!("listen = \"127.0.0.1:{port}\""));
        Self { lab, receiver, home }
    }

    /// `opened SERVICE_MISSING db`, in the order of arrival.
    fn told(&self) -> Vec<String> {
        let arrived = self.receiver.arrived();
        let events = arrived.iter().map(|a| serde_json::from_slice::<evenkeel_core::Event>(&a.body).unwrap());
        let word = |event: evenkeel_core::Event| {
            let service = event.service.map(|name| name.to_string()).unwrap_or_default();
            format!("{} {} {service}", event.transition, event.event_type)
        };
        events.map(word).collect()
    }

    async fn until_told(&self, wanted: &[&str], program: &Program) {
        let reached = soon(|| async { self.told() == wanted }).await;
        assert!(reached, "{:?}, not {wanted:?}: {}", self.told(), program.log());
    }

    async fn command(&self, args: &[&str]) -> (i32, String) {
        let output = self.home.command(args).await;
        let said = [output.stdout, output.stderr].concat();
        (output.status.code().unwrap_or(-1), String::from_utf8(said).unwrap())
    }
}

async fn post(program: &Program, path: &str, body: &Value) -> (u16, String, Value) {
    let (status, head, text) = program::send(&program.address().await, "POST", path, &body.to_string()).await;
    (status, head, serde_json::from_str(&text).unwrap_or(Value::Null))
}

async fn items(program: &Program, path: &str) -> Vec<Value> {
    let (status, body) = program.get(path).await;
    assert_eq!(status, 200, "{body}");
    serde_json::from_str::<Value>(&body).unwrap()["items"].as_array().unwrap().clone()
}

/// The drift of a service, once it is open.
async fn drift(program: &Program, service: &str) -> Value {
    let path = format!("/api/v1/drifts?service={service}&state=open");
    let open = soon(|| async { items(program, &path).await.len() == 1 }).await;
    assert!(open, "{}", program.log());
    items(program, &path).await.remove(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silence_made_over_http_keeps_quiet_until_it_is_ended_also_through_a_kill() {
    let house = House::new().await;
    let program = house.home.start().await;
    program.until_ready().await;
    let wish =
        json!({ "hosts": ["box"], "services": ["db"], "for": "2h", "reason": "the disks are being changed" });
    let (status, head, made) = post(&program, "/api/v1/silences", &wish).await;
    assert_eq!(status, 201, "{made}");
    let name = made["name"].as_str().unwrap().to_owned();
    assert!(
        head.to_lowercase().contains(&format!("location: /api/v1/silences/{}", name.to_lowercase())),
        "{head}"
    );
    house.lab.engine("box").stop("db").unwrap();
    assert_eq!(drift(&program, "db").await["silenced"], name.as_str());
    program.kill().await;

    let program = house.home.start().await;
    program.until_ready().await;
    house.lab.engine("box").stop("web").unwrap();
    house.until_told(&["opened SERVICE_MISSING web"], &program).await;
    assert_eq!(drift(&program, "db").await["silenced"], name.as_str(), "it holds after the kill");
    let rules = items(&program, "/api/v1/rules?kind=silence").await;
    assert_eq!(
        (rules.len(), &rules[0]["hits"], &rules[0]["origin"]),
        (1, &json!(1), &json!("made")),
        "{rules:?}"
    );

    let (status, _, ended) =
        post(&program, &format!("/api/v1/silences/{name}/end"), &json!({ "reason": "done" })).await;
    assert_eq!((status, &ended["state"]), (200, &json!("over")), "{ended}");
    house.until_told(&["opened SERVICE_MISSING web", "reminder SERVICE_MISSING db"], &program).await;
    let (status, _, problem) = post(&program, &format!("/api/v1/silences/{name}/end"), &json!({})).await;
    assert_eq!(status, 409, "{problem}");
    program.kill().await;

    let program = house.home.start().await;
    program.until_ready().await;
    let listed = items(&program, "/api/v1/silences?state=over").await;
    assert_eq!((listed.len(), &listed[0]["ended"]["by"]), (1, &json!("local")), "{listed:?}");
    let journal = items(&program, "/api/v1/journal").await;
    let said: Vec<&str> = journal.iter().rev().filter_map(|row| row["data"]["what"].as_str()).collect();
    let about: Vec<&str> = said.into_iter().filter(|what| what.contains("silenced")).collect();
    assert_eq!(about, ["silenced", "unsilenced"]);
    assert_eq!(house.told().len(), 2, "nothing is told twice");
    program.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silence_ends_by_itself_and_what_is_still_so_is_told() {
    let house = House::new().await;
    // The drift was there when the silence ended, so that it is said is a reminder; to the sink it is the beginning.
    let filter = "[sink.filter]\ntransitions = [\"opened\", \"reopened\", \"resolved\"]\n";
    house.home.write(&format!("{}\n{filter}", house.home.read()));
    let program = house.home.start().await;
    program.until_ready().await;
    let wish = json!({ "services": ["db"], "for": "4s", "reason": "restarting it" });
    let (status, _, made) = post(&program, "/api/v1/silences", &wish).await;
    assert_eq!(status, 201, "{made}");
    house.lab.engine("box").stop("db").unwrap();
    drift(&program, "db").await;
    assert_eq!(house.told(), Vec::<String>::new());
    house.until_told(&["reminder SERVICE_MISSING db"], &program).await;
    assert_eq!(items(&program, "/api/v1/silences?state=over").await.len(), 1);
    program.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_the_command_line_a_drift_is_acknowledged_silenced_listed_and_ended() {
    let house = House::new().await;
    let program = house.home.start().await;
    program.until_ready().await;
    house.lab.engine("box").stop("db").unwrap();
    house.until_told(&["opened SERVICE_MISSING db"], &program).await;
    let handle = drift(&program, "db").await["handle"].as_str().unwrap().to_owned();

    let (code, said) = house.command(&["ack", &handle.to_lowercase(), "--reason", "I am on it"]).await;
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("until it is resolved"), "{said}");
    let silenced = || async { !drift(&program, "db").await["silenced"].is_null() };
    assert!(soon(silenced).await);
    house.lab.engine("box").start_container("db").unwrap();
    house.until_told(&["opened SERVICE_MISSING db", "resolved SERVICE_MISSING db"], &program).await;
    let over = || async { items(&program, "/api/v1/silences?state=over").await.len() == 1 };
    assert!(soon(over).await, "{}", program.log());
    // The next time it is news again.
    house.lab.engine("box").stop("db").unwrap();
    assert!(soon(|| async { house.told().len() == 3 }).await, "{:?}", house.told());

    let (code, said) =
        house.command(&["silence", "--host", "box", "--for", "2h", "--reason", "moving it"]).await;
    assert_eq!(code, 0, "{said}");
    let made = items(&program, "/api/v1/silences?state=in_force").await;
    let name = made[0]["name"].as_str().unwrap().to_owned();
    assert!(said.contains(&name), "{said}");
    let (_, listed) = house.command(&["silence", "list"]).await;
    assert!(listed.contains(&name) && listed.contains("moving it"), "{listed}");
    let (code, said) = house.command(&["silence", "end", &name, "--reason", "moved"]).await;
    assert_eq!(code, 0, "{said}");
    let (code, said) = house.command(&["silence", "end", &name]).await;
    assert!(code == 2 && said.contains("ended"), "{said}");
    for wrong in [
        vec!["silence", "--host", "box", "--for", "2h"],
        vec!["silence", "--host", "box", "--reason", "x"],
        vec!["silence", "00000000", "--for", "2h", "--reason", "x"],
        vec!["silence", "--host", "box", "--for", "200d", "--reason", "x"],
        vec!["silence", "--host", "box", "--for", "soon", "--reason", "x"],
        vec!["silence", "--for", "2h", "--reason", "x"],
    ] {
        let (code, said) = house.command(&wrong).await;
        assert!(code == 2 && said.len() > 20, "{wrong:?}: {said}");
    }
    program.stop().await;
}
