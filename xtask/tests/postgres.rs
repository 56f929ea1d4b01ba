//! What tests rely on when they ask for a PostgreSQL server, asked of a real one through `psql`. Needs `cargo xtask test`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a panic in a test is the failed assertion itself"
)]

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use xtask::real::postgres::{Setup, Tls, VARIABLE_PROGRAMS};
use xtask::real::{PgBouncer, Postgres, find};

/// Long enough for a busy machine; no test waits for it unless it fails.
const SOON: Duration = Duration::from_secs(60);

/// What every client of PostgreSQL may send first: do you speak TLS?
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];

/// A server of one test's own, or the reason why there is none.
fn server(setup: Setup) -> Option<Postgres> {
    let Some(programs) = std::env::var_os(VARIABLE_PROGRAMS).filter(|folder| !folder.is_empty()) else {
        skip(&format!("{VARIABLE_PROGRAMS} is not set (cargo xtask test sets it)"));
        return None;
    };
    if find("psql").is_none() {
        skip("psql is not installed (cargo xtask test installs it)");
        return None;
    }
    Some(Postgres::start_with(&PathBuf::from(programs), setup).unwrap())
}

fn skip(why: &str) {
    let thread = std::thread::current();
    let _ = writeln!(std::io::stderr(), "SKIPPED: {}: {why}", thread.name().unwrap_or("a test"));
}

fn psql(url: &str, sql: &str) -> Output {
    let program = find("psql").expect("looked for before");
    Command::new(program).args(["-X", "-A", "-t", "-q", url, "-c", sql]).output().unwrap()
}

