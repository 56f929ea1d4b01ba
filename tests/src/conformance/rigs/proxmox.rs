//! A Proxmox VE cluster of two nodes; an engine runs on one of its guests. Restart: one node's proxy at a time.

use std::sync::Arc;
use std::time::Duration;

use evenkeel::fleet::{Observer, Speaks};
use evenkeel_core::{Secret, SourceId, SourceKind};
use evenkeel_lab::proxmox::{Cluster, Guest, ProxmoxLab, PveVersion};
use evenkeel_sources::proxmox::{Config, Login, ProxmoxSource};
use serde_json::json;

use super::{PATIENCE, plan, wire};
use crate::conformance::{Fault, Rig, System};
use crate::stage::{Beside, Lab, Plan, Stage, Wired};

/// What runs on the cluster and is declared there.
const GUESTS: [(u64, &str, &str); 7] = [
    (100, "pve1", "docs"),
    (101, "pve1", "mail"),
    (102, "pve1", "box"),
    (103, "pve2", "media"),
    (104, "pve2", "games"),
    (105, "pve2", "backup"),
    (106, "pve2", "dns"),
];

pub(in crate::conformance) struct Proxmox {
    stage: Stage,
    lab: Arc<ProxmoxLab>,
}

pub(in crate::conformance) async fn rig(system: System) -> Proxmox {
    let version = if system == System::Proxmox8 { PveVersion::V8 } else { PveVersion::V9 };
    let lab = Lab::small(&[("box", &[("web", 80)])]).await;
    let pve = cluster(&lab, version).await;
    let plan = Plan { beside: vec![beside(&pve)], ..plan() };
    Proxmox { stage: Stage::start(lab, plan).await, lab: pve }
}

/// A cluster on which everything is as it is declared, which happens here as well. The machine `box` is there already.
pub async fn cluster(lab: &Lab, version: PveVersion) -> Arc<ProxmoxLab> {
    let mut cluster = Cluster::new("lab", version, &["pve1", "pve2"]);
    let netbox = lab.netbox.netbox();
    for node in ["pve1", "pve2"] {
        netbox.add_device(node, |_| {});
    }
    for (vmid, node, name) in GUESTS {
        cluster = cluster.with(Guest::vm(vmid, node, name));
        if name != "box" {
            netbox.add_vm(name, |_| {});
        }
        let device = netbox.device(node);
        assert!(netbox.edit_host(name, |host| host.device = device));
    }
    let pve = ProxmoxLab::start(cluster).await.unwrap();
    pve.refuse_after(Duration::ZERO);
    Arc::new(pve)
}

/// The cluster's source.
pub fn beside(lab: &Arc<ProxmoxLab>) -> Beside {
    let lab = Arc::clone(lab);
    Beside::new(move || {
        let endpoints = lab.urls().iter().map(|url| url.parse().unwrap()).collect();
        let login = Login::token(&Secret::new(lab.token())).unwrap();
        let id = SourceId::new(SourceKind::Proxmox, "lab");
        let config = Config { timeout: PATIENCE, ..Config::new(id, endpoints, login) };
        let source = Arc::new(ProxmoxSource::new(config).unwrap());
        let observer = Observer { source, speaks: Speaks::Machines(Vec::new()), interval: None };
        Wired { observers: vec![observer], ..Wired::default() }
    })
}

impl Rig for Proxmox {
    fn stage(&self) -> &Stage {
        &self.stage
    }

    fn stage_mut(&mut self) -> &mut Stage {
        &mut self.stage
    }

    fn truths(&self) -> &'static [&'static str] {
        &["VM_DOWN docs", "VM_UNDECLARED stray"]
    }

    async fn differ(&self) {
        self.lab.pve().stop_guest(100);
        self.lab.pve().add_guest(Guest::vm(110, "pve2", "stray"));
    }

    async fn repair(&self) {
        self.lab.pve().start_guest(100);
        self.lab.pve().remove_guest(110);
    }

    async fn begin(&self, fault: Fault) {
        let lab = &self.lab;
        match fault {
            Fault::Down | Fault::Controller => {
                lab.down(0).await;
                lab.down(1).await;
            }
            Fault::Shrunken => {
                lab.pve().revoke(lab.token_id(), "");
                for path in ["/vms/101", "/nodes"] {
                    lab.pve().grant(lab.token_id(), path, "PVEAuditor", true);
                }
            }
            Fault::UnknownWord => lab.pve().tamper(101, "status", json!("hibernated")),
            Fault::Restart => {
                for endpoint in [0, 1] {
                    lab.restart(endpoint).await.unwrap();
                    self.stage.looks(1).await;
                }
            }
            Fault::ClockSkew => lab.set_clock(-7200),
            Fault::Empty | Fault::Duplicate => lab.faults().set("/cluster/resources", wire(fault).unwrap()),
            Fault::Slow
            | Fault::Hang
            | Fault::Unauthorized
            | Fault::Forbidden
            | Fault::Truncated
            | Fault::Malformed
            | Fault::Reset => lab.faults().set("", wire(fault).unwrap()),
        }
    }

    async fn end(&self, fault: Fault) {
        let lab = &self.lab;
        match fault {
            Fault::Down | Fault::Controller => {
                lab.up(0).await.unwrap();
                lab.up(1).await.unwrap();
            }
            Fault::Shrunken => lab.pve().grant(lab.token_id(), "/", "PVEAuditor", true),
            Fault::UnknownWord => lab.pve().tamper(101, "status", json!("running")),
            Fault::Restart => {}
            Fault::ClockSkew => lab.set_clock(0),
            Fault::Slow
            | Fault::Hang
            | Fault::Unauthorized
            | Fault::Forbidden
            | Fault::Empty
            | Fault::Truncated
            | Fault::Malformed
            | Fault::Duplicate
            | Fault::Reset => lab.faults().clear_all(),
        }
    }
}
