//! `/api/v1/events`: the history, each event in exactly its canonical form. Not here: what that form is (core).

use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use evenkeel_core::{Event, EventId, ServiceName, Transition};
use evenkeel_store::EventFilter;
use uuid::Uuid;

use super::listing::{self, Rows};
use super::params::Params;
use super::{Named, named, spelled};
use crate::problem::{Kind, Problem, quoted};
use crate::state::{AppState, Live};

pub(super) const FILTERS: [&str; 8] =
    ["type", "severity", "host", "service", "transition", "handle", "since", "until"];

const TRANSITIONS: [Transition; 5] = [
    Transition::Opened,
    Transition::Reopened,
    Transition::Changed,
    Transition::Resolved,
    Transition::Reminder,
];

/// Events, newest first.
pub(super) async fn list(
    State(state): State<AppState>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let params = Params::of("events", &uri, &FILTERS)?;
    let filter = filter(&params, state.live.as_ref())?;
    let page = state.store.events(&filter, params.cursor()?, params.limit()?).await?;
    let events: Vec<&Event> = page.rows.iter().map(|row| &row.event).collect();
    let next = page.next.map(|cursor| params.next(&cursor));
    listing::list(&state, &headers, &Rows::of(&events)?, next.as_deref())
}

pub(super) fn filter(params: &Params, live: &dyn Live) -> Result<EventFilter, Problem> {
    let transition = |text: &str| TRANSITIONS.into_iter().find(|t| t.as_str().eq_ignore_ascii_case(text));
    let filter = EventFilter {
        types: params.types()?,
        severities: params.severities()?,
        transitions: params.many("transition", transition, &TRANSITIONS.map(Transition::as_str))?,
        host: params.one("host")?.map(|name| spelled(live, name)),
        service: params.one("service")?.map(ServiceName::new),
        handle: params.one("handle")?.map(str::to_ascii_uppercase),
        since: params.moment("since")?,
        until: params.moment("until")?,
    };
    if let (Some(since), Some(until)) = (filter.since, filter.until)
        && since >= until
    {
        let detail = format!("parameter `until`: {until} is not after `since` ({since})");
        return Err(Problem::new(Kind::BadParameter, detail));
    }
    Ok(filter)
}

/// One event and nothing around it: it is what it was when it was decided, whatever can be seen now.
pub(super) async fn one(
    State(state): State<AppState>,
    headers: HeaderMap,
    id: Named,
) -> Result<Response, Problem> {
    let id = named(id)?;
    let unknown = || Problem::new(Kind::NotFound, format!("no event {} is kept", quoted(&id)));
    let Ok(uuid) = Uuid::try_parse(&id) else {
        let detail = format!("{} is no event id; an id is a UUID (0193f2b0-…)", quoted(&id));
        return Err(Problem::new(Kind::NotFound, detail));
    };
    let stored = state.store.event(EventId(uuid)).await?.ok_or_else(unknown)?;
    listing::bare(&headers, &stored.event)
}
