//! `/api/v1/journal`: what was decided and done. Not here: noting anything.

use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use evenkeel_core::{EventId, Subject};
use evenkeel_store::{JournalFilter, JournalKind, JournalLine, JournalRow};
use uuid::Uuid;

use super::listing::{self, Rows};
use super::params::Params;
use super::spelled;
use crate::problem::Problem;
use crate::state::AppState;

const FILTERS: [&str; 5] = ["kind", "host", "handle", "event", "since"];

/// Journal rows, newest first.
pub(super) async fn list(
    State(state): State<AppState>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let params = Params::of("journal", &uri, &FILTERS)?;
    let event = match params.one("event")? {
        None => None,
        Some(text) => match Uuid::try_parse(text) {
            Ok(uuid) => Some(EventId(uuid)),
            Err(_) => return Err(Problem::bad_value("event", text, &["an event's id, a UUID"])),
        },
    };
    let read = |text: &str| JournalKind::parse(&text.to_ascii_lowercase());
    let host = params.one("host")?.map(|name| spelled(state.live.as_ref(), name));
    let filter = JournalFilter {
        kinds: params.many("kind", read, &JournalKind::ALL.map(JournalKind::as_str))?,
        subject: host.map(Subject::Host),
        event,
        drift_key: None,
        handle: params.one("handle")?.map(str::to_ascii_uppercase),
        since: params.moment("since")?,
    };
    let page = state.store.journal(&filter, params.cursor()?, params.limit()?).await?;
    let shown: Vec<JournalLine<'_>> = page.rows.iter().map(JournalRow::line).collect();
    let next = page.next.map(|cursor| params.next(&cursor));
    listing::list(&state, &headers, &Rows::of(&shown)?, next.as_deref())
}
