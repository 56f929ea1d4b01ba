//! The workflows under `compose/n8n`: what n8n needs to import and run them, as far as it is known, and what evenkeel
//! needs of them. What is not tested here: n8n itself.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a panic in a test is the failed assertion itself"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use evenkeel_core::remediation::Param;
use evenkeel_lab::n8n::REQUEST;
use serde_json::Value;

/// Node types and the versions that n8n 1.123.81 was seen to import and run.
const NODES: &[(&str, f64)] = &[
    ("n8n-nodes-base.webhook", 2.0),
    ("n8n-nodes-base.code", 2.0),
    ("n8n-nodes-base.respondToWebhook", 1.1),
    ("n8n-nodes-base.if", 2.0),
    ("n8n-nodes-base.httpRequest", 4.2),
];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../compose/n8n")
}

/// Every workflow by its file.
fn workflows() -> BTreeMap<String, Value> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "json") {
            let list: Vec<Value> = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
            let [workflow] = <[Value; 1]>::try_from(list).expect("one workflow per file");
            found.insert(path.file_name().unwrap().to_string_lossy().into_owned(), workflow);
        }
    }
    assert_eq!(found.len(), 4);
    found
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("not a text: {value}"))
}

fn nodes(workflow: &Value) -> &[Value] {
    workflow["nodes"].as_array().unwrap()
}

fn node<'a>(workflow: &'a Value, name: &str) -> &'a Value {
    nodes(workflow).iter().find(|node| node["name"] == name).expect("a node of this name")
}

fn of_type<'a>(workflow: &'a Value, kind: &str) -> Vec<&'a Value> {
    nodes(workflow).iter().filter(|node| node["type"] == format!("n8n-nodes-base.{kind}")).collect()
}

/// The nodes that an output of a node leads to; none if it has no such output.
fn leads_to<'a>(workflow: &'a Value, from: &str, output: usize) -> Vec<&'a str> {
    let targets = workflow["connections"][from]["main"][output].as_array();
    targets.into_iter().flatten().map(|to| text(&to["node"])).collect()
}

#[test]
fn every_node_is_one_that_n8n_was_seen_to_run_and_every_connection_joins_two() {
    let (mut ids, mut paths, mut hooks) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for (file, workflow) in &workflows() {
        let id = text(&workflow["id"]).to_owned();
        assert!(id.len() == 16 && id.chars().all(|c| c.is_ascii_alphanumeric()) && ids.insert(id), "{file}");
        assert_eq!(workflow["active"], false, "{file}");
        let names: BTreeSet<&str> = nodes(workflow).iter().map(|node| text(&node["name"])).collect();
        assert_eq!(names.len(), nodes(workflow).len(), "{file}: names are what connections go by");
        for node in nodes(workflow) {
            let known = (text(&node["type"]), node["typeVersion"].as_f64().unwrap());
            assert!(NODES.contains(&known), "{file}: {known:?}");
            assert_eq!(node["position"].as_array().unwrap().len(), 2, "{file}");
            // An expression that names a node that is not there fails when it runs, not when it is imported.
            let written = node["parameters"].to_string();
            for (at, _) in written.match_indices("$('") {
                let name = written[at + 3..].split('\'').next().unwrap();
                assert!(names.contains(name), "{file}: $('{name}')");
            }
        }
        let mut reached = BTreeSet::from(["Webhook"]);
        for (from, outputs) in workflow["connections"].as_object().unwrap() {
            assert!(names.contains(from.as_str()), "{file}: {from}");
            for to in
                outputs["main"].as_array().unwrap().iter().flat_map(|targets| targets.as_array().unwrap())
            {
                assert!(names.contains(text(&to["node"])), "{file}: {to}");
                assert!(to["type"] == "main" && to["index"] == 0, "{file}: {to}");
                reached.insert(text(&to["node"]));
            }
        }
        assert_eq!(reached, names, "{file}: what nothing leads to never runs");
        let [webhook] = of_type(workflow, "webhook")[..] else { panic!("{file}: one way in") };
        assert!(paths.insert(webhook["parameters"]["path"].to_string()), "{file}");
        assert!(hooks.insert(webhook["webhookId"].to_string()), "{file}");
    }
}

#[test]
fn a_request_is_verified_before_it_is_answered_and_answered_before_anything_is_done() {
    for (file, workflow) in &workflows() {
        let parameters = &node(workflow, "Webhook")["parameters"];
        assert_eq!(parameters["httpMethod"], "POST", "{file}");
        assert_eq!(parameters["authentication"], "headerAuth", "{file}");
        // Without the Respond node a crash and a success look alike; without the raw body nothing can be verified.
        assert_eq!(parameters["responseMode"], "responseNode", "{file}");
        assert_eq!(parameters["options"]["rawBody"], true, "{file}");
        assert_eq!(leads_to(workflow, "Webhook", 0), ["Verify"], "{file}");
        assert_eq!(leads_to(workflow, "Verify", 0), ["Answer"], "{file}");
        assert_eq!(leads_to(workflow, "Answer", 0), ["Verified and new?"], "{file}");
        assert!(
            leads_to(workflow, "Verified and new?", 1).is_empty(),
            "{file}: what is refused does nothing"
        );
        let answer = &node(workflow, "Answer")["parameters"];
        assert!(text(&answer["responseBody"]).contains("accepted: $json.verified"), "{file}");
        assert_eq!(answer["options"]["responseCode"], "={{ $json.verified ? 202 : 401 }}", "{file}");
        let code = text(&node(workflow, "Verify")["parameters"]["jsCode"]);
        let needed = [
            "webhook-id",
            "webhook-timestamp",
            "webhook-signature",
            "timingSafeEqual",
            "<= 300",
            "request.idempotency_key",
        ];
        for needed in needed {
            assert!(code.contains(needed), "{file}: {needed}");
        }
        let gate = node(workflow, "Verified and new?")["parameters"].to_string();
        assert!(gate.contains("json.verified && !$('Verify').item.json.repeated"), "{file}");
    }
}

