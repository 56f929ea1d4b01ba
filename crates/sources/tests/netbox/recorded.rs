//! What real NetBoxes answered, read into exactly what their operators declared.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a panic is the failed assertion itself"
)]

use std::collections::BTreeMap;

use crate::support::*;
use evenkeel_core::model::{HostKind, HostStatus, Lifecycle, Port};
use evenkeel_core::{GapKind, SourceKind};
use evenkeel_lab::netbox::{Recorded, Replay};
use evenkeel_sources::netbox::NetboxSource;

async fn read(version: &str) -> Vec<std::sync::Arc<evenkeel_core::model::ExpectedHost>> {
    let replay = replay(version).await;
    complete(&NetboxSource::new(config(&replay.url(), "0123456789abcdef0123456789abcdef01234567")).unwrap())
        .await
}

#[tokio::test]
async fn every_recorded_version_declares_the_same_fleet() {
    for (version, _) in RECORDED {
        let hosts = read(version).await;
        let count = |kind| hosts.iter().filter(|host| host.kind == kind).count();
        assert_eq!((count(HostKind::Device), count(HostKind::VirtualMachine)), (5, 14), "{version}");
        let services: Vec<_> = hosts.iter().flat_map(|host| &host.services).collect();
        assert_eq!(services.len(), 59, "{version}");
        let lived =
            |lifecycle| services.iter().filter(|service| service.lifecycle == Some(lifecycle)).count();
        assert_eq!(
            (lived(Lifecycle::Active), lived(Lifecycle::Planned), lived(Lifecycle::Retired)),
            (50, 7, 2),
            "{version}"
        );
        let addressed = hosts.iter().filter(|host| host.primary_ip.is_some()).count();
        assert_eq!(addressed, 18, "{version}");
        let macs: usize = hosts.iter().map(|host| host.macs.len()).sum();
        assert_eq!(macs, 13, "{version}");
        assert!(hosts.iter().all(|host| host.contradictions.is_empty()), "{version}");
        assert!(hosts.is_sorted_by_key(|host| host.name.clone()), "{version}");
    }
}

#[tokio::test]
async fn every_recorded_version_says_of_which_kind_its_clusters_are() {
    for (version, _) in RECORDED {
        let replay = replay(version).await;
        let token = "0123456789abcdef0123456789abcdef01234567";
        let clusters = NetboxSource::new(config(&replay.url(), token)).unwrap().clusters().await.unwrap();
        let mut kinds: Vec<_> = clusters.iter().map(|cluster| (&*cluster.name, &*cluster.kind)).collect();
        kinds.sort_unstable();
        let expected = [
            ("box2-cluster", "Proxmox VE"),
            ("proxmox-cluster", "Proxmox VE"),
            ("truenas-apps", "TrueNAS SCALE"),
        ];
        assert_eq!(kinds, expected, "{version}");
    }
}

#[tokio::test]
async fn every_host_has_the_status_it_was_given() {
    for (version, _) in RECORDED {
        let hosts = read(version).await;
        let mut by_status: BTreeMap<String, usize> = BTreeMap::new();
        for host in hosts.iter().filter(|host| host.kind == HostKind::VirtualMachine) {
            *by_status.entry(host.status.to_string()).or_default() += 1;
        }
        let expected = [("active", 9), ("decommissioning", 1), ("offline", 1), ("planned", 2), ("staged", 1)];
        assert_eq!(by_status, expected.map(|(status, n)| (status.to_owned(), n)).into(), "{version}");
        assert_eq!(host(&hosts, "Windows Whisper/TTS").status, HostStatus::Staged, "{version}");
    }
}

#[tokio::test]
async fn a_machine_is_read_with_all_that_is_declared_of_it() {
    for (version, _) in RECORDED {
        let hosts = read(version).await;
        let media = host(&hosts, "box2-media");
        assert_eq!(media.netbox_id, 5);
        assert_eq!(media.primary_ip, Some("192.168.2.16".parse().unwrap()));
        assert_eq!(media.addresses, ["192.168.2.16".parse::<std::net::IpAddr>().unwrap()]);
        assert_eq!(media.macs.iter().map(|mac| &**mac).collect::<Vec<_>>(), ["bc:24:11:00:02:74"]);
        assert_eq!(media.aliases.iter().map(|alias| &**alias).collect::<Vec<_>>(), ["box2-media.bruce.lan"]);
        assert_eq!(media.role.as_deref(), Some("docker-host"));
        assert_eq!(media.site.as_deref(), Some("bruce"));
        assert_eq!(media.tenant.as_deref(), Some("famille"));
        assert_eq!(media.cluster.as_deref(), Some("box2-cluster"));
        assert_eq!(media.node.as_ref().map(|node| node.as_str()), Some("Box2"));
        assert_eq!((media.vcpus, media.memory_mib, media.disk_mib), (Some(8), Some(16_384), Some(204_800)));
        let tags: Vec<&str> = media.tags.iter().map(|tag| &**tag).collect();
        assert_eq!(tags, ["arr-stack", "docker", "jellyfin", "media", "qbittorrent"]);
        assert_eq!(media.observed_by, [SourceKind::Docker, SourceKind::Proxmox]);
        let names: Vec<&str> = media.services.iter().map(|service| service.name.as_str()).collect();
        assert_eq!(
            names,
            ["bazarr", "dozzle-agent", "jackett", "jellyfin", "prowlarr", "qbittorrent", "radarr", "sonarr"]
        );
        let torrent = media.service(&"qbittorrent".into()).unwrap();
        assert_eq!(torrent.ports.as_slice(), [Port::tcp(8080), Port::tcp(30024)]);
        assert_eq!(torrent.container_name.as_deref(), Some("qbittorrent"));
        assert_eq!(torrent.netbox_ids, [35]);
        assert_eq!(media.service(&"jackett".into()).unwrap().lifecycle, Some(Lifecycle::Retired));
    }
}

