//! Answers recorded from real NetBoxes: read as they came, and the lab's held against them.

use std::collections::BTreeSet;

use evenkeel_lab::inventory::{Inventory, ObjectRef};
use evenkeel_lab::netbox::{NetboxLab, NetboxVersion};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::answer::{self, Asked};
use super::super::wire::{EntryRow, Made, Page};
use super::ENTRIES;
use crate::SinkError;
use crate::http::{Answer, Body};

const RECORDED: [(&str, NetboxVersion); 3] =
    [("4.2.9", NetboxVersion::V4_2), ("4.5.2", NetboxVersion::V4_5), ("4.6.8", NetboxVersion::V4_6)];

fn recorded(version: &str, name: &str) -> String {
    let folder = env!("CARGO_MANIFEST_DIR");
    std::fs::read_to_string(format!("{folder}/tests/fixtures/netbox-{version}/{name}.json")).unwrap()
}

fn judged<T: serde::de::DeserializeOwned>(status: u16, body: String) -> Result<T, SinkError> {
    let asked = Asked {
        place: "https://netbox.lan",
        what: "POST extras/journal-entries/",
        permission: Some("extras.add_journalentry"),
        writes: true,
    };
    let answer = Answer { status, retry_after: None, body: Body::Whole(body.into_bytes()) };
    answer::read(&answer, &asked, Timestamp::UNIX_EPOCH)
}

fn why<T: std::fmt::Debug>(outcome: Result<T, SinkError>) -> String {
    super::rejected(outcome)
}

#[test]
fn what_real_netboxes_answered_is_understood() {
    for (version, _) in RECORDED {
        judged::<Made>(201, recorded(version, "journal-create")).unwrap();
        let page: Page<EntryRow> = judged(200, recorded(version, "journal-entries")).unwrap();
        let row = &page.results[0];
        assert_eq!(
            (&*row.assigned_object_type, row.assigned_object_id),
            ("virtualization.virtualmachine", 4)
        );
        assert_eq!(row.comments, "drift: **freshrss** missing");
        let bad = why(judged::<Made>(400, recorded(version, "journal-bad-kind")));
        assert!(bad.ends_with("does not take kind"), "{bad}");
        let denied = why(judged::<Made>(403, recorded(version, "perm-readonly-token-write")));
        assert!(denied.contains("needs the permission extras.add_journalentry"), "{denied}");
        let stranger = why(judged::<Made>(403, recorded(version, "auth-v1-bad")));
        assert!(stranger.ends_with("wrong or was deleted"), "{stranger}");
    }
}

/// Keys, down to those of nested objects.
fn shape(value: &Value) -> BTreeSet<String> {
    let mut keys = BTreeSet::new();
    for (key, value) in value.as_object().into_iter().flatten() {
        keys.extend(shape(value).into_iter().map(|below| format!("{key}.{below}")));
        keys.insert(key.clone());
    }
    keys
}

async fn ask(lab: &NetboxLab, request: reqwest::RequestBuilder) -> (u16, Value) {
    let token = format!("Token {}", lab.writer_v1());
    let answer = request.header("authorization", token).send().await.unwrap();
    (answer.status().as_u16(), serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap())
}

#[tokio::test]
async fn the_lab_answers_as_they_did() {
    for (name, version) in RECORDED {
        let lab = NetboxLab::start(Inventory::reference(), version).await.unwrap();
        let url = format!("{}{}", lab.url().trim_end_matches('/'), ENTRIES);
        let http = reqwest::Client::builder().tls_certs_only([]).build().unwrap();
        let entry = |kind: &str, object: &str, id: u64| {
            let body = json!({
                "assigned_object_type": object, "assigned_object_id": id, "kind": kind,
                "comments": "drift: **freshrss** missing",
            });
            http.post(&url).body(body.to_string())
        };
        let vm = "virtualization.virtualmachine";
        let real = |file: &str| serde_json::from_str::<Value>(&recorded(name, file)).unwrap();

        let (status, made) = ask(&lab, entry("warning", vm, 4)).await;
        assert_eq!((status, shape(&made)), (201, shape(&real("journal-create"))), "{name}");
        for key in ["assigned_object_type", "assigned_object_id", "kind", "comments", "tags"] {
            assert_eq!(made[key], real("journal-create")[key], "{name} {key}");
        }
        let (_, list) = ask(&lab, http.get(&url)).await;
        assert_eq!(shape(&list["results"][0]), shape(&real("journal-entries")["results"][0]), "{name}");
        let (status, bad) = ask(&lab, entry("drift", vm, 4)).await;
        assert_eq!((status, bad), (400, real("journal-bad-kind")), "{name}");

        let (status, bad) = ask(&lab, entry("info", "dcim.nonsense", 4)).await;
        assert_eq!(
            (status, bad["assigned_object_type"][0].as_str()),
            (400, Some("Invalid content type: dcim.nonsense"))
        );
        let (status, bad) = ask(&lab, entry("info", vm, 4_000)).await;
        assert_eq!((status, bad["non_field_errors"].is_array()), (400, true), "{bad}");
        assert_eq!(lab.netbox().journal().len(), 1);
    }
}

#[tokio::test]
async fn an_entry_is_one_row_of_the_changelog_and_goes_with_its_object() {
    let lab = NetboxLab::start(Inventory::reference(), NetboxVersion::V4_5).await.unwrap();
    let http = reqwest::Client::builder().tls_certs_only([]).build().unwrap();
    let changes = format!("{}api/core/object-changes/?ordering=-id&limit=2", lab.url());
    let newest = async || ask(&lab, http.get(&changes)).await.1;
    let before = newest().await;
    let entry = lab.netbox().add_journal_entry(ObjectRef::vm(4), "info", "x");
    let after = newest().await;
    let row = &after["results"][0];
    assert_eq!(
        (&row["changed_object_type"], &row["changed_object_id"]),
        (&"extras.journalentry".into(), &entry.into())
    );
    assert_eq!(after["results"][1]["id"], before["results"][0]["id"]);
    lab.netbox().remove_vm(4);
    assert!(lab.netbox().journal().is_empty());
}
