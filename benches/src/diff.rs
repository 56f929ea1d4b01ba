//! The comparison beside a plain sorted merge-join over the same structs, and an unchanged fleet confirmed from its
//! stamps beside the comparison of two arrays.

use std::cmp::Ordering;
use std::hint::black_box;

use evenkeel::world::Stamps;
use evenkeel_core::fingerprint::{self, Fingerprint};
use evenkeel_core::model::{ExpectedService, ObservedService};
use evenkeel_core::{Case, Fact, Lookup, Rules, ServiceName, diff};

use crate::fleet::{Host, Shape, fleet};
use crate::{Row, in_turns};

/// Services per host.
const SERVICES: usize = 5;

/// Measures at 10k, 100k and 1M services, with no drift, 1 % and 10 %: about a minute.
pub fn run() -> Vec<Row> {
    let mut rows = Vec::new();
    for (services, rounds) in [(10_000, 40), (100_000, 12), (1_000_000, 6)] {
        for (one_in, share) in [(0, "0 %"), (100, "1 %"), (10, "10 %")] {
            let fleet = fleet(shape(services, one_in));
            let times = in_turns(rounds, services, || whole_diff(&fleet), || merge_join(&fleet));
            rows.push(Row::new(format!("{services} services, {share} drift"), "ns/service", times));
            if services == 1_000_000 {
                // A million times so many nanoseconds are so many milliseconds.
                let name = format!("{services} services, {share} drift, all of them");
                rows.push(Row::new(name, "ms", times));
            }
        }
        rows.extend(unchanged(services, rounds * 10));
    }
    rows
}

fn shape(services: usize, one_in: usize) -> Shape {
    Shape { hosts: services / SERVICES, services: SERVICES, one_in }
}

fn whole_diff(fleet: &[Host]) {
    let rules = Rules::default();
    for host in fleet {
        let case = Case {
            subject: &host.subject,
            expected: &host.expected,
            observed: &host.observed,
            rules: &rules,
        };
        black_box(diff(case, []));
    }
}

/// A plain sorted merge-join over the very same structs, bound to their declarations as in the product: it walks both
/// lists, compares names with `cmp` and state, ports, role and image with `==`, and writes down the name of whatever
/// differs and on which side. It knows no gaps, no life cycles, no rules, and says neither what differs nor who saw it.
///
/// The types help it as they help us: few ports lie in the service, and a name and its clones are equal at the pointer.
/// Only `==` of a role reads the text, as it does for every `Arc<str>`.
fn merge_join(fleet: &[Host]) {
    for host in fleet {
        let Lookup::Present(declared) = host.expected.host() else { continue };
        let mut out: Vec<(u8, ServiceName)> = Vec::new();
        for view in host.observed.views() {
            join(&declared.services, &view.services, &mut out);
        }
        black_box(out);
    }
}

fn join(expected: &[ExpectedService], observed: &[ObservedService], out: &mut Vec<(u8, ServiceName)>) {
    let (mut i, mut j) = (0, 0);
    while i < expected.len() && j < observed.len() {
        let (e, o) = (&expected[i], &observed[j]);
        match e.name.cmp(&o.name) {
            Ordering::Less => {
                out.push((0, e.name.clone()));
                i += 1;
            }
            Ordering::Greater => {
                out.push((1, o.name.clone()));
                j += 1;
            }
            Ordering::Equal => {
                if !equal(e, o) {
                    out.push((2, e.name.clone()));
                }
                i += 1;
                j += 1;
            }
        }
    }
    out.extend(expected[i..].iter().map(|e| (0, e.name.clone())));
    out.extend(observed[j..].iter().map(|o| (1, o.name.clone())));
}

fn equal(e: &ExpectedService, o: &ObservedService) -> bool {
    matches!(o.state, Fact::Known(evenkeel_core::model::RunState::Running))
        && matches!(&o.ports, Fact::Known(p) if p.open == e.ports)
        && e.role == o.role
        && (e.image.is_none() || e.image == o.image)
}

/// An unchanged fleet, confirmed from stored stamps; the floor compares two bare arrays.
fn unchanged(services: usize, rounds: u32) -> [Row; 2] {
    let mut stamps = Stamps::default();
    let mut bare = Vec::new();
    for host in fleet(shape(services, 0)) {
        let stamp = fingerprint::of_host(&host.expected, &host.observed, &[]);
        stamps.observe(&host.subject, stamp);
        stamps.settle(&host.subject, stamp);
        bare.push(stamp);
    }
    let other: Vec<Fingerprint> = bare.clone();
    let confirm = || {
        black_box(black_box(&stamps).unsettled().count());
    };
    let compare = || {
        black_box(black_box(&bare) == black_box(&other));
    };
    let count = |work: &dyn Fn()| allocation_counter::measure(work).count_total as f64;
    let allocations = (count(&confirm), count(&compare));
    let times = in_turns(rounds, services, confirm, compare);
    let name = format!("{services} services, unchanged");
    [Row::new(name.clone(), "ns/service", times), Row::new(name, "allocations", allocations)]
}
