//! Who gets in, with the real binary: no port for others without users, a password made by the program, a login, a decision.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a panic in a test is the failed assertion itself")]

use evenkeel_tests::program::{PASSWORD, Program, passwd};
use evenkeel_tests::stage::soon;
use evenkeel_tests::workshop::Workshop;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Sends these lines; status, head and body of the answer.
async fn send(
    program: &Program,
    method: &str,
    path: &str,
    lines: &[&str],
    body: &str,
) -> (u16, String, String) {
    let address = program.address().await;
    let mut stream = TcpStream::connect(&address).await.unwrap();
    let lines: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
    let length = body.len();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\n{lines}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), head.to_owned(), body.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn beyond_this_machine_it_does_not_start_until_somebody_is_named() {
    let shop = Workshop::open("approve", "").await;
    let read = shop.home.read();
    let listen = read.lines().find(|line| line.starts_with("listen = ")).unwrap().to_owned();
    shop.home.edit(&listen, "listen = \"0.0.0.0:0\"");
    for command in ["check", "run"] {
        let output = shop.home.command(&[command]).await;
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains("listen on 127.0.0.1") && said.contains("[access]"), "both ways out: {said}");
    }
    let lines = passwd("ada", "viewer").await;
    assert!(!lines.contains(PASSWORD), "{lines}");
    shop.home.write(&format!("{}\n{lines}", shop.home.read()));
    let program = shop.home.start().await;
    program.until_logged("listen=").await;
    program.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_logs_in_and_has_a_container_restarted() {
    let shop = Workshop::open("approve", "").await;
    shop.home.write(&format!("{}\n{}", shop.home.read(), passwd("grace", "approver").await));
    let program = shop.home.start().await;
    program.until_ready().await;
    assert_eq!(program.get("/api/v1/hosts").await.0, 401);
    let (status, head, _) = send(&program, "GET", "/actions", &["Accept: text/html"], "").await;
    assert!(status == 303 && head.contains("location: /login?next=%2Factions"), "{head}");

    let form = format!("name=grace&password={}&next=%2Factions", PASSWORD.replace(' ', "+"));
    let own = format!("Origin: http://{}", program.address().await);
    let lines = ["Content-Type: application/x-www-form-urlencoded", own.as_str()];
    let (status, head, body) = send(&program, "POST", "/login", &lines, &form).await;
    assert_eq!(status, 303, "{body}");
    let cookie = head.split("set-cookie: ").nth(1).unwrap().split(';').next().unwrap();
    let cookie = format!("Cookie: {cookie}");

    shop.lab.engine("box").stop("db").unwrap();
    let handle = async || {
        let (_, _, body) = send(&program, "GET", "/api/v1/proposals", &[&cookie], "").await;
        let body: serde_json::Value = serde_json::from_str(&body).unwrap();
        body["items"][0]["handle"].as_str().map(str::to_owned)
    };
    assert!(soon(|| async { handle().await.is_some() }).await, "{}", program.log());
    let approve = format!("/api/v1/proposals/{}/approve", handle().await.unwrap());
    let json = "{\"reason\":\"the disk is fine again\"}";
    let kind = "Content-Type: application/json";
    assert_eq!(send(&program, "POST", &approve, &[&cookie, kind, &own], json).await.0, 403, "without a seal");
    let (_, _, page) = send(&program, "GET", "/actions", &[&cookie], "").await;
    let seal = page.split("name=\"seal\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    let seal = format!("Evenkeel-Seal: {seal}");
    let (status, _, body) = send(&program, "POST", &approve, &[&cookie, kind, &own, &seal], json).await;
    assert_eq!(status, 200, "{body}");
    assert!(soon(|| async { !shop.n8n.executions().is_empty() }).await, "{}", program.log());

    // What talks to the API from the command line shows a token.
    let rehearsed = shop.repairs(&["rehearse"]).await;
    assert!(!rehearsed.is_empty());
    let journal = shop.journal().await;
    for said in ["grace logged in from 127.0.0.1.", "\"grace\"", "the disk is fine again"] {
        assert!(journal.contains(said), "{said} in {journal}");
    }
    let log = program.stop().await;
    for secret in [PASSWORD, "argon2id", cookie.split('=').nth(1).unwrap()] {
        assert!(!log.contains(secret) && !journal.contains(secret));
    }
}
