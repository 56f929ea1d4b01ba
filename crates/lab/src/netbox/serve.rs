//! The simulated NetBox's HTTP: connections, routes, faults. Everything is read, and journal entries are written, as
//! evenkeel does.
//!
//! What does not live here: the lists themselves (`list`), and what a token may do (`tokens`).

use std::io;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use axum::body::to_bytes;
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use hyper::body::Incoming;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use hyper::http::request::Parts;
use hyper::{Method, Request, Response, StatusCode};
use serde_json::{Value, json};

use super::Shared;
use super::filter::BadRequest;
use super::journal;
use super::limits::Aftermath;
use super::list;
use super::state::{Kind, State};
use super::tokens;
use super::version::NetboxVersion;
use crate::fault::Fault;
use crate::query::pairs;

/// gunicorn cuts the request line here.
const LONGEST_REQUEST_LINE: usize = 4094;

/// Django's own limit, 2.5 MB.
const LARGEST_BODY: usize = 2_621_440;

pub(super) type Body = axum::body::Body;

/// What is answered, before faults.
pub(super) struct Reply {
    status: StatusCode,
    html: bool,
    body: Vec<u8>,
    /// A list, whose rows faults can damage.
    list: Option<Value>,
}

impl Reply {
    pub(super) fn json(status: StatusCode, value: &Value) -> Self {
        Self { status, html: false, body: value.to_string().into_bytes(), list: None }
    }

    pub(super) fn detail(status: StatusCode, text: &str) -> Self {
        Self::json(status, &json!({"detail": text}))
    }

    pub(super) fn forbidden() -> Self {
        Self::detail(StatusCode::FORBIDDEN, "You do not have permission to perform this action.")
    }

    fn page(status: StatusCode, title: &str) -> Self {
        let body =
            format!("\n\n<!DOCTYPE html>\n<html lang=\"en\"><head><title>{title}</title></head></html>\n");
        Self { status, html: true, body: body.into_bytes(), list: None }
    }

    fn of_list(value: Value) -> Self {
        Self { list: Some(value.clone()), ..Self::json(StatusCode::OK, &value) }
    }
}

/// Answers one request. An error closes the connection without an answer.
pub(super) async fn answer(
    shared: Arc<Shared>,
    request: Request<Incoming>,
) -> Result<Response<Body>, io::Error> {
    shared.requests.fetch_add(1, Ordering::Relaxed);
    let path = request.uri().path().to_owned();
    let target = request.uri().path_and_query().map(ToString::to_string).unwrap_or_default();
    shared.log.lock().unwrap_or_else(PoisonError::into_inner).push(target.clone());
    let fault = shared.faults.of(&path);
    match &fault {
        Some(Fault::Reset) => return Err(io::Error::from(io::ErrorKind::ConnectionReset)),
        Some(Fault::Hang) => std::future::pending::<()>().await,
        Some(Fault::Slow(wait)) => tokio::time::sleep(*wait).await,
        Some(
            Fault::Status(_)
            | Fault::EmptyList
            | Fault::Truncated
            | Fault::Malformed
            | Fault::DuplicateRow
            | Fault::ResetMidStream,
        )
        | None => {}
    }
    let (parts, body) = request.into_parts();
    let body = to_bytes(Body::new(body), LARGEST_BODY).await.map_err(io::Error::other)?;
    let reply = match &fault {
        // Before anything is done: a write that fails so has not happened.
        Some(Fault::Status(status)) => error(*status, shared.netbox.lock().version),
        Some(_) | None => reply(&shared, &parts, &body, &target),
    };
    if reply.status == StatusCode::CREATED {
        let aftermath = shared.netbox.lock().aftermath;
        match aftermath {
            Aftermath::Answered => {}
            Aftermath::Lost => return Err(io::Error::from(io::ErrorKind::ConnectionReset)),
            Aftermath::Silence => std::future::pending::<()>().await,
        }
    }
    let version = shared.netbox.lock().version;
    let (reply, cut) = damage(reply, fault.as_ref(), version);
    shared.bytes.fetch_add(reply.body.len() as u64, Ordering::Relaxed);
    respond(reply, cut, version)
}

fn respond(reply: Reply, cut: bool, version: NetboxVersion) -> Result<Response<Body>, io::Error> {
    let kind = if reply.html { "text/html; charset=utf-8" } else { "application/json" };
    let mut response = Response::builder().status(reply.status).header(CONTENT_TYPE, kind);
    // 4.2 names its version in answers to writes only.
    if version >= NetboxVersion::V4_5 {
        response = response.header("api-version", format!("4.{}", version.minor()));
    }
    if reply.status == StatusCode::TOO_MANY_REQUESTS {
        response = response.header("retry-after", "0");
    }
    let body = if cut {
        let half = Bytes::from(reply.body[..reply.body.len() / 2].to_vec());
        // Cut only once the first half is on its way; an error at once would take the headers with it.
        let cut = async {
            tokio::task::yield_now().await;
            Err::<Bytes, _>(io::Error::other("cut"))
        };
        Body::from_stream(stream::once(async { Ok(half) }).chain(stream::once(cut)))
    } else {
        Body::from(reply.body)
    };
    response.body(body).map_err(io::Error::other)
}

