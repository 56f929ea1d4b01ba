//! The overview: one verdict, what it rests on, and what is wrong now. Not here: what makes the verdict.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::Response;
use evenkeel_core::ledger::Entry;
use evenkeel_core::{Coverages, EventType, Severity};
use maud::{Markup, html};

use super::asked::Asked;
use super::bars;
use super::fleet::{Fleet, Order};
use super::frame::{self, Shown, Tab};
use super::kept::Kept;
use super::list::{Input, Part, empty, filters};
use super::now::Now;
use super::past::Reach;
use super::text::name;
use super::time::{moment, moment_or, to_come};
use super::verdict::{HostStand, Stand, Verdict};
use super::{hosts, icon, row};
use crate::problem::Problem;
use crate::state::{AppState, SourceStatus};

/// How many sources have a chip; the rest is a link.
const CHIPS: usize = 24;
/// How many hosts are shown over time, the loudest first.
const BEATS: usize = 20;

/// `GET /`.
pub(super) async fn page(
    State(state): State<AppState>,
    Extension(kept): Extension<Arc<Kept>>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let asked = Asked::of(&state, &uri, &headers);
    frame::answer(&state, &asked, Tab::Overview, made(&state, &kept, &asked)).await
}

async fn made(state: &AppState, kept: &Kept, asked: &Asked) -> Result<Shown, Problem> {
    asked.only(&["severity", "type", "span", "page"])?;
    let reach = asked.among("span", Reach::parse, &Reach::ALL.map(Reach::as_str))?.unwrap_or(Reach::Day);
    state.live.role().knows()?;
    let words = asked.words;
    // The sources are known without the store: what it cannot say is said, and the rest is shown.
    let now = kept.now(state).await.map_err(Problem::from);
    let verdict = Verdict::of(state, kept, now.as_ref().ok());
    let past = match (&now, &verdict.fleet) {
        (Ok(now), Some(fleet)) => Some(over_time(state, kept, asked, now, fleet, reach).await),
        (Ok(_) | Err(_), _) => None,
    };
    let view = state.live.view();
    let content = html! {
        h1.hidden { (words.say("nav-overview")) }
        (strip(asked, &verdict))
        (chips(asked, &view.sources))
        section {
            h2 { (words.say("overview-now")) }
            @match &now {
                Ok(now) => (table(asked, now, &verdict)?),
                Err(problem) => div.empty.bad { p { strong { (words.say("overview-no-store")) } } p lang="en" { (problem.detail()) } },
            }
        }
        @match &past {
            Some(Ok(past)) => (past),
            Some(Err(problem)) => section { div.empty.bad { p { strong { (words.say("past-no-store")) } } p lang="en" { (problem.detail()) } } },
            None => {}
        }
    };
    let status = now.map_or_else(|problem| problem.status(), |_| StatusCode::OK);
    Ok(Shown { status, ..Shown::new(words.say("nav-overview"), content) })
}

/// How the loudest hosts stood, and how much was open.
async fn over_time(
    state: &AppState,
    kept: &Kept,
    asked: &Asked,
    now: &Now,
    fleet: &Fleet,
    reach: Reach,
) -> Result<Markup, Problem> {
    let words = asked.words;
    let lines: Vec<_> = fleet.sorted(Order::State).take(BEATS).collect();
    let hosts: Vec<_> = lines.iter().map(|line| (&line.host.host, line.host.judged_since)).collect();
    let bars = kept.bars(state, now, &hosts, &[reach]).await?;
    let trend = kept.trend(state, now, reach).await?;
    let more = fleet.view.hosts.len().saturating_sub(lines.len());
    Ok(html! {
        section #past {
            h2 { (words.say("past")) }
            (bars::reaches(asked, reach))
            (bars::trend(asked, &trend, reach))
            @if !lines.is_empty() {
                h3 { (words.say("bars")) }
                (bars::legend(words))
                ul.hosts-over-time {
                    @for (line, bars) in lines.iter().zip(&bars) {
                        li {
                            span.title { (hosts::stand(asked, line.stand)) " " (row::host(asked, &line.host.host)) }
                            @for bars in bars { (bars::row(words, bars, reach)) }
                        }
                    }
                }
                @if more > 0 { p { a href=(asked.link("/hosts", &[])) { (words.count("bars-more", more)) } } }
            }
        }
    })
}

