//! `POST /api/v1/observations`: where scripts and collectors send what they see. What lives here: who may send, how much,
//! and how the outcome is told. What does not: what an observation means; behind [`Intake`] the controller's sources
//! decide that, and keep the newest.

use axum::Json;
use axum::extract::{Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use evenkeel_core::{Secret, SourceId};
use jiff::Timestamp;
use serde::Serialize;
use tracing::{info, warn};

use crate::body;
use crate::problem::{Kind, Problem};
use crate::routes::Routes;
use crate::state::AppState;
use crate::token;

const PATH: &str = "/api/v1/observations";

/// The largest body that is read, in bytes.
pub const LARGEST_BODY: usize = 10 * 1024 * 1024;

/// One sender's inbox, as the door sees it.
pub trait Intake: Send + Sync {
    /// Which source its observations become.
    fn source(&self) -> &SourceId;

    /// What the sender shows to be let in.
    fn token(&self) -> &Secret;

    /// Takes a body in. `lines`: the sender says that it is one value per line.
    ///
    /// # Errors
    /// Where nothing of it can be taken.
    fn accept(&self, body: &[u8], lines: bool, now: Timestamp) -> Result<Receipt, Rejection>;
}

/// What became of a body of which something was taken, or was known already. Everything in it is accounted for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Receipt {
    /// Observations that are now the newest of their host.
    pub accepted: usize,
    /// Observations that are not newer than what is known, and were passed over.
    pub duplicates: usize,
    /// Those of the accepted that were understood in part only.
    pub partial: Vec<Remark>,
    /// Those that were not taken.
    pub refused: Vec<Remark>,
}

/// Something to be said about one observation of a body.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Remark {
    /// Its line, or its place in the list, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub reason: String,
}

/// Why nothing of a body was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rejection {
    /// There is too much of it.
    TooLarge(String),
    /// It cannot be read as JSON, or holds nothing.
    NotJson(String),
    /// Each observation in it was refused, for a reason of its own.
    Refused(Vec<Remark>),
}

/// The one route, which takes nothing but `POST`.
pub(crate) fn routes() -> Routes {
    Routes::new().route(PATH, post(take).fallback(only_post))
}

async fn take(State(state): State<AppState>, request: Request) -> Result<Response, Problem> {
    state.live.role().takes()?;
    let intakes = state.live.intakes();
    if intakes.is_empty() {
        let detail = "nobody may send observations here: the configuration has no [[push]]";
        return Err(Problem::new(Kind::NotFound, detail));
    }
    let (parts, body) = request.into_parts();
    // Before a byte of the body is read: whoever has no token gets no memory.
    let Some(intake) = token::owner(&parts.headers, &intakes, |intake| intake.token()).cloned() else {
        return Ok(token::unauthorized("send the token of a [[push]] as `Authorization: Bearer …`"));
    };
    let lines = is_lines(&parts.headers);
    let body = body::read(&parts.headers, body, LARGEST_BODY, "send fewer observations at once").await?;
    let source = intake.source().clone();
    let now = state.live.now();
    // Megabytes of JSON take a while: not on a thread that serves others.
    let accepted = tokio::task::spawn_blocking(move || intake.accept(&body, lines, now)).await;
    match accepted {
        Ok(Ok(receipt)) => {
            let (refused, partial) = (receipt.refused.len(), receipt.partial.len());
            if refused + partial > 0 {
                warn!(%source, accepted = receipt.accepted, partial, refused, "observations were not all understood");
            } else {
                info!(%source, accepted = receipt.accepted, duplicates = receipt.duplicates, "observations arrived");
            }
            Ok((StatusCode::ACCEPTED, Json(receipt)).into_response())
        }
        Ok(Err(rejection)) => {
            let problem = rejected(rejection);
            warn!(%source, detail = problem.detail(), "observations were refused");
            Err(problem)
        }
        Err(_) => Err(Problem::new(Kind::Internal, "the observations could not be taken in")),
    }
}

fn rejected(rejection: Rejection) -> Problem {
    match rejection {
        Rejection::TooLarge(detail) => Problem::new(Kind::TooLarge, detail),
        Rejection::NotJson(detail) => Problem::new(Kind::NotJson, detail),
        Rejection::Refused(remarks) => {
            let detail = match remarks.as_slice() {
                [only] => format!("the observation cannot be taken: {}", only.reason),
                several => format!("none of the {} observations can be taken", several.len()),
            };
            Problem::new(Kind::Refused, detail).with_refused(remarks)
        }
    }
}

fn is_lines(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    matches!(
        kind.as_str(),
        "application/jsonl" | "application/x-ndjson" | "application/ndjson" | "application/json-lines"
    )
}

async fn only_post(method: Method) -> Response {
    body::only_post(PATH, "takes observations in", &method)
}
