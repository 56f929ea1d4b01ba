//! evenkeel in a process of its own, as it is shipped, beside a simulated fleet in other processes: what is measured on it
//! is its own. What does not live here: what is measured.

mod engines;
mod program;

use std::path::Path;

use evenkeel_lab::inventory::{self, Inventory};
use evenkeel_lab::netbox::{NetboxLab, NetboxVersion};
use evenkeel_lab::receiver::Receiver;

pub(crate) use engines::{Engines, container};
pub use engines::{SERVE, serve};
pub(crate) use program::{Manner, Program};

use crate::{Result, stage};

/// A fleet of virtual machines whose services are containers, as NetBox declares it.
pub(crate) fn declared(hosts: usize, services: usize) -> Inventory {
    let mut inventory = inventory::fleet(hosts, services);
    inventory.devices.clear();
    inventory.interfaces.clear();
    for vm in &mut inventory.vms {
        // Nobody here is asked what runs on which node.
        vm.device = None;
        vm.custom_fields.insert("observed_by".to_owned(), serde_json::json!(["docker"]));
    }
    inventory
}

/// How the fleet calls a host.
pub(crate) fn host_name(n: usize) -> String {
    format!("vm-{n:05}")
}

/// How it calls a service.
pub(crate) fn service_name(k: usize) -> String {
    format!("service-{k:02}")
}

/// The port on which a service is declared and published.
pub(crate) fn service_port(k: usize) -> u16 {
    8000 + u16::try_from(k).unwrap_or(0)
}

/// Everything that evenkeel speaks to.
pub(crate) struct Yard {
    pub(crate) netbox: NetboxLab,
    pub(crate) engines: Engines,
    pub(crate) receiver: Receiver,
}

impl Yard {
    /// A fleet of this size, everything running as declared but for every so manyth service (0: all of it).
    pub(crate) async fn start(hosts: usize, services: usize, one_in: usize) -> Result<Self> {
        Ok(Self {
            netbox: NetboxLab::start(declared(hosts, services), NetboxVersion::V4_5).await?,
            engines: Engines::start(hosts, services, one_in).await?,
            receiver: Receiver::start(stage::SIGNING_SECRET).await?,
        })
    }

    /// evenkeel, told of all of it, with its database in this folder.
    pub(crate) async fn watched(&self, folder: &Path, manner: &Manner) -> Result<Program> {
        Program::start(folder, self, manner).await
    }
}
