//! Recorded answers of real engines, and answers no engine should give, through the pure part: JSON → services.

use evenkeel_core::model::{Health, ObservedService, RunState};
use evenkeel_core::{Fact, GapKind};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::reach::shortfall;
use super::wire::{self, Info, Inspect, List, Version};
use super::{decode, inspected, restarts};

const ALL: &[u8] = include_bytes!("../../tests/fixtures/docker/containers-all.json");
const RUNNING: &[u8] = include_bytes!("../../tests/fixtures/docker/containers-running-only.json");
const PODMAN: &[u8] = include_bytes!("../../tests/fixtures/docker/podman-4.3-containers-all.json");

fn list(body: &[u8]) -> List {
    wire::list(body).unwrap()
}

fn services_of(list: &List) -> Vec<ObservedService> {
    decode::services(&list.containers, |_| Fact::Known(0))
}

fn services(rows: Value) -> Vec<ObservedService> {
    services_of(&list(rows.to_string().as_bytes()))
}

fn named<'a>(services: &'a [ObservedService], name: &str) -> &'a ObservedService {
    services.iter().find(|service| service.name.as_str() == name).unwrap_or_else(|| {
        panic!("no {name} among {:?}", services.iter().map(|service| &service.name).collect::<Vec<_>>())
    })
}

/// `state open loopback health image`, with the kind of gap for what is unknown.
fn summary(service: &ObservedService) -> String {
    fn shown<T>(fact: &Fact<T>, known: impl Fn(&T) -> String) -> String {
        match fact {
            Fact::Known(value) => known(value),
            Fact::Unknown(gap) => format!("?{}", gap.kind.as_str()),
        }
    }
    format!(
        "{} {} [{}] {} {}",
        service.name,
        shown(&service.state, |state| state.as_str().to_owned()),
        shown(&service.ports, |ports| format!("{} | {}", ports.open, ports.loopback)),
        shown(&service.health, |health| format!("{health:?}").to_lowercase()),
        service.image.as_deref().unwrap_or("-"),
    )
}

fn row(id: &str, name: &str) -> Value {
    json!({
        "Id": id, "Names": [format!("/{name}")], "Image": "lab:1", "Ports": [], "Labels": {}, "Created": 1,
        "State": "running", "Status": "Up 2 hours", "HostConfig": { "NetworkMode": "bridge" },
    })
}

fn with(mut row: Value, key: &str, value: Value) -> Value {
    row[key] = value;
    row
}

fn compose(id: &str, project: &str, service: &str) -> Value {
    let labels = json!({ "com.docker.compose.project": project, "com.docker.compose.service": service });
    with(row(id, &format!("{project}-{service}-{id}")), "Labels", labels)
}

fn published(port: u16) -> Value {
    json!([{ "IP": "0.0.0.0", "PrivatePort": 80, "PublicPort": port, "Type": "tcp" }])
}

#[test]
fn a_recorded_list_of_a_docker_engine_becomes_its_services() {
    let list = list(ALL);
    assert_eq!((list.len(), list.odd.len(), list.repeated.as_deref()), (9, 0, None));
    let services = services_of(&list);
    let lines: Vec<String> = services.iter().map(summary).collect();
    assert_eq!(
        lines,
        [
            "crash restarting [?not_yet_observed] ?not_yet_observed lab/busybox:1.35",
            "crashalways restarting [?not_yet_observed] ?not_yet_observed lab/busybox:1.35",
            "done exited [?not_yet_observed] ?not_yet_observed lab/busybox:1.35",
            "healthy running [none | none] healthy lab/busybox:1.35",
            "hostnet running [?uncovered] none lab/busybox:1.35",
            "neverstarted created [?not_yet_observed] ?not_yet_observed lab/busybox:1.35",
            "pausedc paused [none | none] ?not_yet_observed lab/busybox:1.35",
            "sick running [none | none] unhealthy lab/busybox:1.35",
            "web running [15353/udp 18080/tcp 19000/tcp 19001/tcp 19002/tcp | 18443/tcp] none lab/busybox:1.35",
        ]
    );
    let web = named(&services, "web");
    assert_eq!(web.hints.compose_project.as_deref(), Some("shop"));
    assert_eq!(web.hints.compose_service.as_deref(), Some("web"));
    assert_eq!(web.hints.container_name.as_deref(), Some("web"));
    assert_eq!((web.hints.label.as_deref(), web.role.as_deref(), web.replicas), (None, None, 1));
    assert_eq!(web.restarts, Fact::Known(0));
}

