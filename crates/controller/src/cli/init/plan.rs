//! From what was found and what answered to what is to be written: which parts of the configuration count at once, and which
//! wait for somebody.
//!
//! Pure. What does not live here: the text (`config`), and asking anybody (`look`).

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use evenkeel_core::identity::canonical;
use evenkeel_core::model::ExpectedHost;
use evenkeel_core::{Gap, HostName};
use evenkeel_sources::docker::Endpoint;
use evenkeel_sources::http::Fingerprint;

use super::find::{Appliance, Engine, Found, Hypervisor, Unseen};

/// The port of a socket proxy, and of an engine that speaks in the clear.
const PROXY_PORT: u16 = 2375;
/// The engine of this machine.
pub(super) const SOCKET: &str = "unix:///var/run/docker.sock";

/// What a look around showed.
#[derive(Clone, Debug, Default)]
pub(super) struct Looked {
    /// Who was asked for containers, and how many there are, or why it did not say.
    pub(super) engines: Vec<(HostName, Result<usize, Gap>)>,
    /// Which certificate is shown where.
    pub(super) certificates: Vec<(SocketAddr, Fingerprint)>,
    /// What the engine of this machine calls itself.
    pub(super) here: Option<Arc<str>>,
}

/// What is to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Plan {
    pub(super) engines: Vec<(Engine, Door)>,
    pub(super) hypervisors: Vec<(Hypervisor, Login)>,
    pub(super) appliances: Vec<(Appliance, Login)>,
    pub(super) unseen: Vec<Unseen>,
    /// Whether the probe counts at once.
    pub(super) probes: bool,
}

/// How an engine is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Door {
    /// As the operator says.
    Given(Endpoint),
    /// As NetBox says: it needs nothing in the configuration.
    Declared(Arc<str>),
    /// It is the engine of this machine.
    Here,
    /// Where a proxy at its address would answer.
    Proxy(SocketAddr, Answer),
    /// NetBox has no address of the machine.
    Nowhere,
}

/// Whether a proxy is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// Nobody looked.
    NotAsked,
    /// It lists so many containers.
    Containers(usize),
    /// Not yet, and why.
    Silent(Gap),
}

impl Door {
    /// Whether its part of the configuration counts at once.
    pub(super) fn is_open(&self) -> bool {
        match self {
            Self::Given(_) | Self::Declared(_) | Self::Here | Self::Proxy(_, Answer::Containers(_)) => true,
            Self::Proxy(_, Answer::NotAsked | Answer::Silent(_)) | Self::Nowhere => false,
        }
    }
}

/// How a system is called in the configuration, and what it showed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Login {
    /// Its name there, and in the name of the file with its secret.
    pub(super) name: String,
    /// The certificate that its only address shows.
    pub(super) pin: Option<Fingerprint>,
}

/// Machines that the operator named and NetBox does not have.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("netbox has no machine called {}", .0.join(", "))]
pub(super) struct Strangers(Vec<String>);

/// Where a proxy on the machine of this address answers.
pub(super) fn proxy_at(address: IpAddr) -> SocketAddr {
    SocketAddr::new(address, PROXY_PORT)
}

/// Decides. `given` is what the operator says about engines; the machines are all that NetBox has.
pub(super) fn make(
    mut found: Found,
    hosts: &[Arc<ExpectedHost>],
    given: &[(HostName, Endpoint)],
    looked: &Looked,
) -> Result<Plan, Strangers> {
    add_given(&mut found, hosts, given)?;
    let Found { engines, hypervisors, appliances, unseen } = found;
    let mut names = BTreeSet::new();
    let hypervisors = hypervisors.into_iter().map(|hypervisor| {
        let addresses: Vec<_> =
            hypervisor.nodes.iter().filter_map(|node| node.address.map(|ip| (ip, node.port))).collect();
        let login = Login { name: free(&mut names, &hypervisor.name), pin: only(&addresses, looked) };
        (hypervisor, login)
    });
    let hypervisors = hypervisors.collect();
    let mut names = BTreeSet::new();
    let appliances = appliances.into_iter().map(|appliance| {
        let address: Vec<_> = appliance.address.iter().map(|ip| (*ip, appliance.port)).collect();
        let login = Login { name: free(&mut names, appliance.host.as_str()), pin: only(&address, looked) };
        (appliance, login)
    });
    let appliances = appliances.collect();
    let engines = engines.into_iter().map(|engine| {
        let door = door(&engine, given, looked);
        (engine, door)
    });
    Ok(Plan { engines: engines.collect(), hypervisors, appliances, probes: !unseen.is_empty(), unseen })
}