#[test]
fn whatever_happens_to_the_action_is_said_by_callback() {
    for (file, workflow) in &workflows() {
        let [act] = leads_to(workflow, "Verified and new?", 0)[..] else { panic!("{file}: one action") };
        assert_eq!(
            node(workflow, act)["onError"],
            "continueErrorOutput",
            "{file}: else a failure is silence"
        );
        for (output, outcome) in [(0, "succeeded"), (1, "failed")] {
            let [callback] = leads_to(workflow, act, output)[..] else { panic!("{file}: output {output}") };
            let callback = node(workflow, callback);
            assert_eq!(callback["retryOnFail"], true, "{file}");
            assert!(text(&callback["parameters"]["url"]).contains("request.callback.url"), "{file}");
            let body = text(&callback["parameters"]["jsonBody"]);
            assert!(
                body.starts_with(&format!("={{{{ JSON.stringify({{ result: '{outcome}', output: ")),
                "{file}"
            );
        }
    }
}

#[test]
fn they_ask_only_for_parameters_there_are_and_the_list_says_which() {
    let list = fs::read_to_string(folder().join("README.md")).unwrap();
    for (file, workflow) in &workflows() {
        let written = workflow["nodes"].to_string();
        let named = |(at, prefix): (usize, &str)| {
            let rest = &written[at + prefix.len()..];
            rest.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next().unwrap().to_owned()
        };
        let used: BTreeSet<String> = written.match_indices("request.proposal.params.").map(named).collect();
        assert!(!used.is_empty(), "{file}");
        for name in &used {
            assert!(Param::parse(name).is_some(), "{file}: {name}");
        }
        let row =
            list.lines().find(|line| line.starts_with(&format!("| `{file}`"))).expect("a row in the list");
        let told = row.rsplit('|').nth(1).unwrap().split('`').skip(1).step_by(2).map(str::to_owned);
        assert_eq!(used, told.collect(), "{file}");
    }
}

#[test]
fn they_read_only_what_a_request_has_and_the_list_shows_one() {
    let request: Value = serde_json::from_str(REQUEST).unwrap();
    for (file, workflow) in &workflows() {
        let written = workflow["nodes"].to_string();
        for (at, prefix) in written.match_indices("request.") {
            let rest = &written[at + prefix.len()..];
            let end =
                rest.find(|c: char| !c.is_ascii_alphanumeric() && !"_.".contains(c)).unwrap_or(rest.len());
            let path = rest[..end].trim_end_matches('.');
            // The end of a sentence.
            if path.is_empty() {
                continue;
            }
            let names = path.split('.');
            // What an action is told differs; the rest is the same for all.
            let mut names = names.take_while(|name| Param::parse(name).is_none());
            let found = names.try_fold(&request, |value, name| value.get(name));
            assert!(found.is_some_and(|found| found != &request), "{file}: request.{path}");
        }
    }
    let list = fs::read_to_string(folder().join("README.md")).unwrap();
    let shown = list.split("```json\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    assert_eq!(serde_json::from_str::<Value>(shown).unwrap(), request);
}

#[test]
fn names_from_outside_cannot_change_an_address() {
    for (file, workflow) in &workflows() {
        for node in of_type(workflow, "httpRequest") {
            let url = text(&node["parameters"]["url"]);
            for (at, _) in url.match_indices("$('Verify').item.json.request.proposal.params") {
                assert!(url[..at].ends_with("encodeURIComponent("), "{file}: {url}");
            }
        }
    }
}

#[test]
fn no_secret_and_no_address_of_anybodys_is_in_them() {
    for (file, workflow) in &workflows() {
        for node in nodes(workflow) {
            for (_, credential) in node["credentials"].as_object().into_iter().flatten() {
                let keys: Vec<&String> = credential.as_object().unwrap().keys().collect();
                assert_eq!(keys, ["id", "name"], "{file}: a credential is named, not written");
            }
        }
        let written = workflow.to_string();
        assert!(written.contains("const SECRETS = ['whsec_REPLACE_ME'];"), "{file}");
        for (at, _) in written.match_indices("://") {
            let host = written[at + 3..].split(['/', '"']).next().unwrap();
            assert!(host.contains(".example.invalid"), "{file}: {host}");
        }
    }
}
