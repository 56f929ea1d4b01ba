//! Causes beyond the machine: what is wrong with the node a machine runs on explains what is wrong with the machine.

use std::collections::BTreeSet;

use evenkeel_core::model::Expected;
use evenkeel_core::{Case, DriftId, EventType, HostName, Subject, Verdict, judge};
use jiff::Timestamp;

use super::{Touched, World};

impl World {
    /// Drifts of the machines a subject depends on that are true at this moment.
    pub(super) fn outer(&self, subject: &Subject, now: Timestamp) -> Vec<DriftId> {
        let nodes = self.nodes_of(subject);
        nodes
            .into_iter()
            .filter(|node| Some(*node) != subject.host())
            .filter_map(|node| self.lost(node, now))
            .collect()
    }

    /// The nodes that carry a machine: as those who see it say, and as NetBox pins it.
    fn nodes_of(&self, subject: &Subject) -> BTreeSet<&HostName> {
        let pinned =
            subject.host().and_then(|name| self.intent.host(name)).and_then(|host| host.node.as_ref());
        let seen = self.sites.values().filter_map(|site| {
            let view = site.view(subject, &self.intent)?;
            let node = view.facts.machine.as_ref()?.node.clone()?;
            site.node(&node)
        });
        pinned.into_iter().chain(seen).collect()
    }

    /// The drift that says that a node is lost, if it is.
    fn lost(&self, node: &HostName, now: Timestamp) -> Option<DriftId> {
        let subject = Subject::Host(node.clone());
        let expected: Expected = self.intent.expected(node);
        let observed = self.observed(&subject, now);
        let id = DriftId::of_host(node, EventType::NodeUnreachable);
        let case =
            Case { subject: &subject, expected: &expected, observed: &observed, rules: &self.policy.rules };
        match judge(&id, case) {
            Verdict::Drifted(drift) => Some(drift.id),
            Verdict::Clean(_) | Verdict::Unknown(_) => None,
        }
    }

    /// Adds the machines that run on a node among the subjects.
    pub(super) fn add_dependents(&self, touched: &mut Touched) {
        let mut dependents = Touched::new();
        for node in touched.iter().filter_map(Subject::host) {
            let pinned = self.intent.pinned_to(node).map(|host| Subject::Host(host.name.clone()));
            dependents.extend(pinned);
            dependents.extend(self.sites.values().flat_map(|site| site.carried_by(node)).cloned());
        }
        touched.append(&mut dependents);
    }
}
