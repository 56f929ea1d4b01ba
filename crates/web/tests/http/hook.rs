//! NetBox's webhooks as three versions of it sent them: who is believed, and that a believed one rings.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::body::Body;
use axum::http::{Method, Request, Response, StatusCode};
use evenkeel_core::{HostName, Secret};
use evenkeel_store::SqliteStore;
use evenkeel_store::sqlite::Options;
use evenkeel_web::{
    Access, AppState, HostPolicy, HostStatus, LARGEST_HOOK, Live, NetboxHook, SourceStatus, router,
};
use serde::Deserialize;
use tower::ServiceExt;

const RECORDED: [(&str, &str); 4] = [
    ("4.2.9", include_str!("../fixtures/netbox-4.2.9/service-created.json")),
    ("4.5.2", include_str!("../fixtures/netbox-4.5.2/service-created.json")),
    (
        "4.5.2, of a write that was rolled back",
        include_str!("../fixtures/netbox-4.5.2/phantom-of-rolled-back-bulk-patch.json"),
    ),
    ("4.6.8", include_str!("../fixtures/netbox-4.6.8/service-deleted.json")),
];

/// What the recorded ones were signed with.
const SECRET: &str = "lab-hook-secret";

#[derive(Deserialize)]
struct Recorded {
    headers: std::collections::BTreeMap<String, String>,
    raw_body: String,
}

struct Bell {
    secret: Secret,
    rings: AtomicUsize,
}

impl NetboxHook for Bell {
    fn secret(&self) -> &Secret {
        &self.secret
    }

    fn ring(&self) {
        self.rings.fetch_add(1, Ordering::SeqCst);
    }
}

struct World(Option<Arc<Bell>>);

impl Live for World {
    fn hosts(&self) -> Vec<HostStatus> {
        Vec::new()
    }

    fn host(&self, _: &HostName) -> Option<HostStatus> {
        None
    }

    fn sources(&self) -> Vec<SourceStatus> {
        Vec::new()
    }

    fn metrics(&self) -> String {
        String::new()
    }

    fn netbox_hook(&self) -> Option<Arc<dyn NetboxHook>> {
        self.0.clone().map(|bell| bell as Arc<dyn NetboxHook>)
    }
}

async fn send(bell: Option<&Arc<Bell>>, request: Request<Body>) -> Response<Body> {
    let store = Arc::new(SqliteStore::in_memory(Options::default()).await.unwrap());
    let live = Arc::new(World(bell.cloned()));
    router(AppState {
        store,
        live,
        allowed_hosts: HostPolicy::bound_to(Ipv4Addr::UNSPECIFIED.into(), ["evenkeel"]),
        access: Arc::new(Access::local()),
    })
    .oneshot(request)
    .await
    .unwrap()
}

fn bell(secret: &str) -> Arc<Bell> {
    Arc::new(Bell { secret: Secret::new(secret), rings: AtomicUsize::new(0) })
}

fn post(signatures: &[&str], body: impl Into<Body>) -> Request<Body> {
    let request = Request::builder().method(Method::POST).uri("/webhooks/netbox").header("host", "evenkeel");
    let signed = signatures.iter().fold(request, |request, text| request.header("X-Hook-Signature", *text));
    signed.body(body.into()).unwrap()
}

fn recorded(text: &str) -> (String, String) {
    let Recorded { headers, raw_body } = serde_json::from_str(text).unwrap();
    (headers["X-Hook-Signature"].clone(), raw_body)
}

#[tokio::test]
async fn what_netbox_really_sent_rings_the_bell() {
    for (version, text) in RECORDED {
        let (signature, body) = recorded(text);
        let bell = bell(SECRET);
        let answer = send(Some(&bell), post(&[&signature], body)).await;
        assert_eq!(answer.status(), StatusCode::ACCEPTED, "{version}");
        assert_eq!(bell.rings.load(Ordering::SeqCst), 1, "{version}");
    }
}

#[tokio::test]
async fn what_is_not_signed_by_netbox_rings_nothing() {
    let (signature, body) = recorded(RECORDED[1].1);
    let shorter = &signature[..126];
    let half = &signature[..127];
    let other = signature.replacen(['0', '1', '2', '3'], "f", 1);
    let upper = signature.to_uppercase();
    let refused: [(&[&str], String); 8] = [
        (&[], body.clone()),
        (&[""], body.clone()),
        (&["not hexadecimal"], body.clone()),
        (&[shorter], body.clone()),
        (&[half], body.clone()),
        (&[&other], body.clone()),
        (&[&signature, &signature], body.clone()),
        (&[&signature], format!("{body} ")),
    ];
    for (signatures, body) in refused {
        let bell = bell(SECRET);
        let answer = send(Some(&bell), post(signatures, body)).await;
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{signatures:?}");
        assert_eq!(bell.rings.load(Ordering::SeqCst), 0, "{signatures:?}");
    }
    let with_other_secret = bell("another-secret");
    let answer = send(Some(&with_other_secret), post(&[&signature], body.clone())).await;
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    let bell = bell(SECRET);
    assert_eq!(send(Some(&bell), post(&[&upper], body)).await.status(), StatusCode::ACCEPTED);
}

#[tokio::test]
async fn more_than_netbox_ever_sends_is_not_read() {
    let (signature, _) = recorded(RECORDED[1].1);
    let bell = bell(SECRET);
    let answer = send(Some(&bell), post(&[&signature], vec![b' '; LARGEST_HOOK + 1])).await;
    assert_eq!(answer.status(), StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(bell.rings.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn without_a_secret_there_is_no_such_door_and_with_one_it_takes_only_post() {
    let (signature, body) = recorded(RECORDED[1].1);
    assert_eq!(send(None, post(&[&signature], body)).await.status(), StatusCode::NOT_FOUND);
    let read = Request::builder().uri("/webhooks/netbox").header("host", "evenkeel");
    let answer = send(Some(&bell(SECRET)), read.body(Body::empty()).unwrap()).await;
    assert_eq!(answer.status(), StatusCode::METHOD_NOT_ALLOWED);
}
