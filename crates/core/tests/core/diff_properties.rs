//! The invariants of the comparison (U1, U2, D1 to D4), and its agreement with itself and with a naive oracle.

// A panic in a test's helper is the failed assertion itself, as in the test.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeSet;

use crate::world::strategy::{NAMES, loss, plan, ports};
use crate::world::{Plan, World, declared, docker, host, oracle, shown, source, subject, view};
use evenkeel_core::drift::Difference;
use evenkeel_core::model::{Demand, ExpectedService, HostView, ObservedService, RunState};
use evenkeel_core::{
    DriftId, EventType, Fact, Field, GapKind, HostName, Lookup, ServiceName, SourceId, SourceKind, Verdict,
    judge,
};
use proptest::prelude::*;
use proptest::sample::subsequence;

/// Every id a small world could have an opinion on, and some that make no sense.
fn every_id() -> Vec<DriftId> {
    let box_name = HostName::from(crate::world::HOST);
    let services = NAMES.iter().map(|name| Some(ServiceName::from(*name))).chain([None]);
    let mut ids = Vec::new();
    for service in services {
        for event_type in EventType::ALL {
            let id = DriftId { service: service.clone(), ..DriftId::of_host(&box_name, event_type) };
            ids.push(id.clone());
            if service.is_none() {
                let sources = SourceKind::ALL
                    .map(source)
                    .into_iter()
                    .chain([SourceId::new(SourceKind::Docker, "gone")]);
                ids.extend(sources.map(|s| DriftId { source: Some(s), ..id.clone() }));
            }
        }
        ids.extend(Field::ALL.map(|field| DriftId::of_field(&box_name, service.as_ref(), field)));
    }
    ids
}

fn speaks(view: &HostView, e: &ExpectedService) -> bool {
    matches!(view.source.kind, SourceKind::Docker | SourceKind::Truenas | SourceKind::Push)
        && (e.observed_by.is_empty() || e.observed_by.contains(&view.source.kind))
}

fn ids(world: &World) -> BTreeSet<DriftId> {
    world.diff(&[]).drifted.into_iter().map(|d| d.id).collect()
}

