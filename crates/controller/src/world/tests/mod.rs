//! The world's promises, one test each.

mod sites;

use std::sync::Arc;
use std::time::Duration;

use evenkeel_core::model::{
    ExpectedHost, ExpectedService, Health, Hints, HostFacts, HostKind, HostSnapshot, Inventory,
    ObservedService, Port, Ports, Published, RunState,
};
use evenkeel_core::policy::Policy;
use evenkeel_core::{
    Coverage, Fact, Gap, GapKind, HostName, Lookup, ServiceName, SourceId, SourceKind, Subject,
};
use jiff::{SignedDuration, Timestamp};

use super::{Slice, World};
use crate::queue::Key;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + seconds).unwrap()
}

fn netbox() -> SourceId {
    SourceId::new(SourceKind::Netbox, "main")
}

fn docker(name: &str) -> SourceId {
    SourceId::new(SourceKind::Docker, name)
}

fn subject(host: &str) -> Subject {
    Subject::Host(host.into())
}

fn host(name: &str, id: u64, services: &[(&str, u16)]) -> ExpectedHost {
    ExpectedHost {
        services: services
            .iter()
            .enumerate()
            .map(|(i, (name, port))| ExpectedService {
                name: ServiceName::new(name),
                lifecycle: None,
                ports: Ports::new([Port::tcp(*port)]),
                container_name: None,
                compose_project: None,
                role: None,
                image: None,
                observed_by: Vec::new(),
                tags: Vec::new(),
                netbox_ids: vec![id * 1000 + i as u64],
            })
            .collect(),
        ..ExpectedHost::new(name, HostKind::VirtualMachine, id)
    }
}

fn inventory(seconds: i64, hosts: Vec<ExpectedHost>) -> Inventory {
    Inventory {
        source: netbox(),
        started: at(seconds),
        observed_at: at(seconds),
        coverage: Coverage::Complete,
        hosts: hosts.into_iter().map(Arc::new).collect(),
        filtered: false,
    }
}

fn snapshot(source: &SourceId, seconds: i64, running: &[(&str, u16)]) -> HostSnapshot {
    HostSnapshot {
        source: source.clone(),
        started: at(seconds),
        observed_at: at(seconds),
        coverage: Coverage::Complete,
        facts: HostFacts::default(),
        services: running
            .iter()
            .map(|(name, port)| ObservedService {
                name: ServiceName::new(name),
                hints: Arc::new(Hints { container_name: Some(Arc::from(*name)), ..Hints::default() }),
                state: Fact::Known(RunState::Running),
                ports: Fact::Known(Published {
                    open: Ports::new([Port::tcp(*port)]),
                    loopback: Ports::default(),
                }),
                health: Fact::Known(Health::None),
                image: None,
                role: None,
                restarts: Fact::Known(0),
                replicas: 1,
            })
            .collect(),
    }
}

fn world() -> World {
    World::new(netbox(), Arc::new(Policy::default()), Duration::from_secs(90))
}

/// One host with one engine, both read once.
fn settled() -> (World, SourceId) {
    let (mut world, id) = (world(), docker("media"));
    world.add_source(id.clone(), Some("media".into()), None);
    world.replace_inventory(inventory(0, vec![host("media", 1, &[("sonarr", 8989)])]), at(0));
    world.replace_host(snapshot(&id, 1, &[("sonarr", 8989)]), at(1));
    (world, id)
}

/// Whose slice changed.
fn named(world: &World, touched: &[Key]) -> Vec<Subject> {
    touched.iter().map(|key| world.subject(*key).clone()).collect()
}

fn expected_of(world: &World, name: &str, seconds: i64) -> evenkeel_core::model::Expected {
    match world.slice(&subject(name), at(seconds)) {
        Slice::Host { expected, .. } => expected,
        Slice::Source { .. } | Slice::Store(_) => unreachable!("a host's slice is a host's"),
    }
}

