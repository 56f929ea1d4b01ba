//! The hosts: a dense table, with filters as an address, sorted and paged on the server. Not here: one host.

use std::cmp::{Ordering, Reverse};
use std::collections::BTreeSet;

use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use maud::{Markup, html};

use super::asked::Asked;
use super::frame::{self, Shown, Tab};
use super::list::{Input, Part, empty, filters};
use super::now::Now;
use super::text::{clean, name};
use super::verdict::HostStand;
use super::{icon, row};
use crate::problem::Problem;
use crate::state::{AppState, HostStatus, MachineStatus};

/// What the table can be sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    Name,
    State,
    Drifts,
    Status,
    Site,
    Tenant,
    Services,
}

impl Order {
    const ALL: [Self; 7] =
        [Self::State, Self::Name, Self::Drifts, Self::Status, Self::Site, Self::Tenant, Self::Services];

    fn as_str(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::State => "state",
            Self::Drifts => "drifts",
            Self::Status => "status",
            Self::Site => "site",
            Self::Tenant => "tenant",
            Self::Services => "services",
        }
    }

    fn compare(self, a: &Line, b: &Line) -> Ordering {
        let by = match self {
            Self::Name => Ordering::Equal,
            Self::State => (a.stand, Reverse(a.drifts)).cmp(&(b.stand, Reverse(b.drifts))),
            Self::Drifts => b.drifts.cmp(&a.drifts),
            Self::Status => a.host.status.cmp(&b.host.status),
            Self::Site => a.host.site.cmp(&b.host.site),
            Self::Tenant => a.host.tenant.cmp(&b.host.tenant),
            Self::Services => b.host.expected_services.cmp(&a.host.expected_services),
        };
        by.then_with(|| a.host.host.cmp(&b.host.host))
    }
}

/// One host with what is said about it.
struct Line {
    host: HostStatus,
    drifts: usize,
    stand: HostStand,
}

/// `GET /hosts`.
pub(super) async fn page(State(state): State<AppState>, uri: Uri, headers: HeaderMap) -> Response {
    let asked = Asked::of(&state, &uri, &headers);
    frame::answer(&state, &asked, Tab::Hosts, made(&state, &asked)).await
}

async fn made(state: &AppState, asked: &Asked) -> Result<Shown, Problem> {
    asked.only(&["q", "state", "site", "tenant", "sort", "dir", "page"])?;
    state.live.role().knows()?;
    let now = Now::read(state.store.as_ref()).await?;
    let drifts = now.by_host();
    let line = |host: HostStatus| {
        let drifts = drifts.get(&host.host).copied().unwrap_or(0);
        Line { stand: HostStand::of(&host, drifts), drifts, host }
    };
    let mut lines: Vec<Line> = state.live.hosts().into_iter().map(line).collect();
    let inputs = inputs(asked, &lines);
    narrow(asked, &mut lines)?;
    let (order, reversed) = order(asked)?;
    lines.sort_by(|a, b| if reversed { order.compare(b, a) } else { order.compare(a, b) });
    let part = Part::of(lines, asked.page()?);
    let words = asked.words;
    let content = html! {
        h1 { (words.say("nav-hosts")) " " span.total { (part.total) } }
        (filters(asked, &inputs, &["sort", "dir"]))
        @if part.rows.is_empty() {
            (empty(asked, "hosts-none", &words.say("hosts-none-next")))
        } @else {
            (table(asked, &part.rows, order, reversed))
            (part.pager(asked))
        }
    };
    Ok(Shown::new(words.say("nav-hosts"), content))
}

fn order(asked: &Asked) -> Result<(Order, bool), Problem> {
    let read = |text: &str| Order::ALL.into_iter().find(|order| order.as_str() == text);
    let order = asked.among("sort", read, &Order::ALL.map(Order::as_str))?.unwrap_or(Order::State);
    let reversed = asked.among("dir", |text| Some(text == "desc"), &["asc", "desc"])?.unwrap_or(false);
    Ok((order, reversed))
}

fn inputs(asked: &Asked, lines: &[Line]) -> [Input; 4] {
    let choice = |read: fn(&HostStatus) -> Option<&String>| {
        let all: BTreeSet<&String> = lines.iter().filter_map(|line| read(&line.host)).collect();
        all.into_iter().map(|text| (text.clone(), clean(text).into_owned())).collect()
    };
    [
        Input::Text("q"),
        Input::words(asked, "state", "stand", HostStand::ALL.map(HostStand::as_str)),
        Input::Choice("site", choice(|host| host.site.as_ref())),
        Input::Choice("tenant", choice(|host| host.tenant.as_ref())),
    ]
}

