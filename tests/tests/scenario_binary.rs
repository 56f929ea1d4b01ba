//! The real binary against simulated systems: signals, reloads, a second process, HTTP.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a panic in a test is the failed assertion itself")]

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use evenkeel_lab::receiver::Receiver;
use evenkeel_tests::program::{self, Home};
use evenkeel_tests::stage::plan::SIGNING_SECRET;
use evenkeel_tests::stage::{Lab, container, soon};
use serde_json::Value;
use sqlx::{Connection, Executor, SqliteConnection};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

const SERVICES: &[(&str, u16)] = &[("web", 80), ("db", 5432), ("cache", 6379)];

async fn lab() -> Lab {
    Lab::small(&[("box", SERVICES), ("attic", SERVICES)]).await
}

async fn receiver() -> Receiver {
    Receiver::start(SIGNING_SECRET).await.unwrap()
}

/// The handles of what is open, in words.
async fn open(address: &str) -> Vec<String> {
    let (status, body) = program::get(address, "/api/v1/drifts").await;
    if status != 200 {
        return vec![format!("status {status}")];
    }
    let body: Value = serde_json::from_str(&body).unwrap();
    let rows = body.as_array().or_else(|| body["items"].as_array()).or_else(|| body["rows"].as_array());
    let rows = rows.unwrap_or_else(|| panic!("a list in {body}"));
    let word = |row: &Value, key: &str| row[key].as_str().unwrap_or_default().to_owned();
    let mut words: Vec<String> =
        rows.iter().map(|row| format!("{} {}", word(row, "event_type"), word(row, "service"))).collect();
    words.sort();
    words
}

