//! What is held in memory for a fleet at rest: the world with both truths, and the ledgers. The floor is both truths
//! alone, once, as plain structs. Counted at the allocator, so pages and fragments are not in it.

use std::sync::Arc;
use std::time::Duration;

use evenkeel::book::{Book, Record};
use evenkeel::pass;
use evenkeel::world::World;
use evenkeel_core::ledger::Ledger;
use evenkeel_core::policy::Policy;
use evenkeel_core::{EventId, Subject};
use jiff::Timestamp;

use crate::fleet::{self, Shape};
use crate::process::resident_bytes;
use crate::{Result, Row};

/// Measures 100,000 services on 10,000 hosts, in agreement and with 1 % drift.
pub fn run() -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for (one_in, share) in [(0, "no"), (100, "1 %")] {
        let shape = Shape { hosts: 10_000, services: 10, one_in };
        let (mut kept, mut bare) = (None, None);
        let before = resident_bytes();
        let ours = allocation_counter::measure(|| kept = Some(hold(shape)));
        let resident = resident_bytes().zip(before).map(|(after, before)| after.saturating_sub(before));
        let before = resident_bytes();
        let floor = allocation_counter::measure(|| bare = Some(plain(shape)));
        let floor_resident = resident_bytes().zip(before).map(|(after, before)| after.saturating_sub(before));
        let each = |bytes: f64| bytes / shape.total() as f64;
        let figures = (each(ours.bytes_current as f64), each(floor.bytes_current as f64));
        let name = format!("{} services, {share} drift", shape.total());
        rows.push(Row::new(format!("{name}, allocated"), "bytes/service", figures));
        if let (Some(ours), Some(floor)) = (resident, floor_resident)
            && one_in == 0
        {
            // Only the first time: later the allocator has pages to reuse.
            let figures = (each(ours as f64), each(floor as f64));
            rows.push(Row::new(format!("{name}, resident"), "bytes/service", figures));
        }
        drop((kept, bare));
    }
    Ok(rows)
}

/// Both truths in structs, as they come from the sources.
fn plain(shape: Shape) -> impl Sized {
    let seen: Vec<_> = (0..shape.hosts).map(|h| fleet::snapshot(h, shape)).collect();
    (fleet::inventory(shape), seen)
}

/// What a controller holds once everybody has answered and every pass was made.
fn hold(shape: Shape) -> (World, Book) {
    let policy = Arc::new(Policy::default());
    let now = Timestamp::now();
    let mut world = World::new(fleet::netbox(), policy.clone(), Duration::from_secs(120));
    world.replace_inventory(fleet::inventory(shape), now);
    let book = Book::default();
    for h in 0..shape.hosts {
        world.add_source(fleet::engine(h), Some(fleet::host_name(h)), None);
        world.replace_host(fleet::snapshot(h, shape), now);
        let subject = Subject::Host(fleet::host_name(h));
        let slice = world.slice(&subject, now);
        let ledger = Ledger::new(subject.clone());
        let decision =
            pass::decide(&subject, &slice, &ledger, &policy, now, &mut || EventId::new(now, [7; 10]));
        book.put(&subject, Record::loaded(decision.advance.ledger, 1, now));
    }
    (world, book)
}
