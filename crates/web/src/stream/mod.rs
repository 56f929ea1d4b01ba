//! `GET /api/v1/stream`: what happens, as it happens (server-sent events). What lives here: who gets a place, from where on
//! they read. What does not: where events come from (`tail`), and what one reader gets (`reader`).

mod line;
mod reader;
mod tail;

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONNECTION};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Uri};
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures_util::{StreamExt as _, stream};

use crate::access::Caller;
use crate::api::Params;
use crate::problem::{Kind, Problem, quoted};
use crate::routes::Routes;
use crate::serve::{Closing, Place};
use crate::state::AppState;
use line::Wanted;
use reader::Reader;
use tail::Tail;

/// How many read at once. Each has a connection, and a process has a thousand files open unless somebody allows it more.
pub(crate) const STREAMS: usize = 640;

/// After so long a reader has to say again who they are.
const AGAIN: Duration = Duration::from_secs(300);

const FILTERS: [&str; 4] = ["type", "severity", "host", "after"];

/// Where a reader that comes back says which event it had last.
const LAST: HeaderName = HeaderName::from_static("last-event-id");

/// Keeps proxies (nginx and those who learnt from it) from collecting what should go out at once.
const BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// The one route.
pub(crate) fn routes(state: &AppState) -> Routes {
    let tail = Arc::new(Tail::new(state.store.clone(), state.live.clone()));
    Routes::new().route("/api/v1/stream", get(open).layer(Extension(tail)))
}

async fn open(
    State(state): State<AppState>,
    caller: Caller,
    Extension(tail): Extension<Arc<Tail>>,
    closing: Option<Extension<Closing>>,
    place: Option<Extension<Place>>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let params = Params::only("stream", &uri, &FILTERS)?;
    let wanted = Wanted {
        types: params.types()?,
        severities: params.severities()?,
        host: params.one("host")?.map(|name| crate::api::spelled(state.live.as_ref(), name)),
    };
    let from = match last(&headers)? {
        Some(seq) => Some(seq),
        None => params.one("after")?.map(|text| number("parameter `after`", text)).transpose()?,
    };
    let Ok(permit) = tail.place() else {
        let detail = format!("{STREAMS} read the stream already; try again, or ask for /api/v1/events");
        return Err(Problem::new(Kind::Busy, detail));
    };
    let running = tail.join().await?;
    let closing = closing.map(|Extension(closing)| closing);
    let reader = Reader::open(running, state.store.clone(), from, wanted, closing, permit).await?;
    // From here on it is among the readers, and no page has to wait for it.
    if let Some(Extension(place)) = place {
        place.leave();
    }
    let events = stream::unfold(reader, |mut reader| async move {
        let event = reader.next().await?;
        Some((Ok::<Event, Infallible>(event), reader))
    });
    // Whoever logged out, or whose token was taken back, reads on no longer than this. A reader comes back by itself and
    // resumes where it was.
    let again = if caller.is_named() { AGAIN } else { Duration::MAX };
    let events = events.fuse().take_until(tokio::time::sleep(again));
    let mut response = Sse::new(events).into_response();
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store, no-transform"));
    headers.insert(BUFFERING, HeaderValue::from_static("no"));
    // The connection has given its place away.
    headers.insert(CONNECTION, HeaderValue::from_static("close"));
    Ok(response)
}

/// The event the reader had last. An empty one is none: that is what a browser has before the first.
fn last(headers: &HeaderMap) -> Result<Option<u64>, Problem> {
    let Some(value) = headers.get(LAST) else {
        return Ok(None);
    };
    match value.to_str().map(str::trim) {
        Ok("") => Ok(None),
        Ok(text) => number("header `Last-Event-ID`", text).map(Some),
        Err(_) => Err(Problem::new(Kind::BadParameter, "header `Last-Event-ID` is not text")),
    }
}

fn number(what: &str, text: &str) -> Result<u64, Problem> {
    text.parse().map_err(|_| {
        let detail =
            format!("{what}: {} is not accepted; it takes the `id` of an event of this stream", quoted(text));
        Problem::new(Kind::BadParameter, detail)
    })
}
