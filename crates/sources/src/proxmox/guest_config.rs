//! The configuration of a guest, as far as it is compared: MAC addresses, disks, identity, agent. What lives here:
//! Proxmox's property strings (`virtio=BC:24:…,bridge=vmbr0`). What does not: asking for them (`details`), and the
//! description, in which people write passwords down.

use std::collections::BTreeMap;
use std::sync::Arc;

use evenkeel_core::{Fact, GapKind};
use serde_json::{Map, Value};

use super::wire::{GuestKind, Row, flag_of, short};

/// What a configuration says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct GuestConfig {
    /// Lower case, sorted.
    pub(super) macs: Fact<Vec<Arc<str>>>,
    /// All disks together, in MiB.
    pub(super) disk_mib: Fact<u64>,
    /// What stays the same when the number is given to another guest: the SMBIOS UUID, or else the generation id.
    pub(super) uuid: Option<Arc<str>>,
    /// Whether a guest agent is expected to answer.
    pub(super) agent: bool,
}

/// Reads the `data` of `…/config`.
pub(super) fn read(kind: GuestKind, data: &Map<String, Value>) -> GuestConfig {
    let row = Row(data);
    let uuid = row.text("smbios1").and_then(|text| properties(&text).remove("uuid"));
    GuestConfig {
        macs: macs(kind, data),
        disk_mib: disk_mib(kind, data),
        uuid: uuid.or_else(|| row.text("vmgenid")).map(|uuid| Arc::from(uuid.to_ascii_lowercase())),
        agent: row.text("agent").is_some_and(|text| agent(&text)),
    }
}

/// `a=1,b=2`; a first part without a key is found under the empty key.
fn properties(text: &str) -> BTreeMap<String, String> {
    let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
    parts
        .map(|part| match part.split_once('=') {
            Some((key, value)) => (key.trim().to_owned(), value.trim().to_owned()),
            None => (String::new(), part.to_owned()),
        })
        .collect()
}

/// `1`, `enabled=1,fstrim_cloned_disks=1`.
fn agent(text: &str) -> bool {
    let properties = properties(text);
    let switch = properties.get("enabled").or_else(|| properties.get(""));
    switch.is_some_and(|switch| flag_of(&Value::from(switch.as_str())) == Some(true))
}

/// Entries whose key is one of these words and a number (`net0`), with their text.
fn numbered<'a>(
    data: &'a Map<String, Value>,
    words: &'a [&'a str],
) -> impl Iterator<Item = (&'a str, Option<&'a str>)> {
    data.iter()
        .filter(|(key, value)| {
            let number = words.iter().find_map(|word| key.strip_prefix(word));
            let counts = number.is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()));
            counts && !value.is_null()
        })
        .map(|(key, value)| (key.as_str(), value.as_str()))
}

fn macs(kind: GuestKind, data: &Map<String, Value>) -> Fact<Vec<Arc<str>>> {
    let mut macs = Vec::new();
    for (key, text) in numbered(data, &["net"]) {
        let properties = text.map(properties).unwrap_or_default();
        let named = ["hwaddr", "macaddr"].iter().find_map(|name| properties.get(*name)).and_then(|v| mac(v));
        let found = match kind {
            GuestKind::Lxc => named,
            // The first part is `model=MAC`; the model is one of a growing list, so the value's form tells.
            GuestKind::Qemu => named.or_else(|| properties.values().find_map(|value| mac(value))),
        };
        match found {
            Some(mac) => macs.push(mac),
            None => return Fact::unknown(GapKind::Malformed, format!("{key} shows no mac address")),
        }
    }
    macs.sort();
    macs.dedup();
    Fact::Known(macs)
}

fn mac(text: &str) -> Option<Arc<str>> {
    let octets: Vec<&str> = text.split(':').collect();
    let fine = |octet: &&str| octet.len() == 2 && octet.bytes().all(|byte| byte.is_ascii_hexdigit());
    (octets.len() == 6 && octets.iter().all(fine)).then(|| Arc::from(text.to_ascii_lowercase()))
}

/// Optical drives, disks that are not attached, firmware state and folders of the node are no disks of the guest.
fn disk_mib(kind: GuestKind, data: &Map<String, Value>) -> Fact<u64> {
    let words: &[&str] = match kind {
        GuestKind::Qemu => &["scsi", "virtio", "ide", "sata"],
        GuestKind::Lxc => &["mp"],
    };
    let rootfs = (kind == GuestKind::Lxc).then(|| ("rootfs", data.get("rootfs").and_then(Value::as_str)));
    let mut bytes: u64 = 0;
    for (key, text) in numbered(data, words).chain(rootfs) {
        let properties = text.map(properties).unwrap_or_default();
        let volume =
            properties.get("").or_else(|| properties.get("file")).or_else(|| properties.get("volume"));
        let volume = volume.map(String::as_str).unwrap_or_default();
        let optical = properties.get("media").is_some_and(|media| media == "cdrom");
        if optical || volume == "none" || (key.starts_with("mp") && volume.starts_with('/')) {
            continue;
        }
        let Some(size) = properties.get("size").and_then(|size| bytes_of(size)) else {
            return Fact::unknown(
                GapKind::Uncovered,
                format!("the configuration tells no size of {}", short(key)),
            );
        };
        bytes = bytes.saturating_add(size);
    }
    Fact::Known(bytes / (1024 * 1024))
}

