//! The simulated NetBox answers like the recorded ones: row for row in what is asked for, key for key in the rest.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a panic is the failed assertion itself"
)]

use std::collections::{BTreeMap, BTreeSet};

use crate::support::*;
use evenkeel_sources::netbox::NetboxSource;
use serde_json::Value;

/// What each model is asked for.
const ASKED: [(&str, &str, &str); 7] = [
    (
        "devices",
        "dcim/devices/",
        "id,name,status,cluster,device,site,role,tenant,primary_ip4,primary_ip6,vcpus,memory,disk,tags,custom_fields",
    ),
    (
        "virtual-machines",
        "virtualization/virtual-machines/",
        "id,name,status,cluster,device,site,role,tenant,primary_ip4,primary_ip6,vcpus,memory,disk,tags,custom_fields,config_context",
    ),
    (
        "services",
        "ipam/services/",
        "id,name,protocol,ports,port_mappings,parent_object_type,parent_object_id,device,virtual_machine,tags,custom_fields",
    ),
    (
        "ip-addresses",
        "ipam/ip-addresses/",
        "id,address,vrf,status,role,dns_name,assigned_object_type,assigned_object_id",
    ),
    ("interfaces", "dcim/interfaces/", "id,device,mac_address"),
    ("vm-interfaces", "virtualization/interfaces/", "id,virtual_machine,mac_address"),
    ("mac-addresses", "dcim/mac-addresses/", "id,mac_address,assigned_object_type,assigned_object_id"),
];

/// Keys that say where an object is, when it was made, or what an operator would not miss.
const INCIDENTAL: [&str; 3] = ["url", "display_url", "color"];

fn without_incidentals(value: &Value) -> Value {
    match value {
        Value::Object(map) => map
            .iter()
            .filter(|(key, _)| !INCIDENTAL.contains(&key.as_str()))
            .map(|(key, value)| (key.clone(), without_incidentals(value)))
            .collect(),
        Value::Array(values) => {
            let mut values: Vec<Value> = values.iter().map(without_incidentals).collect();
            if values.iter().all(|value| value.get("slug").is_some()) {
                values.sort_by_key(|value| value["slug"].to_string());
            }
            Value::Array(values)
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

async fn ask(base: &str, token: &str, path: &str) -> Value {
    let client = evenkeel_sources::http::client(&Default::default(), &Default::default()).unwrap();
    let answer = client.get(format!("{base}api/{path}")).header("authorization", format!("Token {token}"));
    serde_json::from_slice(&answer.send().await.unwrap().bytes().await.unwrap()).unwrap()
}

fn rows(list: &Value) -> BTreeMap<u64, &Value> {
    list["results"].as_array().unwrap().iter().map(|row| (row["id"].as_u64().unwrap(), row)).collect()
}

#[tokio::test]
async fn what_is_asked_for_is_answered_as_recorded_row_for_row() {
    for (version, simulated) in RECORDED {
        let lab = lab(simulated).await;
        for (file, path, fields) in ASKED {
            let real = recorded(version, &format!("{file}.json"));
            let query = format!("{path}?limit=1000&ordering=id&fields={fields}");
            let ours = ask(&lab.url(), lab.token_v1(), &query).await;
            let (real, ours) = (rows(&real), rows(&ours));
            assert_eq!(real.keys().collect::<Vec<_>>(), ours.keys().collect::<Vec<_>>(), "{version} {file}");
            for (id, row) in real {
                let asked: Value = fields
                    .split(',')
                    .filter_map(|key| Some((key.to_owned(), row.get(key)?.clone())))
                    .collect::<serde_json::Map<_, _>>()
                    .into();
                assert_eq!(
                    without_incidentals(&asked),
                    without_incidentals(ours[&id]),
                    "{version} {file} {id}"
                );
            }
        }
    }
}

fn keys(row: &Value) -> BTreeSet<&str> {
    row.as_object().unwrap().keys().map(String::as_str).collect()
}

#[tokio::test]
async fn whole_rows_have_the_recorded_keys() {
    let lists = [
        ("devices", "dcim/devices/"),
        ("virtual-machines", "virtualization/virtual-machines/"),
        ("services", "ipam/services/"),
        ("ip-addresses", "ipam/ip-addresses/"),
        ("interfaces", "dcim/interfaces/"),
        ("vm-interfaces", "virtualization/interfaces/"),
        ("mac-addresses", "dcim/mac-addresses/"),
        ("clusters", "virtualization/clusters/"),
        ("tags", "extras/tags/"),
        ("tenants", "tenancy/tenants/"),
        ("sites", "dcim/sites/"),
        ("device-roles", "dcim/device-roles/"),
        ("custom-fields", "extras/custom-fields/"),
        ("object-changes", "core/object-changes/"),
    ];
    for (version, simulated) in RECORDED {
        let lab = lab(simulated).await;
        for (file, path) in lists {
            let real = recorded(version, &format!("{file}.json"));
            let ours = ask(&lab.url(), lab.token_v1(), path).await;
            assert_eq!(keys(&real), keys(&ours), "{version} {file}");
            assert_eq!(keys(&real["results"][0]), keys(&ours["results"][0]), "{version} {file}");
        }
    }
}

#[tokio::test]
async fn the_recorded_and_the_simulated_netbox_declare_the_same() {
    for (version, simulated) in RECORDED {
        let (replay, lab) = (replay(version).await, lab(simulated).await);
        let real = complete(
            &NetboxSource::new(config(&replay.url(), "0123456789abcdef0123456789abcdef01234567")).unwrap(),
        )
        .await;
        let ours = complete(&source(&lab)).await;
        assert_eq!(real, ours, "{version}");
    }
}

#[tokio::test]
async fn refusals_are_worded_as_recorded() {
    for (version, simulated) in RECORDED {
        let lab = lab(simulated).await;
        let client = evenkeel_sources::http::client(&Default::default(), &Default::default()).unwrap();
        let url = format!("{}api/virtualization/virtual-machines/", lab.url());
        for (file, header, query) in [
            ("auth-none", None, ""),
            ("auth-v1-bad", Some("Token 9999999999999999999999999999999999999999"), ""),
            ("auth-unknown-scheme", Some("Basic abc"), ""),
            ("filter-bad-value", Some("right"), "?status=bogus"),
            ("filter-bad-id", Some("right"), "?id=abc"),
            ("notfound-detail", Some("right"), "99999/"),
        ] {
            let right = format!("Token {}", lab.token_v1());
            let mut request = client.get(format!("{url}{query}"));
            if let Some(header) = header {
                request = request.header("authorization", if header == "right" { &right } else { header });
            }
            let answer = request.send().await.unwrap();
            let status = u64::from(answer.status().as_u16());
            let body: Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
            assert_eq!(body, recorded(version, &format!("errors/{file}.json")), "{version} {file}");
            let index = recorded(version, "errors/_index_auth.json");
            assert_eq!(
                index[format!("errors/{file}.json")]["status"].as_u64(),
                Some(status),
                "{version} {file}"
            );
        }
    }
}
