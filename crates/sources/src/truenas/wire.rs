//! Foreign JSON, read leniently: an unknown word or a missing field costs that fact, never the list. Nothing of these
//! types leaves this folder. What does not live here: what the words mean (`decode`, `machines`).

mod read;

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};

use evenkeel_core::{Gap, GapKind};
use serde_json::Value;

pub(super) use self::read::{clipped, malformed, text};
use self::read::{date, flag, list, number};

/// The rows of a list that could be read, and how far that reaches.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Rows<T> {
    /// Those that could be read, each key once.
    pub(super) rows: Vec<T>,
    /// What is wrong with the list as a whole.
    pub(super) gap: Option<Gap>,
}

/// A row with a key that no other row has.
pub(super) trait Row: Sized + PartialEq {
    /// What people call such a row.
    const WHAT: &'static str;
    /// Reads one; `None` where it has no key.
    fn read(value: &Value) -> Option<Self>;
    /// Its key.
    fn key(&self) -> &str;
    /// Two rows have this key and differ: nothing is known of it but that it is there.
    fn doubt(&mut self);
}

/// Reads a list.
pub(super) fn rows<T: Row>(answer: &Value) -> Result<Rows<T>, Gap> {
    let list =
        answer.as_array().ok_or_else(|| malformed(format!("the answer is no list of {}s", T::WHAT)))?;
    let mut read: Vec<T> = Vec::with_capacity(list.len());
    // By key: a list that somebody made long is read in as many steps as it has rows.
    let mut places: HashMap<String, usize> = HashMap::with_capacity(list.len());
    let mut gap = None;
    for (place, value) in list.iter().enumerate() {
        let Some(row) = T::read(value) else {
            gap = Some(malformed(format!("{} number {} has no name", T::WHAT, place + 1)));
            continue;
        };
        match places.entry(row.key().to_owned()) {
            Entry::Vacant(place) => {
                place.insert(read.len());
                read.push(row);
            }
            Entry::Occupied(place) => {
                let first = &mut read[*place.get()];
                let why = format!("{} {} is listed twice", T::WHAT, clipped(row.key()));
                gap = Some(Gap::new(GapKind::Truncated, why));
                if *first != row {
                    first.doubt();
                }
            }
        }
    }
    Ok(Rows { rows: read, gap })
}

/// A word as the source says it, or that it says none.
pub(super) type Word = Option<String>;

/// An app of 24.10 and later, or a chart release of 24.04.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct App {
    pub(super) name: String,
    /// `RUNNING`, `ACTIVE`, …
    pub(super) state: Word,
    pub(super) version: Word,
    /// Host ports with their address, or what could not be understood.
    pub(super) ports: Result<Vec<HostPort>, String>,
    /// The ports of the addresses it offers to people.
    pub(super) portals: BTreeSet<u16>,
    pub(super) containers: Vec<Container>,
    pub(super) images: Vec<String>,
    pub(super) replicas: Option<u64>,
    /// Two rows contradict each other.
    pub(super) doubtful: bool,
}

/// One container of an app.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Container {
    pub(super) service: Word,
    pub(super) image: Word,
    pub(super) state: Word,
}

/// A published port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct HostPort {
    pub(super) number: u16,
    pub(super) protocol: String,
    pub(super) ip: String,
}

impl Row for App {
    const WHAT: &'static str = "app";

    fn read(value: &Value) -> Option<Self> {
        let name = text(value, "name").or_else(|| text(value, "id"))?;
        let load = value.get("active_workloads").unwrap_or(&Value::Null);
        let ports = match (load.get("used_ports"), value.get("used_ports")) {
            (Some(ports), _) => host_ports(ports),
            (None, Some(ports)) => node_ports(ports),
            (None, None) => Err("they are not told".to_owned()),
        };
        let available = |status: &Value| number(status.get("available")?);
        Some(Self {
            state: text(value, "state").or_else(|| text(value, "status")),
            version: text(value, "human_version"),
            ports,
            portals: portals(value.get("portals").unwrap_or(&Value::Null)),
            containers: list(load, "container_details").iter().map(container).collect(),
            images: list(load, "images")
                .iter()
                .filter_map(|image| Some(image.as_str()?.to_owned()))
                .collect(),
            replicas: load
                .get("containers")
                .and_then(number)
                .or_else(|| value.get("pod_status").and_then(available)),
            doubtful: false,
            name,
        })
    }

    fn key(&self) -> &str {
        &self.name
    }

    fn doubt(&mut self) {
        self.doubtful = true;
    }
}

fn container(value: &Value) -> Container {
    Container {
        service: text(value, "service_name"),
        image: text(value, "image"),
        state: text(value, "state"),
    }
}

