//! The services of a host, what is declared of each beside what is seen of it, trouble first. Not here: the comparison.

use evenkeel_core::ledger::Entry;
use evenkeel_core::model::{Demand, Ports};
use evenkeel_core::{EventType, Fact, Field, Gap};
use maud::{Markup, html};

use super::asked::Asked;
use super::now::Now;
use super::text::{clean, name};
use super::time::moment;
use super::words::Words;
use super::{icon, row, said};
use crate::services::{ExpectedService, ObservedService, ServiceStatus, Sight};

/// How one service stands, loudest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Standing {
    /// It differs, or a drift of it is open.
    Differs,
    /// It cannot be said whether it does.
    Unknown,
    /// It must run, and nobody looks.
    Unwatched,
    /// It is there, and not declared; a drift says so, or a rule accepts it.
    Accepted,
    /// It is as it is declared.
    InSync,
    /// Nothing is asked of it.
    Idle,
}

impl Standing {
    /// What the two sides and the open drifts come to.
    pub(super) fn of(service: &ServiceStatus, open: usize) -> Self {
        if open > 0 || !service.differs.is_empty() {
            return Self::Differs;
        }
        match (service.sight, service.declared, service.demand) {
            (Sight::Unknown, _, _) | (_, None, _) => Self::Unknown,
            (Sight::Unwatched, _, Some(Demand::Run)) => Self::Unwatched,
            (Sight::Present, Some(false), _) => Self::Accepted,
            (Sight::Present, Some(true), _) | (Sight::Absent, _, Some(Demand::Run | Demand::NotRun)) => {
                Self::InSync
            }
            (Sight::Absent | Sight::Unwatched, _, _) => Self::Idle,
        }
    }

    /// The word in class names and keys.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Differs => "drift",
            Self::Unknown => "blind",
            Self::Unwatched => "unwatched",
            Self::Accepted => "undeclared",
            Self::InSync => "in-sync",
            Self::Idle => "idle",
        }
    }
}

/// The services with both their sides.
pub(super) fn table(asked: &Asked, services: &[ServiceStatus], now: &Now) -> Markup {
    let words = asked.words;
    let mut rows: Vec<(Standing, &ServiceStatus, Vec<&Entry>)> = services
        .iter()
        .map(|service| {
            let open: Vec<&Entry> = now.of_service(&service.service).collect();
            (Standing::of(service, open.len()), service, open)
        })
        .collect();
    rows.sort_by(|a, b| (a.0, &a.1.service).cmp(&(b.0, &b.1.service)));
    let columns = ["col-service", "side-expected", "side-observed", "col-verdict"].map(|key| words.say(key));
    let [c_service, c_expected, c_observed, c_verdict] = &columns;
    html! {
        table.rows.both {
            thead { tr { @for column in &columns { th scope="col" { (column) } } } }
            tbody {
                @for (standing, service, open) in &rows {
                    tr class={ "is-" (standing.as_str()) } data-key=(clean(service.service.as_str())) {
                        td data-label=(c_service) { b { (name(service.service.as_str())) } }
                        td data-label=(c_expected) { (expected(words, service)) }
                        td data-label=(c_observed) { (observed(asked, service)) }
                        td data-label=(c_verdict) { (verdict(asked, *standing, service, open)) }
                    }
                }
            }
        }
    }
}

/// Which attributes differ, as the comparison says.
fn differs(service: &ServiceStatus, about: &[EventType], field: Option<Field>) -> bool {
    service.differs.iter().any(|id| about.contains(&id.event_type) && id.field == field)
}

fn attribute(words: Words, differs: bool, label: &str, value: &Markup) -> Markup {
    html! {
        div.attribute.differs[differs] {
            span.quiet { (label) } " " (value)
            @if differs { " " span.differ title=(words.say("side-differs")) { "≠" } }
        }
    }
}

fn ports(words: Words, ports: &Ports) -> Markup {
    html! { @if ports.is_empty() { (words.say("none")) } @else { bdi { (ports) } } }
}

fn expected(words: Words, service: &ServiceStatus) -> Markup {
    let is_state = differs(service, &[EventType::ServiceMissing, EventType::ServiceUnexpected], None);
    let demand = service.demand.map(|demand| words.say(demand_key(demand)));
    html! {
        @match (service.declared, &service.expected) {
            (None, _) => span.mark.blind { (words.say("declared-unknown")) },
            (Some(false), _) | (Some(true), None) => em.none { (words.say("declared-no")) },
            (Some(true), Some(ExpectedService { ports: declared, lifecycle, image, role })) => {
                @if let Some(demand) = &demand { (attribute(words, is_state, &words.say("col-state"), &html! { (demand) })) }
                @if let Some(lifecycle) = lifecycle { (attribute(words, false, &words.say("col-lifecycle"), &name(&words.word("state", &lifecycle.to_string())))) }
                @match declared {
                    Some(declared) => (attribute(words, differs(service, &[EventType::PortMismatch], None), &words.say("col-ports"), &ports(words, declared))),
                    None => (attribute(words, false, &words.say("col-ports"), &html! { span.quiet { (words.say("not-shown")) } })),
                }
                @if let Some(image) = image { (attribute(words, differs(service, &[EventType::ConfigDrift], Some(Field::Image)), &words.say("col-image"), &name(image))) }
                @if let Some(role) = role { (attribute(words, differs(service, &[EventType::ConfigDrift], Some(Field::Role)), &words.say("side-role"), &name(role))) }
            }
        }
    }
}

