//! `GET /api/v1/openapi.json`: the API, described for programs (OpenAPI 3.1). What lives here: the frame of the document. What
//! does not: which operations there are (`operations`), what their answers look like (`schemas`), and the page people read
//! (`page::api`). Tests hold it against the routes and against real answers.

mod bodies;
mod operation;
mod operations;
mod schemas;
mod shape;

use std::sync::LazyLock;

use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::{Map, Value, json};

use crate::headers::{entity_tag, has_already};
use crate::routes::Routes;
use crate::state::AppState;

use operation::Place;
pub(crate) use operation::{Body, Needs, Operation, Param};

/// Where the document is.
pub(crate) const PATH: &str = "/api/v1/openapi.json";

static OPERATIONS: LazyLock<Vec<Operation>> = LazyLock::new(operations::operations);

/// Every operation, in the order in which people read about them.
pub(crate) fn all() -> &'static [Operation] {
    &OPERATIONS
}

/// The one route.
pub(crate) fn routes() -> Routes {
    Routes::new().route(PATH, get(serve))
}

async fn serve(State(state): State<AppState>, headers: HeaderMap) -> Response {
    let body = document(state.allowed_hosts.base()).to_string();
    let tag = entity_tag(body.as_bytes());
    // It changes with the version only; whoever has it asks whether that is still so.
    let lasting = [(CACHE_CONTROL, "no-cache"), (ETAG, tag.as_str())];
    if has_already(&headers, &tag) {
        return (StatusCode::NOT_MODIFIED, lasting).into_response();
    }
    (lasting, [(CONTENT_TYPE, "application/json")], body).into_response()
}

/// The document, for an API that is found below this path.
pub(crate) fn document(base: &str) -> Value {
    let mut paths = Map::new();
    for operation in all() {
        let path = paths.entry(operation.path).or_insert_with(|| json!({}));
        path[operation.method] = described(operation);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "evenkeel",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "What should exist, what does exist, and what differs.",
            "description": "Whatever is refused or fails is answered with a problem (RFC 9457). \
                `coverage.complete: false` says that not everything could be looked at: an empty list is no good news then.",
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "servers": [{ "url": if base.is_empty() { "/" } else { base } }],
        "tags": tags(),
        "paths": paths,
        "components": {
            "schemas": schemas::all(),
            "responses": { "Problem": {
                "description": "Why not, and what to do about it.",
                "headers": {
                    "Retry-After": { "description": "After how many seconds it may work.", "schema": { "type": "integer" } }
                },
                "content": { "application/problem+json": { "schema": schema("Problem") } }
            } },
            "securitySchemes": {
                "token": { "type": "http", "scheme": "bearer",
                    "description": "A token (`[[access.token]]`, or of a `[[remediation.approver]]`) whose role reaches." },
                "session": { "type": "apiKey", "in": "cookie", "name": "evenkeel-session",
                    "description": "Somebody who is signed in." },
                "push": { "type": "http", "scheme": "bearer", "description": "The token of a `[[push]]`." },
                "netbox": { "type": "apiKey", "in": "header", "name": "X-Hook-Signature",
                    "description": "The hexadecimal HMAC-SHA512 of the body, with `netbox.webhook_secret`." },
            },
        },
    })
}

fn tags() -> Vec<Value> {
    let mut names: Vec<&str> = Vec::new();
    for operation in all() {
        if !names.contains(&operation.tag) {
            names.push(operation.tag);
        }
    }
    names.into_iter().map(|name| json!({ "name": name })).collect()
}

/// A reference to a schema of the document.
fn schema(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

fn described(operation: &Operation) -> Value {
    let Operation {
        method: _,
        path: _,
        id,
        tag,
        what,
        params,
        body,
        status,
        answer,
        tagged,
        problems,
        needs,
    } = operation;
    let mut responses = Map::new();
    let mut good = json!({ "description": "As asked for.", "content": answer.content() });
    if *tagged {
        good["headers"] = json!({ "ETag": { "schema": { "type": "string" },
            "description": "Send it back as `If-None-Match`." } });
        responses.insert("304".to_owned(), json!({ "description": "As you have it." }));
    }
    responses.insert(status.to_string(), good);
    for status in problems {
        responses.insert(status.to_string(), json!({ "$ref": "#/components/responses/Problem" }));
    }
    let mut described = json!({
        "operationId": id, "tags": [tag], "summary": what, "responses": responses,
        "parameters": params.iter().map(parameter).collect::<Vec<_>>(),
    });
    if let Some(body) = body {
        described["requestBody"] = json!({ "required": body.required, "content": body.content() });
    }
    described["security"] = match needs {
        Needs::Nothing => json!([]),
        Needs::Role(_) => json!([{}, { "token": [] }, { "session": [] }]),
        Needs::Credential(name) => json!([{ *name: [] }]),
    };
    described
}

fn parameter(param: &Param) -> Value {
    let Param { name, place, what, schema } = param;
    let mut shown = json!({ "name": name, "in": place.as_str(), "description": what, "schema": schema });
    match place {
        Place::Path => shown["required"] = json!(true),
        Place::Query if schema["type"] == "array" => {
            shown["style"] = json!("form");
            shown["explode"] = json!(true);
        }
        Place::Query | Place::Header => {}
    }
    shown
}

#[cfg(test)]
mod tests;