fn coverage_of(world: &World, name: &str, seconds: i64) -> Coverage {
    match world.slice(&subject(name), at(seconds)) {
        Slice::Host { observed, .. } => observed.views()[0].coverage.clone(),
        Slice::Source { .. } | Slice::Store(_) => unreachable!("a host's slice is a host's"),
    }
}

/// When the newest answer about the host was given, and what the host looks like by it.
fn seen_of(world: &World, id: &SourceId, seconds: i64) -> (Timestamp, Option<u64>, Coverage) {
    let seen = world.seen_by(id);
    (seen[0].view.observed_at, seen[0].edition, coverage_of(world, "media", seconds))
}

#[test]
fn the_same_answer_again_is_only_newer() {
    let (mut world, id) = settled();
    let (_, edition, _) = seen_of(&world, &id, 1);
    assert_eq!(world.replace_host(snapshot(&id, 80, &[("sonarr", 8989)]), at(80)), []);
    assert_eq!(seen_of(&world, &id, 160), (at(80), edition, Coverage::Complete), "it counts from then on");
    let touched = world.replace_host(snapshot(&id, 81, &[("sonarr", 8990)]), at(81));
    assert_eq!(named(&world, &touched), [subject("media")]);
    let (_, changed, _) = seen_of(&world, &id, 81);
    assert_ne!(changed, edition);
    world.replace_host(snapshot(&id, 82, &[("sonarr", 8989)]), at(82));
    let (_, back, _) = seen_of(&world, &id, 82);
    assert!(back != edition && back != changed, "what went and came back is no repetition");
}

#[test]
fn an_answer_that_repeats_another_but_is_not_complete_or_older_is_none() {
    let (mut world, id) = settled();
    let mut partial = snapshot(&id, 50, &[("sonarr", 8989)]);
    partial.coverage = Coverage::Partial(Gap::new(GapKind::Truncated, "half of it"));
    let touched = world.replace_host(partial, at(50));
    assert_eq!(named(&world, &touched), [subject("media")]);
    assert!(
        matches!(coverage_of(&world, "media", 50), Coverage::Partial(gap) if gap.kind == GapKind::Truncated)
    );
    let touched = world.replace_host(snapshot(&id, 51, &[("sonarr", 8989)]), at(51));
    assert_eq!(named(&world, &touched), [subject("media")], "it is complete again");
    world.replace_host(snapshot(&id, 10, &[("sonarr", 8989)]), at(52));
    assert_eq!(seen_of(&world, &id, 52).0, at(51), "time does not run backwards");
}

#[test]
fn before_anybody_answered_everything_is_unknown() {
    let mut world = world();
    world.add_source(docker("media"), Some("media".into()), None);
    assert!(
        matches!(expected_of(&world, "media", 0).host(), Lookup::Unknown(gap) if gap.kind == GapKind::NotYetObserved)
    );
    assert!(
        matches!(coverage_of(&world, "media", 0), Coverage::Partial(gap) if gap.kind == GapKind::NotYetObserved)
    );
}

#[test]
fn a_change_of_intent_touches_the_host_even_though_its_source_is_bound_anew() {
    let (mut world, _) = settled();
    let touched = world.replace_inventory(inventory(2, vec![host("media", 1, &[("sonarr", 9000)])]), at(2));
    assert!(named(&world, &touched).contains(&subject("media")));
}

#[test]
fn the_same_answer_again_touches_nothing() {
    let (mut world, id) = settled();
    assert!(world.replace_host(snapshot(&id, 9, &[("sonarr", 8989)]), at(9)).is_empty());
    let touched = world.replace_inventory(inventory(9, vec![host("media", 1, &[("sonarr", 8989)])]), at(9));
    assert_eq!(named(&world, &touched), [Subject::Source(netbox())]);
}