async fn until_open(address: &str, wanted: &[&str]) {
    assert!(soon(|| async { open(address).await == wanted }).await, "{:?}", open(address).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_termination_signal_ends_it_well_and_within_its_deadline() {
    let (lab, receiver) = (lab().await, receiver().await);
    let home = Home::new(&lab, Some(&receiver.url()));
    for signal in ["TERM", "INT"] {
        let program = home.start().await;
        program.until_ready().await;
        let begun = std::time::Instant::now();
        program.signal(signal).await;
        let (status, log) = program.ended().await;
        assert_eq!(status.code(), Some(0), "{log}");
        assert!(begun.elapsed().as_secs() < 7, "{log}");
        assert!(log.contains("stopped"), "{log}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reload_takes_a_good_configuration_and_goes_on_with_the_old_one_beside_a_bad_one() {
    let lab = lab().await;
    lab.engine("box").run(container("box", "guest", 7000));
    let home = Home::new(&lab, None);
    let program = home.start().await;
    let address = program.address().await;
    until_open(&address, &["SERVICE_UNEXPECTED guest"]).await;

    let good = home.read();
    home.write(&format!("{good}\n[[ignore]]\nname = \"guests\"\n"));
    program.signal("HUP").await;
    program.until_logged("the new configuration is not taken").await;
    lab.engine("box").stop("db").unwrap();
    until_open(&address, &["SERVICE_MISSING db", "SERVICE_UNEXPECTED guest"]).await;

    home.write(&format!(
        "{good}\n[[ignore]]\nname = \"guests\"\nreason = \"tried out\"\nservices = [\"guest\"]\n"
    ));
    program.signal("HUP").await;
    until_open(&address, &["SERVICE_MISSING db"]).await;
    program.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_process_on_the_same_store_is_refused_in_words() {
    let lab = lab().await;
    let home = Home::new(&lab, None);
    let first = home.start().await;
    first.until_ready().await;
    let (status, log) = home.start().await.ended().await;
    assert_eq!(status.code(), Some(2), "{log}");
    assert!(log.contains("another evenkeel (pid ") && log.contains("stop it"), "{log}");
    assert!(first.get("/readyz").await.0 == 200, "the first is not disturbed");
    first.stop().await;
    // Its end lets go of the store, and so does a kill.
    let next = home.start().await;
    next.until_ready().await;
    next.kill().await;
    let last = home.start().await;
    last.until_ready().await;
    last.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_alive_at_once_and_ready_once_everybody_has_been_heard() {
    let lab = lab().await;
    lab.netbox.faults().set("", evenkeel_lab::fault::Fault::Status(502));
    let home = Home::new(&lab, None);
    let program = home.start().await;
    assert_eq!(program.get("/healthz").await, (200, "ok".to_owned()));
    let unread = |(status, body): (u16, String)| {
        assert_eq!(status, 503, "{body}");
        body.contains("netbox has not been read completely yet")
    };
    assert!(soon(|| async { unread(program.get("/readyz").await) }).await);
    lab.netbox.faults().clear_all();
    program.until_ready().await;

    // A source that is away later does not make it unready; a store that is away does.
    lab.netbox.faults().set("", evenkeel_lab::fault::Fault::Status(502));
    let address = program.address().await;
    until_open(&address, &["SNAPSHOT_ERROR "]).await;
    assert_eq!(program.get("/readyz").await.0, 200);
    let mut other =
        SqliteConnection::connect(&format!("sqlite://{}", home.database().display())).await.unwrap();
    other.execute("BEGIN IMMEDIATE").await.unwrap();
    let (status, body) = program.get("/readyz").await;
    assert_eq!(status, 503, "{body}");
    assert!(body.contains("store"), "{body}");
    assert_eq!(program.get("/healthz").await.0, 200);
    other.execute("ROLLBACK").await.unwrap();
    program.until_ready().await;
    program.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_of_life_is_given_while_all_is_well_and_not_while_nothing_can_be_kept() {
    let (lab, outside) = (lab().await, receiver().await);
    let home = Home::new(&lab, None);
    let heartbeat = format!(
        "\n[heartbeat]\nurl = \"{}\"\nsecrets = [{{ env = \"LAB_SIGNING_SECRET\" }}]\nevery = \"100ms\"\n",
        outside.url()
    );
    home.write(&[home.read(), heartbeat].concat());
    let program = home.start().await;
    assert!(soon(|| async { outside.arrived().len() >= 3 }).await, "{}", program.log());
    for beat in outside.arrived() {
        let body: Value = serde_json::from_slice(&beat.body).unwrap();
        assert!(beat.verified && body["kind"] == "heartbeat", "{beat:?}");
    }
    program.until_ready().await;

    let mut other =
        SqliteConnection::connect(&format!("sqlite://{}", home.database().display())).await.unwrap();
    other.execute("BEGIN IMMEDIATE").await.unwrap();
    lab.engine("box").stop("db").unwrap();
    program.until_logged("no sign of life is given").await;
    let before = outside.arrived().len();
    // Looking whether the store answers takes as long as twenty of them.
    let (status, body) = program.get("/readyz").await;
    assert!(status == 503 && body.contains("the store did not answer within 2 s"), "{status} {body}");
    assert_eq!(outside.arrived().len(), before);
    other.execute("ROLLBACK").await.unwrap();
    program.until_logged("signs of life are given again").await;
    assert!(soon(|| async { outside.arrived().len() > before }).await);
    program.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_answers_while_it_runs() {
    let (lab, receiver) = (lab().await, receiver().await);
    lab.engine("box").stop("db").unwrap();
    let home = Home::new(&lab, Some(&receiver.url()));
    let program = home.start().await;
    let address = program.address().await;
    until_open(&address, &["SERVICE_MISSING db"]).await;
    for path in ["hosts", "hosts/box", "drifts", "events", "sources", "deliveries"] {
        let (status, body) = program.get(&format!("/api/v1/{path}")).await;
        assert_eq!(status, 200, "{path}: {body}");
        assert!(serde_json::from_str::<Value>(&body).is_ok(), "{path}: {body}");
    }
    let (_, sources) = program.get("/api/v1/sources").await;
    for source in ["netbox/main", "docker/box", "docker/attic"] {
        assert!(sources.contains(source), "{sources}");
    }
    let (status, figures) = program.get("/metrics").await;
    assert_eq!(status, 200);
    assert!(
        figures.contains("evenkeel_drift_open{severity=\"high\",type=\"SERVICE_MISSING\"} 1"),
        "{figures}"
    );
    assert!(figures.contains("evenkeel_source_up{source=\"docker/box\"} 1"), "{figures}");
    assert_eq!(program.get("/api/v1/nothing").await.0, 404);
    program.stop().await;
}

/// Stands before an address, hands everything on, and keeps the first line of each request.
struct Overhearing {
    address: SocketAddr,
    asked: Arc<Mutex<BTreeSet<String>>>,
}

impl Overhearing {
    async fn before(url: &str) -> Self {
        let behind = url.split("://").nth(1).unwrap().trim_end_matches('/').to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let asked: Arc<Mutex<BTreeSet<String>>> = Arc::default();
        let heard = asked.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (behind, heard) = (behind.clone(), heard.clone());
                tokio::spawn(async move {
                    let server = TcpStream::connect(behind).await.unwrap();
                    let ((from_client, mut to_client), (mut from_server, mut to_server)) =
                        (client.into_split(), server.into_split());
                    let mut lines = BufReader::new(from_client);
                    let there = async {
                        let mut line = Vec::new();
                        while lines.read_until(b'\n', &mut line).await.is_ok_and(|read| read > 0) {
                            let text = String::from_utf8_lossy(&line);
                            if let Some((what, _)) = text.split_once(" HTTP/1.") {
                                heard.lock().unwrap().insert(what.to_owned());
                            }
                            to_server.write_all(&line).await.unwrap();
                            line.clear();
                        }
                    };
                    tokio::select! {
                        () = there => {}
                        _ = tokio::io::copy(&mut from_server, &mut to_client) => {}
                    }
                });
            }
        });
        Self { address, asked }
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().iter().cloned().collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_run_nothing_but_get_reaches_a_source() {
    let lab = lab().await;
    let home = Home::new(&lab, None);
    let mut between = vec![Overhearing::before(&lab.netbox.url()).await];
    home.edit(&lab.netbox.url(), &format!("http://{}/", between[0].address));
    for engine in lab.engines.values() {
        let ear = Overhearing::before(&engine.url()).await;
        home.edit(&engine.url(), &format!("tcp://{}", ear.address));
        between.push(ear);
    }
    lab.engine("box").stop("db").unwrap();
    for (command, code) in [(&["check"][..], 0), (&["doctor"], 0), (&["diff"], 1)] {
        let output = home.command(command).await;
        let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert_eq!(output.status.code(), Some(code), "{command:?}: {text}");
    }
    let program = home.start().await;
    program.until_ready().await;
    until_open(&program.address().await, &["SERVICE_MISSING db"]).await;
    program.stop().await;
    for ear in between {
        let asked = ear.asked();
        assert!(asked.len() > 1, "hardly anything was asked: {asked:?}");
        assert!(asked.iter().all(|what| what.starts_with("GET ")), "{asked:?}");
    }
}
