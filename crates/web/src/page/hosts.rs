//! The hosts: a dense table or tiles, grouped and filtered as an address says, sorted and paged on the server. Not here: one
//! host.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use evenkeel_core::heartbeat::Bar;
use maud::{Markup, html};

use super::asked::Asked;
use super::bars;
use super::fleet::{Fleet, Line, Order};
use super::frame::{self, Shown, Tab};
use super::kept::Kept;
use super::list::{Input, Part, empty, filters};
use super::past::Reach;
use super::text::{clean, name};
use super::verdict::HostStand;
use super::{icon, row};
use crate::problem::Problem;
use crate::state::{AppState, HostStatus, MachineStatus};

/// What hosts can be put together by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Group {
    Site,
    Cluster,
    Tenant,
}

impl Group {
    const ALL: [Self; 3] = [Self::Site, Self::Cluster, Self::Tenant];

    fn as_str(self) -> &'static str {
        match self {
            Self::Site => "site",
            Self::Cluster => "cluster",
            Self::Tenant => "tenant",
        }
    }

    fn of(self, host: &HostStatus) -> Option<&str> {
        match self {
            Self::Site => host.site.as_deref(),
            Self::Cluster => host.cluster.as_deref(),
            Self::Tenant => host.tenant.as_deref(),
        }
    }
}

/// How they are shown.
struct Shape {
    order: Order,
    reversed: bool,
    group: Option<Group>,
    tiles: bool,
    reach: Reach,
}

impl Shape {
    fn of(asked: &Asked) -> Result<Self, Problem> {
        let order = |text: &str| Order::ALL.into_iter().find(|order| order.as_str() == text);
        let group = |text: &str| Group::ALL.into_iter().find(|group| group.as_str() == text);
        let tiles = |text: &str| ["table", "tiles"].contains(&text).then_some(text == "tiles");
        Ok(Self {
            order: asked.among("sort", order, &Order::ALL.map(Order::as_str))?.unwrap_or(Order::State),
            reversed: asked.among("dir", |text| Some(text == "desc"), &["asc", "desc"])?.unwrap_or(false),
            group: asked.among("group", group, &Group::ALL.map(Group::as_str))?,
            tiles: asked.among("view", tiles, &["table", "tiles"])?.unwrap_or(false),
            reach: asked.among("span", Reach::parse, &Reach::ALL.map(Reach::as_str))?.unwrap_or(Reach::Day),
        })
    }
}

/// A host of the page, and how it stood.
struct Row<'a> {
    line: Line<'a>,
    bars: Vec<Bar>,
}

/// `GET /hosts`.
pub(super) async fn page(
    State(state): State<AppState>,
    Extension(kept): Extension<Arc<Kept>>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let asked = Asked::of(&state, &uri, &headers);
    frame::answer(&state, &asked, Tab::Hosts, made(&state, &kept, &asked)).await
}

async fn made(state: &AppState, kept: &Kept, asked: &Asked) -> Result<Shown, Problem> {
    asked.only(&[
        "q", "state", "site", "cluster", "tenant", "watch", "sort", "dir", "group", "view", "span", "page",
    ])?;
    state.live.role().knows()?;
    let shape = Shape::of(asked)?;
    let now = kept.now(state).await?;
    let fleet = kept.fleet(state, &now);
    let mut lines = chosen(asked, &fleet, &shape)?;
    let counts = shape.group.map(|group| grouped(&mut lines, group)).unwrap_or_default();
    let part = Part::of(lines, asked.page()?);
    let hosts: Vec<_> = part.rows.iter().map(|line| (&line.host.host, line.host.judged_since)).collect();
    let bars = kept.bars(state, &now, &hosts, &[shape.reach]).await?;
    let rows: Vec<Row<'_>> = part
        .rows
        .iter()
        .zip(bars)
        .map(|(line, mut bars)| Row { line: *line, bars: bars.pop().unwrap_or_default() })
        .collect();
    let words = asked.words;
    let content = html! {
        h1 { (words.say("nav-hosts")) " " span.total { (part.total) } }
        (filters(asked, &inputs(asked, &fleet), &["sort", "dir", "view", "span"]))
        @if rows.is_empty() {
            (empty(asked, "hosts-none", &words.say("hosts-none-next")))
        } @else {
            div.bar-above { (views(asked, &shape)) (bars::reaches(asked, shape.reach)) (bars::legend(words)) }
            @if shape.tiles { (tiles(asked, &rows, &shape, &counts)) } @else { (table(asked, &rows, &shape, &counts)) }
            (part.pager(asked))
        }
    };
    Ok(Shown::new(words.say("nav-hosts"), content))
}