#[test]
fn a_failed_read_of_netbox_keeps_the_declaration_and_proves_nothing_undeclared() {
    let (mut world, _) = settled();
    let gap = Gap::new(GapKind::Unreachable, "connection refused");
    let failed = Inventory { coverage: Coverage::Partial(gap), ..inventory(5, Vec::new()) };
    let touched = world.replace_inventory(failed, at(5));
    assert!(named(&world, &touched).contains(&subject("media")));
    let expected = expected_of(&world, "media", 5);
    assert!(matches!(expected.service(&"sonarr".into()), Lookup::Present(_)));
    assert!(matches!(expected.service(&"other".into()), Lookup::Unknown(_)));
    assert!(matches!(expected_of(&world, "elsewhere", 5).host(), Lookup::Unknown(_)));
}

#[test]
fn an_inventory_that_loses_most_hosts_at_once_is_held_back_until_it_has_been_repeated_long_enough() {
    let mut world = world();
    let many = (1..=20).map(|i| host(&format!("h{i}"), i, &[])).collect();
    world.replace_inventory(inventory(0, many), at(0));
    let few = || inventory(10, vec![host("h1", 1, &[])]);
    world.replace_inventory(few(), at(10));
    assert!(matches!(expected_of(&world, "h2", 10).host(), Lookup::Present(_)));
    assert!(
        matches!(expected_of(&world, "nobody", 10).coverage(), Coverage::Partial(gap) if gap.kind == GapKind::Implausible)
    );
    let accept_after = i64::try_from(Policy::default().brake.accept_after.unwrap().as_secs()).unwrap();
    world.replace_inventory(few(), at(10 + accept_after));
    assert!(matches!(expected_of(&world, "h2", 10 + accept_after).host(), Lookup::Absent));
}

#[test]
fn an_engine_that_forgets_everything_at_once_is_blind_not_empty() {
    let (mut world, id) = settled();
    let services: Vec<(String, u16)> = (0..10).map(|i| (format!("s{i}"), 8000 + i)).collect();
    let services: Vec<(&str, u16)> = services.iter().map(|(n, p)| (n.as_str(), *p)).collect();
    world.replace_host(snapshot(&id, 2, &services), at(2));
    world.replace_host(snapshot(&id, 3, &[]), at(3));
    assert!(
        matches!(coverage_of(&world, "media", 3), Coverage::Partial(gap) if gap.kind == GapKind::Implausible)
    );
    world.replace_host(snapshot(&id, 4, &services), at(4));
    assert!(coverage_of(&world, "media", 4).is_complete());
}

#[test]
fn a_tenth_of_what_must_run_may_go_within_an_hour_and_what_nobody_declared_comes_and_goes() {
    let named = |range: std::ops::Range<u16>, word: &str| -> Vec<(String, u16)> {
        range.map(|i| (format!("{word}{i}"), 8000 + i)).collect()
    };
    let shown = |services: Vec<Vec<(String, u16)>>| services.into_iter().flatten().collect::<Vec<_>>();
    let refs = |services: &[(String, u16)]| -> Vec<(&'static str, u16)> {
        services.iter().map(|(name, port)| (&*name.clone().leak(), *port)).collect()
    };
    let (mut world, id) = (world(), docker("media"));
    world.add_source(id.clone(), Some("media".into()), None);
    world.replace_inventory(inventory(0, vec![host("media", 1, &refs(&named(0..20, "s")))]), at(0));
    let mut tell = |seconds, services: Vec<(String, u16)>| {
        world.replace_host(snapshot(&id, seconds, &refs(&services)), at(seconds));
        let held = coverage_of(&world, "media", seconds).gap().map(|gap| gap.kind);
        assert!(matches!(held, None | Some(GapKind::Implausible)), "{held:?}");
        held.is_some()
    };
    assert!(!tell(1, shown(vec![named(0..20, "s"), named(0..8, "job")])));
    assert!(!tell(31, shown(vec![named(0..20, "s"), named(8..16, "job")])), "eight jobs ended, eight began");
    assert!(!tell(61, named(0..17, "s")), "three of what must run are gone, and all jobs ended");
    assert!(tell(91, named(0..14, "s")), "three more within the hour");
    assert!(!tell(121, named(0..16, "s")), "one more makes four");
    assert!(!tell(3800, named(0..12, "s")), "after an hour another four");
}

