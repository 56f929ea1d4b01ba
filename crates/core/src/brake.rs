//! The plausibility brake: an answer that is complete and yet loses too much against the last one is held back.
//!
//! A permission edit in NetBox looks exactly like deletions, an emptied Docker host like an engine that forgot its
//! state. Both are possible; neither is believed on one answer.
//!
//! Two measures. Of everything that is shown, half may go at once: what nobody declared comes and goes. Of what must be
//! there, a tenth may go within an hour, however slowly: nine in a hundred every minute is a view that breaks.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::coverage::{Gap, GapKind};
use crate::identity::{Alias, bind};
use crate::model::{Demand, ExpectedHost, HostSnapshot, Inventory};
use crate::policy::Brake;

/// The share of everything that may go at once, where less may go of what must be there.
const AT_ONCE: f64 = 0.5;

/// What one scope's answers are held against: since when one is held back, and what has gone lately.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    /// What must be there and went within the window, and when.
    gone: BTreeMap<Arc<str>, Timestamp>,
    /// Since when an implausible answer has been repeated.
    held_since: Option<Timestamp>,
}

/// What must be there of a scope, and how much of it two answers show.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Demanded {
    /// All of it.
    pub all: BTreeSet<Arc<str>>,
    /// What the last believed answer showed of it.
    pub before: BTreeSet<Arc<str>>,
    /// What the new answer shows of it.
    pub after: BTreeSet<Arc<str>>,
}

impl Memory {
    /// Judges a complete answer: the gap of one that is held back, `None` if it is believed. `at_once` is what it loses
    /// of everything, `demanded` what it loses of what must be there.
    pub fn judge(
        &mut self,
        brake: &Brake,
        at_once: Option<Gap>,
        demanded: &Demanded,
        now: Timestamp,
    ) -> Option<Gap> {
        self.gone.retain(|name, at| {
            // Where the clock was set back, nothing is waited for until it is where it was.
            *at = (*at).min(now);
            demanded.all.contains(name)
                && !demanded.after.contains(name)
                && !outlasted(*at, Some(brake.window), now)
        });
        let missing: BTreeSet<&Arc<str>> = demanded.before.difference(&demanded.after).collect();
        let lost = missing.iter().filter(|name| !self.gone.contains_key(**name)).count() + self.gone.len();
        let of = demanded.before.len() + self.gone.keys().filter(|n| !demanded.before.contains(*n)).count();
        let slowly = (!missing.is_empty() && too_many(brake, brake.share, of, lost)).then(|| {
            let within = SignedDuration::try_from(brake.window).unwrap_or_default();
            let why = format!(
                "{lost} of {of} that must be there vanished within {within:#}; the last answer is kept"
            );
            Gap::new(GapKind::Implausible, why)
        });
        let Some(gap) = at_once.or(slowly) else {
            self.held_since = None;
            self.gone.extend(missing.into_iter().map(|name| (name.clone(), now)));
            return None;
        };
        let since = self.held_since.map_or(now, |since| since.min(now));
        self.held_since = Some(since);
        if !outlasted(since, brake.accept_after, now) {
            return Some(gap);
        }
        // It is the truth, and everybody knows by now: nothing of it counts against the next answer.
        *self = Self::default();
        None
    }

    /// Whether something went lately, so that an answer has to be looked at even if it loses nothing.
    pub fn remembers(&self) -> bool {
        !self.gone.is_empty()
    }
}

impl Demanded {
    /// Of one host's services.
    pub fn of_host(
        before: &HostSnapshot,
        after: &HostSnapshot,
        host: Option<&ExpectedHost>,
        aliases: &[Alias],
    ) -> Self {
        let Some(host) = host else { return Self::default() };
        let machine = host.demand();
        let must = host.services.iter().filter(|s| Demand::of_service(machine, s.lifecycle) == Demand::Run);
        let all: BTreeSet<Arc<str>> = must.map(|s| Arc::from(s.name.as_str())).collect();
        let shown = |snapshot: &HostSnapshot| {
            let view = bind(snapshot.clone(), Some(host), aliases);
            // Which of several is meant is unknown, and unknown is not lost.
            let unclear = view.ambiguous.iter().map(|(name, _)| name.as_str());
            let names = view.services.iter().map(|s| s.name.as_str()).chain(unclear);
            names.filter_map(|name| all.get(name).cloned()).collect()
        };
        let (before, after) = (shown(before), shown(after));
        Self { all, before, after }
    }
}

/// Whether `limit` has passed since `since`; no limit never passes.
pub fn outlasted(since: Timestamp, limit: Option<Duration>, now: Timestamp) -> bool {
    limit
        .and_then(|limit| SignedDuration::try_from(limit).ok())
        .is_some_and(|limit| now.duration_since(since) >= limit)
}

/// Whether losing `lost` of `before` at once is implausible.
pub fn implausible(brake: &Brake, before: usize, lost: usize) -> bool {
    too_many(brake, brake.share.max(AT_ONCE), before, lost) || (before >= 3 && lost == before)
}

fn too_many(brake: &Brake, share: f64, of: usize, lost: usize) -> bool {
    lost as f64 > (of as f64 * share).max(f64::from(brake.allowance))
}

/// The gap of an inventory that lost too many hosts, or too many services of the hosts it kept.
pub fn inventory_gap(brake: &Brake, before: &Inventory, after: &Inventory) -> Option<Gap> {
    let names: BTreeSet<_> = after.hosts.iter().map(|h| (h.kind, h.netbox_id)).collect();
    let lost_hosts = before.hosts.iter().filter(|h| !names.contains(&(h.kind, h.netbox_id))).count();
    let services: BTreeSet<u64> =
        after.hosts.iter().flat_map(|h| &h.services).flat_map(|s| &s.netbox_ids).copied().collect();
    let before_services: Vec<u64> =
        before.hosts.iter().flat_map(|h| &h.services).flat_map(|s| &s.netbox_ids).copied().collect();
    let lost_services = before_services.iter().filter(|id| !services.contains(id)).count();
    gap(brake, "hosts", before.hosts.len(), lost_hosts)
        .or_else(|| gap(brake, "services", before_services.len(), lost_services))
}

/// The gap of a host's answer that lost too many services.
pub fn host_gap(brake: &Brake, before: &HostSnapshot, after: &HostSnapshot) -> Option<Gap> {
    gap(brake, "services", before.services.len(), lost_services(before, after))
}

/// How many services of a host's last answer are not in the new one.
pub fn lost_services(before: &HostSnapshot, after: &HostSnapshot) -> usize {
    let names: BTreeSet<_> = after.services.iter().map(|s| &s.name).collect();
    before.services.iter().filter(|s| !names.contains(&s.name)).count()
}

/// The gap of an answer about many machines that lost too many of them.
pub fn survey_gap(brake: &Brake, before: &BTreeSet<Arc<str>>, after: &BTreeSet<Arc<str>>) -> Option<Gap> {
    gap(brake, "machines", before.len(), before.difference(after).count())
}

fn gap(brake: &Brake, what: &str, before: usize, lost: usize) -> Option<Gap> {
    implausible(brake, before, lost).then(|| {
        Gap::new(
            GapKind::Implausible,
            format!("{lost} of {before} {what} vanished at once; the last answer is kept"),
        )
    })
}
