//! Two-way coverage: how much of what is declared runs, how much of what runs is declared, and of how much nobody can say.

use serde::{Deserialize, Serialize};

use crate::coverage::Lookup;
use crate::id::SourceKind;
use crate::judge::{Rules, speaks_about};
use crate::model::{
    Demand, Expected, ExpectedHost, ExpectedService, HostView, Lifecycle, MachineKind, MachineState,
    Observed, RunState,
};

/// How much of each truth the other one confirms. Only what a complete answer speaks about is counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coverages {
    /// Services that are declared to run, and do.
    pub declared_running: usize,
    /// Services that are declared to run, and of which it is known whether they do.
    pub declared: usize,
    /// Services that are declared to run, and of which nobody can say whether they do.
    pub declared_unknown: usize,
    /// Services that run and are declared.
    pub running_declared: usize,
    /// Services that run, and of which it is known whether they are declared.
    pub running: usize,
    /// Services that run, and of which nobody can say whether they are declared.
    pub running_unknown: usize,
    /// Services that may be absent, and are.
    pub planned: usize,
    /// Services that must not run, and do not.
    pub retired: usize,
    /// The same of machines that a hypervisor sees.
    pub machines: Machines,
}

/// How much of what is declared on hypervisors runs there, and the other way round.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machines {
    /// Declared to run, and running.
    pub declared_running: usize,
    /// Declared to run, and known whether they do.
    pub declared: usize,
    /// Declared to run, and nobody can say whether they do.
    pub declared_unknown: usize,
    /// Running and declared.
    pub running_declared: usize,
    /// Running, and known whether they are declared.
    pub running: usize,
}

impl Machines {
    fn of(expected: &Expected, observed: &Observed) -> Self {
        let mut counted = Self::default();
        let (mut known, mut unknown, mut runs) = (false, false, false);
        for view in observed.views() {
            let hypervisor = matches!(view.source.kind, SourceKind::Proxmox | SourceKind::Truenas);
            match view.machine().filter(|_| hypervisor && view.facts.from_outside) {
                None => {}
                Some(Lookup::Present(machine)) if machine.kind == MachineKind::Node => {}
                Some(Lookup::Present(machine)) => match machine.state.known() {
                    Ok(state) => {
                        known = true;
                        runs |= *state == MachineState::Running;
                    }
                    Err(_) => unknown = true,
                },
                Some(Lookup::Absent) => known = true,
                Some(Lookup::Unknown(_)) => unknown = true,
            }
        }
        match expected.host() {
            Lookup::Present(host) if host.demand() == Demand::Run && (runs || known && !unknown) => {
                counted.declared = 1;
                counted.declared_running = usize::from(runs);
            }
            Lookup::Present(host) if host.demand() == Demand::Run && unknown => counted.declared_unknown = 1,
            Lookup::Present(_) | Lookup::Absent | Lookup::Unknown(_) => {}
        }
        match expected.host() {
            Lookup::Present(_) => {
                counted.running = usize::from(runs);
                counted.running_declared = usize::from(runs);
            }
            Lookup::Absent => counted.running = usize::from(runs),
            Lookup::Unknown(_) => {}
        }
        counted
    }

    fn add(&mut self, other: Self) {
        let Self { declared_running, declared, declared_unknown, running_declared, running } = other;
        self.declared_running += declared_running;
        self.declared += declared;
        self.declared_unknown += declared_unknown;
        self.running_declared += running_declared;
        self.running += running;
    }
}

impl Coverages {
    /// Both sides of the coverage of one host.
    pub fn of(expected: &Expected, observed: &Observed, rules: &Rules) -> Self {
        let mut counted = Self { machines: Machines::of(expected, observed), ..Self::default() };
        let declared = match expected.host() {
            Lookup::Present(host) => Some(host),
            Lookup::Absent | Lookup::Unknown(_) => None,
        };
        for service in declared.iter().flat_map(|host| &host.services) {
            count_declared(&mut counted, declared, service, runs(observed, service, rules));
        }
        let mut seen: Vec<_> = observed.views().iter().flat_map(|view| &view.services).collect();
        seen.retain(|service| service.state.known() == Ok(&RunState::Running));
        seen.sort_by(|a, b| a.name.cmp(&b.name));
        seen.dedup_by(|a, b| a.name == b.name);
        for service in seen {
            match expected.service(&service.name) {
                Lookup::Present(_) => {
                    counted.running += 1;
                    counted.running_declared += 1;
                }
                Lookup::Absent => counted.running += 1,
                Lookup::Unknown(_) => counted.running_unknown += 1,
            }
        }
        counted
    }

    /// Counts another one in.
    pub fn add(&mut self, other: Self) {
        let Self {
            declared_running,
            declared,
            declared_unknown,
            running_declared,
            running,
            running_unknown,
            planned,
            retired,
            machines,
        } = other;
        self.declared_running += declared_running;
        self.declared += declared;
        self.declared_unknown += declared_unknown;
        self.running_declared += running_declared;
        self.running += running;
        self.running_unknown += running_unknown;
        self.planned += planned;
        self.retired += retired;
        self.machines.add(machines);
    }
}

fn count_declared(
    counted: &mut Coverages,
    host: Option<&ExpectedHost>,
    service: &ExpectedService,
    runs: Option<bool>,
) {
    let demand = Demand::of_service(host.map_or(Demand::Either, ExpectedHost::demand), service.lifecycle);
    match (demand, runs) {
        (Demand::Run, None) => counted.declared_unknown += 1,
        (Demand::Run, Some(runs)) => {
            counted.declared += 1;
            counted.declared_running += usize::from(runs);
        }
        (Demand::NotRun, Some(false)) => counted.retired += 1,
        (Demand::MayRun | Demand::Either, Some(false)) if service.lifecycle != Some(Lifecycle::Active) => {
            counted.planned += 1;
        }
        (Demand::NotRun | Demand::MayRun | Demand::Either, Some(_) | None) => {}
    }
}

/// Whether a declared service runs, where anybody can say: seen running beats unknown, unknown beats seen stopped.
fn runs(observed: &Observed, service: &ExpectedService, rules: &Rules) -> Option<bool> {
    let (mut known, mut unknown) = (false, false);
    for view in observed.views().iter().filter(|view| may_speak(view, service, rules)) {
        match view.service(&service.name) {
            Lookup::Present(seen) => match seen.state.known() {
                Ok(RunState::Running) => return Some(true),
                Ok(
                    RunState::Restarting
                    | RunState::Paused
                    | RunState::Created
                    | RunState::Exited
                    | RunState::Closed,
                ) => known = true,
                Err(_) => unknown = true,
            },
            Lookup::Absent => known = true,
            Lookup::Unknown(_) => unknown = true,
        }
    }
    (known && !unknown).then_some(false)
}

fn may_speak(view: &HostView, service: &ExpectedService, rules: &Rules) -> bool {
    let asked = speaks_about(view, &service.name, Some(service));
    let never = matches!(view.source.kind, SourceKind::Docker | SourceKind::Truenas)
        && rules.not_containers.iter().any(|name| name.eq_ignore_ascii_case(service.name.as_str()))
        && !matches!(view.service(&service.name), Lookup::Present(_));
    asked && !never
}
