//! `[probe]` and `[[push]]`: what they read to, and which mistakes are said.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a panic in a test is the failed assertion itself")]

use std::path::Path;
use std::time::Duration;

use evenkeel::config::{Config, Errors};
use evenkeel_core::{HostName, SourceId, SourceKind};
use evenkeel_sources::{probe, push};
use jiff::Timestamp;

fn parse(text: &str) -> Result<Config, Errors> {
    let env = |name: &str| match name {
        "TOKEN" => Some("0123456789abcdef".to_owned()),
        "OTHER" => Some("fedcba9876543210".to_owned()),
        "SHORT" => Some("0123".to_owned()),
        "BLANK" => Some("01234567 89abcdef".to_owned()),
        _ => None,
    };
    let netbox = "[netbox]\nurl = \"https://netbox.lan\"\ntoken = { env = \"TOKEN\" }\n";
    let now: Timestamp = "2026-06-01T12:00:00Z".parse().unwrap();
    Config::parse(Path::new("evenkeel.toml"), &format!("{netbox}{text}"), &env, now)
}

fn read(text: &str) -> Config {
    parse(text).unwrap_or_else(|errors| panic!("{errors}"))
}

fn mistakes(text: &str) -> String {
    match parse(text) {
        Ok(_) => panic!("no mistake was found"),
        Err(errors) => errors.to_string(),
    }
}

#[test]
fn nothing_is_probed_and_nobody_may_send_unless_it_is_written() {
    let config = read("");
    assert!(config.probe.is_none() && config.push.is_empty());
}

#[test]
fn the_defaults_of_both_are_those_of_the_sources() {
    let config =
        read("[probe]\n[[push]]\nname = \"scripts\"\ntoken = { env = \"TOKEN\" }\nhosts = [\"box2-*\"]\n");
    let probe = config.probe.unwrap();
    assert_eq!(probe.source, probe::Config::new(SourceId::new(SourceKind::Probe, "main")));
    assert_eq!(format!("{:?}", probe.selection), format!("{:?}", probe::Selection::default()));
    assert_eq!(probe.interval, Duration::from_secs(60));
    let sender = &config.push[0];
    let default = push::Config::new(sender.source.id.clone(), sender.source.hosts.clone());
    assert_eq!(format!("{:?}", sender.source), format!("{default:?}"));
    assert!(sender.source.speaks_about(&HostName::new("BOX2-media")));
    assert!(!sender.source.speaks_about(&HostName::new("truenas")));
    assert!(!format!("{sender:?}").contains("0123456789abcdef"));
}

#[test]
fn web_checks_are_read_with_their_defaults() {
    let config = read(concat!(
        "[probe]\nreference = \"192.168.2.1:53\"\n",
        "[[probe.http]]\nservices = \"netbox\"\npath = \"/login?next=/\"\nexpect = 204\n",
        "[[probe.http]]\nscheme = \"HTTPS\"\nverify_tls = false\nserver_name = \"box.lan\"\nport = 8443\n",
    ));
    let probe = config.probe.unwrap();
    assert_eq!(probe.source.reference, [probe::Reference::parse("192.168.2.1:53").unwrap()]);
    let checks: Vec<_> = probe.selection.http.iter().map(|rule| rule.check.clone()).collect();
    let first = probe::HttpCheck { path: "/login?next=/".into(), expect: 204..=204, ..Default::default() };
    let second = probe::HttpCheck {
        scheme: probe::Scheme::Https,
        verify_tls: false,
        server_name: Some("box.lan".into()),
        port: Some(8443),
        ..Default::default()
    };
    assert_eq!(checks, [first, second]);
}

#[test]
fn a_host_is_tried_where_it_is_said_to_be_reached() {
    let config = read("[probe]\n[[probe.address]]\nhosts = \"box2-*\"\naddress = \"10.8.0.16\"\n");
    let places = config.probe.unwrap().selection.addresses;
    assert!(places[0].hosts[0].matches("box2-media") && places.len() == 1);
    assert_eq!(places[0].address.to_string(), "10.8.0.16");
    let said = mistakes("[probe]\n[[probe.address]]\naddress = \"10.8.0.16:80\"\n");
    for words in ["probe.address[0].hosts: is missing", "`10.8.0.16:80` is not an address"] {
        assert!(said.contains(words), "{words}:\n{said}");
    }
}

#[test]
fn every_mistake_of_a_probe_is_said_at_once() {
    let said = mistakes(concat!(
        "[probe]\nhost = [\"a\"]\ninterval = 30\ntries = 0\nreference = [\"gateway\"]\ninsecure = true\n",
        "[[probe.http]]\npath = \"login\"\nexpect = \"399-200\"\nport = 0\nscheme = \"ftp\"\nserver_name = \"a:1\"\n",
    ));
    for words in [
        "evenkeel.toml:5: probe.host: is not a key of [probe]; did you mean `hosts`?",
        "probe.interval: ",
        "probe.tries: must be at least 1",
        "`gateway` is not an address",
        "the certificate check cannot be switched off",
        "probe.http[0].path: must begin with /",
        "`399-200` is not a status",
        "must be a port",
        "`ftp` is not a scheme",
        "must be a host name",
    ] {
        assert!(said.contains(words), "{words}:\n{said}");
    }
}

#[test]
fn every_mistake_of_a_sender_is_said_at_once_and_no_token_with_it() {
    let said = mistakes(concat!(
        "[[push]]\nname = \"a\"\ntoken = { env = \"TOKEN\" }\nhosts = [\"*\"]\n",
        "[[push]]\nname = \"A\"\ntoken = { env = \"TOKEN\" }\nhosts = []\nmax_age = \"0s\"\n",
        "[[push]]\nname = \"b\"\ntoken = { env = \"SHORT\" }\n",
        "[[push]]\nname = \"c\"\ntoken = { env = \"BLANK\" }\nhosts = \"*\"\n",
        "[[push]]\nname = \"d\"\ntoken = \"written in the file\"\nhosts = \"*\"\n",
        "[[push]]\nname = \"e\"\ntoken = { env = \"OTHER\" }\nhosts = \"*\"\n",
        "[[push]]\nname = \"f\"\ntoken = { env = \"OTHER\" }\nhosts = \"*\"\n",
    ));
    for words in [
        "push[1].name: `A` is the name of another one",
        "push[1].hosts: names no host",
        "push[1].max_age: must be longer than zero",
        "push[2].token: is shorter than 16 characters",
        "push[2].hosts: is missing",
        "push[3].token: must be letters",
        "push[4].token: secrets are not written in the configuration",
        "push[6].token: is the token of push/e as well",
    ] {
        assert!(said.contains(words), "{words}:\n{said}");
    }
    assert!(!said.contains("0123") && !said.contains("fedcba") && !said.contains("written in the file"));
}
