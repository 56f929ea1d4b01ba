//! Which of a site's machines carry others.

use std::sync::Arc;

use evenkeel_core::identity::canonical;
use evenkeel_core::model::MachineState;
use evenkeel_core::{Fact, HostName, Subject};

use super::{Place, Site};

impl Site {
    /// The node of this name, if it is one of this site's machines.
    pub(in crate::world) fn node(&self, name: &str) -> Option<&HostName> {
        let name = canonical(name);
        self.nodes.iter().find(|(known, _)| *known == name).map(|(_, host)| host)
    }

    /// Its nodes, as far as it is known who they are.
    pub(in crate::world) fn nodes(&self) -> impl Iterator<Item = &HostName> {
        self.nodes.iter().map(|(_, host)| host)
    }

    /// The node that carries a machine, or carried it when it was last shown. Of several machines of one name, the one
    /// that runs is meant.
    pub(in crate::world) fn carrier(&self, subject: &Subject) -> Option<&Arc<str>> {
        let places = self.places_of(subject);
        let running = places.iter().find(|(_, place)| is_on(place)).or(places.first());
        running.and_then(|(_, place)| place.carrier.as_ref())
    }

    /// Guests that run on this host.
    pub(in crate::world) fn carried_by(&self, host: &HostName) -> Vec<&Subject> {
        let nodes: Vec<&str> =
            self.nodes.iter().filter(|(_, node)| node == host).map(|(name, _)| name.as_str()).collect();
        if nodes.is_empty() {
            return Vec::new();
        }
        let on_it =
            |place: &&Place| place.carrier.as_ref().is_some_and(|node| nodes.contains(&&*canonical(node)));
        self.places.values().filter(on_it).filter_map(|place| place.subject.as_ref()).collect()
    }
}

fn is_on(place: &Place) -> bool {
    let machine = place.view.facts.machine.as_ref();
    machine.is_some_and(|machine| machine.state == Fact::Known(MachineState::Running))
}