/// What the statement answers; it must succeed.
fn ask(url: &str, sql: &str) -> String {
    let output = psql(url, sql);
    assert!(output.status.success(), "{sql}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// What is said against the statement; it must fail.
fn refused(url: &str, sql: &str) -> String {
    let output = psql(url, sql);
    assert!(!output.status.success(), "{sql} should fail");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_server_is_as_tests_want_it_and_leaves_nothing() {
    let Some(server) = server(Setup::default()) else { return };
    let url = server.url();
    assert_eq!(ask(&url, "show timezone"), "America/St_Johns");
    assert_eq!(ask(&url, "show server_encoding"), "UTF8");
    assert_eq!(ask(&url, "show max_connections"), "200");
    if ask(&url, "show server_version_num").parse::<u32>().unwrap() >= 150_000 {
        ask(&url, "create database made_later");
        let other = url.replace("/postgres", "/made_later");
        assert_eq!(ask(&other, "select 'a' < 'B'"), "t", "a byte of B is less than one of a");
    }
    let wrong = url.replace(server.password(), "wrong");
    assert!(refused(&wrong, "select 1").contains("password authentication failed"));
    let (folder, port) = (server.folder().to_owned(), server.port());
    drop(server);
    assert!(!folder.exists(), "{} is still there", folder.display());
    TcpListener::bind(("127.0.0.1", port)).expect("nobody has the port any more");
}

#[test]
fn what_was_committed_outlives_a_stop_and_a_kill() {
    let Some(mut server) = server(Setup::default()) else { return };
    let url = server.url();
    ask(&url, "create table kept (what text)");
    ask(&url, "insert into kept values ('before the stop')");
    server.stop().unwrap();
    assert!(refused(&url, "select 1").contains("Connection refused"));
    server.restart().unwrap();
    ask(&url, "insert into kept values ('before the kill')");
    server.kill().unwrap();
    assert!(refused(&url, "select 1").contains("Connection refused"));
    server.restart().unwrap();
    assert_eq!(ask(&url, "select count(*) from kept"), "2");
    let log = fs::read_to_string(server.folder().join("postgres.log")).unwrap();
    assert!(log.contains("automatic recovery in progress"), "it was no crash: {log}");
}

#[test]
fn a_frozen_server_accepts_and_says_nothing_until_it_thaws() {
    let Some(mut server) = server(Setup::default()) else { return };
    server.freeze().unwrap();
    let mut client = TcpStream::connect(("127.0.0.1", server.port())).unwrap();
    client.write_all(&SSL_REQUEST).unwrap();
    client.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    let mut answer = [0];
    client.read_exact(&mut answer).expect_err("nobody is awake to answer");
    server.thaw().unwrap();
    client.set_read_timeout(Some(SOON)).unwrap();
    client.read_exact(&mut answer).unwrap();
    assert_eq!(answer, *b"N");
    server.freeze().unwrap();
    server.kill().unwrap();
    assert!(refused(&server.url(), "select 1").contains("Connection refused"));
}

#[test]
fn a_server_with_tls_is_known_by_its_authority_and_no_other() {
    let Some(server) = server(Setup { tls: Tls::Required, ..Setup::default() }) else { return };
    let authority = server.authority().unwrap();
    let url = format!("{}?sslmode=verify-full&sslrootcert={}", server.url(), authority.display());
    assert_eq!(ask(&url, "select ssl from pg_stat_ssl where pid = pg_backend_pid()"), "t");
    let plain = format!("{}?sslmode=disable", server.url());
    assert!(refused(&plain, "select 1").contains("no pg_hba.conf entry"));
    let Some(other) = self::server(Setup { tls: Tls::Offered, ..Setup::default() }) else { return };
    assert_eq!(ask(&format!("{}?sslmode=disable", other.url()), "select 1"), "1");
    let url = format!("{}?sslmode=verify-full&sslrootcert={}", other.url(), authority.display());
    assert!(refused(&url, "select 1").contains("certificate verify failed"));
}

#[test]
fn a_small_disk_can_be_filled_and_freed() {
    let setup = Setup { disk_megabytes: Some(96), ..Setup::default() };
    if std::env::var_os(VARIABLE_PROGRAMS).is_some() && !xtask::real::postgres::namespaces() {
        return skip("needs root and namespaces for a disk of its own");
    }
    let Some(mut server) = server(setup) else { return };
    let url = server.url();
    ask(&url, "create table grows (what text)");
    server.fill_disk().unwrap();
    let why = refused(&url, "insert into grows select repeat('x', 1000) from generate_series(1, 40000)");
    assert!(why.contains("No space left on device"), "{why}");
    server.free_disk().unwrap();
    server.stop().unwrap();
    server.restart().unwrap();
    assert_eq!(ask(&url, "insert into grows values ('y') returning what"), "y");
    assert_eq!(ask(&url, "select count(*) from grows"), "1");
}

#[test]
fn a_client_of_pgbouncer_is_on_one_session_after_another() {
    let Some(server) = server(Setup::default()) else { return };
    let Ok(bouncer) = PgBouncer::start(&server) else {
        return skip("there is no pgbouncer (cargo xtask test installs it)");
    };
    ask(&server.url(), "create database made_later");
    let url = bouncer.url().replace("/postgres", "/made_later");
    let deadline = Instant::now() + SOON;
    let sessions =
        |answer: String| answer.lines().map(str::to_owned).collect::<std::collections::BTreeSet<_>>();
    loop {
        let program = find("psql").expect("looked for before");
        let twenty = ["-c", "select pg_backend_pid()"].repeat(20);
        let output =
            Command::new(program).args(["-X", "-A", "-t", "-q", &url]).args(twenty).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let seen = sessions(String::from_utf8_lossy(&output.stdout).into_owned());
        if seen.len() == 5 {
            break;
        }
        assert!(Instant::now() < deadline, "one connection saw {seen:?} and no more");
    }
    let wrong = url.replace(server.password(), "wrong");
    assert!(refused(&wrong, "select 1").contains("SASL authentication failed"));
    let strange = format!("{url}?options=-csearch_path%3Dpublic");
    assert!(refused(&strange, "select 1").contains("unsupported startup parameter"));
}

#[test]
fn nothing_outlives_a_program_that_was_killed() {
    if server(Setup::default()).is_none() {
        return;
    }
    let mut systems = Command::new(env!("CARGO_BIN_EXE_xtask"))
        .args(["systems", "--no-install"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(systems.stdout.take().unwrap()).lines();
    let ports: Vec<u16> = lines
        .map_while(Result::ok)
        .take_while(|line| !line.contains("EVENKEEL_TEST_PROMETHEUS"))
        .filter(|line| line.contains("postgres://"))
        .map(|line| line.rsplit_once(':').unwrap().1.split_once('/').unwrap().0.parse().unwrap())
        .collect();
    assert!(!ports.is_empty(), "no server was started");
    for port in &ports {
        TcpStream::connect(("127.0.0.1", *port)).expect("it is there");
    }
    systems.kill().unwrap();
    systems.wait().unwrap();
    let deadline = Instant::now() + SOON;
    for port in ports {
        while TcpStream::connect(("127.0.0.1", port)).is_ok() {
            assert!(Instant::now() < deadline, "somebody still listens on port {port}");
        }
    }
}
