//! What the Proxmox tests share: a lab, a source pointed at it, machines by key.

#![allow(dead_code, reason = "each test binary uses its part")]

use std::collections::BTreeMap;
use std::time::Duration;

use evenkeel_core::model::{MachineState, ObservedMachine, Survey};
use evenkeel_core::{Fact, Gap, GapKind, Secret, SourceId, SourceKind};
use evenkeel_lab::proxmox::{Cluster, Guest, ProxmoxLab, PveVersion};
use evenkeel_sources::proxmox::{Config, Login, ProxmoxSource};
use evenkeel_sources::{Snapshot, Source};
use tokio::time::timeout;

/// Generous: the machine may be busy. No test waits for it unless it fails.
pub(crate) const SOON: Duration = Duration::from_secs(20);

/// Two nodes, two machines on the first, a machine and a container on the second, a template.
pub(crate) fn two_nodes(version: PveVersion) -> Cluster {
    let mut gold = Guest::vm(900, "pve1", "gold").stopped();
    gold.template = true;
    Cluster::new("lab", version, &["pve1", "pve2"])
        .with(Guest::vm(100, "pve1", "web01").at(&["192.0.2.100", "2001:db8::100"]))
        .with(Guest::vm(101, "pve1", "db01").stopped())
        .with(Guest::vm(102, "pve2", "mail").at(&["192.0.2.102"]))
        .with(Guest::lxc(200, "pve2", "dns").at(&["192.0.2.200"]))
        .with(gold)
        .with_shared("backup", 30 << 40, 40 << 40)
}

/// A lab of [`two_nodes`], which refuses at once.
pub(crate) async fn lab() -> ProxmoxLab {
    let lab = ProxmoxLab::start(two_nodes(PveVersion::V9)).await.unwrap();
    lab.refuse_after(Duration::ZERO);
    lab
}

/// Settings for a source at a lab's nodes.
pub(crate) fn config(lab: &ProxmoxLab) -> Config {
    let endpoints = lab.urls().iter().map(|url| url.parse().unwrap()).collect();
    let login = Login::token(&Secret::new(lab.token())).unwrap();
    Config::new(SourceId::new(SourceKind::Proxmox, "lab"), endpoints, login)
}

/// A source at a lab.
pub(crate) fn source(lab: &ProxmoxLab) -> ProxmoxSource {
    ProxmoxSource::new(config(lab)).unwrap()
}

/// One observation.
pub(crate) async fn observe(source: &ProxmoxSource) -> Survey {
    match timeout(SOON, source.observe()).await.expect("an observation ends") {
        Snapshot::Survey { survey, host: None } => survey,
        other @ (Snapshot::Hosts(_) | Snapshot::Inventory(_) | Snapshot::Survey { .. }) => {
            panic!("a survey expected, got {other:?}")
        }
    }
}

/// An observation that must be complete.
pub(crate) async fn complete(source: &ProxmoxSource) -> Survey {
    let survey = observe(source).await;
    assert_eq!(survey.coverage.gap(), None);
    survey
}

/// An observation with every detail that can be had.
pub(crate) async fn with_details(source: &ProxmoxSource) -> Survey {
    for _ in 0..20 {
        observe(source).await;
        if timeout(SOON, source.details_read()).await.expect("details come back") {
            break;
        }
    }
    observe(source).await
}

/// What keeps an observation from being complete.
pub(crate) async fn gap(source: &ProxmoxSource) -> Gap {
    let survey = observe(source).await;
    survey.coverage.gap().cloned().expect("a gap")
}

/// A machine by key.
pub(crate) fn machine<'a>(survey: &'a Survey, key: &str) -> &'a ObservedMachine {
    survey.machines.iter().find(|m| &*m.key == key).unwrap_or_else(|| panic!("no {key} in {survey:#?}"))
}

/// States by key; what is unknown by the words of its gap.
pub(crate) fn states(survey: &Survey) -> BTreeMap<String, Result<MachineState, (GapKind, String)>> {
    let state = |machine: &ObservedMachine| match &machine.state {
        Fact::Known(state) => Ok(*state),
        Fact::Unknown(gap) => Err((gap.kind, gap.why.to_string())),
    };
    survey.machines.iter().map(|machine| (machine.key.to_string(), state(machine))).collect()
}

/// Why a fact is not known.
pub(crate) fn why<T: std::fmt::Debug>(fact: &Fact<T>) -> (GapKind, String) {
    match fact {
        Fact::Unknown(gap) => (gap.kind, gap.why.to_string()),
        Fact::Known(value) => panic!("known: {value:?}"),
    }
}

/// A text behind an `Arc`.
pub(crate) fn texts(texts: &[&str]) -> Vec<std::sync::Arc<str>> {
    texts.iter().map(|text| std::sync::Arc::from(*text)).collect()
}
