//! A read is complete or it says why not. Every fault, every odd version, every kind of row that cannot be read.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a panic is the failed assertion itself"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::support::*;
use evenkeel_core::model::{HostKind, Lifecycle, Port};
use evenkeel_core::{Coverage, Gap, GapKind, Secret};
use evenkeel_lab::fault::Fault;
use evenkeel_lab::inventory::{Host, Inventory, ObjectRef};
use evenkeel_lab::netbox::{NetboxLab, NetboxVersion};
use evenkeel_sources::netbox::{Config, FieldNames, Filters, NetboxSource, TokenKind, Version};
use serde_json::json;

/// The models that are read.
const MODELS: [&str; 7] = [
    "/api/dcim/devices/",
    "/api/virtualization/virtual-machines/",
    "/api/ipam/services/",
    "/api/ipam/ip-addresses/",
    "/api/dcim/interfaces/",
    "/api/virtualization/interfaces/",
    "/api/dcim/mac-addresses/",
];

pub(crate) fn words(gap: &Gap, kind: GapKind, parts: &[&str]) {
    assert_eq!(gap.kind, kind, "{gap}");
    for part in parts {
        assert!(gap.why.contains(part), "`{part}` is not in: {gap}");
    }
}

#[tokio::test]
async fn every_version_declares_the_reference_fleet() {
    for version in NetboxVersion::ALL {
        let lab = lab(version).await;
        let source = source(&lab);
        let hosts = complete(&source).await;
        assert_eq!(hosts.len(), 19, "{version:?}");
        assert_eq!(hosts.iter().map(|host| host.services.len()).sum::<usize>(), 59, "{version:?}");
        assert_eq!(source.version(), Some(Version { major: 4, minor: version.minor() }));
        let media = host(&hosts, "box2-media");
        assert_eq!(media.disk_mib, Some(204_800), "{version:?}");
        assert_eq!(
            media.service(&"jellyfin".into()).unwrap().ports.as_slice(),
            [Port::tcp(8096), Port::tcp(8920)]
        );
        assert_eq!(media.service(&"jackett".into()).unwrap().lifecycle, Some(Lifecycle::Retired));
    }
}

#[tokio::test]
async fn a_small_netbox_is_read_in_nine_requests_and_eight_from_then_on() {
    let lab = lab(NetboxVersion::V4_5).await;
    let source = source(&lab);
    complete(&source).await;
    assert_eq!(source.stats().requests, 9, "status, changelog, seven models");
    complete(&source).await;
    assert_eq!(source.stats().requests, 8);
    assert_eq!((lab.requests(), source.stats().bytes > 10_000), (17, true));
}

#[tokio::test]
async fn pages_of_any_size_and_any_cap_give_the_same_inventory() {
    let lab = lab(NetboxVersion::V4_5).await;
    let whole = complete(&source(&lab)).await;
    for (asked, cap) in [(1, 1000), (7, 1000), (14, 1000), (59, 1000), (1000, 10), (20, 3)] {
        lab.netbox().set_max_page_size(cap);
        let config = Config { page_size: asked, ..config(&lab.url(), lab.token_v1()) };
        assert_eq!(complete(&NetboxSource::new(config).unwrap()).await, whole, "{asked} {cap}");
    }
}

/// The one promise everything rests on: no fault, anywhere, ever passes for a complete read.
#[tokio::test]
async fn no_fault_of_any_model_passes_for_a_complete_read() {
    let lab = lab(NetboxVersion::V4_5).await;
    for path in MODELS {
        for (fault, kind, part) in [
            (Fault::Reset, GapKind::Unreachable, "connection"),
            (Fault::Hang, GapKind::TimedOut, "no answer within the time allowed"),
            (Fault::Slow(Duration::from_secs(5)), GapKind::TimedOut, "no answer within the time allowed"),
            (Fault::Status(500), GapKind::Unreachable, "500 internal server error (operationalerror)"),
            (Fault::Status(503), GapKind::Unreachable, "503 service unavailable"),
            (Fault::Status(429), GapKind::Unreachable, "429 too many requests"),
            (Fault::Status(403), GapKind::Unauthorized, "give the token's user the permission"),
            (Fault::Status(404), GapKind::Malformed, "404, no such endpoint"),
            (Fault::Truncated, GapKind::Truncated, "rows came"),
            (Fault::Malformed, GapKind::Malformed, "not a list"),
            (Fault::DuplicateRow, GapKind::Truncated, "came twice"),
            (Fault::ResetMidStream, GapKind::Truncated, "the answer ended early"),
        ] {
            let mut config = config(&lab.url(), lab.token_v1());
            if kind == GapKind::TimedOut {
                config.timeout = Duration::from_millis(60);
            }
            let source = NetboxSource::new(config).unwrap();
            lab.faults().set(path, fault.clone());
            let inventory = observe(&source).await;
            let gap = inventory.coverage.gap().unwrap_or_else(|| panic!("{path} {fault:?} passed"));
            words(gap, kind, &[path, part]);
            assert_eq!(inventory.hosts, [], "{path} {fault:?}: half a read is no world");
            lab.faults().clear(path);
        }
    }
    complete(&source(&lab)).await;
}