/// Hosts that fit the filters, in the order asked for.
fn chosen<'a>(asked: &Asked, fleet: &'a Fleet, shape: &Shape) -> Result<Vec<Line<'a>>, Problem> {
    let stand = asked.among("state", HostStand::parse, &HostStand::ALL.map(HostStand::as_str))?;
    let partly = asked.among("watch", |text| (text == "partly").then_some(()), &["partly"])?.is_some();
    let text = asked.one("q").map(str::to_lowercase);
    let same =
        |value: &Option<String>, wanted: Option<&str>| wanted.is_none_or(|w| value.as_deref() == Some(w));
    let (site, cluster, tenant) = (asked.one("site"), asked.one("cluster"), asked.one("tenant"));
    let fits = |line: &Line<'_>| {
        stand.is_none_or(|wanted| line.stand == wanted)
            && (!partly || line.host.unwatched_services > 0)
            && text.as_ref().is_none_or(|part| line.host.host.as_str().to_lowercase().contains(part))
            && same(&line.host.site, site)
            && same(&line.host.cluster, cluster)
            && same(&line.host.tenant, tenant)
    };
    let sorted = fleet.sorted(shape.order);
    Ok(if shape.reversed { sorted.rev().filter(fits).collect() } else { sorted.filter(fits).collect() })
}

/// How many hosts of a group there are, and how many of them stand how.
type Counts<'a> = BTreeMap<Option<&'a str>, BTreeMap<HostStand, usize>>;

/// Puts the hosts of a group together, in the order they were in; those without one come last.
fn grouped<'a>(lines: &mut [Line<'a>], group: Group) -> Counts<'a> {
    lines.sort_by_key(|line| {
        let group = group.of(line.host);
        (group.is_none(), group)
    });
    let mut counts = Counts::new();
    for line in lines {
        *counts.entry(group.of(line.host)).or_default().entry(line.stand).or_default() += 1;
    }
    counts
}

fn inputs(asked: &Asked, fleet: &Fleet) -> [Input; 7] {
    let words = asked.words;
    let choice = |read: fn(&HostStatus) -> Option<&String>| {
        let all: BTreeSet<&String> = fleet.view.hosts.iter().filter_map(read).collect();
        all.into_iter().map(|text| (text.clone(), clean(text).into_owned())).collect()
    };
    let groups =
        Group::ALL.map(|group| (group.as_str().to_owned(), words.say(&format!("col-{}", group.as_str()))));
    [
        Input::Text("q"),
        Input::words(asked, "state", "stand", HostStand::ALL.map(HostStand::as_str)),
        Input::Choice("site", choice(|host| host.site.as_ref())),
        Input::Choice("cluster", choice(|host| host.cluster.as_ref())),
        Input::Choice("tenant", choice(|host| host.tenant.as_ref())),
        Input::Choice("watch", vec![("partly".to_owned(), words.say("watch-partly"))]),
        Input::Choice("group", groups.to_vec()),
    ]
}

/// The choice between table and tiles.
fn views(asked: &Asked, shape: &Shape) -> Markup {
    let words = asked.words;
    html! {
        ul.choices aria-label=(words.say("view")) {
            @for (view, tiles) in [("table", false), ("tiles", true)] {
                li { a href=(asked.again(&[("view", Some(view))])) aria-current=[(tiles == shape.tiles).then_some("true")] {
                    (words.say(&format!("view-{view}")))
                } }
            }
        }
    }
}

fn heading(asked: &Asked, column: Order, shape: &Shape) -> Markup {
    let is_current = column == shape.order;
    let dir = (is_current && !shape.reversed).then_some("desc");
    let sorted = is_current.then_some(if shape.reversed { "descending" } else { "ascending" });
    html! {
        th scope="col" aria-sort=[sorted] {
            a href=(asked.again(&[("sort", Some(column.as_str())), ("dir", dir)])) {
                (asked.words.say(&format!("col-{}", column.as_str())))
                @if is_current { span aria-hidden="true" { (if shape.reversed { " ▴" } else { " ▾" }) } }
            }
        }
    }
}

