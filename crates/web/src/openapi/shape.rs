//! Short ways to write a schema down. Not here: which ones there are.

use serde_json::{Map, Value, json};

use super::schema;

pub(super) fn text() -> Value {
    json!({ "type": "string" })
}

pub(super) fn moment() -> Value {
    json!({ "type": "string", "format": "date-time" })
}

pub(super) fn number() -> Value {
    json!({ "type": "integer", "minimum": 0 })
}

pub(super) fn flag() -> Value {
    json!({ "type": "boolean" })
}

pub(super) fn uuid() -> Value {
    json!({ "type": "string", "format": "uuid" })
}

pub(super) fn word<'a>(all: impl IntoIterator<Item = &'a str>) -> Value {
    json!({ "type": "string", "enum": all.into_iter().collect::<Vec<_>>() })
}

pub(super) fn list(of: Value) -> Value {
    json!({ "type": "array", "items": of })
}

/// It, or null.
pub(super) fn or_null(mut of: Value) -> Value {
    match of.get("type").and_then(Value::as_str).map(str::to_owned) {
        Some(kind) if of.get("enum").is_none() => {
            of["type"] = json!([kind, "null"]);
            of
        }
        Some(_) | None => json!({ "anyOf": [of, { "type": "null" }] }),
    }
}

/// An object with these keys, all of them there.
pub(super) fn object<const N: usize>(keys: [(&str, Value); N]) -> Value {
    with_some(keys, [])
}

/// An object with these keys, and some that may be missing.
pub(super) fn with_some<const N: usize, const M: usize>(
    keys: [(&str, Value); N],
    some: [(&str, Value); M],
) -> Value {
    let required: Vec<String> = keys.iter().map(|(key, _)| (*key).to_owned()).collect();
    let properties: Map<String, Value> =
        keys.into_iter().chain(some).map(|(key, shape)| (key.to_owned(), shape)).collect();
    json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": false })
}

/// The same with the keys that stand around every answer.
pub(super) fn framed(mut shape: Value) -> Value {
    if let Some(properties) = shape["properties"].as_object_mut() {
        properties.insert("as_of".to_owned(), moment());
        properties.insert("coverage".to_owned(), schema("Coverage"));
        properties.insert("follows".to_owned(), schema("Follows"));
    }
    if let Some(required) = shape["required"].as_array_mut() {
        required.extend([json!("as_of"), json!("coverage")]);
    }
    shape
}
