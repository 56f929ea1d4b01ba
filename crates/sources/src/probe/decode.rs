//! Knocks → snapshots, pure. What lives here: what may be said of a machine and its services from how its ports answered,
//! and when the fault is the probe's own. What does not: knocking (`round`, `client`).

use std::collections::BTreeMap;
use std::sync::Arc;

use evenkeel_core::model::{
    Health, Hints, HostFacts, HostSnapshot, MachineKind, MachineState, ObservedMachine, ObservedService,
    Port, Protocol, Published, RunState,
};
use evenkeel_core::{Coverage, Fact, Gap, GapKind, SourceId};
use jiff::Timestamp;

use super::client::Knock;
use super::icmp::Echo;
use super::round::{Found, Way};
use super::target::{ServiceTarget, Target};

/// From where was looked, by whom and when: what every snapshot of one observation shares.
#[derive(Clone, Copy, Debug)]
pub(super) struct Look<'a> {
    pub(super) source: &'a SourceId,
    pub(super) vantage: &'a str,
    pub(super) tries: u32,
    pub(super) icmp: bool,
    pub(super) started: Timestamp,
    pub(super) observed_at: Timestamp,
}

/// What was found, as a snapshot. `lost`: the fault is here, and nothing that was found counts.
pub(super) fn snapshot(look: Look<'_>, target: &Target, found: &Found, lost: Option<&Gap>) -> HostSnapshot {
    let state = match lost {
        Some(gap) => Fact::Unknown(gap.clone()),
        None => machine_state(look, target, found),
    };
    let mut machine = ObservedMachine::new(target.host.as_str(), MachineKind::Node);
    machine.name = Fact::Known(Arc::from(target.host.as_str()));
    machine.state = state.clone();
    let services = if target.reachable_only {
        Vec::new()
    } else {
        target.services.iter().enumerate().map(|(i, wanted)| service(i, wanted, found, &state)).collect()
    };
    HostSnapshot {
        source: look.source.clone(),
        started: look.started,
        observed_at: look.observed_at,
        coverage: match state {
            Fact::Known(_) => Coverage::Complete,
            Fact::Unknown(gap) => Coverage::Partial(gap),
        },
        facts: HostFacts {
            notes: notes(look, target, found),
            machine: Some(Box::new(machine)),
            from_outside: target.reachable_only,
            ..HostFacts::default()
        },
        services,
    }
}

/// How all targets together came out, for the question whether the fault is here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    /// Machines that showed themselves.
    answered: usize,
    /// Machines that were tried and did not.
    silent: usize,
    /// Machines that could not even be tried, for reasons that lie here.
    barred: usize,
}

impl Tally {
    pub(super) fn of(look: Look<'_>, found: &[(&Target, Found)]) -> Self {
        let mut tally = Self::default();
        for (target, found) in found {
            match (found.answers, machine_state(look, target, found)) {
                (true, _) => tally.answered += 1,
                (false, Fact::Known(_)) => tally.silent += 1,
                (false, Fact::Unknown(gap)) if gap.kind == GapKind::Unreachable => tally.barred += 1,
                // Without an address, or without anything to try, a machine says nothing about the network.
                (false, Fact::Unknown(_)) => {}
            }
        }
        tally
    }

    /// Whether nothing answered, so that it is worth asking whether the fault is here.
    pub(super) fn is_dark(self) -> bool {
        self.answered == 0 && self.silent + self.barred > 0
    }

    /// Whether some answered and some did not, so that it is worth asking whether the network was there until the end.
    pub(super) fn is_torn(self) -> bool {
        self.answered > 0 && self.silent > 0
    }

    /// The fault is here. `reference`: whether an address of the own network answers, where one is configured. A single
    /// machine that is silent may well be down; several at once are more likely lost from sight.
    pub(super) fn vantage_lost(self, reference: Option<bool>) -> bool {
        self.is_dark()
            && match reference {
                Some(answers) => !answers,
                None => self.silent + self.barred >= 2 || self.silent == 0,
            }
    }
}

