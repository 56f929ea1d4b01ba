//! The ways to a cluster: its own authority, a pinned certificate, several endpoints, tokens and tickets.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a panic in a test, or in what tests share, is the failed assertion itself"
)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::support::*;
use evenkeel_core::{GapKind, Secret};
use evenkeel_lab::fault::Fault;
use evenkeel_lab::proxmox::{Cluster, Guest, ProxmoxLab, PveVersion, ServerConfig};
use evenkeel_sources::http::{Fingerprint, Trust};
use evenkeel_sources::proxmox::{Config, Login, ProxmoxSource};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

/// A cluster with an authority of its own: `pve-root-ca.pem`, and a `pve-ssl.pem` that it signed.
struct Signed {
    lab: ProxmoxLab,
    authority: String,
    fingerprint: Fingerprint,
}

async fn signed(names: &[&str]) -> Signed {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(names).unwrap();
    params.is_ca = IsCa::ExplicitNoCa;
    let certificate = params.signed_by(&key, &authority).unwrap();
    let fingerprint = Fingerprint::of(certificate.der());
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let tls = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .unwrap();
    let lab = ProxmoxLab::start_tls(two_nodes(PveVersion::V9), Arc::new(tls)).await.unwrap();
    lab.refuse_after(Duration::ZERO);
    Signed { lab, authority: authority.pem(), fingerprint }
}

fn trusting(lab: &ProxmoxLab, trust: Trust) -> ProxmoxSource {
    ProxmoxSource::new(Config { trust, ..config(lab) }).unwrap()
}

#[tokio::test]
async fn the_clusters_own_authority_is_trusted_and_nobody_is_without_it() {
    let Signed { lab, authority, fingerprint } = signed(&["127.0.0.1", "localhost", "pve1"]).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pve-root-ca.pem");
    std::fs::write(&path, authority).unwrap();
    let source = trusting(&lab, Trust { ca_file: Some(path), ..Trust::default() });
    complete(&source).await;
    let report = source.check().await;
    assert_eq!(report.endpoints.len(), 2);
    assert_eq!(report.endpoints[0].fingerprint, Some(Ok(fingerprint)));
    let gap = gap(&trusting(&lab, Trust::default())).await;
    assert!(gap.kind == GapKind::Unreachable && gap.why.contains("certificate: "), "{gap}");
}

#[tokio::test]
async fn a_pinned_certificate_is_trusted_under_any_name() {
    let Signed { lab, fingerprint, .. } = signed(&["pve1"]).await;
    complete(&trusting(&lab, Trust { pin: Some(fingerprint), ..Trust::default() })).await;
    let other = "ab".repeat(32).parse().unwrap();
    let gap = gap(&trusting(&lab, Trust { pin: Some(other), ..Trust::default() })).await;
    assert!(gap.why.contains(&fingerprint.to_string()), "{gap}");
}

#[tokio::test]
async fn the_endpoint_that_works_is_kept_and_left_when_it_fails() {
    let lab = lab().await;
    let source = source(&lab);
    complete(&source).await;
    complete(&source).await;
    assert_eq!(lab.requests_to(1), 0, "the first one works");
    lab.down(0).await;
    complete(&source).await;
    lab.up(0).await.unwrap();
    let before = lab.requests_to(0);
    complete(&source).await;
    assert_eq!(lab.requests_to(0), before, "the second one works as well");
    lab.faults_of(1).unwrap().set("/cluster/resources", Fault::Status(500));
    complete(&source).await;
    assert!(lab.requests_to(0) > before);
}

