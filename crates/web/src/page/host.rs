//! One host: what is declared of it beside what is seen of it, what is wrong now, and what happened. Not here: the list.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use evenkeel_core::heartbeat::Bar;
use evenkeel_core::ledger::Entry;
use evenkeel_core::{HostName, Subject};
use evenkeel_store::{EventFilter, ObservedRow};
use maud::{Markup, html};

use super::asked::Asked;
use super::bars;
use super::events;
use super::fleet::Line;
use super::frame::{self, Shown, Tab};
use super::hosts::{declared, machine, optional, stand};
use super::kept::Kept;
use super::now::Now;
use super::past::Reach;
use super::text::{clean, name};
use super::time::{moment, moment_or};
use super::tree::{Node, tree};
use super::verdict::HostStand;
use super::{icon, row, said, seen, services};
use crate::api::{Named, named};
use crate::problem::{Kind, Problem, quoted};
use crate::services::ServiceStatus;
use crate::state::{AppState, HostStatus, SourceStatus};

/// How many events come with a host.
const EVENTS_SHOWN: u32 = 20;

/// `GET /hosts/{name}`.
pub(super) async fn page(
    State(state): State<AppState>,
    Extension(kept): Extension<Arc<Kept>>,
    path: Named,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let asked = Asked::of(&state, &uri, &headers);
    frame::answer(&state, &asked, Tab::Hosts, made(&state, &kept, &asked, path)).await
}

async fn made(state: &AppState, kept: &Kept, asked: &Asked, path: Named) -> Result<Shown, Problem> {
    asked.only(&[])?;
    let wanted = named(path)?;
    state.live.role().knows()?;
    let Some(host) = state.live.host(&HostName::new(&wanted)) else {
        let detail = format!("no host {} is declared or seen", quoted(&wanted));
        return Err(Problem::new(Kind::NotFound, detail));
    };
    let store = state.store.as_ref();
    let now = Now::about(store, Subject::Host(host.host.clone())).await?;
    let shown = store.shown(&host.host).await?;
    let filter = EventFilter { host: Some(host.host.clone()), ..EventFilter::default() };
    let history = store.events(&filter, None, EVENTS_SHOWN).await?;
    let services = state.live.services(&host.host);
    let bars = kept.bars(state, &now, &[(&host.host, host.judged_since)], &Reach::ALL).await?;
    let sources = &state.live.view().sources;
    let words = asked.words;
    let content = html! {
        h1 { (name(host.host.as_str())) " " (stand(asked, HostStand::of(&host, now.roots.len()))) }
        @if host.unwatched_services > 0 { p.lead { (icon::unwatched()) " " (words.count("host-unwatched-services", host.unwatched_services)) } }
        (beats(asked, bars.first().map_or(&[], Vec::as_slice)))
        section {
            h2 { (words.say("host-drifts")) " " span.total { (now.roots.len()) } }
            @if now.roots.is_empty() {
                div.empty { p { (words.say(if host.blind.is_empty() { "host-no-drifts" } else { "host-no-drifts-blind" })) } }
            } @else {
                (row::drifts(asked, &now.roots.iter().collect::<Vec<_>>(), &now))
            }
            (folded(asked, &now))
        }
        (both(asked, &host, &shown))
        (sides(asked, services.as_deref(), &now))
        (branch(state, asked, &host, services.as_deref(), &now))
        (sight(asked, &host, sources))
        section {
            h2 { (words.say("host-seen")) }
            @if shown.is_empty() { div.empty { p { (words.say("host-seen-none")) } } } @else {
                details open[services.is_none()] {
                    summary { (words.count("host-seen-by", shown.len())) }
                    @for row in &shown { (seen::view(asked, row)) }
                }
            }
        }
        section {
            h2 { (words.say("host-history")) }
            @if history.rows.is_empty() { div.empty { p { (words.say("host-history-none")) } } } @else {
                (events::table(asked, &history.rows))
                p { a href=(asked.link("/events", &[("host", host.host.as_str())])) { (words.say("host-history-all")) } }
            }
        }
    };
    Ok(Shown::new(clean(host.host.as_str()).into_owned(), content))
}

/// How it stood, over each of the reaches.
fn beats(asked: &Asked, bars: &[Vec<Bar>]) -> Markup {
    let words = asked.words;
    html! {
        section {
            h2 { (words.say("bars")) }
            dl.beats {
                @for (reach, bars) in Reach::ALL.into_iter().zip(bars) {
                    div {
                        dt { (words.say(&format!("reach-{}", reach.as_str()))) }
                        dd { (bars::row(words, bars, reach)) span.quiet { (bars::shares(words, bars)) } }
                    }
                }
            }
            (bars::legend(words))
        }
    }
}

/// The services with both their sides, where this process knows them.
fn sides(asked: &Asked, services: Option<&[ServiceStatus]>, now: &Now) -> Markup {
    let words = asked.words;
    html! {
        section {
            h2 { (words.say("host-sides")) @if let Some(services) = services { " " span.total { (services.len()) } } }
            @match services {
                None => div.empty { p { (words.say("host-sides-unknown")) } },
                Some([]) => div.empty { p { (words.say("host-sides-none")) } },
                Some(services) => (services::table(asked, services, now)),
            }
        }
    }
}

