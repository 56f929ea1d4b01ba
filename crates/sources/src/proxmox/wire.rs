//! Proxmox VE's JSON, read leniently: 0/1 and true/false, numbers as text, an unknown word stays a word. What lives
//! here: only the fields that are used. What does not: their meaning; that is `decode`'s, `details`' and `rights`'.

use evenkeel_core::{Gap, GapKind};
use serde_json::{Map, Value};

/// The `data` of a body; `what` names it in the gap.
pub(super) fn data(body: &[u8], what: &str) -> Result<Value, Gap> {
    let whole: Value = serde_json::from_slice(body).map_err(|error| {
        // serde's text may quote a value of the body; only its category and place are passed on.
        let (line, column) = (error.line(), error.column());
        if error.is_eof() {
            Gap::new(GapKind::Truncated, format!("{what} ends early, at line {line} column {column}"))
        } else {
            Gap::new(GapKind::Malformed, format!("{what} is not json, at line {line} column {column}"))
        }
    })?;
    match whole {
        Value::Object(mut map) => map.remove("data"),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => None,
    }
    .ok_or_else(|| Gap::new(GapKind::Malformed, format!("{what} holds no data; is this proxmox ve?")))
}

/// What an error's body says: its message, and the parameters it complains about.
pub(super) fn complaint(body: &Value) -> String {
    let mut words: Vec<String> =
        body.get("message").and_then(Value::as_str).map(str::to_owned).into_iter().collect();
    for (name, what) in body.get("errors").and_then(Value::as_object).into_iter().flatten() {
        if let Some(what) = what.as_str() {
            words.push(format!("{name}: {}", what.trim()));
        }
    }
    words.join("; ")
}

/// Rows that could be read, and what is wrong with the others.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct List<T> {
    pub(super) rows: Vec<T>,
    /// Phrases: a row without an identity, a row of an unknown kind.
    pub(super) odd: Vec<String>,
}

/// Reads a list row by row; `read` says what is wrong with a row.
pub(super) fn list<T>(
    data: &Value,
    what: &str,
    read: impl Fn(&Row<'_>) -> Result<Option<T>, String>,
) -> Result<List<T>, Gap> {
    let Some(values) = data.as_array() else {
        return Err(Gap::new(GapKind::Malformed, format!("{what} is not a list")));
    };
    let mut list = List { rows: Vec::with_capacity(values.len()), odd: Vec::new() };
    for value in values {
        match value
            .as_object()
            .map(Row)
            .ok_or_else(|| "a row is no object".to_owned())
            .and_then(|row| read(&row))
        {
            Ok(Some(row)) => list.rows.push(row),
            Ok(None) => {}
            Err(odd) => list.odd.push(odd),
        }
    }
    Ok(list)
}

/// One object, field by field. `None` says that the field is absent, null, or not of the kind asked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row<'a>(pub(super) &'a Map<String, Value>);

impl Row<'_> {
    /// A text that is not empty.
    pub(super) fn text(&self, key: &str) -> Option<String> {
        match self.0.get(key)? {
            Value::String(text) if !text.trim().is_empty() => Some(text.trim().to_owned()),
            Value::Number(number) => Some(number.to_string()),
            Value::Null | Value::Bool(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => None,
        }
    }

    /// A whole number, also where it is written as text or with a fraction of nothing.
    pub(super) fn whole(&self, key: &str) -> Option<u64> {
        match self.0.get(key)? {
            Value::Number(number) => number.as_u64().or_else(|| whole_of(number.as_f64()?)),
            Value::String(text) => {
                let text = text.trim();
                text.parse().ok().or_else(|| whole_of(text.parse().ok()?))
            }
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
        }
    }

    /// A number.
    pub(super) fn number(&self, key: &str) -> Option<f64> {
        let number = match self.0.get(key)? {
            Value::Number(number) => number.as_f64()?,
            Value::String(text) => text.trim().parse().ok()?,
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => return None,
        };
        number.is_finite().then_some(number)
    }

    /// A switch: 0/1, true/false, in quotes or not.
    pub(super) fn flag(&self, key: &str) -> Option<bool> {
        flag_of(self.0.get(key)?)
    }

    /// Whether the field is there and not null.
    pub(super) fn has(&self, key: &str) -> bool {
        self.0.get(key).is_some_and(|value| !value.is_null())
    }
}

/// A switch by itself.
pub(super) fn flag_of(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(flag) => Some(*flag),
        Value::Number(number) if number.as_u64() == Some(0) => Some(false),
        Value::Number(number) if number.as_u64() == Some(1) => Some(true),
        Value::String(text) => match text.trim() {
            "0" | "false" => Some(false),
            "1" | "true" => Some(true),
            _ => None,
        },
        Value::Null | Value::Number(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

fn whole_of(number: f64) -> Option<u64> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked in the condition")]
    let whole = (number.fract() == 0.0 && (0.0..9.0e15).contains(&number)).then_some(number as u64);
    whole
}

/// A row of `type=node`.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct NodeRow {
    pub(super) node: String,
    pub(super) status: Option<String>,
    pub(super) cpu: Option<f64>,
    pub(super) maxcpu: Option<u64>,
    pub(super) mem: Option<u64>,
    pub(super) maxmem: Option<u64>,
    /// Seconds since it was switched on.
    pub(super) uptime: Option<u64>,
}

/// A row of `type=storage`.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct StorageRow {
    pub(super) node: String,
    pub(super) storage: String,
    pub(super) status: Option<String>,
    pub(super) shared: bool,
    pub(super) disk: Option<u64>,
    pub(super) maxdisk: Option<u64>,
}

