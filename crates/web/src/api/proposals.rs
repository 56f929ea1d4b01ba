//! `/api/v1/proposals`: what is proposed, what became of it, and what persons decide about it. Not here: what follows; the
//! controller decides that.

use axum::Json;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, Uri};
use axum::response::{IntoResponse, Response};
use evenkeel_core::Subject;
use evenkeel_core::remediation::{Phase, ProposalLine, State as ProposalState};
use evenkeel_store::{ProposalFilter, ProposalRow};

use super::listing::{self, Rows};
use super::params::Params;
use super::{Named, named, repairs, spelled};
use crate::body;
use crate::problem::{Kind, Problem, quoted};
use crate::repairs::Decision;
use crate::state::AppState;

const FILTERS: [&str; 5] = ["state", "phase", "host", "drift", "action"];

/// Proposals, newest first.
pub(super) async fn list(
    State(state): State<AppState>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let params = Params::of("proposals", &uri, &FILTERS)?;
    let word = |text: &str| ProposalState::WORDS.into_iter().find(|word| word.eq_ignore_ascii_case(text));
    let phase = |text: &str| Phase::parse(&text.to_ascii_lowercase());
    let host = params.one("host")?.map(|name| spelled(state.live.as_ref(), name));
    let states = params.many("state", word, &ProposalState::WORDS)?;
    let filter = ProposalFilter {
        phases: params.many("phase", phase, &Phase::ALL.map(Phase::as_str))?,
        states: states.into_iter().map(str::to_owned).collect(),
        subject: host.map(|host| Subject::Host(host).to_string()),
        drift_key: params.one("drift")?.map(str::to_owned),
        action: params.one("action")?.map(str::to_owned),
        key: None,
    };
    let page = state.store.proposals(&filter, params.cursor()?, params.limit()?).await?;
    let shown: Vec<ProposalLine> = page.rows.iter().map(|row| ProposalLine::from(&row.proposal)).collect();
    let next = page.next.map(|cursor| params.next(&cursor));
    listing::list(&state, &headers, &Rows::of(&shown)?, next.as_deref())
}

/// One proposal, by its key or its handle.
pub(super) async fn one(
    State(state): State<AppState>,
    headers: HeaderMap,
    key: Named,
) -> Result<Response, Problem> {
    let key = named(key)?;
    let filter = ProposalFilter { key: Some(key.to_ascii_uppercase()), ..ProposalFilter::default() };
    let found: Vec<ProposalRow> = state.store.proposals(&filter, None, 2).await?.rows;
    match found.as_slice() {
        [one] => {
            let line = ProposalLine::from(&one.proposal);
            listing::one(&state, &headers, &line, &line)
        }
        [] => Err(Problem::new(Kind::NotFound, format!("there is no proposal {}", quoted(&key)))),
        [..] => {
            let detail = format!("{} begins the keys of several proposals; give the whole key", quoted(&key));
            Err(Problem::new(Kind::Conflict, detail))
        }
    }
}

/// A person consents.
pub(super) async fn approve(
    State(state): State<AppState>,
    key: Named,
    request: Request,
) -> Result<Response, Problem> {
    decide(&state, key, Decision::Approve, request).await
}

/// A person declines.
pub(super) async fn reject(
    State(state): State<AppState>,
    key: Named,
    request: Request,
) -> Result<Response, Problem> {
    decide(&state, key, Decision::Reject, request).await
}

async fn decide(
    state: &AppState,
    key: Named,
    decision: Decision,
    request: Request,
) -> Result<Response, Problem> {
    let key = named(key)?;
    let (desk, said) = match repairs::heard(state, request).await? {
        Ok(heard) => heard,
        Err(unauthorized) => return Ok(unauthorized),
    };
    let line = desk.decide(&key, decision, &said.by, &said.reason).await?;
    Ok(Json(line).into_response())
}

/// The answer to whoever does not send.
pub(super) async fn only_post(method: Method) -> Response {
    body::only_post("/api/v1/proposals/…", "takes a decision", &method)
}