#[tokio::test]
async fn a_list_that_comes_back_empty_does_not_empty_the_world() {
    for path in MODELS {
        let lab = lab(NetboxVersion::V4_5).await;
        let source = source(&lab);
        let before = complete(&source).await;
        lab.faults().set(path, Fault::EmptyList);
        let gap = gap(&source).await;
        words(&gap, GapKind::Unauthorized, &["were the rights of the token changed"]);
        lab.faults().clear(path);
        assert_eq!(complete(&source).await, before, "{path}");
    }
}

#[tokio::test]
async fn a_netbox_in_which_every_list_comes_back_empty_is_not_believed_however_small_it_is() {
    let lab = NetboxLab::start(Inventory::default(), NetboxVersion::V4_5).await.unwrap();
    lab.netbox().add_device("node", |_| {});
    lab.netbox().add_device("box", |_| {});
    let source = source(&lab);
    let before = complete(&source).await;
    lab.faults().set("", Fault::EmptyList);
    let gap = gap(&source).await;
    words(&gap, GapKind::Unauthorized, &["nothing tells of their deletion"]);
    lab.faults().clear("");
    assert_eq!(complete(&source).await, before);
}

#[tokio::test]
async fn hidden_hosts_are_noticed_by_what_belongs_to_them_even_at_the_first_read() {
    let lab = lab(NetboxVersion::V4_5).await;
    lab.faults().set("/api/virtualization/virtual-machines/", Fault::EmptyList);
    let gap = gap(&source(&lab)).await;
    words(
        &gap,
        GapKind::Unauthorized,
        &["virtual machines 1, which this token is not shown", "or set filters"],
    );
}

#[tokio::test]
async fn an_outage_is_over_when_it_is_over() {
    let lab = lab(NetboxVersion::V4_5).await;
    let source = source(&lab);
    lab.faults().set("", Fault::Status(503));
    assert_eq!(gap(&source).await.kind, GapKind::Unreachable);
    lab.faults().clear_all();
    assert_eq!(complete(&source).await.len(), 19);
}

#[tokio::test]
async fn a_refused_connection_names_the_place() {
    let lab = lab(NetboxVersion::V4_5).await;
    let url = lab.url();
    let token = lab.token_v1();
    drop(lab);
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let free = format!("http://{}/", listener.local_addr().unwrap());
    drop((url, listener));
    let gap = gap(&NetboxSource::new(config(&free, token)).unwrap()).await;
    words(&gap, GapKind::Unreachable, &[&format!("{free}api/status/"), "connection refused"]);
}

#[tokio::test]
async fn something_in_front_that_drops_the_query_is_caught_on_the_first_page() {
    let lab = lab(NetboxVersion::V4_5).await;
    lab.netbox().set_ignores_queries(true);
    let gap = gap(&source(&lab)).await;
    assert_eq!(gap.kind, GapKind::Truncated, "{gap}");
}

#[tokio::test]
async fn a_lost_connection_and_a_busy_server_are_asked_once_more() {
    let lab = lab(NetboxVersion::V4_5).await;
    let source = source(&lab);
    complete(&source).await;
    lab.faults().set("/api/ipam/services/", Fault::Status(429));
    gap(&source).await;
    let asked = lab.take_log().iter().filter(|line| line.starts_with("/api/ipam/services/")).count();
    assert_eq!(asked, 3, "one before, then one try and one more");
}

