//! One drift: what differs, what that rests on, what follows from it, what happened, and what can be done. Not here: doing
//! it.

use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use evenkeel_core::ledger::{Entry, State as Stands};
use evenkeel_core::{DriftId, fold};
use evenkeel_store::{DeliveryFilter, DeliveryRow, EventFilter, StoredEvent};
use maud::{Markup, html};

use super::accept::{self, Typed};
use super::asked::Asked;
use super::frame::{self, Shown, Tab};
use super::now::Now;
use super::text::{clean, name};
use super::time::{moment, moment_or, span};
use super::{deliveries, events, icon, row, rules, said, sides};
use crate::api::{Named, named};
use crate::problem::{Kind, Problem, quoted};
use crate::silences::RuleLine;
use crate::state::{AppState, SourceStatus};

/// How many events and deliveries come with a drift.
const SHOWN: u32 = 50;

/// `GET /drifts/{handle}`.
pub(super) async fn page(
    State(state): State<AppState>,
    path: Named,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let asked = Asked::of(&state, &uri, &headers);
    frame::answer(&state, &asked, Tab::Overview, made(&state, &asked, path)).await
}

/// Everything that is shown around a drift.
struct Around {
    under: Vec<Entry>,
    others: Vec<DriftId>,
    history: Vec<StoredEvent>,
    told: Vec<DeliveryRow>,
}

async fn made(state: &AppState, asked: &Asked, path: Named) -> Result<Shown, Problem> {
    asked.only(&[])?;
    let (entry, others) = behind(state, path).await?;
    shown(state, asked, entry, others, &Typed::default()).await
}

/// The drift behind a handle, and others that share it.
pub(super) async fn behind(state: &AppState, path: Named) -> Result<(Entry, Vec<DriftId>), Problem> {
    let handle = named(path)?.to_ascii_uppercase();
    let mut entries = state.store.drift_by_handle(&handle).await?;
    // Where two share a handle, the one that is open comes first and the other is named beside it.
    entries.sort_by_key(|entry| !entry.is_open());
    let mut entries = entries.into_iter();
    let Some(entry) = entries.next() else {
        let detail =
            format!("no drift {} is known; resolved ones are forgotten after a while", quoted(&handle));
        return Err(Problem::new(Kind::NotFound, detail));
    };
    Ok((entry, entries.map(|other| other.id).collect()))
}

/// The page, with what was typed into its form.
pub(super) async fn shown(
    state: &AppState,
    asked: &Asked,
    entry: Entry,
    others: Vec<DriftId>,
    typed: &Typed,
) -> Result<Shown, Problem> {
    let around = around(state, &entry, others).await?;
    let sources = state.live.sources();
    let rules = state.live.rules();
    let source = sources.iter().find(|status| status.source == entry.evidence.source);
    let words = asked.words;
    let content = html! {
        (heading(asked, &entry))
        @if let Some(blind) = &entry.blind {
            div.banner.blind { (icon::sight(false)) " "
                strong { (words.with("drift-blind", [("span", span(words, blind.since, asked.now).into())])) } " "
                (said::gap(words, &blind.gap))
            }
        }
        @let (expected, observed) = entry.difference.sides(entry.id.field);
        section { h2 { (words.say("drift-sides")) } (sides::table(words, entry.id.event_type, expected.as_ref(), observed.as_ref())) }
        (exits(state, asked, &entry, typed))
        (evidence(asked, &entry, source, rules.as_deref()))
        (folded(asked, &entry, &around.under))
        section {
            h2 { (words.say("drift-history")) }
            @if around.history.is_empty() { div.empty { p { (words.say("drift-history-none")) } } } @else { (events::table(asked, &around.history)) }
        }
        section {
            h2 { (words.say("drift-told")) }
            @if around.told.is_empty() { div.empty { p { (words.say("drift-told-none")) } } } @else { (deliveries::table(asked, &around.told)) }
        }
        @if !around.others.is_empty() {
            section { h2 { (words.say("drift-others")) } ul.plain { @for other in &around.others { li { code { (name(&other.to_string())) } } } } }
        }
    };
    Ok(Shown::new(
        format!("{} {}", entry.id.handle(), words.word("type", entry.id.event_type.code())),
        content,
    ))
}

async fn around(state: &AppState, entry: &Entry, others: Vec<DriftId>) -> Result<Around, Problem> {
    let store = state.store.as_ref();
    let id = entry.id.to_string();
    // What is wrong with a machine explains what is wrong on others: all subjects are looked through.
    let under = match entry.state != Stands::Resolved && fold::can_explain(&entry.id) {
        true => Now::read(store).await?.under(&entry.id).to_vec(),
        false => Vec::new(),
    };
    let filter = EventFilter { handle: Some(entry.id.handle()), ..EventFilter::default() };
    let history = store.events(&filter, None, SHOWN).await?.rows;
    let history = history.into_iter().filter(|row| row.event.drift_id == id).collect();
    let filter = DeliveryFilter { drift_key: Some(id), ..DeliveryFilter::default() };
    let told = store.deliveries(&filter, None, SHOWN).await?.rows;
    Ok(Around { under, others, history, told })
}

