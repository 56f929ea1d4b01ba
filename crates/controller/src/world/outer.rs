//! Causes beyond the machine: what is wrong with the node a machine runs on explains what is wrong with the machine.

use std::collections::BTreeSet;

use evenkeel_core::judge::vouched_until;
use evenkeel_core::ledger::Ledger;
use evenkeel_core::model::Expected;
use evenkeel_core::{Case, DriftId, EventType, HostName, Subject, Verdict, judge};
use jiff::Timestamp;

use super::sites::Site;
use super::{Touched, World};

/// What is known of the machines that a subject depends on.
#[derive(Debug, Default)]
pub(super) struct Beyond {
    /// Drifts that explain whatever is wrong here.
    pub(super) outer: Vec<DriftId>,
    /// Up to which moment somebody vouches for them.
    pub(super) vouched_until: Option<Timestamp>,
}

/// How one node is, as everybody who sees it says together.
struct Standing {
    lost: Option<DriftId>,
    vouched_until: Option<Timestamp>,
}

impl World {
    /// Takes note of whether the ledger believes that its subject is a node that is lost.
    pub fn note_loss(&mut self, ledger: &Ledger) {
        let Subject::Host(node) = &ledger.subject else { return };
        match ledger.open().any(|entry| entry.id.event_type == EventType::NodeUnreachable) {
            true => drop(self.lost_nodes.insert(node.clone())),
            false => drop(self.lost_nodes.remove(node)),
        }
    }

    pub(super) fn beyond(&self, subject: &Subject, now: Timestamp) -> Beyond {
        let nodes = self.nodes_of(subject).into_iter().filter(|node| Some(*node) != subject.host());
        let nodes: Vec<Standing> = nodes.map(|node| self.standing(node, now)).collect();
        let lost = nodes.iter().filter_map(|node| node.lost.clone());
        let vouched = nodes.iter().filter(|node| node.lost.is_none()).map(|node| node.vouched_until);
        match subject {
            // One of them is enough, so all of them are waited for.
            Subject::Host(_) => Beyond { outer: lost.collect(), vouched_until: vouched.flatten().min() },
            // Any node speaks for the whole cluster: only all of them together take its answer with them.
            Subject::Source(_) => match vouched.clone().count() {
                0 => Beyond { outer: lost.collect(), vouched_until: None },
                _ => {
                    let all: Option<Vec<Timestamp>> = vouched.collect();
                    Beyond { outer: Vec::new(), vouched_until: all.and_then(|all| all.into_iter().max()) }
                }
            },
        }
    }

    /// The nodes that carry a machine, as those who see it say (or said last) and as NetBox pins it; of a source, those
    /// that answer for it.
    pub(super) fn nodes_of(&self, subject: &Subject) -> BTreeSet<&HostName> {
        match subject {
            Subject::Host(name) => {
                let pinned = self.intent.host(name).and_then(|host| host.node.as_ref());
                let seen = self.sites.values().filter_map(|site| site.node(site.carrier(subject)?));
                pinned.into_iter().chain(seen).collect()
            }
            Subject::Source(id) => self.sites.get(id).into_iter().flat_map(Site::nodes).collect(),
        }
    }

    fn standing(&self, node: &HostName, now: Timestamp) -> Standing {
        let subject = Subject::Host(node.clone());
        let expected: Expected = self.intent.expected(node);
        let observed = self.observed(&subject, now);
        let id = DriftId::of_host(node, EventType::NodeUnreachable);
        let case =
            Case { subject: &subject, expected: &expected, observed: &observed, rules: &self.policy.rules };
        let lost = match judge(&id, case) {
            Verdict::Drifted(drift) => Some(drift.id),
            // Whoever told of its loss is blind now: what it explained is not the guests' own fault because of that.
            Verdict::Unknown(_) if self.lost_nodes.contains(node) => Some(id),
            Verdict::Clean(_) | Verdict::Unknown(_) => None,
        };
        Standing { lost, vouched_until: vouched_until(case) }
    }

    /// Adds the machines that run on a node among the subjects, and the clusters that it answers for.
    pub(super) fn add_dependents(&self, touched: &mut Touched) {
        let mut dependents = Touched::new();
        for node in touched.iter().filter_map(Subject::host) {
            dependents.extend(self.intent.pinned_to(node).iter().cloned().map(Subject::Host));
            dependents.extend(self.sites.values().flat_map(|site| site.carried_by(node)).cloned());
            let answering = self.sites.values().filter(|site| site.nodes().any(|name| name == node));
            dependents.extend(answering.map(|site| Subject::Source(site.id.clone())));
        }
        touched.append(&mut dependents);
    }
}
