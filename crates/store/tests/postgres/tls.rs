//! Whom evenkeel believes to be its database. Each test has a server of its own, because each has another certificate.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a panic is the failed test itself"
)]

use std::error::Error as _;
use std::fs;
use std::io::Write as _;
use std::net::UdpSocket;
use std::path::PathBuf;
use std::time::Duration;

use evenkeel_core::Secret;
use evenkeel_store::Error;
use evenkeel_store::postgres::{Options, PgStore};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use xtask::real::postgres::{Postgres, Setup, Tls, programs};

fn skip(why: &str) {
    let thread = std::thread::current();
    let _ = writeln!(std::io::stderr(), "SKIPPED: {}: {why}", thread.name().unwrap_or("a test"));
}

/// A server of this test's own, if the test script says that there can be one.
fn server(tls: Tls, settings: &[(&str, &str)]) -> Option<Postgres> {
    if std::env::var_os("EVENKEEL_TEST_POSTGRES").is_none_or(|address| address.is_empty()) {
        skip("EVENKEEL_TEST_POSTGRES is not set (cargo xtask test sets it)");
        return None;
    }
    let settings = settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let setup = Setup { tls, settings, ..Setup::default() };
    Some(Postgres::start_with(&programs().unwrap(), setup).unwrap())
}

fn options(server: &Postgres) -> Options {
    Options {
        url: Secret::new(server.url()),
        password: None,
        ca_file: None,
        schema: "public".to_owned(),
        transaction_pooler: false,
        plaintext: false,
        connections: 2,
    }
}

/// The same, at another host and with something behind the `?`.
fn elsewhere(server: &Postgres, host: &str, parameters: &str) -> Options {
    let url = server.url().replace("127.0.0.1", host);
    Options { url: Secret::new(format!("{url}{parameters}")), ..options(server) }
}

/// Refused for good, for a reason with these words in it, and without the password anywhere.
async fn refused(options: &Options, secret: &str, words: &str) {
    let error = PgStore::open(options).await.unwrap_err();
    assert!(matches!(error, Error::Denied { .. }), "{error:?}");
    assert!(error.to_string().contains(words), "{error}");
    assert_silent(&error, secret);
}

fn assert_silent(error: &Error, secret: &str) {
    let mut told = format!("{error:?}\n{error}");
    let mut cause = error.source();
    while let Some(deeper) = cause {
        told.push_str(&format!("\n{deeper:?}\n{deeper}"));
        cause = deeper.source();
    }
    assert!(!told.contains(secret), "the password is in it");
}

/// Gives the server a certificate for this name and time, by the authority whose file is returned.
fn certify(server: &Postgres, name: &str, until: i32) -> PathBuf {
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority.not_before = date_time_ymd(2020, 1, 1);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(until, 1, 1);
    let key = KeyPair::generate().unwrap();
    let certificate = params.signed_by(&key, &authority).unwrap();
    let folder = server.folder();
    fs::write(folder.join("server.crt"), certificate.pem()).unwrap();
    fs::write(folder.join("server.key"), key.serialize_pem()).unwrap();
    let file = folder.join("other-ca.crt");
    fs::write(&file, authority.pem()).unwrap();
    file
}

fn taken_over(server: &mut Postgres) {
    server.stop().unwrap();
    server.restart().unwrap();
}

#[tokio::test]
async fn a_server_that_proves_who_it_is_is_believed_and_one_that_cannot_is_not() {
    let Some(server) = server(Tls::Required, &[]) else { return };
    let secret = server.password();
    let trusting = Options { ca_file: server.authority(), ..options(&server) };
    let store = PgStore::open(&trusting).await.unwrap();
    assert!(store.face().await.unwrap().tls.is_some_and(|version| version.starts_with("TLS")));
    // Whatever weaker is written into the address.
    for mode in ["disable", "prefer", "require"] {
        let options = elsewhere(&server, "localhost", &format!("?sslmode={mode}"));
        let store = PgStore::open(&Options { ca_file: server.authority(), ..options }).await.unwrap();
        assert!(store.face().await.unwrap().tls.is_some());
    }
    refused(&elsewhere(&server, "127.0.0.1", "?sslmode=verify-full"), secret, "signed by nobody we trust")
        .await;
    // It takes nobody in the clear.
    refused(&elsewhere(&server, "127.0.0.1", "?sslmode=disable"), secret, "may not log in from here").await;
    let wrong = Options { password: Some(Secret::new("canary-of-a-password")), ..trusting };
    refused(&wrong, "canary-of-a-password", "password").await;
}