#[tokio::test]
async fn both_kinds_of_tokens_are_sent_as_their_version_wants_them() {
    let lab = lab(NetboxVersion::V4_5).await;
    for token in [lab.token_v1(), lab.token_v2()] {
        let source = NetboxSource::new(config(&lab.url(), token)).unwrap();
        complete(&source).await;
    }
}

#[tokio::test]
async fn a_wrong_token_says_so_and_is_never_shown() {
    let lab = lab(NetboxVersion::V4_6).await;
    for token in ["f000000000000000000000000000000000000000", "nbt_wrong0000000.wrongwrongwrong"] {
        let gap = gap(&NetboxSource::new(config(&lab.url(), token)).unwrap()).await;
        words(&gap, GapKind::Unauthorized, &["Invalid v", "the token is wrong or was deleted"]);
        assert!(!gap.why.contains(token), "{gap}");
    }
}

#[tokio::test]
async fn a_v2_token_on_an_older_netbox_is_told_apart_from_a_wrong_one() {
    let lab = lab(NetboxVersion::V4_2).await;
    let gap = gap(&NetboxSource::new(config(&lab.url(), lab.token_v2())).unwrap()).await;
    words(
        &gap,
        GapKind::Unauthorized,
        &["tokens of the form nbt_… are known from 4.5 on, create a v1 token"],
    );
}

#[tokio::test]
async fn a_missing_permission_is_named() {
    let lab = lab(NetboxVersion::V4_5).await;
    lab.netbox().deny("virtualization.vminterface");
    let gap = gap(&source(&lab)).await;
    words(
        &gap,
        GapKind::Unauthorized,
        &["/api/virtualization/interfaces/", "the permission virtualization.view_vminterface"],
    );
}

#[tokio::test]
async fn rows_that_vanish_without_a_deletion_are_held_back() {
    let lab = lab(NetboxVersion::V4_5).await;
    let source = source(&lab);
    complete(&source).await;
    let n8n = lab.netbox().service("n8n", "n8n").unwrap();
    lab.netbox().hide("ipam.service", n8n);
    let found = gap(&source).await;
    words(&found, GapKind::Unauthorized, &["1 of 59 services are no longer shown", &format!("id {n8n}")]);
    assert_eq!(gap(&source).await.kind, GapKind::Unauthorized, "it stays so");
    lab.netbox().allow_all();
    complete(&source).await;
}

#[tokio::test]
async fn rows_that_were_deleted_are_believed_gone() {
    let lab = lab(NetboxVersion::V4_5).await;
    let source = source(&lab);
    complete(&source).await;
    let rotki = lab.netbox().vm("rotki").unwrap();
    assert!(lab.netbox().remove_vm(rotki));
    let hosts = complete(&source).await;
    assert_eq!(hosts.len(), 18);
    assert!(hosts.iter().all(|host| host.name.as_str() != "rotki"));
}

#[tokio::test]
async fn without_a_changelog_every_read_is_full_and_only_a_large_loss_is_held_back() {
    let lab = lab(NetboxVersion::V4_5).await;
    lab.netbox().deny("core.objectchange");
    let source = incremental(&lab);
    complete(&source).await;
    complete(&source).await;
    assert_eq!(source.stats().requests, 8);
    let ids = lab.netbox().ids("ipam.service");
    lab.netbox().hide("ipam.service", ids[0]);
    complete(&source).await;
    for id in &ids[..40] {
        lab.netbox().hide("ipam.service", *id);
    }
    words(&gap(&source).await, GapKind::Unauthorized, &["39 of 58 services are no longer shown"]);
}

#[tokio::test]
async fn a_netbox_below_a_path_is_found() {
    let lab = lab(NetboxVersion::V4_5).await;
    let below = NetboxSource::new(config(&lab.url_below_path(), lab.token_v1())).unwrap();
    assert_eq!(complete(&below).await.len(), 19);
    assert!(lab.take_log().iter().all(|line| line.starts_with("/netbox/api/")));
}

#[tokio::test]
async fn an_upgrade_between_two_reads_is_followed() {
    let lab = lab(NetboxVersion::V4_2).await;
    let source = source(&lab);
    let before = complete(&source).await;
    lab.upgrade(NetboxVersion::V4_6);
    // The read during which the version is first noticed is not trusted.
    words(&gap(&source).await, GapKind::Truncated, &["changed from 4.2 to 4.6 during the read"]);
    assert_eq!(complete(&source).await, before);
}

