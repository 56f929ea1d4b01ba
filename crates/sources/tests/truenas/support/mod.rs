//! What the tests of the TrueNAS source share.

#![allow(dead_code, reason = "not every test uses all of it")]

use std::path::{Path, PathBuf};
use std::time::Duration;

use evenkeel_core::model::{HostSnapshot, MachineState, ObservedMachine, ObservedService, RunState, Survey};
use evenkeel_core::{Coverage, Fact, Gap, Secret, SourceId, SourceKind};
use evenkeel_lab::truenas::{TruenasLab, TruenasVersion};
use evenkeel_sources::http::{Fingerprint, Trust};
use evenkeel_sources::truenas::{Address, Config, Transport, TruenasSource};
use evenkeel_sources::{Snapshot, Source};
use tokio::time::timeout;

/// Generous: the machine may be busy. No test waits for it unless it fails.
pub(crate) const SOON: Duration = Duration::from_secs(30);

pub(crate) fn fake_ssh() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/truenas/fake-ssh")
}

/// By key, over TLS, with the certificate pinned.
pub(crate) fn config(lab: &TruenasLab) -> Config {
    Config {
        user: Some(lab.user().to_owned()),
        api_key: Some(Secret::new(lab.key())),
        trust: Trust { pin: Some(Fingerprint::of(lab.certificate())), ..Trust::default() },
        debounce: Duration::ZERO,
        ..at(&lab.url())
    }
}

/// By `midclt`.
pub(crate) fn shell_config(lab: &TruenasLab) -> Config {
    Config { ssh_command: fake_ssh(), ..at(&format!("ssh://root@{}", lab.shell())) }
}

pub(crate) fn at(address: &str) -> Config {
    Config::new(SourceId::new(SourceKind::Truenas, "nas"), Address::parse(address).unwrap())
}

/// The settings for a way that this release can be asked by.
pub(crate) fn by(lab: &TruenasLab, transport: Transport) -> Config {
    match transport {
        Transport::Ssh => shell_config(lab),
        Transport::Auto | Transport::Websocket | Transport::Rest => Config { transport, ..config(lab) },
    }
}

pub(crate) fn source(config: Config) -> TruenasSource {
    TruenasSource::new(config).unwrap()
}

pub(crate) async fn observe(source: &TruenasSource) -> (Survey, HostSnapshot) {
    match timeout(SOON, source.observe()).await.expect("an observation ends") {
        Snapshot::Survey { survey, host: Some(host) } => (survey, host),
        other @ (Snapshot::Survey { .. } | Snapshot::Hosts(_) | Snapshot::Inventory(_)) => {
            panic!("a survey expected, got {other:?}")
        }
    }
}

pub(crate) async fn hears(source: &TruenasSource, part: &str) {
    let hint = timeout(SOON, async { while !source.changed().await.reason.contains(part) {} });
    hint.await.unwrap_or_else(|_| panic!("no hint with `{part}`"));
}

/// Waits for an observation that satisfies the condition.
pub(crate) async fn until(source: &TruenasSource, what: &str, fine: impl Fn(&Survey, &HostSnapshot) -> bool) {
    let watching = async {
        loop {
            let (survey, host) = observe(source).await;
            if fine(&survey, &host) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(SOON, watching).await.unwrap_or_else(|_| panic!("never: {what}"));
}

pub(crate) async fn lab(version: TruenasVersion) -> TruenasLab {
    TruenasLab::of_reference(version).await.unwrap()
}

pub(crate) fn gap(coverage: &Coverage) -> &Gap {
    coverage.gap().expect("a gap")
}

pub(crate) fn service<'a>(host: &'a HostSnapshot, name: &str) -> &'a ObservedService {
    host.services.iter().find(|s| s.name.as_str() == name).unwrap_or_else(|| panic!("no {name}: {host:#?}"))
}

pub(crate) fn machine<'a>(survey: &'a Survey, name: &str) -> &'a ObservedMachine {
    let named = |m: &&ObservedMachine| matches!(&m.name, Fact::Known(known) if &**known == name);
    survey.machines.iter().find(named).unwrap_or_else(|| panic!("no {name}: {survey:#?}"))
}

/// The names that would count as absent, and those shown as down, whatever else is there.
pub(crate) fn accusations(survey: &Survey, host: &HostSnapshot, apps: &[&str], vms: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for app in apps {
        match host.services.iter().find(|service| service.name.as_str() == *app) {
            None if host.coverage.is_complete() => found.push(format!("app {app} is absent")),
            None => {}
            Some(service) => match &service.state {
                Fact::Known(RunState::Running) | Fact::Unknown(_) => {}
                Fact::Known(state) => found.push(format!("app {app} is {}", state.as_str())),
            },
        }
    }
    for vm in vms {
        let named = |m: &&ObservedMachine| matches!(&m.name, Fact::Known(known) if &**known == *vm);
        match survey.machines.iter().find(named) {
            None if survey.coverage.is_complete() => found.push(format!("machine {vm} is absent")),
            None => {}
            Some(machine) => match &machine.state {
                Fact::Known(MachineState::Running) | Fact::Unknown(_) => {}
                Fact::Known(state) => found.push(format!("machine {vm} is {}", state.as_str())),
            },
        }
    }
    found
}