/// The word of a verdict in class names and keys.
pub(super) fn class(stand: Stand) -> &'static str {
    match stand {
        Stand::Unknown => "unknown",
        Stand::Blind => "blind",
        Stand::Drift => "drift",
        Stand::Unwatched => "unwatched",
        Stand::InSync => "in-sync",
    }
}

fn strip(asked: &Asked, verdict: &Verdict) -> Markup {
    let words = asked.words;
    let class = class(verdict.stand);
    let hosts = |stand: HostStand| {
        let n = verdict.count(stand);
        let link = asked.link("/hosts", &[("state", stand.as_str())]);
        html! {
            a class={ "figure " (stand.as_str()) } href=(link) {
                b { @if verdict.drifts.is_some() { (n) } @else { "?" } }
                span { (words.count(&format!("figure-{}", stand.as_str()), n)) }
            }
        }
    };
    html! {
        section class={ "verdict " (class) } aria-labelledby="verdict" {
            div.word {
                (icon::stand(verdict.stand))
                div {
                    h2 #verdict { (headline(asked, verdict)) }
                    p { (words.say(&format!("verdict-{class}-why"))) }
                    @if verdict.unwatched() > 0 {
                        p.beside { a href=(asked.link("/hosts", &[("watch", "partly")])) { (words.count("verdict-unwatched-services", verdict.unwatched())) } }
                    }
                }
            }
            div.figures {
                (hosts(HostStand::InSync))
                (hosts(HostStand::Drift))
                (hosts(HostStand::Blind))
                @for stand in [HostStand::Unknown, HostStand::Unwatched, HostStand::Undeclared] {
                    @if verdict.count(stand) > 0 { (hosts(stand)) }
                }
                (shares(asked, &verdict.coverages))
                div.figure.oldest {
                    b { @match &verdict.oldest {
                        Some((_, at)) => (moment_or(words, *at, asked.now, "never")),
                        None => "–",
                    } }
                    span {
                        (words.say("figure-oldest"))
                        @if let Some((source, _)) = &verdict.oldest { " " (row::source(asked, source)) }
                        @if let Some(next) = verdict.next { " · " (words.say("figure-next")) " " (to_come(words, next, asked.now)) }
                    }
                }
            }
        }
    }
}

/// How much of what is declared runs, and how much of what runs is declared, in percent of what can be said.
fn shares(asked: &Asked, coverages: &Coverages) -> Markup {
    let words = asked.words;
    let Coverages {
        declared_running,
        declared,
        declared_unknown,
        running_declared,
        running,
        running_unknown,
        ..
    } = coverages;
    let share = |part: usize, whole: usize, unknown: usize, key: &str| {
        html! {
            @if whole + unknown > 0 {
                div.figure {
                    // Rounded down: what is not all of it is not a hundred.
                    b { @if whole > 0 { (part * 100 / whole) " %" } @else { "?" } }
                    span {
                        (words.with(key, [("part", part.into()), ("whole", whole.into())]))
                        @if unknown > 0 { " · " (words.count("figure-share-unknown", unknown)) }
                    }
                }
            }
        }
    };
    html! {
        (share(*declared_running, *declared, *declared_unknown, "figure-declared-runs"))
        (share(*running_declared, *running, *running_unknown, "figure-running-declared"))
    }
}