#[tokio::test]
async fn what_is_not_a_netbox_is_not_read() {
    let lab = lab(NetboxVersion::V4_5).await;
    let url = format!("{}somewhere/", lab.url());
    let gap = gap(&NetboxSource::new(config(&url, lab.token_v1())).unwrap()).await;
    words(&gap, GapKind::Malformed, &["/somewhere/api/status/", "is this netbox's address"]);
}

#[tokio::test]
async fn a_service_that_cannot_be_read_blinds_its_host_and_nothing_else() {
    for (with, words) in [
        (json!({"ports": ["eighty"]}), "invalid type"),
        (json!({"ports": [99999]}), "99999 is not a port"),
        (json!({"ports": [0]}), "0 is not a port"),
        (json!({"protocol": {"value": "quic", "label": "QUIC"}}), "the protocol `quic` is not known here"),
        (json!({"name": null}), "it has no name"),
        (json!({"tags": "docker"}), "invalid type"),
    ] {
        for version in [NetboxVersion::V4_2, NetboxVersion::V4_5] {
            let lab = lab(version).await;
            lab.netbox().mangle("ipam.service", 34, with.clone());
            let hosts = complete(&source(&lab)).await;
            assert_eq!(hosts.len(), 19);
            let media = host(&hosts, "box2-media");
            let Coverage::Partial(gap) = &media.services_coverage else { panic!("{with}") };
            assert_eq!(gap.kind, GapKind::Malformed);
            assert!(gap.why.contains("netbox service 34") && gap.why.contains(words), "{gap}");
            assert_eq!(media.services.len(), 7, "the others are read");
            assert!(
                hosts
                    .iter()
                    .filter(|host| host.name.as_str() != "box2-media")
                    .all(|host| host.services_coverage.is_complete())
            );
        }
    }
}

#[tokio::test]
async fn a_row_that_could_concern_anybody_keeps_the_whole_from_being_complete() {
    for (model, id, with, part) in [
        (
            "virtualization.virtualmachine",
            5,
            json!({"status": null}),
            "netbox virtual machine 5: it has no status",
        ),
        ("dcim.device", 2, json!({"tags": 7}), "netbox device 2: invalid type"),
        ("ipam.ipaddress", 9, json!({"address": "here"}), "netbox ip address 9: `here` is not an address"),
        ("dcim.macaddress", 3, json!({"mac_address": 12}), "netbox mac address 3: invalid type"),
        ("ipam.service", 34, json!({"parent_object_type": null}), "netbox service 34: it names no parent"),
    ] {
        let lab = lab(NetboxVersion::V4_5).await;
        lab.netbox().mangle(model, id, with);
        let gap = gap(&source(&lab)).await;
        words(&gap, GapKind::Malformed, &[part]);
    }
}

#[tokio::test]
async fn a_row_without_an_id_is_no_row() {
    let lab = lab(NetboxVersion::V4_5).await;
    lab.netbox().mangle("ipam.service", 34, json!({"id": "34"}));
    words(&gap(&source(&lab)).await, GapKind::Malformed, &["/api/ipam/services/", "a row without an id"]);
}

#[tokio::test]
async fn a_service_of_something_that_is_no_host_is_left_out() {
    let lab = lab(NetboxVersion::V4_5).await;
    lab.netbox().add_service(ObjectRef::new("dcim.site", 1), "door", &[80], |_| {});
    lab.netbox().add_service(ObjectRef::new("ipam.fhrpgroup", 1), "vip", &[443], |_| {});
    let hosts = complete(&source(&lab)).await;
    assert_eq!(hosts.iter().map(|host| host.services.len()).sum::<usize>(), 59);
}

#[tokio::test]
async fn services_of_one_name_are_one_service() {
    let lab = lab(NetboxVersion::V4_5).await;
    let docs = ObjectRef::vm(lab.netbox().vm("box2-docs").unwrap());
    lab.netbox().add_service(docs.clone(), "dns", &[53, 853], |_| {});
    lab.netbox().add_service(docs.clone(), "dns", &[53, 53], |dns| dns.protocol = "udp".into());
    let hosts = complete(&source(&lab)).await;
    let docs = host(&hosts, "box2-docs");
    let dns = docs.service(&"dns".into()).unwrap();
    assert_eq!(dns.ports.as_slice(), [Port::tcp(53), Port::udp(53), Port::tcp(853)]);
    assert_eq!(dns.netbox_ids, [60, 61]);
    assert_eq!(docs.contradictions, []);
}

