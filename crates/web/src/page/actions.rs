//! The actions: what is proposed, what became of it, what holds the rest back. Not here: deciding, see
//! [`decide`].

use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use evenkeel_core::Subject;
use evenkeel_core::remediation::{Controls, Phase, ProposalLine};
use evenkeel_store::{Cursor, ProposalFilter};
use maud::{Markup, html};

use super::asked::Asked;
use super::decide::{self, Typed};
use super::deliveries::about;
use super::frame::{self, Shown, Tab};
use super::list::{Input, ROWS, empty, filters, onward};
use super::row;
use super::text::{clean, name};
use super::time::moment;
use crate::api::spelled;
use crate::problem::Problem;
use crate::repairs::{HeldLine, Rehearsal};
use crate::state::AppState;

/// How many of those that wait are listed.
const HELD_SHOWN: usize = 20;

/// `GET /actions`.
pub(super) async fn page(State(state): State<AppState>, uri: Uri, headers: HeaderMap) -> Response {
    let asked = Asked::of(&state, &uri, &headers);
    frame::answer(&state, &asked, Tab::Actions, made(&state, &asked)).await
}

async fn made(state: &AppState, asked: &Asked) -> Result<Shown, Problem> {
    shown(state, asked, &Typed::default()).await
}

/// The page, with what was typed into its forms.
pub(super) async fn shown(state: &AppState, asked: &Asked, typed: &Typed) -> Result<Shown, Problem> {
    asked.only(&["phase", "host", "drift", "after"])?;
    let phases = Phase::ALL.map(Phase::as_str);
    let host = asked.one("host").map(|name| spelled(state.live.as_ref(), name));
    let filter = ProposalFilter {
        phases: asked.among("phase", Phase::parse, &phases)?.into_iter().collect(),
        subject: host.map(|host| Subject::Host(host).to_string()),
        drift_key: asked.one("drift").map(str::to_owned),
        ..ProposalFilter::default()
    };
    let store = state.store.as_ref();
    let page = store.proposals(&filter, asked.one("after").map(Cursor::new), ROWS).await?;
    let lines: Vec<ProposalLine> = page.rows.iter().map(|row| ProposalLine::from(&row.proposal)).collect();
    let controls = store.repairs(asked.now).await?.controls;
    // Only the replica that leads knows what would run now.
    let rehearsal = match state.live.repairs() {
        Some(desk) => Some(desk.rehearse().await?),
        None => None,
    };
    let words = asked.words;
    let inputs = [Input::words(asked, "phase", "phase", phases), Input::Text("host")];
    let content = html! {
        h1 { (words.say("nav-actions")) }
        (standing(asked, &controls, rehearsal.as_ref()))
        (decide::switches(asked, &controls, rehearsal.as_ref(), typed))
        (filters(asked, &inputs, &["drift"]))
        @if lines.is_empty() {
            (empty(asked, "actions-none", &words.say("actions-none-next")))
        } @else {
            (table(asked, &lines, rehearsal.as_ref(), typed))
        }
        (onward(asked, page.next.as_ref().map(Cursor::as_str)))
        @if let Some(Rehearsal { held, .. }) = &rehearsal { (waiting(asked, held)) }
    };
    Ok(Shown::new(words.say("nav-actions"), content))
}

/// The kill switch and the brake.
fn standing(asked: &Asked, controls: &Controls, rehearsal: Option<&Rehearsal>) -> Markup {
    let words = asked.words;
    let Controls { halt, brake } = controls;
    html! {
        ul.cards {
            @if let Some(rehearsal) = rehearsal {
                li.card {
                    h2 { (words.say("repairs-enabled")) }
                    p { (words.say(if rehearsal.enabled { "repairs-on" } else { "repairs-off" })) }
                }
            }
            li.card.bad[halt.is_some()] {
                h2 { (words.say("repairs-halt")) }
                @match halt {
                    None => p { (words.say("repairs-halt-off")) },
                    Some(halt) => {
                        p { strong { (words.with("repairs-halt-on", [("by", clean(&halt.by).into_owned().into())])) } " " (moment(words, halt.at, asked.now)) }
                        p { bdi { (clean(&halt.reason)) } }
                    }
                }
            }
            li.card.bad[brake.engaged.is_some()] {
                h2 { (words.say("repairs-brake")) }
                @match &brake.engaged {
                    None => p { (words.say("repairs-brake-off")) },
                    Some(engaged) => {
                        p { strong { (words.say("repairs-brake-on")) } " " (moment(words, engaged.since, asked.now)) }
                        p { (words.with("repairs-brake-why", [("n", engaged.why.drifts.into()), ("limit", engaged.why.limit.into())])) }
                    }
                }
            }
        }
        p.quiet { (words.say("actions-how")) " " code { "evenkeel repairs --help" } }
    }
}

fn table(asked: &Asked, lines: &[ProposalLine], rehearsal: Option<&Rehearsal>, typed: &Typed) -> Markup {
    let words = asked.words;
    let columns = [
        "col-when",
        "col-action",
        "col-state",
        "col-severity",
        "col-drift",
        "col-approved",
        "col-why",
        "col-handle",
    ];
    let columns = columns.map(|key| words.say(key));
    let [c_when, c_action, c_state, c_severity, c_drift, c_approved, c_why, c_handle] = &columns;
    html! {
        table.rows.actions {
            thead { tr { @for column in &columns { th scope="col" { (column) } } } }
            tbody {
                @for line in lines {
                    tr data-key=(line.key) {
                        td.when data-label=(c_when) { (moment(words, line.created_at, asked.now)) }
                        td data-label=(c_action) { (name(&line.action)) " " span.quiet { (name(&line.rule)) } }
                        td data-label=(c_state) { span class={ "transition " (line.phase) } { (words.word("proposal", line.state)) } }
                        td data-label=(c_severity) { (row::severity(words, line.severity)) }
                        td data-label=(c_drift) { (about(asked, &line.drift_id)) }
                        td data-label=(c_approved) { @match &line.approved_by { Some(by) => (name(by)), None => span.quiet { "–" } } }
                        td.text data-label=(c_why) lang="en" {
                            (decide::form(asked, line, rehearsal, typed))
                            @if let Some(why) = &line.why { bdi { (clean(why)) } }
                            @if let Some(output) = &line.output { pre { (clean_lines(output.as_str())) } }
                        }
                        td data-label=(c_handle) { code { (line.handle) } }
                    }
                }
            }
        }
    }
}

/// A text of several lines without what must not be shown.
fn clean_lines(text: &str) -> String {
    text.lines().map(clean).collect::<Vec<_>>().join("\n")
}

/// What waits, and why.
fn waiting(asked: &Asked, held: &[HeldLine]) -> Markup {
    let words = asked.words;
    html! {
        @if !held.is_empty() {
            section {
                h2 { (words.say("actions-held")) " " span.total { (held.len()) } }
                ul.plain {
                    @for line in held.iter().take(HELD_SHOWN) {
                        li { (about(asked, &line.drift_id)) " – " span lang="en" { (clean(&line.why)) } }
                    }
                }
                @if held.len() > HELD_SHOWN { p.quiet { (words.count("chips-more", held.len() - HELD_SHOWN)) } }
            }
        }
    }
}