/// The verdict in so many words: how much differs, how much is blind.
pub(super) fn headline(asked: &Asked, verdict: &Verdict) -> String {
    let words = asked.words;
    let drifts = verdict.drifts.map(|n| words.count("verdict-drifts", n));
    let unseen = match verdict.blind {
        0 => words.count("verdict-blind-hosts", verdict.count(HostStand::Blind)),
        n => words.count("verdict-blind-sources", n),
    };
    match (verdict.stand, drifts) {
        (Stand::Unknown, _) => words.say("verdict-unknown"),
        (Stand::Blind, Some(drifts)) if verdict.drifts > Some(0) => format!("{drifts} · {unseen}"),
        (Stand::Blind, _) => unseen,
        (Stand::Drift, Some(drifts)) => drifts,
        (Stand::Drift, None) => words.say("verdict-unknown"),
        (Stand::Unwatched, _) => words.count("verdict-unwatched", verdict.count(HostStand::Unwatched)),
        (Stand::InSync, _) => words.say("verdict-in-sync"),
    }
}

/// Sources, the blind ones first.
fn chips(asked: &Asked, all: &[SourceStatus]) -> Markup {
    let words = asked.words;
    let blind = all.iter().filter(|source| !source.coverage.is_complete());
    let seeing = all.iter().filter(|source| source.coverage.is_complete());
    // One that looks after machines besides its own is listed as two, and has one name.
    let mut named = BTreeSet::new();
    let sources: Vec<&SourceStatus> =
        blind.chain(seeing).filter(|source| named.insert(&source.source)).collect();
    let more = sources.len().saturating_sub(CHIPS);
    html! {
        section {
            h2 { (words.say("nav-sources")) }
            @if sources.is_empty() {
                div.empty { p { strong { (words.say("sources-none")) } } p { (super::said::marked(&words.say("sources-none-next"))) } }
            }
            ul.chips {
                @for source in sources.iter().take(CHIPS) { li { (chip(asked, source)) } }
                @if more > 0 { li { a.chip href=(asked.link("/sources", &[])) { (words.count("chips-more", more)) } } }
            }
        }
    }
}

pub(super) fn chip(asked: &Asked, source: &SourceStatus) -> Markup {
    let words = asked.words;
    let id = source.source.to_string();
    let sees = source.coverage.is_complete();
    html! {
        a.chip.blind[!sees] href=(asked.link("/sources", &[("q", &id)])) {
            (icon::sight(sees))
            span.name { (name(&id)) }
            span.age {
                @match (source.coverage.gap(), source.complete_at) {
                    (None, Some(at)) => (moment(words, at, asked.now)),
                    (None, None) => (words.say("sight-complete")),
                    (Some(gap), _) => (words.word("state", gap.kind.as_str())),
                }
            }
        }
    }
}

fn table(asked: &Asked, now: &Now, verdict: &Verdict) -> Result<Markup, Problem> {
    let words = asked.words;
    let severity = asked.among("severity", Severity::parse, &Severity::ALL.map(Severity::as_str))?;
    let kind = asked.among("type", EventType::parse, &EventType::ALL.map(EventType::code))?;
    let fits = |entry: &&Entry| {
        severity.is_none_or(|wanted| entry.severity == wanted)
            && kind.is_none_or(|wanted| entry.id.event_type == wanted)
    };
    let part = Part::of(now.roots.iter().filter(fits).collect(), asked.page()?);
    let inputs = [
        Input::words(asked, "severity", "severity", Severity::ALL.iter().rev().map(|s| s.as_str())),
        Input::words(asked, "type", "type", EventType::ALL.map(EventType::code)),
    ];
    Ok(html! {
        @if !now.roots.is_empty() { (filters(asked, &inputs, &[])) }
        @if part.rows.is_empty() {
            @let next = match verdict.stand {
                Stand::InSync => "overview-empty-next",
                Stand::Unknown | Stand::Blind | Stand::Drift | Stand::Unwatched => "overview-empty-unsure",
            };
            (empty(asked, "overview-empty", &words.say(next)))
        } @else {
            (row::drifts(asked, &part.rows, now))
            (part.pager(asked))
        }
        @if now.pending > 0 { p.quiet { (words.count("overview-pending", now.pending)) } }
    })
}
