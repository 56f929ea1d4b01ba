//! NetBox's JSON, as far as it is asked for. Tolerant: everything but the id may be missing or null, unknown keys and
//! values are no error.
//!
//! Foreign types never leave this folder. What does not live here: what a row means (`rows`).

use std::sync::Arc;

use serde::de::{Deserializer, Error as _};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value};

/// A page of a list. The three keys must be there: a JSON object that lacks them is not a NetBox list, and an absent
/// `next` must not read as "that was all".
#[derive(Debug, Deserialize)]
struct RawPage<R> {
    #[serde(deserialize_with = "Option::deserialize")]
    count: Option<u64>,
    #[serde(deserialize_with = "Option::deserialize")]
    next: Option<String>,
    results: Vec<R>,
}

/// A page, its rows each understood or not.
#[derive(Debug)]
pub(super) struct Page<W> {
    pub(super) count: Option<u64>,
    pub(super) more: bool,
    pub(super) rows: Vec<Parsed<W>>,
}

/// A row: always with its id, understood or not.
#[derive(Debug)]
pub(super) struct Parsed<W> {
    pub(super) id: u64,
    /// The row, or what is wrong with it together with what could be read of it.
    pub(super) row: Result<W, (String, Value)>,
}

/// A row type of the wire.
pub(super) trait Wire: DeserializeOwned {
    fn id(&self) -> u64;
}

/// Reads a page. The fast way first; only a page that holds a row which cannot be understood is taken apart row by
/// row, so that the others are not lost.
pub(super) fn page<W: Wire>(body: &[u8]) -> Result<Page<W>, String> {
    if let Ok(RawPage { count, next, results }) = serde_json::from_slice::<RawPage<W>>(body) {
        let rows = results.into_iter().map(|row| Parsed { id: row.id(), row: Ok(row) }).collect();
        return Ok(Page { count, more: next.is_some(), rows });
    }
    let RawPage { count, next, results } =
        serde_json::from_slice::<RawPage<Value>>(body).map_err(|error| format!("not a list: {error}"))?;
    let rows: Result<Vec<_>, String> = results.into_iter().map(parse_row).collect();
    Ok(Page { count, more: next.is_some(), rows: rows? })
}

fn parse_row<W: Wire>(value: Value) -> Result<Parsed<W>, String> {
    let Some(id) = value.get("id").and_then(Value::as_u64) else {
        return Err("a row without an id".to_owned());
    };
    let row = W::deserialize(&value).map_err(|error| (error.to_string(), value));
    Ok(Parsed { id, row })
}

/// A choice: `"active"` or `{"value": "active", "label": "Active"}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Choice(pub(super) Arc<str>);

impl<'de> Deserialize<'de> for Choice {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::String(text) => Ok(Self(text.into())),
            Value::Object(map) => match map.get("value") {
                Some(Value::String(text)) => Ok(Self(text.as_str().into())),
                Some(_) | None => Err(D::Error::custom("a choice without a value")),
            },
            other @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_)) => {
                Err(D::Error::custom(format!("`{other}` is not a choice")))
            }
        }
    }
}

/// A nested object.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Ref {
    pub(super) id: u64,
    pub(super) name: Option<Arc<str>>,
    pub(super) slug: Option<Arc<str>>,
}

/// A nested IP address.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct IpRef {
    pub(super) id: u64,
    pub(super) address: Option<Arc<str>>,
}

/// A device or a virtual machine.
#[derive(Debug, Deserialize)]
pub(super) struct Host {
    pub(super) id: u64,
    pub(super) name: Option<Arc<str>>,
    pub(super) status: Option<Choice>,
    pub(super) site: Option<Ref>,
    pub(super) cluster: Option<Ref>,
    /// Virtual machines only: the node it is pinned to.
    pub(super) device: Option<Ref>,
    pub(super) role: Option<Ref>,
    pub(super) tenant: Option<Ref>,
    pub(super) primary_ip4: Option<IpRef>,
    pub(super) primary_ip6: Option<IpRef>,
    pub(super) vcpus: Option<f64>,
    pub(super) memory: Option<u64>,
    pub(super) disk: Option<u64>,
    pub(super) tags: Option<Vec<Ref>>,
    pub(super) custom_fields: Option<Map<String, Value>>,
    pub(super) config_context: Option<Value>,
}