#[test]
fn an_answer_that_is_older_than_the_newest_changes_nothing() {
    let (mut world, id) = settled();
    assert!(world.replace_host(snapshot(&id, -5, &[]), at(2)).is_empty());
    assert!(coverage_of(&world, "media", 2).is_complete());
}

#[test]
fn after_the_clock_was_set_back_answers_count_again_at_once() {
    const DAY: i64 = 86_400;
    let (mut world, id) = settled();
    world.replace_host(snapshot(&id, DAY, &[("sonarr", 8989)]), at(DAY));
    // By the new clock it is an hour after the beginning.
    world.replace_host(snapshot(&id, 3600, &[("radarr", 7878)]), at(3600));
    assert!(coverage_of(&world, "media", 3600).is_complete());
    assert_eq!(world.seen_by(&id)[0].view.services[0].name, ServiceName::new("radarr"));
    // What was asked before the clock was set and answers now is still the older answer.
    world.replace_host(snapshot(&id, 3500, &[("sonarr", 8989)]), at(3601));
    assert_eq!(world.seen_by(&id)[0].view.services[0].name, ServiceName::new("radarr"));
    let cluster = SourceId::new(SourceKind::Proxmox, "box2");
    world.add_site(cluster.clone(), Vec::new(), None, std::collections::BTreeMap::new());
    let survey = |seconds, why: Option<GapKind>| evenkeel_core::model::Survey {
        coverage: why.map_or(Coverage::Complete, |kind| Coverage::Partial(Gap::new(kind, "a test"))),
        ..evenkeel_core::model::Survey::blind(
            cluster.clone(),
            at(seconds),
            at(seconds),
            Gap::new(GapKind::TimedOut, ""),
        )
    };
    let learn = |world: &mut World, seconds, why| {
        let survey = evenkeel_sources::Snapshot::Survey { survey: survey(seconds, why), host: None };
        world.learn(&cluster, survey, at(seconds));
    };
    learn(&mut world, DAY, Some(GapKind::TimedOut));
    learn(&mut world, 3600, None);
    let state = world.slice(&Subject::Source(cluster.clone()), at(3600));
    assert!(matches!(state, Slice::Source { coverage: Coverage::Complete, .. }), "{state:?}");
}

#[test]
fn an_answer_that_is_too_old_proves_nothing() {
    let (mut world, id) = settled();
    assert!(coverage_of(&world, "media", 60).is_complete());
    assert!(
        matches!(coverage_of(&world, "media", 300), Coverage::Partial(gap) if gap.kind == GapKind::Stale)
    );
    world.settle(&subject("media"), world_stamp(&world, 60));
    assert!(world.unsettled(at(300)).contains(&subject("media")));
    world.replace_host(snapshot(&id, 301, &[("sonarr", 8989)]), at(301));
    assert!(coverage_of(&world, "media", 301).is_complete());
}

fn world_stamp(world: &World, seconds: i64) -> evenkeel_core::fingerprint::Fingerprint {
    match world.slice(&subject("media"), at(seconds)) {
        Slice::Host { expected, observed, outer, .. } => {
            evenkeel_core::fingerprint::of_host(&expected, &observed, &outer)
        }
        Slice::Source { .. } | Slice::Store(_) => unreachable!("a host's slice is a host's"),
    }
}

#[test]
fn a_host_renamed_in_netbox_keeps_its_source() {
    let (mut world, id) = settled();
    let touched =
        world.replace_inventory(inventory(5, vec![host("multimedia", 1, &[("sonarr", 8989)])]), at(5));
    assert_eq!(world.subject_of(&id), Some(subject("multimedia")));
    assert_eq!(named(&world, &touched), [subject("media"), subject("multimedia"), Subject::Source(netbox())]);
}

#[test]
fn another_host_that_takes_the_configured_name_is_the_configured_host() {
    let (mut world, id) = settled();
    let hosts = vec![host("old-media", 1, &[]), host("media", 2, &[("sonarr", 8989)])];
    world.replace_inventory(inventory(5, hosts), at(5));
    assert_eq!(world.subject_of(&id), Some(subject("media")));
}

