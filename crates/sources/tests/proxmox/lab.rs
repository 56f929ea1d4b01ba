//! An independent client, generated from the published schema with closed types, reads the simulated cluster: what it
//! accepts is what the schema says, so the lab cannot drift towards what our own source happens to read.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a panic in a test, or in what tests share, is the failed assertion itself"
)]

use crate::support::*;
use evenkeel_lab::proxmox::{ProxmoxLab, PveVersion};
use evenkeel_sources::http;
use proxmox_api::client::{Client, Method};
use proxmox_api::cluster::ClusterClient;
use proxmox_api::cluster::resources::GetParams;
use proxmox_api::nodes::NodesClient;
use proxmox_api::types::VmId;
use proxmox_api::version::VersionClient;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// The crate's requests over our HTTP client; its own accepts any certificate and brings a second TLS provider.
#[derive(Clone)]
struct Courier {
    http: reqwest::Client,
    base: String,
    token: String,
}

/// What every answer is wrapped in.
#[derive(Deserialize)]
struct Body<R> {
    data: R,
}

impl Client for Courier {
    type Error = String;

    async fn request_with_body_and_query<B, Q, R>(
        &self,
        method: Method,
        path: &str,
        body: Option<&B>,
        query: Option<&Q>,
    ) -> Result<R, String>
    where
        B: Serialize,
        Q: Serialize,
        R: DeserializeOwned,
    {
        assert!(method == Method::Get && body.is_none(), "the lab only reads");
        let mut request = self.http.get(format!("{}api2/json{path}", self.base));
        request = request.header("authorization", format!("PVEAPIToken={}", self.token));
        if let Some(query) = query {
            request = request.query(query);
        }
        let answer = request.send().await.map_err(|error| error.to_string())?;
        let status = answer.status();
        let text = answer.text().await.map_err(|error| error.to_string())?;
        if !status.is_success() {
            return Err(format!("{status}: {text}"));
        }
        // Its types borrow from the text, so it is read in one go.
        let body: Body<R> = serde_json::from_str(&text).map_err(|error| format!("{error} in {text}"))?;
        Ok(body.data)
    }
}

fn courier(lab: &ProxmoxLab) -> Courier {
    Courier {
        http: http::client(&http::Trust::default(), &http::Timeouts::default()).unwrap(),
        base: lab.urls().remove(0),
        token: lab.token(),
    }
}

#[tokio::test]
async fn a_client_made_from_the_schema_reads_the_whole_cluster() {
    for version in [PveVersion::V8, PveVersion::V9] {
        let lab = ProxmoxLab::start(two_nodes(version)).await.unwrap();
        lab.pve().lock_guest(101, "backup");
        lab.pve().guest(100, |guest| guest.tags = Some("prod;web".to_owned()));
        lab.pve().node_offline("pve2");
        for moment in ["at once", "five minutes later"] {
            let cluster = ClusterClient::new(courier(&lab));
            let rows = cluster.resources().get(GetParams::default()).await.unwrap();
            // Five guests with the template, two nodes, two storages on each.
            assert_eq!(rows.len(), 5 + 2 + 4, "{version:?} {moment}");
            let row = |id: &str| rows.iter().find(|row| row.id == id).unwrap();
            assert_eq!(row("qemu/900").template, Some(true));
            assert_eq!(row("qemu/101").lock.as_deref(), Some("backup"));
            assert_eq!(row("qemu/100").tags.as_deref(), Some("prod;web"));
            assert_eq!(
                (row("node/pve2").status.as_deref(), row("node/pve2").maxmem),
                (Some("offline"), None)
            );
            let expected = if moment == "at once" { "running" } else { "unknown" };
            assert_eq!(row("lxc/200").status.as_deref(), Some(expected));
            assert_eq!(row("lxc/200").name.is_some(), moment == "at once");
            let status = cluster.status().get().await.unwrap();
            assert_eq!(status.len(), 3);
            lab.pve().five_minutes_pass();
        }
        let said = VersionClient::new(courier(&lab)).get().await.unwrap();
        assert!(said.version.starts_with(&said.release));
    }
}

#[tokio::test]
async fn a_client_made_from_the_schema_reads_a_guest() {
    let lab = lab().await;
    let node = NodesClient::new(courier(&lab)).node("pve1");
    let guest = node.qemu().vmid(VmId::try_from(100).unwrap());
    let current = proxmox_api::nodes::node::qemu::vmid::config::GetParams::default();
    let config = guest.config().get(current).await.unwrap();
    assert_eq!(config.name.as_deref(), Some("web01"));
    assert!(config.nets[&0].starts_with("virtio=BC:24:11:00:00:64,"), "{:?}", config.nets);
    assert!(config.scsis[&0].ends_with("size=32G"), "{:?}", config.scsis);
    let told = guest.agent().network_get_interfaces().get().await.unwrap();
    let told = serde_json::to_string(&told.additional_properties["result"]).unwrap();
    assert!(told.contains("192.0.2.100"), "{told}");
}
