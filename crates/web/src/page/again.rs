//! Sending again on the page of deliveries: one that was given up, or all of a sink. Not here: sending.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use evenkeel_store::Resend;
use maud::{Markup, html};

use super::act::{self, Done, Form, Outcome};
use super::asked::Asked;
use super::frame::Tab;
use crate::access::{Caller, Level};
use crate::api;
use crate::api::{Named, named};
use crate::problem::{Kind, Problem, quoted};
use crate::state::AppState;

/// `POST /deliveries/{id}`: one.
pub(super) async fn one(
    State(state): State<AppState>,
    path: Named,
    caller: Caller,
    uri: Uri,
    headers: HeaderMap,
    request: Request,
) -> Response {
    let asked = Asked::of(&state, &uri, &headers);
    let doing = async {
        let id = named(path)?;
        Form::read(request, &[]).await?;
        let missing = |_| Problem::new(Kind::NotFound, format!("{} is no delivery's number", quoted(&id)));
        done(&state, &caller, Resend::Delivery(id.parse().map_err(missing)?)).await
    };
    act::answer(&state, &asked, Tab::Deliveries, doing).await
}

/// `POST /deliveries`: all of a sink.
pub(super) async fn sink(
    State(state): State<AppState>,
    caller: Caller,
    uri: Uri,
    headers: HeaderMap,
    request: Request,
) -> Response {
    let asked = Asked::of(&state, &uri, &headers);
    let doing = async {
        let form = Form::read(request, &["sink"]).await?;
        done(&state, &caller, Resend::Sink(form.one("sink").to_owned())).await
    };
    act::answer(&state, &asked, Tab::Deliveries, doing).await
}

async fn done(state: &AppState, caller: &Caller, what: Resend) -> Result<Outcome, Problem> {
    api::resend::again(state, caller, what).await?;
    Ok(Outcome::Done("/deliveries".to_owned(), Done::Resent))
}

/// The button for one delivery, or, without a number, for all of a sink. Only for whoever may.
pub(super) fn button(asked: &Asked, id: Option<u64>, sink: &str) -> Markup {
    let path = id.map_or_else(|| "/deliveries".to_owned(), |id| format!("/deliveries/{id}"));
    html! {
        @if act::may(asked, Level::Operator) {
            form.act method="post" action=(asked.link(&path, &[])) {
                (asked.seal())
                @if id.is_none() { input type="hidden" name="sink" value=(sink); }
                button type="submit" { (asked.words.say(if id.is_some() { "again-one" } else { "again-all" })) }
            }
        }
    }
}
