//! The engine's JSON, read leniently: an unknown word stays a word, and a field of an odd type is a field not read.
//! What lives here: only the fields that are used. There is no field for environment or command lines, so they cannot
//! go anywhere. What does not: their meaning; that is `decode`'s and `restarts`'.

mod lenient;
mod list;
#[cfg(any(test, fuzzing))]
pub(super) mod plain;

use evenkeel_core::{Gap, GapKind};
use serde::Deserialize;
use serde::de::Deserializer;
use serde_json::Value;

pub(super) use list::{Container, List, Networks, list, short};

/// Reads a JSON body; `what` names it in the gap.
pub(super) fn parse<'de, T: Deserialize<'de>>(body: &'de [u8], what: &str) -> Result<T, Gap> {
    serde_json::from_slice(body).map_err(|error| {
        // serde's text may quote a value of the body; only its category and place are passed on.
        let (line, column) = (error.line(), error.column());
        match error.classify() {
            serde_json::error::Category::Eof => {
                Gap::new(GapKind::Truncated, format!("{what} ends early, at line {line} column {column}"))
            }
            serde_json::error::Category::Io
            | serde_json::error::Category::Syntax
            | serde_json::error::Category::Data => Gap::new(
                GapKind::Malformed,
                format!("{what} is not the JSON expected, at line {line} column {column}"),
            ),
        }
    })
}

/// `GET /version`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Version {
    #[serde(deserialize_with = "lenient")]
    pub(super) version: Option<String>,
    #[serde(deserialize_with = "lenient")]
    pub(super) api_version: Option<String>,
    #[serde(deserialize_with = "lenient")]
    pub(super) os: Option<String>,
    /// Podman counts its containers differently from how it lists them.
    #[serde(rename = "Components", deserialize_with = "has_podman")]
    pub(super) is_podman: bool,
}

fn has_podman<'de, D: Deserializer<'de>>(components: D) -> Result<bool, D::Error> {
    let components = Value::deserialize(components)?;
    let parts = components.as_array().map(Vec::as_slice).unwrap_or_default();
    Ok(parts.iter().filter_map(|part| part.get("Name")?.as_str()).any(|name| name.starts_with("Podman")))
}

/// `GET /info`: who the engine is and how many containers it counts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Info {
    #[serde(rename = "ID", deserialize_with = "lenient")]
    pub(super) id: Option<String>,
    #[serde(rename = "Name", deserialize_with = "lenient")]
    pub(super) name: Option<String>,
    #[serde(rename = "Containers", deserialize_with = "lenient")]
    pub(super) containers: Option<u64>,
}

/// `GET /containers/{id}/json`, as far as restarts go.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Inspect {
    #[serde(deserialize_with = "lenient")]
    pub(super) restart_count: Option<u64>,
    pub(super) state: InspectState,
}

/// The part of an inspection that says how the last run began and ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct InspectState {
    #[serde(deserialize_with = "lenient")]
    pub(super) started_at: Option<String>,
    #[serde(deserialize_with = "lenient")]
    pub(super) exit_code: Option<i64>,
    #[serde(rename = "OOMKilled", deserialize_with = "lenient")]
    pub(super) oom_killed: Option<bool>,
}

/// One line of `GET /events`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct EventLine {
    #[serde(rename = "Type", deserialize_with = "lenient")]
    pub(super) kind: Option<String>,
    #[serde(deserialize_with = "lenient")]
    pub(super) action: Option<String>,
    pub(super) actor: EventActor,
}

/// Whom an event concerns.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct EventActor {
    #[serde(rename = "ID", deserialize_with = "lenient")]
    pub(super) id: Option<String>,
    pub(super) attributes: EventAttributes,
}

/// The two attributes that are read; the others are the container's labels.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct EventAttributes {
    #[serde(deserialize_with = "lenient")]
    pub(super) name: Option<String>,
    #[serde(rename = "exitCode", deserialize_with = "lenient")]
    pub(super) exit_code: Option<String>,
}

/// The body of an error.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Refusal {
    #[serde(deserialize_with = "lenient")]
    pub(super) message: Option<String>,
}

/// The value where it has the expected type; otherwise none, instead of an error for the whole.
fn lenient<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: serde::de::DeserializeOwned,
{
    let value = Value::deserialize(deserializer)?;
    Ok(T::deserialize(value).ok())
}
