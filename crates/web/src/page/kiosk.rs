//! The kiosk: the verdict, what it rests on, the worst drifts and the last day, for a screen on a wall: read from three
//! metres, fetched anew by the browser itself, without a script. Not here: what makes the verdict.
//!
//! A page that cannot be fetched anew is replaced by the browser's own error, and one that cannot be made says so in the
//! place of the verdict: what is on the screen is never older than it says.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::Response;
use maud::{Markup, html};

use super::asked::Asked;
use super::bars;
use super::fleet::{Fleet, Order};
use super::frame::{self, Shown};
use super::kept::Kept;
use super::now::Now;
use super::past::Reach;
use super::text::name;
use super::time::{exact, moment_or};
use super::verdict::{HostStand, Verdict};
use super::words::Words;
use super::{hosts, icon, overview, row};
use crate::problem::Problem;
use crate::state::AppState;

/// How much fits on a screen.
const DRIFTS: usize = 6;
const CHIPS: usize = 10;
const BEATS: usize = 6;

/// `GET /kiosk`.
pub(super) async fn page(
    State(state): State<AppState>,
    Extension(kept): Extension<Arc<Kept>>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let asked = Asked::of(&state, &uri, &headers);
    frame::kiosk(&state, &asked, made(&state, &kept, &asked)).await
}

async fn made(state: &AppState, kept: &Kept, asked: &Asked) -> Result<Shown, Problem> {
    asked.only(&[])?;
    state.live.role().knows()?;
    let words = asked.words;
    let now = kept.now(state).await.map_err(Problem::from);
    let verdict = Verdict::of(state, kept, now.as_ref().ok());
    let beats = match (&now, &verdict.fleet) {
        (Ok(now), Some(fleet)) => Some(beats(state, kept, asked, now, fleet).await?),
        (Ok(_) | Err(_), _) => None,
    };
    let content = html! {
        (strip(asked, &verdict))
        (chips(asked, state))
        @match &now {
            Ok(now) => (worst(asked, now)),
            Err(problem) => div.empty.bad { p { strong { (words.say("overview-no-store")) } } p lang="en" { (problem.detail()) } },
        }
        @if let Some(beats) = beats { (beats) }
    };
    let status = now.map_or_else(|problem| problem.status(), |_| StatusCode::OK);
    Ok(Shown { status, ..Shown::new(words.say("kiosk"), content) })
}

fn strip(asked: &Asked, verdict: &Verdict) -> Markup {
    let words = asked.words;
    let figure = |stand: HostStand| {
        html! {
            div class={ "figure " (stand.as_str()) } {
                b { @if verdict.drifts.is_some() { (verdict.count(stand)) } @else { "?" } }
                span { (words.count(&format!("figure-{}", stand.as_str()), verdict.count(stand))) }
            }
        }
    };
    html! {
        section class={ "verdict " (overview::class(verdict.stand)) } {
            div.word { (icon::stand(verdict.stand)) h1 { (overview::headline(asked, verdict)) } }
            div.figures {
                @for stand in [HostStand::InSync, HostStand::Drift, HostStand::Blind] { (figure(stand)) }
                div.figure.oldest {
                    b { @match &verdict.oldest { Some((_, at)) => (moment_or(words, *at, asked.now, "never")), None => "–" } }
                    span { (words.say("figure-oldest")) @if let Some((source, _)) = &verdict.oldest { " " (name(&source.to_string())) } }
                }
            }
            p.as-of { (words.say("foot-as-of")) " " time datetime=(asked.now) { (exact(asked.now)) } }
        }
    }
}

fn chips(asked: &Asked, state: &AppState) -> Markup {
    let view = state.live.view();
    let blind = view.sources.iter().filter(|source| !source.coverage.is_complete());
    let seeing = view.sources.iter().filter(|source| source.coverage.is_complete());
    let more = view.sources.len().saturating_sub(CHIPS);
    html! {
        ul.chips {
            @for source in blind.chain(seeing).take(CHIPS) { li { (overview::chip(asked, source)) } }
            @if more > 0 { li { span.chip { (asked.words.count("chips-more", more)) } } }
        }
    }
}

fn worst(asked: &Asked, now: &Now) -> Markup {
    let words: Words = asked.words;
    let more = now.roots.len().saturating_sub(DRIFTS);
    html! {
        section {
            @if now.roots.is_empty() { div.empty { p { strong { (words.say("overview-empty")) } } } } @else {
                ul.worst {
                    @for entry in now.roots.iter().take(DRIFTS) {
                        li class={ "is-" (entry.severity.as_str()) } {
                            (row::severity(words, entry.severity)) " "
                            b { (row::kind(words, entry.id.event_type, entry.id.field)) } " "
                            (row::place(asked, &entry.id.subject, entry.id.service.as_ref()))
                            span.when { (moment_or(words, entry.opened_at, asked.now, "never")) }
                        }
                    }
                }
                @if more > 0 { p.quiet { (words.count("kiosk-more", more)) } }
            }
        }
    }
}

async fn beats(
    state: &AppState,
    kept: &Kept,
    asked: &Asked,
    now: &Now,
    fleet: &Fleet,
) -> Result<Markup, Problem> {
    let words = asked.words;
    let lines: Vec<_> = fleet.sorted(Order::State).take(BEATS).collect();
    let of: Vec<_> = lines.iter().map(|line| (&line.host.host, line.host.judged_since)).collect();
    let bars = kept.bars(state, now, &of, &[Reach::Day]).await?;
    Ok(html! {
        section {
            h2 { (words.say("bars-24h")) }
            ul.hosts-over-time {
                @for (line, bars) in lines.iter().zip(&bars) {
                    li {
                        span.title { (hosts::stand(asked, line.stand)) " " (name(line.host.host.as_str())) }
                        @for bars in bars { (bars::row(words, bars, Reach::Day)) }
                    }
                }
            }
        }
    })
}
