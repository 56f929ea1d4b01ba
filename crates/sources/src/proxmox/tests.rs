//! Tests of what cannot be reached from outside: decoding of recorded, documented and arbitrary JSON; locks; details.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use evenkeel_core::model::{MachineState, ObservedMachine};
use evenkeel_core::{Fact, Gap, GapKind, Secret};
use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::config::Login;
use super::decode::{self, Answers, Beside, Picture};
use super::details::{Details, Found};
use super::guest_config;
use super::locks::Locks;
use super::rights::{self, Rights};
use super::wire::{self, ClusterStatus, GuestKind, GuestRow};

fn recorded(name: &str) -> Value {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("tests/fixtures/proxmox/{name}.json"));
    let text = std::fs::read_to_string(path).unwrap();
    wire::data(text.as_bytes(), name).unwrap()
}

fn proved() -> Rights {
    Rights { guests: Ok(()), nodes: Ok(()), storages: Ok(()), agents: Ok(()) }
}

fn answers(nodes: &Value, guests: &Value, storages: &Value) -> Answers {
    Answers {
        nodes: wire::nodes(nodes, "the list of nodes"),
        guests: wire::guests(guests, "the list of guests"),
        storages: wire::storages(storages, "the list of storages"),
        cluster: Ok(ClusterStatus::default()),
        version: Ok("9.1.2".to_owned()),
    }
}

fn asked_at() -> Timestamp {
    "2026-03-01T12:00:00Z".parse().unwrap()
}

fn picture(answers: &Answers) -> Picture {
    let details = Details::new(Duration::from_secs(600));
    let now = Instant::now();
    decode::picture(
        answers,
        &Beside {
            asked_at: asked_at(),
            rights: &proved(),
            cluster: None,
            excuse: &|row| Locks::default().excuse(row, Duration::from_secs(60), now),
            detail: &|row| details.of(row, now),
        },
    )
}

fn found<'a>(picture: &'a Picture, key: &str) -> &'a ObservedMachine {
    picture.machines.iter().find(|machine| &*machine.key == key).unwrap()
}

#[test]
fn the_documented_wire_is_read_exactly() {
    let said = answers(
        &recorded("wire-cluster-resources-node"),
        &recorded("wire-cluster-resources-vm"),
        &recorded("wire-cluster-resources-storage"),
    );
    let picture = picture(&said);
    assert_eq!(picture.flaws, []);
    let keys: Vec<&str> = picture.machines.iter().map(|machine| &*machine.key).collect();
    assert_eq!(keys, ["node/pve1", "node/pve2", "qemu/100", "lxc/200"], "the template is left out");
    let web = found(&picture, "qemu/100");
    assert_eq!((&web.state, &web.vcpus), (&Fact::Known(MachineState::Running), &Fact::Known(4)));
    assert_eq!(web.memory_mib, Fact::Known(4096));
    assert_eq!(
        (&*web.notes["tags"], &*web.notes["pool"], &*web.notes["ha"]),
        ("prod;web", "prod", "started")
    );
    let away = Gap::new(GapKind::Unreachable, "node pve2 is offline");
    let gone = found(&picture, "lxc/200");
    assert_eq!((&gone.state, gone.node.as_deref()), (&Fact::Unknown(away.clone()), Some("pve2")));
    assert_eq!(found(&picture, "node/pve2").volumes[0].usage, Fact::Unknown(away));
}

#[test]
fn a_guest_is_on_since_its_uptime_began_and_one_that_is_off_is_not() {
    let guest = |vmid: u64, status: &str, uptime: Value| json!({"type": "qemu", "vmid": vmid, "node": "pve1", "status": status, "template": 0, "uptime": uptime});
    let rows = json!([
        guest(100, "running", json!(90)),
        guest(101, "running", json!(0)),
        guest(102, "stopped", json!(90)),
        guest(103, "running", json!("soon")),
    ]);
    let nodes = json!([{"type": "node", "node": "pve1", "status": "online"}]);
    let picture = picture(&answers(&nodes, &rows, &json!([])));
    let since = |key: &str| found(&picture, key).up_since.map(|at| at.to_string());
    assert_eq!(since("qemu/100").as_deref(), Some("2026-03-01T11:58:30Z"));
    assert_eq!(since("qemu/101").as_deref(), Some("2026-03-01T12:00:00Z"));
    assert_eq!((since("qemu/102"), since("qemu/103")), (None, None));
}

