//! What `doctor` wants to know of a cluster: reach of every endpoint, certificate, version, clock, rights one by one.
//! What does not live here: how it is shown, and any judgement of it.

use evenkeel_core::Gap;
use jiff::SignedDuration;
use url::Url;

use super::client::Client;
use super::config::Login;
use super::look::version_of;
use super::rights::{self, Rights};
use super::wire;
use crate::http::{self, Fingerprint};

/// What was found. Nothing in it is a secret.
#[derive(Clone, Debug)]
pub struct Report {
    /// The user or token that is asked as.
    pub who: String,
    /// Every endpoint, in the order of the configuration.
    pub endpoints: Vec<EndpointReport>,
    /// The rights one by one, asked at the first endpoint that answers.
    pub rights: Result<Vec<RightReport>, Gap>,
    /// The cluster's name; `None` for a node by itself, and where it could not be asked.
    pub cluster: Option<String>,
    /// Whether the endpoint belongs to the part of the cluster that has the say.
    pub quorate: Option<bool>,
    /// How many nodes are listed, and which of them are not online.
    pub nodes: Result<(usize, Vec<String>), Gap>,
    /// How many guests this login is shown, templates included.
    pub guests: Result<usize, Gap>,
}

/// One endpoint.
#[derive(Clone, Debug)]
pub struct EndpointReport {
    /// Its address.
    pub address: String,
    /// The certificate it shows, where TLS is spoken.
    pub fingerprint: Option<Result<Fingerprint, Gap>>,
    /// The version it names, which takes a login that works.
    pub version: Result<String, Gap>,
    /// Its clock minus ours, to the second.
    pub clock_skew: Option<SignedDuration>,
}

/// One right.
#[derive(Clone, Debug)]
pub struct RightReport {
    /// What it is good for.
    pub what: &'static str,
    /// Whether an observation can be complete without it.
    pub needed: bool,
    /// Whether it is held for everything.
    pub held: Result<(), Gap>,
    /// The command that gives it, to be run on a node.
    pub grant: String,
}

pub(super) async fn check(client: &Client) -> Report {
    let mut endpoints = Vec::new();
    for (n, url) in client.endpoints().iter().enumerate() {
        endpoints.push(endpoint(client, n, url).await);
    }
    let speaker = endpoints.iter().position(|endpoint| endpoint.version.is_ok());
    let unreached = endpoints.iter().find_map(|endpoint| endpoint.version.as_ref().err().cloned());
    let mut report = Report {
        who: client.login().who().to_owned(),
        endpoints,
        rights: Ok(Vec::new()),
        cluster: None,
        quorate: None,
        nodes: Ok((0, Vec::new())),
        guests: Ok(0),
    };
    match (speaker, unreached) {
        (Some(speaker), _) => ask(client, speaker, &mut report).await,
        (None, Some(gap)) => {
            report.rights = Err(gap.clone());
            report.nodes = Err(gap.clone());
            report.guests = Err(gap);
        }
        // Without an endpoint there is no source.
        (None, None) => {}
    }
    report
}

async fn endpoint(client: &Client, n: usize, url: &Url) -> EndpointReport {
    let fingerprint = match (url.scheme(), url.host_str()) {
        ("https", Some(host)) => {
            Some(http::peer_fingerprint(host, url.port_or_known_default().unwrap_or(8006)).await)
        }
        _ => None,
    };
    let (version, clock_skew) = match client.get(n, "version", &[]).await {
        Ok(reply) => {
            let skew = reply.date.map(|date| {
                SignedDuration::from_secs(date.duration_since(evenkeel_ambient::now()).as_secs())
            });
            (version_of(&reply.data), skew)
        }
        Err(refused) => (Err(refused.gap), None),
    };
    EndpointReport { address: http::without_userinfo(url), fingerprint, version, clock_skew }
}

async fn ask(client: &Client, speaker: usize, report: &mut Report) {
    let modern = report.endpoints[speaker].version.as_ref().is_ok_and(|version| {
        version.split('.').next().and_then(|major| major.parse::<u32>().ok()).is_some_and(|major| major >= 9)
    });
    report.rights = match client.get(speaker, "access/permissions", &[]).await {
        Ok(reply) => Ok(list(rights::judge(&reply.data, client.login()), client.login(), modern)),
        Err(refused) => Err(refused.gap),
    };
    if let Ok(reply) = client.get(speaker, "cluster/status", &[]).await
        && let Ok(status) = wire::cluster_status(&reply.data, "the cluster's status")
    {
        report.cluster = status.name;
        report.quorate = status.quorate;
    }
    let resources = "cluster/resources";
    let nodes = client.get(speaker, resources, &[("type", "node")]).await.map_err(Gap::from);
    report.nodes = nodes.and_then(|reply| wire::nodes(&reply.data, "the list of nodes")).map(|list| {
        let away = list.rows.iter().filter(|row| row.status.as_deref() != Some("online"));
        (list.rows.len(), away.map(|row| row.node.clone()).collect())
    });
    let guests = client.get(speaker, resources, &[("type", "vm")]).await.map_err(Gap::from);
    report.guests =
        guests.and_then(|reply| wire::guests(&reply.data, "the list of guests")).map(|list| list.rows.len());
}

fn list(rights: Rights, login: &Login, modern: bool) -> Vec<RightReport> {
    let Rights { guests, nodes, storages, agents } = rights;
    let auditor = login.grant();
    // Before 9 the auditor's role does not hold the right to ask an agent.
    let agent = if modern {
        auditor.clone()
    } else {
        format!(
            "pveum role add EvenkeelAgent --privs VM.Monitor; {}",
            auditor.replace("--roles PVEAuditor", "--roles PVEAuditor,EvenkeelAgent")
        )
    };
    let right = |what, needed, held, grant: &str| RightReport { what, needed, held, grant: grant.to_owned() };
    vec![
        right("see every guest (VM.Audit)", true, guests, &auditor),
        right("see every node (Sys.Audit)", true, nodes, &auditor),
        right("see every storage (Datastore.Audit)", false, storages, &auditor),
        right(
            if modern {
                "ask guest agents for addresses (VM.GuestAgent.Audit)"
            } else {
                "ask guest agents for addresses (VM.Monitor)"
            },
            false,
            agents,
            &agent,
        ),
    ]
}
