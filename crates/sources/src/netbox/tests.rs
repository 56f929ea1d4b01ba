//! Tests of what cannot be reached from outside: decoding of arbitrary JSON, and the changelog's bookkeeping.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, LazyLock};

use evenkeel_core::model::{ExpectedHost, HostKind};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use serde_json::Value;

use super::config::{FieldNames, Filters};
use super::decode;
use super::delta::{Cursor, Touched, digest};
use super::model::{Model, Version};
use super::rows::{Row, Settings, keep};
use super::tables::{Rows, Table, Tables};
use super::wire::{self, Change, Choice, Wire};

const FILES: [(Model, &str); 7] = [
    (Model::Devices, "devices"),
    (Model::Vms, "virtual-machines"),
    (Model::Services, "services"),
    (Model::Ips, "ip-addresses"),
    (Model::Interfaces, "interfaces"),
    (Model::VmInterfaces, "vm-interfaces"),
    (Model::Macs, "mac-addresses"),
];
const VERSIONS: [(&str, Version); 3] = [
    ("4.2.9", Version { major: 4, minor: 2 }),
    ("4.5.2", Version { major: 4, minor: 5 }),
    ("4.6.8", Version { major: 4, minor: 6 }),
];

fn settings() -> Settings {
    Settings { fields: FieldNames::default(), filters: Filters::default(), read_config_context: true }
}

