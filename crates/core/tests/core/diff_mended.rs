//! What the comparison says is all there is: whoever does to the observed side what its drifts say is left with none.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a panic in a test is the failed assertion itself")]

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::world::strategy::{expected_host, host_view};
use crate::world::{Plan, shown};
use evenkeel_core::drift::Difference;
use evenkeel_core::model::{Health, HostStatus, HostView, ObservedService, Published, RunState};
use evenkeel_core::{Coverage, Drift, Fact, Field, ServiceName, SourceKind};
use proptest::prelude::*;

/// Does to the view what the drift says, by its own words alone and not by the declaration.
fn mend(view: &mut HostView, drift: &Drift, removed: &mut BTreeSet<ServiceName>) {
    let name = drift.id.service.clone().unwrap();
    let at = view.services.iter().position(|service| service.name == name);
    let publishing = |ports| Fact::Known(Published { open: ports, ..Published::default() });
    match (&drift.difference, at) {
        (Difference::Missing { ports, role, state: None }, None) => view.services.push(ObservedService {
            ports: publishing(ports.clone()),
            role: role.clone(),
            ..shown(name.as_str(), RunState::Running)
        }),
        (Difference::Missing { state: Some(_), .. }, Some(at)) => {
            view.services[at].state = Fact::Known(RunState::Running);
        }
        (Difference::Unexpected { .. }, Some(at)) => {
            view.services.remove(at);
            removed.insert(name);
        }
        // What was taken away as a whole has nothing else left to mend.
        (_, None) if removed.contains(&name) => {}
        (Difference::PortMismatch { expected, observed: _ }, Some(at)) => {
            view.services[at].ports = publishing(expected.clone());
        }
        (Difference::RestartLoop { .. }, Some(at)) => {
            view.services[at].restarts = Fact::Known(0);
            view.services[at].state = Fact::Known(RunState::Running);
        }
        (Difference::Config { expected: Some(expected), observed: Some(_) }, Some(at)) => {
            let service = &mut view.services[at];
            match drift.id.field {
                Some(Field::Role) => service.role = Some(Arc::clone(expected)),
                Some(Field::Image) => service.image = Some(Arc::clone(expected)),
                Some(Field::Health) => service.health = Fact::Known(Health::Healthy),
                field => panic!("a service's {field:?} differs: {drift:?}"),
            }
        }
        (difference, at) => panic!("{difference:?}, and the view has it at {at:?}"),
    }
    view.services.sort_by(|a, b| a.name.cmp(&b.name));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn whoever_does_what_the_drifts_say_is_left_with_none(
        mut host in expected_host(),
        mut view in host_view(SourceKind::Docker),
    ) {
        // Both sides are seen whole: what nobody can say has nothing that could be mended.
        host.status = HostStatus::Active;
        host.services_coverage = Coverage::Complete;
        host.contradictions.clear();
        host.services.iter_mut().for_each(|service| service.observed_by.clear());
        view.coverage = Coverage::Complete;
        view.ambiguous.clear();
        view.facts.name = None;
        let mut plan = Plan::new(host, [view]);
        // What was stopped shows what else is wrong with it once it runs: a second round, and never a third.
        for round in 0..3 {
            let drifts = plan.drifts();
            if drifts.is_empty() {
                return Ok(());
            }
            prop_assert!(round < 2, "still there after two rounds: {drifts:?}");
            let mut removed = BTreeSet::new();
            drifts.iter().for_each(|drift| mend(&mut plan.views[0], drift, &mut removed));
        }
    }
}
