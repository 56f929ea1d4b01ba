//! Every configuration this repository shows is one that is read: the examples, and the blocks in the documentation.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a panic in a test is the failed assertion itself")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use evenkeel::config::{Config, Errors, Place, Synchronous, reference};
use evenkeel_core::EventType;
use evenkeel_core::policy::{Confirm, Policy};
use evenkeel_sources::docker;
use evenkeel_sources::netbox::{FieldNames, Filters};
use evenkeel_store::RetentionPolicy;
use jiff::Timestamp;

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn env(name: &str) -> Option<String> {
    match name {
        "EVENKEEL_STORE_PASSWORD" => Some("0123456789abcdef".to_owned()),
        "N8N_RESTART_URL" => Some("https://n8n.bruce.lan/webhook/4712".to_owned()),
        "N8N_WEBHOOK_URL" => Some("https://n8n.bruce.lan/webhook/4711".to_owned()),
        "HEARTBEAT_URL" => Some("https://hc.bruce.lan/ping/4711".to_owned()),
        "CHAT_WEBHOOK_URL" | "OPS_WEBHOOK_URL" => Some("https://chat.bruce.lan/hooks/4711".to_owned()),
        "N8N_WEBHOOK_SECRET" | "NETBOX_WEBHOOK_SECRET" => Some("0123456789abcdef0123456789abcdef".to_owned()),
        "NETBOX_JOURNAL_TOKEN" => Some("fedcba9876543210".to_owned()),
        name if name.ends_with("TOKEN") || name.ends_with("API_KEY") => Some("0123456789abcdef".to_owned()),
        _ => None,
    }
}

/// Reads a text where the files it names exist.
fn read(text: &str) -> Result<Config, Errors> {
    let folder = tempfile::tempdir().unwrap();
    for quoted in
        text.split('"').filter(|quoted| quoted.starts_with("certs/") || quoted.starts_with("secrets/"))
    {
        let path = folder.path().join(quoted);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "0123456789abcdef0123456789abcdef\n").unwrap();
    }
    let now: Timestamp = "2026-06-01T12:00:00Z".parse().unwrap();
    Config::parse(&folder.path().join("evenkeel.toml"), text, &env, now)
}

fn example(name: &str) -> String {
    fs::read_to_string(repository().join("examples").join(name)).unwrap()
}

/// The text with every line that is a commented-out setting put into force.
fn with_everything_written(text: &str) -> String {
    let setting = |line: &str| {
        line.starts_with('[')
            || line
                .split_once(" = ")
                .is_some_and(|(key, _)| key.chars().all(|c| c.is_ascii_lowercase() || c == '_'))
    };
    let lines = text.lines().map(|line| match line.strip_prefix("# ") {
        Some(rest) if setting(rest) => rest,
        Some(_) | None => line,
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn markdown_below(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            markdown_below(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "md") {
            found.push(path);
        }
    }
}

#[test]
fn every_example_is_read_without_a_warning() {
    let mut count = 0;
    for entry in fs::read_dir(repository().join("examples")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "toml") {
            continue;
        }
        count += 1;
        match read(&fs::read_to_string(&path).unwrap()) {
            Ok(config) => assert!(config.warnings.is_empty(), "{}: {:?}", path.display(), config.warnings),
            Err(errors) => panic!("{}:\n{errors}", path.display()),
        }
    }
    assert!(count >= 3);
}

#[test]
fn every_toml_block_of_the_documentation_is_read() {
    let mut files: Vec<PathBuf> =
        ["README.md", "CONTRIBUTING.md", "SECURITY.md"].map(|name| repository().join(name)).into();
    for folder in ["docs", "compose", "charts", "packaging"] {
        markdown_below(&repository().join(folder), &mut files);
    }
    let mut count = 0;
    for file in files {
        let Ok(text) = fs::read_to_string(&file) else {
            continue;
        };
        for block in text.split("```toml").skip(1) {
            count += 1;
            // A block that shows a part is read as part of the smallest whole.
            let block = block.split("```").next().unwrap().trim_start_matches([' ', ',', '\n']);
            let part = if block.contains("[netbox]") {
                block.to_owned()
            } else {
                format!("{}\n{block}", smallest())
            };
            if let Err(errors) = read(&part) {
                panic!("{}:\n{block}\n{errors}", file.display());
            }
        }
    }
    assert!(count >= 20, "only {count} blocks were found");
}

/// Lines of the example that hold for one of the databases alone.
const SQLITE_ALONE: [&str; 2] = ["path = \"evenkeel.db\"", "synchronous = "];
const POSTGRES_ALONE: [&str; 8] = [
    "url = \"postgres:",
    "password = { env = \"EVENKEEL_STORE_PASSWORD",
    "ca_file = \"certs/db-ca.pem",
    "schema = ",
    "transaction_pooler = ",
    "insecure_plaintext = ",
    "connections = ",
    "replica = ",
];

fn without(text: &str, beginnings: &[&str]) -> String {
    for beginning in beginnings {
        assert!(text.lines().any(|line| line.starts_with(beginning)), "no line begins with {beginning}");
    }
    let is_left = |line: &&str| !beginnings.iter().any(|beginning| line.starts_with(beginning));
    text.lines().filter(is_left).collect::<Vec<_>>().join("\n")
}

fn smallest() -> &'static str {
    "[netbox]\nurl = \"https://netbox.lan\"\ntoken = { env = \"NETBOX_TOKEN\" }\n"
}

