//! Guests → machines, and the TrueNAS itself with its pools and alerts, pure. What does not live here: reading JSON
//! (`wire`), apps (`decode`), how far the answer reaches (`look`).

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use evenkeel_core::model::{
    MachineKind, MachineState, ObservedMachine, Usage, Volume, VolumeHealth, VolumeKind,
};
use evenkeel_core::{Coverage, Fact, Gap, GapKind};

use super::question::Guests;
use super::wire::{Alert, Guest, Info, Pool, Rows, clipped};

/// The key of the TrueNAS itself among its machines.
pub(super) const SELF_KEY: &str = "system";
/// So many alerts are shown.
const MOST_ALERTS: usize = 20;
/// So much of an alert is shown, in characters.
const LONGEST_ALERT: usize = 300;
/// The levels that are shown, worst first; below are `NOTICE` and `INFO`.
const LEVELS: [&str; 5] = ["EMERGENCY", "ALERT", "CRITICAL", "ERROR", "WARNING"];
const MIB: u64 = 1024 * 1024;

/// A guest as a machine. `held` says why one that is down is not taken to be down.
pub(super) fn machine(
    kind: Guests,
    guest: &Guest,
    node: Option<&Arc<str>>,
    held: Option<&Gap>,
) -> ObservedMachine {
    let (prefix, machine_kind) = match kind {
        Guests::Vms => ("vm", MachineKind::Vm),
        Guests::Containers => ("container", MachineKind::Container),
        Guests::Instances if guest.kind.as_deref() == Some("VM") => ("virt", MachineKind::Vm),
        Guests::Instances => ("virt", MachineKind::Container),
    };
    let mut machine = ObservedMachine::new(format!("{prefix}/{}", guest.id), machine_kind);
    machine.name = match &guest.name {
        Some(name) => Fact::Known(Arc::from(name.as_str())),
        None => Fact::unknown(GapKind::Malformed, "TrueNAS does not tell its name"),
    };
    machine.state = state(guest, held);
    machine.node = node.cloned();
    if !guest.macs.is_empty() {
        machine.macs = Fact::Known(macs(&guest.macs));
    }
    if let Some(addresses) = &guest.addresses
        && matches!(machine.state, Fact::Known(MachineState::Running))
        && !addresses.is_empty()
    {
        machine.addresses = Fact::Known(routable(addresses));
    }
    let processors = match kind {
        Guests::Vms | Guests::Containers => guest.vcpus,
        // Incus' `0-3` pins a machine to processors, and says no number.
        Guests::Instances => guest.cpu.as_deref().and_then(|cpu| cpu.parse().ok()),
    };
    if let Some(processors) = processors.and_then(|n| u32::try_from(n).ok()).filter(|n| *n > 0) {
        machine.vcpus = Fact::Known(processors);
    }
    let memory = match kind {
        Guests::Vms => guest.memory,
        Guests::Instances => guest.memory.map(|bytes| bytes / MIB),
        // The unit is not documented.
        Guests::Containers => None,
    };
    if let Some(memory) = memory.filter(|mib| *mib > 0) {
        machine.memory_mib = Fact::Known(memory);
    }
    machine
}

fn state(guest: &Guest, held: Option<&Gap>) -> Fact<MachineState> {
    let who = || clipped(guest.name.as_deref().unwrap_or(&guest.id));
    if guest.doubtful {
        return Fact::unknown(
            GapKind::Truncated,
            format!("machine {} is listed twice, in two states", who()),
        );
    }
    let word = guest.state.as_deref().unwrap_or_default().to_ascii_uppercase();
    match (word.as_str(), held) {
        ("RUNNING", _) => Fact::Known(MachineState::Running),
        ("SUSPENDED" | "PAUSED" | "FROZEN", _) => Fact::Known(MachineState::Paused),
        ("STOPPED", Some(gap)) => Fact::Unknown(gap.clone()),
        ("STOPPED", None) => Fact::Known(MachineState::Stopped),
        // libvirt cannot be asked.
        ("ERROR" | "UNKNOWN", _) => {
            Fact::unknown(GapKind::Unreachable, format!("TrueNAS cannot tell the state of machine {}", who()))
        }
        ("STARTING" | "STOPPING" | "FREEZING" | "THAWED" | "ABORTING" | "NOSTATE" | "SHUTOFF", _)
        | ("UPDATING CONFIGURATION", _) => {
            Fact::unknown(GapKind::NotYetObserved, format!("machine {} changes its state right now", who()))
        }
        ("", _) => Fact::unknown(GapKind::Malformed, format!("the state of machine {} is not told", who())),
        (word, _) => {
            let why = format!("machine {} is in the unknown state `{}`", who(), clipped(word));
            Fact::unknown(GapKind::Malformed, why)
        }
    }
}

