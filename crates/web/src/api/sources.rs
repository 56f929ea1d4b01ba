//! `/api/v1/sources`: who is asked, who answers, and how old the answers are. Not here: how they are asked.

use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use evenkeel_store::Cursor;
use jiff::Timestamp;
use serde::Serialize;

use super::listing::{self, Rows};
use super::params::Params;
use crate::problem::Problem;
use crate::state::{AppState, SourceStatus};

/// A source with the age of its newest complete answer.
#[derive(Serialize)]
pub(super) struct Aged<'a> {
    #[serde(flatten)]
    status: &'a SourceStatus,
    /// `None` before the first complete answer.
    age_seconds: Option<i64>,
}

impl<'a> Aged<'a> {
    pub(super) fn new(status: &'a SourceStatus, now: Timestamp) -> Self {
        // A clock that was set back makes an answer look as if it came from the future: it is new, not negative.
        let age = |at: Timestamp| now.duration_since(at).as_secs().max(0);
        Self { status, age_seconds: status.complete_at.map(age) }
    }
}

/// Sources, in the order of the configuration, NetBox first.
pub(super) async fn list(
    State(state): State<AppState>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let params = Params::of("sources", &uri, &[])?;
    state.live.role().knows()?;
    let all = state.live.sources();
    // Sources come and go only with the configuration: a place by number is a place.
    let from = params.cursor()?.map_or(Ok(0), |cursor| cursor.as_str().parse()).unwrap_or(all.len());
    let to = from.saturating_add(params.limit()? as usize).min(all.len());
    let page = all.get(from..to).unwrap_or_default();
    let next = (to < all.len()).then(|| params.next(&Cursor::new(to.to_string())));
    let now = state.live.now();
    let aged: Vec<Aged<'_>> = page.iter().map(|status| Aged::new(status, now)).collect();
    listing::list(&state, &headers, &Rows::of(&aged)?.lasting(&page)?, next.as_deref())
}