fn demand_key(demand: Demand) -> &'static str {
    match demand {
        Demand::Run => "demand-run",
        Demand::MayRun => "demand-may-run",
        Demand::Either => "demand-either",
        Demand::NotRun => "demand-not-run",
    }
}

fn unknown(words: Words, gap: &Gap) -> Markup {
    html! { span.mark.blind { (words.say("not-known")) } " " span.quiet { (said::gap(words, gap)) } }
}

fn observed(asked: &Asked, service: &ServiceStatus) -> Markup {
    let words = asked.words;
    html! {
        @match (service.sight, &service.observed) {
            (Sight::Unwatched, _) => span.quiet { (words.say("sight-unwatched")) },
            (Sight::Absent, _) | (Sight::Present, None) => em.none { (words.say("sight-absent")) },
            (Sight::Unknown, _) => @match &service.gap { Some(gap) => (unknown(words, gap)), None => (words.say("not-known")) },
            (Sight::Present, Some(shown)) => (attributes(asked, service, shown)),
        }
        @if let (Some(source), Some(at)) = (&service.source, service.observed_at) {
            div.by { span.quiet { (row::source(asked, source)) ", " (moment(words, at, asked.now)) } }
        }
    }
}

fn attributes(asked: &Asked, service: &ServiceStatus, shown: &ObservedService) -> Markup {
    use EventType as E;
    let words = asked.words;
    let ObservedService { state, ports: published, image, role } = shown;
    let is_state = differs(service, &[E::ServiceMissing, E::ServiceUnexpected, E::RestartLoop], None)
        || differs(service, &[E::ConfigDrift], Some(Field::Health));
    let state = match state {
        Fact::Known(state) => html! { (words.word("state", state.as_str())) },
        Fact::Unknown(gap) => unknown(words, gap),
    };
    let is_ports = differs(service, &[E::PortMismatch], None);
    html! {
        (attribute(words, is_state, &words.say("col-state"), &state))
        @match published {
            Fact::Known((open, loopback)) => {
                (attribute(words, is_ports, &words.say("col-ports"), &ports(words, open)))
                @if !loopback.is_empty() { (attribute(words, false, &words.say("col-loopback"), &ports(words, loopback))) }
            }
            Fact::Unknown(gap) => (attribute(words, is_ports, &words.say("col-ports"), &html! { span.quiet title=(said::gap(words, gap)) { (words.say("not-known")) } })),
        }
        @if let Some(image) = image { (attribute(words, differs(service, &[E::ConfigDrift], Some(Field::Image)), &words.say("col-image"), &name(image))) }
        @if let Some(role) = role { (attribute(words, differs(service, &[E::ConfigDrift], Some(Field::Role)), &words.say("side-role"), &name(role))) }
    }
}

fn verdict(asked: &Asked, standing: Standing, service: &ServiceStatus, open: &[&Entry]) -> Markup {
    let words = asked.words;
    let fresh = service.differs.iter().filter(|id| open.iter().all(|entry| entry.id != **id));
    let mark = |icon: Markup, key: &str| html! { span class={ "stand " (standing.as_str()) } { (icon) " " (words.say(key)) } };
    html! {
        @match standing {
            Standing::Differs => {
                @for entry in open {
                    div {
                        span.stand.drift { (icon::differs()) } " "
                        a href=(asked.drift(&entry.id.handle())) { (row::kind(words, entry.id.event_type, entry.id.field)) }
                        (row::marks(asked, entry))
                    }
                }
                // Not believed yet, so it has no page of its own.
                @for id in fresh {
                    div { span.stand.drift { (icon::differs()) } " " (row::kind(words, id.event_type, id.field)) " " span.quiet { (words.say("service-fresh")) } }
                }
            }
            Standing::Unknown => (mark(icon::sight(false), "service-unknown")),
            Standing::Unwatched => (mark(icon::unwatched(), "service-unwatched")),
            Standing::Accepted => (mark(icon::undeclared(), "service-accepted")),
            Standing::InSync => (mark(icon::sight(true), "service-in-sync")),
            Standing::Idle => (mark(icon::unwatched(), "service-idle")),
        }
    }
}