#[test]
fn a_guest_that_is_off_on_a_node_that_was_just_switched_on_is_not_down_yet() {
    let state = |uptime: Value, status: &str| {
        let nodes = json!([{"type": "node", "node": "pve1", "status": "online", "uptime": uptime}]);
        let rows = json!([{"type": "qemu", "vmid": 100, "node": "pve1", "status": status, "template": 0}]);
        found(&picture(&answers(&nodes, &rows, &json!([]))), "qemu/100").state.clone()
    };
    assert!(matches!(state(json!(60), "stopped"), Fact::Unknown(gap) if gap.kind == GapKind::NotYetObserved));
    assert_eq!(state(json!(60), "running"), Fact::Known(MachineState::Running));
    assert_eq!(state(json!(3600), "stopped"), Fact::Known(MachineState::Stopped));
    assert_eq!(state(Value::Null, "stopped"), Fact::Known(MachineState::Stopped));
}

#[test]
fn what_another_simulator_recorded_is_read_as_well() {
    let said = answers(
        &recorded("sim-cluster-resources-node"),
        &recorded("sim-cluster-resources-vm"),
        &recorded("sim-cluster-resources-storage"),
    );
    let picture = picture(&said);
    assert_eq!((picture.flaws.as_slice(), picture.machines.len()), (&[][..], 3 + 50));
    let running = picture.machines.iter().filter(|m| m.state == Fact::Known(MachineState::Running)).count();
    assert_eq!(running, 3 + 8);
    assert_eq!(found(&picture, "node/pve1").volumes.len(), 3);
}

#[test]
fn a_lock_that_lasts_too_long_excuses_nothing() {
    let list =
        wire::guests(&json!([{"type": "qemu", "vmid": 100, "status": "stopped", "lock": "backup"}]), "x");
    let rows = list.unwrap().rows;
    let cap = Duration::from_secs(6 * 3600);
    let mut locks = Locks::default();
    let begin = Instant::now();
    locks.observed(&rows, begin);
    for (hours, excused) in [(0, true), (5, true), (6, false), (48, false)] {
        let now = begin + Duration::from_secs(hours * 3600);
        locks.observed(&rows, now);
        assert_eq!(locks.excuse(&rows[0], cap, now).is_some(), excused, "{hours}");
    }
    // Another task begins its own time.
    let mut other = rows.clone();
    other[0].lock = Some("migrate".to_owned());
    let now = begin + Duration::from_secs(48 * 3600);
    locks.observed(&other, now);
    assert!(locks.excuse(&other[0], cap, now).is_some());
}

fn row(vmid: u64, name: &str, status: &str) -> GuestRow {
    let data = json!([{"type": "qemu", "vmid": vmid, "name": name, "status": status, "node": "pve1"}]);
    wire::guests(&data, "x").unwrap().rows.remove(0)
}

fn read(config: Value, addresses: &[&str]) -> Found {
    let addresses = addresses.iter().map(|ip| ip.parse().unwrap()).collect();
    Found {
        config: Ok(guest_config::read(GuestKind::Qemu, config.as_object().unwrap())),
        addresses: Some(Fact::Known(addresses)),
    }
}

