//! What the NetBox tests share: recorded answers, a lab, a source pointed at either.

#![allow(dead_code, reason = "each test binary uses its part")]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use evenkeel_core::model::{ExpectedHost, Inventory};
use evenkeel_core::{Gap, Secret};
use evenkeel_lab::inventory::Inventory as LabInventory;
use evenkeel_lab::netbox::{NetboxLab, NetboxVersion, Recorded, Replay};
use evenkeel_sources::http::Retry;
use evenkeel_sources::netbox::{Config, NetboxSource};
use evenkeel_sources::{Snapshot, Source};
use serde_json::Value;
use url::Url;

/// The recorded versions.
pub(crate) const RECORDED: [(&str, NetboxVersion); 3] =
    [("4.2.9", NetboxVersion::V4_2), ("4.5.2", NetboxVersion::V4_5), ("4.6.8", NetboxVersion::V4_6)];

fn fixtures(version: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(format!("netbox-{version}"))
}

/// A recorded file.
pub(crate) fn recorded(version: &str, name: &str) -> Value {
    let text = std::fs::read_to_string(fixtures(version).join(name)).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// The files that were recorded as whole lists, and the status.
pub(crate) const LISTS: [&str; 15] = [
    "status",
    "devices",
    "virtual-machines",
    "services",
    "ip-addresses",
    "interfaces",
    "vm-interfaces",
    "mac-addresses",
    "clusters",
    "tags",
    "tenants",
    "sites",
    "device-roles",
    "custom-fields",
    "object-changes-mixed",
];

/// The recorded lists of a version, by path.
pub(crate) fn answers(version: &str) -> BTreeMap<String, Recorded> {
    let index = recorded(version, "_index.json");
    LISTS
        .iter()
        .map(|name| {
            let file = format!("{name}.json");
            let entry = &index[&file];
            let path = entry["path"].as_str().unwrap().split('?').next().unwrap().to_owned();
            (path, of_entry(entry, recorded(version, &file).to_string()))
        })
        .collect()
}

/// A recorded answer with its status and headers.
pub(crate) fn of_entry(entry: &Value, body: String) -> Recorded {
    let headers = entry["headers"]
        .as_object()
        .unwrap()
        .iter()
        .filter(|(name, _)| ["content-type", "api-version"].contains(&name.as_str()))
        .map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned()))
        .collect();
    Recorded { status: u16::try_from(entry["status"].as_u64().unwrap()).unwrap(), headers, body }
}

/// Recorded answers, played back.
pub(crate) async fn replay(version: &str) -> Replay {
    Replay::start(answers(version)).await.unwrap()
}

/// The reference NetBox.
pub(crate) async fn lab(version: NetboxVersion) -> NetboxLab {
    NetboxLab::start(LabInventory::reference(), version).await.unwrap()
}

/// Settings for tests: no waiting.
pub(crate) fn config(url: &str, token: &str) -> Config {
    Config {
        timeout: Duration::from_secs(10),
        retry: Retry { times: 1, first: Duration::from_millis(1), longest: Duration::from_millis(5) },
        ..Config::new(Url::parse(url).unwrap(), Secret::new(token))
    }
}

/// A source pointed at a lab.
pub(crate) fn source(lab: &NetboxLab) -> NetboxSource {
    NetboxSource::new(config(&lab.url(), lab.token_v1())).unwrap()
}

/// A source that reads by changelog whatever the size.
pub(crate) fn incremental(lab: &NetboxLab) -> NetboxSource {
    NetboxSource::new(Config { incremental_above: 0, ..config(&lab.url(), lab.token_v1()) }).unwrap()
}

/// One observation.
pub(crate) async fn observe(source: &NetboxSource) -> Inventory {
    match source.observe().await {
        Snapshot::Inventory(inventory) => inventory,
        Snapshot::Hosts(_) | Snapshot::Survey { .. } => panic!("netbox speaks of intent"),
    }
}

/// One observation that must be complete.
pub(crate) async fn complete(source: &NetboxSource) -> Vec<Arc<ExpectedHost>> {
    let inventory = observe(source).await;
    assert_eq!(inventory.coverage.gap(), None);
    inventory.hosts
}

/// One observation that must not be.
pub(crate) async fn gap(source: &NetboxSource) -> Gap {
    let inventory = observe(source).await;
    inventory.coverage.gap().cloned().expect("a gap")
}

/// A host by name.
pub(crate) fn host<'a>(hosts: &'a [Arc<ExpectedHost>], name: &str) -> &'a ExpectedHost {
    hosts.iter().find(|host| host.name.as_str() == name).unwrap_or_else(|| panic!("no host {name}"))
}
