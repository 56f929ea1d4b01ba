//! NetBox, while an engine and a cluster show what runs: nothing of it may become undeclared.

use std::sync::Arc;

use evenkeel_lab::proxmox::{Guest, ProxmoxLab, PveVersion};
use jiff::SignedDuration;
use serde_json::json;

use super::{plan, proxmox, wire};
use crate::conformance::{Fault, Rig};
use crate::stage::{Lab, Plan, Stage};

const SERVICES: [(&str, u16); 3] = [("web", 80), ("db", 5432), ("cache", 6379)];
const HIDDEN: [&str; 2] = ["virtualization.virtualmachine", "ipam.service"];

pub(in crate::conformance) struct Netbox {
    stage: Stage,
    pve: Arc<ProxmoxLab>,
}

pub(in crate::conformance) async fn rig() -> Netbox {
    let lab = Lab::small(&[("box", &SERVICES)]).await;
    let pve = proxmox::cluster(&lab, PveVersion::V9).await;
    let plan = Plan { beside: vec![proxmox::beside(&pve)], ..plan() };
    Netbox { stage: Stage::start(lab, plan).await, pve }
}

impl Netbox {
    /// The word for a machine's status, as the list has it.
    fn say(&self, word: &str) {
        let netbox = self.stage.lab.netbox.netbox();
        let id = netbox.vm("mail").unwrap();
        netbox.mangle(HIDDEN[0], id, json!({"status": {"value": word, "label": word}}));
    }
}

impl Rig for Netbox {
    fn stage(&self) -> &Stage {
        &self.stage
    }

    fn stage_mut(&mut self) -> &mut Stage {
        &mut self.stage
    }

    fn truths(&self) -> &'static [&'static str] {
        &["SERVICE_MISSING db@box", "VM_DOWN docs", "VM_UNDECLARED stray"]
    }

    async fn differ(&self) {
        self.stage.engine("box").stop("db").unwrap();
        self.pve.pve().stop_guest(100);
        self.pve.pve().add_guest(Guest::vm(110, "pve2", "stray"));
    }

    async fn repair(&self) {
        self.stage.engine("box").start_container("db").unwrap();
        self.pve.pve().start_guest(100);
        self.pve.pve().remove_guest(110);
    }

    async fn begin(&self, fault: Fault) {
        let lab = &self.stage.lab.netbox;
        match fault {
            Fault::Down | Fault::Restart | Fault::Controller => lab.down().await,
            Fault::Shrunken => {
                for model in HIDDEN {
                    for id in lab.netbox().ids(model) {
                        lab.netbox().hide(model, id);
                    }
                }
            }
            Fault::UnknownWord => self.say("quantum"),
            Fault::ClockSkew => {
                lab.netbox().set_clock(SignedDuration::from_hours(2));
                lab.netbox().add_tag("later");
            }
            Fault::Slow
            | Fault::Hang
            | Fault::Unauthorized
            | Fault::Forbidden
            | Fault::Empty
            | Fault::Truncated
            | Fault::Malformed
            | Fault::Duplicate
            | Fault::Reset => lab.faults().set("", wire(fault).unwrap()),
        }
    }

    async fn end(&self, fault: Fault) {
        let lab = &self.stage.lab.netbox;
        match fault {
            Fault::Down | Fault::Restart | Fault::Controller => lab.up().unwrap(),
            Fault::Shrunken => lab.netbox().allow_all(),
            Fault::UnknownWord => self.say("active"),
            Fault::ClockSkew => lab.netbox().set_clock(SignedDuration::ZERO),
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
