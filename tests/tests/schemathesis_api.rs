//! The API is what its document says, also for whoever asks nonsense: schemathesis reads the document and asks the real binary
//! whatever it allows, and what it does not.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a panic in a test is the failed assertion itself")]

use std::process::Command;

use evenkeel_lab::receiver::Receiver;
use evenkeel_tests::program::{Home, Program};
use evenkeel_tests::stage::plan::SIGNING_SECRET;
use evenkeel_tests::stage::{Lab, soon};
use serde_json::Value;

const PUSH_TOKEN: &str = "a-token-of-a-collector-0123456789abcdef";
const APPROVER_TOKEN: &str = "a-token-of-an-approver-0123456789abcdef";
const HOOK_SECRET: &str = "a-secret-of-netbox-0123456789abcdef";

/// What asks, if it is there.
fn asker() -> Option<String> {
    let given = std::env::var("EVENKEEL_TEST_SCHEMATHESIS").ok().filter(|path| !path.is_empty());
    if given.is_none() {
        evenkeel_tests::skip("EVENKEEL_TEST_SCHEMATHESIS is not set (cargo xtask test fetches schemathesis)");
    }
    given
}

/// Every kind of row there is: drifts, events, deliveries of which one is dead, sources of which one is blind, a door.
async fn populated(lab: &Lab, receiver: &Receiver) -> (Home, Program) {
    let mut home = Home::new(lab, Some(&receiver.url()));
    home.edit(
        "probe_interval = \"100ms\"",
        "probe_interval = \"100ms\"\nwebhook_secret = { env = \"LAB_HOOK\" }",
    );
    let door = "\n[[push]]\nname = \"scripts\"\nhosts = [\"box\"]\ntoken = { env = \"LAB_PUSH\" }\n\
        [[remediation.approver]]\nname = \"anna\"\ntoken = { env = \"LAB_APPROVER\" }\n";
    home.write(&format!("{}{door}", home.read()));
    home.secrets.push(("LAB_PUSH".to_owned(), PUSH_TOKEN.to_owned()));
    home.secrets.push(("LAB_APPROVER".to_owned(), APPROVER_TOKEN.to_owned()));
    home.secrets.push(("LAB_HOOK".to_owned(), HOOK_SECRET.to_owned()));
    let program = home.start().await;
    program.until_ready().await;
    lab.engine("box").stop("web").unwrap();
    assert!(soon(|| async { receiver.arrived().len() >= 2 }).await, "{}", program.log());
    (home, program)
}

/// The document as it is served, without what can be wrong although it has the right form: a cursor belongs to a list, and
/// `until` is later than `since`. Tests of the crate look at these.
async fn document_of(program: &Program) -> String {
    let (status, document) = program.get("/api/v1/openapi.json").await;
    assert_eq!(status, 200, "{document}");
    let mut document: Value = serde_json::from_str(&document).unwrap();
    for operation in document["paths"].as_object_mut().unwrap().values_mut() {
        if let Some(parameters) = operation.pointer_mut("/get/parameters").and_then(Value::as_array_mut) {
            parameters.retain(|one| one["name"] != "cursor" && one["name"] != "until");
        }
    }
    document.to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_api_is_what_its_document_says() {
    let Some(asker) = asker() else { return };
    let lab = Lab::small(&[("box", &[("web", 80), ("db", 5432)])]).await;
    lab.declare("box", "cache", 6379);
    let receiver = Receiver::start(SIGNING_SECRET).await.unwrap();
    let (home, program) = populated(&lab, &receiver).await;
    let address = program.address().await;
    let document = home.folder().join("openapi.json");
    std::fs::write(&document, document_of(&program).await).unwrap();
    let exceptions = home.folder().join("schemathesis.toml");
    std::fs::write(&exceptions, EXCEPTIONS).unwrap();
    let mut command = Command::new(asker);
    command.arg("--config-file").arg(exceptions);
    command.args(["run", &document.display().to_string(), "--url", &format!("http://{address}")]);
    // The stream has no end. What counts requests is meant to refuse some, and has tests of its own.
    command.args(["--exclude-path", "/api/v1/stream", "--rate-limit", "80/s"]);
    command.args(["--phases", "examples,coverage,fuzzing", "--max-examples", "20", "--max-time", "45"]);
    command.args(["--checks", "all", "--exclude-checks", EXCLUDED]);
    command.args(["--continue-on-failure", "--seed", "1", "--no-color", "--request-timeout", "15"]);
    let output = tokio::task::spawn_blocking(move || command.current_dir(std::env::temp_dir()).output());
    let output = output.await.unwrap().unwrap();
    let text = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{}\n{}", String::from_utf8_lossy(&text), home.folder().display());
    program.stop().await;
}

/// A wish of the right form can be one for a drift that there is not, or for a time that is over: that is said with 422.
const EXCEPTIONS: &str = r#"
[[operations]]
include-name = "POST /api/v1/silences"
checks.positive_data_acceptance.expected-statuses = ["2xx", "422"]
"#;

/// Without a login nothing asks for one: what is refused to strangers has tests in the crate.
const EXCLUDED: &str = "ignored_auth";
