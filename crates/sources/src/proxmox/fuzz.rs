//! What a fuzzer may throw at the reading of a cluster's answers, and what must hold of the machines that come out.

use std::collections::BTreeSet;
use std::time::Duration;

use evenkeel_core::{Fact, Secret};
use jiff::Timestamp;
use serde_json::Value;
use tokio::time::Instant;

use super::config::Login;
use super::decode::{self, Answers, Beside, Picture};
use super::details::Details;
use super::locks::Locks;
use super::wire::{self, GuestKind};
use super::{errand, guest_config, look, rights};
use crate::fuzz::is_decent;

/// The lists of nodes, guests and storages, the cluster's status, the permissions and the version.
pub fn lists([nodes, guests, storages, cluster, permissions, version]: [&[u8]; 6]) {
    let login = Login::Token { id: "evenkeel@pve!ro".into(), secret: Secret::new("x") };
    let rights = match wire::data(permissions, "the permissions") {
        Ok(data) => rights::judge(&data, &login),
        Err(gap) => rights::Rights::unproved(&gap),
    };
    rights.gap().into_iter().for_each(is_decent);
    let answers = Answers {
        nodes: wire::data(nodes, "the list of nodes")
            .and_then(|data| wire::nodes(&data, "the list of nodes")),
        guests: wire::data(guests, "the list of guests")
            .and_then(|data| wire::guests(&data, "the list of guests")),
        storages: wire::data(storages, "the list of storages")
            .and_then(|data| wire::storages(&data, "the list of storages")),
        cluster: wire::data(cluster, "the status").and_then(|data| wire::cluster_status(&data, "the status")),
        version: wire::data(version, "the version").and_then(|data| look::version_of(&data)),
    };
    let now = Instant::now();
    let (mut locks, mut details) = (Locks::default(), Details::new(Duration::from_secs(600)));
    if let Ok(list) = &answers.guests {
        locks.observed(&list.rows, now);
        let asks = details.plan(&list.rows, |_| true, now);
        assert!(asks.len() <= 8);
    }
    let read = || {
        decode::picture(
            &answers,
            &Beside {
                asked_at: Timestamp::UNIX_EPOCH,
                rights: &rights,
                cluster: answers
                    .cluster
                    .as_ref()
                    .ok()
                    .and_then(|status| status.name.as_deref())
                    .map(Into::into),
                excuse: &|row| locks.excuse(row, Duration::from_secs(60), now),
                detail: &|row| details.of(row, now),
            },
        )
    };
    let picture = read();
    nothing_vanishes(&answers, &picture);
    assert_eq!(read(), picture);
}

fn nothing_vanishes(answers: &Answers, picture: &Picture) {
    let keys: BTreeSet<&str> = picture.machines.iter().map(|machine| &*machine.key).collect();
    assert_eq!(keys.len(), picture.machines.len(), "every machine once");
    picture.flaws.iter().for_each(is_decent);
    let coverage = look::coverage(&picture.flaws, "https://pve.lan:8006");
    coverage.gap().into_iter().for_each(is_decent);
    let (nodes, guests) = (answers.nodes.as_ref(), answers.guests.as_ref());
    if coverage.is_complete() {
        assert!(nodes.is_ok() && guests.is_ok(), "a cluster of which a list is missing is called whole");
        let (Ok(nodes), Ok(guests)) = (nodes, guests) else { return };
        assert!(!nodes.rows.is_empty(), "a cluster without a node is called whole");
        let templates = guests.rows.iter().filter(|row| row.template == Some(true)).count();
        let shown = picture.machines.iter().filter(|machine| machine.vmid.is_some()).count();
        assert_eq!(shown + templates, guests.rows.len(), "a guest is lost without a word");
        assert_eq!(picture.machines.len() - shown, nodes.rows.len(), "a node is lost without a word");
        assert!(nodes.odd.is_empty() && guests.odd.is_empty());
    }
    for machine in picture.machines.iter().filter(|machine| machine.vmid.is_some()) {
        let online = machine.node.as_deref().is_some_and(|node| {
            nodes.is_ok_and(|list| {
                list.rows.iter().any(|row| row.node == node && row.status.as_deref() == Some("online"))
            })
        });
        assert!(online || machine.state.known().is_err(), "{} is on no node that is online", machine.key);
        machine.state.known().err().into_iter().for_each(is_decent);
    }
}

/// A guest's configuration, and what its agent or container says of its addresses.
pub fn guest(lxc: bool, config: &[u8], addresses: &[u8]) {
    let kind = if lxc { GuestKind::Lxc } else { GuestKind::Qemu };
    if let Ok(Value::Object(data)) = wire::data(config, "the configuration") {
        let read = guest_config::read(kind, &data);
        read.macs.known().err().into_iter().for_each(is_decent);
        read.disk_mib.known().err().into_iter().for_each(is_decent);
        assert_eq!(guest_config::read(kind, &data), read);
    }
    if let Ok(data) = wire::data(addresses, "the addresses") {
        match errand::told(&data, 100) {
            Fact::Known(told) => assert!(!told.is_empty() && told.is_sorted_by(|a, b| a < b)),
            Fact::Unknown(gap) => is_decent(&gap),
        }
    }
    // An error's body is put in words.
    if let Ok(body) = serde_json::from_slice::<Value>(config) {
        wire::complaint(&body);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    macro_rules! recorded {
        ($name:literal) => {
            include_bytes!(concat!("../../tests/fixtures/proxmox/", $name, ".json"))
        };
    }

    #[test]
    fn recorded_answers_keep_what_is_demanded() {
        lists([
            recorded!("wire-cluster-resources-node"),
            recorded!("wire-cluster-resources-vm"),
            recorded!("wire-cluster-resources-storage"),
            br#"{"data": [{"type": "cluster", "name": "home", "quorate": 1}]}"#,
            br#"{"data": {"/": {"VM.Audit": 1, "Sys.Audit": 1, "Datastore.Audit": 1}}}"#,
            br#"{"data": {"version": "9.1.2"}}"#,
        ]);
        lists([
            recorded!("sim-cluster-resources-node"),
            recorded!("sim-cluster-resources-vm"),
            recorded!("sim-cluster-resources-storage"),
            b"",
            b"",
            b"",
        ]);
        guest(
            false,
            br#"{"data": {"net0": "virtio=BC:24:11:00:00:64,bridge=vmbr0", "scsi0": "local:vm-100,size=32G"}}"#,
            br#"{"data": {"result": [{"ip-addresses": [{"ip-address": "192.0.2.5"}]}]}}"#,
        );
    }
}
