//! What the planner is told: every drift that matters to it, as the ledgers and the world have it at this moment, and the
//! fleet as a whole. What does not live here: what follows from it.

use std::collections::{BTreeMap, BTreeSet};

use evenkeel_core::remediation::{Fleet, Phase, Proposal, Sight, Standing, Unfit};
use evenkeel_core::{Coverage, DriftId, Gap, GapKind, Subject};
use jiff::{SignedDuration, Timestamp};

use super::known::known;
use super::look::Looked;
use crate::deliver::route::Bearing;
use crate::hub::Hub;
use crate::pass;
use crate::world::Slice;

/// What is known at this moment.
pub struct Gathered {
    /// Every drift that is open or has a proposal that is not over.
    pub sights: Vec<Sight>,
    /// The fleet.
    pub fleet: Fleet,
}

/// Looks at everything there is. `window`: how far back drifts that began are counted.
pub fn gather(hub: &Hub, proposals: &[Proposal], window: SignedDuration, now: Timestamp) -> Gathered {
    let from = now.checked_sub(window).unwrap_or(Timestamp::MIN);
    let mut drifts: BTreeMap<Subject, BTreeSet<DriftId>> = BTreeMap::new();
    // Of what a clock that was ahead opened, it is known since when it was there.
    let began = |opened: Timestamp, else_at: Timestamp| if opened > now { else_at } else { opened };
    // A ledger forgets what is long over; what was repaired is still known by its proposals.
    let mut opened: Vec<(DriftId, Timestamp)> = proposals
        .iter()
        .map(|proposal| (proposal.id.drift.clone(), began(proposal.id.occasion, proposal.created_at)))
        .collect();
    hub.book.visit(|record| {
        for entry in record.ledger.entries.values() {
            if entry.is_open() {
                drifts.entry(entry.id.subject.clone()).or_default().insert(entry.id.clone());
            }
            // Repairing one quickly does not make it undone: what is over counts. A consequence does not, nor the last
            // echo of a cause that ended: neither was ever told.
            let is_told = entry.parent.is_none() && (entry.recorded || !entry.is_open());
            if let Some(at) = entry.opened_at.filter(|_| is_told) {
                opened.push((entry.id.clone(), began(at, entry.first_seen)));
            }
        }
    });
    opened.retain(|(_, at)| *at > from);
    for proposal in proposals.iter().filter(|proposal| proposal.phase() != Phase::Over) {
        let drift = &proposal.id.drift;
        drifts.entry(drift.subject.clone()).or_default().insert(drift.clone());
    }
    let sights = drifts.iter().flat_map(|(subject, ids)| sights(hub, subject, ids, now)).collect();
    Gathered { sights, fleet: fleet(hub, opened, now) }
}

fn sights(hub: &Hub, subject: &Subject, ids: &BTreeSet<DriftId>, now: Timestamp) -> Vec<Sight> {
    // The record first: a pass in between makes the stamps differ, and what it rested on is taken.
    let record = hub.book.get(subject);
    let slice = hub.slice(subject, now);
    let host = subject.host();
    let stamp = pass::stamp_of(&slice);
    let look = Looked::newest(&slice, host, record.looked.as_ref(), record.stamp, stamp);
    // The labels and what is known are of now; what the ledger says may be of before.
    let is_judged = stamp.is_none() || record.stamp == stamp;
    let sight = |id: &DriftId| {
        let bearing = hub.see(|world| Bearing::of(world, host, id.service.as_ref()));
        let (tenant, tags) = bearing.labels();
        let mut sight = Sight::of(&record.ledger, id, look.clone());
        if let (Standing::Open { unfit: unfit @ None, .. }, false) = (&mut sight.standing, is_judged) {
            *unfit = Some(Unfit::Unjudged);
        }
        Sight { tags, tenant, known: known(id, record.ledger.entry(id), &slice), ..sight }
    };
    ids.iter().map(sight).collect()
}

fn fleet(hub: &Hub, opened: Vec<(DriftId, Timestamp)>, now: Timestamp) -> Fleet {
    let netbox = hub.see(|world| Subject::Source(world.netbox().clone()));
    let intent = match hub.slice(&netbox, now) {
        Slice::Source { coverage, .. } => coverage,
        Slice::Host { .. } | Slice::Store(_) => {
            Coverage::Partial(Gap::new(GapKind::NotYetObserved, "netbox has not been read yet"))
        }
    };
    let things = hub.see(|world| world.declared().map(|host| 1 + host.services.len() as u64).sum());
    Fleet { intent, things, opened }
}