#[test]
fn details_are_read_a_few_at_a_time_and_then_seldom() {
    let interval = Duration::from_secs(600);
    let rows: Vec<GuestRow> = (100..130).map(|vmid| row(vmid, "x", "running")).collect();
    let mut details = Details::new(interval);
    let begin = Instant::now();
    let mut asked = BTreeSet::new();
    for _ in 0..4 {
        let asks = details.plan(&rows, |_| true, begin);
        assert!(
            asks.len() <= 8 && details.plan(&rows, |_| true, begin).is_empty(),
            "no more until they are back"
        );
        for ask in asks {
            asked.insert(ask.vmid);
            assert!(details.take(&ask, read(json!({}), &["192.0.2.1"]), begin));
        }
    }
    assert_eq!((asked.len(), details.has_unread()), (30, false));
    // Settled guests are read once per interval, and not all at once.
    let mut reads = Vec::new();
    for seconds in 0..3 * 3600_u64 {
        let now = begin + Duration::from_secs(seconds);
        for ask in details.plan(&rows, |_| true, now) {
            assert!(!details.take(&ask, read(json!({}), &["192.0.2.1"]), now), "the same is no news");
            if seconds > 3600 {
                reads.push(seconds);
            }
        }
    }
    let expected = 30 * 2 * 6;
    assert!((expected * 7 / 10..expected * 13 / 10).contains(&reads.len()), "{}", reads.len());
    let busiest = reads.iter().map(|second| reads.iter().filter(|other| *other == second).count()).max();
    assert!(busiest <= Some(4), "{busiest:?}");
}

#[test]
fn details_that_cannot_be_read_again_are_kept_for_a_while_and_then_unknown() {
    let interval = Duration::from_secs(600);
    let rows = [row(100, "web", "running")];
    let mut details = Details::new(interval);
    let begin = Instant::now();
    let config = json!({"net0": "virtio=BC:24:11:00:00:64"});
    let ask = details.plan(&rows, |_| true, begin).remove(0);
    details.take(&ask, read(config, &["192.0.2.1"]), begin);
    let lost = || Found { config: Err(Gap::new(GapKind::TimedOut, "x")), addresses: None };
    for (minutes, known) in [(9, true), (29, true), (31, false)] {
        let now = begin + Duration::from_secs(minutes * 60);
        for ask in details.plan(&rows, |_| true, now) {
            details.take(&ask, lost(), now);
        }
        let detail = details.of(&rows[0], now);
        assert_eq!(detail.macs.known().is_ok(), known, "{minutes}");
        assert_eq!(detail.addresses.known().is_ok(), known, "{minutes}");
    }
}

#[test]
fn what_comes_back_after_a_rename_is_not_said_of_the_new_name() {
    let mut details = Details::new(Duration::from_secs(600));
    let now = Instant::now();
    let ask = details.plan(&[row(100, "old", "running")], |_| true, now).remove(0);
    let renamed = [row(100, "new", "running")];
    assert!(details.plan(&renamed, |_| true, now).is_empty(), "one errand at a time");
    assert!(!details.take(&ask, read(json!({"net0": "virtio=BC:24:11:00:00:64"}), &[]), now));
    assert!(details.of(&renamed[0], now).macs.known().is_err());
    assert_eq!(details.plan(&renamed, |_| true, now).len(), 1, "read again at once");
}

/// A place in a JSON value, and what to put there.
#[derive(Clone, Debug)]
enum Mutation {
    Replace(Value),
    Remove,
    Duplicate,
}

fn mutation() -> impl Strategy<Value = Mutation> {
    prop_oneof![
        Just(Mutation::Remove),
        Just(Mutation::Duplicate),
        prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            ".{0,12}".prop_map(Value::from),
            prop::sample::select(vec![
                "running", "stopped", "offline", "unknown", "qemu", "pve1", "pve2", "1e3", "NaN"
            ])
            .prop_map(Value::from),
            Just(json!([])),
            Just(json!({})),
            Just(json!([[{"vmid": -1}]])),
        ]
        .prop_map(Mutation::Replace),
    ]
}

/// Walks to some place below and changes it there.
fn mutate(value: &mut Value, mut path: Vec<usize>, mutation: &Mutation) {
    let Some(step) = path.pop() else {
        if let Mutation::Replace(new) = mutation {
            *value = new.clone();
        }
        return;
    };
    match value {
        Value::Array(values) if !values.is_empty() => {
            let at = step % values.len();
            match (path.is_empty(), mutation) {
                (true, Mutation::Remove) => drop(values.remove(at)),
                (true, Mutation::Duplicate) => values.insert(at, values[at].clone()),
                _ => mutate(&mut values[at], path, mutation),
            }
        }
        Value::Object(map) if !map.is_empty() => {
            let key = map.keys().nth(step % map.len()).unwrap().clone();
            match (path.is_empty(), mutation) {
                (true, Mutation::Remove) => drop(map.remove(&key)),
                _ => mutate(map.get_mut(&key).unwrap(), path, mutation),
            }
        }
        Value::Null
        | Value::Bool(_)
        | Value::Number(_)
        | Value::String(_)
        | Value::Array(_)
        | Value::Object(_) => {
            if let Mutation::Replace(new) = mutation {
                *value = new.clone();
            }
        }
    }
}