#[test]
fn the_running_containers_read_the_same_in_the_shorter_list() {
    let (all, running) = (services_of(&list(ALL)), services_of(&list(RUNNING)));
    assert_eq!(running.len(), 7);
    for service in &running {
        assert_eq!(service, named(&all, service.name.as_str()));
    }
}

#[test]
fn a_recorded_list_of_podman_becomes_its_services_though_it_says_less() {
    let list = list(PODMAN);
    assert_eq!((list.len(), list.odd.len()), (4, 0));
    let lines: Vec<String> = services_of(&list).iter().map(summary).collect();
    assert_eq!(
        lines,
        [
            "c1 created [?not_yet_observed] ?not_yet_observed localhost/lab/busybox:1.35",
            // It may be on the host network: this list cannot tell.
            "h1 running [?uncovered] none localhost/lab/busybox:1.35",
            "i1 created [?not_yet_observed] ?not_yet_observed localhost/lab/busybox:1.35",
            "x1 exited [?not_yet_observed] ?not_yet_observed localhost/lab/busybox:1.35",
        ]
    );
}

#[test]
fn recorded_version_and_info_are_read() {
    let version: Version =
        wire::parse(include_bytes!("../../tests/fixtures/docker/version.json"), "version").unwrap();
    assert_eq!(version.version.as_deref(), Some("20.10.24+dfsg1"));
    assert_eq!((version.api_version.as_deref(), version.os.as_deref()), (Some("1.41"), Some("linux")));
    assert!(!version.is_podman);
    let podman: Version = wire::parse(br#"{"Components":[{"Name":"Podman Engine"}]}"#, "version").unwrap();
    assert!(podman.is_podman);
    let info: Info = wire::parse(include_bytes!("../../tests/fixtures/docker/info.json"), "info").unwrap();
    assert_eq!(info.id.as_deref(), Some("5BJX:GEJK:DTEH:7DNW:GNQF:EOKJ:MYA2:3ZDB:ZXUJ:66MF:NUCJ:KH6R"));
    assert_eq!((info.name.as_deref(), info.containers), (Some("vm"), Some(9)));
}

#[test]
fn recorded_inspections_are_read_as_far_as_restarts_go() {
    let now = "2026-11-21T00:45:12Z".parse().unwrap();
    let read = |body: &[u8]| -> Inspect { wire::parse(body, "inspection").unwrap() };
    let crash = read(include_bytes!("../../tests/fixtures/docker/inspect-crash.json"));
    assert_eq!(
        (crash.restart_count, crash.state.exit_code, crash.state.oom_killed),
        (Some(9), Some(3), Some(false))
    );
    let counted = inspected(&crash, true, now).unwrap();
    assert_eq!((counted.restart_count, counted.started_ago.unwrap().as_secs()), (9, 9));
    for body in [
        &include_bytes!("../../tests/fixtures/docker/inspect-crashalways.json")[..],
        include_bytes!("../../tests/fixtures/docker/inspect-done.json"),
        include_bytes!("../../tests/fixtures/docker/inspect-healthy.json"),
        include_bytes!("../../tests/fixtures/docker/inspect-hostnet.json"),
        include_bytes!("../../tests/fixtures/docker/inspect-neverstarted.json"),
        include_bytes!("../../tests/fixtures/docker/inspect-pausedc.json"),
        include_bytes!("../../tests/fixtures/docker/inspect-sick.json"),
        include_bytes!("../../tests/fixtures/docker/inspect-web.json"),
    ] {
        assert!(inspected(&read(body), false, now).is_some());
    }
}

#[test]
fn an_unknown_state_is_one_unknown_fact_and_costs_nothing_else() {
    let odd = with(with(row("b", "future"), "State", json!("hibernating")), "Ports", published(81));
    let list = list(json!([row("a", "web"), odd]).to_string().as_bytes());
    assert!(list.odd.is_empty());
    let services = services_of(&list);
    assert_eq!(named(&services, "web").state, Fact::Known(RunState::Running));
    let gap = named(&services, "future").state.known().unwrap_err().clone();
    assert_eq!(gap.kind, GapKind::Malformed);
    assert!(gap.why.contains("future") && gap.why.contains("hibernating"), "{gap}");
    assert_eq!(named(&services, "future").ports.known().unwrap_err().kind, GapKind::Malformed);
}

#[test]
fn an_element_nobody_understands_is_named_and_the_rest_is_kept() {
    let list = list(
        json!([row("a", "web"), 7, null, ["x"], { "Names": ["/x"] }, { "Id": "c0ffee00c0ffee00", "Names": [] }])
            .to_string()
            .as_bytes(),
    );
    assert_eq!(services_of(&list).len(), 1);
    assert_eq!(list.len(), 6);
    assert_eq!(
        list.odd,
        [
            "element 1 of the container list: a number instead of an object",
            "element 2 of the container list: null instead of an object",
            "element 3 of the container list: a list instead of an object",
            "element 4 of the container list: no `Id`",
            "element 5 of the container list: container c0ffee00c0ff has no name",
        ]
    );
}

#[test]
fn odd_types_in_fields_cost_those_fields_only() {
    let mut odd = row("a", "web");
    for (key, value) in [
        ("Image", json!(7)),
        ("Labels", json!(["x"])),
        ("Created", json!("yesterday")),
        ("Ports", json!("none")),
        ("HostConfig", json!(null)),
        ("NetworkSettings", json!(true)),
        ("Health", json!({ "Status": "glowing" })),
        ("SomethingNew", json!({ "deep": [1, 2, 3] })),
    ] {
        odd[key] = value;
    }
    let services = services(json!([odd]));
    assert_eq!(summary(&services[0]), "web running [?malformed] ?malformed -");
}

#[test]
fn escapes_and_repeated_keys_and_ids_are_read_as_the_plain_way_reads_them() {
    for body in [
        r#"[{"\u0049d":"a\u0062c","Names":["\/w\u0065b","/x/y"],"Ports":[{"PublicPort":1},{"PublicPort":"2"}]}]"#,
        r#"[{"Id":"a","Id":"b","Names":"/one","Names":"two","Labels":{"evenkeel.role":"x","evenkeel.role":7}}]"#,
        r#"[{"Id":"a","Names":["/x"]},{"Id":"b","Names":["/y"]},{"Id":"a","Names":["/z"]},7]"#,
    ] {
        assert_eq!(wire::list(body.as_bytes()).ok(), wire::plain::list(body.as_bytes()), "{body}");
    }
}

#[test]
fn bytes_that_are_no_text_cost_nothing_where_nobody_reads_them() {
    let body = b"[{\"Id\":\"a\",\"Names\":[\"/web\"],\"Labels\":{\"note\":\"\xff\"},\"Command\":\"\xfe\"}]";
    assert_eq!(list(body).containers.len(), 1);
}

#[test]
fn the_same_id_twice_does_not_add_up() {
    assert_eq!(
        list(json!([row("a", "web"), row("a", "web")]).to_string().as_bytes()).repeated.as_deref(),
        Some("web")
    );
}

#[test]
fn a_body_that_ends_early_is_truncated_and_one_that_is_no_list_is_malformed() {
    assert_eq!(wire::list(&ALL[..ALL.len() / 2]).unwrap_err().kind, GapKind::Truncated);
    for body in [&b"<html>"[..], b"{\"message\":\"hunter2\"}", b"\"hunter2\"", b"42"] {
        let gap = wire::list(body).unwrap_err();
        assert_eq!(gap.kind, GapKind::Malformed);
        assert!(!gap.why.contains("hunter2"), "{gap}");
    }
}

#[test]
fn replicas_are_one_service_and_the_best_state_wins() {
    let services = services(json!([
        with(compose("a", "shop", "web"), "State", json!("exited")),
        with(
            with(compose("b", "shop", "web"), "Ports", published(8081)),
            "Status",
            json!("Up 3 hours (unhealthy)")
        ),
        with(
            with(compose("c", "shop", "web"), "Ports", published(8080)),
            "Status",
            json!("Up 3 hours (healthy)")
        ),
    ]));
    assert_eq!(services.len(), 1);
    assert_eq!(summary(&services[0]), "web running [8080/tcp 8081/tcp | none] unhealthy lab:1");
    assert_eq!((services[0].replicas, services[0].hints.container_name.as_deref()), (3, Some("shop-web-a")));
}

#[test]
fn a_replica_that_is_still_starting_is_worse_than_a_healthy_one() {
    let services = services(json!([
        with(compose("a", "shop", "web"), "Health", json!({ "Status": "healthy" })),
        with(compose("b", "shop", "web"), "Health", json!("starting")),
    ]));
    assert_eq!(services[0].health, Fact::Known(Health::Starting));
}

#[test]
fn a_replica_between_two_attempts_leaves_the_ports_unknown() {
    let services = services(json!([
        with(compose("a", "shop", "web"), "Ports", published(8080)),
        with(compose("b", "shop", "web"), "State", json!("restarting")),
    ]));
    assert_eq!(summary(&services[0]), "web running [?not_yet_observed] none lab:1");
}

#[test]
fn two_projects_with_the_same_service_are_told_apart_by_project() {
    let services = services(json!([
        compose("a", "shop", "db"),
        compose("b", "blog", "db"),
        compose("c", "blog", "web"),
        row("d", "cache"),
    ]));
    let names: Vec<&str> = services.iter().map(|service| service.name.as_str()).collect();
    assert_eq!(names, ["blog/db", "cache", "shop/db", "web"]);
}

#[test]
fn names_end_unique_whatever_the_labels_say() {
    let labelled = |id: &str, name: &str| with(row(id, name), "Labels", json!({ "evenkeel.service": "web" }));
    let services = services(json!([
        compose("a", "shop", "web"),
        row("b", "web"),
        labelled("c", "one"),
        labelled("d", "two"),
        labelled("e", "one2"),
    ]));
    let names: Vec<&str> = services.iter().map(|service| service.name.as_str()).collect();
    assert_eq!(names, ["one", "one2", "shop/web", "two", "web"]);
}

#[test]
fn our_labels_name_a_service_give_its_role_and_hide_it() {
    let labels = json!({ "evenkeel.service": "feeds", "evenkeel.role": "rss", "DB_PASSWORD": "hunter2" });
    let services = services(json!([
        with(row("a", "freshrss"), "Labels", labels),
        with(row("b", "scratch"), "Labels", json!({ "evenkeel.ignore": "true" })),
        with(row("c", "loud"), "Labels", json!({ "evenkeel.ignore": "false" })),
        with(
            compose("d", "shop", "run"),
            "Labels",
            json!({
                "com.docker.compose.project": "shop", "com.docker.compose.service": "web",
                "com.docker.compose.oneoff": "True",
            })
        ),
    ]));
    let names: Vec<&str> = services.iter().map(|service| service.name.as_str()).collect();
    assert_eq!(names, ["feeds", "loud"]);
    assert_eq!(services[0].hints.label.as_deref(), Some("feeds"));
    assert_eq!(services[0].hints.container_name.as_deref(), Some("freshrss"));
    assert_eq!(services[0].role.as_deref(), Some("rss"));
    assert!(!serde_json::to_string(&services).unwrap().contains("hunter2"));
}

#[test]
fn past_tasks_of_a_swarm_service_are_not_its_replicas() {
    let task = |id: &str, created: i64, state: &str| {
        let labels = json!({ "com.docker.swarm.service.name": "shop_web" });
        let row = with(row(id, &format!("shop_web.1.{id}")), "Labels", labels);
        with(with(row, "Created", json!(created)), "State", json!(state))
    };
    let running = services(json!([task("a", 1, "exited"), task("b", 2, "exited"), task("c", 3, "running")]));
    assert_eq!((running.len(), running[0].replicas), (1, 1));
    assert_eq!((running[0].name.as_str(), &running[0].state), ("shop_web", &Fact::Known(RunState::Running)));
    let over = services(json!([task("a", 1, "exited"), task("b", 2, "exited")]));
    assert_eq!((over[0].replicas, &over[0].state), (1, &Fact::Known(RunState::Exited)));
}

#[test]
fn of_tasks_that_ended_together_the_same_one_stays_in_whatever_order_they_are_listed() {
    let task = |id: &str, image: &str| {
        let labels = json!({ "com.docker.swarm.service.name": "shop_web" });
        let row = with(with(row(id, id), "Labels", labels), "State", json!("exited"));
        with(row, "Image", json!(image))
    };
    let (one, two) = (task("a", "web:1"), task("b", "web:2"));
    assert_eq!(services(json!([one, two])), services(json!([two, one])));
}

#[test]
fn the_networks_of_a_container_are_read_alike_in_either_way() {
    let networks = json!({ "Networks": { "front": {}, "back": {} } });
    let body = json!([with(row("a", "a"), "NetworkSettings", networks)]).to_string();
    // As engines write them: in no order. `json!` would put them into one.
    let body = body.replace(r#""back":{},"front":{}"#, r#""front":{},"back":{}"#);
    assert!(body.contains(r#"{"front":{},"back":{}}"#), "{body}");
    assert_eq!(wire::plain::list(body.as_bytes()), Some(list(body.as_bytes())));
}

#[test]
fn ports_behind_another_containers_network_are_not_this_ones() {
    let sidecar = |id: &str, mode: &str| {
        let row = with(row(id, id), "HostConfig", json!({ "NetworkMode": mode }));
        with(row, "Ports", json!([]))
    };
    let services = services(json!([sidecar("a", "container:0123456789abcdef"), sidecar("b", "none")]));
    let gap = services[0].ports.known().unwrap_err();
    assert_eq!(
        (gap.kind, &*gap.why),
        (GapKind::Uncovered, "container a shares the network of container 0123456789ab")
    );
    assert!(services[1].ports.known().unwrap().open.is_empty());
}

#[test]
fn an_image_is_named_without_digest_and_not_by_id() {
    for (image, expected) in [
        ("nginx:1.25", Some("nginx:1.25")),
        ("registry:5000/team/app:2@sha256:abcd", Some("registry:5000/team/app:2")),
        ("localhost/lab:1", Some("localhost/lab:1")),
        ("sha256:cf94ab21207aa8b733cda16ccc2c5fdbfaa862d35163779e84ee3757d7345f65", None),
        ("cf94ab21207aa8b733cda16ccc2c5fdbfaa862d35163779e84ee3757d7345f65", None),
        ("", None),
    ] {
        let services = services(json!([with(row("a", "x"), "Image", json!(image))]));
        assert_eq!(services[0].image.as_deref(), expected, "{image}");
    }
}

#[test]
fn the_words_for_a_state_are_read_in_every_dialect() {
    for (word, expected) in [
        ("running", RunState::Running),
        ("Running", RunState::Running),
        ("restarting", RunState::Restarting),
        ("paused", RunState::Paused),
        ("created", RunState::Created),
        ("initialized", RunState::Created),
        ("exited", RunState::Exited),
        ("dead", RunState::Exited),
        ("removing", RunState::Exited),
    ] {
        let services = services(json!([with(row("a", "x"), "State", json!(word))]));
        assert_eq!(services[0].state, Fact::Known(expected), "{word}");
    }
}

#[test]
fn a_linked_container_goes_by_its_own_name() {
    let services = services(json!([with(row("a", "x"), "Names", json!(["/web/db", "/db"]))]));
    assert_eq!(services[0].name.as_str(), "db");
}

#[test]
fn a_list_shorter_than_the_engines_own_count_proves_nothing() {
    let info = |containers| Ok(Info { containers, ..Info::default() });
    let refused = |kind| Err(evenkeel_core::Gap::new(kind, "x"));
    let (empty, two) = (List::default(), list(json!([row("a", "x"), row("b", "y")]).to_string().as_bytes()));
    let kind = |list: &List, info, podman| shortfall(list, &info, podman).map(|gap| gap.kind);
    assert_eq!(kind(&two, info(Some(2)), false), None);
    assert_eq!(kind(&two, info(Some(3)), false), Some(GapKind::Truncated));
    assert_eq!(kind(&two, info(Some(3)), true), None);
    assert_eq!(kind(&two, info(None), false), None);
    assert_eq!(kind(&two, refused(GapKind::TimedOut), false), None);
    assert_eq!(kind(&empty, info(Some(0)), false), None);
    assert_eq!(kind(&empty, info(Some(1)), true), Some(GapKind::Truncated));
    assert_eq!(kind(&empty, info(None), false), Some(GapKind::Malformed));
    assert_eq!(kind(&empty, refused(GapKind::TimedOut), false), Some(GapKind::TimedOut));
    assert_eq!(kind(&empty, refused(GapKind::Unauthorized), false), None);
}

/// The recorded lists, with so many values somewhere replaced by others.
fn mutated(times: std::ops::Range<usize>) -> impl Strategy<Value = Vec<u8>> {
    let odd = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,20}".prop_map(Value::from),
        Just(json!([])),
        Just(json!({})),
        Just(json!([{ "IP": "::", "PublicPort": 99_999, "Type": "tcp" }])),
        prop::sample::select(vec![json!(0), json!(" 81 "), json!("/a/b"), json!(["/"]), json!(70_000)]),
        Just(json!({ "Status": "healthy", "NetworkMode": "host", "Networks": { "host": {}, "a": null } })),
    ];
    let place = (any::<prop::sample::Index>(), odd);
    let body = prop_oneof![Just(ALL), Just(PODMAN)];
    (body, prop::collection::vec(place, times)).prop_map(|(body, places)| {
        let mut value: Value = serde_json::from_slice(body).unwrap();
        for (at, odd) in places {
            let mut left = at.index(value_count(&value));
            replace(&mut value, &mut left, &odd);
        }
        serde_json::to_vec(&value).unwrap()
    })
}

fn children(value: &mut Value) -> Vec<&mut Value> {
    match value {
        Value::Array(values) => values.iter_mut().collect(),
        Value::Object(values) => values.values_mut().collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
    }
}

fn value_count(value: &Value) -> usize {
    1 + match value {
        Value::Array(values) => values.iter().map(value_count).sum::<usize>(),
        Value::Object(values) => values.values().map(value_count).sum(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
    }
}

fn replace(value: &mut Value, left: &mut usize, odd: &Value) -> bool {
    if *left == 0 {
        *value = odd.clone();
        return true;
    }
    *left -= 1;
    children(value).into_iter().any(|child| replace(child, left, odd))
}

fn judge(body: &[u8]) {
    let Ok(list) = wire::list(body) else { return };
    for container in &list.containers {
        restarts::up_at_least(&container.status);
    }
    let services = services_of(&list);
    let names: std::collections::BTreeSet<_> = services.iter().map(|service| &service.name).collect();
    assert_eq!(names.len(), services.len(), "a name occurs twice");
}

/// A container with these labels, and one beside it.
fn labelled(labels: &str) -> Vec<u8> {
    let row = |id: &str, labels: &str| {
        format!(
            r#"{{"Id":"{id}","Names":["/{id}"],"State":"running","Status":"Up 1 second","Ports":[],"Labels":{labels}}}"#
        )
    };
    format!("[{},{}]", row("bomb", labels), row("web", "{}")).into_bytes()
}

#[test]
fn a_million_labels_and_one_of_many_megabytes_are_read_past() {
    let many: Vec<String> = (0..1_000_000).map(|n| format!("\"l{n}\":\"v\"")).collect();
    let long = format!("{{\"l\":\"{}\"}}", "x".repeat(48 * 1024 * 1024));
    for labels in [format!("{{{}}}", many.join(",")), long] {
        let found = services_of(&list(&labelled(&labels)));
        let names: Vec<&str> = found.iter().map(|service| service.name.as_str()).collect();
        assert_eq!(names, ["bomb", "web"]);
        let kept: usize = found.iter().map(|service| format!("{:?}", service.hints).len()).sum();
        assert!(kept < 1000, "labels of others are not kept: {kept} bytes");
    }
}

#[test]
fn what_is_nested_without_end_is_no_list_and_no_end_of_the_process() {
    for depth in [1_000, 1_000_000] {
        for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
            let nested = format!("{}1{}", open.repeat(depth), close.repeat(depth));
            for body in [nested.clone(), format!("[{nested}]")] {
                let read = wire::list(body.as_bytes());
                assert!(
                    read.is_err() || !read.unwrap().odd.is_empty(),
                    "{depth} of {open} passed for a list"
                );
            }
            // In a field it costs that field, or the list, and never the process.
            if let Ok(list) = wire::list(&labelled(&nested)) {
                let found = services_of(&list);
                assert!(found.iter().any(|service| service.name.as_str() == "web"), "{depth} of {open}");
            }
        }
    }
}

proptest! {
    #[test]
    fn one_odd_value_anywhere_never_panics_and_costs_at_most_one_container(body in mutated(1..2)) {
        judge(&body);
        if let Ok(list) = wire::list(&body) {
            prop_assert!(list.odd.len() <= 1 || list.containers.is_empty(), "{:?}", list.odd);
        }
    }

    #[test]
    fn the_list_says_the_same_as_read_the_plain_way(body in mutated(0..6)) {
        prop_assert_eq!(wire::list(&body).ok(), wire::plain::list(&body));
    }

    #[test]
    fn no_bytes_at_all_make_decoding_panic(
        start in 0..ALL.len(), length in 0..2000_usize, noise in proptest::collection::vec(any::<u8>(), 0..50)
    ) {
        judge(&noise);
        let mut body = ALL.to_vec();
        let end = (start + length).min(body.len());
        body.splice(start..end, noise);
        judge(&body);
    }

    #[test]
    fn the_order_of_the_list_is_irrelevant(seed in any::<u64>()) {
        let Value::Array(mut rows) = serde_json::from_slice::<Value>(ALL).unwrap() else { unreachable!() };
        let sorted = services(Value::Array(rows.clone()));
        let len = rows.len() as u64;
        for i in 0..rows.len() {
            rows.swap(i, usize::try_from(seed.rotate_left(u32::try_from(i * 7).unwrap()) % len).unwrap());
        }
        prop_assert_eq!(services(Value::Array(rows)), sorted);
    }
}
