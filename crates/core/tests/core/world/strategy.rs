//! Random small worlds, and random sequences of them.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use evenkeel_core::model::{
    Contradiction, ExpectedHost, ExpectedService, Health, HostFacts, HostStatus, HostView, Lifecycle,
    ObservedService, Port, Ports, Published, RunState,
};
use evenkeel_core::policy::confirm::{Confirm, Window};
use evenkeel_core::policy::{Covers, FirstRun, IgnoreRule, Matcher, Policy, SeverityRule, Silence};
use evenkeel_core::{Coverage, EventType, Fact, GapKind, ServiceName, Severity, SourceKind};
use proptest::collection::{btree_set, vec};
use proptest::option::{self, weighted};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use super::{Plan, at, declared, gap, host, shown, view};

/// Few, so that both sides often mean the same one. `ssh` never is a container.
pub const NAMES: [&str; 8] = ["db", "dns", "mail", "nfs", "rss", "ssh", "web", "wiki"];

pub fn gap_kind() -> impl Strategy<Value = GapKind> {
    use GapKind as G;
    select(vec![
        G::NotYetObserved,
        G::Uncovered,
        G::Unreachable,
        G::TimedOut,
        G::Unauthorized,
        G::Malformed,
        G::Truncated,
        G::Stale,
        G::Implausible,
        G::Ambiguous,
    ])
}

pub fn coverage() -> impl Strategy<Value = Coverage> {
    prop_oneof![3 => Just(Coverage::Complete), 2 => gap_kind().prop_map(|kind| Coverage::Partial(gap(kind)))]
}

pub fn status() -> impl Strategy<Value = HostStatus> {
    use HostStatus as S;
    let others =
        vec![S::Planned, S::Staged, S::Offline, S::Paused, S::Failed, S::Inventory, S::Decommissioning];
    prop_oneof![4 => Just(S::Active), 3 => select(others), 1 => Just(S::Other("odd".into()))]
}

fn fact<T: Clone + std::fmt::Debug + 'static>(
    known: impl Strategy<Value = T> + 'static,
) -> impl Strategy<Value = Fact<T>> {
    prop_oneof![6 => known.prop_map(Fact::Known), 1 => gap_kind().prop_map(|kind| Fact::Unknown(gap(kind)))]
}

pub fn ports() -> impl Strategy<Value = Ports> {
    let all = vec![Port::tcp(80), Port::tcp(443), Port::udp(53)];
    subsequence(all, 0..=2).prop_map(Ports::new)
}

fn word() -> impl Strategy<Value = Option<Arc<str>>> {
    weighted(0.3, select(vec!["one", "two"]).prop_map(Arc::from))
}

fn tags() -> impl Strategy<Value = Vec<Arc<str>>> {
    subsequence(vec!["lab", "prod"], 0..=2).prop_map(|tags| tags.into_iter().map(Arc::from).collect())
}

fn service(name: &'static str) -> impl Strategy<Value = ExpectedService> {
    let lifecycle = weighted(0.4, select(vec![Lifecycle::Planned, Lifecycle::Active, Lifecycle::Retired]));
    let observed_by = prop_oneof![
        6 => Just(Vec::new()),
        1 => Just(vec![SourceKind::Docker]),
        1 => Just(vec![SourceKind::Truenas])
    ];
    (lifecycle, ports(), word(), word(), observed_by, tags()).prop_map(
        move |(lifecycle, ports, role, image, observed_by, tags)| ExpectedService {
            lifecycle,
            ports,
            role,
            image,
            observed_by,
            tags,
            ..declared(name)
        },
    )
}

pub fn expected_host() -> impl Strategy<Value = ExpectedHost> {
    let services = subsequence(NAMES.to_vec(), 0..=8)
        .prop_flat_map(|names| names.into_iter().map(service).collect::<Vec<_>>());
    let contradictions = prop_oneof![
        5 => Just(Vec::new()),
        1 => option::of(select(NAMES.to_vec())).prop_map(|name| {
            vec![Contradiction { service: name.map(ServiceName::from), what: "two answers".into() }]
        })
    ];
    let services_coverage = prop_oneof![5 => Just(Coverage::Complete), 1 => coverage()];
    (status(), services, contradictions, services_coverage, tags()).prop_map(
        |(status, services, contradictions, services_coverage, tags)| ExpectedHost {
            status,
            contradictions,
            services_coverage,
            tags,
            ..host(services)
        },
    )
}

