//! Every host with how it stands, and the orders they are listed in: worked out once for as long as neither the world nor
//! the drifts change. Pure; not here: how it is shown.

use std::cmp::{Ordering, Reverse};
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use super::now::Now;
use super::verdict::HostStand;
use crate::state::HostStatus;
use crate::status::WorldStatus;

/// What hosts can be sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    State,
    Name,
    Drifts,
    Status,
    Site,
    Cluster,
    Tenant,
    Services,
}

impl Order {
    /// Every one, as the columns of the table stand.
    pub(super) const ALL: [Self; 8] = [
        Self::State,
        Self::Name,
        Self::Drifts,
        Self::Status,
        Self::Site,
        Self::Cluster,
        Self::Tenant,
        Self::Services,
    ];

    /// The word in addresses and keys.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::State => "state",
            Self::Drifts => "drifts",
            Self::Status => "status",
            Self::Site => "site",
            Self::Cluster => "cluster",
            Self::Tenant => "tenant",
            Self::Services => "services",
        }
    }

    fn compare(self, a: &Line<'_>, b: &Line<'_>) -> Ordering {
        let by = match self {
            Self::Name => Ordering::Equal,
            Self::State => (a.stand, Reverse(a.drifts)).cmp(&(b.stand, Reverse(b.drifts))),
            Self::Drifts => b.drifts.cmp(&a.drifts),
            Self::Status => a.host.status.cmp(&b.host.status),
            Self::Site => a.host.site.cmp(&b.host.site),
            Self::Cluster => a.host.cluster.cmp(&b.host.cluster),
            Self::Tenant => a.host.tenant.cmp(&b.host.tenant),
            Self::Services => b.host.expected_services.cmp(&a.host.expected_services),
        };
        by.then_with(|| a.host.host.cmp(&b.host.host))
    }
}

/// One host with what is said about it.
#[derive(Clone, Copy)]
pub(super) struct Line<'a> {
    pub(super) host: &'a HostStatus,
    /// Open roots.
    pub(super) drifts: usize,
    pub(super) stand: HostStand,
}

/// Every host.
pub(super) struct Fleet {
    /// The picture it is of.
    pub(super) view: Arc<WorldStatus>,
    now: Arc<Now>,
    /// Beside the hosts of the picture.
    stands: Vec<(HostStand, usize)>,
    /// Hosts by how they stand.
    pub(super) counts: BTreeMap<HostStand, usize>,
    /// Services that must run and that nobody watches, on all hosts.
    pub(super) unwatched: usize,
    orders: [OnceLock<Vec<usize>>; Order::ALL.len()],
}

impl Fleet {
    /// How every host of the picture stands with these drifts.
    pub(super) fn new(view: Arc<WorldStatus>, now: Arc<Now>) -> Self {
        let drifts = now.by_host();
        let stand = |host: &HostStatus| {
            let drifts = drifts.get(&host.host).copied().unwrap_or(0);
            (HostStand::of(host, drifts), drifts)
        };
        let stands: Vec<_> = view.hosts.iter().map(stand).collect();
        let mut counts = BTreeMap::new();
        for (stand, _) in &stands {
            *counts.entry(*stand).or_default() += 1;
        }
        let unwatched = view.hosts.iter().map(|host| host.unwatched_services).sum();
        drop(drifts);
        Self { view, now, stands, counts, unwatched, orders: Default::default() }
    }

    /// Whether it is of this picture and these drifts.
    pub(super) fn is_of(&self, view: &Arc<WorldStatus>, now: &Arc<Now>) -> bool {
        Arc::ptr_eq(&self.view, view) && Arc::ptr_eq(&self.now, now)
    }

    /// The hosts in this order.
    pub(super) fn sorted(&self, order: Order) -> impl DoubleEndedIterator<Item = Line<'_>> {
        let place = self.orders[order as usize].get_or_init(|| {
            let mut all: Vec<usize> = (0..self.stands.len()).collect();
            all.sort_by(|a, b| order.compare(&self.line(*a), &self.line(*b)));
            all
        });
        place.iter().map(|at| self.line(*at))
    }

    /// How many hosts stand so.
    pub(super) fn count(&self, stand: HostStand) -> usize {
        self.counts.get(&stand).copied().unwrap_or(0)
    }

    fn line(&self, at: usize) -> Line<'_> {
        let (stand, drifts) = self.stands[at];
        Line { host: &self.view.hosts[at], drifts, stand }
    }
}