/// What a fault makes of an answer; `true` where the connection ends in the middle of it.
fn damage(reply: Reply, fault: Option<&Fault>, version: NetboxVersion) -> (Reply, bool) {
    let damaged = match fault {
        None | Some(Fault::Reset | Fault::Hang | Fault::Slow(_)) => reply,
        Some(Fault::ResetMidStream) => return (reply, true),
        Some(Fault::Status(status)) => error(*status, version),
        Some(Fault::Malformed) => {
            Reply { body: b"{\"count\": 14, \"next\": <html>".to_vec(), list: None, ..reply }
        }
        Some(Fault::EmptyList) => match reply.list {
            Some(_) => Reply::of_list(json!({"count": 0, "next": null, "previous": null, "results": []})),
            None => reply,
        },
        Some(Fault::Truncated) => match reply.list {
            Some(mut list) => {
                if let Some(rows) = list["results"].as_array_mut() {
                    rows.truncate(rows.len() / 2);
                }
                list["next"] = Value::Null;
                Reply::of_list(list)
            }
            None => Reply { body: reply.body[..reply.body.len() / 2].to_vec(), ..reply },
        },
        Some(Fault::DuplicateRow) => match reply.list {
            Some(mut list) => {
                if let Some(rows) = list["results"].as_array_mut()
                    && let Some(first) = rows.first().cloned()
                {
                    rows.insert(0, first);
                    let count = list["count"].as_u64().unwrap_or(0) + 1;
                    list["count"] = json!(count);
                }
                Reply::of_list(list)
            }
            None => reply,
        },
    };
    (damaged, false)
}

/// NetBox's own way to fail with this status.
fn error(status: u16, version: NetboxVersion) -> Reply {
    let code = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    match status {
        500 => Reply::json(
            code,
            &json!({
                "error": "the connection is closed", "exception": "OperationalError",
                "netbox_version": version.full(), "python_version": "3.12.1"
            }),
        ),
        403 => Reply::forbidden(),
        404 => Reply::page(code, "Page Not Found"),
        429 => Reply::detail(code, "Request was throttled."),
        _ => Reply::page(code, "Server Error"),
    }
}

fn reply(shared: &Shared, request: &Parts, body: &[u8], target: &str) -> Reply {
    if target.len() + "GET  HTTP/1.1".len() > LONGEST_REQUEST_LINE {
        return Reply::page(StatusCode::BAD_REQUEST, "Bad Request");
    }
    let mut state = shared.netbox.lock();
    let path = request.uri.path();
    let path = path.strip_prefix("/netbox").unwrap_or(path);
    let Some(path) = path.strip_prefix("/api/") else {
        return Reply::page(StatusCode::NOT_FOUND, "Page Not Found");
    };
    let header = request.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token = match tokens::authenticate(state.version, header) {
        Ok(token) => token,
        Err(detail) => return Reply::detail(StatusCode::FORBIDDEN, detail),
    };
    let host = request.headers.get(HOST).and_then(|value| value.to_str().ok()).unwrap_or("netbox");
    let base = format!("http://{host}/");
    if path == Kind::Journal.path(state.version) {
        match request.method {
            Method::POST => return journal::post(&mut state, token, body, &base),
            Method::OPTIONS => return journal::options(&state, token),
            _ => {}
        }
    }
    if request.method != Method::GET {
        let text = format!("Method \"{}\" not allowed.", request.method);
        return Reply::detail(StatusCode::METHOD_NOT_ALLOWED, &text);
    }
    let query =
        if state.ignores_queries { Vec::new() } else { pairs(request.uri.query().unwrap_or_default()) };
    route(&state, path, &query, &base)
}

fn route(state: &State, path: &str, query: &list::Query, base: &str) -> Reply {
    match path {
        "status/" => return Reply::json(StatusCode::OK, &status(state.version)),
        "authentication-check/" if state.version >= NetboxVersion::V4_5 => {
            return Reply::json(
                StatusCode::OK,
                &json!({
                    "id": 1, "url": format!("{base}api/users/users/1/"),
                    "display_url": format!("{base}users/users/1/"), "display": "admin", "username": "admin",
                    "first_name": "", "last_name": "", "email": "admin@example.test", "is_active": true,
                    "date_joined": "2026-11-21T00:49:32.737510Z", "last_login": null, "groups": [], "permissions": []
                }),
            );
        }
        _ => {}
    }
    let kinds =
        Kind::ALL.into_iter().filter(|kind| *kind != Kind::Mac || state.version > NetboxVersion::V4_0);
    for kind in kinds {
        let Some(rest) = path.strip_prefix(kind.path(state.version)) else {
            continue;
        };
        if state.denied.contains(kind.content_type()) {
            return Reply::forbidden();
        }
        if rest.is_empty() {
            return match list::page(state, kind, query, base) {
                Ok(page) => Reply::of_list(page),
                Err(BadRequest(body)) => Reply::json(StatusCode::BAD_REQUEST, &body),
            };
        }
        if let Some(Ok(id)) = rest.strip_suffix('/').map(str::parse::<u64>) {
            return match list::detail(state, kind, id, query, base) {
                Some(row) => Reply::json(StatusCode::OK, &row),
                None => {
                    let text = format!("No {} matches the given query.", kind.model_name());
                    Reply::detail(StatusCode::NOT_FOUND, &text)
                }
            };
        }
    }
    Reply::page(StatusCode::NOT_FOUND, "Page Not Found")
}

fn status(version: NetboxVersion) -> Value {
    let apps = json!({"django_filters": "25.2", "rest_framework": "3.16.1"});
    let mut status = json!({
        "django-version": "5.2.10", "netbox-version": version.full(), "plugins": {}, "python-version": "3.12.1",
        "rq-workers-running": 1
    });
    if version < NetboxVersion::V4_5 {
        status["installed-apps"] = apps;
    } else {
        status["installed_apps"] = apps;
        status["hostname"] = json!("netbox");
        status["netbox-full-version"] = json!(version.full());
    }
    status
}
