//! What is true, and which drifts stand for themselves because of it: the oracle's own judgement, made of sets. It shares
//! nothing with the product's.
//!
//! What does not live here: how the truth comes to the simulated systems (`world`).

use std::collections::{BTreeMap, BTreeSet};

/// What NetBox says of a service's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Life {
    /// It must run.
    Active,
    /// It may run.
    Planned,
    /// It must not run.
    Retired,
}

impl Life {
    /// The custom field's value.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Planned => "planned",
            Self::Retired => "retired",
        }
    }
}

/// A container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Container {
    /// The host port it publishes.
    pub port: u16,
    /// Whether it runs.
    pub runs: bool,
}

/// A virtual machine with an engine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Machine {
    /// Its number on the cluster.
    pub vmid: u64,
    /// Whether it is on.
    pub on: bool,
    /// What the cluster calls it.
    pub called: String,
    /// What is declared on it.
    pub declared: BTreeMap<String, (u16, Life)>,
    /// What is on its engine.
    pub boxes: BTreeMap<String, Container>,
}

/// Everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Truth {
    /// By the name NetBox knows.
    pub machines: BTreeMap<String, Machine>,
    /// Machines on the cluster that nobody declared and that run.
    pub strangers: BTreeSet<String>,
}

impl Truth {
    /// The same systems, with what was declared at another moment.
    pub fn declared_as(&self, other: &Self) -> Self {
        let mut mixed = self.clone();
        for (name, machine) in &mut mixed.machines {
            if let Some(then) = other.machines.get(name) {
                machine.declared = then.declared.clone();
            }
        }
        mixed
    }

    /// Whether a machine is off, so that nothing inside it can be decided.
    pub fn is_off(&self, host: &str) -> bool {
        self.machines.get(host).is_some_and(|machine| !machine.on)
    }

    /// The drifts that stand for themselves.
    pub fn drifts(&self) -> BTreeSet<String> {
        let mut drifts: BTreeSet<String> =
            self.strangers.iter().map(|name| format!("VM_UNDECLARED {name}")).collect();
        for (host, machine) in &self.machines {
            // Whatever else is wrong with a machine that is off stands behind that.
            if machine.on {
                if machine.called != *host {
                    drifts.insert(format!("CONFIG_DRIFT name {host}"));
                }
                drifts.extend(machine.drifts(host));
            } else {
                drifts.insert(format!("VM_DOWN {host}"));
            }
        }
        drifts
    }
}

impl Machine {
    fn drifts(&self, host: &str) -> Vec<String> {
        let mut drifts = Vec::new();
        for (service, (port, life)) in &self.declared {
            let found = self.boxes.get(service).filter(|found| found.runs);
            match (life, found) {
                (Life::Active, None) => drifts.push(format!("SERVICE_MISSING {service}@{host}")),
                (Life::Active, Some(found)) if found.port != *port => {
                    drifts.push(format!("PORT_MISMATCH {service}@{host}"));
                }
                (Life::Retired, Some(_)) => drifts.push(format!("SERVICE_UNEXPECTED {service}@{host}")),
                (Life::Planned, Some(found)) if found.port != *port => {
                    drifts.push(format!("PORT_MISMATCH {service}@{host}"));
                }
                (Life::Active | Life::Planned, Some(_)) | (Life::Planned | Life::Retired, None) => {}
            }
        }
        let strange =
            self.boxes.iter().filter(|(name, found)| found.runs && !self.declared.contains_key(*name));
        drifts.extend(strange.map(|(name, _)| format!("SERVICE_UNEXPECTED {name}@{host}")));
        drifts
    }
}
