//! `[[proxmox]]`: what is understood, and what is said about mistakes.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a panic in a test is the failed assertion itself")]

use std::path::Path;

use evenkeel::config::{Config, ProxmoxConfig};
use evenkeel_core::{Secret, SourceId, SourceKind};
use evenkeel_sources::proxmox::{Config as Source, Login};

const SECRET: &str = "12345678-1234-4234-8234-123456789abc";

fn env(name: &str) -> Option<String> {
    match name {
        "NETBOX_TOKEN" => Some("0123456789abcdef".to_owned()),
        "PVE_SECRET" => Some(SECRET.to_owned()),
        "PVE_TOKEN" => Some(format!("evenkeel@pve!ro={SECRET}\n")),
        _ => None,
    }
}

fn read(proxmox: &str) -> Result<Vec<ProxmoxConfig>, String> {
    let text =
        format!("[netbox]\nurl = \"https://netbox.lan\"\ntoken = {{ env = \"NETBOX_TOKEN\" }}\n{proxmox}");
    let now = "2026-06-01T12:00:00Z".parse().unwrap();
    let config = Config::parse(Path::new("/etc/evenkeel.toml"), &text, &env, now);
    config.map(|config| config.proxmox).map_err(|errors| errors.to_string())
}

fn mistakes(proxmox: &str) -> String {
    match read(proxmox) {
        Ok(config) => panic!("understood: {config:?}"),
        Err(text) => {
            assert!(!text.contains(SECRET), "{text}");
            text
        }
    }
}

#[test]
fn a_token_is_read_whole_or_in_two_parts_and_the_rest_has_defaults() {
    let begin = "[[proxmox]]\nname = \"box2\"\nendpoints = [\"https://box2.lan:8006\"]\n";
    for token in [
        "token = { env = \"PVE_TOKEN\" }",
        "token_id = \"evenkeel@pve!ro\"\ntoken = { env = \"PVE_SECRET\" }",
    ] {
        let found = read(&format!("{begin}{token}")).unwrap_or_else(|errors| panic!("{errors}"));
        let login = Login::Token { id: "evenkeel@pve!ro".into(), secret: Secret::new(SECRET) };
        let id = SourceId::new(SourceKind::Proxmox, "box2");
        let source = Source::new(id, vec!["https://box2.lan:8006".parse().unwrap()], login);
        assert_eq!(
            found,
            [ProxmoxConfig { source, interval: std::time::Duration::from_secs(10) }],
            "{token}"
        );
    }
}

#[test]
fn a_user_has_a_password_and_a_realm() {
    let begin = "[[proxmox]]\nname = \"box2\"\nendpoints = \"https://box2.lan:8006\"\n";
    let secret = "password = { env = \"PVE_SECRET\" }\n";
    for user in ["user = \"evenkeel@pve\"", "user = \"evenkeel\"\nrealm = \"pve\""] {
        let found = read(&format!("{begin}{secret}{user}")).unwrap_or_else(|errors| panic!("{errors}"));
        assert_eq!(found[0].source.login.who(), "evenkeel@pve");
    }
    for (rest, said) in [
        (format!("{secret}user = \"evenkeel\""), "names no realm"),
        (secret.to_owned(), "a password belongs to somebody"),
        ("user = \"evenkeel@pve\"".to_owned(), "write password = { env"),
        (format!("{secret}user = \"a@pve\"\nrealm = \"pam\""), "is named by `user` already"),
        (format!("{secret}user = \"a@pve\"\ntoken = {{ env = \"PVE_TOKEN\" }}"), "has no use beside `token`"),
        (String::new(), "write token = { env"),
    ] {
        let text = mistakes(&format!("{begin}{rest}"));
        assert!(text.contains(said), "{rest}: {text}");
    }
}

#[test]
fn one_pin_for_several_nodes_is_probably_not_meant() {
    let pin = "ab".repeat(32);
    let text = format!(
        "[netbox]\nurl = \"https://netbox.lan\"\ntoken = {{ env = \"NETBOX_TOKEN\" }}\n[[proxmox]]\nname = \"a\"\n\
         endpoints = [\"https://a:8006\", \"https://b:8006\"]\ntoken = {{ env = \"PVE_TOKEN\" }}\npin = \"{pin}\"\n"
    );
    let now = "2026-06-01T12:00:00Z".parse().unwrap();
    let config = Config::parse(Path::new("/etc/evenkeel.toml"), &text, &env, now).unwrap();
    assert!(config.warnings.iter().any(|warning| warning.what.contains("each node shows its own")));
}

#[test]
fn every_mistake_is_said_at_once() {
    let text = mistakes(
        "[[proxmox]]\nname = \"a\"\nendpoints = [\"http://box2.lan:8006\"]\ntoken = { env = \"PVE_SECRET\" }\n\
         timeout = \"2s\"\ninterval = \"0s\"\nverify_ssl = false\nlock_cap = 6\n\
         [[proxmox]]\nname = \"A\"\nendpoints = []\ntoken_id = \"nobody\"\ntoken = { env = \"PVE_SECRET\" }\n",
    );
    for said in [
        "plain http to another machine",
        "must be the whole token",
        "at least 4s",
        "must be longer than zero",
        "the certificate check cannot be switched off",
        "a duration needs a unit",
        "is the name of another one",
        "must name a node at least",
        "must look like evenkeel@pve!ro",
    ] {
        assert!(text.contains(said), "{said} is not in:\n{text}");
    }
}
