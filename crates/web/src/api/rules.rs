//! `/api/v1/rules`: every rule that was decided, whoever decided it wherever, with what it covers. Not here: changing one.

use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use serde::Serialize;

use super::listing::{self, Rows};
use crate::problem::{Kind, Problem, quoted};
use crate::silences::{RuleKind, RuleLine};
use crate::state::AppState;

/// A rule as the API shows it.
#[derive(Serialize)]
struct Shown<'a> {
    #[serde(flatten)]
    line: &'a RuleLine,
    state: &'static str,
}

/// Every rule: they are as many as a person wrote, so there are no pages.
pub(super) async fn list(
    State(state): State<AppState>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let kinds = kinds(&uri)?;
    let lines = known(&state)?;
    let now = state.live.now();
    let wanted = |line: &&RuleLine| kinds.is_empty() || kinds.contains(&line.kind);
    let shown: Vec<Shown<'_>> =
        lines.iter().filter(wanted).map(|line| Shown { line, state: line.stands(now).as_str() }).collect();
    listing::list(&state, &headers, &Rows::of(&shown)?, None)
}

/// The rules, where they are known.
pub(crate) fn known(state: &AppState) -> Result<Vec<RuleLine>, Problem> {
    let missing = || Problem::new(Kind::NotKnownYet, "the rules are not known here yet; try again");
    state.live.rules().ok_or_else(missing)
}

fn kinds(uri: &Uri) -> Result<Vec<RuleKind>, Problem> {
    let pairs = axum::extract::Query::<Vec<(String, String)>>::try_from_uri(uri);
    let unreadable =
        |_| Problem::new(Kind::BadParameter, "the query is not of the form `name=value&name=value`");
    let mut kinds = Vec::new();
    for (name, value) in pairs.map_err(unreadable)?.0 {
        if name != "kind" {
            let detail = format!("{} is no parameter here; accepted: kind", quoted(&name));
            return Err(Problem::new(Kind::BadParameter, detail));
        }
        for word in value.split(',') {
            let kind = RuleKind::parse(word.trim());
            let accepted = RuleKind::ALL.map(RuleKind::as_str);
            kinds.push(kind.ok_or_else(|| Problem::bad_value("kind", word, &accepted))?);
        }
    }
    Ok(kinds)
}