#[tokio::test]
async fn services_of_one_name_that_disagree_are_a_contradiction_and_no_guess() {
    let lab = lab(NetboxVersion::V4_5).await;
    let docs = ObjectRef::vm(lab.netbox().vm("box2-docs").unwrap());
    for (lifecycle, container) in [("active", "one"), ("retired", "two")] {
        lab.netbox().add_service(docs.clone(), "dns", &[53], |dns| {
            dns.custom_fields.insert("lifecycle".into(), json!(lifecycle));
            dns.custom_fields.insert("container_name".into(), json!(container));
        });
    }
    let hosts = complete(&source(&lab)).await;
    let docs = host(&hosts, "box2-docs");
    let dns = docs.service(&"dns".into()).unwrap();
    assert_eq!((dns.lifecycle, &dns.container_name), (Some(Lifecycle::Planned), &None));
    let said: Vec<&str> = docs.contradictions.iter().map(|one| &*one.what).collect();
    assert_eq!(
        said,
        [
            "2 services named dns disagree on their container name: one, two",
            "2 services named dns disagree on their life cycle: active, retired"
        ]
    );
    assert!(docs.contradictions.iter().all(|one| one.service == Some("dns".into())));
}

#[tokio::test]
async fn hosts_of_one_name_are_told_apart_and_reported() {
    let lab = lab(NetboxVersion::V4_5).await;
    let id = lab.netbox().add_vm("Box2-Daily", |vm| vm.cluster = Some(2));
    let device = lab.netbox().add_device("box2-daily", |_| {});
    let hosts = complete(&source(&lab)).await;
    let names: Vec<&str> = hosts
        .iter()
        .map(|host| host.name.as_str())
        .filter(|name| name.to_lowercase().contains("box2-daily"))
        .collect();
    assert_eq!(names, [&*format!("Box2-Daily (vm {id})"), "box2-daily", "box2-daily (vm 4)"]);
    assert_eq!(host(&hosts, "box2-daily").kind, HostKind::Device);
    for name in names {
        let said = &host(&hosts, name).contradictions;
        assert_eq!(said.len(), 1);
        assert!(
            said[0].what.ends_with(&format!("is declared more than once: device {device}, vm 4, vm {id}"))
        );
    }
}

#[tokio::test]
async fn a_device_without_a_name_is_called_by_its_id() {
    let lab = lab(NetboxVersion::V4_5).await;
    let id = lab.netbox().add_device("x", |device| device.name = None);
    let vm = lab.netbox().vm("n8n").unwrap();
    lab.netbox().edit_vm(vm, |vm| vm.device = Some(id));
    let hosts = complete(&source(&lab)).await;
    host(&hosts, &format!("device {id}"));
    assert_eq!(host(&hosts, "n8n").node.as_ref().unwrap().as_str(), format!("device {id}"));
}

#[tokio::test]
async fn an_address_assigned_twice_is_reported_on_both_and_not_resolved() {
    let lab = lab(NetboxVersion::V4_5).await;
    let interface = ObjectRef::vm_interface(10);
    lab.netbox().add_ip("192.168.2.230/24", Some(interface.clone()), |_| {});
    let hosts = complete(&source(&lab)).await;
    for name in ["supabase", "mcp-gateway"] {
        let said: Vec<&str> = host(&hosts, name).contradictions.iter().map(|one| &*one.what).collect();
        assert_eq!(said, ["192.168.2.230 is assigned to mcp-gateway and supabase"], "{name}");
    }
    let supabase = host(&hosts, "supabase");
    assert_eq!(supabase.primary_ip, Some("192.168.2.206".parse().unwrap()));
    assert_eq!(supabase.addresses.len(), 2);
}

#[tokio::test]
async fn addresses_meant_to_be_shared_are_no_contradiction() {
    let lab = lab(NetboxVersion::V4_5).await;
    let netbox = lab.netbox();
    let first = Some(ObjectRef::vm_interface(10));
    let second = Some(ObjectRef::vm_interface(9));
    for interface in [&first, &second] {
        netbox.add_ip("10.0.0.1/24", interface.clone(), |ip| ip.role = Some("vip".into()));
        netbox.add_ip("127.0.0.1/8", interface.clone(), |_| {});
        netbox.add_ip("fe80::1/64", interface.clone(), |_| {});
    }
    netbox.add_ip("10.1.1.1/24", first, |ip| ip.vrf = Some(1));
    netbox.add_ip("10.1.1.1/24", second, |ip| ip.vrf = Some(2));
    let hosts = complete(&source(&lab)).await;
    assert!(hosts.iter().all(|host| host.contradictions.is_empty()));
    assert_eq!(host(&hosts, "supabase").addresses.len(), 5);
}

