//! `/api/v1/rules`: every rule that was decided, whoever decided it wherever, with what it covers. Not here: changing one.

use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use evenkeel_store::Cursor;
use serde::Serialize;

use super::listing::{self, Rows};
use super::params::Params;
use crate::problem::{Kind, Problem};
use crate::silences::{RuleKind, RuleLine};
use crate::state::AppState;

/// A rule as the API shows it.
#[derive(Serialize)]
struct Shown<'a> {
    #[serde(flatten)]
    line: &'a RuleLine,
    state: &'static str,
}

/// Every rule, in the order in which the configuration has them and silences were made.
pub(super) async fn list(
    State(state): State<AppState>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let params = Params::of("rules", &uri, &["kind"])?;
    let kinds = params.many("kind", RuleKind::parse, &RuleKind::ALL.map(RuleKind::as_str))?;
    // The place is a number: of a list that changed meanwhile the rest may begin one further or nearer.
    let start: usize = params.cursor()?.map_or(0, |cursor| cursor.as_str().parse().unwrap_or(usize::MAX));
    let limit = params.limit()? as usize;
    let lines = known(&state)?;
    let now = state.live.now();
    let wanted = |line: &&RuleLine| kinds.is_empty() || kinds.contains(&line.kind);
    let mut rest = lines.iter().filter(wanted).skip(start);
    let shown: Vec<Shown<'_>> =
        rest.by_ref().take(limit).map(|line| Shown { line, state: line.stands(now).as_str() }).collect();
    let next = rest.next().map(|_| params.next(&Cursor::new((start + limit).to_string())));
    listing::list(&state, &headers, &Rows::of(&shown)?, next.as_deref())
}

/// The rules, where they are known.
pub(crate) fn known(state: &AppState) -> Result<Vec<RuleLine>, Problem> {
    let missing = || Problem::new(Kind::NotKnownYet, "the rules are not known here yet; try again");
    state.live.rules().ok_or_else(missing)
}
