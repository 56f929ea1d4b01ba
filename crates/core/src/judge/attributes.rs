//! Verdicts about the attributes of a service that may run and does.

use std::sync::Arc;

use super::finding::{Finding, Ground, Hole};
use super::service::Subject;
use super::{PortRule, Seen, evidence_of};
use crate::coverage::{GapKind, Lookup};
use crate::drift::Difference;
use crate::event::EventType;
use crate::id::{Field, SourceKind, same_text};
use crate::model::{
    Demand, ExpectedService, Health, HostView, ObservedService, Protocol, Published, RunState,
};

/// Whether both sides can be compared in their attributes.
#[expect(clippy::large_enum_variant, reason = "lives for one comparison, on the stack")]
enum Pair<'a> {
    /// It may run and does.
    Running(&'a ExpectedService, &'a HostView, &'a ObservedService),
    /// Not comparable, and what that means for every attribute.
    Incomparable(Finding<'a>),
}

impl<'a> Subject<'a> {
    pub(super) fn ports(self) -> Finding<'a> {
        let (expected, view, observed) = match self.pair() {
            Pair::Running(expected, view, observed) => (expected, view, observed),
            Pair::Incomparable(verdict) => return verdict,
        };
        if expected.ports.is_empty() {
            return Finding::clean(view);
        }
        let probed = self.closed_ports(expected, view);
        // A probe knows the ports it was asked about, and nothing of what else is open.
        if view.source.kind == SourceKind::Probe {
            return probed.unwrap_or(Finding::clean(view));
        }
        match observed.ports.known() {
            Ok(published) if ports_agree(self.case.rules.ports, expected, published) => {
                probed.unwrap_or(Finding::clean(view))
            }
            Ok(published) => {
                let difference = Difference::PortMismatch {
                    expected: expected.ports.clone(),
                    observed: published.clone(),
                };
                self.drifted(EventType::PortMismatch, None, difference, evidence_of(view))
            }
            Err(gap) => match probed {
                Some(finding @ Finding::Drifted(_)) => finding,
                Some(Finding::Clean(_) | Finding::Unknown(_)) | None => Finding::gap(gap),
            },
        }
    }

    /// What probes found of the declared ports of a service that runs: closed ones, or that they could not look. `None`:
    /// all that were probed answer, or none was.
    fn closed_ports(self, expected: &ExpectedService, seen: &HostView) -> Option<Finding<'a>> {
        let probes = self.case.observed.views().iter().filter(|view| view.source.kind == SourceKind::Probe);
        let asked = |view: &&Arc<HostView>| {
            expected.observed_by.is_empty() || expected.observed_by.contains(&view.source.kind)
        };
        for view in probes.filter(asked) {
            let service = match view.service(self.name) {
                Lookup::Present(service) => service,
                // A probe that has not come round yet may find closed what it found closed before.
                Lookup::Unknown(gap) if gap.kind == GapKind::NotYetObserved => {
                    return Some(Finding::gap(gap));
                }
                Lookup::Unknown(_) | Lookup::Absent => continue,
            };
            let open = match service.ports.known() {
                Ok(published) => &published.open,
                Err(gap) => return Some(Finding::gap(gap)),
            };
            let tcp = expected.ports.as_slice().iter().filter(|port| port.protocol == Protocol::Tcp);
            if tcp.copied().any(|port| !open.contains(port)) {
                let difference = Difference::PortClosed {
                    expected: expected.ports.clone(),
                    open: open.clone(),
                    seen_by: seen.source.clone(),
                    probed_by: view.source.clone(),
                };
                return Some(self.drifted(EventType::PortMismatch, None, difference, evidence_of(view)));
            }
        }
        None
    }

    /// An attribute is compared only where it is declared and the source says it: a container without the label
    /// has not contradicted anything.
    pub(super) fn attribute(
        self,
        field: Field,
        same: impl Fn(&Arc<str>, &Arc<str>) -> bool,
        declared: impl Fn(&'a ExpectedService) -> Option<&'a Arc<str>>,
        real: impl Fn(&'a ObservedService) -> Option<&'a Arc<str>>,
    ) -> Finding<'a> {
        let (expected, view, observed) = match self.pair() {
            Pair::Running(expected, view, observed) => (expected, view, observed),
            Pair::Incomparable(verdict) => return verdict,
        };
        match (declared(expected), real(observed)) {
            (Some(e), Some(o)) if !same(e, o) => {
                let difference = Difference::Config { expected: Some(e.clone()), observed: Some(o.clone()) };
                self.drifted(EventType::ConfigDrift, Some(field), difference, evidence_of(view))
            }
            (Some(_) | None, Some(_) | None) => Finding::clean(view),
        }
    }

    pub(super) fn health(self) -> Finding<'a> {
        let (view, observed) = match self.pair() {
            Pair::Running(_, view, observed) => (view, observed),
            Pair::Incomparable(verdict) => return verdict,
        };
        match observed.health.known() {
            Ok(Health::None | Health::Healthy) => Finding::clean(view),
            Ok(Health::Starting) => Finding::not_yet("its health check has not decided yet"),
            Ok(Health::Unhealthy) => {
                let word = |text: &str| Some(Arc::<str>::from(text));
                let difference =
                    Difference::Config { expected: word("healthy"), observed: word("unhealthy") };
                self.drifted(EventType::ConfigDrift, Some(Field::Health), difference, evidence_of(view))
            }
            Err(gap) => Finding::gap(gap),
        }
    }

    /// Both sides, if this service may run and does run: the only case in which attributes can be compared.
    fn pair(self) -> Pair<'a> {
        let expected = match self.expected {
            Lookup::Present(service) => service,
            Lookup::Absent => return Pair::Incomparable(Finding::Clean(Ground::Declared)),
            Lookup::Unknown(gap) => return Pair::Incomparable(Finding::gap(gap)),
        };
        let demand = self.demand(expected);
        if matches!(demand, Demand::Either | Demand::NotRun) {
            return Pair::Incomparable(Finding::Clean(Ground::Declared));
        }
        Pair::Incomparable(match self.seen {
            Seen::Present(view, service) => match service.state.known() {
                Ok(RunState::Running) => return Pair::Running(expected, view, service),
                Ok(RunState::Restarting) => Finding::not_yet("it is being restarted"),
                // What may be away and does not run has nothing that could differ.
                Ok(RunState::Paused | RunState::Created | RunState::Exited | RunState::Closed)
                    if demand == Demand::MayRun =>
                {
                    Finding::clean(view)
                }
                Ok(RunState::Paused | RunState::Created | RunState::Exited | RunState::Closed) => {
                    Finding::not_yet("it does not run")
                }
                Err(gap) => Finding::gap(gap),
            },
            Seen::Absent(view) if demand == Demand::MayRun => Finding::clean(view),
            Seen::Absent(_) => Finding::not_yet("it does not exist"),
            Seen::Unknown(gap) | Seen::AtLeast(_, _, gap) => Finding::gap(gap),
            Seen::Uncovered => Finding::Unknown(Hole::Uncovered),
        })
    }
}

