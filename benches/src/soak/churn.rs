//! What goes on in a fleet: containers end and come back, are thrown away and made anew, are renamed; NetBox is edited. With
//! 2,000 hosts 83 minutes go by until a service is touched again, so that nothing flaps. What does not live here: what goes wrong.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use evenkeel_lab::docker::NoSuchContainer;
use jiff::Timestamp;

use super::EVERY;
use crate::Result;
use crate::apart::{Yard, container, host_name, service_name, service_port};

/// How long something stays changed, at least and at most.
const STAYS: (u64, u64) = (20, 80);
/// After this long what was resolved is forgotten (`policy.flap.window`), and its service may be touched again.
const FORGOTTEN: Duration = Duration::from_secs(3600);
/// Added to a port that NetBox declares.
const ELSEWHERE: u32 = 1000;

/// What happens to a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Its container ends, and is started again.
    Ends,
    /// Its container is thrown away, and another one made.
    Goes,
    /// NetBox declares another port for a while.
    Edited,
    /// Its container has another name for a while, which is nobody's business.
    Renamed,
}

impl Kind {
    /// The type of the event that is to be told, if one is.
    pub(super) fn told(self) -> Option<&'static str> {
        match self {
            Self::Ends | Self::Goes => Some("SERVICE_MISSING"),
            Self::Edited => Some("PORT_MISMATCH"),
            Self::Renamed => None,
        }
    }
}

/// One change and its way back.
#[derive(Clone, Debug)]
pub(super) struct Change {
    pub(super) host: usize,
    pub(super) service: usize,
    pub(super) kind: Kind,
    pub(super) begun: Timestamp,
    pub(super) ended: Option<Timestamp>,
    /// Nothing was wrong when it began.
    pub(super) in_calm: bool,
    pub(super) due: Instant,
}

/// All changes.
pub(super) struct Churn {
    hosts: usize,
    services: usize,
    /// The next service that is touched, by number.
    next: usize,
    opens: bool,
    under_way: VecDeque<usize>,
    pub(super) changes: Vec<Change>,
    /// Hosts that are left alone until this moment.
    alone: BTreeMap<usize, Instant>,
}

impl Churn {
    pub(super) fn new(hosts: usize, services: usize) -> Self {
        Self {
            hosts,
            services,
            next: 0,
            opens: true,
            under_way: VecDeque::new(),
            changes: Vec::new(),
            alone: BTreeMap::new(),
        }
    }

    /// One step: something changes, as long as it goes on, or what changed is due to change back.
    pub(super) fn step(&mut self, yard: &Yard, in_trouble: bool, goes_on: bool) -> Result<()> {
        self.opens = !self.opens;
        if self.opens && goes_on {
            return self.open(yard, in_trouble);
        }
        let now = Instant::now();
        let due = self.under_way.iter().position(|at| {
            let change = &self.changes[*at];
            change.due <= now && !self.alone.contains_key(&change.host)
        });
        match due.and_then(|place| self.under_way.remove(place)) {
            Some(at) => self.close(yard, at),
            None => Ok(()),
        }
    }

    fn open(&mut self, yard: &Yard, in_trouble: bool) -> Result<()> {
        let now = Instant::now();
        self.alone.retain(|_, until| *until > now);
        let n = self.next;
        let all = self.hosts * self.services;
        if n >= all && u32::try_from(all).is_ok_and(|all| 2 * EVERY * all < FORGOTTEN) {
            return Ok(());
        }
        // All hosts once, then all of them again with their next service.
        let (host, service) = (n % self.hosts, n / self.hosts % self.services);
        self.next += 1;
        if self.alone.contains_key(&host) {
            return Ok(());
        }
        let kind = match n % 7 {
            0 | 3 => Kind::Ends,
            1 | 4 => Kind::Goes,
            2 | 5 => Kind::Edited,
            _ => Kind::Renamed,
        };
        let begun = Timestamp::now();
        change(yard, host, service, kind)?;
        let stays = STAYS.0 + (n as u64 * 37) % (STAYS.1 - STAYS.0);
        self.under_way.push_back(self.changes.len());
        let due = now + Duration::from_secs(stays);
        self.changes.push(Change { host, service, kind, begun, ended: None, in_calm: !in_trouble, due });
        Ok(())
    }

    fn close(&mut self, yard: &Yard, at: usize) -> Result<()> {
        let change = &mut self.changes[at];
        change.ended = Some(Timestamp::now());
        change_back(yard, change.host, change.service, change.kind)
    }

    /// A host on which nothing is changed, to be left alone for this long.
    pub(super) fn quiet_host(&mut self, wish: usize, held: usize, for_long: Duration) -> Option<usize> {
        let busy = |host: &usize| self.under_way.iter().any(|at| self.changes[*at].host == *host);
        let all = self.hosts.min(held);
        let host = (0..all).map(|n| (wish + n) % all).find(|host| !busy(host))?;
        self.alone.insert(host, Instant::now() + for_long);
        Some(host)
    }

    /// Whether anything is still changed.
    pub(super) fn is_under_way(&self) -> bool {
        !self.under_way.is_empty()
    }

    /// How many events are to be told: one when it begins, one when it ends.
    pub(super) fn told(&self) -> usize {
        2 * self.changes.iter().filter(|change| change.kind.told().is_some()).count()
    }
}

fn change(yard: &Yard, host: usize, service: usize, kind: Kind) -> Result<()> {
    let (engine, name) = (&yard.engines.here()[host], service_name(service));
    match kind {
        Kind::Ends => engine.exit(&name, 1).map_err(gone),
        Kind::Goes => engine.stop(&name).and_then(|()| engine.remove(&name)).map_err(gone),
        Kind::Renamed => engine.rename(&name, &format!("{name}-old")).map_err(gone),
        Kind::Edited => edit(yard, host, service, u32::from(service_port(service)) + ELSEWHERE),
    }
}

fn change_back(yard: &Yard, host: usize, service: usize, kind: Kind) -> Result<()> {
    let (engine, name) = (&yard.engines.here()[host], service_name(service));
    match kind {
        Kind::Ends => engine.start_container(&name).map_err(gone),
        Kind::Goes => {
            engine.run(container(host, service));
            Ok(())
        }
        Kind::Renamed => engine.rename(&format!("{name}-old"), &name).map_err(gone),
        Kind::Edited => edit(yard, host, service, u32::from(service_port(service))),
    }
}

fn edit(yard: &Yard, host: usize, service: usize, port: u32) -> Result<()> {
    match yard.netbox.netbox().set_ports(&host_name(host), &service_name(service), &[port]) {
        true => Ok(()),
        false => Err(format!("netbox knows no {} on {}", service_name(service), host_name(host)).into()),
    }
}

fn gone(error: NoSuchContainer) -> Box<dyn std::error::Error> {
    error.into()
}
