//! The overview: one verdict, what it rests on, and what is wrong now. Not here: what makes the verdict.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::Response;
use evenkeel_core::ledger::Entry;
use evenkeel_core::{EventType, Severity};
use maud::{Markup, html};

use super::asked::Asked;
use super::frame::{self, Shown, Tab};
use super::list::{Input, Part, empty, filters};
use super::now::Now;
use super::text::name;
use super::time::{moment, moment_or};
use super::verdict::{HostStand, Stand, Verdict};
use super::{icon, row};
use crate::problem::Problem;
use crate::state::{AppState, SourceStatus};

/// How many sources have a chip; the rest is a link.
const CHIPS: usize = 24;

/// `GET /`.
pub(super) async fn page(State(state): State<AppState>, uri: Uri, headers: HeaderMap) -> Response {
    let asked = Asked::of(&state, &uri, &headers);
    frame::answer(&state, &asked, Tab::Overview, made(&state, &asked)).await
}

async fn made(state: &AppState, asked: &Asked) -> Result<Shown, Problem> {
    asked.only(&["severity", "type", "page"])?;
    state.live.role().knows()?;
    let words = asked.words;
    // The sources are known without the store: what it cannot say is said, and the rest is shown.
    let now = Now::read(state.store.as_ref()).await.map_err(Problem::from);
    let verdict = Verdict::of(state, now.as_ref().ok());
    let content = html! {
        h1.hidden { (words.say("nav-overview")) }
        (strip(asked, &verdict))
        (chips(asked, state.live.sources()))
        section {
            h2 { (words.say("overview-now")) }
            @match &now {
                Ok(now) => (table(asked, now, &verdict)?),
                Err(problem) => div.empty.bad { p { strong { (words.say("overview-no-store")) } } p lang="en" { (problem.detail()) } },
            }
        }
    };
    let status = now.map_or_else(|problem| problem.status(), |_| StatusCode::OK);
    Ok(Shown { status, ..Shown::new(words.say("nav-overview"), content) })
}

fn strip(asked: &Asked, verdict: &Verdict) -> Markup {
    let words = asked.words;
    let class = match verdict.stand {
        Stand::Unknown => "unknown",
        Stand::Blind => "blind",
        Stand::Drift => "drift",
        Stand::Unwatched => "unwatched",
        Stand::InSync => "in-sync",
    };
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
                }
            }
            div.figures {
                (hosts(HostStand::InSync))
                (hosts(HostStand::Drift))
                (hosts(HostStand::Blind))
                @for stand in [HostStand::Unknown, HostStand::Unwatched, HostStand::Undeclared] {
                    @if verdict.count(stand) > 0 { (hosts(stand)) }
                }
                div.figure.oldest {
                    b { @match &verdict.oldest {
                        Some((_, at)) => (moment_or(words, *at, asked.now, "never")),
                        None => "–",
                    } }
                    span {
                        (words.say("figure-oldest"))
                        @if let Some((source, _)) = &verdict.oldest { " " (row::source(asked, source)) }
                    }
                }
            }
        }
    }
}

/// The verdict in so many words: how much differs, how much is blind.
fn headline(asked: &Asked, verdict: &Verdict) -> String {
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
fn chips(asked: &Asked, mut sources: Vec<SourceStatus>) -> Markup {
    let words = asked.words;
    sources.sort_by_key(|source| source.coverage.is_complete());
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

fn chip(asked: &Asked, source: &SourceStatus) -> Markup {
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
