//! What a fuzzer may throw at the reading of NetBox's lists, and what must hold of the inventory that comes out.

use std::collections::BTreeSet;
use std::sync::Arc;

use evenkeel_core::model::HostKind;

use super::config::{FieldNames, Filters};
use super::decode::{self, Decoded};
use super::delta::{Cursor, digest};
use super::model::{Model, Version};
use super::refs;
use super::rows::{Row, Settings, keep};
use super::tables::{Rows, Table, Tables};
use super::verify::{self, Claim};
use super::wire::{self, Change, Status, Wire};
use crate::fuzz::is_decent;

/// The versions whose rows differ in shape.
const VERSIONS: [Version; 4] = [
    Version { major: 4, minor: 0 },
    Version { major: 4, minor: 2 },
    Version { major: 4, minor: 5 },
    Version { major: 4, minor: 6 },
];

/// The order of the lists in an input.
const LISTS: [Model; 7] = [
    Model::Devices,
    Model::Vms,
    Model::Services,
    Model::Ips,
    Model::Interfaces,
    Model::VmInterfaces,
    Model::Macs,
];

/// One page of each of the seven lists, as NetBox of one of the versions sends them.
pub fn lists(version: u8, bodies: [&[u8]; 7]) {
    let version = VERSIONS[usize::from(version) % VERSIONS.len()];
    let settings =
        Settings { fields: FieldNames::default(), filters: Filters::default(), read_config_context: true };
    let mut tables = Tables::default();
    for (model, body) in LISTS.into_iter().zip(bodies) {
        // Clusters come as a list like any other; whichever this is, it may be taken for one.
        if let Ok(page) = wire::page::<wire::Cluster>(body) {
            adds_up(&page);
        }
        match rows(model, body, &settings, version) {
            Ok(rows) => drop(tables.swap(rows, None)),
            Err(why) => is_decent(&evenkeel_core::Gap::new(evenkeel_core::GapKind::Malformed, why)),
        }
    }
    let dangling = refs::dangling(&tables, false);
    let decoded = decode::inventory(&tables, &settings, &[]);
    nothing_vanishes(&tables, &decoded);
    assert!(decoded.hosts.is_sorted_by(|a, b| a.name < b.name), "every name once, in order");
    for host in &decoded.hosts {
        assert!(host.services.is_sorted_by(|a, b| a.name < b.name), "every service once, in order");
        assert!(!host.name.as_str().is_empty() && host.services.iter().all(|s| !s.name.as_str().is_empty()));
        host.services_coverage.gap().into_iter().for_each(is_decent);
    }
    decoded.gap.iter().for_each(is_decent);
    let again = decode::inventory(&tables, &settings, &decoded.hosts);
    let same = again.hosts.iter().zip(&decoded.hosts).all(|(again, host)| Arc::ptr_eq(again, host));
    assert!(same && again.hosts.len() == decoded.hosts.len() && again.gap == decoded.gap);
    assert_eq!(refs::dangling(&tables, false).len(), dangling.len());
}

/// Every row that came is a declaration: it is among the hosts, or something says that it could not be read.
fn nothing_vanishes(tables: &Tables, decoded: &Decoded) {
    if decoded.gap.is_some() {
        return;
    }
    let shown: BTreeSet<(HostKind, u64)> =
        decoded.hosts.iter().map(|host| (host.kind, host.netbox_id)).collect();
    let devices = tables.devices.keys().map(|id| (HostKind::Device, *id));
    let declared: BTreeSet<(HostKind, u64)> =
        devices.chain(tables.vms.keys().map(|id| (HostKind::VirtualMachine, *id))).collect();
    assert_eq!(shown, declared);
    let blind = decoded.hosts.iter().any(|host| !host.services_coverage.is_complete());
    let shown: BTreeSet<u64> = decoded
        .hosts
        .iter()
        .flat_map(|host| host.services.iter().flat_map(|service| service.netbox_ids.iter().copied()))
        .collect();
    for (id, row) in &tables.services {
        match row {
            Ok(row) => {
                let of_a_host = match &row.owner {
                    super::rows::Owner::Host(key) => declared.contains(&(key.kind, key.id)),
                    super::rows::Owner::Other(_) => false,
                };
                assert_eq!(shown.contains(id), of_a_host, "service {id}");
            }
            // Whose it is is known, or the whole would have a gap; but the host may have been made since.
            Err(flaw) => {
                let host = flaw.owner.map(|key| (key.kind, key.id));
                assert!(
                    blind || host.is_some_and(|host| !declared.contains(&host)),
                    "service {id}: {flaw:?}"
                );
            }
        }
    }
}