/// `[{container_port, protocol, host_ports: [{host_port, host_ip}]}]`.
fn host_ports(ports: &Value) -> Result<Vec<HostPort>, String> {
    let mut found = Vec::new();
    for port in ports.as_array().ok_or("they are no list")? {
        let protocol = text(port, "protocol").unwrap_or_default();
        for host in port.get("host_ports").and_then(Value::as_array).ok_or("host_ports is no list")? {
            found.push(HostPort {
                number: port_number(host.get("host_port"))?,
                protocol: protocol.clone(),
                ip: text(host, "host_ip").unwrap_or_default(),
            });
        }
    }
    Ok(found)
}

/// `[{port, protocol}]`: Kubernetes publishes on every address.
fn node_ports(ports: &Value) -> Result<Vec<HostPort>, String> {
    ports
        .as_array()
        .ok_or("they are no list")?
        .iter()
        .map(|port| {
            Ok(HostPort {
                number: port_number(port.get("port"))?,
                protocol: text(port, "protocol").unwrap_or_default(),
                ip: String::new(),
            })
        })
        .collect()
}

fn port_number(value: Option<&Value>) -> Result<u16, String> {
    let number = value.and_then(number).and_then(|number| u16::try_from(number).ok()).filter(|n| *n != 0);
    number.ok_or_else(|| "a port is no port number".to_owned())
}

/// `{"Web UI": "http://0.0.0.0:30013/"}`, or with a list of addresses in 24.04.
fn portals(value: &Value) -> BTreeSet<u16> {
    let addresses = value.as_object().into_iter().flatten().flat_map(|(_, address)| match address {
        Value::Array(several) => several.as_slice(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => {
            std::slice::from_ref(address)
        }
    });
    addresses.filter_map(|address| url::Url::parse(address.as_str()?).ok()?.port_or_known_default()).collect()
}

/// A virtual machine, an Incus instance, a system container.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Guest {
    /// As text, whatever it is.
    pub(super) id: String,
    pub(super) name: Word,
    pub(super) state: Word,
    /// `CONTAINER` or `VM`, of an Incus instance.
    pub(super) kind: Word,
    pub(super) vcpus: Option<u64>,
    /// Incus' own form: a number, or a set of processors.
    pub(super) cpu: Word,
    pub(super) memory: Option<u64>,
    pub(super) macs: Vec<String>,
    pub(super) addresses: Option<Vec<String>>,
    pub(super) doubtful: bool,
}

impl Row for Guest {
    const WHAT: &'static str = "machine";

    fn read(value: &Value) -> Option<Self> {
        let id = match value.get("id")? {
            Value::String(text) if !text.is_empty() => text.clone(),
            Value::Number(number) => number.to_string(),
            Value::Null | Value::Bool(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => {
                return None;
            }
        };
        let status = value.get("status").unwrap_or(&Value::Null);
        let of = |key: &str| value.get(key).and_then(number);
        // libvirt multiplies the three; a container may have none of them.
        let vcpus = of("vcpus")
            .map(|n| n.saturating_mul(of("cores").unwrap_or(1)).saturating_mul(of("threads").unwrap_or(1)));
        let aliases = value.get("aliases").and_then(Value::as_array);
        Some(Self {
            name: text(value, "name"),
            state: status.as_str().map(str::to_owned).or_else(|| text(status, "state")),
            kind: text(value, "type"),
            vcpus,
            cpu: value
                .get("cpu")
                .and_then(|cpu| cpu.as_str().map(str::to_owned).or_else(|| Some(number(cpu)?.to_string()))),
            memory: of("memory"),
            macs: list(value, "devices").iter().filter_map(mac).collect(),
            addresses: aliases.map(|list| list.iter().filter_map(|alias| text(alias, "address")).collect()),
            doubtful: false,
            id,
        })
    }

    fn key(&self) -> &str {
        &self.id
    }

    fn doubt(&mut self) {
        self.doubtful = true;
    }
}

/// Only the address is kept: a device's attributes can hold a display's password.
fn mac(device: &Value) -> Option<String> {
    let attributes = device.get("attributes")?;
    let kind = text(device, "dtype").or_else(|| text(attributes, "dtype"))?;
    if kind == "NIC" { text(attributes, "mac") } else { None }
}

/// A pool.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Pool {
    pub(super) name: String,
    pub(super) status: Word,
    pub(super) healthy: Option<bool>,
    pub(super) size: Option<u64>,
    pub(super) allocated: Option<u64>,
    pub(super) doubtful: bool,
}

impl Row for Pool {
    const WHAT: &'static str = "pool";

    fn read(value: &Value) -> Option<Self> {
        Some(Self {
            name: text(value, "name")?,
            status: text(value, "status"),
            healthy: value.get("healthy").and_then(flag),
            size: value.get("size").and_then(number),
            allocated: value.get("allocated").and_then(number),
            doubtful: false,
        })
    }

    fn key(&self) -> &str {
        &self.name
    }