pub fn observed_service(name: &'static str) -> impl Strategy<Value = ObservedService> {
    use RunState as R;
    let state = prop_oneof![
        4 => Just(R::Running),
        3 => select(vec![R::Restarting, R::Paused, R::Created, R::Exited])
    ];
    let health = select(vec![Health::None, Health::Healthy, Health::Starting, Health::Unhealthy]);
    let published = (ports(), ports()).prop_map(|(open, loopback)| Published { open, loopback });
    (fact(state), fact(published), fact(health), word(), word(), fact(0_u32..6)).prop_map(
        move |(state, ports, health, image, role, restarts)| ObservedService {
            state,
            ports,
            health,
            image,
            role,
            restarts,
            ..shown(name, R::Running)
        },
    )
}

pub fn host_view(kind: SourceKind) -> impl Strategy<Value = HostView> {
    let shown = subsequence(NAMES.to_vec(), 0..=8);
    let real_name = weighted(0.4, fact(select(vec!["box", "BOX.lan", "crate"]).prop_map(Arc::from)));
    (coverage(), shown, subsequence(NAMES.to_vec(), 0..=1), real_name)
        .prop_flat_map(|(coverage, mut names, unclear, real_name)| {
            names.retain(|name| !unclear.contains(name));
            let services = names.into_iter().map(observed_service).collect::<Vec<_>>();
            (Just(coverage), services, Just(unclear), Just(real_name))
        })
        .prop_map(move |(coverage, services, unclear, name)| HostView {
            coverage,
            facts: HostFacts { name, ..HostFacts::default() },
            ambiguous: unclear.into_iter().map(|n| (n.into(), gap(GapKind::Ambiguous))).collect(),
            ..view(kind, services)
        })
}

fn views() -> impl Strategy<Value = Vec<HostView>> {
    use SourceKind as K;
    let kinds = prop_oneof![
        4 => Just(vec![K::Docker]),
        3 => Just(vec![K::Docker, K::Truenas]),
        1 => subsequence(vec![K::Docker, K::Proxmox, K::Truenas, K::Push], 0..=2)
    ];
    kinds.prop_flat_map(|kinds| kinds.into_iter().map(host_view).collect::<Vec<_>>())
}

/// Any small world.
pub fn plan() -> impl Strategy<Value = Plan> {
    let intent = prop_oneof![3 => Just(Coverage::Complete), 1 => coverage()];
    (intent, weighted(0.85, expected_host()), views()).prop_map(|(intent, host, views)| Plan {
        intent,
        host,
        views,
    })
}

/// What can be lost of a plan: the answer of one source, or the intent; wholly, or in part.
#[derive(Clone, Debug)]
pub enum Loss {
    View { which: usize, gap: GapKind, keep: BTreeSet<usize> },
    Intent { gap: GapKind, forget: bool },
}

pub fn loss() -> impl Strategy<Value = Loss> {
    prop_oneof![
        (0..2_usize, gap_kind(), btree_set(0..8_usize, 0..=8)).prop_map(|(which, gap, keep)| Loss::View {
            which,
            gap,
            keep
        }),
        (gap_kind(), any::<bool>()).prop_map(|(gap, forget)| Loss::Intent { gap, forget })
    ]
}

impl Plan {
    /// The same plan with less known of it.
    pub fn without(&self, loss: &Loss) -> Self {
        let mut plan = self.clone();
        match loss {
            Loss::View { which, gap: why, keep } => {
                if let Some(view) = plan.views.get_mut(*which) {
                    if view.coverage.is_complete() {
                        view.coverage = Coverage::Partial(gap(*why));
                    }
                    let mut index = 0;
                    view.services.retain(|_| {
                        index += 1;
                        keep.contains(&(index - 1))
                    });
                    if keep.is_empty() {
                        view.facts = HostFacts::default();
                        view.ambiguous.clear();
                    }
                }
            }
            Loss::Intent { gap: why, forget } => {
                if plan.intent.is_complete() {
                    plan.intent = Coverage::Partial(gap(*why));
                }
                if *forget {
                    plan.host = None;
                }
            }
        }
        plan
    }
}

/// A matcher that hits some of the small worlds' drifts.
fn matcher() -> impl Strategy<Value = Matcher> {
    prop_oneof![
        select(EventType::ALL.to_vec()).prop_map(|t| Matcher { types: vec![t], ..Matcher::default() }),
        select(NAMES.to_vec())
            .prop_map(|n| Matcher { services: vec![Matcher::glob(n)], ..Matcher::default() }),
        Just(Matcher { tags: vec![Matcher::glob("la?")], ..Matcher::default() }),
    ]
}