#[tokio::test]
async fn custom_fields_go_by_their_configured_names_and_in_both_forms() {
    for version in [NetboxVersion::V4_5, NetboxVersion::V4_7] {
        let lab = lab(version).await;
        let netbox = lab.netbox();
        netbox.edit_host("box2-media", |vm| {
            vm.custom_fields.insert("dockerd".into(), json!("tcp://192.168.2.16:2376"));
            vm.custom_fields.insert("also".into(), json!("media, jelly"));
            vm.custom_fields.insert("sensitive".into(), json!(true));
        });
        netbox.set_service_field("box2-media", "sonarr", "picture", json!("linuxserver/sonarr:4"));
        netbox.set_service_field("box2-media", "sonarr", "lifecycle", json!("retired"));
        let fields = FieldNames {
            docker_endpoint: "dockerd".into(),
            aliases: "also".into(),
            image: "picture".into(),
            ..FieldNames::default()
        };
        let config = Config { fields, ..config(&lab.url(), lab.token_v1()) };
        let hosts = complete(&NetboxSource::new(config).unwrap()).await;
        let media = host(&hosts, "box2-media");
        assert_eq!(media.docker_endpoint.as_deref(), Some("tcp://192.168.2.16:2376"));
        assert!(media.sensitive);
        let aliases: Vec<&str> = media.aliases.iter().map(|alias| &**alias).collect();
        assert_eq!(aliases, ["box2-media.bruce.lan", "jelly", "media"]);
        let sonarr = media.service(&"sonarr".into()).unwrap();
        assert_eq!(sonarr.image.as_deref(), Some("linuxserver/sonarr:4"));
        assert_eq!(sonarr.lifecycle, Some(Lifecycle::Retired), "{version:?}");
    }
}

#[tokio::test]
async fn a_life_cycle_nobody_knows_is_reported_and_demands_nothing() {
    let lab = lab(NetboxVersion::V4_5).await;
    lab.netbox().set_service_field("box2-media", "sonarr", "lifecycle", json!("sunset"));
    let hosts = complete(&source(&lab)).await;
    let media = host(&hosts, "box2-media");
    assert_eq!(media.service(&"sonarr".into()).unwrap().lifecycle, Some(Lifecycle::Planned));
    assert_eq!(
        &*media.contradictions[0].what,
        "service 38 (sonarr): its life cycle is `sunset`, which is none of planned, active, retired"
    );
}

#[tokio::test]
async fn the_config_context_is_only_asked_for_where_it_is_wanted() {
    let lab = lab(NetboxVersion::V4_5).await;
    lab.netbox().edit_host("box2-media", |vm| {
        vm.config_context.insert("evenkeel".into(), json!({"docker_endpoint": "ssh://media"}));
    });
    assert_eq!(host(&complete(&source(&lab)).await, "box2-media").docker_endpoint, None);
    assert!(!lab.take_log().iter().any(|line| line.contains("config_context")));
    let config = Config { read_config_context: true, ..config(&lab.url(), lab.token_v1()) };
    let hosts = complete(&NetboxSource::new(config).unwrap()).await;
    assert_eq!(host(&hosts, "box2-media").docker_endpoint.as_deref(), Some("ssh://media"));
}

#[tokio::test]
async fn filters_leave_out_hosts_with_all_that_is_theirs() {
    let lab = lab(NetboxVersion::V4_5).await;
    let read = async |filters: Filters| {
        let config = Config { filters, ..config(&lab.url(), lab.token_v1()) };
        complete(&NetboxSource::new(config).unwrap()).await
    };
    let named = |slugs: &[&str]| slugs.iter().map(|slug| (*slug).to_owned()).collect::<Vec<_>>();
    let famille = read(Filters { tenants: named(&["famille"]), ..Filters::default() }).await;
    let names: Vec<&str> = famille.iter().map(|host| host.name.as_str()).collect();
    assert_eq!(names, ["HomeAssistant", "box2-media", "box2-tube", "minecraft"]);
    let docker = read(Filters { tags: named(&["docker", "media"]), ..Filters::default() }).await;
    assert_eq!(docker.iter().map(|host| host.name.as_str()).collect::<Vec<_>>(), ["box2-media"]);
    let roles = read(Filters { roles: named(&["hypervisor", "nas"]), ..Filters::default() }).await;
    assert_eq!(roles.len(), 3);
    assert_eq!(read(Filters { sites: named(&["bruce"]), ..Filters::default() }).await.len(), 19);
}