/// Numbers of the rows that are still there to be read, as far as they have any.
fn rows_left(data: &Value) -> usize {
    data.as_array().map_or(0, Vec::len)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    /// Foreign JSON is never more than a flaw: no panic, no machine twice, and no row that came is lost in silence.
    #[test]
    fn whatever_json_comes_no_absence_is_invented(
        which in prop::sample::select(vec!["wire", "sim"]),
        list in 0usize..3,
        changes in prop::collection::vec((prop::collection::vec(0usize..64, 0..4), mutation()), 1..6),
    ) {
        let mut data = ["node", "vm", "storage"].map(|kind| recorded(&format!("{which}-cluster-resources-{kind}")));
        for (path, mutation) in &changes {
            mutate(&mut data[list], path.clone(), mutation);
        }
        let said = answers(&data[0], &data[1], &data[2]);
        let picture = picture(&said);
        let keys: BTreeSet<&str> = picture.machines.iter().map(|machine| &*machine.key).collect();
        prop_assert_eq!(keys.len(), picture.machines.len(), "every machine once");
        if picture.flaws.is_empty() {
            let guests = picture.machines.iter().filter(|machine| machine.vmid.is_some()).count();
            let templates = said.guests.as_ref().map_or(0, |list| {
                list.rows.iter().filter(|row| row.template == Some(true)).count()
            });
            prop_assert!(data[1].is_array() && data[0].is_array());
            prop_assert_eq!(guests + templates, rows_left(&data[1]), "a row was lost without a word");
            prop_assert_eq!(picture.machines.len() - guests, rows_left(&data[0]));
        }
        for machine in picture.machines.iter().filter(|machine| machine.vmid.is_some()) {
            let online = machine.node.as_deref().is_some_and(|node| {
                said.nodes.as_ref().is_ok_and(|list| {
                    list.rows.iter().any(|row| row.node == node && row.status.as_deref() == Some("online"))
                })
            });
            prop_assert!(online || machine.state.known().is_err(), "{} is on no node that is online", machine.key);
        }
    }

    #[test]
    fn bytes_that_are_no_json_are_no_data(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(data) = wire::data(&bytes, "x") {
            let _ = wire::guests(&data, "x");
        }
    }

    /// Rights are never read out of what is not understood.
    #[test]
    fn odd_permissions_prove_nothing_they_do_not_say(
        changes in prop::collection::vec((prop::collection::vec(0usize..64, 0..3), mutation()), 1..4),
    ) {
        let held = json!({"VM.Audit": 1, "Sys.Audit": 1});
        let mut data = json!({"/": held, "/vms": held, "/nodes": held});
        for (path, mutation) in &changes {
            mutate(&mut data, path.clone(), mutation);
        }
        let login = Login::Password { user: "root@pam".into(), password: Secret::new("x") };
        if rights::judge(&data, &login).guests.is_ok() {
            let says = |path: &str| data.get(path).and_then(|held| held.get("VM.Audit")).and_then(wire::flag_of);
            prop_assert!(says("/vms") == Some(true) || says("/") == Some(true), "{data}");
        }
    }

    #[test]
    fn whatever_configuration_comes_reading_it_does_not_panic(
        key in "(net|scsi|virtio|mp|ide)[0-9]{0,2}|rootfs|smbios1|agent",
        text in "\\PC{0,40}|[a-z=:,0-9G]{0,30}",
        lxc in any::<bool>(),
    ) {
        let kind = if lxc { GuestKind::Lxc } else { GuestKind::Qemu };
        guest_config::read(kind, json!({key: text}).as_object().unwrap());
    }
}
