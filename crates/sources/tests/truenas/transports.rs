//! The ways to a TrueNAS: whom it trusts, `midclt` through ssh, what is no TrueNAS at all, and what `doctor` is told. And
//! the answers written after middleware's source: the decoder and the simulated TrueNAS are both held to them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a panic in a test, or in what tests share, is the failed assertion itself"
)]

use std::collections::BTreeSet;

use crate::support::*;
use evenkeel_core::model::{Port, Ports, RunState};
use evenkeel_core::{Coverage, Fact, GapKind};
use evenkeel_lab::truenas::{App, AppState, TruenasLab, TruenasVersion};
use evenkeel_sources::http::{Fingerprint, Trust};
use evenkeel_sources::truenas::{Config, Error, Transport, TruenasSource, decode_apps};
use proptest::prelude::*;
use serde_json::{Value, json};

fn documented(name: &str) -> Value {
    let path = format!("{}/tests/fixtures/truenas/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn keys(value: &Value) -> BTreeSet<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

#[test]
fn the_documented_app_is_read() {
    let answer = documented("app.query.response")["result"].to_string();
    let services = decode_apps(answer.as_bytes()).unwrap();
    assert_eq!(services.len(), 1);
    let jellyfin = &services[0];
    assert_eq!(jellyfin.name.as_str(), "jellyfin");
    assert_eq!(jellyfin.state, Fact::Known(RunState::Running));
    assert_eq!(jellyfin.ports.known().unwrap().open, Ports::new([Port::tcp(30013)]));
    assert_eq!(jellyfin.image.as_deref(), Some("jellyfin/jellyfin:10.10.7"));
    assert_eq!(jellyfin.replicas, 1);
}

#[tokio::test]
async fn the_simulated_app_has_the_documented_form() {
    let lab = TruenasLab::start(TruenasVersion::V25_10).await.unwrap();
    lab.edit(|state| state.apps.insert("jellyfin".into(), App::new("jellyfin/jellyfin:10.10.7", &[30013])));
    let client = evenkeel_sources::http::client(&config(&lab).trust, &Default::default()).unwrap();
    let asked = client.get(format!("{}/api/v2.0/app", lab.url()));
    let answer = asked.header("authorization", format!("Bearer {}", lab.key())).send().await.unwrap();
    let ours: Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
    let documented = documented("app.query.response")["result"].clone();
    assert_eq!(keys(&ours[0]), keys(&documented[0]));
    let (ours, documented) = (&ours[0]["active_workloads"], &documented[0]["active_workloads"]);
    assert_eq!(keys(ours), keys(documented));
    assert_eq!(keys(&ours["container_details"][0]), keys(&documented["container_details"][0]));
    assert_eq!(ours["used_ports"][0]["host_ports"], documented["used_ports"][0]["host_ports"]);
}

#[tokio::test]
async fn a_self_signed_certificate_is_refused_until_it_is_pinned_and_another_one_for_ever() {
    let (lab, other) =
        (lab(TruenasVersion::V25_10).await, TruenasLab::start(TruenasVersion::V26).await.unwrap());
    for trust in
        [Trust::default(), Trust { pin: Some(Fingerprint::of(other.certificate())), ..Trust::default() }]
    {
        for transport in [Transport::Auto, Transport::Rest] {
            let (_, host) = observe(&source(Config { trust: trust.clone(), ..by(&lab, transport) })).await;
            assert_eq!(gap(&host.coverage).kind, GapKind::Unreachable);
            assert!(gap(&host.coverage).why.contains("certificate"), "{:?}", host.coverage);
        }
    }
    assert_eq!(lab.logins(), 0, "no key left");
    let (_, host) = observe(&source(config(&lab))).await;
    assert_eq!(host.coverage, Coverage::Complete);
}

#[tokio::test]
async fn midclt_through_ssh_says_the_same_as_the_socket() {
    for version in TruenasVersion::ALL {
        let lab = lab(version).await;
        lab.set_app("plex", AppState::Crashed);
        let (by_key, by_shell) = (source(config(&lab)), source(shell_config(&lab)));
        let ((survey, host), (survey_by_shell, host_by_shell)) =
            (observe(&by_key).await, observe(&by_shell).await);
        assert_eq!(host.services, host_by_shell.services, "{version:?}");
        assert_eq!(host.coverage, host_by_shell.coverage, "{version:?}");
        assert_eq!(host.facts, host_by_shell.facts, "{version:?}");
        assert_eq!(survey.machines, survey_by_shell.machines, "{version:?}");
        assert_eq!(survey.coverage, survey_by_shell.coverage, "{version:?}");
    }
}

#[tokio::test]
async fn what_ssh_says_is_in_the_gap() {
    let lab = lab(TruenasVersion::V25_10).await;
    let denied = Config { ssh_command: fake_ssh(), ..at(&format!("ssh://denied@{}", lab.shell())) };
    let (survey, host) = observe(&source(denied)).await;
    assert_eq!(gap(&host.coverage).kind, GapKind::Unauthorized);
    assert!(gap(&host.coverage).why.ends_with("Permission denied (publickey)."), "{:?}", host.coverage);
    assert_eq!(survey.coverage, host.coverage);
    let nobody = Config { ssh_command: "/nonexistent/ssh".into(), ..shell_config(&lab) };
    let (_, host) = observe(&source(nobody)).await;
    assert!(gap(&host.coverage).why.contains("cannot run /nonexistent/ssh"), "{:?}", host.coverage);
}

#[tokio::test]
async fn a_source_is_not_built_from_settings_that_make_no_sense() {
    let lab = lab(TruenasVersion::V25_10).await;
    let error = TruenasSource::new(Config { api_key: None, ..config(&lab) }).unwrap_err();
    assert!(matches!(error, Error::Config(_)), "{error}");
    let shown = format!("{:?}", config(&lab));
    assert!(!shown.contains(lab.key()), "{shown}");
}

#[tokio::test]
async fn doctor_is_told_the_certificate_the_versions_and_what_each_method_lacks() {
    let lab = lab(TruenasVersion::V25_10).await;
    let roles = [
        "SYSTEM_GENERAL_READ",
        "APPS_READ",
        "VM_READ",
        "VIRT_INSTANCE_READ",
        "VIRT_GLOBAL_READ",
        "POOL_READ",
    ];
    lab.edit(|state| state.roles = Some(roles.map(str::to_owned).into()));
    for (transport, way) in
        [(Transport::Auto, "JSON-RPC"), (Transport::Rest, "REST"), (Transport::Ssh, "midclt over ssh")]
    {
        let found = source(by(&lab, transport)).check().await;
        assert_eq!(found.session, Ok(way));
        assert_eq!(found.version.as_deref(), Ok("25.10.1"));
        assert_eq!(found.name.as_deref(), Ok("truenas"));
        assert_eq!(found.supported, Some(true));
        let answer =
            |method: &str| &found.methods.iter().find(|found| found.method == method).unwrap().answer;
        assert_eq!(answer("app.query"), &Ok(Some(3)), "{way}");
        assert_eq!(answer("container.query"), &Ok(None), "{way}");
        let gap = answer("docker.network.query").as_ref().unwrap_err();
        assert!(gap.kind == GapKind::Unauthorized && gap.why.contains("DOCKER_READ"), "{gap}");
        if transport == Transport::Auto {
            assert_eq!(found.fingerprint, Some(Ok(Fingerprint::of(lab.certificate()))));
            let versions = found.api_versions.unwrap().unwrap().unwrap();
            assert_eq!(versions.last().map(String::as_str), Some("v25.10.1"));
        }
    }
    // Without trust the fingerprint is what doctor is for.
    let found = source(Config { trust: Trust::default(), ..config(&lab) }).check().await;
    assert_eq!(found.fingerprint, Some(Ok(Fingerprint::of(lab.certificate()))));
    assert!(found.session.is_err() && found.methods.is_empty());
}

/// Any change of a JSON value: something in it removed, replaced, or put there twice.
fn mutated(value: Value) -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[A-Z]{0,8}".prop_map(Value::from),
        Just(json!([])),
        Just(json!({})),
        Just(json!([{"id": {}, "name": 3}])),
    ];
    (any::<prop::sample::Index>(), 0..3_u8, leaf).prop_map(move |(place, how, leaf)| {
        let mut value = value.clone();
        let mut paths = Vec::new();
        walk(&value, String::new(), &mut paths);
        let path = place.get(&paths).clone();
        if let Some(found) = value.pointer_mut(&path) {
            match how {
                0 => *found = leaf,
                1 => *found = Value::Null,
                _ => match found {
                    Value::Array(items) if !items.is_empty() => items.push(items[0].clone()),
                    other @ (Value::Null
                    | Value::Bool(_)
                    | Value::Number(_)
                    | Value::String(_)
                    | Value::Array(_)
                    | Value::Object(_)) => *other = leaf,
                },
            }
        }
        value
    })
}

