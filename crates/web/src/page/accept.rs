//! The third exit of a drift: it is accepted until a date, or until it is resolved. The form, and what comes of it. Not
//! here: the rest of the page.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::Response;
use evenkeel_core::ledger::Entry;
use evenkeel_core::policy::silence::{Mistake, Target, Until, Wish};
use maud::{Markup, html};

use super::act::{self, Done, Form, Outcome};
use super::asked::Asked;
use super::drift;
use super::frame::{Shown, Tab};
use crate::access::{Caller, Level};
use crate::api;
use crate::api::Named;
use crate::problem::Problem;
use crate::silences::SilenceTrouble;
use crate::state::AppState;
use crate::wish;

/// How long, as the form offers it.
const SPANS: [&str; 5] = ["1d", "7d", "30d", "90d", "resolved"];

/// What was typed, and what is wrong with it.
#[derive(Default)]
pub(super) struct Typed {
    span: String,
    day: String,
    reason: String,
    wrong_end: Option<String>,
    wrong_reason: Option<String>,
    wrong: Option<String>,
}

/// `POST /drifts/{handle}/accept`.
pub(super) async fn post(
    State(state): State<AppState>,
    path: Named,
    caller: Caller,
    uri: Uri,
    headers: HeaderMap,
    request: Request,
) -> Response {
    let asked = Asked::of(&state, &uri, &headers);
    act::answer(&state, &asked, Tab::Overview, done(&state, &asked, path, &caller, request)).await
}

async fn done(
    state: &AppState,
    asked: &Asked,
    path: Named,
    caller: &Caller,
    request: Request,
) -> Result<Outcome, Problem> {
    caller.must(Level::Operator)?;
    let form = Form::read(request, &["for", "day", "reason"]).await?;
    let desk = api::silences::desk(state)?;
    let (entry, _) = drift::behind(state, path).await?;
    let text = |name| form.one(name).to_owned();
    let mut typed = Typed { span: text("for"), day: text("day"), reason: text("reason"), ..Typed::default() };
    let until = match until(&typed) {
        Ok(until) => until,
        Err(why) => {
            typed.wrong_end = Some(why);
            if typed.reason.is_empty() {
                typed.wrong_reason = Some(act::mistake(asked.words, &Mistake::NoReason));
            }
            return wrong(state, asked, &entry, typed).await;
        }
    };
    let wish =
        Wish { target: Target::Drift(entry.id.clone()), reason: typed.reason.clone(), starts: None, until };
    match desk.make(wish, &caller.name).await {
        Ok(_) => Ok(Outcome::Done(format!("/drifts/{}", entry.id.handle()), Done::Silenced)),
        Err(SilenceTrouble::Wrong(mistakes)) => {
            for mistake in &mistakes {
                let text = Some(act::mistake(asked.words, mistake));
                match mistake.about() {
                    "reason" => typed.wrong_reason = text,
                    "ends" => typed.wrong_end = text,
                    _ => typed.wrong = text,
                }
            }
            wrong(state, asked, &entry, typed).await
        }
        Err(trouble @ SilenceTrouble::Refused(_)) => {
            typed.wrong = Some(trouble.to_string());
            wrong(state, asked, &entry, typed).await
        }
        Err(trouble @ (SilenceTrouble::Unknown(_) | SilenceTrouble::Away(_))) => Err(trouble.into()),
    }
}

async fn wrong(state: &AppState, asked: &Asked, entry: &Entry, typed: Typed) -> Result<Outcome, Problem> {
    let shown = drift::shown(state, asked, entry.clone(), Vec::new(), &typed).await?;
    Ok(Outcome::Wrong(Shown { status: StatusCode::UNPROCESSABLE_ENTITY, ..shown }))
}

/// A day that was written counts before a span that was chosen.
fn until(typed: &Typed) -> Result<Option<Until>, String> {
    if !typed.day.is_empty() {
        return wish::end_of(&typed.day).map(|end| Some(Until::Moment(end)));
    }
    match typed.span.as_str() {
        "" => Ok(None),
        "resolved" => Ok(Some(Until::Resolved)),
        span => wish::span(span).map(|span| Some(Until::After(span))),
    }
}

/// The form. Only for whoever may, and where it can be done.
pub(super) fn form(state: &AppState, asked: &Asked, entry: &Entry, typed: &Typed) -> Markup {
    let words = asked.words;
    let Typed { span, day, reason, wrong_end, wrong_reason, wrong } = typed;
    let action = asked.link(&format!("/drifts/{}/accept", entry.id.handle()), &[]);
    let chosen = if span.is_empty() { SPANS[1] } else { span.as_str() };
    html! {
        @if act::may(asked, Level::Operator) && state.live.silences().is_some() {
            form.act #accept method="post" action=(action) {
                (asked.seal())
                (act::wrong(wrong.as_deref()))
                label {
                    span { (words.say("accept-for")) }
                    select name="for" {
                        @for span in SPANS { option value=(span) selected[span == chosen] { (words.say(&format!("accept-{span}"))) } }
                    }
                }
                label {
                    span { (words.say("accept-day")) }
                    input type="date" name="day" value=(day);
                    (act::wrong(wrong_end.as_deref()))
                }
                label {
                    span { (words.say("act-reason")) }
                    input type="text" name="reason" value=(reason) required maxlength="1000" autocomplete="off";
                    (act::wrong(wrong_reason.as_deref()))
                }
                button type="submit" { (words.say("accept-do")) }
            }
        } @else {
            p.quiet { (words.say("act-may-not")) }
        }
    }
}