#[tokio::test]
async fn an_endpoint_that_hangs_costs_one_wait_and_is_not_asked_first_again() {
    let lab = lab().await;
    lab.faults_of(0).unwrap().set("", Fault::Hang);
    let source = ProxmoxSource::new(Config { timeout: Duration::from_millis(500), ..config(&lab) }).unwrap();
    complete(&source).await;
    let begun = Instant::now();
    complete(&source).await;
    assert!(begun.elapsed() < Duration::from_millis(450), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_wrong_token_is_said_after_the_wait_it_takes_and_the_other_nodes_are_not_tried() {
    let lab = ProxmoxLab::start(two_nodes(PveVersion::V8)).await.unwrap();
    let wrong = Login::token(&Secret::new("evenkeel@pve!lab=00000000-0000-0000-0000-000000000000")).unwrap();
    let source = ProxmoxSource::new(Config { login: wrong, ..config(&lab) }).unwrap();
    let begun = Instant::now();
    let gap = gap(&source).await;
    assert!(begun.elapsed() >= Duration::from_secs(3), "a node takes its time to refuse");
    assert_eq!(gap.kind, GapKind::Unauthorized);
    assert!(gap.why.contains("evenkeel@pve!lab") && gap.why.contains("authentication failure"), "{gap}");
    assert!(!gap.why.contains("00000000"), "{gap}");
    assert_eq!(lab.requests_to(1), 0);
}

#[tokio::test]
async fn an_endpoint_of_another_cluster_makes_no_guest_absent() {
    let (first, other) = (lab().await, Cluster::new("other", PveVersion::V9, &["elsewhere"]));
    let other = ProxmoxLab::start(other.with(Guest::vm(100, "elsewhere", "stranger"))).await.unwrap();
    let endpoints = [first.urls().remove(0), other.urls().remove(0)].map(|url| url.parse().unwrap());
    let source = ProxmoxSource::new(Config { endpoints: endpoints.to_vec(), ..config(&first) }).unwrap();
    complete(&source).await;
    first.down(0).await;
    for _ in 0..2 {
        let survey = observe(&source).await;
        let gap = survey.coverage.gap().expect("another cluster proves nothing about this one");
        assert_eq!(gap.kind, GapKind::Ambiguous, "{gap}");
        assert!(gap.why.contains("elsewhere") && survey.machines.is_empty(), "{gap}");
    }
    first.up(0).await.unwrap();
    complete(&source).await;
}

fn by_password(lab: &ProxmoxLab, password: &str) -> ProxmoxSource {
    let login = Login::Password { user: lab.login().0.to_owned(), password: Secret::new(password) };
    ProxmoxSource::new(Config { login, ..config(lab) }).unwrap()
}

#[tokio::test]
async fn a_user_is_given_a_ticket_once_and_a_new_one_when_it_is_refused() {
    let lab = lab().await;
    let source = by_password(&lab, lab.login().1);
    complete(&source).await;
    complete(&source).await;
    assert_eq!(lab.logins(), 1);
    lab.forget_tickets();
    complete(&source).await;
    assert_eq!(lab.logins(), 2);
}

#[tokio::test]
async fn a_wrong_password_is_said_and_never_shown() {
    let lab = lab().await;
    let source = by_password(&lab, "hunter2hunter2");
    let gap = gap(&source).await;
    assert_eq!(gap.kind, GapKind::Unauthorized);
    assert!(!format!("{gap} {source:?}").contains("hunter2"), "{gap}");
}

#[tokio::test]
async fn doctor_hears_version_rights_and_what_gives_them() {
    let lab = ProxmoxLab::start(two_nodes(PveVersion::V8)).await.unwrap();
    lab.refuse_after(Duration::ZERO);
    lab.pve().node_offline("pve2");
    let report = source(&lab).check().await;
    assert_eq!(report.endpoints[0].version.as_deref(), Ok("8.2.4"));
    assert_eq!((report.cluster.as_deref(), report.quorate), (Some("lab"), Some(true)));
    assert_eq!(report.nodes, Ok((2, vec!["pve2".to_owned()])));
    assert_eq!(report.guests, Ok(5));
    let rights = report.rights.unwrap();
    assert!(rights.iter().filter(|right| right.needed).all(|right| right.held.is_ok()));
    let agent = rights.iter().find(|right| right.what.contains("VM.Monitor")).unwrap();
    assert!(agent.held.is_err());
    assert_eq!(
        agent.grant,
        "pveum role add EvenkeelAgent --privs VM.Monitor; pveum acl modify / --roles PVEAuditor,EvenkeelAgent \
         --propagate 1 --users 'evenkeel@pve' --tokens 'evenkeel@pve!lab'"
    );
}

#[tokio::test]
async fn a_node_by_itself_is_a_cluster_without_a_name() {
    let mut cluster = two_nodes(PveVersion::V9);
    cluster.name = None;
    let lab = ProxmoxLab::start(cluster).await.unwrap();
    let survey = complete(&source(&lab)).await;
    assert!(survey.machines.iter().all(|machine| machine.cluster.is_none()));
}