fn heading(asked: &Asked, entry: &Entry) -> Markup {
    let words = asked.words;
    html! {
        p.crumbs {
            (row::severity(words, entry.severity)) " "
            span class={ "mark state-" (entry.state.as_str()) } { (words.word("drift-state", entry.state.as_str())) }
            (row::marks(asked, entry))
        }
        h1 { (row::kind(words, entry.id.event_type, entry.id.field)) span.at { (row::place(asked, &entry.id.subject, entry.id.service.as_ref())) } }
        p.lead { bdi { (said::sentence(words, &entry.id, &entry.difference)) } }
        @if let Some(parent) = &entry.parent {
            p.follows { (words.say("drift-parent")) " "
                a href=(asked.drift(&parent.handle())) { (row::kind(words, parent.event_type, parent.field)) " · " (name(&said::subject(parent))) }
            }
        }
    }
}

/// The ways out: repair, complete NetBox, accept.
fn exits(state: &AppState, asked: &Asked, entry: &Entry, typed: &Typed) -> Markup {
    let words = asked.words;
    let (repair, netbox) = said::advice(words, entry);
    let handle = entry.id.handle();
    html! {
        @if entry.state != Stands::Resolved {
            section {
                h2 { (words.say("drift-exits")) }
                div.exits {
                    div { h3 { (words.say("exit-repair")) } p { (said::marked(&repair)) } }
                    @if let Some(netbox) = netbox { div { h3 { (words.say("exit-netbox")) } p { (said::marked(&netbox)) } } }
                    div { h3 { (words.say("exit-accept")) } (accept::form(state, asked, entry, typed)) p { (words.say("exit-accept-how")) } pre { code { "evenkeel explain " (handle) } } }
                }
                p { a href=(asked.link("/actions", &[("drift", &entry.id.to_string())])) { (words.say("drift-actions")) } }
            }
        }
    }
}

fn evidence(
    asked: &Asked,
    entry: &Entry,
    source: Option<&SourceStatus>,
    rules: Option<&[RuleLine]>,
) -> Markup {
    let words = asked.words;
    let line = |key: &str, value: Markup| html! { div { dt { (words.say(key)) } dd { (value) } } };
    let when = |at| moment_or(words, at, asked.now, "never");
    html! {
        section {
            h2 { (words.say("drift-evidence")) }
            dl.facts {
                (line("evidence-source", html! {
                    (row::source(asked, &entry.evidence.source)) " "
                    @match source {
                        Some(status) if status.coverage.is_complete() => span.stand.in-sync { (icon::sight(true)) " " (words.say("sight-complete")) },
                        Some(_) => span.stand.blind { (icon::sight(false)) " " (words.say("sight-blind")) },
                        None => span.quiet { (words.say("sight-unknown")) },
                    }
                }))
                (line("evidence-at", moment(words, entry.evidence.observed_at, asked.now)))
                (line("evidence-seen", html! { (words.count("evidence-seen-n", entry.seen as usize))
                    @if entry.clean > 0 { " · " (words.count("evidence-clean-n", entry.clean as usize)) } }))
                (line("evidence-first", moment(words, entry.first_seen, asked.now)))
                (line("evidence-last", moment(words, entry.last_seen, asked.now)))
                (line("evidence-opened", when(entry.opened_at)))
                @if entry.resolved_at.is_some() { (line("evidence-resolved", when(entry.resolved_at))) }
                (line("evidence-said", when(entry.said_at)))
                @if let Some(silence) = &entry.silenced { (line("evidence-silence", rules::silencing(asked, rules, silence))) }
                @if !entry.transitions.is_empty() {
                    (line("evidence-turns", html! { @for (n, at) in entry.transitions.iter().enumerate() { @if n > 0 { ", " } (moment(words, *at, asked.now)) } }))
                }
                (line("evidence-handle", html! { code { (entry.id.handle()) } }))
                (line("evidence-id", html! { code { (clean(&entry.id.to_string())) } }))
            }
        }
    }
}

fn folded(asked: &Asked, entry: &Entry, under: &[Entry]) -> Markup {
    let words = asked.words;
    html! {
        @if fold::can_explain(&entry.id) {
            section {
                h2 { (words.say("drift-folded")) " " span.total { (under.len()) } }
                @if under.is_empty() { p.quiet { (words.say("drift-folded-none")) } }
                ul.plain {
                    @for child in under {
                        li {
                            a href=(asked.drift(&child.id.handle())) { (row::kind(words, child.id.event_type, child.id.field)) }
                            " " (row::place(asked, &child.id.subject, child.id.service.as_ref()))
                            " " (row::change(words, child)) (row::marks(asked, child))
                        }
                    }
                }
            }
        }
    }
}