/// Loopback ports satisfy a declaration and are never exposure.
#[inline]
pub(super) fn ports_agree(rule: PortRule, expected: &ExpectedService, published: &Published) -> bool {
    expected.ports.is_empty()
        || expected.ports == published.open
        || other_sets_agree(rule, expected, published)
}

fn other_sets_agree(rule: PortRule, expected: &ExpectedService, published: &Published) -> bool {
    let declared_is_there = expected
        .ports
        .as_slice()
        .iter()
        .all(|p| published.open.contains(*p) || published.loopback.contains(*p));
    let nothing_more = || published.open.as_slice().iter().all(|p| expected.ports.contains(*p));
    declared_is_there && (rule == PortRule::Subset || nothing_more())
}

/// Whether two spellings name one image: Docker Hub and its library need not be named, nor the tag `latest`.
pub(super) fn same_image(a: &Arc<str>, b: &Arc<str>) -> bool {
    same_text(a, b) || full_image(a) == full_image(b)
}

fn full_image(image: &str) -> (&str, &str) {
    let hub = image.strip_prefix("docker.io/").unwrap_or(image);
    let name = hub.strip_prefix("library/").unwrap_or(hub);
    match name.rsplit_once(':') {
        // A colon before the last slash belongs to a registry's port.
        Some((name, tag)) if !tag.contains('/') => (name, tag),
        Some(_) | None => (name, "latest"),
    }
}
