//! Who says what: each source's own word about what a drift is about, with its age.

use evenkeel_core::DriftId;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::text::{age, clean};

/// What one source showed of the host, as last kept.
#[derive(Clone, Debug)]
pub struct Witness {
    /// The source (`proxmox/box2`).
    pub source: String,
    /// When it was last seen so.
    pub observed_at: Timestamp,
    /// The snapshot in its canonical form.
    pub snapshot: Value,
}

/// The attributes of a machine as they are shown, in that order.
const MACHINE: [&str; 10] =
    ["name", "state", "node", "cluster", "vcpus", "memory_mib", "disk_mib", "addresses", "vmid", "alerts"];

/// One line for each source that says something about it.
pub(super) fn lines(witnesses: &[Witness], id: &DriftId, now: Timestamp) -> Vec<String> {
    let line = |witness: &Witness| {
        let words = said(witness, id)?;
        Some(format!("{}: {words} ({} ago)", clean(&witness.source), age(witness.observed_at, now)))
    };
    witnesses.iter().filter_map(line).collect()
}

/// The same for machines.
pub(super) fn json(witnesses: &[Witness], id: &DriftId) -> Vec<Value> {
    let of = |witness: &Witness| {
        let value = about(witness, id)?;
        Some(json!({ "source": witness.source, "observed_at": witness.observed_at, "says": value }))
    };
    witnesses.iter().filter_map(of).collect()
}

/// The part of the snapshot that the drift is about.
fn about<'a>(witness: &'a Witness, id: &DriftId) -> Option<&'a Value> {
    let machine = witness.snapshot.get("machine");
    let Some(name) = &id.service else { return machine };
    let named = |list: &'a Value| list.as_array()?.iter().find(|row| row["name"] == name.as_str());
    match named(&witness.snapshot["containers"]) {
        Some(service) => Some(service),
        None => named(&machine?["volumes"]),
    }
}

fn said(witness: &Witness, id: &DriftId) -> Option<String> {
    let value = about(witness, id)?;
    let shown: Vec<String> = match id.service {
        Some(_) => value.as_object()?.iter().filter(|(key, _)| *key != "name").filter_map(pair).collect(),
        None => MACHINE.iter().filter_map(|key| pair((&(*key).to_owned(), &value[*key]))).collect(),
    };
    (!shown.is_empty()).then(|| shown.join(", "))
}

fn pair((key, value): (&String, &Value)) -> Option<String> {
    let words = match value {
        // Not known to this source: it says nothing.
        Value::Null => return None,
        // That there is no alert is not worth a word.
        Value::Array(values) if values.is_empty() && key == "alerts" => return None,
        Value::String(text) => clean(text).into_owned(),
        Value::Array(values) if values.is_empty() => "none".to_owned(),
        Value::Array(values) => {
            let words = values.iter().map(|v| v.as_str().map_or_else(|| v.to_string(), str::to_owned));
            clean(&words.collect::<Vec<_>>().join(" ")).into_owned()
        }
        Value::Bool(_) | Value::Number(_) | Value::Object(_) => clean(&value.to_string()).into_owned(),
    };
    Some(format!("{} {words}", key.replace('_', " ")))
}

#[cfg(test)]
mod tests {
    use evenkeel_core::{EventType, Field, HostName};

    use super::*;

    fn proxmox() -> Witness {
        Witness {
            source: "proxmox/box2".to_owned(),
            observed_at: Timestamp::UNIX_EPOCH,
            snapshot: json!({
                "containers": [],
                "machine": {
                    "name": "media", "state": "running", "node": "pve1", "cluster": null, "vcpus": 4,
                    "addresses": ["192.168.2.16", "192.168.2.17"],
                    "volumes": [{ "kind": "pool", "name": "tank", "percent": 91 }],
                },
            }),
        }
    }

    #[test]
    fn each_source_says_what_it_knows_and_nothing_it_does_not() {
        let host = HostName::new("media");
        let engine = Witness {
            source: "docker/media".to_owned(),
            snapshot: json!({ "containers": [{ "name": "sonarr", "state": "running", "ports": ["8989:8989"] }] }),
            ..proxmox()
        };
        let both = [engine, proxmox()];
        let now = Timestamp::from_second(12).unwrap();
        assert_eq!(
            lines(&both, &DriftId::of_field(&host, None, Field::Ip), now),
            [
                "proxmox/box2: name media, state running, node pve1, vcpus 4, addresses 192.168.2.16 192.168.2.17 (12 s ago)"
            ]
        );
        let sonarr = DriftId::of_service(&host, &"sonarr".into(), EventType::PortMismatch);
        assert_eq!(lines(&both, &sonarr, now), ["docker/media: ports 8989:8989, state running (12 s ago)"]);
        let pool = DriftId::of_volume(&host, "tank", EventType::ResourceExceeded, Field::Pool);
        assert_eq!(lines(&both, &pool, now), ["proxmox/box2: kind pool, percent 91 (12 s ago)"]);
    }
}