fn macs(texts: &[String]) -> Vec<Arc<str>> {
    let mut macs: Vec<Arc<str>> = texts.iter().map(|text| Arc::from(text.to_ascii_lowercase())).collect();
    macs.sort_unstable();
    macs.dedup();
    macs
}

fn routable(texts: &[String]) -> Vec<IpAddr> {
    let link_local = |ip: &IpAddr| match ip {
        IpAddr::V4(ip) => ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_unicast_link_local(),
    };
    let mut found: Vec<IpAddr> = texts
        .iter()
        .filter_map(|text| text.split('/').next()?.parse().ok())
        .filter(|ip: &IpAddr| !ip.is_loopback() && !link_local(ip))
        .collect();
    found.sort_unstable();
    found.dedup();
    found
}

/// The TrueNAS itself: it answered, so it runs.
pub(super) fn system(
    info: &Result<Info, Gap>,
    pools: &Result<Rows<Pool>, Gap>,
    alerts: &Result<Vec<Alert>, Gap>,
) -> ObservedMachine {
    let mut machine = ObservedMachine::new(SELF_KEY, MachineKind::Node);
    machine.state = Fact::Known(MachineState::Running);
    match info {
        Ok(info) => {
            machine.name = hostname(info);
            if let Some(cores) = info.cores.and_then(|n| u32::try_from(n).ok()).filter(|n| *n > 0) {
                machine.vcpus = Fact::Known(cores);
            }
            if let Some(memory) = info.memory.filter(|bytes| *bytes >= MIB) {
                machine.memory_mib = Fact::Known(memory / MIB);
            }
            if let Some(version) = &info.version {
                machine.notes.insert(Arc::from("version"), Arc::from(clipped(version)));
            }
        }
        Err(gap) => machine.name = Fact::Unknown(gap.clone()),
    }
    match pools {
        Ok(pools) => {
            machine.volumes = pools.rows.iter().map(volume).collect();
            machine.volumes.sort_by(|a, b| a.name.cmp(&b.name));
            machine.volumes_coverage = match &pools.gap {
                None => Coverage::Complete,
                Some(gap) => Coverage::Partial(gap.clone()),
            };
        }
        Err(gap) => machine.volumes_coverage = Coverage::Partial(gap.clone()),
    }
    if let Ok(alerts) = alerts {
        machine.notes.extend(alert_notes(alerts));
    }
    machine
}

/// The name the TrueNAS gives itself, without its domain: NetBox has the short one.
pub(super) fn hostname(info: &Info) -> Fact<Arc<str>> {
    match info.hostname.as_deref().and_then(|name| name.split('.').next()).filter(|name| !name.is_empty()) {
        Some(name) => Fact::Known(Arc::from(name)),
        None => Fact::unknown(GapKind::Malformed, "TrueNAS does not tell its name"),
    }
}