#[test]
fn a_source_that_several_hosts_answer_to_is_matched_with_none() {
    let (mut world, id) = (world(), docker("dup"));
    world.add_source(id.clone(), Some("dup.a.lan".into()), None);
    let twins = vec![host("dup.b.lan", 1, &[]), host("dup.c.lan", 2, &[])];
    world.replace_inventory(inventory(0, twins), at(0));
    assert_eq!(world.subject_of(&id), Some(Subject::Source(id.clone())));
    let Slice::Source { coverage, .. } = world.slice(&Subject::Source(id), at(0)) else {
        unreachable!("a source's slice is a source's")
    };
    assert!(matches!(coverage, Coverage::Partial(gap) if gap.kind == GapKind::Ambiguous));
}

#[test]
fn a_removed_source_no_longer_counts() {
    let (mut world, id) = settled();
    let touched = world.remove_source(&id);
    assert_eq!(named(&world, &touched), [subject("media")]);
    assert!(world.sources_of(&subject("media")).is_empty());
    assert!(world.replace_host(snapshot(&id, 9, &[]), at(9)).is_empty());
}

#[test]
fn a_late_answer_after_blindness_lets_the_machine_keep_its_name() {
    let (mut world, id) = settled();
    let mut answer = snapshot(&id, 2, &[("sonarr", 8989)]);
    answer.facts.name = Some(Fact::Known(Arc::from("media")));
    world.replace_host(answer, at(2));
    let later = at(3) + SignedDuration::from_secs(1);
    let gap = Gap::new(GapKind::TimedOut, "no answer");
    world.replace_host(HostSnapshot::blind(id.clone(), later, later, gap), later);
    assert_eq!(world.subject_of(&id), Some(Subject::Host(HostName::new("media"))));
}

#[test]
fn whoever_answers_for_the_first_time_ever_is_new_for_a_while() {
    let newcomers = |world: &World, seconds: i64| match world.slice(&subject("media"), at(seconds)) {
        Slice::Host { newcomers, .. } => newcomers,
        Slice::Source { .. } | Slice::Store(_) => unreachable!("a host's slice is a host's"),
    };
    let id = docker("media");
    let of = |known: Option<&[SourceId]>| {
        let mut world = world();
        known.into_iter().for_each(|known| world.know(known.iter().cloned().collect()));
        world.add_source(id.clone(), Some("media".into()), None);
        world.replace_inventory(inventory(0, vec![host("media", 1, &[("sonarr", 8989)])]), at(0));
        world
    };
    let mut world = of(Some(&[docker("other")]));
    let blind = |seconds| {
        HostSnapshot::blind(id.clone(), at(seconds), at(seconds), Gap::new(GapKind::Unreachable, ""))
    };
    world.replace_host(blind(1), at(1));
    assert!(newcomers(&world, 1).is_empty(), "it showed nothing");
    world.replace_host(snapshot(&id, 2, &[]), at(2));
    assert_eq!(newcomers(&world, 2), std::slice::from_ref(&id));
    world.replace_host(blind(3), at(3));
    assert!(newcomers(&world, 3).is_empty(), "blindness is no old story");
    world.replace_host(snapshot(&id, 4, &[]), at(4));
    assert_eq!((newcomers(&world, 5).len(), newcomers(&world, 1).len()), (1, 0), "nor in the past");
    world.replace_host(snapshot(&id, 302, &[]), at(302));
    assert!(newcomers(&world, 302).is_empty(), "five minutes later");
    // It was away and came back.
    world.remove_source(&id);
    world.add_source(id.clone(), Some("media".into()), None);
    world.replace_host(snapshot(&id, 400, &[]), at(400));
    assert!(newcomers(&world, 400).is_empty());
    for known in [None, Some(&[id.clone()][..])] {
        let mut world = of(known);
        world.replace_host(snapshot(&id, 2, &[]), at(2));
        assert!(newcomers(&world, 2).is_empty(), "known from an earlier run, or nobody asks");
    }
}
