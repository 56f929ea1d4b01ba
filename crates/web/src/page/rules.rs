//! The rules: what is ignored, silenced, weighed otherwise; by whom, why, until when, and how much each covers now. A
//! silence that somebody made is ended here. Not here: what a rule does.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use evenkeel_core::policy::silence::Stands;
use jiff::SignedDuration;
use maud::{Markup, html};

use super::act::{self, Done, Form, Outcome};
use super::asked::{Asked, segment};
use super::frame::{self, Shown, Tab};
use super::list::{Input, empty, filters};
use super::row;
use super::text::{clean, name};
use super::time::moment;
use crate::access::{Caller, Level};
use crate::api;
use crate::api::{Named, named};
use crate::problem::Problem;
use crate::silences::{RuleKind, RuleLine, RuleOrigin, Selects};
use crate::state::AppState;

/// A rule that ends within this is marked: whoever wants it longer should know.
const SOON: SignedDuration = SignedDuration::from_hours(7 * 24);

/// `GET /rules`.
pub(super) async fn page(State(state): State<AppState>, uri: Uri, headers: HeaderMap) -> Response {
    let asked = Asked::of(&state, &uri, &headers);
    frame::answer(&state, &asked, Tab::Rules, made(&state, &asked)).await
}

/// `POST /rules/{name}/end`.
pub(super) async fn end(
    State(state): State<AppState>,
    path: Named,
    caller: Caller,
    uri: Uri,
    headers: HeaderMap,
    request: Request,
) -> Response {
    let asked = Asked::of(&state, &uri, &headers);
    act::answer(&state, &asked, Tab::Rules, ended(&state, path, &caller, request)).await
}

async fn ended(state: &AppState, path: Named, caller: &Caller, request: Request) -> Result<Outcome, Problem> {
    caller.must(Level::Operator)?;
    let silence = named(path)?;
    let form = Form::read(request, &["reason"]).await?;
    api::silences::desk(state)?.end(&silence, &caller.name, form.one("reason")).await?;
    Ok(Outcome::Done("/rules".to_owned(), Done::Ended))
}

async fn made(state: &AppState, asked: &Asked) -> Result<Shown, Problem> {
    asked.only(&["kind"])?;
    let kinds = RuleKind::ALL.map(RuleKind::as_str);
    let wanted = asked.among("kind", RuleKind::parse, &kinds)?;
    let all = api::rules::known(state)?;
    let lines: Vec<&RuleLine> =
        all.iter().filter(|line| wanted.is_none_or(|kind| line.kind == kind)).collect();
    let words = asked.words;
    let may = act::may(asked, Level::Operator) && state.live.silences().is_some();
    let content = html! {
        h1 { (words.say("nav-rules")) }
        (filters(asked, &[Input::words(asked, "kind", "rule", kinds)], &[]))
        @if lines.is_empty() {
            (empty(asked, "rules-none", &words.say("rules-none-next")))
        } @else {
            (table(asked, &lines, may))
        }
    };
    Ok(Shown::new(words.say("nav-rules"), content))
}

fn table(asked: &Asked, lines: &[&RuleLine], may: bool) -> Markup {
    let words = asked.words;
    let columns = ["col-rule", "col-covers", "col-why", "col-owner", "col-ends", "col-hits", "col-act"];
    let columns = columns.map(|key| words.say(key));
    let [c_rule, c_covers, c_why, c_owner, c_ends, c_hits, c_act] = &columns;
    html! {
        table.rows.rules {
            thead { tr { @for column in &columns { th scope="col" { (column) } } } }
            tbody {
                @for line in lines {
                    tr {
                        td data-label=(c_rule) {
                            span.kind { (words.word("rule", line.kind.as_str())) }
                            @if let Some(severity) = line.severity { " " (row::severity(words, severity)) }
                            @if let Some(of) = &line.name { " " span.quiet { (name(of)) } }
                        }
                        td data-label=(c_covers) { (covers(asked, &line.selects)) }
                        td.text data-label=(c_why) { @match &line.reason { Some(why) => bdi { (clean(why)) }, None => span.quiet { "–" } } }
                        td data-label=(c_owner) { @match &line.owner { Some(owner) => (name(owner)), None => span.quiet { "–" } } }
                        td.when data-label=(c_ends) { (ends(asked, line)) }
                        td.number data-label=(c_hits) {
                            (line.hits)
                            @if line.hits == 0 && line.stands(asked.now) == Stands::InForce { " " span.mark { (words.say("rules-idle")) } }
                        }
                        td data-label=(c_act) { @if may && line.origin == RuleOrigin::Made { (end_form(asked, line)) } }
                    }
                }
            }
        }
    }
}

fn ends(asked: &Asked, line: &RuleLine) -> Markup {
    let words = asked.words;
    html! {
        @match line.ends {
            None => span.quiet { (words.say("rules-forever")) },
            Some(at) => (moment(words, at, asked.now)),
        }
        @match line.stands(asked.now) {
            Stands::Over => { " " span.mark.bad { (words.say("rules-over")) } }
            Stands::Coming => { " " span.mark { (words.say("rules-coming")) } }
            Stands::InForce => {
                @if line.until_resolved { " " span.mark { (words.say("rules-until-resolved")) } }
                @else if line.ends.is_some_and(|at| at.duration_since(asked.now) < SOON) { " " span.mark.wait { (words.say("rules-soon")) } }
            }
        }
    }
}

fn covers(asked: &Asked, selects: &Selects) -> Markup {
    let Selects { drift_id, drift_handle, types, hosts, services, tags, tenants } = selects;
    let types: Vec<std::sync::Arc<str>> = types.iter().map(|kind| kind.code().into()).collect();
    let lists = [
        ("filter-type", &types),
        ("filter-host", hosts),
        ("filter-service", services),
        ("rules-tags", tags),
        ("rules-tenants", tenants),
    ];
    html! {
        @if let (Some(id), Some(_)) = (drift_id, drift_handle) { (super::deliveries::about(asked, id)) }
        @for (key, list) in lists {
            @if !list.is_empty() {
                span.covers { (asked.words.say(key)) " " @for (at, text) in list.iter().enumerate() { @if at > 0 { ", " } code { (clean(text)) } } " " }
            }
        }
    }
}

fn end_form(asked: &Asked, line: &RuleLine) -> Markup {
    let of = line.name.as_deref().unwrap_or_default();
    let action = asked.link(&format!("/rules/{}/end", segment(of)), &[]);
    html! {
        form.act method="post" action=(action) {
            (asked.seal())
            button type="submit" { (asked.words.say("rules-end")) }
        }
    }
}

/// The rule that keeps a drift quiet, with what is known of it.
pub(super) fn silencing(asked: &Asked, rules: Option<&[RuleLine]>, silence: &str) -> Markup {
    let words = asked.words;
    let is_it = |line: &&RuleLine| line.kind == RuleKind::Silence && line.name.as_deref() == Some(silence);
    html! {
        a href=(asked.link("/rules", &[("kind", "silence")])) { (name(silence)) }
        @if let Some(line) = rules.and_then(|rules| rules.iter().find(is_it)) {
            @if let Some(owner) = &line.owner { " · " (name(owner)) }
            @if let Some(at) = line.ends { " · " (words.say("rules-until")) " " (moment(words, at, asked.now)) }
            @if let Some(why) = &line.reason { " · " bdi { (clean(why)) } }
        }
    }
}