/// The gap of everything, when nothing answers from here. The same words every time: only a change is news.
pub(super) fn lost_vantage(vantage: &str) -> Gap {
    let why = format!("nothing answers from {vantage}: the probe's own network is gone");
    Gap::new(GapKind::Unreachable, why)
}

fn machine_state(look: Look<'_>, target: &Target, found: &Found) -> Fact<MachineState> {
    let host = &target.host;
    if found.answers {
        return Fact::Known(MachineState::Running);
    }
    match &found.way {
        Way::From(_) => {}
        Way::NoAddress => {
            return Fact::unknown(GapKind::Uncovered, format!("netbox gives no address of {host}"));
        }
        Way::NoRoute(why) => return Fact::unknown(GapKind::Unreachable, format!("{host}: {why}")),
    }
    let failed = found.doors.values().find_map(|knock| match knock {
        Knock::Failed(why) => Some(why),
        Knock::Silent | Knock::Refused | Knock::Mute(_) | Knock::Unfit(_) | Knock::Answered => None,
    });
    if let Some(why) = failed {
        return Fact::unknown(GapKind::Unreachable, format!("{host}: {why}"));
    }
    if found.doors.is_empty() && found.echo != Some(Echo::Silent) {
        let icmp = icmp_words(look, found);
        let why = format!("{host} declares no tcp port that could be tried, and icmp is {icmp}");
        return Fact::unknown(GapKind::Uncovered, why);
    }
    Fact::Known(MachineState::Unreachable)
}

fn service(
    index: usize,
    wanted: &ServiceTarget,
    found: &Found,
    machine: &Fact<MachineState>,
) -> ObservedService {
    let knocks: BTreeMap<Port, &Knock> = found
        .doors
        .iter()
        .filter(|((service, _), _)| *service == index)
        .map(|((_, port), knock)| (*port, knock))
        .collect();
    let unseen = match machine {
        Fact::Known(MachineState::Running) if knocks.is_empty() => Some(not_tcp(wanted)),
        Fact::Known(MachineState::Running) => None,
        Fact::Known(MachineState::Paused | MachineState::Stopped | MachineState::Unreachable) => {
            Some(Gap::new(GapKind::Unreachable, "nothing of the machine answers the probe"))
        }
        Fact::Unknown(gap) => Some(gap.clone()),
    };
    let (state, ports, health) = match unseen {
        Some(gap) => (Fact::Unknown(gap.clone()), Fact::Unknown(gap.clone()), Fact::Unknown(gap)),
        None => (state(&knocks), ports(wanted, &knocks), health(wanted, &knocks)),
    };
    ObservedService {
        name: wanted.name.clone(),
        hints: Arc::new(Hints::default()),
        state,
        ports,
        health,
        image: None,
        role: None,
        restarts: Fact::unknown(GapKind::Uncovered, "a probe does not see restarts"),
        replicas: 1,
    }
}

fn state(knocks: &BTreeMap<Port, &Knock>) -> Fact<RunState> {
    if knocks.values().any(|knock| takes_connections(knock)) {
        return Fact::Known(RunState::Running);
    }
    match failure(knocks) {
        Some(gap) => Fact::Unknown(gap),
        None => Fact::Known(RunState::Closed),
    }
}

/// The ports that answered. Where one could not be tried, or has a protocol that tells nothing by silence, what is open
/// is not known: a list without it would say that it is closed.
fn ports(wanted: &ServiceTarget, knocks: &BTreeMap<Port, &Knock>) -> Fact<Published> {
    if let Some(gap) = failure(knocks) {
        return Fact::Unknown(gap);
    }
    if wanted.ports.as_slice().iter().any(|port| port.protocol != Protocol::Tcp) {
        return Fact::Unknown(not_tcp(wanted));
    }
    let open = knocks.iter().filter(|(_, knock)| takes_connections(knock)).map(|(port, _)| *port).collect();
    Fact::Known(Published { open, ..Published::default() })
}

