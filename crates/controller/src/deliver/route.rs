//! Which sink gets what. What does not live here: sending it.

use std::collections::BTreeSet;
use std::sync::Arc;

use evenkeel_core::ledger::Entry;
use evenkeel_core::{Event, HostName, ServiceName, Subject, Transition};

use crate::config::{Described, SinkFilter};
use crate::hub::Hub;
use crate::world::World;

/// A sink's name and what it gets.
#[derive(Clone, Debug)]
pub struct Route {
    /// The sink.
    pub sink: Arc<str>,
    /// What it gets.
    pub filter: SinkFilter,
    /// It speaks to people, who are told of an end exactly if they were told of the beginning.
    pub speaks: bool,
    /// It gets what remediation has to say, whatever its filter lets through.
    pub notices: bool,
}

/// What NetBox says about the host an event is about, as far as filters ask.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bearing {
    tenant: Option<Arc<str>>,
    tags: Vec<Arc<str>>,
}

impl Bearing {
    /// Of this host, and of this service on it.
    pub fn of(world: &World, host: Option<&HostName>, service: Option<&ServiceName>) -> Self {
        let Some(declared) = host.and_then(|host| world.declared_host(host)) else {
            return Self::default();
        };
        let services = declared.services.iter().filter(|known| Some(&known.name) == service);
        let tags: BTreeSet<Arc<str>> =
            services.flat_map(|service| service.tags.iter()).chain(&declared.tags).cloned().collect();
        Self { tenant: declared.tenant.clone(), tags: tags.into_iter().collect() }
    }
}

impl Bearing {
    /// Slug of the tenant, and slugs of the tags of host and service.
    pub fn labels(self) -> (Option<Arc<str>>, Vec<Arc<str>>) {
        (self.tenant, self.tags)
    }

    /// An event, as filters look at it.
    pub fn describe<'a>(&'a self, event: &'a Event) -> Described<'a> {
        Described {
            kind: event.event_type,
            severity: event.severity,
            host: event.hostname.as_ref(),
            tenant: self.tenant.as_deref(),
            tags: &self.tags,
        }
    }
}

impl Route {
    /// Whether this event goes there.
    ///
    /// A severity, a tag or a tenant may have changed since the beginning was told. So the end goes to every sink that may
    /// have been told, and whether it is told is decided there, by what was.
    ///
    /// What was silenced when it began is told for the first time when the silence ends: whoever wants beginnings wants
    /// that one. `is_first`: this drift was not announced before.
    pub fn wants(&self, event: &Event, bearing: &Bearing, is_first: bool) -> bool {
        let (filter, described) = (&self.filter, bearing.describe(event));
        match event.transition {
            Transition::Resolved => {
                filter.hears_of(Transition::Resolved) && (self.speaks || filter.may_have_concerned(described))
            }
            Transition::Reminder if is_first => {
                (filter.hears_of(Transition::Reminder) || filter.hears_of(Transition::Opened))
                    && filter.concerns(described)
            }
            other @ (Transition::Opened
            | Transition::Reopened
            | Transition::Changed
            | Transition::Reminder) => filter.passes(described, other),
        }
    }
}

/// Whether what an event tells of concerns a sink with this filter, as things are now.
pub fn concerns_now(hub: &Hub, filter: &SinkFilter, event: &Event) -> bool {
    let (host, service) = (event.hostname.as_ref(), event.service.as_ref());
    let bearing = hub.see(|world| Bearing::of(world, host, service));
    filter.concerns(bearing.describe(event))
}

/// Whether an open drift concerns a sink with this filter.
pub fn concerns(filter: &SinkFilter, entry: &Entry, world: &World) -> bool {
    let host = host_of(entry);
    let bearing = Bearing::of(world, host, entry.id.service.as_ref());
    filter.concerns(Described {
        kind: entry.id.event_type,
        severity: entry.severity,
        host,
        tenant: bearing.tenant.as_deref(),
        tags: &bearing.tags,
    })
}

/// The host a drift is about; none for a source that belongs to no host.
pub fn host_of(entry: &Entry) -> Option<&HostName> {
    match &entry.id.subject {
        Subject::Host(host) => Some(host),
        Subject::Source(_) => None,
    }
}