#[tokio::test]
async fn filters_hold_even_where_netbox_ignores_them() {
    let lab = lab(NetboxVersion::V4_5).await;
    // A read by id carries no filter; what comes back is filtered here.
    let filters = Filters { tenants: vec!["famille".into()], ..Filters::default() };
    let config = Config { filters, incremental_above: 0, ..config(&lab.url(), lab.token_v1()) };
    let source = NetboxSource::new(config).unwrap();
    assert_eq!(complete(&source).await.len(), 4);
    lab.netbox().set_status("n8n", "offline");
    lab.netbox().set_status("minecraft", "offline");
    let hosts = complete(&source).await;
    assert_eq!(hosts.len(), 4);
    assert_eq!(host(&hosts, "minecraft").status.to_string(), "offline");
}

#[tokio::test]
async fn an_unknown_filter_value_is_a_mistake_that_is_told() {
    let lab = lab(NetboxVersion::V4_5).await;
    let filters = Filters { tenants: vec!["nobody".into()], ..Filters::default() };
    let config = Config { filters, ..config(&lab.url(), lab.token_v1()) };
    let gap = gap(&NetboxSource::new(config).unwrap()).await;
    words(
        &gap,
        GapKind::Malformed,
        &["netbox refuses the question", "nobody is not one of the available choices"],
    );
}

#[tokio::test]
async fn settings_that_cannot_work_are_refused_before_anything_is_sent() {
    let good = || config("http://127.0.0.1:1/", "0123456789abcdef");
    for (config, words) in [
        (
            Config { url: "ftp://h/".parse().unwrap(), ..good() },
            "url: an http:// or https:// address is needed",
        ),
        (
            Config { url: "http://me:pw@h/".parse().unwrap(), ..good() },
            "url: user and password do not belong",
        ),
        (Config { token: Secret::new(""), ..good() }, "token: empty"),
        (Config { token: Secret::new("two words"), ..good() }, "token: empty, or with characters"),
        (Config { page_size: 0, ..good() }, "page_size: must not be zero"),
        (Config { concurrency: 0, ..good() }, "concurrency: must not be zero"),
    ] {
        let error = NetboxSource::new(config).map(|_| ()).unwrap_err();
        assert!(error.to_string().contains(words), "{error}");
    }
}

#[tokio::test]
async fn doctor_sees_every_right_that_is_missing_at_once() {
    let lab = lab(NetboxVersion::V4_5).await;
    lab.netbox().deny("ipam.service");
    lab.netbox().deny("dcim.interface");
    lab.netbox().deny("core.objectchange");
    let source = NetboxSource::new(config(&lab.url(), lab.token_v2())).unwrap();
    let report = source.check().await;
    assert_eq!((report.token, report.version.as_deref()), (TokenKind::V2, Ok("4.5.2")));
    let refused: Vec<&str> =
        report.models.iter().filter(|model| model.rows.is_err()).map(|model| &*model.permission).collect();
    assert_eq!(refused, ["ipam.view_service", "dcim.view_interface"]);
    let shown: Vec<u64> = report.models.iter().filter_map(|model| model.rows.clone().ok()).collect();
    assert_eq!(shown, [14, 19, 14, 5, 13]);
    assert!(!report.is_good() && report.supported && report.changelog.is_err());
    let skew = report.clock_skew.unwrap();
    assert!(skew.abs() < jiff::SignedDuration::from_secs(5), "{skew}");
    lab.netbox().allow_all();
    assert!(source.check().await.is_good());
}

#[tokio::test]
async fn doctor_tells_an_unreachable_netbox_from_a_bad_one() {
    let lab = lab(NetboxVersion::V4_5).await;
    lab.faults().set("", Fault::Reset);
    let report = source(&lab).check().await;
    assert_eq!(report.version.unwrap_err().kind, GapKind::Unreachable);
    assert!(report.models.is_empty() && !report.supported);
}

