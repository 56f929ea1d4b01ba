//! Both sides of every service, beside each other: they say what the comparison of the whole host says, and nothing that is
//! not known.

// A panic in a test's helper is the failed assertion itself, as in the test.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeSet;

use crate::world::strategy::plan;
use crate::world::{Plan, blind, declared_on, docker, host, shown, shown_on, view};
use evenkeel_core::both::{Both, Sighting, services, unwatched};
use evenkeel_core::model::{Demand, RunState};
use evenkeel_core::{Coverage, DriftId, GapKind, Lookup, SourceKind};
use proptest::prelude::*;

/// What is said of a service, in a few words.
fn said(both: &Both<'_>) -> String {
    let expected = match both.expected {
        Lookup::Present(_) => "declared",
        Lookup::Absent => "undeclared",
        Lookup::Unknown(_) => "undecided",
    };
    let sighting = match &both.sighting {
        Sighting::Present(_, seen) => seen.state.known().map_or("unread", |state| state.as_str()),
        Sighting::Absent(_) => "absent",
        Sighting::Unknown(_) => "unknown",
        Sighting::Unwatched => "unwatched",
    };
    let drifts: Vec<&str> = both.drifts.iter().map(|drift| drift.id.event_type.code()).collect();
    format!("{} {expected} {sighting} {}", both.name, drifts.join(" "))
}

fn all(plan: &Plan) -> Vec<String> {
    services(plan.at(0).case()).iter().map(|both| said(both).trim_end().to_owned()).collect()
}

#[test]
fn every_service_of_either_side_is_there_once_and_says_how_it_differs() {
    let declared =
        [declared_on("jellyfin", &[8096]), declared_on("sonarr", &[8989]), declared_on("bazarr", &[6767])];
    let seen =
        [shown_on("jellyfin", &[8097]), shown_on("bazarr", &[6767]), shown("watchtower", RunState::Running)];
    assert_eq!(
        all(&Plan::new(host(declared), [docker(seen)])),
        [
            "bazarr declared running",
            "jellyfin declared running PORT_MISMATCH",
            "sonarr declared absent SERVICE_MISSING",
            "watchtower undeclared running SERVICE_UNEXPECTED",
        ]
    );
}

#[test]
fn what_a_blind_source_would_show_is_unknown_and_what_none_would_is_unwatched() {
    let declared = || host([declared_on("jellyfin", &[8096]), declared_on("ssh", &[22])]);
    let dark = Plan::new(declared(), [blind(SourceKind::Docker, GapKind::Unreachable)]);
    // A blind engine may be the one that shows it; that it would show no `ssh` is another matter.
    assert_eq!(all(&dark)[0], "jellyfin declared unknown");
    let outside = Plan::new(declared(), [view(SourceKind::Proxmox, [])]);
    assert_eq!(all(&outside), ["jellyfin declared unwatched", "ssh declared unwatched"]);
    assert_eq!(unwatched(outside.at(0).case()), 2);
    // An engine watches its containers, and what never is one is watched by nobody.
    let engine = Plan::new(declared(), [docker([shown_on("jellyfin", &[8096])])]);
    assert_eq!(unwatched(engine.at(0).case()), 1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn together_they_differ_exactly_as_the_host_does(plan in plan()) {
        let world = plan.at(0);
        let both = services(world.case());
        let beside: BTreeSet<&DriftId> = both.iter().flat_map(Both::drift_ids).collect();
        let report = world.diff(&[]);
        let whole: BTreeSet<&DriftId> =
            report.drifted.iter().map(|drift| &drift.id).filter(|id| id.service.is_some()).collect();
        let of_volumes = |id: &&&DriftId| !beside.contains(**id) && id.event_type.code() == "RESOURCE_EXCEEDED";
        prop_assert_eq!(&beside, &whole.iter().filter(|id| !of_volumes(id)).copied().collect());
    }

    #[test]
    fn absent_is_said_only_where_everybody_asked_sees_everything(plan in plan()) {
        let world = plan.at(0);
        for both in services(world.case()) {
            if let Sighting::Absent(view) = both.sighting {
                prop_assert_eq!(&view.coverage, &Coverage::Complete);
            }
        }
    }

    #[test]
    fn what_is_watched_by_nobody_is_counted_where_it_must_run(plan in plan()) {
        let world = plan.at(0);
        let counts = |both: &&Both<'_>| {
            matches!(both.sighting, Sighting::Unwatched) && both.demand == Some(Demand::Run)
        };
        let both = services(world.case());
        prop_assert_eq!(unwatched(world.case()), both.iter().filter(counts).count());
    }
}