/// The verdict of a web check; a connection alone has none.
fn health(wanted: &ServiceTarget, knocks: &BTreeMap<Port, &Knock>) -> Fact<Health> {
    let mut checked =
        knocks.iter().filter(|(port, _)| wanted.check.http_on(port.number).is_some()).peekable();
    if checked.peek().is_none() {
        return Fact::Known(Health::None);
    }
    let mut health = None;
    for (_, knock) in checked {
        match knock {
            Knock::Unfit(_) => return Fact::Known(Health::Unhealthy),
            Knock::Answered => health = Some(Health::Healthy),
            Knock::Silent | Knock::Refused | Knock::Mute(_) | Knock::Failed(_) => {}
        }
    }
    match health {
        Some(health) => Fact::Known(health),
        None => Fact::unknown(GapKind::NotYetObserved, "only what answers has a health"),
    }
}

/// A web server that answers otherwise than it should is there all the same; that is its health.
fn takes_connections(knock: &Knock) -> bool {
    match knock {
        Knock::Answered | Knock::Unfit(_) => true,
        Knock::Silent | Knock::Refused | Knock::Mute(_) | Knock::Failed(_) => false,
    }
}

fn failure(knocks: &BTreeMap<Port, &Knock>) -> Option<Gap> {
    knocks.iter().find_map(|(port, knock)| match knock {
        Knock::Failed(why) => Some(Gap::new(GapKind::Unreachable, format!("{port}: {why}"))),
        Knock::Silent | Knock::Refused | Knock::Mute(_) | Knock::Unfit(_) | Knock::Answered => None,
    })
}

fn not_tcp(wanted: &ServiceTarget) -> Gap {
    let others: Vec<String> = wanted
        .ports
        .as_slice()
        .iter()
        .filter(|port| port.protocol != Protocol::Tcp)
        .map(ToString::to_string)
        .collect();
    let what = if others.is_empty() { "a service without ports".to_owned() } else { others.join(" ") };
    Gap::new(GapKind::Uncovered, format!("{what} cannot be probed: only tcp tells open from closed"))
}

/// For display: from where was looked, and what every port said that did not simply answer. No times and no ports of
/// our own, so that nothing changes while nothing changes.
fn notes(look: Look<'_>, target: &Target, found: &Found) -> BTreeMap<Arc<str>, Arc<str>> {
    let mut notes: BTreeMap<Arc<str>, Arc<str>> = BTreeMap::new();
    notes.insert(Arc::from("vantage"), Arc::from(look.vantage));
    if let Way::From(address) = &found.way {
        notes.insert(Arc::from("vantage_address"), Arc::from(address.to_string()));
    }
    if found.echo.is_some() || !found.answers {
        notes.insert(Arc::from("icmp"), Arc::from(icmp_words(look, found)));
    }
    for ((service, port), knock) in &found.doors {
        let Some(said) = said(knock, look.tries) else { continue };
        let name = target.services.get(*service).map_or("", |wanted| wanted.name.as_str());
        notes.insert(Arc::from(format!("{name} {port}")), Arc::from(said));
    }
    notes
}

fn said(knock: &Knock, tries: u32) -> Option<String> {
    match knock {
        Knock::Answered => None,
        Knock::Unfit(why) | Knock::Failed(why) => Some(why.to_string()),
        Knock::Mute(why) => Some(format!("{why} (connections are taken; {tries} tries)")),
        Knock::Refused => Some(format!("refused ({tries} tries)")),
        Knock::Silent => Some(format!("no answer ({tries} tries)")),
    }
}

fn icmp_words(look: Look<'_>, found: &Found) -> String {
    match &found.echo {
        Some(Echo::Answered) => "answered".to_owned(),
        Some(Echo::Silent) => "silent".to_owned(),
        Some(Echo::NotAllowed(why)) => why.clone(),
        None if !look.icmp => "switched off".to_owned(),
        None => "not asked".to_owned(),
    }
}

#[cfg(test)]
#[path = "decode_tests.rs"]
mod tests;
