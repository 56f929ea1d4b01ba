//! `/api/v1/events/export`: all events that fit, as a file, written while they are read. Not here: pages of them.

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::http::{HeaderValue, Uri};
use axum::response::{IntoResponse, Response};
use evenkeel_core::Event;
use evenkeel_store::{Cursor, EventFilter, Store};
use futures_util::{StreamExt, stream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::events::{FILTERS, filter};
use super::params::Params;
use crate::problem::{Kind, Problem};
use crate::state::AppState;

/// How many events are read at once.
const PAGE: u32 = 500;
/// How many exports are written at once.
const EXPORTS: usize = 4;

/// The columns of the table.
pub(crate) const COLUMNS: [&str; 11] = [
    "created_at",
    "event_type",
    "transition",
    "severity",
    "hostname",
    "service",
    "handle",
    "details",
    "source",
    "announce",
    "id",
];

/// In which form.
#[derive(Clone, Copy)]
enum Form {
    Lines,
    Table,
}

/// Who may write at the moment.
pub(super) type Places = Arc<Semaphore>;

pub(super) fn places() -> Places {
    Arc::new(Semaphore::new(EXPORTS))
}

/// Events, newest first, to the last one.
pub(super) async fn all(
    State(state): State<AppState>,
    axum::Extension(places): axum::Extension<Places>,
    uri: Uri,
) -> Result<Response, Problem> {
    let known: Vec<&str> = FILTERS.into_iter().chain(["format"]).collect();
    let params = Params::only("export", &uri, &known)?;
    let form = match params.one("format")? {
        None | Some("jsonl") => Form::Lines,
        Some("csv") => Form::Table,
        Some(other) => return Err(Problem::bad_value("format", other, &["jsonl", "csv"])),
    };
    let filter = filter(&params, state.live.as_ref())?;
    let Ok(place) = places.try_acquire_owned() else {
        let detail = format!("{EXPORTS} exports are being written; try again");
        return Err(Problem::new(Kind::Busy, detail));
    };
    let mut writing = Writing { store: state.store, filter, form, after: None, over: false, _place: place };
    // The first part before the answer begins: what fails now can still be said properly.
    let mut first = head(form)?;
    first.extend(writing.part().await?);
    let rest = stream::unfold(writing, |mut writing| async move {
        if writing.over {
            return None;
        }
        let part = writing.part().await.map(Bytes::from).map_err(|problem| {
            writing.over = true;
            // The connection is cut: a file that ends early must not look whole.
            std::io::Error::other(problem.detail().to_owned())
        });
        Some((part, writing))
    });
    let first = stream::once(std::future::ready(Ok::<_, std::io::Error>(Bytes::from(first))));
    let body = Body::from_stream(first.chain(rest).fuse());
    let (kind, name) = match form {
        Form::Lines => ("application/jsonl", "attachment; filename=\"evenkeel-events.jsonl\""),
        Form::Table => {
            ("text/csv; charset=utf-8; header=present", "attachment; filename=\"evenkeel-events.csv\"")
        }
    };
    let mut response = body.into_response();
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response.headers_mut().insert(CONTENT_DISPOSITION, HeaderValue::from_static(name));
    Ok(response)
}

fn head(form: Form) -> Result<Vec<u8>, Problem> {
    match form {
        Form::Lines => Ok(Vec::new()),
        Form::Table => table(|rows| rows.write_record(COLUMNS)),
    }
}

/// An export under way.
struct Writing {
    store: Arc<dyn Store>,
    filter: EventFilter,
    form: Form,
    after: Option<Cursor>,
    over: bool,
    _place: OwnedSemaphorePermit,
}

impl Writing {
    /// The next events, written.
    async fn part(&mut self) -> Result<Vec<u8>, Problem> {
        let page = self.store.events(&self.filter, self.after.take(), PAGE).await?;
        self.over = page.next.is_none();
        self.after = page.next;
        let events = page.rows.iter().map(|row| &row.event);
        match self.form {
            Form::Lines => {
                let mut lines = Vec::new();
                for event in events {
                    serde_json::to_writer(&mut lines, event)
                        .map_err(|error| Problem::new(Kind::Internal, error.to_string()))?;
                    lines.push(b'\n');
                }
                Ok(lines)
            }
            Form::Table => table(|rows| events.map(cells).try_for_each(|cells| rows.write_record(cells))),
        }
    }
}

fn table(
    write: impl FnOnce(&mut csv::Writer<Vec<u8>>) -> Result<(), csv::Error>,
) -> Result<Vec<u8>, Problem> {
    let mut rows = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    let internal = |why: String| Problem::new(Kind::Internal, why);
    write(&mut rows).map_err(|error| internal(error.to_string()))?;
    rows.into_inner().map_err(|error| internal(error.to_string()))
}

fn cells(event: &Event) -> [String; COLUMNS.len()] {
    let text = |text: Option<&str>| inert(text.unwrap_or_default());
    [
        event.created_at.to_string(),
        event.event_type.code().to_owned(),
        event.transition.as_str().to_owned(),
        event.severity.as_str().to_owned(),
        text(event.hostname.as_ref().map(|host| host.as_str())),
        text(event.service.as_ref().map(|service| service.as_str())),
        event.handle.clone(),
        inert(&event.details),
        inert(&event.source),
        event.announce.to_string(),
        event.id.to_string(),
    ]
}

/// A cell that a spreadsheet takes for text: names come from containers, and one may be a formula.
fn inert(text: &str) -> String {
    match text.chars().next() {
        Some('=' | '+' | '-' | '@' | '\t' | '\r') => format!("'{text}"),
        Some(_) | None => text.to_owned(),
    }
}