/// Where it is, with what is on it.
fn branch(
    state: &AppState,
    asked: &Asked,
    host: &HostStatus,
    services: Option<&[ServiceStatus]>,
    now: &Now,
) -> Markup {
    let words = asked.words;
    let on_it = services.unwrap_or_default().iter();
    let on_it = on_it.map(|service| Node::service(words, service, now.of_service(&service.service).count()));
    let line = Line { host, drifts: now.roots.len(), stand: HostStand::of(host, now.roots.len()) };
    let holding = |kind, text: &str, link, within| {
        vec![Node::holding(kind, clean(text).into_owned(), link, vec![within])]
    };
    let mut node = vec![Node::host(asked, line, on_it.collect())];
    if let Some(carrier) = host.node.as_ref().filter(|carrier| **carrier != host.host) {
        let inner = node.remove(0);
        // A hypervisor's name for its node need not be the name of a host.
        let link = state.live.host(carrier).map(|host| asked.host(host.host.as_str()));
        node = holding("tree-node", carrier.as_str(), link, inner);
    }
    if let Some(cluster) = &host.cluster {
        let inner = node.remove(0);
        node = holding("col-cluster", cluster, Some(asked.link("/map", &[("cluster", cluster)])), inner);
    }
    if let Some(site) = &host.site {
        let inner = node.remove(0);
        node = holding("col-site", site, Some(asked.link("/map", &[("site", site)])), inner);
    }
    html! { section { h2 { (words.say("host-place")) } (tree(asked, &node, &words.say("host-place"))) } }
}

/// Declared and seen, side by side.
fn both(asked: &Asked, host: &HostStatus, shown: &[ObservedRow]) -> Markup {
    let words = asked.words;
    html! {
        section {
            h2 { (words.say("host-both")) }
            table.sides {
                thead { tr { td {} th scope="col" { (words.say("side-expected")) } th scope="col" { (words.say("side-observed")) } } }
                tbody {
                    tr {
                        th scope="row" { (words.say("col-machine")) }
                        td { (declared(asked, host)) }
                        td {
                            @for seen in &host.machines {
                                div { (machine(asked, seen)) " " span.quiet { (name(&seen.source)) ", " (moment(words, seen.observed_at, asked.now)) } }
                            }
                            @if host.machines.is_empty() { span.quiet { (words.say("host-machine-unseen")) } }
                        }
                    }
                    tr {
                        th scope="row" { (words.say("col-services")) }
                        td { (words.with("host-services", [("n", host.expected_services.into()), ("required", host.required_services.into())])) }
                        td { (services_seen(asked, host, shown)) }
                    }
                    tr { th scope="row" { (words.say("col-cluster")) } td { (optional(host.cluster.as_deref())) } td { @match &host.node { Some(node) => (super::text::name(node.as_str())), None => span.quiet { "–" } } } }
                    tr { th scope="row" { (words.say("col-site")) } td { (optional(host.site.as_deref())) } td { span.quiet { "–" } } }
                    tr { th scope="row" { (words.say("col-tenant")) } td { (optional(host.tenant.as_deref())) } td { span.quiet { "–" } } }
                }
            }
        }
    }
}

/// How many services run, source by source; a blind source's last answer is not said to be now.
fn services_seen(asked: &Asked, host: &HostStatus, shown: &[ObservedRow]) -> Markup {
    let words = asked.words;
    let speaking: Vec<_> = shown.iter().filter_map(|row| Some((row, seen::running(row)?))).collect();
    html! {
        @for (row, running) in &speaking {
            div {
                @match running {
                    Some(n) => (words.count("host-running", *n)),
                    None => (words.say("not-known")),
                }
                " " span.quiet { (name(&row.source.to_string())) ", " (moment(words, row.observed_at, asked.now)) }
                @if host.blind.contains(&row.source) { " " span.mark.blind { (words.say("sight-blind")) } }
            }
        }
        @if speaking.is_empty() { span.quiet { (words.say("host-services-unseen")) } }
    }
}

/// Drifts that follow from others.
fn folded(asked: &Asked, now: &Now) -> Markup {
    let words = asked.words;
    let under: Vec<&Entry> = now.roots.iter().flat_map(|root| now.under(&root.id)).collect();
    html! {
        @if !under.is_empty() {
            details {
                summary { (words.count("host-folded", under.len())) }
                ul.plain { @for entry in under { li {
                    a href=(asked.drift(&entry.id.handle())) { (row::kind(words, entry.id.event_type, entry.id.field)) }
                    @if let Some(service) = &entry.id.service { " " (name(service.as_str())) }
                    (row::marks(asked, entry))
                } } }
            }
        }
    }
}

/// Who looks at this host, and what they can see.
fn sight(asked: &Asked, host: &HostStatus, sources: &[SourceStatus]) -> Markup {
    let words = asked.words;
    html! {
        section {
            h2 { (words.say("host-sources")) }
            @if host.sources.is_empty() { div.empty { p { strong { (words.say("host-unwatched")) } } p { (words.say("host-unwatched-next")) } } }
            ul.plain {
                @for id in &host.sources {
                    @let sees = !host.blind.contains(id);
                    li {
                        span class={ "stand " (if sees { "in-sync" } else { "blind" }) } { (icon::sight(sees)) " " (words.say(if sees { "sight-complete" } else { "sight-blind" })) }
                        " " (row::source(asked, id))
                        @if let Some(status) = sources.iter().find(|status| status.source == *id) {
                            " " span.quiet { (words.say("col-complete")) " " (moment_or(words, status.complete_at, asked.now, "never")) }
                            @if let Some(gap) = status.coverage.gap() { " – " (said::gap(words, gap)) }
                        }
                    }
                }
            }
        }
    }
}