/// Any policy over a time of about an hour.
pub fn policy() -> impl Strategy<Value = Policy> {
    let window =
        (1..4_u32, select(vec![0_u64, 60, 600]), 1..4_u32).prop_map(|(open_after, time, resolve_after)| {
            Window { open_after, open_after_time: Duration::from_secs(time), resolve_after }
        });
    let windows =
        prop_oneof![1 => Just(Window::IMMEDIATE), 1 => Just(Window::default()), 2 => window.clone()];
    let by_type = vec((select(EventType::ALL.to_vec()), window), 0..3);
    let apart = select(vec![0_u64, 0, 10, 100]).prop_map(Duration::from_secs);
    let confirm = (windows, by_type, apart).prop_map(|(default, by_type, apart)| Confirm {
        default,
        by_type: by_type.into_iter().collect(),
        apart,
    });
    let moment = 0..4000_i64;
    let ignore = vec((matcher(), option::of(moment.clone())), 0..2).prop_map(|rules| {
        let rule = |(matcher, expires): (Matcher, Option<i64>)| IgnoreRule {
            name: "accepted".into(),
            matcher,
            reason: "a test".into(),
            owner: None,
            expires: expires.map(at),
        };
        rules.into_iter().map(rule).collect()
    });
    let silences = vec((matcher(), moment.clone(), moment), 0..2).prop_map(|silences| {
        let silence = |(matcher, a, b): (Matcher, i64, i64)| Silence {
            name: "quiet".into(),
            covers: Covers::Rule(matcher),
            reason: "a test".into(),
            owner: None,
            starts: (a < b).then_some(at(a)),
            ends: at(b),
        };
        silences.into_iter().map(silence).collect()
    });
    let severity = vec((matcher(), select(Severity::ALL.to_vec())), 0..2).prop_map(|rules| {
        rules.into_iter().map(|(matcher, severity)| SeverityRule { matcher, severity }).collect()
    });
    let remind = weighted(0.3, select(vec![60_u64, 600]).prop_map(Duration::from_secs));
    let first_run = select(vec![FirstRun::Announce, FirstRun::Announce, FirstRun::Baseline]);
    let flap = (2..5_u32, select(vec![300_u64, 3600]), select(vec![60_u64, 600]))
        .prop_map(|(transitions, window, quiet)| super::flap(transitions, window, quiet));
    (confirm, ignore, silences, severity, remind, first_run, flap).prop_map(
        |(confirm, ignore, silences, severity, remind_after, first_run, flap)| Policy {
            confirm,
            ignore,
            silences,
            severity,
            remind_after,
            first_run,
            flap,
            ..Policy::default()
        },
    )
}

/// One step of a history: which plan is true, how long after the last step, and whether it is observed anew.
#[derive(Clone, Debug)]
pub struct Moment {
    pub plan: usize,
    pub later: i64,
    pub fresh: bool,
}

/// A few plans of one host, and the order in which they come true.
#[derive(Clone, Debug)]
pub struct History {
    pub plans: Vec<Plan>,
    pub moments: Vec<Moment>,
}

pub fn history() -> impl Strategy<Value = History> {
    // A plan, the same one after a loss, and another: what real histories alternate between.
    let plans = (plan(), loss(), plan())
        .prop_map(|(plan, loss, other)| vec![plan.clone(), plan.without(&loss), other]);
    let moment = (0..3_usize, select(vec![0_i64, 1, 30, 30, 70, 700]), weighted_bool())
        .prop_map(|(plan, later, fresh)| Moment { plan, later, fresh });
    (plans, vec(moment, 1..14)).prop_map(|(plans, moments)| History { plans, moments })
}

fn weighted_bool() -> impl Strategy<Value = bool> {
    proptest::bool::weighted(0.85)
}

impl History {
    /// Leads a run through the history and hands every step to `check`.
    pub fn play(
        &self,
        run: &mut super::run::Run,
        mut check: impl FnMut(&super::run::Run, &super::run::Step) -> Result<(), TestCaseError>,
    ) -> Result<i64, TestCaseError> {
        let (mut now, mut observed) = (0, 0);
        for moment in &self.moments {
            now += moment.later;
            if moment.fresh {
                observed = now;
            }
            let world = self.plans[moment.plan].at(observed);
            let step = run.look(&world, now);
            check(run, &step)?;
        }
        Ok(now)
    }
}
