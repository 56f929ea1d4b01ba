//! One machine's turn: which doors are knocked at, in which order, how often and how fast. What does not live here: what
//! the answers mean for its services (`decode`).

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use evenkeel_core::model::{Port, Protocol};
use futures_util::StreamExt;
use futures_util::stream;
use tokio::sync::Semaphore;

use super::client::{self, Client, Knock};
use super::config::{Config, Reference};
use super::icmp::{self, Echo};
use super::pace::{Pace, jittered};
use super::target::{HttpCheck, Target};

/// What was found out about one machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// From which address of ours it was looked at; or why there is no way to it.
    pub(super) way: Way,
    /// The best that each door told, by the service's place in the target and the port.
    pub(super) doors: BTreeMap<(usize, Port), Knock>,
    /// Whether anything at all came back from it.
    pub(super) answers: bool,
    /// What ICMP told, where it was asked.
    pub(super) echo: Option<Echo>,
}

/// The way to a machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// From this address of ours.
    From(IpAddr),
    /// Nobody says where it is.
    NoAddress,
    /// None leads there, and what the system says about it.
    NoRoute(Arc<str>),
}

/// What all machines share: the limits.
#[derive(Debug)]
pub(super) struct Prober {
    client: Client,
    config: Config,
    open: Semaphore,
    pace: Pace,
}

/// A port to try.
#[derive(Clone, Copy)]
struct Door<'a> {
    service: usize,
    port: Port,
    check: Option<&'a HttpCheck>,
}

/// What holds for one machine.
struct Limits {
    open: Semaphore,
    pace: Pace,
}

impl Prober {
    pub(super) fn new(config: Config) -> Result<Self, crate::http::Error> {
        Ok(Self {
            client: Client::new(&config)?,
            open: Semaphore::new(config.concurrency),
            pace: Pace::per_second(config.per_second),
            config,
        })
    }

    pub(super) fn config(&self) -> &Config {
        &self.config
    }

    /// Looks at one machine.
    pub(super) async fn look(&self, target: &Target) -> Found {
        let (way, addresses) = ways(&target.addresses);
        let mut found = Found { way, doors: BTreeMap::new(), answers: false, echo: None };
        if addresses.is_empty() {
            return found;
        }
        let limits =
            Limits { open: Semaphore::new(self.config.per_host), pace: Pace::new(self.config.spacing) };
        let mut doors = doors(target);
        if target.reachable_only && self.config.icmp {
            self.ping(&addresses, &mut found).await;
        }
        for round in 0..self.config.tries {
            if target.reachable_only && found.answers || doors.is_empty() {
                break;
            }
            if round > 0 {
                tokio::time::sleep(jittered(self.config.pause)).await;
            }
            // One door after the other where the first answer is all that is wanted.
            let at_once = if target.reachable_only { 1 } else { self.config.per_host };
            let knocks: Vec<_> = doors.iter().map(|door| self.knock(*door, &addresses, &limits)).collect();
            let mut knocks = stream::iter(knocks).buffer_unordered(at_once);
            while let Some((door, knock, shown)) = knocks.next().await {
                found.answers |= shown;
                let best = found.doors.entry(door).or_insert(Knock::Silent);
                *best = knock.max(best.clone());
                if target.reachable_only && found.answers {
                    break;
                }
            }
            drop(knocks);
            doors.retain(|door| found.doors.get(&(door.service, door.port)) != Some(&Knock::Answered));
        }
        if !found.answers && found.echo.is_none() && self.config.icmp {
            self.ping(&addresses, &mut found).await;
        }
        found
    }

    /// Whether a machine that answered still does.
    pub(super) async fn still_answers(&self, target: &Target) -> bool {
        self.look(&Target { reachable_only: true, ..target.clone() }).await.answers
    }

    /// Whether an address of the own network answers.
    pub(super) async fn reference_answers(&self, reference: &Reference) -> bool {
        let Reference { address, port } = *reference;
        if port.is_none() && self.config.icmp {
            match icmp::echo(address, self.config.tries, self.config.timeout).await {
                Echo::Answered => return true,
                Echo::Silent => return false,
                Echo::NotAllowed(_) => {}
            }
        }
        let at = SocketAddr::new(address, port.unwrap_or(Reference::USUAL_PORT));
        for _ in 0..self.config.tries {
            if self.client.connect(at).await.shows_the_machine() {
                return true;
            }
        }
        false
    }

    /// The best that a door told at any of the addresses, and whether the machine showed itself.
    async fn knock(
        &self,
        door: Door<'_>,
        addresses: &[IpAddr],
        limits: &Limits,
    ) -> ((usize, Port), Knock, bool) {
        let mut best = Knock::Silent;
        let mut shown = false;
        for address in addresses {
            let at = SocketAddr::new(*address, door.port.number);
            let knock = self.paced(at, door.check, limits).await;
            shown |= knock.shows_the_machine();
            best = best.max(knock);
            if best == Knock::Answered {
                break;
            }
        }
        ((door.service, door.port), best, shown)
    }

    async fn paced(&self, at: SocketAddr, check: Option<&HttpCheck>, limits: &Limits) -> Knock {
        // The host's limits first: what waits for one slow machine must not hold the permits of all.
        let (Ok(_here), ()) = (limits.open.acquire().await, limits.pace.turn().await) else {
            return Knock::Failed(Arc::from("the probe is closing"));
        };
        let Ok(_overall) = self.open.acquire().await else {
            return Knock::Failed(Arc::from("the probe is closing"));
        };
        self.pace.turn().await;
        self.client.knock(at, check).await
    }

    async fn ping(&self, addresses: &[IpAddr], found: &mut Found) {
        for address in addresses {
            let echo = icmp::echo(*address, self.config.tries, self.config.timeout).await;
            found.answers |= echo == Echo::Answered;
            // One address that may be asked says more than one that may not.
            match (&found.echo, echo) {
                (Some(_), Echo::NotAllowed(_)) => {}
                (Some(_) | None, echo) => found.echo = Some(echo),
            }
            if found.answers {
                return;
            }
        }
    }
}

/// The addresses there is a way to. Addresses of this very machine are left out, unless the primary one is its own:
/// every machine with containers has a 172.17.0.1, and asking one's own would answer for all of them.
fn ways(addresses: &[IpAddr]) -> (Way, Vec<IpAddr>) {
    let Some(primary) = addresses.first() else {
        return (Way::NoAddress, Vec::new());
    };
    let looking_at_myself = client::is_own(*primary);
    let mut way = Way::NoRoute(Arc::from("no address of it is anywhere but here"));
    let mut open = Vec::new();
    for address in addresses.iter().filter(|address| looking_at_myself || !client::is_own(**address)) {
        match (client::route(*address), &way) {
            (Ok(from), Way::NoRoute(_)) => {
                way = Way::From(from);
                open.push(*address);
            }
            (Ok(_), Way::From(_) | Way::NoAddress) => open.push(*address),
            (Err(error), Way::NoRoute(_)) => {
                way = Way::NoRoute(Arc::from(format!("no way to {address}: {error}")));
            }
            (Err(_), Way::From(_) | Way::NoAddress) => {}
        }
    }
    (way, open)
}

fn doors(target: &Target) -> Vec<Door<'_>> {
    let of_service = target.services.iter().enumerate().flat_map(|(service, wanted)| {
        let tcp = wanted.ports.as_slice().iter().copied().filter(|port| port.protocol == Protocol::Tcp);
        tcp.map(move |port| {
            let check = if target.reachable_only { None } else { wanted.check.http_on(port.number) };
            Door { service, port, check }
        })
    });
    of_service.collect()
}
