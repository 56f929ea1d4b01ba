//! `/api/v1/deliveries`: what was, is being or could not be sent. Not here: sending, and sending again.

use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use evenkeel_core::EventId;
use evenkeel_store::{DeliveryFilter, DeliveryRow, DeliveryState};
use jiff::Timestamp;
use serde::Serialize;
use uuid::Uuid;

use super::listing::{self, Rows};
use super::params::Params;
use crate::problem::Problem;
use crate::state::AppState;

const FILTERS: [&str; 3] = ["state", "sink", "event"];

/// A delivery as the API shows it: all but the message, which is the event in the sink's form.
#[derive(Serialize)]
struct Shown<'a> {
    id: u64,
    sink: &'a str,
    event: EventId,
    drift_id: &'a str,
    state: &'static str,
    attempts: u32,
    created_at: Timestamp,
    due_at: Timestamp,
    claimed_at: Option<Timestamp>,
    settled_at: Option<Timestamp>,
    first_error: Option<&'a str>,
    last_error: Option<&'a str>,
}

impl<'a> Shown<'a> {
    fn new(row: &'a DeliveryRow) -> Self {
        Self {
            id: row.id,
            sink: &row.sink,
            event: row.event,
            drift_id: &row.drift_key,
            state: row.state.as_str(),
            attempts: row.attempts,
            created_at: row.created_at,
            due_at: row.due_at,
            claimed_at: row.claimed_at,
            settled_at: row.settled_at,
            first_error: row.first_error.as_deref(),
            last_error: row.last_error.as_deref(),
        }
    }
}

/// Deliveries, newest first.
pub(super) async fn list(
    State(state): State<AppState>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let params = Params::of("deliveries", &uri, &FILTERS)?;
    let event = match params.one("event")? {
        None => None,
        Some(text) => match Uuid::try_parse(text) {
            Ok(uuid) => Some(EventId(uuid)),
            Err(_) => return Err(Problem::bad_value("event", text, &["an event's id, a UUID"])),
        },
    };
    let read = |text: &str| DeliveryState::parse(&text.to_ascii_lowercase());
    let filter = DeliveryFilter {
        states: params.many("state", read, &["pending", "delivered", "dead"])?,
        sink: params.one("sink")?.map(str::to_owned),
        event,
        drift_key: None,
    };
    let page = state.store.deliveries(&filter, params.cursor()?, params.limit()?).await?;
    let shown: Vec<Shown<'_>> = page.rows.iter().map(Shown::new).collect();
    let next = page.next.map(|cursor| params.next(&cursor));
    listing::list(&state, &headers, &Rows::of(&shown)?, next.as_deref())
}
