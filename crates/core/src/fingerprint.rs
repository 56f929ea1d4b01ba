//! A stamp over both truths about one host: equal stamps mean that a comparison would find what it found before.
//!
//! Moments of observation are left out, so that an unchanged world stamps alike however often it is looked at.

use std::hash::Hash;

use xxhash_rust::xxh3::Xxh3;

use crate::coverage::{Fact, Gap, Lookup};
use crate::id::DriftId;
use crate::judge::LOWEST_LIMIT;
use crate::model::{Expected, ExpectedHost, HostView, Observed, ObservedMachine, Usage, Volume};

/// A 128-bit stamp.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint(pub u128);

/// The stamp of both truths about one host, and of the drifts of other machines that explain its own.
pub fn of_host(expected: &Expected, observed: &Observed, outer: &[DriftId]) -> Fingerprint {
    let mut hasher = Xxh3::new();
    outer.hash(&mut hasher);
    expected.coverage().gap().hash(&mut hasher);
    // Every list is preceded by its length, so that no two worlds write the same bytes.
    match expected.host() {
        Lookup::Present(host) => {
            0_u8.hash(&mut hasher);
            host_into(host, &mut hasher);
        }
        Lookup::Absent => 1_u8.hash(&mut hasher),
        Lookup::Unknown(_) => 2_u8.hash(&mut hasher),
    }
    observed.views().len().hash(&mut hasher);
    for view in observed.views() {
        view_into(view, &mut hasher);
    }
    Fingerprint(hasher.digest128())
}

fn host_into(host: &ExpectedHost, hasher: &mut Xxh3) {
    // The serialised form would do, at ten times the cost; the fields are spelled out so that a new one is not
    // forgotten here.
    let ExpectedHost {
        name,
        kind,
        netbox_id,
        status,
        primary_ip,
        addresses,
        macs,
        aliases,
        role,
        site,
        tenant,
        cluster,
        node,
        vcpus,
        memory_mib,
        disk_mib,
        tags,
        observed_by,
        docker_endpoint,
        proxmox_vmid,
        sensitive,
        services,
        services_coverage,
        contradictions,
    } = host;
    (name, kind, netbox_id, status, primary_ip, addresses, macs, aliases).hash(hasher);
    (role, site, tenant, cluster, node, vcpus, memory_mib, disk_mib).hash(hasher);
    (tags, observed_by, docker_endpoint, proxmox_vmid, sensitive, services_coverage.gap(), contradictions)
        .hash(hasher);
    services.len().hash(hasher);
    for service in services {
        let crate::model::ExpectedService {
            name,
            lifecycle,
            ports,
            container_name,
            compose_project,
            role,
            image,
            observed_by,
            tags,
            netbox_ids,
        } = service;
        (name, lifecycle, ports, container_name, compose_project, role, image, observed_by, tags, netbox_ids)
            .hash(hasher);
    }
}

/// Use is stamped in whole percent: below half of what there is no threshold lies, and what idles must not look new
/// with every answer.
fn machine_into(machine: &ObservedMachine, hasher: &mut Xxh3) {
    let ObservedMachine {
        key,
        kind,
        name,
        state,
        node,
        cluster,
        vmid,
        macs,
        addresses,
        up_since: _,
        vcpus,
        memory_mib,
        disk_mib,
        cpu,
        memory,
        volumes,
        volumes_coverage,
        notes: _,
    } = machine;
    (1_u8, key, kind, name, state, node, cluster, vmid, macs, addresses).hash(hasher);
    (vcpus, memory_mib, disk_mib, percent_of(cpu), percent_of(memory)).hash(hasher);
    volumes_coverage.gap().hash(hasher);
    volumes.len().hash(hasher);
    for Volume { kind, name, usage, health } in volumes {
        (kind, name, percent_of(usage), health).hash(hasher);
    }
}

fn percent_of(usage: &Fact<Usage>) -> Result<Option<u64>, &Gap> {
    usage.known().map(|usage| usage.percent().map(|percent| percent.max(LOWEST_LIMIT)))
}

fn view_into(view: &HostView, hasher: &mut Xxh3) {
    let HostView { source, started: _, observed_at: _, coverage, facts, services, ambiguous } = view;
    (source, coverage.gap(), &facts.name, &facts.engine_id, ambiguous).hash(hasher);
    (facts.from_outside, facts.shared_gap).hash(hasher);
    match &facts.machine {
        Some(machine) => machine_into(machine, hasher),
        None => 0_u8.hash(hasher),
    }
    services.len().hash(hasher);
    for service in services {
        let crate::model::ObservedService {
            name,
            hints,
            state,
            ports,
            health,
            image,
            role,
            restarts,
            replicas,
        } = service;
        (name, hints, state, ports, health, image, role, restarts, replicas).hash(hasher);
    }
}
