//! The operator's rules and the plausibility brake.

use std::sync::Arc;

use crate::world::{Plan, at, declared, docker, evidence, host, partial, shown, source};
use evenkeel_core::brake::{Demanded, Memory, host_gap, implausible, inventory_gap};
use evenkeel_core::model::{ExpectedHost, ExpectedService, HostFacts, HostSnapshot, Inventory, RunState};
use evenkeel_core::policy::{Brake, Covers, IgnoreRule, Labels, Matcher, Policy, Silence};
use evenkeel_core::{Coverage, DriftId, EventType, GapKind, SourceId, SourceKind, Subject};
use proptest::prelude::*;

fn tagged() -> Plan {
    let mut host = host([ExpectedService { tags: vec!["media".into()], ..declared("web") }, declared("db")]);
    host.tags = vec!["lab".into()];
    host.tenant = Some("famille".into());
    Plan::new(host, [docker([])])
}

fn missing(name: &str) -> DriftId {
    DriftId::of_service(&crate::world::HOST.into(), &name.into(), EventType::ServiceMissing)
}

fn matches(matcher: &Matcher, id: &DriftId) -> bool {
    let world = tagged().at(0);
    matcher.matches(id, Labels::of(&world.expected, id))
}

fn globs(patterns: &[&str]) -> Vec<wildmatch::WildMatch> {
    patterns.iter().map(|p| Matcher::glob(p)).collect()
}

#[test]
fn an_empty_matcher_matches_nothing() {
    assert!(Matcher::default().is_empty());
    assert!(!matches(&Matcher::default(), &missing("web")));
}

#[test]
fn globs_match_in_any_case_and_only_the_whole_name() {
    let on = |pattern: &str| Matcher { services: globs(&[pattern]), ..Matcher::default() };
    for pattern in ["web", "WEB", "w*", "?eb", "*"] {
        assert!(matches(&on(pattern), &missing("web")), "{pattern}");
    }
    for pattern in ["we", "eb", "web?", "db"] {
        assert!(!matches(&on(pattern), &missing("web")), "{pattern}");
    }
}

#[test]
fn a_name_that_is_made_to_look_like_another_is_not_taken_for_it() {
    let on = |pattern: &str| Matcher { services: globs(&[pattern]), ..Matcher::default() };
    let alike = [
        "web ",
        " web",
        "web\n",
        "web\0",
        "web/",
        "../web",
        "web/../db",
        "web%20",
        "we\u{200b}b",
        "w\u{435}b",
        "\u{202e}bew",
        "web|db",
        "web,db",
        "*",
        "w*b",
        "[web]",
    ];
    for name in alike {
        assert!(!matches(&on("web"), &missing(name)), "{name:?}");
        // What is to be kept from repairs is kept from them in whatever letters it is written.
        assert!(matches(&on("*"), &missing(name)), "{name:?}");
    }
    for name in ["db1", "DB1", "Db-main"] {
        assert!(matches(&on("db*"), &missing(name)), "{name}");
    }
    // A pattern is a pattern in the configuration alone: what stands in a name means itself.
    assert!(!matches(&on("w*b"), &missing("w*")) && matches(&on("w*b"), &missing("w*b")));
    for host in ["xbox", "box.", "box/", "a/box", "box\nbox"] {
        let id = DriftId::of_host(&host.into(), EventType::VmDown);
        assert!(!matches(&Matcher { hosts: globs(&["box"]), ..Matcher::default() }, &id), "{host:?}");
    }
}

#[test]
fn any_entry_of_a_list_suffices_and_every_list_must_match() {
    let matcher = Matcher { hosts: globs(&["nas", "b*x"]), services: globs(&["web"]), ..Matcher::default() };
    assert!(matches(&matcher, &missing("web")));
    assert!(!matches(&matcher, &missing("db")));
    let elsewhere = Matcher { hosts: globs(&["nas"]), ..matcher.clone() };
    assert!(!matches(&elsewhere, &missing("web")));
    let typed = Matcher { types: vec![EventType::PortMismatch], ..matcher };
    assert!(!matches(&typed, &missing("web")));
}

#[test]
fn a_list_of_services_does_not_match_the_machine_itself() {
    let matcher = Matcher { services: globs(&["*"]), ..Matcher::default() };
    assert!(!matches(&matcher, &DriftId::of_host(&crate::world::HOST.into(), EventType::VmDown)));
}

