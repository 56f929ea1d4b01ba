//! What a fuzzer may throw at the reading of a TrueNAS's answers, and what must hold of what comes out.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex};

use evenkeel_core::model::{MachineState, RunState};
use evenkeel_core::{Coverage, Fact, Gap};
use serde_json::Value;

use super::board::Board;
use super::look::{Apps, Found, hosted, survey};
use super::question::{Guests, Question};
use super::refusal::{self, RpcError};
use super::socket::dispatch;
use super::version::{self, ApiVersion};
use super::wire::{self, App, Guest, Info, Pool, Row, Rows};
use super::{decode, machines};
use crate::fuzz::is_decent;

/// Apps, the three kinds of machines, pools, alerts, the system, and Docker's networks.
pub fn answers(bodies: [&[u8]; 8]) {
    let [apps, vms, instances, containers, pools, alerts, info, networks] =
        bodies.map(|body| serde_json::from_slice::<Value>(body).unwrap_or(Value::Null));
    let read = rows::<App>(&apps);
    if let Ok(read) = &read {
        let services = decode::services(&read.rows, None);
        assert_eq!(services.len(), read.rows.len());
        for service in &services {
            let says = |word: &str| {
                let of_it = |app: &&App| *app.name == *service.name.as_str();
                read.rows
                    .iter()
                    .find(of_it)
                    .and_then(|app| app.state.as_deref())
                    .is_some_and(|said| said.eq_ignore_ascii_case(word))
            };
            if service.state == Fact::Known(RunState::Exited) {
                assert!(
                    ["STOPPED", "STOPPING", "CRASHED"].into_iter().any(says),
                    "{} is not down",
                    service.name
                );
            }
            [service.state.known().err(), service.ports.known().err()]
                .into_iter()
                .flatten()
                .for_each(is_decent);
        }
    }
    let came = apps.as_array().map_or(0, Vec::len);
    let (services, coverage) =
        hosted(read.map(|rows| Apps { rows: rows.rows, gap: rows.gap, held: None }), None);
    assert!(services.len() == came || !coverage.is_complete(), "an app is lost without a word");
    coverage.gap().into_iter().for_each(is_decent);

    let found = [vms, instances, containers];
    let came: usize = found.iter().filter_map(Value::as_array).map(Vec::len).sum();
    let found: Vec<Found> = Guests::ALL
        .into_iter()
        .zip(&found)
        .map(|(kind, answer)| match rows::<Guest>(answer) {
            Ok(rows) => Found::These(kind, rows),
            Err(gap) => Found::Unknown(gap),
        })
        .collect();
    let node = Arc::from("nas");
    let (machines, coverage) = survey("wss://nas.lan", &found, Some(&node), None);
    guests(&machines, &coverage, came);
    system(&info, &pools, &alerts);
    if let Some((count, projects)) = wire::projects(&networks) {
        assert!(projects.len() <= count);
    }
}

fn guests(machines: &[evenkeel_core::model::ObservedMachine], coverage: &Coverage, came: usize) {
    let keys: BTreeSet<&str> = machines.iter().map(|machine| &*machine.key).collect();
    assert_eq!(keys.len(), machines.len(), "every machine once");
    assert!(machines.len() == came || !coverage.is_complete(), "a machine is lost without a word");
    coverage.gap().into_iter().for_each(is_decent);
    for machine in machines {
        if let Fact::Unknown(gap) = &machine.state {
            is_decent(gap);
        }
        assert_ne!(machine.state, Fact::Known(MachineState::Unreachable));
    }
}

fn system(info: &Value, pools: &Value, alerts: &Value) {
    let info = Info::read(info);
    info.version.as_deref().map(version::is_known);
    let machine = machines::system(&Ok(info), &rows::<Pool>(pools), &wire::alerts(alerts));
    if let (Coverage::Complete, Some(pools)) = (&machine.volumes_coverage, pools.as_array()) {
        assert_eq!(machine.volumes.len(), pools.len(), "a pool is lost without a word");
    }
    for (key, note) in &machine.notes {
        assert!(key.chars().count() <= 80 && note.chars().count() <= 400, "{key}");
    }
}

/// A list, of which nothing is left out without a gap.
fn rows<T: Row>(answer: &Value) -> Result<Rows<T>, Gap> {
    let read = wire::rows::<T>(answer);
    match (&read, answer.as_array()) {
        (Ok(rows), Some(list)) => assert!(rows.rows.len() == list.len() || rows.gap.is_some()),
        (Ok(_), None) => assert!(answer.is_array(), "what is no list was read as one"),
        (Err(gap), list) => {
            assert!(list.is_none(), "a list was not read: {gap}");
            is_decent(gap);
        }
    }
    read
}

/// A message of JSON-RPC: an answer, an error, or a push. It reaches whoever waits for it and nobody else.
pub fn message(body: &[u8]) {
    let Ok(message) = serde_json::from_slice::<Value>(body) else { return };
    let mut answers: HashMap<u64, _> = HashMap::new();
    let mut waiting = HashMap::new();
    for id in 1..4 {
        let (send, receive) = tokio::sync::oneshot::channel();
        waiting.insert(id, send);
        answers.insert(id, receive);
    }
    let waiting = Arc::new(Mutex::new(waiting));
    let board = Board::new();
    dispatch(message.clone(), &waiting, &|pushed| board.pushed(pushed));
    let id = message.get("id").and_then(Value::as_u64);
    for (other, answer) in &mut answers {
        assert!(answer.try_recv().is_err() || id == Some(*other), "an answer to {id:?} reached {other}");
    }
    let error = RpcError::read(message.get("error").unwrap_or(&Value::Null));
    for question in Question::ALL {
        is_decent(error.refused("wss://nas.lan", question).gap());
    }
    let login = refusal::login("wss://nas.lan", "evenkeel", message.get("result").unwrap_or(&Value::Null));
    login.iter().for_each(is_decent);
    let served = message.get("result").and_then(Value::as_array).into_iter().flatten();
    let served: Vec<ApiVersion> = served.filter_map(|text| ApiVersion::parse(text.as_str()?)).collect();
    let path = version::path(&served);
    assert!(path.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/.".contains(&byte)), "{path}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recorded_answers_keep_what_is_demanded() {
        let recorded = include_bytes!("../../tests/fixtures/truenas/app.query.response.json");
        let whole: Value = serde_json::from_slice(recorded).unwrap();
        let apps = whole.get("result").unwrap_or(&whole).to_string();
        let vms =
            br#"[{"id": 7, "name": "minecraft", "status": {"state": "STOPPED"}, "vcpus": 2, "memory": 512}]"#;
        let pools = br#"[{"name": "tank", "status": "ONLINE", "healthy": true, "size": 9, "allocated": 5}]"#;
        let alerts = br#"[{"klass": "Volume", "level": "CRITICAL", "formatted": "<b>x</b>"}]"#;
        let info = br#"{"version": "25.10.1", "hostname": "nas.lan", "cores": 4}"#;
        let networks = br#"[{"name": "ix-plex_default"}]"#;
        answers([apps.as_bytes(), vms, b"[]", b"[]", pools, alerts, info, networks]);
        message(recorded);
        message(include_bytes!("../../tests/fixtures/truenas/app.query.collection_update.json"));
        message(include_bytes!("../../tests/fixtures/truenas/error.not-authenticated.json"));
        message(br#"{"id": 2, "result": ["v25.10.0", "../../x"]}"#);
    }
}
