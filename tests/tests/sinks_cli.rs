//! `evenkeel sink list` and `evenkeel sink test`, as an operator uses them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a panic in a test is the failed assertion"
)]

use evenkeel_lab::ntfy::{Mode, Ntfy};
use evenkeel_lab::receiver::Receiver;
use evenkeel_tests::program::Home;
use evenkeel_tests::stage::Lab;
use evenkeel_tests::stage::plan::SIGNING_SECRET;
use serde_json::Value;

/// A home with a webhook and a phone.
async fn home(server: &Ntfy, webhook: &Receiver) -> Home {
    let lab = Lab::small(&[("box", &[("web", 80)])]).await;
    let mut home = Home::new(&lab, Some(&webhook.url()));
    home.secrets.push(("TOPIC".to_owned(), "s3cret-topic".to_owned()));
    let phone = format!(
        "\n[[sink]]\nname = \"phone\"\nkind = \"ntfy\"\nurl = \"{}\"\ntopic = {{ env = \"TOPIC\" }}\n",
        server.url()
    );
    home.write(&(home.read() + &phone));
    home
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[tokio::test]
async fn a_test_reaches_the_sink_and_says_what_it_answered() {
    let (server, webhook) = (Ntfy::start().await.unwrap(), Receiver::start(SIGNING_SECRET).await.unwrap());
    let home = home(&server, &webhook).await;
    let output = home.command(&["sink", "test", "phone"]).await;
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert_eq!(text(&output.stdout), format!("phone: taken by {}, which answered 200\n", server.url()));
    let message = server.messages("s3cret-topic").remove(0);
    assert_eq!(message["title"], "Test: evenkeel can reach you");

    let output = home.command(&["sink", "test", "n8n"]).await;
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let arrived = webhook.next().await.unwrap();
    assert!(arrived.verified);
    let event: Value = serde_json::from_slice(&arrived.body).unwrap();
    assert_eq!((&event["hostname"], &event["severity"]), (&"evenkeel-test".into(), &"info".into()));
}

#[tokio::test]
async fn a_test_that_does_not_arrive_fails_and_says_why() {
    let (server, webhook) = (Ntfy::start().await.unwrap(), Receiver::start(SIGNING_SECRET).await.unwrap());
    let home = home(&server, &webhook).await;
    server.set_mode(Mode::Portal);
    let output = home.command(&["sink", "test", "phone"]).await;
    assert_eq!(output.status.code(), Some(2));
    let said = text(&output.stderr);
    assert!(
        said.contains("phone: unavailable: ") && said.contains("without the acknowledgement `id`"),
        "{said}"
    );
    assert!(!said.contains("s3cret-topic"), "{said}");
    let output = home.command(&["sink", "test", "fone"]).await;
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("there are n8n, phone"), "{}", text(&output.stderr));
}

#[tokio::test]
async fn the_list_shows_every_sink_and_tells_unknown_from_nothing() {
    let (server, webhook) = (Ntfy::start().await.unwrap(), Receiver::start(SIGNING_SECRET).await.unwrap());
    let home = home(&server, &webhook).await;
    let list = async || text(&home.command(&["sink", "list"]).await.stdout);
    let before = list().await;
    assert!(before.lines().nth(2).unwrap().ends_with("?        ?     ?"), "{before}");
    let program = home.start().await;
    program.until_ready().await;
    program.stop().await;
    let after = list().await;
    let phone = after.lines().nth(2).unwrap();
    assert!(phone.starts_with("phone  ntfy") && phone.contains(&server.url()), "{after}");
    assert!(phone.ends_with("0        0     -"), "{after}");
    assert!(!after.contains("s3cret-topic"), "{after}");
    let json = home.command(&["sink", "list", "-o", "json"]).await;
    let rows: Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!((&rows[1]["name"], &rows[1]["waiting"]), (&"phone".into(), &0.into()));
}