fn volume(pool: &Pool) -> Volume {
    let name = &pool.name;
    let usage = match (pool.allocated, pool.size) {
        _ if pool.doubtful => Fact::unknown(GapKind::Truncated, format!("pool {name} is listed twice")),
        (Some(used), Some(total)) if total > 0 && used <= total => Fact::Known(Usage { used, total }),
        // A pool that is offline has no figures.
        _ => Fact::unknown(GapKind::Malformed, format!("TrueNAS tells no figures of pool {name}")),
    };
    let health = match (pool.healthy, pool.status.as_deref()) {
        _ if pool.doubtful => Fact::unknown(GapKind::Truncated, format!("pool {name} is listed twice")),
        (Some(true), Some("ONLINE") | None) => Fact::Known(VolumeHealth::Healthy),
        (Some(true), Some(word)) if !is_bad(word) => Fact::Known(VolumeHealth::Healthy),
        (Some(_) | None, Some(word)) if is_bad(word) => {
            Fact::Known(VolumeHealth::Degraded(Arc::from(clipped(word))))
        }
        // Online, with errors on a disk.
        (Some(false), Some(word)) => Fact::Known(VolumeHealth::Degraded(Arc::from(clipped(word)))),
        (Some(_) | None, Some(_) | None) => {
            Fact::unknown(GapKind::Malformed, format!("TrueNAS does not tell the health of pool {name}"))
        }
    };
    Volume { kind: VolumeKind::Pool, name: Arc::from(name.as_str()), usage, health: Some(health) }
}

fn is_bad(word: &str) -> bool {
    matches!(word, "DEGRADED" | "FAULTED" | "OFFLINE" | "UNAVAIL" | "REMOVED" | "SUSPENDED")
}

/// The alerts that nobody dismissed, worst first, as notes: one for each class.
fn alert_notes(alerts: &[Alert]) -> BTreeMap<Arc<str>, Arc<str>> {
    let rank = |alert: &Alert| LEVELS.iter().position(|level| alert.level.eq_ignore_ascii_case(level));
    let mut shown: Vec<(usize, &Alert)> = alerts
        .iter()
        .filter(|alert| !alert.dismissed)
        .filter_map(|alert| Some((rank(alert)?, alert)))
        .collect();
    shown.sort_by(|a, b| (a.0, &a.1.klass, &a.1.text).cmp(&(b.0, &b.1.klass, &b.1.text)));
    let mut classes: Vec<(String, String, usize)> = Vec::new();
    for (_, alert) in shown {
        let klass: String = alert.klass.chars().filter(char::is_ascii_alphanumeric).take(60).collect();
        match classes.iter().position(|(known, _, _)| *known == klass) {
            Some(place) => classes[place].2 += 1,
            None if classes.len() < MOST_ALERTS => {
                let text = format!("{}: {}", alert.level.to_ascii_uppercase(), plain(&alert.text));
                classes.push((klass, text, 0));
            }
            None => {}
        }
    }
    let note = |(klass, text, more): (String, String, usize)| {
        let text = if more == 0 { text } else { format!("{text} (and {more} more)") };
        (Arc::from(format!("alert/{klass}")), Arc::from(text))
    };
    classes.into_iter().map(note).collect()
}

