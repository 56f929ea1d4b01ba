//! `[store]`: which database, and what is wrong with what was written.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a panic in a test is the failed assertion itself")]

use std::path::Path;

use evenkeel::config::{Config, Errors, Place, Postgres};
use evenkeel_core::Secret;
use jiff::Timestamp;

fn env(name: &str) -> Option<String> {
    match name {
        "TOKEN" => Some("0123456789abcdef".to_owned()),
        "DB_URL" => Some("postgres://evenkeel:s3cr3t-passw0rd@db.lan:6543/home".to_owned()),
        "DB_PASSWORD" => Some("s3cr3t-passw0rd\n".to_owned()),
        "BAD_URL" => Some("postgres://evenkeel:s3cr3t-passw0rd@db.lan:port/home".to_owned()),
        _ => None,
    }
}

fn parse(store: &str) -> Result<Config, Errors> {
    let text =
        format!("[netbox]\nurl = \"https://netbox.lan\"\ntoken = {{ env = \"TOKEN\" }}\n[store]\n{store}");
    let now: Timestamp = "2026-06-01T12:00:00Z".parse().unwrap();
    Config::parse(Path::new("evenkeel.toml"), &text, &env, now)
}

fn postgres(store: &str) -> Postgres {
    match parse(store).unwrap_or_else(|errors| panic!("{errors}")).store.place {
        Place::Postgres(server) => server,
        Place::Sqlite { .. } => panic!("a file"),
    }
}

fn mistakes(store: &str) -> String {
    match parse(store) {
        Ok(_) => panic!("no mistake was found"),
        Err(errors) => {
            let text = errors.to_string();
            assert!(!text.contains("s3cr3t"), "{text}");
            text
        }
    }
}

#[test]
fn a_server_is_named_with_its_password_beside_it_or_as_one_secret() {
    let server = postgres("url = \"postgres://evenkeel@db.lan/home\"\npassword = { env = \"DB_PASSWORD\" }");
    assert_eq!(
        server,
        Postgres {
            url: Secret::new("postgres://evenkeel@db.lan/home"),
            password: Some(Secret::new("s3cr3t-passw0rd")),
            ca_file: None,
            schema: "public".to_owned(),
            transaction_pooler: false,
            plaintext: false,
            connections: 8,
        }
    );
    let server = postgres("url = { env = \"DB_URL\" }\ntransaction_pooler = true\nschema = \"home\"");
    assert_eq!(server.url.expose(), "postgres://evenkeel:s3cr3t-passw0rd@db.lan:6543/home");
    assert!(server.transaction_pooler);
    assert!(!format!("{server:?}").contains("s3cr3t"));
}

#[test]
fn a_socket_and_a_name_among_replicas_are_taken() {
    let config = parse("url = \"postgresql:///home?host=/run/postgresql\"\nreplica = \"attic\"").unwrap();
    assert_eq!(config.store.replica.as_deref(), Some("attic"));
}

/// Each mistake without the file and the line it stands in.
fn what(store: &str) -> Vec<String> {
    mistakes(store).lines().map(|line| line.splitn(3, ':').nth(2).unwrap().trim().to_owned()).collect()
}

#[test]
fn a_file_and_a_server_at_once_and_the_keys_of_the_other_are_mistakes() {
    assert_eq!(
        what("path = \"a.db\"\nurl = \"postgres://db.lan/home\"\nsynchronous = \"full\""),
        [
            "store.path: names a SQLite file, and `url` a server; the state is in one of the two",
            "store.synchronous: is for SQLite, and `url` names a server",
        ]
    );
    let not_here = "is for PostgreSQL, and no `url` names a server";
    assert_eq!(
        what("schema = \"home\"\nconnections = 4\nreplica = \"attic\"\npassword = { env = \"DB_PASSWORD\" }"),
        ["schema", "connections", "replica", "password"].map(|key| format!("store.{key}: {not_here}"))
    );
}

#[test]
fn an_address_that_cannot_be_used_is_refused_and_its_password_not_repeated() {
    let written = "store.url: holds a password, which is not written in the configuration; take it out and write \
                   password = { env = \"NAME\" }, or write the whole address as { env = \"NAME\" }";
    assert_eq!(what("url = \"postgres://evenkeel:s3cr3t@db.lan/home\""), [written]);
    assert_eq!(what("url = \"postgres://db.lan/home?password=s3cr3t\""), [written]);
    let form = "write postgres://user@host/database";
    for (url, why) in [
        ("{ env = \"BAD_URL\" }", "invalid port number"),
        ("\"mysql://db.lan/home\"", "`mysql` is not supported"),
        ("\"db.lan\"", "is not an address"),
    ] {
        let told = what(&format!("url = {url}"));
        assert!(told.len() == 1 && told[0].contains(why) && told[0].contains(form), "{told:?}");
    }
}

#[test]
fn what_would_not_work_is_refused() {
    assert_eq!(
        what(
            "url = \"postgres://db.lan/home\"\nschema = \"my schema\"\nconnections = 1\ntransaction_pooler = \"yes\""
        ),
        [
            "store.schema: must be 1 to 63 letters, digits and `_`",
            "store.connections: must be at least 2",
            "store.transaction_pooler: must be true or false, without quotes, not a text",
        ]
    );
}