fn narrow(asked: &Asked, lines: &mut Vec<Line>) -> Result<(), Problem> {
    let stand = asked.among("state", HostStand::parse, &HostStand::ALL.map(HostStand::as_str))?;
    let text = asked.one("q").map(str::to_lowercase);
    let same =
        |value: &Option<String>, wanted: Option<&str>| wanted.is_none_or(|w| value.as_deref() == Some(w));
    lines.retain(|line| {
        stand.is_none_or(|wanted| line.stand == wanted)
            && text.as_ref().is_none_or(|part| line.host.host.as_str().to_lowercase().contains(part))
            && same(&line.host.site, asked.one("site"))
            && same(&line.host.tenant, asked.one("tenant"))
    });
    Ok(())
}

fn heading(asked: &Asked, column: Order, order: Order, reversed: bool) -> Markup {
    let is_current = column == order;
    let dir = (is_current && !reversed).then_some("desc");
    let sorted = is_current.then_some(if reversed { "descending" } else { "ascending" });
    html! {
        th scope="col" aria-sort=[sorted] {
            a href=(asked.again(&[("sort", Some(column.as_str())), ("dir", dir)])) {
                (asked.words.say(&format!("col-{}", column.as_str())))
                @if is_current { span aria-hidden="true" { (if reversed { " ▴" } else { " ▾" }) } }
            }
        }
    }
}

fn table(asked: &Asked, lines: &[Line], order: Order, reversed: bool) -> Markup {
    let words = asked.words;
    let label = |key: &str| words.say(key);
    let labels = Order::ALL.map(|column| label(&format!("col-{}", column.as_str())));
    let [c_state, c_name, c_drifts, c_status, c_site, c_tenant, c_services] = &labels;
    let (c_machine, c_sources) = (label("col-machine"), label("col-sources"));
    html! {
        table.rows.hosts {
            thead { tr {
                @for column in Order::ALL { (heading(asked, column, order, reversed)) }
                th scope="col" { (c_machine) }
                th scope="col" { (c_sources) }
            } }
            tbody {
                @for Line { host, drifts, stand: is } in lines {
                    tr data-key=(clean(host.host.as_str())) {
                        td data-label=(c_state) { (stand(asked, *is)) }
                        td data-label=(c_name) { (row::host(asked, &host.host)) }
                        td.number data-label=(c_drifts) { @if *drifts > 0 { b { (drifts) } } @else { span.quiet { "0" } } }
                        td data-label=(c_status) { (declared(asked, host)) }
                        td data-label=(c_site) { (optional(host.site.as_deref())) }
                        td data-label=(c_tenant) { (optional(host.tenant.as_deref())) }
                        td.number data-label=(c_services) { (host.expected_services) }
                        td data-label=(c_machine) {
                            @match host.machines.first() { Some(seen) => (machine(asked, seen)), None => span.quiet { "–" } }
                        }
                        td data-label=(c_sources) {
                            (host.sources.len())
                            @if !host.blind.is_empty() { " " span.mark.blind { (words.count("hosts-blind", host.blind.len())) } }
                        }
                    }
                }
            }
        }
    }
}

/// How a host stands, with a shape and a word.
pub(super) fn stand(asked: &Asked, stand: HostStand) -> Markup {
    html! { span class={ "stand " (stand.as_str()) } { (icon::host(stand)) " " (asked.words.word("stand", stand.as_str())) } }
}

/// What NetBox says about it.
pub(super) fn declared(asked: &Asked, host: &HostStatus) -> Markup {
    html! {
        @match (host.declared, &host.status) {
            (Some(true), Some(status)) => (name(&asked.words.word("state", status))),
            (Some(true), None) => (asked.words.say("declared-yes")),
            (Some(false), _) => span.mark { (asked.words.say("declared-no")) },
            (None, _) => span.mark.blind { (asked.words.say("declared-unknown")) },
        }
    }
}

/// The machine as one source sees it.
pub(super) fn machine(asked: &Asked, seen: &MachineStatus) -> Markup {
    let words = asked.words;
    html! {
        @match &seen.state {
            Some(state) => (words.word("state", state)),
            None => span.mark.blind { (words.say("machine-unknown")) },
        }
        @if let Some(node) = &seen.node { span.quiet { " · " (name(node)) } }
    }
}

/// A text that may not be there.
pub(super) fn optional(text: Option<&str>) -> Markup {
    html! { @match text { Some(text) => (name(text)), None => span.quiet { "–" } } }
}