/// `32G`, `512M`, `528K`, `4T`, `1.5G`, plain bytes.
fn bytes_of(text: &str) -> Option<u64> {
    let (number, unit) = match text.char_indices().next_back()? {
        (_, last) if last.is_ascii_digit() => (text, 1),
        (at, 'K' | 'k') => (&text[..at], 1 << 10),
        (at, 'M' | 'm') => (&text[..at], 1 << 20),
        (at, 'G' | 'g') => (&text[..at], 1 << 30),
        (at, 'T' | 't') => (&text[..at], 1 << 40),
        (_, _) => return None,
    };
    if let Ok(whole) = number.parse::<u64>() {
        return whole.checked_mul(unit);
    }
    let share: f64 = number.parse().ok()?;
    #[expect(clippy::cast_precision_loss, reason = "a unit is a power of two below 2^41")]
    let bytes = share * unit as f64;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked in the condition")]
    let bytes = (0.0..9.0e18).contains(&bytes).then_some(bytes as u64);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(kind: GuestKind, json: Value) -> GuestConfig {
        read(kind, json.as_object().unwrap())
    }

    #[test]
    fn a_virtual_machine_shows_its_macs_disks_and_identity() {
        let config = config(
            GuestKind::Qemu,
            serde_json::json!({
                "net0": "virtio=BC:24:11:AA:BB:CC,bridge=vmbr0,tag=10,firewall=1",
                "net1": "model=e1000,macaddr=bc:24:11:00:00:01,bridge=vmbr1",
                "scsi0": "local-lvm:vm-100-disk-0,discard=on,size=32G",
                "virtio1": "ceph:vm-100-disk-1,size=512M",
                "ide2": "local:iso/debian.iso,media=cdrom,size=628M",
                "ide3": "none,media=cdrom",
                "efidisk0": "local-lvm:vm-100-disk-2,efitype=4m,size=4M",
                "unused0": "local-lvm:vm-100-disk-3",
                "scsihw": "virtio-scsi-single",
                "smbios1": "uuid=5C1D0B6E-0000-4000-8000-000000000001",
                "vmgenid": "5c1d0b6e-0000-4000-8000-0000000000ff",
                "agent": "enabled=1,fstrim_cloned_disks=1"
            }),
        );
        let macs = ["bc:24:11:00:00:01", "bc:24:11:aa:bb:cc"].map(Arc::from).to_vec();
        assert_eq!(config.macs, Fact::Known(macs));
        assert_eq!(config.disk_mib, Fact::Known(32 * 1024 + 512));
        assert_eq!(config.uuid.as_deref(), Some("5c1d0b6e-0000-4000-8000-000000000001"));
        assert!(config.agent);
    }

    #[test]
    fn a_container_shows_its_own_and_a_folder_of_the_node_is_no_disk() {
        let config = config(
            GuestKind::Lxc,
            serde_json::json!({
                "net0": "name=eth0,bridge=vmbr0,hwaddr=BC:24:11:DD:EE:FF,ip=dhcp,type=veth",
                "rootfs": "local-lvm:vm-200-disk-0,size=8G",
                "mp0": "/tank/media,mp=/media",
                "mp1": "local-lvm:vm-200-disk-1,mp=/data,size=1.5G"
            }),
        );
        assert_eq!(config.macs, Fact::Known(vec![Arc::from("bc:24:11:dd:ee:ff")]));
        assert_eq!(config.disk_mib, Fact::Known(8192 + 1536));
        assert_eq!((config.uuid, config.agent), (None, false));
    }

    #[test]
    fn what_the_configuration_does_not_tell_is_unknown_and_not_nothing() {
        let odd = serde_json::json!({"net0": "virtio,bridge=vmbr0", "scsi0": "/dev/sdb", "rootfs": 3});
        let config = config(GuestKind::Qemu, odd.clone());
        assert!(config.macs.known().is_err() && config.disk_mib.known().is_err());
        assert!(read(GuestKind::Lxc, odd.as_object().unwrap()).disk_mib.known().is_err());
        for text in ["", "G", "x", "-1G", "é"] {
            assert_eq!(bytes_of(text), None, "{text}");
        }
    }

    #[test]
    fn an_agent_is_switched_on_in_any_of_its_spellings() {
        for (text, on) in
            [("1", true), ("0", false), ("enabled=1", true), ("enabled=0,type=isa", false), ("", false)]
        {
            assert_eq!(agent(text), on, "{text}");
        }
    }
}