/// The name of a group and how its hosts stand, where it begins.
fn group_head(
    asked: &Asked,
    rows: &[Row<'_>],
    at: usize,
    group: Group,
    counts: &Counts<'_>,
) -> Option<Markup> {
    let words = asked.words;
    let of = |at: usize| rows.get(at).map(|row| group.of(row.line.host));
    let key = of(at)?;
    if at > 0 && of(at - 1) == Some(key) {
        return None;
    }
    let stands = counts.get(&key)?;
    Some(html! {
        @match key { Some(key) => (name(key)), None => span.quiet { (words.say(&format!("group-no-{}", group.as_str()))) } }
        " " span.total { (stands.values().sum::<usize>()) }
        @for (is, n) in stands { " " span class={ "stand " (is.as_str()) } { (icon::host(*is)) " " (n) " " (words.word("stand", is.as_str())) } }
    })
}

fn table(asked: &Asked, rows: &[Row<'_>], shape: &Shape, counts: &Counts<'_>) -> Markup {
    let words = asked.words;
    let labels = Order::ALL.map(|column| words.say(&format!("col-{}", column.as_str())));
    let [c_state, c_name, c_drifts, c_status, c_site, c_cluster, c_tenant, c_services] = &labels;
    let others = ["col-machine", "col-sources"].map(|key| words.say(key));
    let [c_machine, c_sources] = &others;
    let c_bars = words.say(&format!("bars-{}", shape.reach.as_str()));
    html! {
        table.rows.hosts {
            thead { tr {
                @for column in Order::ALL { (heading(asked, column, shape)) }
                @for other in &others { th scope="col" { (other) } }
                th scope="col" { (c_bars) }
            } }
            tbody {
                @for (at, Row { line, bars }) in rows.iter().enumerate() {
                    @let Line { host, drifts, stand: is } = line;
                    @if let Some(head) = shape.group.and_then(|group| group_head(asked, rows, at, group, counts)) {
                        tr.group { th colspan="11" scope="rowgroup" { (head) } }
                    }
                    tr data-key=(clean(host.host.as_str())) {
                        td data-label=(c_state) { (stand(asked, *is)) }
                        td data-label=(c_name) { (row::host(asked, &host.host)) }
                        td.number data-label=(c_drifts) { @if *drifts > 0 { b { (drifts) } } @else { span.quiet { "0" } } }
                        td data-label=(c_status) { (declared(asked, host)) }
                        td data-label=(c_site) { (optional(host.site.as_deref())) }
                        td data-label=(c_cluster) { (optional(host.cluster.as_deref())) }
                        td data-label=(c_tenant) { (optional(host.tenant.as_deref())) }
                        td.number data-label=(c_services) { (host.expected_services) (unwatched(asked, host)) }
                        td data-label=(c_machine) {
                            @match host.machines.first() { Some(seen) => (state(asked, seen)), None => span.quiet { "–" } }
                        }
                        td data-label=(c_sources) { (sources(asked, host)) }
                        td.beat data-label=(c_bars) { (bars::row(words, bars, shape.reach)) }
                    }
                }
            }
        }
    }
}

fn tiles(asked: &Asked, rows: &[Row<'_>], shape: &Shape, counts: &Counts<'_>) -> Markup {
    let words = asked.words;
    html! {
        ul.tiles {
            @for (at, Row { line, bars }) in rows.iter().enumerate() {
                @let Line { host, drifts, stand: is } = line;
                @if let Some(head) = shape.group.and_then(|group| group_head(asked, rows, at, group, counts)) {
                    li.group { h2 { (head) } }
                }
                li class={ "tile " (is.as_str()) } data-key=(clean(host.host.as_str())) {
                    div.title { (row::host(asked, &host.host)) (stand(asked, *is)) }
                    div.quiet {
                        (words.count("tile-drifts", *drifts)) " · " (words.count("tile-services", host.expected_services)) (unwatched(asked, host))
                        @if !host.blind.is_empty() { " " span.mark.blind { (words.count("hosts-blind", host.blind.len())) } }
                    }
                    (bars::row(words, bars, shape.reach))
                }
            }
        }
    }
}

fn sources(asked: &Asked, host: &HostStatus) -> Markup {
    html! {
        (host.sources.len())
        @if !host.blind.is_empty() { " " span.mark.blind { (asked.words.count("hosts-blind", host.blind.len())) } }
    }
}

fn unwatched(asked: &Asked, host: &HostStatus) -> Markup {
    html! {
        @if host.unwatched_services > 0 { " " span.mark { (asked.words.count("hosts-unwatched", host.unwatched_services)) } }
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

fn state(asked: &Asked, seen: &MachineStatus) -> Markup {
    html! {
        @match &seen.state {
            Some(state) => (asked.words.word("state", state)),
            None => span.mark.blind { (asked.words.say("machine-unknown")) },
        }
    }
}

/// The machine as one source sees it.
pub(super) fn machine(asked: &Asked, seen: &MachineStatus) -> Markup {
    html! {
        (state(asked, seen))
        @if let Some(node) = &seen.node { span.quiet { " · " (name(node)) } }
    }
}

/// A text that may not be there.
pub(super) fn optional(text: Option<&str>) -> Markup {
    html! { @match text { Some(text) => (name(text)), None => span.quiet { "–" } } }
}