fn subject_id(name: &str, kind: EventType) -> DriftId {
    DriftId::of_service(subject().host().unwrap(), &ServiceName::from(name), kind)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn u1_missing_only_where_observation_is_complete(plan in plan()) {
        let world = plan.at(0);
        for drift in world.diff(&[]).drifted {
            let Difference::Missing { state, .. } = &drift.difference else { continue };
            let name = drift.id.service.clone().unwrap();
            let Lookup::Present(expected) = world.expected.service(&name) else {
                return Err(TestCaseError::fail("missing, but not declared"));
            };
            let speaking: Vec<_> = world.observed.views().iter().filter(|v| speaks(v, expected)).collect();
            let outside = world.rules.not_containers.iter().any(|n| n == name.as_str());
            prop_assert!(!speaking.is_empty(), "missing, but nobody looked");
            for view in speaking {
                if outside && matches!(view.source.kind, SourceKind::Docker | SourceKind::Truenas) {
                    continue;
                }
                match view.service(&name) {
                    Lookup::Absent => prop_assert!(view.coverage.is_complete()),
                    Lookup::Present(s) => {
                        prop_assert!(state.is_some());
                        let stopped = matches!(s.state, Fact::Known(RunState::Exited | RunState::Created | RunState::Paused));
                        prop_assert!(stopped, "{:?}", s.state);
                    }
                    Lookup::Unknown(gap) => return Err(TestCaseError::fail(format!("missing behind a gap: {gap}"))),
                }
            }
        }
    }

    #[test]
    fn u2_unexpected_only_where_intent_is_complete(plan in plan()) {
        let world = plan.at(0);
        for drift in world.diff(&[]).drifted {
            let Difference::Unexpected { retired, .. } = &drift.difference else { continue };
            let name = drift.id.service.clone().unwrap();
            match world.expected.service(&name) {
                Lookup::Present(s) => prop_assert!(*retired && s.lifecycle == Some(evenkeel_core::model::Lifecycle::Retired)),
                Lookup::Absent => {
                    prop_assert!(!retired && world.expected.coverage().is_complete());
                    if let Some(host) = &plan.host {
                        prop_assert!(host.services_coverage.is_complete());
                    }
                }
                Lookup::Unknown(gap) => return Err(TestCaseError::fail(format!("unexpected behind a gap: {gap}"))),
            }
        }
    }

    #[test]
    fn d1_the_diff_of_equal_worlds_is_empty(names in subsequence(NAMES.to_vec(), 0..=8), all in ports()) {
        let services = names.iter().map(|n| ExpectedService { ports: all.clone(), ..declared(n) });
        let same = names.iter().map(|n| running_on(n, &all));
        let report = Plan::new(host(services), [docker(same)]).at(0).diff(&every_id());
        prop_assert!(report.drifted.is_empty(), "{:?}", report.drifted);
        prop_assert!(report.complete);
    }

    #[test]
    fn d2_the_order_of_views_services_and_open_ids_is_irrelevant(plan in plan(), seed in any::<u64>()) {
        let ids = every_id();
        let mut shuffled = plan.clone();
        shuffled.views.reverse();
        let mut others = ids.clone();
        let by = usize::try_from(seed % others.len() as u64).unwrap();
        others.rotate_left(by);
        let (a, mut b) = (plan.at(0).diff(&ids), shuffled.at(0).diff(&others));
        let mut a = a;
        for report in [&mut a, &mut b] {
            report.clean.sort();
            report.unknown.sort();
        }
        prop_assert_eq!(a, b);
    }

    #[test]
    fn d3_swapping_sides_swaps_missing_and_unexpected(
        here in subsequence(NAMES.to_vec(), 0..=8), there in subsequence(NAMES.to_vec(), 0..=8)
    ) {
        // `ssh` and `nfs` have another meaning on each side by definition: no engine can prove them missing.
        let plain = |names: Vec<&'static str>| -> Vec<_> {
            names.into_iter().filter(|n| !["ssh", "nfs"].contains(n)).collect()
        };
        let (here, there) = (plain(here), plain(there));
        let build = |e: &[&str], o: &[&str]| {
            Plan::new(host(e.iter().map(|n| declared(n))), [docker(o.iter().map(|n| shown(n, RunState::Running)))])
        };
        let of = |plan: &Plan, kind: EventType| -> BTreeSet<String> {
            let drifts = plan.drifts();
            drifts.iter().filter(|d| d.id.event_type == kind).map(|d| d.id.service.clone().unwrap().to_string()).collect()
        };
        let (one, two) = (build(&here, &there), build(&there, &here));
        prop_assert_eq!(of(&one, EventType::ServiceMissing), of(&two, EventType::ServiceUnexpected));
        prop_assert_eq!(of(&one, EventType::ServiceUnexpected), of(&two, EventType::ServiceMissing));
        prop_assert_eq!(one.drifts().len(), two.drifts().len());
    }

    #[test]
    fn d4_losing_coverage_never_adds_a_drift_other_than_the_blindness(plan in plan(), loss in loss()) {
        let before = ids(&plan.at(0));
        for id in ids(&plan.without(&loss).at(0)) {
            let blindness = matches!(id.event_type, EventType::DockerUnreachable | EventType::SnapshotError);
            prop_assert!(blindness || before.contains(&id), "{id} appeared");
        }
    }

    #[test]
    fn d4_an_open_drift_never_becomes_clean_because_a_service_was_lost_from_sight(plan in plan(), loss in loss()) {
        // The other half of D4: what is lost from sight is unknown, not repaired. Only a machine that may be away
        // is taken at its word when it does not answer.
        let open: Vec<DriftId> = ids(&plan.at(0)).into_iter().filter(|id| id.service.is_some()).collect();
        let clean = plan.without(&loss).at(0).diff(&open).clean;
        prop_assert!(clean.is_empty(), "became clean: {:?}", crate::world::words(clean.iter().map(|(id, _)| id)));
    }

    #[test]
    fn diff_agrees_with_judge_for_every_id(plan in plan()) {
        let world = plan.at(0);
        let report = world.diff(&[]);
        let mut drifted = BTreeSet::new();
        for id in every_id() {
            if let Verdict::Drifted(drift) = judge(&id, world.case()) {
                drifted.insert(drift.id.clone());
                prop_assert!(report.drifted.contains(&drift), "judge alone finds {id}");
            }
        }
        prop_assert_eq!(report.drifted.len(), drifted.len(), "diff finds more than judge: {:?}", report.drifted);
        prop_assert!(report.drifted.is_sorted_by(|a, b| a.id < b.id));
    }

    #[test]
    fn every_open_id_gets_exactly_one_verdict(plan in plan()) {
        let open: Vec<DriftId> = every_id().into_iter().filter(|id| id.source.is_some() || id.field.is_some() == (id.event_type == EventType::ConfigDrift)).collect();
        let report = plan.at(0).diff(&open);
        for id in &open {
            let verdicts = usize::from(report.drifted.iter().any(|d| d.id == *id))
                + report.clean.iter().filter(|(i, _)| i == id).count()
                + report.unknown.iter().filter(|(i, _)| i == id).count();
            // A drift is found under its own id; an id with a part that does not belong there is judged as that one.
            let same = DriftId { source: None, ..id.clone() };
            let judged_as_another = report.drifted.iter().any(|d| d.id == same) && verdicts == 0;
            prop_assert!(verdicts == 1 || judged_as_another, "{id} has {verdicts} verdicts");
        }
    }

    #[test]
    fn diff_equals_a_naive_oracle(plan in plan()) {
        let world = plan.at(0);
        let (found, meant) = (ids(&world), oracle::drifts(&world));
        let only = |a: &BTreeSet<DriftId>, b: &BTreeSet<DriftId>| crate::world::words(a.difference(b));
        prop_assert_eq!(&found, &meant, "diff only: {:?}, oracle only: {:?}", only(&found, &meant), only(&meant, &found));
    }

    #[test]
    fn nothing_is_missing_that_nothing_demands(plan in plan()) {
        let world = plan.at(0);
        for name in NAMES {
            let missing = ids(&world).contains(&subject_id(name, EventType::ServiceMissing));
            let demanded = plan.host.as_ref().and_then(|h| {
                let service = h.service(&ServiceName::from(name))?;
                Some(Demand::of_service(h.demand(), service.lifecycle) == Demand::Run)
            });
            prop_assert!(!missing || demanded == Some(true));
        }
    }

    #[test]
    fn a_source_that_sees_machines_says_nothing_about_services(plan in plan()) {
        let mut with = plan.clone();
        with.views.retain(|v| v.source.kind != SourceKind::Proxmox);
        let without = ids(&with.at(0));
        with.views.push(view(SourceKind::Proxmox, []));
        prop_assert_eq!(ids(&with.at(0)), without);
    }
}

fn running_on(name: &str, all: &evenkeel_core::model::Ports) -> ObservedService {
    let published = evenkeel_core::model::Published { open: all.clone(), loopback: Default::default() };
    ObservedService { ports: Fact::Known(published), ..shown(name, RunState::Running) }
}

#[test]
fn u1_holds_for_every_kind_of_gap() {
    for kind in [
        GapKind::NotYetObserved,
        GapKind::Uncovered,
        GapKind::Unreachable,
        GapKind::TimedOut,
        GapKind::Unauthorized,
        GapKind::Malformed,
        GapKind::Truncated,
        GapKind::Stale,
        GapKind::Implausible,
        GapKind::Ambiguous,
    ] {
        let plan = Plan::new(host([declared("web")]), [crate::world::blind(SourceKind::Docker, kind)]);
        assert!(!plan.found().contains(&"SERVICE_MISSING web".to_owned()), "{kind}");
    }
}