/// Qemu or LXC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum GuestKind {
    Qemu,
    Lxc,
}

impl GuestKind {
    /// As in paths and keys.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Qemu => "qemu",
            Self::Lxc => "lxc",
        }
    }
}

/// A row of `type=vm`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct GuestRow {
    pub(super) kind: GuestKind,
    pub(super) vmid: u64,
    pub(super) node: Option<String>,
    pub(super) name: Option<String>,
    pub(super) status: Option<String>,
    /// `None`: something stands there that is no switch.
    pub(super) template: Option<bool>,
    pub(super) lock: Option<String>,
    pub(super) tags: Option<String>,
    pub(super) pool: Option<String>,
    pub(super) hastate: Option<String>,
    pub(super) cpu: Option<f64>,
    pub(super) maxcpu: Option<u64>,
    pub(super) mem: Option<u64>,
    pub(super) maxmem: Option<u64>,
    /// Seconds since it was started.
    pub(super) uptime: Option<u64>,
}

impl GuestRow {
    /// The key of the machine: `qemu/100`.
    pub(super) fn key(&self) -> String {
        format!("{}/{}", self.kind.as_str(), self.vmid)
    }
}

/// Reads the answer to `type=node`.
pub(super) fn nodes(data: &Value, what: &str) -> Result<List<NodeRow>, Gap> {
    list(data, what, |row| {
        let node = row.text("node").ok_or("a node has no name")?;
        Ok(Some(NodeRow {
            node,
            status: row.text("status"),
            cpu: row.number("cpu"),
            maxcpu: row.whole("maxcpu"),
            mem: row.whole("mem"),
            maxmem: row.whole("maxmem"),
            uptime: row.whole("uptime"),
        }))
    })
}

/// Reads the answer to `type=storage`.
pub(super) fn storages(data: &Value, what: &str) -> Result<List<StorageRow>, Gap> {
    list(data, what, |row| {
        let storage = row.text("storage").ok_or("a storage has no name")?;
        let node = row.text("node").ok_or_else(|| format!("storage {} is on no node", short(&storage)))?;
        Ok(Some(StorageRow {
            node,
            storage,
            status: row.text("status"),
            shared: row.flag("shared").unwrap_or(false),
            disk: row.whole("disk"),
            maxdisk: row.whole("maxdisk"),
        }))
    })
}

/// Reads the answer to `type=vm`.
pub(super) fn guests(data: &Value, what: &str) -> Result<List<GuestRow>, Gap> {
    list(data, what, |row| guest(row).map(Some))
}

fn guest(row: &Row<'_>) -> Result<GuestRow, String> {
    let vmid = row.whole("vmid").ok_or("a guest has no vmid")?;
    let kind = match row.text("type").as_deref() {
        Some("qemu") => GuestKind::Qemu,
        Some("lxc") => GuestKind::Lxc,
        Some(other) => return Err(format!("guest {vmid} is of the unknown kind `{}`", short(other))),
        None => return Err(format!("guest {vmid} is of no kind")),
    };
    let mut template = row.flag("template");
    if !row.has("template") {
        template = Some(false);
    }
    Ok(GuestRow {
        kind,
        vmid,
        node: row.text("node"),
        name: row.text("name"),
        status: row.text("status"),
        template,
        // A word, whatever it is; the simulator that others use sends an empty one for none.
        lock: row.text("lock"),
        tags: row.text("tags"),
        pool: row.text("pool"),
        hastate: row.text("hastate"),
        cpu: row.number("cpu"),
        maxcpu: row.whole("maxcpu"),
        mem: row.whole("mem"),
        maxmem: row.whole("maxmem"),
        uptime: row.whole("uptime"),
    })
}

/// What `/cluster/status` says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ClusterStatus {
    /// The cluster's name; a node by itself is in none.
    pub(super) name: Option<String>,
    pub(super) quorate: Option<bool>,
    /// Nodes and the addresses they talk to each other under.
    pub(super) addresses: Vec<(String, String)>,
}

/// Reads the answer to `/cluster/status`.
pub(super) fn cluster_status(data: &Value, what: &str) -> Result<ClusterStatus, Gap> {
    let mut status = ClusterStatus::default();
    let Some(rows) = data.as_array() else {
        return Err(Gap::new(GapKind::Malformed, format!("{what} is not a list")));
    };
    for row in rows.iter().filter_map(Value::as_object).map(Row) {
        match row.text("type").as_deref() {
            Some("cluster") => {
                status.name = row.text("name");
                status.quorate = row.flag("quorate");
            }
            Some("node") => {
                if let (Some(name), Some(ip)) = (row.text("name"), row.text("ip")) {
                    status.addresses.push((name, ip));
                }
            }
            Some(_) | None => {}
        }
    }
    Ok(status)
}

/// A foreign word for a phrase.
pub(super) fn short(word: &str) -> String {
    word.chars().filter(|c| !c.is_control()).take(40).collect()
}
