//! Single values of foreign JSON, in whatever form they come. What does not live here: which values there are.

use evenkeel_core::{Gap, GapKind};
use serde_json::Value;

use super::Word;

/// A date of EJSON, as milliseconds since 1970.
pub(super) fn date(value: &Value) -> Option<i64> {
    value.get("$date").unwrap_or(value).as_i64()
}

/// A text that is not empty.
pub(in crate::truenas) fn text(value: &Value, key: &str) -> Word {
    value.get(key)?.as_str().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned)
}

/// A number, also one that is written as a text or with a fraction of zero.
pub(super) fn number(value: &Value) -> Option<u64> {
    match value {
        Value::String(text) => text.trim().parse().ok(),
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked just before")]
        Value::Number(number) => number.as_u64().or_else(|| {
            number.as_f64().filter(|n| n.fract() == 0.0 && (0.0..9e15).contains(n)).map(|n| n as u64)
        }),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

pub(super) fn flag(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(flag) => Some(*flag),
        Value::Number(number) => match number.as_u64() {
            Some(0) => Some(false),
            Some(1) => Some(true),
            _ => None,
        },
        Value::String(text) => match text.to_ascii_lowercase().as_str() {
            "true" | "1" => Some(true),
            "false" | "0" => Some(false),
            _ => None,
        },
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

pub(super) fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value.get(key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// A gap of an answer that cannot be understood.
pub(in crate::truenas) fn malformed(why: String) -> Gap {
    Gap::new(GapKind::Malformed, why)
}

/// A foreign text, fit for a phrase: one line, and not long.
pub(in crate::truenas) fn clipped(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(200).collect()
}