fn rows(model: Model, body: &[u8], settings: &Settings, version: Version) -> Result<Rows, String> {
    Ok(match model {
        Model::Devices => Rows::Devices(table(body, settings, version)?),
        Model::Vms => Rows::Vms(table(body, settings, version)?),
        Model::Services => Rows::Services(table(body, settings, version)?),
        Model::Ips => Rows::Ips(table(body, settings, version)?),
        Model::Interfaces => Rows::Interfaces(table(body, settings, version)?),
        Model::VmInterfaces => Rows::VmInterfaces(table(body, settings, version)?),
        Model::Macs => Rows::Macs(table(body, settings, version)?),
    })
}

fn table<R: Row>(body: &[u8], settings: &Settings, version: Version) -> Result<Table<R>, String> {
    let page = wire::page::<R::Wire>(body)?;
    adds_up(&page);
    let came = serde_json::from_slice::<serde_json::Value>(body)
        .ok()
        .and_then(|value| value.get("results")?.as_array().map(Vec::len));
    assert!(came.is_none_or(|came| came == page.rows.len()), "a row was lost");
    Ok(page.rows.into_iter().map(|row| (row.id, keep(row, settings, version))).collect())
}

/// A page that is believed has each of its rows once, and as many as it says.
fn adds_up<W: Wire>(page: &wire::Page<W>) {
    let ids: Vec<u64> = page.rows.iter().map(|row| row.id).collect();
    if verify::page(&Claim { ids: &ids, count: page.count, more: page.more }, 0).is_ok() {
        assert!(ids.is_sorted_by(|a, b| a < b));
        let counted = page.count.unwrap_or_default();
        assert!(if page.more { (ids.len() as u64) < counted } else { ids.len() as u64 == counted });
    }
}

/// Two looks at the changelog, and `/status`.
pub fn changes(first: &[u8], second: &[u8], status: &[u8]) {
    if let Ok(status) = serde_json::from_slice::<Status>(status) {
        Version::parse(&status.version);
    }
    let mut cursor = Cursor::default();
    for body in [first, second] {
        let Ok(page) = wire::page::<Change>(body) else { return };
        adds_up(&page);
        let changes: Vec<Change> = page.rows.into_iter().filter_map(|row| row.row.ok()).collect();
        let (touched, next) = digest(&changes, &cursor, cursor.from(), true);
        let (_, again) = digest(&changes, &next, None, true);
        assert_eq!(again.newest(), next.newest());
        // What was not known before is read again, unless no row that is read shows anything of it.
        let rows: usize = touched.rows.values().map(BTreeSet::len).sum();
        assert!(rows <= changes.len());
        for (model, id) in &touched.deleted {
            assert!(touched.rows.get(model).is_some_and(|ids| ids.contains(id)));
        }
        cursor = next;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    macro_rules! recorded {
        ($name:literal) => {
            include_bytes!(concat!("../../tests/fixtures/netbox-4.5.2/", $name, ".json"))
        };
    }

    #[test]
    fn recorded_lists_keep_what_is_demanded() {
        lists(
            2,
            [
                recorded!("devices"),
                recorded!("virtual-machines"),
                recorded!("services"),
                recorded!("ip-addresses"),
                recorded!("interfaces"),
                recorded!("vm-interfaces"),
                recorded!("mac-addresses"),
            ],
        );
        lists(0, [b"{", b"", b"[]", b"", b"", b"", b""]);
        // Before 4.1 disks are counted in a larger unit, and a number in the answer may be any.
        let huge = br#"{"count":1,"next":null,"results":[{"id":1,"name":"a","status":"active","disk":18446744073709551615}]}"#;
        lists(0, [b"", huge, b"", b"", b"", b"", b""]);
        changes(recorded!("object-changes"), recorded!("object-changes-mixed"), recorded!("status"));
    }
}