#[test]
fn tags_are_those_of_the_host_and_of_the_service() {
    let tagged_as = |pattern: &str| Matcher { tags: globs(&[pattern]), ..Matcher::default() };
    assert!(matches(&tagged_as("lab"), &missing("web")) && matches(&tagged_as("lab"), &missing("db")));
    assert!(matches(&tagged_as("med*"), &missing("web")) && !matches(&tagged_as("med*"), &missing("db")));
    let tenants = Matcher { tenants: globs(&["famille"]), ..Matcher::default() };
    assert!(matches(&tenants, &missing("undeclared")));
}

#[test]
fn a_source_without_a_host_is_matched_by_kind_and_name() {
    let id = DriftId::of_source(
        Subject::Source(SourceId::new(SourceKind::Netbox, "main")),
        EventType::SnapshotError,
        &source(SourceKind::Netbox),
    );
    assert!(matches(&Matcher { hosts: globs(&["netbox/*"]), ..Matcher::default() }, &id));
}

#[test]
fn the_first_rule_in_force_decides_and_an_expired_one_does_not_count() {
    let rule = |name: &str, expires: Option<i64>| IgnoreRule {
        name: name.into(),
        matcher: Matcher { types: vec![EventType::ServiceMissing], ..Matcher::default() },
        reason: "a test".into(),
        owner: None,
        expires: expires.map(at),
    };
    let world = tagged().at(0);
    let policy = Policy { ignore: vec![rule("old", Some(10)), rule("new", None)], ..Policy::default() };
    let by = |now| policy.apply(world.diff(&[]), &world.expected, at(now)).ignored[0].1.to_string();
    assert_eq!((by(9), by(10)), ("old".to_owned(), "new".to_owned()));
    assert_eq!(policy.next_change(at(9)), Some(at(10)));
    assert_eq!(policy.next_change(at(10)), None);
}

#[test]
fn a_silence_holds_from_its_beginning_to_just_before_its_end() {
    let silence = Silence {
        name: "night".into(),
        covers: Covers::Rule(Matcher::default()),
        reason: "a test".into(),
        owner: None,
        starts: Some(at(10)),
        ends: at(20),
    };
    let held: Vec<i64> = (8..22).filter(|now| silence.in_force(at(*now))).collect();
    assert_eq!(held, (10..20).collect::<Vec<_>>());
    let policy = Policy { silences: vec![silence], ..Policy::default() };
    assert_eq!(policy.next_change(at(0)), Some(at(10)));
    assert_eq!(policy.next_change(at(10)), Some(at(20)));
}

#[test]
fn the_brake_allows_a_few_losses_and_a_share_but_never_everything() {
    let brake = Brake { share: 0.5, allowance: 4, accept_after: None, ..Brake::default() };
    // Before, lost, implausible.
    for (before, lost, held) in [
        (0, 0, false),
        (1, 1, false),
        (2, 2, false),
        (3, 3, true),
        (3, 2, false),
        (4, 4, true),
        (5, 4, false),
        (8, 4, false),
        (9, 5, true),
        (10, 5, false),
        (100, 50, false),
        (100, 51, true),
    ] {
        assert_eq!(implausible(&brake, before, lost), held, "{lost} of {before}");
    }
    let strict = Brake { share: 0.0, allowance: 0, accept_after: None, ..Brake::default() };
    assert!(implausible(&strict, 10, 6) && !implausible(&strict, 10, 5), "of everything, half may go");
}

proptest! {
    #[test]
    fn losing_more_is_never_more_plausible(share in 0.0..=1.0_f64, allowance in 0..20_u32, before in 0..200_usize) {
        let brake = Brake { share, allowance, accept_after: None, ..Brake::default() };
        let held: Vec<bool> = (0..=before).map(|lost| implausible(&brake, before, lost)).collect();
        prop_assert!(held.is_sorted());
        prop_assert!(!held[0]);
        prop_assert_eq!(held[before], before >= 3 || before as f64 > (before as f64 * share.max(0.5)).max(f64::from(allowance)));
    }
}

/// What must be there, and which of it two answers show, by number.
fn demanded(all: u32, before: impl Fn(u32) -> bool, after: impl Fn(u32) -> bool) -> Demanded {
    let names = |shows: &dyn Fn(u32) -> bool| {
        (0..all).filter(|n| shows(*n)).map(|n| format!("s{n}").into()).collect()
    };
    Demanded { all: names(&|_| true), before: names(&before), after: names(&after) }
}

