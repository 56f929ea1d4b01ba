//! Which declared host a source speaks about: explicit link (NetBox's `proxmox_vmid`), then name and aliases, then the identity matched last time
//! (so that a rename stays a rename), then MAC, then primary IP.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use super::canonical;
use crate::coverage::{Gap, GapKind};
use crate::id::HostName;
use crate::model::{ExpectedHost, HostKind};

/// NetBox's own identity of a host, stable over renames.
pub type NetboxRef = (HostKind, u64);

/// What is known of the machine a source speaks about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Claim {
    /// The host the operator configured for the source, or the one NetBox declares the endpoint on.
    pub configured: Option<HostName>,
    /// Proxmox's number of the guest, and the NetBox clusters it can be declared in (none: any).
    pub vmid: Option<(u64, Vec<Arc<str>>)>,
    /// What it was matched with last time.
    pub remembered: Option<(HostKind, u64)>,
    /// The name the machine gives itself.
    pub name: Option<Arc<str>>,
    /// Its MAC addresses, lower-case colon form.
    pub macs: Vec<Arc<str>>,
    /// Its addresses.
    pub addresses: Vec<IpAddr>,
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HostMatch {
    /// This declared host.
    Declared(HostName),
    /// No declared host; the name to show it under.
    Undeclared(HostName),
    /// Several declared hosts answer equally well.
    Ambiguous(Gap),
    /// Nothing to match on: no configured name, and the source could not say.
    Unnamed,
}

/// A host and the cluster it is declared in.
type InCluster = (Option<Arc<str>>, HostName);

/// The declared hosts by everything they can be found by. Built once per inventory.
#[derive(Clone, Debug, Default)]
pub struct HostIndex {
    /// Whole names and aliases, lower case.
    by_name: BTreeMap<String, BTreeSet<HostName>>,
    /// The same in canonical form, asked only for what no whole name answers to: `web` is not made ambiguous by
    /// `web.dmz`.
    by_label: BTreeMap<String, BTreeSet<HostName>>,
    /// Declared numbers are unique within a cluster, not beyond it.
    by_vmid: BTreeMap<u64, BTreeSet<InCluster>>,
    by_mac: BTreeMap<Arc<str>, BTreeSet<HostName>>,
    by_ip: BTreeMap<IpAddr, BTreeSet<HostName>>,
    by_ref: BTreeMap<NetboxRef, HostName>,
    refs: BTreeMap<HostName, NetboxRef>,
}

impl HostIndex {
    /// Indexes an inventory.
    pub fn new<'a>(hosts: impl IntoIterator<Item = &'a ExpectedHost>) -> Self {
        let mut index = Self::default();
        for host in hosts {
            let names = std::iter::once(host.name.as_str()).chain(host.aliases.iter().map(|a| &**a));
            for name in names {
                index.by_label.entry(canonical(name)).or_default().insert(host.name.clone());
                index.by_name.entry(name.trim().to_lowercase()).or_default().insert(host.name.clone());
            }
            for mac in &host.macs {
                index.by_mac.entry(mac.clone()).or_default().insert(host.name.clone());
            }
            if let Some(ip) = host.primary_ip {
                index.by_ip.entry(ip).or_default().insert(host.name.clone());
            }
            if let Some(vmid) = host.proxmox_vmid {
                let place = (host.cluster.clone(), host.name.clone());
                index.by_vmid.entry(vmid).or_default().insert(place);
            }
            index.by_ref.insert((host.kind, host.netbox_id), host.name.clone());
            index.refs.insert(host.name.clone(), (host.kind, host.netbox_id));
        }
        index
    }

    /// NetBox's identity of a matched host, to be remembered.
    pub fn reference(&self, name: &HostName) -> Option<NetboxRef> {
        self.refs.get(name).copied()
    }

    /// Finds the host. A level that finds exactly one ends the search; one that finds several ends it as ambiguous,
    /// because a weaker clue must not decide between two stronger ones.
    pub fn resolve(&self, claim: &Claim) -> HostMatch {
        if let Some(found) = claim.vmid.as_ref().and_then(|(vmid, clusters)| self.linked(*vmid, clusters)) {
            return found;
        }
        let name = claim.configured.as_ref().map(HostName::as_str).or(claim.name.as_deref());
        if let Some(found) = name.and_then(|name| self.named(name)) {
            return found;
        }
        // Nobody is called that any more: whoever was, was renamed.
        if let Some(name) = claim.remembered.and_then(|reference| self.by_ref.get(&reference)) {
            return HostMatch::Declared(name.clone());
        }
        if let Some(configured) = &claim.configured {
            return HostMatch::Undeclared(configured.clone());
        }
        let macs: BTreeSet<&HostName> =
            claim.macs.iter().filter_map(|mac| self.by_mac.get(mac)).flatten().collect();
        let ips: BTreeSet<&HostName> =
            claim.addresses.iter().filter_map(|ip| self.by_ip.get(ip)).flatten().collect();
        if let Some(found) = decide("MAC address", &macs).or_else(|| decide("primary IP", &ips)) {
            return found;
        }
        match &claim.name {
            Some(name) => HostMatch::Undeclared(HostName::new(name)),
            None => HostMatch::Unnamed,
        }
    }

    /// The host that declares this number within these clusters.
    fn linked(&self, vmid: u64, clusters: &[Arc<str>]) -> Option<HostMatch> {
        let within = |cluster: &Option<Arc<str>>| {
            let known = |cluster: &Arc<str>| clusters.iter().any(|c| c.eq_ignore_ascii_case(cluster));
            clusters.is_empty() || cluster.as_ref().is_none_or(known)
        };
        let found = self.by_vmid.get(&vmid)?.iter().filter(|(cluster, _)| within(cluster));
        decide(&format!("number {vmid}"), &found.map(|(_, name)| name).collect())
    }

    fn named(&self, name: &str) -> Option<HostMatch> {
        let exact = self.by_name.get(&name.trim().to_lowercase());
        let found = exact.or_else(|| self.by_label.get(&canonical(name)))?;
        decide(&format!("name {name}"), &found.iter().collect())
    }
}

fn decide(by: &str, found: &BTreeSet<&HostName>) -> Option<HostMatch> {
    match found.len() {
        0 => None,
        1 => found.first().map(|name| HostMatch::Declared((*name).clone())),
        _ => {
            let names: Vec<&str> = found.iter().map(|n| n.as_str()).collect();
            let why = format!("the {by} belongs to {}", names.join(" and "));
            Some(HostMatch::Ambiguous(Gap::new(GapKind::Ambiguous, why)))
        }
    }
}
