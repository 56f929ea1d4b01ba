//! The map: the whole fleet by place, folded where it is large. Not here: how places are drawn.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use evenkeel_core::HostName;
use maud::html;

use super::asked::Asked;
use super::fleet::{Fleet, Line, Order};
use super::frame::{self, Shown, Tab};
use super::kept::Kept;
use super::list::{Input, empty, filters};
use super::now::Now;
use super::text::clean;
use super::tree::{Node, carried, tree};
use super::verdict::HostStand;
use crate::problem::Problem;
use crate::state::{AppState, HostStatus};

/// How many places are drawn one by one; beyond, they are counted.
const MOST: usize = 200;

/// `GET /map`.
pub(super) async fn page(
    State(state): State<AppState>,
    Extension(kept): Extension<Arc<Kept>>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let asked = Asked::of(&state, &uri, &headers);
    frame::answer(&state, &asked, Tab::Map, made(&state, &kept, &asked)).await
}

async fn made(state: &AppState, kept: &Kept, asked: &Asked) -> Result<Shown, Problem> {
    asked.only(&["site", "cluster"])?;
    state.live.role().knows()?;
    let now = kept.now(state).await?;
    let fleet = kept.fleet(state, &now);
    let fits = |value: Option<&String>, wanted: Option<&str>| {
        wanted.is_none_or(|wanted| value.map(String::as_str) == Some(wanted))
    };
    let lines: Vec<Line<'_>> = fleet
        .sorted(Order::Name)
        .filter(|line| fits(line.host.site.as_ref(), asked.one("site")))
        .filter(|line| fits(line.host.cluster.as_ref(), asked.one("cluster")))
        .collect();
    let words = asked.words;
    let total = lines.len();
    let (nodes, folded) = places(state, asked, &now, lines);
    let content = html! {
        h1 { (words.say("nav-map")) " " span.total { (words.count("map-hosts", total)) } }
        (filters(asked, &inputs(&fleet), &[]))
        @if total == 0 {
            (empty(asked, "hosts-none", &words.say("hosts-none-next")))
        } @else {
            @if let Some(key) = folded { p.quiet { (words.say(key)) } }
            (tree(asked, &nodes, &words.say("nav-map")))
        }
    };
    Ok(Shown::new(words.say("nav-map"), content))
}

fn inputs(fleet: &Fleet) -> [Input; 2] {
    let choice = |read: fn(&HostStatus) -> Option<&String>| {
        let all: std::collections::BTreeSet<&String> = fleet.view.hosts.iter().filter_map(read).collect();
        all.into_iter().map(|text| (text.clone(), clean(text).into_owned())).collect()
    };
    [
        Input::Choice("site", choice(|host| host.site.as_ref())),
        Input::Choice("cluster", choice(|host| host.cluster.as_ref())),
    ]
}

/// Sites with what is in them, in as much detail as can be taken in; and what is said where something is left out.
fn places<'a>(
    state: &AppState,
    asked: &Asked,
    now: &Now,
    lines: Vec<Line<'a>>,
) -> (Vec<Node>, Option<&'static str>) {
    let services: usize = lines.iter().map(|line| line.host.expected_services).sum();
    let (few, all) = (lines.len() <= MOST, lines.len() + services <= MOST);
    // What nobody declares stands where the machine stands that carries it.
    let known: HashMap<&HostName, &str> =
        lines.iter().filter_map(|line| Some((&line.host.host, line.host.site.as_deref()?))).collect();
    let site_of =
        |host: &'a HostStatus| host.site.as_deref().or_else(|| known.get(host.node.as_ref()?).copied());
    // Those without one come last.
    let mut sites: BTreeMap<(bool, Option<&str>), Vec<Line<'_>>> = BTreeMap::new();
    for line in lines {
        let site = site_of(line.host);
        sites.entry((site.is_none(), site)).or_default().push(line);
    }
    let open = open_services(now);
    let of_host = |line: Line<'a>| match all {
        true => services_of(state, asked, &open, &line.host.host),
        false => Vec::new(),
    };
    let site = |((_, site), lines): ((bool, Option<&str>), Vec<Line<'a>>)| {
        let label = site.map_or_else(|| asked.words.say("map-no-site"), |site| clean(site).into_owned());
        let within = if few { carried(asked, lines, &of_host) } else { clusters(asked, site, lines) };
        let link = site.map(|site| asked.link("/hosts", &[("site", site)]));
        Node::holding("col-site", label, link, within)
    };
    let nodes = sites.into_iter().map(site).collect();
    (nodes, if !few { Some("map-folded-hosts") } else { (!all).then_some("map-folded-services") })
}

/// How many open drifts each service has.
pub(super) fn open_services(now: &Now) -> BTreeMap<(&HostName, &str), usize> {
    let mut open = BTreeMap::new();
    for entry in now.open() {
        if let (Some(host), Some(service)) = (entry.id.subject.host(), &entry.id.service) {
            *open.entry((host, service.as_str())).or_default() += 1;
        }
    }
    open
}

/// The services of a host, where this process knows them.
pub(super) fn services_of(
    state: &AppState,
    asked: &Asked,
    open: &BTreeMap<(&HostName, &str), usize>,
    host: &HostName,
) -> Vec<Node> {
    let node = |service: &crate::services::ServiceStatus| {
        let open = open.get(&(host, service.service.as_str())).copied().unwrap_or(0);
        Node::service(asked.words, service, open)
    };
    state.live.services(host).iter().flatten().map(node).collect()
}

/// Clusters of a site, and how their hosts stand.
fn clusters(asked: &Asked, site: Option<&str>, lines: Vec<Line<'_>>) -> Vec<Node> {
    let words = asked.words;
    let mut clusters: BTreeMap<Option<&str>, BTreeMap<HostStand, usize>> = BTreeMap::new();
    for line in lines {
        *clusters.entry(line.host.cluster.as_deref()).or_default().entry(line.stand).or_default() += 1;
    }
    let cluster = |(cluster, counts): (Option<&str>, BTreeMap<HostStand, usize>)| {
        let label = cluster.map_or_else(|| words.say("map-no-cluster"), |name| clean(name).into_owned());
        let both: Vec<(&str, &str)> = [("site", site), ("cluster", cluster)]
            .into_iter()
            .filter_map(|(key, v)| Some((key, v?)))
            .collect();
        let counted = |(stand, n): (HostStand, usize)| {
            let said = [("n", n.into()), ("stand", words.word("stand", stand.as_str()).into())];
            Node::counted(words.with("map-counted", said), stand)
        };
        let within = counts.into_iter().map(counted).collect();
        let link = cluster.map(|_| asked.link("/map", &both));
        Node::holding("col-cluster", label, link, within)
    };
    clusters.into_iter().map(cluster).collect()
}
