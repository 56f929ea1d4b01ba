//! The document is held against the routes and against the examples of the reference, which are real answers.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use evenkeel_core::HostName;
use evenkeel_store::SqliteStore;
use evenkeel_store::sqlite::Options;
use serde_json::Value;
use tower::ServiceExt;

use super::{all, document};
use crate::{Access, AppState, HostPolicy, HostStatus, Live, Peer, SourceStatus};

const REFERENCE: &str = include_str!("../../../../docs/reference/api.md");

struct Nothing;

impl Live for Nothing {
    fn hosts(&self) -> Vec<HostStatus> {
        Vec::new()
    }

    fn host(&self, _: &HostName) -> Option<HostStatus> {
        None
    }

    fn sources(&self) -> Vec<SourceStatus> {
        Vec::new()
    }

    fn metrics(&self) -> String {
        String::new()
    }
}

async fn state() -> AppState {
    let store = Arc::new(SqliteStore::in_memory(Options::default()).await.unwrap());
    let allowed_hosts = HostPolicy::bound_to([127, 0, 0, 1].into(), std::iter::empty::<&str>());
    AppState { store, live: Arc::new(Nothing), allowed_hosts, access: Arc::new(Access::local()) }
}

#[tokio::test]
async fn every_route_is_in_the_document_and_the_other_way_round() {
    let state = state().await;
    let routed: BTreeSet<&str> = crate::for_programs(&state).paths().iter().copied().collect();
    let documented: BTreeSet<&str> = all().iter().map(|operation| operation.path).collect();
    assert_eq!(routed, documented);
    let router = crate::router(state);
    for path in routed {
        for method in ["get", "post", "put", "patch", "delete"] {
            let is_documented = all().iter().any(|one| one.path == path && one.method == method);
            let uri = path.replace(['{', '}'], "");
            let request = Request::builder().method(method.to_uppercase().as_str()).uri(uri);
            let request = request.header("host", "localhost").extension(Peer([127, 0, 0, 1].into()));
            let request = request.body(Body::empty()).unwrap();
            let status = router.clone().oneshot(request).await.unwrap().status();
            assert_eq!(status != StatusCode::METHOD_NOT_ALLOWED, is_documented, "{method} {path}: {status}");
        }
    }
}

#[test]
fn the_table_of_the_reference_names_the_same_operations() {
    for operation in all() {
        let named = match operation.method {
            "get" => format!("`{}`", operation.path),
            method => format!("`{} {}`", method.to_uppercase(), operation.path),
        };
        assert!(REFERENCE.contains(&named), "docs/reference/api.md has no {named}");
    }
    let rows = REFERENCE.lines().filter(|line| line.starts_with("| [`"));
    let known = |path: &str| all().iter().any(|operation| operation.path == path);
    for row in rows {
        for code in row.split('`').skip(1).step_by(2) {
            let path = code.strip_prefix("POST ").unwrap_or(code);
            assert!(known(path), "docs/reference/api.md has {path}, which the document has not");
        }
    }
}

#[test]
fn every_reference_leads_somewhere_and_every_operation_has_a_name_of_its_own() {
    let document = document("/keel");
    assert_eq!(document["servers"][0]["url"], "/keel");
    let mut names = BTreeSet::new();
    assert!(all().iter().all(|operation| names.insert(operation.id)));
    walk(&document, &mut |value| {
        if let Some(path) = value["$ref"].as_str() {
            assert!(document.pointer(path.trim_start_matches('#')).is_some(), "{path}");
        }
    });
}

fn walk(value: &Value, look: &mut impl FnMut(&Value)) {
    look(value);
    match value {
        Value::Object(object) => object.values().for_each(|value| walk(value, look)),
        Value::Array(array) => array.iter().for_each(|value| walk(value, look)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn the_examples_of_the_reference_have_the_shapes_of_the_document() {
    let document = document("");
    let mut held = 0;
    for part in REFERENCE.split("```http\nGET ").skip(1) {
        let (address, rest) = part.split_once('\n').unwrap();
        let example = rest.split_once("```json\n").unwrap().1.split_once("```").unwrap().0;
        let example: Value = serde_json::from_str(example).unwrap();
        let path = address.split('?').next().unwrap();
        let operation =
            all().iter().find(|operation| operation.method == "get" && fits(operation.path, path));
        let operation = operation.unwrap_or_else(|| panic!("{path} is not in the document"));
        let responses = &document["paths"][operation.path]["get"]["responses"];
        let schema = match example["status"].as_u64() {
            Some(status) if example["type"].is_string() => {
                assert!(!responses[status.to_string()].is_null(), "{address} may not answer {status}");
                document["components"]["responses"]["Problem"]["content"]["application/problem+json"]["schema"].clone()
            }
            _ => responses["200"]["content"]["application/json"]["schema"].clone(),
        };
        if let Err(why) = holds(&document, &schema, &example) {
            panic!("GET {address}: {why}");
        }
        held += 1;
    }
    assert!(held >= 10, "{held}");
}

fn fits(pattern: &str, path: &str) -> bool {
    let (pattern, path): (Vec<_>, Vec<_>) = (pattern.split('/').collect(), path.split('/').collect());
    pattern.len() == path.len()
        && pattern.iter().zip(path).all(|(one, other)| one.starts_with('{') || *one == other)
}

/// As much of JSON Schema as the document uses.
fn holds(document: &Value, schema: &Value, value: &Value) -> Result<(), String> {
    if let Some(path) = schema["$ref"].as_str() {
        let schema = document.pointer(path.trim_start_matches('#')).unwrap();
        return holds(document, schema, value).map_err(|why| format!("{path}: {why}"));
    }
    for part in schema["allOf"].as_array().into_iter().flatten() {
        holds(document, part, value)?;
    }
    if let Some(any) = schema["anyOf"].as_array() {
        let said: Vec<String> = any.iter().filter_map(|one| holds(document, one, value).err()).collect();
        return if said.len() < any.len() { Ok(()) } else { Err(said.join("; ")) };
    }
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let is_kind = match &schema["type"] {
        Value::String(one) => one == kind,
        Value::Array(some) => some.iter().any(|one| one == kind),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => true,
    };
    if !is_kind {
        return Err(format!("{value} is no {}", schema["type"]));
    }
    if let Some(words) = schema["enum"].as_array()
        && !words.contains(value)
    {
        return Err(format!("{value} is none of {words:?}"));
    }
    for item in value.as_array().into_iter().flatten() {
        holds(document, &schema["items"], item)?;
    }
    let Some(object) = value.as_object() else { return Ok(()) };
    for key in schema["required"].as_array().into_iter().flatten() {
        if !object.contains_key(key.as_str().unwrap()) {
            return Err(format!("{key} is missing"));
        }
    }
    for (key, value) in object {
        match schema["properties"].get(key) {
            Some(schema) => holds(document, schema, value).map_err(|why| format!("{key}: {why}"))?,
            None if schema["additionalProperties"] == false => return Err(format!("{key} is not named")),
            None => {}
        }
    }
    Ok(())
}
