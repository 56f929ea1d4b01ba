//! `[store.retention]` and the size limit: what is taken, and what is said about mistakes.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a panic is the failed test itself"
)]

use std::path::Path;
use std::time::Duration;

use evenkeel::config::{Config, Errors};
use evenkeel_store::{Keep, RetentionPolicy};
use jiff::Timestamp;

fn parse(more: &str) -> Result<Config, Errors> {
    let text = format!(
        "[netbox]\nurl = \"https://netbox.lan\"\ntoken = {{ env = \"TOKEN\" }}\n[docker_defaults]\ndeclared_endpoints = true\n{more}"
    );
    let env = |name: &str| (name == "TOKEN").then(|| "0123456789abcdef".to_owned());
    Config::parse(Path::new("evenkeel.toml"), &text, &env, Timestamp::UNIX_EPOCH)
}

#[test]
fn nothing_written_is_the_defaults_and_both_have_a_limit_each() {
    let config = parse("").unwrap();
    assert_eq!(config.store.retention, RetentionPolicy::default());
    assert_eq!(config.store.size_limit, Some(5_000_000_000));
    assert_eq!(config.policy.rules.limits.database, Some(5_000_000_000));
    let RetentionPolicy { events, snapshots, delivered, dead, journal, proposals } = config.store.retention;
    for keep in [events, snapshots, delivered, dead, journal, proposals] {
        assert!(keep.age.is_some() && keep.count.is_some(), "{keep:?}");
    }
}

#[test]
fn every_limit_can_be_set_and_taken_away() {
    let config = parse(
        "[store]\nsize_limit = \"500 MB\"\n[store.retention]\nevents = \"forever\"\nmax_events = \"unlimited\"\n\
         snapshots = \"1d\"\nmax_snapshots = 10\nmax_journal = 1_000_000\nproposals = \"forever\"\nmax_proposals = 100\n",
    )
    .unwrap();
    assert_eq!(config.policy.rules.limits.database, Some(500_000_000));
    let RetentionPolicy { events, snapshots, delivered, journal, proposals, .. } = config.store.retention;
    assert_eq!(events, Keep { age: None, count: None });
    assert_eq!(snapshots, Keep { age: Some(Duration::from_secs(86_400)), count: Some(10) });
    assert_eq!(delivered, RetentionPolicy::default().delivered);
    assert_eq!(journal.count, Some(1_000_000));
    assert_eq!(proposals, Keep { age: None, count: Some(100) });
    assert_eq!(parse("[store]\nsize_limit = \"off\"").unwrap().policy.rules.limits.database, None);
}

#[test]
fn every_mistake_is_said_at_once_with_what_to_write_instead() {
    let said = parse(
        "[store]\nsize_limit = \"5\"\n[store.retention]\nevents = 90\nmax_events = 0\nsnapshots = \"0s\"\n\
         max_snapshots = \"many\"\nmax_delivered = -1\nmax_dead = 1.5\nmax_journals = 7\n",
    )
    .unwrap_err()
    .to_string();
    for part in [
        "store.size_limit: a size needs a unit: write \"5GB\" or \"5MB\"",
        "store.retention.events: ",
        "store.retention.max_events: must be at least 1, or \"unlimited\"",
        "store.retention.snapshots: must be longer than zero, or \"forever\"",
        "store.retention.max_snapshots: must be a number without quotes, or \"unlimited\"",
        "store.retention.max_delivered: must be a whole number from 0",
        "store.retention.max_dead: ",
        "max_journals",
    ] {
        assert!(said.contains(part), "{part} is missing:\n{said}");
    }
    for (size, part) in [
        ("\"1kB\"", "must be at least \"10MB\", or \"off\""),
        ("\"2 gold\"", "`gold` is not a unit of size"),
        ("5000000000", "a size such as \"500MB\""),
        ("\"\"", "is not a size"),
    ] {
        let said = parse(&format!("[store]\nsize_limit = {size}")).unwrap_err().to_string();
        assert!(said.contains(part), "{size}: {said}");
    }
}
