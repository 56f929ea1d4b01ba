//! What is kept between reads: the rows of every model by id, from which the inventory is rebuilt whole.
//!
//! What does not live here: how a row is read (`rows`) and joined (`decode`).

use std::collections::{BTreeMap, BTreeSet};

use super::model::Model;
use super::rows::{Flaw, HostRow, InterfaceRow, IpRow, MacRow, ServiceRow};

/// Rows of one model, by id. A row that was not understood stays as the flaw it is: it exists.
pub(super) type Table<R> = BTreeMap<u64, Result<R, Flaw>>;

/// Everything that was read.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Tables {
    pub(super) devices: Table<HostRow>,
    pub(super) vms: Table<HostRow>,
    pub(super) services: Table<ServiceRow>,
    pub(super) ips: Table<IpRow>,
    pub(super) interfaces: Table<InterfaceRow>,
    pub(super) vm_interfaces: Table<InterfaceRow>,
    pub(super) macs: Table<MacRow>,
}

/// Rows of some model, just read.
#[derive(Debug)]
pub(super) enum Rows {
    Devices(Table<HostRow>),
    Vms(Table<HostRow>),
    Services(Table<ServiceRow>),
    Ips(Table<IpRow>),
    Interfaces(Table<InterfaceRow>),
    VmInterfaces(Table<InterfaceRow>),
    Macs(Table<MacRow>),
}

impl Tables {
    /// How many objects there are.
    pub(super) fn len(&self) -> usize {
        Model::ALL.into_iter().map(|model| self.count(model)).sum()
    }

    /// How many rows a model has.
    pub(super) fn count(&self, model: Model) -> usize {
        match model {
            Model::Devices => self.devices.len(),
            Model::Vms => self.vms.len(),
            Model::Services => self.services.len(),
            Model::Ips => self.ips.len(),
            Model::Interfaces => self.interfaces.len(),
            Model::VmInterfaces => self.vm_interfaces.len(),
            Model::Macs => self.macs.len(),
        }
    }

    /// Whether a row is known.
    pub(super) fn has(&self, model: Model, id: u64) -> bool {
        match model {
            Model::Devices => self.devices.contains_key(&id),
            Model::Vms => self.vms.contains_key(&id),
            Model::Services => self.services.contains_key(&id),
            Model::Ips => self.ips.contains_key(&id),
            Model::Interfaces => self.interfaces.contains_key(&id),
            Model::VmInterfaces => self.vm_interfaces.contains_key(&id),
            Model::Macs => self.macs.contains_key(&id),
        }
    }

    /// The ids a model has here and no longer has there, ascending.
    pub(super) fn missing_in(&self, other: &Self, model: Model) -> Vec<u64> {
        fn lost<R>(old: &Table<R>, new: &Table<R>) -> Vec<u64> {
            old.keys().filter(|id| !new.contains_key(id)).copied().collect()
        }
        match model {
            Model::Devices => lost(&self.devices, &other.devices),
            Model::Vms => lost(&self.vms, &other.vms),
            Model::Services => lost(&self.services, &other.services),
            Model::Ips => lost(&self.ips, &other.ips),
            Model::Interfaces => lost(&self.interfaces, &other.interfaces),
            Model::VmInterfaces => lost(&self.vm_interfaces, &other.vm_interfaces),
            Model::Macs => lost(&self.macs, &other.macs),
        }
    }

    /// Puts rows in the place of those they were asked for (`None`: of all), and returns what was there.
    pub(super) fn swap(&mut self, rows: Rows, asked: Option<&BTreeSet<u64>>) -> Rows {
        fn of<R>(table: &mut Table<R>, rows: Table<R>, asked: Option<&BTreeSet<u64>>) -> Table<R> {
            let Some(asked) = asked else { return std::mem::replace(table, rows) };
            let before = asked.iter().filter_map(|id| table.remove_entry(id)).collect();
            table.extend(rows);
            before
        }
        match rows {
            Rows::Devices(rows) => Rows::Devices(of(&mut self.devices, rows, asked)),
            Rows::Vms(rows) => Rows::Vms(of(&mut self.vms, rows, asked)),
            Rows::Services(rows) => Rows::Services(of(&mut self.services, rows, asked)),
            Rows::Ips(rows) => Rows::Ips(of(&mut self.ips, rows, asked)),
            Rows::Interfaces(rows) => Rows::Interfaces(of(&mut self.interfaces, rows, asked)),
            Rows::VmInterfaces(rows) => Rows::VmInterfaces(of(&mut self.vm_interfaces, rows, asked)),
            Rows::Macs(rows) => Rows::Macs(of(&mut self.macs, rows, asked)),
        }
    }
}

impl Rows {
    /// Whether the row was among those read.
    pub(super) fn has(&self, id: u64) -> bool {
        match self {
            Self::Devices(rows) | Self::Vms(rows) => rows.contains_key(&id),
            Self::Services(rows) => rows.contains_key(&id),
            Self::Ips(rows) => rows.contains_key(&id),
            Self::Interfaces(rows) | Self::VmInterfaces(rows) => rows.contains_key(&id),
            Self::Macs(rows) => rows.contains_key(&id),
        }
    }
}