/// Whatever the operator names is an engine, whether NetBox says so or not.
fn add_given(
    found: &mut Found,
    hosts: &[Arc<ExpectedHost>],
    given: &[(HostName, Endpoint)],
) -> Result<(), Strangers> {
    let mut strangers = Vec::new();
    for (name, _) in given {
        let Some(host) = hosts.iter().find(|host| is_same(&host.name, name)) else {
            strangers.push(name.to_string());
            continue;
        };
        if found.engines.iter().any(|engine| engine.host == host.name) {
            continue;
        }
        found.unseen.retain(|unseen| unseen.host != host.name);
        found.engines.push(Engine {
            host: host.name.clone(),
            status: host.status.clone(),
            address: host.primary_ip,
            declared: None,
            why: "you say so".to_owned(),
        });
    }
    if strangers.is_empty() { Ok(()) } else { Err(Strangers(strangers)) }
}

fn is_same(one: &HostName, other: &HostName) -> bool {
    one.as_str().to_lowercase() == other.as_str().to_lowercase()
}

fn door(engine: &Engine, given: &[(HostName, Endpoint)], looked: &Looked) -> Door {
    if let Some((_, endpoint)) = given.iter().find(|(host, _)| is_same(host, &engine.host)) {
        return Door::Given(endpoint.clone());
    }
    if let Some(endpoint) = &engine.declared {
        return Door::Declared(endpoint.clone());
    }
    let is_here = |name: &Arc<str>| canonical(name) == canonical(engine.host.as_str());
    if looked.here.as_ref().is_some_and(is_here) {
        return Door::Here;
    }
    let Some(address) = engine.address else { return Door::Nowhere };
    let answer = match looked.engines.iter().find(|(host, _)| *host == engine.host) {
        Some((_, Ok(containers))) => Answer::Containers(*containers),
        Some((_, Err(gap))) => Answer::Silent(gap.clone()),
        None => Answer::NotAsked,
    };
    Door::Proxy(proxy_at(address), answer)
}

/// The certificate of the only address there is: of several, each node shows one of its own. One that is shown elsewhere, too,
/// is none to pin: something stands in between, or an authority signed it for all of them.
fn only(addresses: &[(IpAddr, u16)], looked: &Looked) -> Option<Fingerprint> {
    let [(ip, port)] = addresses else { return None };
    let at = SocketAddr::new(*ip, *port);
    let (_, print) = looked.certificates.iter().find(|(place, _)| *place == at)?;
    let is_elsewhere = looked.certificates.iter().any(|(place, other)| *place != at && other == print);
    (!is_elsewhere).then_some(*print)
}

/// A name that a file can have: lower case, letters, digits and `-`; each once.
fn free(taken: &mut BTreeSet<String>, name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    let words: String = name.chars().map(plain).collect();
    let words: Vec<&str> = words.split('-').filter(|word| !word.is_empty()).collect();
    let base = if words.is_empty() { "unnamed".to_owned() } else { words.join("-") };
    let mut name = base.clone();
    let mut n = 2;
    while !taken.insert(name.clone()) {
        name = format!("{base}-{n}");
        n += 1;
    }
    name
}
