//! `[[truenas]]`: what it takes, what holds without, and mistakes before a key leaves the process.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a panic in a test is the failed assertion itself")]

use std::path::Path;
use std::time::Duration;

use evenkeel::config::{Config, Errors};
use evenkeel_sources::truenas::Transport;
use jiff::Timestamp;

const NETBOX: &str = "[netbox]\nurl = \"https://netbox.lan\"\ntoken = { env = \"TOKEN\" }\n";

fn parse(text: &str) -> Result<Config, Errors> {
    let env = |name: &str| match name {
        "TOKEN" | "KEY" => Some("1-0123456789abcdef".to_owned()),
        "BROKEN" => Some("1-01\n23".to_owned()),
        _ => None,
    };
    let now: Timestamp = "2026-06-01T12:00:00Z".parse().unwrap();
    Config::parse(Path::new("evenkeel.toml"), &format!("{NETBOX}{text}"), &env, now)
}

fn mistakes(text: &str) -> String {
    match parse(text) {
        Ok(_) => panic!("no mistake was found in {text}"),
        Err(errors) => errors.to_string(),
    }
}

#[test]
fn four_lines_are_enough_and_the_rest_has_defaults() {
    let config = parse(
        "[[truenas]]\nname = \"nas\"\nurl = \"https://truenas.lan\"\nuser = \"evenkeel\"\napi_key = { env = \"KEY\" }\n",
    )
    .unwrap();
    let nas = &config.truenas[0];
    assert_eq!(nas.id.to_string(), "truenas/nas");
    assert_eq!((nas.transport, nas.interval), (Transport::Auto, Duration::from_secs(30)));
    assert_eq!((nas.timeout, nas.events, nas.clusters.len()), (Duration::from_secs(10), true, 0));
    assert!(!format!("{nas:?}").contains("0123456789abcdef"), "{nas:?}");
}

#[test]
fn ssh_needs_no_key_and_everything_can_be_said() {
    let config = parse(
        "[[truenas]]\nname = \"nas\"\nurl = \"ssh://root@truenas.lan\"\ntransport = \"ssh\"\nhost = \"TrueNAS\"\n\
         clusters = [\"truenas-apps\", \"TrueNAS\"]\ninterval = \"1m\"\nssh_command = \"bin/ssh\"\n",
    )
    .unwrap();
    let nas = &config.truenas[0];
    assert_eq!(nas.clusters.iter().map(|name| &**name).collect::<Vec<_>>(), ["truenas-apps", "TrueNAS"]);
    assert_eq!((nas.interval, nas.ssh_command.as_path()), (Duration::from_secs(60), Path::new("bin/ssh")));
}

#[test]
fn an_address_without_tls_is_a_mistake_whatever_else_is_right() {
    for url in ["http://truenas.lan", "ws://127.0.0.1/api/current"] {
        let said = mistakes(&format!(
            "[[truenas]]\nname = \"nas\"\nurl = \"{url}\"\nuser = \"u\"\napi_key = {{ env = \"KEY\" }}\n"
        ));
        assert!(said.contains("revokes an API key") && said.contains("https://"), "{said}");
    }
}

#[test]
fn all_mistakes_are_said_at_once_each_at_its_key() {
    let said = mistakes(
        "[[truenas]]\nname = \"nas\"\nurl = \"https://truenas.lan\"\ntransport = \"carrier pigeon\"\ninterval = \"0s\"\n\
         [[truenas]]\nname = \"NAS\"\nurl = \"https://truenas.lan\"\napi_key = \"1-secret\"\nverify_ssl = false\n\
         [[truenas]]\nname = \"c\"\nurl = \"ssh://root@truenas.lan\"\napi_key = { env = \"KEY\" }\n\
         [[truenas]]\nname = \"d\"\nurl = \"https://truenas.lan\"\nuser = \"u\"\napi_key = { env = \"BROKEN\" }\n",
    );
    for part in [
        "truenas[0].transport",
        "truenas[0].interval",
        "truenas[1].name",
        "truenas[1].api_key",
        "truenas[1].user",
        "truenas[1].verify_ssl",
        "truenas[2].api_key",
        "truenas[3].api_key",
    ] {
        assert!(said.contains(part), "{part} is not in:\n{said}");
    }
    assert!(!said.contains("1-secret") && !said.contains("0123456789"), "{said}");
}