/// A service, with its parent in the three shapes it has had and its ports in the two.
#[derive(Debug, Deserialize)]
pub(super) struct Service {
    pub(super) id: u64,
    pub(super) name: Option<Arc<str>>,
    pub(super) protocol: Option<Choice>,
    pub(super) ports: Option<Vec<u32>>,
    pub(super) port_mappings: Option<Vec<String>>,
    #[serde(flatten)]
    pub(super) parent: Parent,
    pub(super) tags: Option<Vec<Ref>>,
    pub(super) custom_fields: Option<Map<String, Value>>,
}

/// The keys that name a service's parent.
#[derive(Debug, Deserialize)]
pub(super) struct Parent {
    pub(super) parent_object_type: Option<Arc<str>>,
    pub(super) parent_object_id: Option<u64>,
    pub(super) device: Option<Ref>,
    pub(super) virtual_machine: Option<Ref>,
}

/// An IP address.
#[derive(Debug, Deserialize)]
pub(super) struct Ip {
    pub(super) id: u64,
    pub(super) address: Option<Arc<str>>,
    pub(super) vrf: Option<Ref>,
    pub(super) status: Option<Choice>,
    pub(super) role: Option<Choice>,
    pub(super) dns_name: Option<Arc<str>>,
    pub(super) assigned_object_type: Option<Arc<str>>,
    pub(super) assigned_object_id: Option<u64>,
}

/// An interface of a device or of a virtual machine.
#[derive(Debug, Deserialize)]
pub(super) struct Interface {
    pub(super) id: u64,
    pub(super) device: Option<Ref>,
    pub(super) virtual_machine: Option<Ref>,
    pub(super) mac_address: Option<Arc<str>>,
}

/// A MAC address as an object of its own (4.2 and later).
#[derive(Debug, Deserialize)]
pub(super) struct Mac {
    pub(super) id: u64,
    pub(super) mac_address: Option<Arc<str>>,
    pub(super) assigned_object_type: Option<Arc<str>>,
    pub(super) assigned_object_id: Option<u64>,
}

/// A row of the changelog.
#[derive(Debug, Deserialize)]
pub(super) struct Change {
    pub(super) id: u64,
    pub(super) time: jiff::Timestamp,
    pub(super) action: Choice,
    pub(super) changed_object_type: Arc<str>,
    pub(super) changed_object_id: u64,
}

/// A cluster.
#[derive(Debug, Deserialize)]
pub(super) struct Cluster {
    pub(super) id: u64,
    pub(super) name: Option<Arc<str>>,
    #[serde(rename = "type")]
    pub(super) kind: Option<Ref>,
}

/// Any row, where only its id or the list's count is of interest.
#[derive(Debug, Deserialize)]
pub(super) struct AnyRow {
    pub(super) id: u64,
}

macro_rules! wire {
    ($($row:ty)*) => {
        $(impl Wire for $row {
            fn id(&self) -> u64 {
                self.id
            }
        })*
    };
}
wire!(Host Service Ip Interface Mac Change Cluster AnyRow);

/// `status/`, as far as it is of interest.
#[derive(Debug, Deserialize)]
pub(super) struct Status {
    #[serde(rename = "netbox-version")]
    pub(super) version: String,
    #[serde(rename = "rq-workers-running")]
    pub(super) workers: Option<u64>,
}

/// The body of a refusal.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Refusal {
    pub(super) detail: Option<String>,
    pub(super) exception: Option<String>,
}