#[test]
fn a_view_that_breaks_slowly_is_held_back_like_one_that_breaks_at_once() {
    let brake = Brake::default();
    let mut memory = Memory::default();
    // Nine of a hundred a minute: none of the answers loses a tenth against the one before it.
    let step = |memory: &mut Memory, gone: u32, more: u32, now| {
        memory.judge(&brake, None, &demanded(100, |n| n >= gone, |n| n >= gone + more), at(now))
    };
    assert_eq!(step(&mut memory, 0, 9, 0), None);
    let gap = step(&mut memory, 9, 9, 60).unwrap();
    assert_eq!(gap.kind, GapKind::Implausible);
    assert_eq!(&*gap.why, "18 of 100 that must be there vanished within 1h; the last answer is kept");
    // Held back as long as it is repeated, and believed in the end; then nothing of it counts any more.
    assert!(step(&mut memory, 9, 9, 60 + 1799).is_some());
    assert_eq!(step(&mut memory, 9, 9, 60 + 1800), None);
    assert_eq!(step(&mut memory, 18, 8, 60 + 1830), None);
}

#[test]
fn what_came_back_and_what_went_long_ago_counts_against_nothing() {
    let brake = Brake::default();
    let mut memory = Memory::default();
    let mut judge = |before: u32, after: u32, now| {
        memory.judge(&brake, None, &demanded(40, |n| n >= before, |n| n >= after), at(now)).is_some()
    };
    assert!(!judge(0, 4, 0));
    assert!(!judge(4, 2, 60), "two came back");
    assert!(!judge(2, 4, 120), "and went again: four are gone, not six");
    assert!(judge(4, 6, 180), "a fifth and a sixth");
    assert!(!judge(4, 4, 240));
    assert!(!judge(4, 8, 3720 + 1), "an hour later the first four are history");
}

#[test]
fn what_is_not_declared_any_more_is_not_missed() {
    let brake = Brake::default();
    let mut memory = Memory::default();
    assert_eq!(memory.judge(&brake, None, &demanded(40, |_| true, |n| n >= 4), at(0)), None);
    // Those four are taken out of NetBox; four others go.
    let mut fewer = demanded(40, |n| n >= 4, |n| n >= 8);
    fewer.all = fewer.before.clone();
    assert_eq!(memory.judge(&brake, None, &fewer, at(60)), None);
}

fn inventory(hosts: impl IntoIterator<Item = ExpectedHost>) -> Inventory {
    Inventory {
        source: source(SourceKind::Netbox),
        started: at(0),
        observed_at: at(0),
        coverage: Coverage::Complete,
        hosts: hosts.into_iter().map(Arc::new).collect(),
        filtered: false,
    }
}

fn machines(ids: std::ops::Range<u64>) -> Vec<ExpectedHost> {
    let service = |id| ExpectedService { netbox_ids: vec![id], ..declared("web") };
    ids.map(|id| ExpectedHost { netbox_id: id, ..host([service(id)]) }).collect()
}

#[test]
fn an_emptied_inventory_is_held_back_and_a_renamed_one_is_not() {
    let brake = Brake::default();
    let before = inventory(machines(0..10));
    let gap = inventory_gap(&brake, &before, &inventory([])).unwrap();
    assert_eq!(gap.kind, GapKind::Implausible);
    assert_eq!(&*gap.why, "10 of 10 hosts vanished at once; the last answer is kept");
    let renamed = machines(0..10).into_iter().map(|h| ExpectedHost { name: "other".into(), ..h });
    assert_eq!(inventory_gap(&brake, &before, &inventory(renamed)), None);
    let bare = machines(0..10).into_iter().map(|h| ExpectedHost { services: Vec::new(), ..h });
    assert!(inventory_gap(&brake, &before, &inventory(bare)).unwrap().why.starts_with("10 of 10 services"));
    assert_eq!(inventory_gap(&brake, &before, &inventory(machines(0..6))), None);
    assert_eq!(inventory_gap(&brake, &inventory([]), &before), None, "growing is always plausible");
}

#[test]
fn an_engine_that_forgot_its_containers_is_held_back() {
    let shows = |names: &[&str]| HostSnapshot {
        source: source(SourceKind::Docker),
        started: at(0),
        observed_at: at(0),
        coverage: Coverage::Complete,
        facts: HostFacts::default(),
        services: names.iter().map(|n| shown(n, RunState::Running)).collect(),
    };
    let before = shows(&["a", "b", "c"]);
    assert!(host_gap(&Brake::default(), &before, &shows(&[])).is_some());
    assert!(host_gap(&Brake::default(), &before, &shows(&["x"])).is_some(), "none of the old ones is left");
    assert!(host_gap(&Brake::default(), &before, &shows(&["a"])).is_none());
    assert_eq!(evidence(SourceKind::Docker, 0).observed_at, at(0));
    assert!(!partial(GapKind::Implausible).is_complete());
}