fn walk(value: &Value, path: String, paths: &mut Vec<String>) {
    match value {
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(n, item)| walk(item, format!("{path}/{n}"), paths));
        }
        Value::Object(fields) => {
            fields.iter().for_each(|(name, field)| walk(field, format!("{path}/{name}"), paths));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
    paths.push(path);
}

fn documented_apps() -> Value {
    documented("app.query.response")["result"].clone()
}

proptest! {
    #[test]
    fn no_change_of_an_answer_makes_the_decoder_fail_or_says_that_a_running_app_is_down(
        answer in mutated(documented_apps()).prop_flat_map(mutated),
    ) {
        let Ok(services) = decode_apps(answer.to_string().as_bytes()) else { return Ok(()) };
        let state = answer.pointer("/0/state").and_then(Value::as_str).map(str::to_ascii_uppercase);
        let down = ["STOPPED", "STOPPING", "CRASHED"];
        for service in &services {
            if let Fact::Known(RunState::Exited) = service.state {
                prop_assert!(state.as_deref().is_some_and(|word| down.contains(&word)), "{answer}");
            }
        }
    }

    #[test]
    fn no_text_makes_the_decoder_fail(text in "[\\[\\]{}\",:a-z0-9 ]{0,80}") {
        let _ = decode_apps(text.as_bytes());
    }
}
