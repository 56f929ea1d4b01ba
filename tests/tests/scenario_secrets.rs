//! Secrets planted wherever the binary meets some, and looked for wherever it writes anything: none leaves.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a panic in a test is the failed assertion itself")]

use evenkeel_lab::docker::Container;
use evenkeel_lab::fault::Fault;
use evenkeel_lab::receiver::Receiver;
use evenkeel_tests::program::Home;
use evenkeel_tests::stage::plan::SIGNING_SECRET;
use evenkeel_tests::stage::{Lab, soon};

const ENVIRONMENT: &str = "canary-of-the-environment-6f2a91";
const ARGUMENT: &str = "canary-of-the-command-line-77b0c4";
const LABEL: &str = "canary-of-a-label-19e3d5";
const HEADER: &str = "canary-of-the-header-c0ffee12";
const ADDRESS: &str = "canary-of-the-address-0badcafe";

fn canaries(lab: &Lab) -> Vec<String> {
    let signing = SIGNING_SECRET.trim_start_matches("whsec_");
    [lab.netbox.token_v1(), signing, ENVIRONMENT, ARGUMENT, LABEL, HEADER, ADDRESS].map(str::to_owned).into()
}

fn indiscreet(name: &str, port: u16) -> Container {
    Container::compose("box", name)
        .named(name)
        .publish(port, port)
        .env("DB_PASSWORD", ENVIRONMENT)
        .command(["serve", "--password", ARGUMENT])
        .label("org.example.basic-auth", LABEL)
}

/// A machine whose containers carry secrets, and a configuration full of them.
async fn home(lab: &Lab, receiver: &Receiver) -> Home {
    let mut home = Home::new(lab, Some(&receiver.url()));
    home.edit(&format!("url = \"{}\"", receiver.url()), "url = { env = \"LAB_WEBHOOK\" }");
    let header = "success = \"accepted\"\nheader = { name = \"X-Token\", value = { env = \"LAB_HEADER\" } }";
    home.edit("success = \"accepted\"", header);
    home.secrets.push(("LAB_WEBHOOK".to_owned(), format!("{}?key={ADDRESS}", receiver.url())));
    home.secrets.push(("LAB_HEADER".to_owned(), HEADER.to_owned()));
    home
}

async fn lab() -> Lab {
    let lab = Lab::small(&[("box", &[])]).await;
    for (name, port) in [("web", 80), ("db", 5432), ("cache", 6379)] {
        lab.declare("box", name, port);
        lab.engine("box").run(indiscreet(name, port));
    }
    lab
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_in_a_log_the_database_an_answer_or_a_webhook() {
    let (lab, receiver) = (lab().await, Receiver::start(SIGNING_SECRET).await.unwrap());
    let home = home(&lab, &receiver).await;
    let program = home.start_with(&[("RUST_LOG", "trace")]).await;
    program.until_ready().await;
    let arrived = |n: usize| {
        let receiver = &receiver;
        async move { assert!(soon(|| async { receiver.arrived().len() >= n }).await) }
    };

    // Everything that makes it speak: drift, loops (which are inspected), failures of every system it talks to.
    lab.engine("box").stop("db").unwrap();
    lab.engine("box").run(indiscreet("guest", 7000));
    lab.engine("box").crash_loop("cache", 6).unwrap();
    arrived(3).await;
    for fault in [Fault::Status(403), Fault::Malformed, Fault::Reset] {
        lab.netbox.faults().set("", fault.clone());
        lab.engine("box").faults().set("", fault);
        let (before, address) = (receiver.arrived().len(), program.address().await);
        let blind = || async {
            let (_, body) = evenkeel_tests::program::get(&address, "/api/v1/sources").await;
            body.matches("\"up\":false").count() == 2
        };
        assert!(soon(blind).await);
        lab.netbox.faults().clear_all();
        lab.engine("box").faults().clear_all();
        arrived(before + 1).await;
        assert!(soon(|| async { !blind().await }).await);
    }
    receiver.close().await;
    lab.engine("box").start_container("db").unwrap();
    program.until_logged("not delivered yet").await;

    let mut places = vec![];
    for path in ["hosts", "hosts/box", "drifts", "events", "sources", "deliveries"] {
        places.push((format!("/api/v1/{path}"), program.get(&format!("/api/v1/{path}")).await.1));
    }
    places.push(("/metrics".to_owned(), program.get("/metrics").await.1));
    places.push(("/readyz".to_owned(), program.get("/readyz").await.1));
    places.push(("the log".to_owned(), program.stop().await));
    for (name, args) in [
        ("diff", &["diff", "--output", "json"][..]),
        ("doctor", &["doctor", "-vv"]),
        ("check", &["check"]),
        ("events", &["events"]),
        ("export", &["export"]),
    ] {
        let output = home.command(args).await;
        let text = [output.stdout, output.stderr].concat();
        places.push((name.to_owned(), String::from_utf8_lossy(&text).into_owned()));
    }
    for arrived in receiver.arrived() {
        places.push(("a webhook".to_owned(), String::from_utf8_lossy(&arrived.body).into_owned()));
    }
    for entry in std::fs::read_dir(home.folder()).unwrap() {
        let path = entry.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        places.push((path.display().to_string(), String::from_utf8_lossy(&bytes).into_owned()));
    }
    assert!(places.iter().any(|(place, text)| place.ends_with(".db") && text.contains("SERVICE_MISSING")));
    // The secrets were all there to be told: asked for, read, sent, and the log as loud as it can be.
    assert!(places.iter().any(|(place, text)| place == "the log" && text.contains("TRACE")));
    let sent = receiver.arrived();
    assert!(
        sent.iter()
            .all(|arrived| arrived.verified && arrived.headers.get("x-token").is_some_and(|v| v == HEADER))
    );
    assert!(lab.engine("box").requests("/containers/") > lab.engine("box").requests("/containers/json"));
    for (place, text) in &places {
        for canary in canaries(&lab) {
            let found = text
                .find(&canary)
                .map(|at| text[at.saturating_sub(120)..].chars().take(240).collect::<String>());
            assert!(found.is_none(), "{canary} in {place}: … {} …", found.unwrap_or_default());
        }
    }
}