#[tokio::test]
async fn a_certificate_of_another_authority_for_another_name_or_another_time_is_refused() {
    let Some(mut server) = server(Tls::Offered, &[]) else { return };
    let secret = server.password().to_owned();
    let first = server.authority();
    let elder = certify(&server, "localhost", 2021);
    taken_over(&mut server);
    let expired = Options { ca_file: Some(elder), ..elsewhere(&server, "localhost", "") };
    refused(&expired, &secret, "has expired").await;

    let other = certify(&server, "db.example", 2099);
    taken_over(&mut server);
    let misnamed = Options { ca_file: Some(other.clone()), ..elsewhere(&server, "localhost", "") };
    refused(&misnamed, &secret, "for another name").await;
    let unknown = Options { ca_file: first, ..elsewhere(&server, "localhost", "") };
    refused(&unknown, &secret, "signed by nobody we trust").await;

    for (text, words) in [(Some("no pem"), "holds no certificate"), (None, "cannot be read")] {
        match text {
            Some(text) => fs::write(&other, text).unwrap(),
            None => fs::remove_file(&other).unwrap(),
        }
        refused(&misnamed, &secret, words).await;
    }
}

#[tokio::test]
async fn a_server_without_tls_is_fine_on_this_machine_and_nowhere_else() {
    // Everybody may come, from everywhere: the test is who goes there.
    let rules = tempfile::NamedTempFile::new().unwrap();
    fs::write(&rules, "host all all all scram-sha-256\n").unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o644);
    fs::set_permissions(&rules, mode).unwrap();
    let rules = rules.path().to_str().unwrap();
    let Some(server) = server(Tls::Off, &[("listen_addresses", "*"), ("hba_file", rules)]) else { return };
    let secret = server.password();
    PgStore::open(&options(&server)).await.unwrap();
    PgStore::open(&elsewhere(&server, "localhost", "?sslmode=prefer")).await.unwrap();
    refused(&elsewhere(&server, "localhost", "?sslmode=verify-full"), secret, "speaks no tls").await;

    let Some(address) = own_address() else {
        return skip("this machine has no address but its own loopback");
    };
    for parameters in ["", "?sslmode=disable", "?sslmode=allow", "?sslmode=prefer", "?sslmode=require"] {
        refused(&elsewhere(&server, &address, parameters), secret, "speaks no tls").await;
    }
    let consenting = Options { plaintext: true, ..elsewhere(&server, &address, "") };
    let store = PgStore::open(&consenting).await.unwrap();
    assert_eq!(store.face().await.unwrap().tls, None);
}

/// The address under which this machine would go out; nothing is sent.
fn own_address() -> Option<String> {
    let socket = UdpSocket::bind("0.0.0.0:0").ok()?;
    socket.connect("203.0.113.1:9").ok()?;
    let address = socket.local_addr().ok()?.ip();
    (!address.is_loopback() && !address.is_unspecified()).then(|| address.to_string())
}

#[tokio::test]
async fn no_error_repeats_what_is_secret_in_an_address() {
    const CANARY: &str = "canary-of-a-password";
    let options = |url: String| Options {
        url: Secret::new(url),
        password: None,
        ca_file: None,
        schema: "public".to_owned(),
        transaction_pooler: false,
        plaintext: true,
        connections: 1,
    };
    for address in [
        format!("postgres://evenkeel:{CANARY}@[not-an-address/x"),
        format!("postgres://evenkeel:{CANARY}@127.0.0.1:port/x"),
        format!("mysql://evenkeel:{CANARY}@127.0.0.1/x"),
        format!("postgres://evenkeel@127.0.0.1:1/x?passwort={CANARY}"),
        format!("postgres://evenkeel@127.0.0.1:1/x?sslmode={CANARY}"),
        format!("postgres://evenkeel@127.0.0.1:1/x?{CANARY}"),
        format!("postgres://evenkeel:{CANARY}@127.0.0.1:1/x?pgbouncer=true"),
    ] {
        let error = PgStore::open(&options(address)).await.unwrap_err();
        assert!(matches!(error, Error::Denied { .. }), "{error}");
        assert_silent(&error, CANARY);
    }
    let options = options(format!("postgres://evenkeel:{CANARY}@127.0.0.1:1/x"));
    assert!(!format!("{options:?}").contains(CANARY));
    let attempt = tokio::time::timeout(Duration::from_secs(60), PgStore::open(&options));
    let error = attempt.await.unwrap().unwrap_err();
    assert!(matches!(error, Error::Unavailable { .. }), "{error}");
    assert_silent(&error, CANARY);
}