    fn doubt(&mut self) {
        self.doubtful = true;
    }
}

/// An alert.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Alert {
    pub(super) klass: String,
    pub(super) level: String,
    pub(super) text: String,
    pub(super) dismissed: bool,
}

/// The alerts that can be read; they are shown, and nothing is concluded from one that cannot.
pub(super) fn alerts(answer: &Value) -> Result<Vec<Alert>, Gap> {
    let list = answer.as_array().ok_or_else(|| malformed("the answer is no list of alerts".to_owned()))?;
    Ok(list
        .iter()
        .filter_map(|value| {
            Some(Alert {
                klass: text(value, "klass")?,
                level: text(value, "level")?,
                text: text(value, "formatted").or_else(|| text(value, "text"))?,
                dismissed: value.get("dismissed").and_then(flag).unwrap_or(false),
            })
        })
        .collect())
}

/// `system.info`.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Info {
    pub(super) version: Word,
    pub(super) hostname: Word,
    pub(super) cores: Option<u64>,
    /// Bytes.
    pub(super) memory: Option<u64>,
    /// Its clock, in milliseconds since 1970.
    pub(super) clock: Option<i64>,
}

impl Info {
    pub(super) fn read(answer: &Value) -> Self {
        Self {
            version: text(answer, "version"),
            hostname: text(answer, "hostname"),
            cores: answer.get("cores").and_then(number),
            memory: answer.get("physmem").and_then(number),
            clock: answer.get("datetime").and_then(date),
        }
    }
}

/// The apps that Docker's networks belong to.
pub(super) fn projects(answer: &Value) -> Option<(usize, BTreeSet<String>)> {
    let networks = answer.as_array()?;
    let app = |network: &Value| {
        let label = network.get("labels").and_then(|labels| text(labels, "com.docker.compose.project"));
        let project = label.or_else(|| text(network, "name"))?;
        // No app has an underscore in its name, and Compose puts one behind it.
        let app = project.strip_prefix("ix-")?.split('_').next()?;
        (!app.is_empty()).then(|| app.to_owned())
    };
    Some((networks.len(), networks.iter().filter_map(app).collect()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn anything() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            (0..5_u64).prop_map(Value::from),
            "[a-c]{0,2}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map("(id|name|state|status|healthy)", inner, 0..4)
                    .prop_map(|fields| Value::Object(fields.into_iter().collect())),
            ]
        })
    }

    fn loses_nothing_silently<T: Row>(answer: &Value) -> bool {
        match (rows::<T>(answer), answer.as_array()) {
            (Ok(rows), Some(list)) => rows.rows.len() == list.len() || rows.gap.is_some(),
            (Ok(_), None) => false,
            (Err(_), list) => list.is_none(),
        }
    }

    proptest! {
        #[test]
        fn a_row_that_is_left_out_leaves_a_gap(answer in anything()) {
            prop_assert!(loses_nothing_silently::<App>(&answer));
            prop_assert!(loses_nothing_silently::<Guest>(&answer));
            prop_assert!(loses_nothing_silently::<Pool>(&answer));
        }
    }

    #[test]
    fn rows_that_contradict_each_other_are_one_of_which_nothing_is_known() {
        let answer = json!([{"id": "a", "state": "RUNNING"}, {"id": "a", "state": "STOPPED"}]);
        let rows = rows::<App>(&answer).unwrap();
        assert!(rows.rows.len() == 1 && rows.rows[0].doubtful);
        assert_eq!(rows.gap.unwrap().kind, GapKind::Truncated);
    }

    #[test]
    fn networks_tell_the_apps_they_belong_to() {
        let networks = json!([
            {"name": "bridge", "labels": {}},
            {"name": "ix-plex_default", "labels": null},
            {"name": "x", "labels": {"com.docker.compose.project": "ix-home-assistant"}},
        ]);
        let (count, apps) = projects(&networks).unwrap();
        assert_eq!(
            (count, apps.into_iter().collect::<Vec<_>>()),
            (3, vec!["home-assistant".into(), "plex".to_owned()])
        );
        assert_eq!(projects(&json!({})), None);
    }

    #[test]
    fn numbers_flags_and_dates_are_read_in_every_form_they_come_in() {
        assert_eq!([json!(3), json!("3"), json!(3.0)].map(|value| number(&value)), [Some(3); 3]);
        assert_eq!([json!(-1), json!(0.5), json!(null), json!("x")].map(|value| number(&value)), [None; 4]);
        assert_eq!([json!(true), json!(1), json!("True")].map(|value| flag(&value)), [Some(true); 3]);
        assert_eq!([json!({"$date": 5}), json!(5)].map(|value| date(&value)), [Some(5); 2]);
        assert_eq!(date(&json!({"$type": "date", "$value": "2026-01-01"})), None);
    }
}