#[test]
fn the_commented_example_shows_every_key_and_all_of_them_are_read() {
    let text = with_everything_written(&example("evenkeel.toml"));
    for database in [without(&text, &SQLITE_ALONE), without(&text, &POSTGRES_ALONE)] {
        if let Err(errors) = read(&database) {
            panic!("{errors}");
        }
    }
    let written: BTreeSet<&str> = text
        .lines()
        .flat_map(|line| line.split(['{', ',', '#']))
        .filter_map(|part| part.split_once('=').map(|(key, _)| key.trim()))
        .chain(text.lines().flat_map(|line| line.trim_matches(['[', ']']).split('.')))
        .collect();
    for key in
        reference().lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` |").map(|(key, _)| key))
    {
        assert!(written.contains(key), "{key} is not in examples/evenkeel.toml");
    }
}

#[test]
fn the_defaults_shown_in_the_example_are_the_defaults() {
    let Ok(config) = read(smallest()) else { panic!("the smallest configuration is not read") };
    let Policy {
        rules,
        aliases,
        confirm,
        flap,
        remember,
        remind_after,
        first_run,
        brake,
        ignore,
        severity,
        silences,
        longest_silence,
    } = config.policy;
    // How far looks lie apart is how soon a second one is asked for.
    let default = Policy::default();
    let default =
        Policy { confirm: Confirm { apart: config.schedule.recheck, ..default.confirm }, ..default };
    assert_eq!(config.schedule.recheck.as_secs(), 10);
    assert_eq!(
        (
            rules,
            aliases,
            confirm,
            flap,
            remember,
            remind_after,
            first_run,
            brake,
            ignore,
            severity,
            silences,
            longest_silence
        ),
        (
            default.rules,
            default.aliases,
            default.confirm,
            default.flap,
            default.remember,
            default.remind_after,
            default.first_run,
            default.brake,
            default.ignore,
            default.severity,
            default.silences,
            default.longest_silence
        )
    );
    let netbox =
        evenkeel_sources::netbox::Config::new(config.netbox.url.clone(), config.netbox.token.clone());
    assert_eq!(format!("{:?}", config.netbox), format!("{netbox:?}"));
    assert_eq!((config.netbox.fields, config.netbox.filters), (FieldNames::default(), Filters::default()));
    let template = config.docker_defaults.template;
    assert_eq!(template, docker::Config::new(template.id.clone(), template.endpoint.clone()));
    assert_eq!(config.store.retention, RetentionPolicy::default());
    assert_eq!(config.http.listen.to_string(), "127.0.0.1:9797");
}

#[test]
fn what_the_commented_example_says_is_what_is_understood() {
    let config = read(&example("evenkeel.toml")).unwrap();
    let hosts: Vec<_> = config.docker.iter().map(|engine| engine.host.as_ref().unwrap().as_str()).collect();
    assert_eq!(hosts, ["box2-media", "box2-daily", "box2-observability", "box2-docs"]);
    assert_eq!(config.docker[2].timeout.as_secs(), 5);
    assert_eq!(config.docker[0].timeout.as_secs(), 10);
    let patient = config.policy.confirm.of(EventType::ServiceUnexpected);
    assert_eq!((patient.open_after, patient.open_after_time.as_secs(), patient.resolve_after), (4, 600, 2));
    assert_eq!(config.policy.silences[0].ends.to_string(), "2099-01-06T00:00:00Z");
    let kinds: Vec<_> = config.sinks.iter().map(|sink| sink.kind.word()).collect();
    assert_eq!(
        kinds,
        ["webhook", "webhook", "ntfy", "chat", "chat", "alertmanager", "nats", "netbox_journal"]
    );
    let Place::Sqlite { path, synchronous: Synchronous::Full } = &config.store.place else {
        panic!("{:?}", config.store.place)
    };
    assert!(path.is_absolute() && path.ends_with("evenkeel.db"));
}