#[tokio::test]
async fn an_empty_netbox_is_an_answer() {
    let lab = NetboxLab::start(Inventory::default(), NetboxVersion::V4_5).await.unwrap();
    assert_eq!(complete(&source(&lab)).await, []);
}

#[tokio::test]
async fn ports_of_4_7_are_read_from_their_mappings() {
    let lab = lab(NetboxVersion::V4_7).await;
    lab.netbox().mangle(
        "ipam.service",
        34,
        json!({"protocol": null, "ports": null, "port_mappings": ["tcp/8096", "udp/1900"]}),
    );
    let hosts = complete(&source(&lab)).await;
    let jellyfin = host(&hosts, "box2-media").service(&"jellyfin".into()).unwrap();
    assert_eq!(jellyfin.ports.as_slice(), [Port::udp(1900), Port::tcp(8096)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_come_and_go_between_pages_cost_none_of_those_that_stay() {
    let mut inventory = Inventory::reference();
    for n in 0..60 {
        // Every other one stays, so that whatever goes, goes from the middle of a page and before the next one.
        let name = if n % 2 == 0 { format!("goes-{n}") } else { format!("stays-{n}") };
        let (name, status) = (Some(name), "active".into());
        inventory.vms.push(Host { id: 1000 + n, name, status, ..Host::default() });
    }
    let lab = Arc::new(NetboxLab::start(inventory, NetboxVersion::V4_5).await.unwrap());
    let done = Arc::new(AtomicBool::new(false));
    let churn = tokio::spawn({
        let (lab, done) = (lab.clone(), done.clone());
        async move {
            for n in (0..60).step_by(2) {
                // A few pages later the next one.
                let asked = lab.requests();
                while lab.requests() < asked + 4 {
                    tokio::task::yield_now().await;
                }
                lab.netbox().remove_vm(1000 + n);
                lab.netbox().add_vm(&format!("comes-{n}"), |host| host.status = "active".into());
            }
            done.store(true, Ordering::SeqCst);
        }
    });
    let mut reads = 0;
    while !done.load(Ordering::SeqCst) || reads < 3 {
        let source =
            NetboxSource::new(Config { page_size: 3, ..config(&lab.url(), lab.token_v1()) }).unwrap();
        let read = observe(&source).await;
        if read.coverage.is_complete() {
            let stay = read.hosts.iter().filter(|host| host.name.as_str().starts_with("stays-")).count();
            assert_eq!(stay, 30, "read {reads}");
        }
        reads += 1;
    }
    churn.await.unwrap();
    let hosts = complete(&source(&lab)).await;
    let named = |begin: &str| hosts.iter().filter(|host| host.name.as_str().starts_with(begin)).count();
    assert_eq!((named("stays-"), named("goes-"), named("comes-")), (30, 0, 30));
}

#[tokio::test]
async fn a_machine_created_while_services_are_read_is_found_all_the_same() {
    // The service list is read before or after the machine's; a reference that leads nowhere is followed by id.
    let mut inventory = Inventory::reference();
    inventory.vms.push(Host {
        id: 99,
        name: Some("late".into()),
        status: "active".into(),
        ..Host::default()
    });
    let lab = NetboxLab::start(inventory, NetboxVersion::V4_5).await.unwrap();
    lab.netbox().add_service(ObjectRef::vm(99), "late-service", &[80], |_| {});
    let hosts = complete(&source(&lab)).await;
    assert_eq!(host(&hosts, "late").services.len(), 1);
}

#[tokio::test]
async fn clusters_are_read_whole_or_not_at_all() {
    for version in NetboxVersion::ALL {
        let lab = lab(version).await;
        let clusters = source(&lab).clusters().await.unwrap();
        assert_eq!(clusters.len(), 3, "{version:?}");
        lab.netbox().mangle("virtualization.cluster", 2, json!({ "type": null }));
        let gap = source(&lab).clusters().await.unwrap_err();
        words(&gap, GapKind::Malformed, &["virtualization/clusters/", "row 2", "without a type"]);
        lab.netbox().deny("virtualization.cluster");
        let gap = source(&lab).clusters().await.unwrap_err();
        words(&gap, GapKind::Unauthorized, &["virtualization.view_cluster"]);
    }
}