fn recorded(version: &str, name: &str) -> Value {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join(format!("tests/fixtures/netbox-{version}/{name}.json"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn table<R: Row>(list: &Value, version: Version) -> Result<Table<R>, String> {
    let page = wire::page::<R::Wire>(list.to_string().as_bytes())?;
    Ok(page.rows.into_iter().map(|row| (row.id, keep(row, &settings(), version))).collect())
}

fn rows(model: Model, list: &Value, version: Version) -> Result<Rows, String> {
    Ok(match model {
        Model::Devices => Rows::Devices(table(list, version)?),
        Model::Vms => Rows::Vms(table(list, version)?),
        Model::Services => Rows::Services(table(list, version)?),
        Model::Ips => Rows::Ips(table(list, version)?),
        Model::Interfaces => Rows::Interfaces(table(list, version)?),
        Model::VmInterfaces => Rows::VmInterfaces(table(list, version)?),
        Model::Macs => Rows::Macs(table(list, version)?),
    })
}

/// The recorded fleet, with one list put in the place of its own.
fn tables(
    recorded: &BTreeMap<Model, Value>,
    version: Version,
    changed: Option<(Model, &Value)>,
) -> Option<Tables> {
    let mut tables = Tables::default();
    for (model, list) in recorded {
        let list = changed.filter(|(other, _)| other == model).map_or(list, |(_, list)| list);
        tables.swap(rows(*model, list, version).ok()?, None);
    }
    Some(tables)
}

/// The recorded lists of a version, read once.
fn all(version: &str) -> &'static BTreeMap<Model, Value> {
    static ALL: LazyLock<BTreeMap<&str, BTreeMap<Model, Value>>> = LazyLock::new(|| {
        let lists = |version| FILES.iter().map(|(model, name)| (*model, recorded(version, name))).collect();
        VERSIONS.iter().map(|(version, _)| (*version, lists(version))).collect()
    });
    &ALL[version]
}

#[test]
fn every_recorded_row_of_every_model_and_version_is_understood() {
    for (name, version) in VERSIONS {
        let tables = tables(all(name), version, None).unwrap();
        let counts = Model::ALL.map(|model| tables.count(model));
        assert_eq!(counts, [59, 14, 19, 14, 5, 5, 13], "{name}");
        let decoded = decode::inventory(&tables, &settings(), &[]);
        assert_eq!((decoded.hosts.len(), decoded.gap), (19, None), "{name}");
    }
}

#[test]
fn a_host_that_is_as_it_was_stays_the_same_allocation() {
    let (name, version) = VERSIONS[0];
    let mut tables = tables(all(name), version, None).unwrap();
    let before = decode::inventory(&tables, &settings(), &[]).hosts;
    let (id, _) = tables.services.pop_first().unwrap();
    let after = decode::inventory(&tables, &settings(), &before).hosts;
    assert_eq!(after, decode::inventory(&tables, &settings(), &[]).hosts);
    for (old, new) in before.iter().zip(&after) {
        let lost = old.services.iter().any(|service| service.netbox_ids.contains(&id));
        assert_eq!(Arc::ptr_eq(old, new), !lost, "{}", old.name);
    }
}

#[test]
fn what_was_put_in_can_be_taken_back() {
    let (name, version) = VERSIONS[0];
    let before = tables(all(name), version, None).unwrap();
    let ids: Vec<u64> = before.services.keys().copied().collect();
    let unknown = u64::MAX;
    let (gone, edited) = (ids[0], ids[1]);
    let row = || before.services[&ids[2]].clone();
    let mut now = before.clone();
    let asked = BTreeSet::from([gone, edited, unknown]);
    let old = now.swap(Rows::Services(Table::from([(edited, row()), (unknown, row())])), Some(&asked));
    let changed =
        (now.has(Model::Services, gone), now.services[&edited] == row(), now.count(Model::Services));
    assert_eq!(changed, (false, true, ids.len()));
    now.swap(old, Some(&asked));
    assert_eq!(now, before);
    let old = now.swap(Rows::Services(Table::new()), None);
    assert_eq!(now.count(Model::Services), 0);
    now.swap(old, None);
    assert_eq!(now, before);
}

#[test]
fn every_recorded_change_is_understood() {
    for (version, _) in VERSIONS {
        for name in ["object-changes", "object-changes-mixed", "object-changes-after-id"] {
            let page = wire::page::<Change>(recorded(version, name).to_string().as_bytes()).unwrap();
            assert!(!page.rows.is_empty() && page.rows.iter().all(|row| row.row.is_ok()), "{version} {name}");
        }
    }
}

/// A place in a JSON value, and what to put there.
#[derive(Clone, Debug)]
enum Mutation {
    Replace(Value),
    Remove,
    Duplicate,
}

fn mutation() -> impl Strategy<Value = Mutation> {
    prop_oneof![
        Just(Mutation::Remove),
        Just(Mutation::Duplicate),
        prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            ".{0,12}".prop_map(Value::from),
            Just(serde_json::json!([])),
            Just(serde_json::json!({})),
            Just(serde_json::json!([[{"id": -1}]])),
            Just(serde_json::json!({"value": 3, "id": 1e300, "slug": ""})),
        ]
        .prop_map(Mutation::Replace),
    ]
}

/// Walks to some place below and changes it there.
fn mutate(value: &mut Value, mut path: Vec<usize>, mutation: &Mutation) {
    let Some(step) = path.pop() else {
        if let Mutation::Replace(new) = mutation {
            *value = new.clone();
        }
        return;
    };
    match value {
        Value::Array(values) if !values.is_empty() => {
            let at = step % values.len();
            match (path.is_empty(), mutation) {
                (true, Mutation::Remove) => drop(values.remove(at)),
                (true, Mutation::Duplicate) => values.insert(at, values[at].clone()),
                _ => mutate(&mut values[at], path, mutation),
            }
        }
        Value::Object(map) if !map.is_empty() => {
            let key = map.keys().nth(step % map.len()).unwrap().clone();
            match (path.is_empty(), mutation) {
                (true, Mutation::Remove) => drop(map.remove(&key)),
                _ => mutate(map.get_mut(&key).unwrap(), path, mutation),
            }
        }
        Value::Null
        | Value::Bool(_)
        | Value::Number(_)
        | Value::String(_)
        | Value::Array(_)
        | Value::Object(_) => {
            if let Mutation::Replace(new) = mutation {
                *value = new.clone();
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    /// Foreign JSON is never more than a flaw: no panic, no lost neighbour, and a row that stays unread is told of.
    #[test]
    fn whatever_json_comes_decoding_does_not_panic(
        model in prop::sample::select(FILES.to_vec()),
        which in prop::sample::select(VERSIONS.to_vec()),
        changes in prop::collection::vec((prop::collection::vec(0usize..64, 1..7), mutation()), 1..6),
    ) {
        let lists = all(which.0);
        let mut list = lists[&model.0].clone();
        for (path, mutation) in &changes {
            mutate(&mut list, path.clone(), mutation);
        }
        if let Some(tables) = tables(lists, which.1, Some((model.0, &list))) {
            let decoded = decode::inventory(&tables, &settings(), &[]);
            prop_assert!(decoded.hosts.is_sorted_by(|a, b| a.name < b.name), "every name once, in order");
            for host in &decoded.hosts {
                prop_assert!(host.services.is_sorted_by(|a, b| a.name < b.name));
            }
        }
    }

    /// A row that came is a declaration: where it cannot be read, that is said, and nothing is called undeclared for it.
    #[test]
    fn one_field_that_cannot_be_read_makes_no_declaration_vanish_in_silence(
        model in prop::sample::select(vec![FILES[0], FILES[1], FILES[2]]),
        which in prop::sample::select(VERSIONS.to_vec()),
        row in any::<prop::sample::Index>(),
        key in any::<prop::sample::Index>(),
        junk in prop::sample::select(vec![serde_json::json!([[1]]), serde_json::json!({"id": []}), Value::from(1e300)]),
    ) {
        let lists = all(which.0);
        let mut list = lists[&model.0].clone();
        let rows = list["results"].as_array_mut().unwrap();
        let row = row.index(rows.len());
        let id = rows[row]["id"].as_u64().unwrap();
        let fields = rows[row].as_object_mut().unwrap();
        let key = fields.keys().nth(key.index(fields.len())).unwrap().clone();
        fields.insert(key.clone(), junk);
        if let Some(tables) = tables(lists, which.1, Some((model.0, &list))) {
            let decoded = decode::inventory(&tables, &settings(), &[]);
            let is_it = |host: &&Arc<ExpectedHost>| match model.0 {
                Model::Services => host.services.iter().any(|service| service.netbox_ids.contains(&id)),
                Model::Devices | Model::Vms | Model::Ips | Model::Interfaces | Model::VmInterfaces | Model::Macs => host.netbox_id == id && (host.kind == HostKind::Device) == (model.0 == Model::Devices),
            };
            let there = decoded.hosts.iter().any(|host| is_it(&host));
            let told = decoded.gap.is_some() || decoded.hosts.iter().any(|host| !host.services_coverage.is_complete());
            prop_assert!(there || told, "{} {id}: without `{key}` it is gone", model.1);
        }
    }

    #[test]
    fn bytes_that_are_no_json_are_no_page(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(wire::page::<wire::Host>(&bytes).is_err());
    }

    /// The order of the rows says nothing: hosts, names and services come out the same.
    #[test]
    fn the_order_of_rows_is_irrelevant(seed in any::<u64>()) {
        let (name, version) = VERSIONS[1];
        let lists = all(name);
        let shuffled: BTreeMap<Model, Value> = lists
            .iter()
            .map(|(model, list)| {
                let mut list = list.clone();
                let rows = list["results"].as_array_mut().unwrap();
                let by = |row: &Value| row["id"].as_u64().unwrap_or(0).wrapping_mul(seed | 1).rotate_left(17);
                rows.sort_by_key(by);
                (*model, list)
            })
            .collect();
        let straight = decode::inventory(&tables(lists, version, None).unwrap(), &settings(), &[]);
        let other = decode::inventory(&tables(&shuffled, version, None).unwrap(), &settings(), &[]);
        prop_assert_eq!(straight.hosts, other.hosts);
    }
}

#[test]
fn a_page_must_say_what_netbox_always_says() {
    for body in ["{}", "[]", r#"{"results":[]}"#, r#"{"count":0,"results":[]}"#, r#"{"count":0,"next":null}"#]
    {
        assert!(wire::page::<wire::Host>(body.as_bytes()).is_err(), "{body}");
    }
    let page = wire::page::<wire::Host>(br#"{"count":0,"next":null,"results":[]}"#).unwrap();
    assert_eq!((page.count, page.more, page.rows.len()), (Some(0), false, 0));
}

#[test]
fn a_row_that_cannot_be_read_costs_none_of_its_neighbours() {
    let body = br#"{"count":3,"next":null,"results":[{"id":1},{"id":2,"vcpus":"many"},{"id":3}]}"#;
    let page = wire::page::<wire::Host>(body).unwrap();
    assert_eq!(
        page.rows.iter().map(|row| (row.id, row.row.is_ok())).collect::<Vec<_>>(),
        [(1, true), (2, false), (3, true)]
    );
    assert_eq!(page.rows[0].row.as_ref().map(Wire::id).ok(), Some(1));
}

fn change(id: u64, minute: i64, action: &str, kind: &str, object: u64) -> Change {
    Change {
        id,
        time: Timestamp::UNIX_EPOCH + SignedDuration::from_mins(1_000 + minute),
        action: Choice(action.into()),
        changed_object_type: kind.into(),
        changed_object_id: object,
    }
}

fn look(cursor: &Cursor, changes: &[Change]) -> (Touched, Cursor) {
    digest(changes, cursor, cursor.from(), false)
}

#[test]
fn a_change_is_told_once_however_often_it_is_seen() {
    let first = [change(7, 0, "update", "ipam.service", 3)];
    let (touched, cursor) = look(&Cursor::default(), &first);
    assert_eq!(touched.rows[&Model::Services], BTreeSet::from([3]));
    let (touched, cursor) = look(&cursor, &first);
    assert!(touched.is_empty());
    assert_eq!(cursor.newest(), Some(7));
}

#[test]
fn an_earlier_id_that_appears_later_is_told() {
    let (_, cursor) = look(&Cursor::default(), &[change(9, 0, "update", "ipam.service", 3)]);
    let (touched, cursor) = look(
        &cursor,
        &[change(8, -1, "delete", "ipam.service", 4), change(9, 0, "update", "ipam.service", 3)],
    );
    assert_eq!(touched.deleted, BTreeSet::from([(Model::Services, 4)]));
    assert_eq!(touched.rows[&Model::Services], BTreeSet::from([4]));
    assert_eq!(cursor.newest(), Some(9));
}

#[test]
fn a_changelog_without_what_was_seen_is_not_trusted() {
    let (_, cursor) = look(&Cursor::default(), &[change(9, 0, "update", "ipam.service", 3)]);
    for changes in [vec![], vec![change(4, 0, "update", "ipam.service", 3)]] {
        assert!(look(&cursor, &changes).0.everything.is_some());
    }
    let ignored = [change(1, -60, "create", "dcim.site", 1), change(9, 0, "update", "ipam.service", 3)];
    assert_eq!(
        look(&cursor, &ignored).0.everything.as_deref(),
        Some("the changelog ignored the time asked for")
    );
}

#[test]
fn what_is_forgotten_is_no_longer_looked_at() {
    let mut cursor = Cursor::default();
    for id in 1..200_u64 {
        let minute = i64::try_from(id).unwrap();
        let window: Vec<Change> = (id.saturating_sub(10).max(1)..=id)
            .map(|id| change(id, i64::try_from(id).unwrap(), "update", "ipam.service", id))
            .collect();
        let (touched, next) = look(&cursor, &window);
        assert_eq!(touched.rows[&Model::Services], BTreeSet::from([id]), "minute {minute}");
        assert!(next.remembered() <= 11);
        cursor = next;
    }
}

#[test]
fn context_only_matters_where_it_is_read() {
    let changes = [change(1, 0, "update", "extras.configcontext", 1)];
    let told = |context| digest(&changes, &Cursor::default(), None, context).0;
    assert!(told(false).is_empty());
    assert_eq!(told(true).models, BTreeSet::from([Model::Devices, Model::Vms]));
}
