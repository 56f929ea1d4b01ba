//! Deciding about repairs on the page of actions: approve, reject, halt, resume, release. What would run is shown before
//! the button. Not here: the rest of the page; what follows, which the controller decides.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::Response;
use evenkeel_core::policy::silence::Mistake;
use evenkeel_core::remediation::{Controls, ProposalLine};
use maud::{Markup, html};

use super::act::{self, Done, Form, Outcome};
use super::asked::{Asked, segment};
use super::frame::{Shown, Tab};
use super::text::clean;
use super::{actions, deliveries};
use crate::access::{Caller, Level};
use crate::api::{Named, named};
use crate::problem::{Kind, Problem, quoted};
use crate::repairs::{Decision, Rehearsal, Repairs, Switch};
use crate::state::AppState;

/// What was typed, where, and what is wrong with it.
#[derive(Default)]
pub(super) struct Typed {
    /// The proposal's key; empty for the switches.
    at: String,
    reason: String,
    wrong: Option<String>,
}

/// `POST /actions/{key}`.
pub(super) async fn post(
    State(state): State<AppState>,
    path: Named,
    caller: Caller,
    uri: Uri,
    headers: HeaderMap,
    request: Request,
) -> Response {
    let asked = Asked::of(&state, &uri, &headers);
    act::answer(&state, &asked, Tab::Actions, decided(&state, &asked, path, &caller, request)).await
}

/// `POST /actions`: the switches.
pub(super) async fn switch(
    State(state): State<AppState>,
    caller: Caller,
    uri: Uri,
    headers: HeaderMap,
    request: Request,
) -> Response {
    let asked = Asked::of(&state, &uri, &headers);
    act::answer(&state, &asked, Tab::Actions, switched(&state, &asked, &caller, request)).await
}

async fn decided(
    state: &AppState,
    asked: &Asked,
    path: Named,
    caller: &Caller,
    request: Request,
) -> Result<Outcome, Problem> {
    caller.must(Level::Approver)?;
    let key = named(path)?;
    let form = Form::read(request, &["decision", "reason"]).await?;
    let reason = form.one("reason");
    let (decision, done) = match form.one("decision") {
        "approve" => (Decision::Approve, Done::Approved),
        "reject" => (Decision::Reject, Done::Rejected),
        other => return Err(unknown("decision", other)),
    };
    if decision == Decision::Reject && reason.is_empty() {
        return unsaid(state, asked, &key).await;
    }
    desk(state)?.decide(&key, decision, &caller.name, reason).await?;
    Ok(Outcome::Done("/actions".to_owned(), done))
}

async fn switched(
    state: &AppState,
    asked: &Asked,
    caller: &Caller,
    request: Request,
) -> Result<Outcome, Problem> {
    caller.must(Level::Approver)?;
    let form = Form::read(request, &["way", "reason"]).await?;
    let reason = form.one("reason");
    let (way, done) = match form.one("way") {
        "halt" => (Switch::Halt, Done::Halted),
        "resume" => (Switch::Resume, Done::Resumed),
        "release" => (Switch::Release, Done::Released),
        other => return Err(unknown("way", other)),
    };
    if reason.is_empty() {
        return unsaid(state, asked, "").await;
    }
    let switched = desk(state)?.switch(way, &caller.name, reason).await?;
    let done = if switched.changed { done } else { Done::Unchanged };
    Ok(Outcome::Done("/actions".to_owned(), done))
}

fn unknown(field: &str, value: &str) -> Problem {
    Problem::new(Kind::BadBody, format!("the field `{field}` cannot be {}", quoted(value)))
}

/// No reason was given: the page once more.
async fn unsaid(state: &AppState, asked: &Asked, at: &str) -> Result<Outcome, Problem> {
    let wrong = Some(act::mistake(asked.words, &Mistake::NoReason));
    let typed = Typed { at: at.to_owned(), reason: String::new(), wrong };
    let shown = actions::shown(state, asked, &typed).await?;
    Ok(Outcome::Wrong(Shown { status: StatusCode::UNPROCESSABLE_ENTITY, ..shown }))
}

fn desk(state: &AppState) -> Result<Arc<dyn Repairs>, Problem> {
    state.live.role().takes()?;
    let missing = || Problem::new(Kind::NotKnownYet, "nothing is known of repairs yet; try again");
    state.live.repairs().ok_or_else(missing)
}

/// Whether this can be decided here, by whoever looks.
fn may(asked: &Asked, rehearsal: Option<&Rehearsal>) -> bool {
    rehearsal.is_some() && act::may(asked, Level::Approver)
}

/// The forms of one proposal that waits for a person, with what would become of it before them.
pub(super) fn form(
    asked: &Asked,
    line: &ProposalLine,
    rehearsal: Option<&Rehearsal>,
    typed: &Typed,
) -> Markup {
    let words = asked.words;
    let key = line.key.as_str();
    let is_meant = typed.at == key || (!typed.at.is_empty() && typed.at.eq_ignore_ascii_case(&line.handle));
    let held = rehearsal.and_then(|r| r.held.iter().find(|held| held.proposal.as_deref() == Some(key)));
    html! {
        @if line.phase == "waiting" && line.approved_by.is_none() && may(asked, rehearsal) {
            details.act open[is_meant] {
                summary { (words.say("decide")) }
                p { (words.say("decide-would")) " " strong { (super::text::name(&line.action)) } " " (deliveries::about(asked, &line.drift_id)) }
                @if let Some(held) = held { p.quiet lang="en" { (clean(&held.why)) } }
                form.act method="post" action=(asked.link(&format!("/actions/{}", segment(key)), &[])) {
                    (asked.seal())
                    (reason(asked, if is_meant { typed } else { &NOTHING }))
                    button type="submit" name="decision" value="approve" { (words.say("decide-approve")) }
                    " " button type="submit" name="decision" value="reject" { (words.say("decide-reject")) }
                }
            }
        }
    }
}

static NOTHING: Typed = Typed { at: String::new(), reason: String::new(), wrong: None };

/// The switches, with how much would run before them.
pub(super) fn switches(
    asked: &Asked,
    controls: &Controls,
    rehearsal: Option<&Rehearsal>,
    typed: &Typed,
) -> Markup {
    let words = asked.words;
    let is_meant = typed.at.is_empty();
    html! {
        @if let Some(now) = rehearsal && may(asked, rehearsal) {
            details.act open[is_meant && typed.wrong.is_some()] {
                summary { (words.say("switch")) }
                p { (words.with("switch-would", [
                    ("dispatch", now.dispatch.len().into()), ("propose", now.propose.len().into()), ("held", now.held.len().into()),
                ])) }
                ul.plain { @for line in now.dispatch.iter().take(20) { li { (super::text::name(&line.action)) " " (deliveries::about(asked, &line.drift_id)) } } }
                form.act method="post" action=(asked.link("/actions", &[])) {
                    (asked.seal())
                    (reason(asked, if is_meant { typed } else { &NOTHING }))
                    @match controls.halt {
                        None => button type="submit" name="way" value="halt" { (words.say("switch-halt")) },
                        Some(_) => button type="submit" name="way" value="resume" { (words.say("switch-resume")) },
                    }
                    @if controls.brake.engaged.is_some() { " " button type="submit" name="way" value="release" { (words.say("switch-release")) } }
                }
            }
        }
    }
}

fn reason(asked: &Asked, typed: &Typed) -> Markup {
    html! {
        label {
            span { (asked.words.say("act-reason")) }
            input type="text" name="reason" value=(typed.reason) maxlength="1000" autocomplete="off";
            (act::wrong(typed.wrong.as_deref()))
        }
    }
}
