//! Mistakes in a configuration are said all at once, each with its line and what to do about it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a panic in a test is the failed assertion itself")]

use std::path::Path;

use evenkeel::config::{Config, Described, Errors, SinkConfig};
use evenkeel_core::{EventType, HostName, Severity, Transition};
use jiff::Timestamp;
use proptest::prelude::*;

const NETBOX: &str = "[netbox]\nurl = \"https://netbox.lan\"\ntoken = { env = \"TOKEN\" }\n";

fn env(name: &str) -> Option<String> {
    match name {
        "TOKEN" => Some("0123456789abcdef".to_owned()),
        "EMPTY" => Some("\n".to_owned()),
        _ => None,
    }
}

fn now() -> Timestamp {
    "2026-06-01T12:00:00Z".parse().unwrap()
}

fn parse(text: &str) -> Result<Config, Errors> {
    Config::parse(Path::new("evenkeel.toml"), text, &env, now())
}

fn mistakes(text: &str) -> String {
    match parse(text) {
        Ok(_) => panic!("no mistake was found"),
        Err(errors) => errors.to_string(),
    }
}

/// The mistakes of a text that is added to a sound beginning of three lines.
fn added(text: &str) -> String {
    mistakes(&format!("{NETBOX}{text}"))
}

fn warnings(text: &str) -> String {
    let config = parse(&format!("{NETBOX}{text}")).unwrap();
    config.warnings.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

#[test]
fn all_mistakes_are_said_at_once_with_their_lines() {
    insta::assert_snapshot!(mistakes(r#"
[netbox]
url = "http://netbox.bruce.lan"
token = "0123456789"
timeout = 30
verify_ssl = false

[[docker]]
name = "box2-media"
endpiont = "unix:///var/run/docker.sock"

[[docker]]
name = "Box2-Media"
endpoint = "tcp://192.168.2.16:2375"

[policy]
restart_loop = "three"

[policy.confirm.by_type.SERVICE_MISING]
open_after = 0

[[ignore]]
name = "everything"

[http]
listen = "0.0.0.0:9797"

[log]
format = "xml"

[metrics]
"#), @r#"
    evenkeel.toml:3: netbox.url: is plain http to another machine: whoever reads along has the token; use https, or say insecure_http = true
    evenkeel.toml:4: netbox.token: secrets are not written in the configuration; use { env = "NAME" } or { file = "/path" }
    evenkeel.toml:5: netbox.timeout: a duration needs a unit: write "30s" for seconds, or "30m" for minutes
    evenkeel.toml:6: netbox.verify_ssl: is not a key of [netbox]: the certificate check cannot be switched off; pin a self-signed certificate with `pin` (`evenkeel doctor` prints its fingerprint) or name its authority with `ca_file`
    evenkeel.toml:10: docker[0].endpiont: is not a key of [[docker]]; did you mean `endpoint`?
    evenkeel.toml:13: docker[1].name: `Box2-Media` is the name of another one (line 9); each needs its own
    evenkeel.toml:14: docker[1].endpoint: http://192.168.2.16:2375 is plain http to another machine: whoever reads along sees every container, and whoever reaches the port controls it; use tls (port 2376) or ssh, or say insecure_http = true for a read-only socket proxy
    evenkeel.toml:17: policy.restart_loop: must be a whole number, not a text
    evenkeel.toml:19: policy.confirm.by_type.SERVICE_MISING: `SERVICE_MISING` is not an event type; did you mean SERVICE_MISSING?
    evenkeel.toml:20: policy.confirm.by_type.SERVICE_MISING.open_after: must be at least 1
    evenkeel.toml:22: ignore[0].reason: is missing; write a text here
    evenkeel.toml:22: ignore[0]: selects nothing; name types, hosts, services, tags or tenants (hosts = ["*"] for everything)
    evenkeel.toml:26: http.listen: 0.0.0.0:9797 is reachable from other machines, and nobody would have to say who they are; listen on 127.0.0.1, or name users, tokens or a proxy in [access] (`evenkeel passwd NAME` prints the lines of a user)
    evenkeel.toml:29: log.format: `xml` is not a log format; use one of text, json
    evenkeel.toml:31: metrics: is not a key of the file; it takes netbox, docker_defaults, docker, proxmox, truenas, probe, push, policy, alias, ignore, severity, silence, store, http, access, sink, remediation, heartbeat, schedule, log
    "#);
}

#[test]
fn a_file_that_is_no_toml_is_said_with_its_line() {
    insta::assert_snapshot!(mistakes("[netbox]\nurl = https://netbox.lan\n"), @"evenkeel.toml:2: string values must be quoted, expected literal string");
}

#[test]
fn an_empty_file_says_what_must_be_there() {
    insta::assert_snapshot!(mistakes(""), @r"
    evenkeel.toml: netbox.url: is missing; write an address here
    evenkeel.toml: netbox.token: is missing; write a secret here
    ");
}

#[test]
fn a_duration_needs_its_unit() {
    insta::assert_snapshot!(added("[schedule]\nresync = 600\nrecheck = \"10\"\ndocker_interval = \"0s\"\nworkers = 0"), @r#"
    evenkeel.toml:5: schedule.resync: a duration needs a unit: write "600s" for seconds, or "600m" for minutes
    evenkeel.toml:6: schedule.recheck: a duration needs a unit: write "10s" for seconds, or "10m" for minutes
    evenkeel.toml:7: schedule.docker_interval: must be longer than zero
    evenkeel.toml:8: schedule.workers: must be at least 1
    "#);
}

#[test]
fn a_secret_is_never_written_nor_repeated() {
    let text = "[netbox]\nurl = \"https://netbox.lan\"\ntoken = \"hunter2hunter2\"";
    let said = mistakes(text);
    assert!(!said.contains("hunter2"), "{said}");
    for (token, part) in [
        ("{ env = \"NOWHERE\" }", "no variable NOWHERE"),
        ("{ env = \"EMPTY\" }", "the variable EMPTY is empty"),
        ("{ env = \"nbt_hunter.2hunter2\" }", "no variable of this name"),
        ("{ env = \"abcdef0123456789\" }", "no variable of this name"),
        ("{ file = \"nowhere\" }", "the file nowhere cannot be read"),
        ("{ env = \"TOKEN\", file = \"x\" }", "one of the two"),
        ("{ }", "says nothing"),
        ("{ vault = \"x\" }", "is not a key of"),
        ("5", "is not a secret"),
    ] {
        let said = mistakes(&format!("[netbox]\nurl = \"https://netbox.lan\"\ntoken = {token}\n"));
        assert!(said.contains(part), "{token}: {said}");
        assert!(!said.contains("hunter") && !said.contains("abcdef"), "{token}: {said}");
    }
}

#[test]
fn a_secret_file_is_read_without_its_last_line_break() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("token"), "0123456789abcdef\r\n").unwrap();
    let text = "[netbox]\nurl = \"https://netbox.lan\"\ntoken = { file = \"token\" }";
    let config = Config::parse(&folder.path().join("evenkeel.toml"), text, &env, now()).unwrap();
    assert_eq!(config.netbox.token.expose(), "0123456789abcdef");
}

#[test]
fn a_token_does_not_travel_in_the_clear_beyond_this_machine_without_consent() {
    let with =
        |url: &str, more: &str| format!("[netbox]\nurl = \"{url}\"\ntoken = {{ env = \"TOKEN\" }}\n{more}");
    assert!(mistakes(&with("http://192.168.2.113:8000", "")).contains("insecure_http = true"));
    assert!(parse(&with("http://192.168.2.113:8000", "insecure_http = true")).is_ok());
    assert!(parse(&with("http://127.0.0.1:8000", "")).is_ok());
    assert!(parse(&with("http://[::1]:8000", "")).is_ok());
    let said = mistakes(&with("https://david:hunter2@netbox.lan", ""));
    assert!(said.contains("secrets have keys of their own") && !said.contains("hunter2"), "{said}");
}

#[test]
fn two_engines_of_one_name_or_for_one_host_are_refused() {
    insta::assert_snapshot!(added(r#"
[[docker]]
name = "media"
host = "box2-media"
endpoint = "unix:///var/run/docker.sock"
[[docker]]
name = "media"
host = "Box2-Media.bruce.lan"
endpoint = "ssh://box2-media"
"#), @r"
    evenkeel.toml:10: docker[1].name: `media` is the name of another one (line 6); each needs its own
    evenkeel.toml:11: docker[1].host: `Box2-Media.bruce.lan` is the host of another one (line 7); each needs its own
    ");
}

#[test]
fn an_engine_in_the_clear_needs_consent_and_certificates_need_tls() {
    insta::assert_snapshot!(added(r#"
[[docker]]
name = "a"
endpoint = "tcp://192.168.2.16:2375"
[[docker]]
name = "b"
endpoint = "unix:///var/run/docker.sock"
pin = "abcd"
[[docker]]
name = "c"
endpoint = "npipe:////./pipe/docker_engine"
client_cert = "nowhere.pem"
"#), @r"
    evenkeel.toml:7: docker[0].endpoint: http://192.168.2.16:2375 is plain http to another machine: whoever reads along sees every container, and whoever reaches the port controls it; use tls (port 2376) or ssh, or say insecure_http = true for a read-only socket proxy
    evenkeel.toml:11: docker[1].pin: is not a sha-256 fingerprint: 32 bytes in hexadecimal are needed, with or without colons
    evenkeel.toml:11: docker[1].pin: has no use here: the endpoint does not use tls; write https:// or port 2376
    evenkeel.toml:14: docker[2].endpoint: the endpoint scheme `npipe` is not supported; use unix, tcp, http, https or ssh
    evenkeel.toml:15: docker[2].client_cert: nowhere.pem cannot be read: No such file or directory (os error 2)
    ");
}

#[test]
fn a_list_of_tables_with_one_bracket_is_recognised() {
    let said = added("[docker]\nname = \"a\"\n");
    assert!(
        said.contains("evenkeel.toml:4: docker: is a list of tables; write [[docker]] with two brackets"),
        "{said}"
    );
}

#[test]
fn rules_say_whom_they_concern_why_and_until_when() {
    insta::assert_snapshot!(added(r#"
[[ignore]]
name = "a"
reason = "because"
[[ignore]]
name = "a"
hosts = []
types = ["VM_NOT_RUNNING", "SERVICE_MISSNG"]
[[silence]]
name = "b"
reason = "work"
hosts = ["*"]
[[silence]]
name = "c"
reason = "work"
hosts = ["*"]
starts = 2026-07-02
ends = 2026-07-01T00:00:00Z
[[silence]]
name = "d"
reason = "work"
hosts = ["*"]
ends = 2026-07-01T18:00:00
[[severity]]
severity = "urgent"
services = ["postgres"]
"#), @r#"
    evenkeel.toml:5: ignore[0]: selects nothing; name types, hosts, services, tags or tenants (hosts = ["*"] for everything)
    evenkeel.toml:8: ignore[1].reason: is missing; write a text here
    evenkeel.toml:9: ignore[1].name: `a` is taken by another rule of this kind; give each its own name
    evenkeel.toml:10: ignore[1].hosts: is an empty list, which would mean `any`; leave the key out or name what is meant
    evenkeel.toml:11: ignore[1].types[1]: `SERVICE_MISSNG` is not an event type; did you mean `SERVICE_MISSING`?
    evenkeel.toml:12: silence[0].ends: is missing; write a date or moment here
    evenkeel.toml:21: silence[1].ends: lies before its start; exchange the two or correct one
    evenkeel.toml:26: silence[2].ends: `2026-07-01T18:00:00` needs a time zone; write 2026-07-01T18:00:00Z for UTC, or 2026-07-01T18:00:00+01:00
    evenkeel.toml:28: severity[0].severity: `urgent` is not a severity; use one of info, low, medium, high, critical
    "#);
}

#[test]
fn older_names_of_event_types_are_understood() {
    let text = "[[severity]]\nseverity = \"low\"\ntypes = [\"vm_not_running\", \"HOST_NOT_RESPONDING\"]\n";
    let config = parse(&format!("{NETBOX}{text}")).unwrap();
    let types: Vec<_> = config.policy.severity[0].matcher.types.iter().map(|kind| kind.code()).collect();
    assert_eq!(types, ["VM_DOWN", "NODE_UNREACHABLE"]);
}

#[test]
fn sinks_are_checked_by_themselves_and_against_each_other() {
    insta::assert_snapshot!(added(r#"
[[sink]]
name = "n8n"
url = "ftp://n8n.lan/x"
secrets = { env = "TOKEN" }
success = "maybe"
[[sink]]
name = "n8n"
kind = "webhok"
url = { env = "NOWHERE" }
timeout = "2m"
[sink.filter]
min_severity = "hihg"
[[sink]]
name = "metadata"
url = "http://169.254.169.254/"
timeout = "2m"
header = { name = "webhook-id", value = { env = "TOKEN" } }
"#), @r"
    evenkeel.toml:7: sink[0].url: must start with http:// or https://
    evenkeel.toml:8: sink[0].secrets: number 1: has 16 bytes, must have 24 to 64; make one with: echo whsec_$(openssl rand -base64 32)
    evenkeel.toml:9: sink[0].success: `maybe` is not a sign of success; use one of 2xx, accepted
    evenkeel.toml:11: sink[1].name: `n8n` is the name of another one (line 6); each needs its own
    evenkeel.toml:12: sink[1].kind: `webhok` is not a kind of sink; did you mean `webhook`?
    evenkeel.toml:13: sink[1].url: the environment has no variable NOWHERE; set it
    evenkeel.toml:14: sink[1].timeout: must be above zero and at most 60 s
    evenkeel.toml:16: sink[1].filter.min_severity: `hihg` is not a severity; did you mean `high`?
    evenkeel.toml:19: sink[2].url: is a link-local or metadata address; set allow_link_local if that is meant
    evenkeel.toml:20: sink[2].timeout: must be above zero and at most 60 s
    evenkeel.toml:21: sink[2].header: webhook-id is set by evenkeel itself
    ");
}

#[test]
fn a_journal_needs_a_token_of_its_own_and_takes_what_has_a_journal() {
    insta::assert_snapshot!(added(r#"
[[sink]]
name = "without a token"
kind = "netbox_journal"
user = "ada"
[[sink]]
name = "in the open"
kind = "netbox_journal"
url = "http://netbox.lan"
token = { env = "TOKEN" }
timeout = "2m"
[sink.filter]
types = ["VM_UNDECLARED"]
"#), @r#"
    evenkeel.toml:5: sink[0].token: is missing; write a secret here
    evenkeel.toml:8: sink[0].user: is not a key of [[sink]] kind = "netbox_journal"; it takes name, kind, filter, notices, url, token, click, insecure_http, timeout, ca_file, pin, client_cert, client_key, allow_link_local
    evenkeel.toml:12: sink[1].url: is plain http to another machine: whoever reads along has the token; use https, or say insecure_http = true
    evenkeel.toml:14: sink[1].timeout: must be above zero and at most 60 s
    evenkeel.toml:16: sink[1].filter.types: has VM_UNDECLARED, which is about what NetBox does not know: it has no journal
    "#);
    let same = "[[sink]]\nname = \"j\"\nkind = \"netbox_journal\"\ntoken = { env = \"TOKEN\" }\n";
    let warned = warnings(same);
    assert!(warned.contains("sink[0].token: is the token of [netbox]"), "{warned}");
}

#[test]
fn a_journal_is_where_the_intent_is_unless_told_otherwise_and_gets_what_began_and_ended_on_hosts() {
    let netbox = "[netbox]\nurl = \"https://netbox.lan/ops/\"\ntoken = { env = \"TOKEN\" }\npin = \"PIN\"\n";
    let netbox = netbox.replace("PIN", &"ab".repeat(32));
    let sink = "[[sink]]\nname = \"j\"\nkind = \"netbox_journal\"\ntoken = { env = \"WRITER\" }\n";
    let env = |name: &str| match name {
        "WRITER" => Some("fedcba9876543210".to_owned()),
        name => env(name),
    };
    let read = |text: String| {
        let config = Config::parse(Path::new("evenkeel.toml"), &text, &env, now()).unwrap();
        assert!(config.warnings.iter().all(|warning| !warning.to_string().contains("token")));
        config
    };
    let config = read(format!("{netbox}{sink}"));
    let SinkConfig { kind, filter, trust, .. } = &config.sinks[0];
    assert_eq!((kind.word(), kind.place()), ("netbox_journal", "https://netbox.lan".to_owned()));
    assert_eq!(trust, &config.netbox.trust);
    let concerns = |kind, host: Option<&str>, transition| {
        let host = host.map(HostName::new);
        let about =
            Described { kind, severity: Severity::Info, host: host.as_ref(), tenant: None, tags: &[] };
        filter.passes(about, transition)
    };
    for transition in [Transition::Opened, Transition::Reopened, Transition::Resolved] {
        assert!(concerns(EventType::ServiceMissing, Some("box"), transition));
    }
    for (kind, host, transition) in [
        (EventType::VmUndeclared, Some("box"), Transition::Opened),
        (EventType::SnapshotError, None, Transition::Opened),
        (EventType::ServiceMissing, Some("box"), Transition::Changed),
        (EventType::ServiceMissing, Some("box"), Transition::Reminder),
    ] {
        assert!(!concerns(kind, host, transition), "{kind} {transition}");
    }
    let elsewhere = read(format!("{netbox}{sink}url = \"https://other.lan\"\n"));
    assert_eq!(elsewhere.sinks[0].kind.place(), "https://other.lan");
    assert_eq!(elsewhere.sinks[0].trust, Default::default());
}

#[test]
fn each_kind_of_sink_takes_its_own_keys_and_says_its_own_mistakes() {
    insta::assert_snapshot!(added(r#"
[[sink]]
name = "phone"
kind = "ntfy"
url = "https://ntfy.lan"
topic = "a/b"
user = "ada"
group_wait = "1h"
quiet = "22-7"
digest = "someday 8"
time_zone = "Mars/Olympus"
remind = "1m"
token = { env = "TOKEN" }
secrets = { env = "TOKEN" }
[[sink]]
name = "alerts"
kind = "alertmanager"
url = "http://am.lan"
labels = { handle = "x", team = 1 }
repeat = "0s"
notices = true
[sink.filter]
tags = []
transitions = ["opened"]
[[sink]]
name = "bus"
kind = "nats"
servers = ["http://nats.lan"]
subject = "a..b"
notices_subject = "c"
password = { env = "TOKEN" }
credentials = { env = "TOKEN" }
[[sink]]
name = "room"
kind = "chat"
url = "https://chat.lan"
format = "slak"
template = "{{ x }}"
quiet = "22:00-07:00"
[[sink]]
name = "other room"
kind = "chat"
url = "https://chat.lan"
template = '{"text": "{{ title }}"}'
click = "javascript:alert(1)"
[[sink]]
name = "third room"
kind = "chat"
url = "https://chat.lan"
"#), @r#"
    evenkeel.toml:9: sink[0].topic: is no topic: 1 to 64 letters, digits, `_` and `-`
    evenkeel.toml:11: sink[0].group_wait: must be at most 10 m; a digest sums up what is longer
    evenkeel.toml:12: sink[0].quiet: `22-7` are no hours; write "22:00-07:00"
    evenkeel.toml:13: sink[0].digest: `someday 8` is no day and hour; write "daily 08:00" or "monday 08:00"
    evenkeel.toml:14: sink[0].time_zone: `Mars/Olympus` is no time zone; write one like "Europe/Paris" or "UTC"
    evenkeel.toml:15: sink[0].remind: must be at least 5 m
    evenkeel.toml:16: sink[0].token: stands beside user or password; one of the two is enough
    evenkeel.toml:17: sink[0].secrets: is not a key of [[sink]] kind = "ntfy"; it takes name, kind, filter, notices, url, topic, token, user, password, click, timeout, ca_file, pin, client_cert, client_key, allow_link_local, group_wait, group_by, quiet, quiet_below, time_zone, digest, remind
    evenkeel.toml:18: sink[1].urls: is missing; write a list of addresses or secrets here
    evenkeel.toml:21: sink[1].url: is not a key of [[sink]] kind = "alertmanager"; it takes name, kind, filter, notices, urls, labels, repeat, token, user, password, click, timeout, ca_file, pin, client_cert, client_key, allow_link_local
    evenkeel.toml:22: sink[1].labels.team: must be a text in quotes, not a number
    evenkeel.toml:22: sink[1].labels: `handle` is set by evenkeel itself
    evenkeel.toml:23: sink[1].repeat: must be from 1 s to 1 h
    evenkeel.toml:24: sink[1].notices: does not fit an Alertmanager: an alert is a drift that opens and ends, and a notice is neither
    evenkeel.toml:26: sink[1].filter.tags: is an empty list, which would mean `all`; leave the key out or name what is meant
    evenkeel.toml:27: sink[1].filter.transitions: does not fit an Alertmanager: an alert that opens must also end
    evenkeel.toml:31: sink[2].servers: number 1: must start with nats:// or tls://
    evenkeel.toml:32: sink[2].subject: is no subject: words of letters, digits, `-` and `_` with dots between them
    evenkeel.toml:33: sink[2].notices_subject: has no use without notices = true
    evenkeel.toml:34: sink[2].password: needs the name it belongs to; add user
    evenkeel.toml:35: sink[2].credentials: stand beside another login; one of them is enough
    evenkeel.toml:35: sink[2].credentials: is not the content of a .creds file (a JWT and a seed)
    evenkeel.toml:40: sink[3].format: `slak` is not a chat system; did you mean `slack`?
    evenkeel.toml:41: sink[3].template: stands beside another form; one of them is enough
    evenkeel.toml:42: sink[3].quiet: needs to know whose hours these are; add time_zone
    evenkeel.toml:47: sink[4].template: what it makes is no JSON (expected `,` or `}` at line 1 column 12); values bring their own quotes
    evenkeel.toml:48: sink[4].click: must start with http:// or https://
    evenkeel.toml:49: sink[5].format: is missing; write format, template or template_file
    "#);
}

#[test]
fn what_ended_or_observes_nothing_is_a_warning() {
    insta::assert_snapshot!(warnings(r#"
[docker_defaults]
declared_endpoints = false
[[ignore]]
name = "a"
reason = "because"
hosts = ["x"]
expires = 2026-05-31
[[silence]]
name = "b"
reason = "work"
hosts = ["x"]
ends = 2026-05-01T00:00:00Z
"#), @r"
    evenkeel.toml: docker: no engine is named and endpoints declared in NetBox are not used: nothing will be observed; add [[docker]]
    evenkeel.toml:11: ignore[0].expires: this rule ended on 2026-05-31 and does nothing; remove or extend it
    evenkeel.toml:16: silence[0].ends: this silence ended on 2026-04-30 and does nothing; remove it
    ");
    assert!(warnings("").contains("only hosts whose docker_endpoint NetBox declares"));
}

#[test]
fn a_rule_that_ends_today_is_still_in_force_today() {
    let text = "[[docker]]\nname = \"a\"\nendpoint = \"unix:///x\"\n\
                [[ignore]]\nname = \"a\"\nreason = \"b\"\nhosts = [\"x\"]\nexpires = 2026-06-01\n";
    assert_eq!(warnings(text), "");
    assert!(parse(&format!("{NETBOX}{text}")).unwrap().policy.ignore[0].in_force(now()));
}

#[test]
fn a_file_that_is_not_there_is_said_with_what_writes_one() {
    let errors = Config::load(Path::new("/nowhere/evenkeel.toml"), &env).unwrap_err().to_string();
    assert!(errors.starts_with("/nowhere/evenkeel.toml: cannot be read"), "{errors}");
    assert!(errors.contains("examples/minimal.toml"), "{errors}");
}

proptest! {
    #[test]
    fn a_damaged_file_is_read_or_refused_with_lines_that_exist(at in any::<prop::sample::Index>(), with in "\\PC{0,4}") {
        let whole = include_str!("../../../../examples/evenkeel.toml");
        let cut = (0..=at.index(whole.len())).rev().find(|at| whole.is_char_boundary(*at)).unwrap_or(0);
        let rest = whole[cut..].chars().next().map_or(cut, |c| cut + c.len_utf8());
        let text = format!("{}{with}{}", &whole[..cut], &whole[rest..]);
        if let Err(errors) = parse(&text) {
            prop_assert!(!errors.problems().is_empty());
            for problem in errors.problems() {
                prop_assert!(problem.line.is_none_or(|line| line >= 1 && line <= text.lines().count() + 1));
            }
        }
    }
}

#[test]
fn a_sign_of_life_needs_somebody_to_hear_it_and_nothing_of_the_address_is_repeated() {
    let config = parse(&format!("{NETBOX}[heartbeat]\nurl = \"https://hc.lan/ping/4711\"\n")).unwrap();
    let heartbeat = config.heartbeat.unwrap();
    assert_eq!((heartbeat.every.as_secs(), heartbeat.undelivered_after.as_secs()), (60, 3600));
    assert!(!format!("{heartbeat:?}").contains("4711"));
    assert!(parse(NETBOX).unwrap().heartbeat.is_none());
    let said =
        mistakes(&format!("{NETBOX}[heartbeat]\nevery = \"0s\"\nundelivered_after = 5\ninterval = \"1m\"\n"));
    for word in [
        "heartbeat.url: is missing",
        "heartbeat.every",
        "heartbeat.undelivered_after",
        "heartbeat.interval: is not a key",
    ] {
        assert!(said.contains(word), "no {word} in {said}");
    }
    let said = mistakes(&format!("{NETBOX}[heartbeat]\nurl = \"http://169.254.169.254/hunter2\"\n"));
    assert!(said.contains("heartbeat.url: is a link-local") && !said.contains("hunter2"), "{said}");
}