#[tokio::test]
async fn udp_and_a_missing_address_are_read_as_they_are() {
    for (version, _) in RECORDED {
        let hosts = read(version).await;
        let minecraft = host(&hosts, "minecraft");
        assert_eq!(
            minecraft.service(&"minecraft-query".into()).unwrap().ports.as_slice(),
            [Port::udp(25565)]
        );
        assert_eq!(minecraft.service(&"minecraft-java".into()).unwrap().ports.as_slice(), [Port::tcp(25565)]);
        let automation = host(&hosts, "box2-automation");
        assert_eq!((automation.primary_ip, automation.addresses.len()), (None, 0));
        assert_eq!(host(&hosts, "FurycomAI").observed_by, [], "`os` is another observer's word");
    }
}

/// Every recorded refusal, as the gap its reader gets.
#[tokio::test]
async fn every_recorded_refusal_becomes_a_gap_that_says_what_to_do() {
    let expected = [
        ("auth-none", GapKind::Unauthorized, "something before netbox drops the authorization header"),
        ("auth-v1-bad", GapKind::Unauthorized, "the token is wrong or was deleted"),
        ("auth-extra-words", GapKind::Unauthorized, "the token is wrong or was deleted"),
        ("auth-v1-expired", GapKind::Unauthorized, "create a new token, or extend this one"),
        ("auth-v1-disabled", GapKind::Unauthorized, "enable the token in netbox"),
        (
            "auth-v1-wrong-source-ip",
            GapKind::Unauthorized,
            "add this address to the token's allowed addresses",
        ),
        (
            "perm-no-view-permission",
            GapKind::Unauthorized,
            "give the token's user the permission ipam.view_service",
        ),
        ("notfound-detail", GapKind::Malformed, "404, no such endpoint"),
        ("notfound-endpoint", GapKind::Malformed, "404, no such endpoint"),
        ("filter-bad-value", GapKind::Malformed, "netbox refuses the question: { \"status\""),
        ("accept-html", GapKind::Malformed, "text/html; charset=utf-8 instead of json"),
        ("method-not-allowed", GapKind::Unreachable, "405 method not allowed"),
    ];
    for (version, _) in RECORDED {
        let index = recorded(version, "errors/_index_auth.json");
        for (name, kind, words) in expected {
            let Some(entry) = index.get(format!("errors/{name}.json")) else {
                continue;
            };
            let mut answers = answers(version);
            let body = std::fs::read_to_string(format!(
                "{}/tests/fixtures/netbox-{version}/errors/{name}.json",
                env!("CARGO_MANIFEST_DIR")
            ));
            answers.insert("/api/ipam/services/".into(), of_entry(entry, body.unwrap()));
            let replay = Replay::start(answers).await.unwrap();
            let source =
                NetboxSource::new(config(&replay.url(), "0123456789abcdef0123456789abcdef01234567")).unwrap();
            let gap = gap(&source).await;
            assert_eq!(gap.kind, kind, "{version} {name}: {gap}");
            assert!(gap.why.contains(words), "{version} {name}: {gap}");
            assert!(gap.why.contains("/api/ipam/services/"), "{version} {name}: {gap}");
        }
    }
}

#[tokio::test]
async fn a_database_or_redis_that_is_down_is_unreachable_whatever_the_body() {
    for (name, kind) in [("db-down-get.json", "application/json"), ("redis-down-get.txt", "text/html")] {
        let path = format!("{}/tests/fixtures/netbox-4.5.2/errors/{name}", env!("CARGO_MANIFEST_DIR"));
        let body = std::fs::read_to_string(path).unwrap();
        let mut answers = answers("4.5.2");
        let headers = vec![("content-type".to_owned(), kind.to_owned())];
        answers.insert("/api/ipam/services/".into(), Recorded { status: 500, headers, body });
        let replay = Replay::start(answers).await.unwrap();
        let gap =
            gap(&NetboxSource::new(config(&replay.url(), "0123456789abcdef0123456789abcdef01234567"))
                .unwrap())
            .await;
        assert_eq!(gap.kind, GapKind::Unreachable, "{gap}");
        assert!(gap.why.contains("500 internal server error"), "{gap}");
    }
}

#[tokio::test]
async fn a_netbox_older_than_4_0_is_refused_by_name() {
    let mut answers = answers("4.2.9");
    let status = answers.get_mut("/api/status/").unwrap();
    status.body = status.body.replace("4.2.9", "3.7.8-Docker-2.8");
    let replay = Replay::start(answers).await.unwrap();
    let source = NetboxSource::new(config(&replay.url(), "0123456789abcdef")).unwrap();
    let found = gap(&source).await;
    assert_eq!(found.kind, GapKind::Malformed);
    assert!(found.why.contains("netbox 3.7 is older than 4.0, the oldest that is read"), "{found}");
    let report = source.check().await;
    assert!(!report.supported && report.version.as_deref() == Ok("3.7.8-Docker-2.8"));
}

#[tokio::test]
async fn something_else_that_answers_json_is_no_netbox() {
    for body in [r#"{"status": "ok"}"#, "[]", r#"{"netbox-version": "latest"}"#] {
        let mut answers = answers("4.5.2");
        answers.get_mut("/api/status/").unwrap().body = body.to_owned();
        let replay = Replay::start(answers).await.unwrap();
        let source = NetboxSource::new(config(&replay.url(), "0123456789abcdef")).unwrap();
        assert_eq!(gap(&source).await.kind, GapKind::Malformed, "{body}");
    }
}
