//! What a fuzzer may throw at the reading of an engine's answers, and what must hold of what comes out.

use std::time::Duration;

use evenkeel_core::{Coverage, Fact};
use jiff::Timestamp;
use tokio::time::Instant;

use super::events::{Board, Lines};
use super::reach::{coverage, shortfall};
use super::restarts::up_at_least;
use super::wire::{self, Info, Inspect, Version};
use super::{decode, facts, inspected, suspicion};
use crate::fuzz::{is_ambiguous, is_decent};

/// The container list, `/info` and `/version`, as one observation reads them.
pub fn answers(list: &[u8], info: &[u8], version: &[u8]) {
    let info = wire::parse::<Info>(info, "info");
    let version = wire::parse::<Version>(version, "version");
    let plain = wire::plain::list(list);
    let mut read = match wire::list(list) {
        Ok(read) => read,
        Err(gap) => {
            is_decent(&gap);
            assert!(plain.is_none(), "a list that can be read was not: {gap}");
            return;
        }
    };
    // The quick reading skips what it does not need, so that it may read more than the plain one, never less or otherwise.
    if let Some(plain) = &plain
        && !is_ambiguous(list)
    {
        assert_eq!(&read, plain);
    }
    let podman = version.as_ref().is_ok_and(|version| version.is_podman);
    let short = shortfall(&read, &info, podman);
    let coverage = coverage(&read, short, false, "unix:///run/docker.sock");
    let services = decode::services(&read.containers, |_| Fact::Known(0));
    for container in &read.containers {
        up_at_least(&container.status);
        suspicion(container, Duration::from_secs(60));
    }
    assert!(services.is_sorted_by(|a, b| a.name < b.name), "every name once, in order");
    let gaps = services.iter().flat_map(|service| {
        [service.state.known().err(), service.ports.known().err(), service.health.known().err()]
    });
    gaps.flatten().for_each(is_decent);
    match &coverage {
        Coverage::Partial(gap) => is_decent(gap),
        Coverage::Complete => {
            assert!(read.odd.is_empty() && read.repeated.is_none());
            let counted_none = matches!(&info, Ok(Info { containers: Some(0), .. }));
            assert!(read.len() > 0 || counted_none, "nothing is there, and nobody says so");
            let shown: usize = services.iter().map(|service| service.replicas as usize).sum();
            let whole = read.containers.len() - hidden(&read);
            // Of a Swarm service only the newest tasks count.
            let swarm = read.containers.iter().any(|container| container.labels.swarm_service.is_some());
            assert!(shown == whole || swarm && shown <= whole, "{shown} of {whole} containers are shown");
        }
    }
    facts(info, version);
    read.containers.reverse();
    assert_eq!(decode::services(&read.containers, |_| Fact::Known(0)), services, "the order says nothing");
}

/// Containers that asked to be left out.
fn hidden(list: &wire::List) -> usize {
    list.containers.iter().filter(|container| decode::is_left_out(container)).count()
}

/// `GET /containers/{id}/json`.
pub fn inspection(body: &[u8]) {
    match wire::parse::<Inspect>(body, "inspection") {
        Ok(inspect) => drop(inspected(&inspect, false, Timestamp::UNIX_EPOCH)),
        Err(gap) => is_decent(&gap),
    }
}

/// The event stream, which must read the same however the network cuts it into pieces of this size.
pub fn events(stream: &[u8], size: usize) {
    let (mut whole, mut pieces) = (Vec::new(), Vec::new());
    let fed = Lines::default().feed(stream, |line| whole.push(line.to_vec()));
    let mut lines = Lines::default();
    let cut =
        stream.chunks(size.max(1)).try_for_each(|piece| lines.feed(piece, |line| pieces.push(line.to_vec())));
    if fed.is_ok() && cut.is_ok() {
        assert_eq!(whole, pieces);
    }
    let board = Board::new(Duration::from_secs(600), Duration::from_secs(10));
    for line in &whole {
        board.line(line);
    }
    let reason = board.reason();
    assert!(
        reason.is_none_or(|reason| reason.chars().count() <= 128 && !reason.chars().any(char::is_control))
    );
    let now = Instant::now();
    board.with_tracker(|tracker| tracker.retain(&std::collections::BTreeSet::new(), now));
}

#[cfg(test)]
mod tests {
    use super::*;

    const INFO: &[u8] = include_bytes!("../../tests/fixtures/docker/info.json");
    const VERSION: &[u8] = include_bytes!("../../tests/fixtures/docker/version.json");

    #[test]
    fn recorded_answers_keep_what_is_demanded() {
        answers(include_bytes!("../../tests/fixtures/docker/containers-all.json"), INFO, VERSION);
        answers(include_bytes!("../../tests/fixtures/docker/podman-4.3-containers-all.json"), b"", b"");
        answers(b"[]", b"{\"Containers\": 0}", VERSION);
        inspection(include_bytes!("../../tests/fixtures/docker/inspect-crash.json"));
        events(b"{\"Type\":\"container\",\"Action\":\"die\",\"Actor\":{\"ID\":\"a\"}}\n<html>\n", 3);
    }
}