/// HTML as one line of text. It is shown escaped all the same; this is for reading, not for safety.
fn plain(html: &str) -> String {
    let mut text = String::new();
    let mut in_tag = false;
    for c in html.chars().take(20 * LONGEST_ALERT) {
        match c {
            '<' => in_tag = true,
            '>' if in_tag => {
                in_tag = false;
                text.push(' ');
            }
            _ if in_tag => {}
            c => text.push(if c.is_whitespace() || c.is_control() { ' ' } else { c }),
        }
    }
    for (entity, c) in
        [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&#x27;", "'"), ("&nbsp;", " ")]
    {
        text = text.replace(entity, c);
    }
    let text = text.replace("&amp;", "&");
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").chars().take(LONGEST_ALERT).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::truenas::wire;

    /// A machine as `vm.query`, `virt.instance.query` and `container.query` show it, with one field otherwise.
    fn listed() -> impl Strategy<Value = Value> {
        let word = prop_oneof![
            prop::sample::select(vec!["RUNNING", "STOPPED", "SUSPENDED", "ERROR", "Stopped", "SHUTOFF"])
                .prop_map(str::to_owned),
            "[A-Z_]{0,12}",
        ];
        let odd = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            Just(json!([])),
            Just(json!({})),
            Just(json!([{"id": {}}])),
        ];
        let fields = vec!["id", "name", "status", "vcpus", "memory", "devices", "aliases", "type", "cpu"];
        (word, any::<bool>(), prop::option::of((prop::sample::select(fields), odd))).prop_map(
            |(word, nested, change)| {
                let status = if nested { json!({"state": word}) } else { json!(word) };
                let mut row = json!({
                    "id": 7, "name": "minecraft", "status": status, "vcpus": 2, "cores": 1, "threads": 1,
                    "memory": 512, "devices": [], "aliases": [{"address": "192.0.2.7"}], "type": "VM",
                });
                if let Some((field, odd)) = change {
                    row[field] = odd;
                }
                row
            },
        )
    }

    proptest! {
        /// However a list of machines reads: none is called down but by the server's own words, and none that came is
        /// lost without a gap.
        #[test]
        fn no_list_of_machines_makes_one_down_or_absent_that_it_does_not_say_to_be(
            list in prop::collection::vec(listed(), 0..4), held in any::<bool>(), kind in 0..3_usize,
        ) {
            let answer = Value::Array(list);
            let rows = wire::rows::<Guest>(&answer).unwrap();
            let came = answer.as_array().map_or(0, Vec::len);
            prop_assert!(rows.rows.len() == came || rows.gap.is_some());
            let held = held.then(|| Gap::new(GapKind::NotYetObserved, "the system is booting"));
            for guest in &rows.rows {
                let state = machine(Guests::ALL[kind], guest, None, held.as_ref()).state;
                let says = guest.state.as_deref().unwrap_or_default().to_ascii_uppercase();
                if state == Fact::Known(MachineState::Stopped) {
                    prop_assert!(says == "STOPPED" && held.is_none() && !guest.doubtful, "{says}");
                }
            }
        }
    }

    fn alert(klass: &str, level: &str, text: &str) -> Alert {
        Alert { klass: klass.into(), level: level.into(), text: text.into(), dismissed: false }
    }

    #[test]
    fn alerts_are_text_bounded_and_without_what_is_dismissed_or_harmless() {
        let mut alerts = vec![
            alert(
                "VolumeStatus",
                "CRITICAL",
                "Pool <b>tank</b> state is DEGRADED:<br>2 &lt; 3 &amp; &quot;x&quot;",
            ),
            alert("VolumeStatus", "WARNING", "another"),
            alert("ScrubFinished", "INFO", "fine"),
            Alert { dismissed: true, ..alert("Dismissed", "CRITICAL", "gone") },
            alert("Long", "ERROR", &"x".repeat(5000)),
        ];
        let notes = alert_notes(&alerts);
        assert_eq!(notes.keys().map(|key| &**key).collect::<Vec<_>>(), ["alert/Long", "alert/VolumeStatus"]);
        assert_eq!(
            &*notes["alert/VolumeStatus"],
            "CRITICAL: Pool tank state is DEGRADED: 2 < 3 & \"x\" (and 1 more)"
        );
        assert!(notes["alert/Long"].len() < 400);
        alerts.extend((0..100).map(|n| alert(&format!("Class{n}"), "WARNING", "x")));
        assert_eq!(alert_notes(&alerts).len(), MOST_ALERTS);
    }

    #[test]
    fn a_pool_that_is_online_with_errors_is_not_healthy_and_one_without_figures_is_not_empty() {
        let pool = |status: &str, healthy, size| Pool {
            name: "tank".into(),
            status: Some(status.into()),
            healthy,
            size,
            allocated: Some(5),
            doubtful: false,
        };
        let health = |pool: &Pool| volume(pool).health.unwrap();
        assert_eq!(health(&pool("ONLINE", Some(true), Some(9))), Fact::Known(VolumeHealth::Healthy));
        for (status, healthy) in [("ONLINE", Some(false)), ("DEGRADED", Some(true)), ("FAULTED", None)] {
            let bad = Fact::Known(VolumeHealth::Degraded(Arc::from(status)));
            assert_eq!(health(&pool(status, healthy, Some(9))), bad);
        }
        assert!(health(&pool("LIQUID", None, Some(9))).known().is_err());
        assert!(volume(&pool("OFFLINE", Some(false), None)).usage.known().is_err());
    }
}
