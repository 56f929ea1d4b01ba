//! Repairs over HTTP: who may decide, what a receiver may say, and what each of them is answered.

use std::sync::{Arc, Mutex};

use axum::Extension;
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use evenkeel_core::remediation::{Controls, ProposalLine};
use evenkeel_core::{HostName, Secret};
use evenkeel_store::SqliteStore;
use evenkeel_store::sqlite::Options;
use evenkeel_web::{
    Access, Answered, AppState, Approver, Claimed, Decision, HostPolicy, HostStatus, Level, Live, Peer,
    Rehearsal, RepairTrouble, Repairs, Role, Rules, SourceStatus, Switch, Switched, router,
};
use jiff::Timestamp;
use serde_json::Value;
use tower::ServiceExt;

const TOKEN: &str = "the-token-of-ada-01";

/// A desk that notes what it is asked, and answers as it is told to.
#[derive(Default)]
struct Desk {
    asked: Mutex<Vec<String>>,
    trouble: Option<RepairTrouble>,
}

impl Desk {
    fn note(&self, what: String) -> Result<(), RepairTrouble> {
        self.asked.lock().unwrap().push(what);
        self.trouble.clone().map_or(Ok(()), Err)
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

#[async_trait::async_trait]
impl Repairs for Desk {
    async fn decide(
        &self,
        which: &str,
        decision: Decision,
        by: &str,
        reason: &str,
    ) -> Result<ProposalLine, RepairTrouble> {
        self.note(format!("{decision:?} {which} by {by}: {reason}"))?;
        Err(RepairTrouble::Refused("nothing more is needed here".to_owned()))
    }

    async fn switch(&self, switch: Switch, by: &str, reason: &str) -> Result<Switched, RepairTrouble> {
        self.note(format!("{switch:?} by {by}: {reason}"))?;
        Ok(Switched { changed: true, controls: Controls::default() })
    }

    async fn answered(&self, claimed: Claimed) -> Result<Answered, RepairTrouble> {
        let Claimed { token, succeeded, output } = claimed;
        self.note(format!("{} {succeeded} {output}", token.expose()))?;
        Ok(Answered { proposal: "EJE00VWG".to_owned(), state: "succeeded", known: false })
    }

    async fn rehearse(&self) -> Result<Rehearsal, RepairTrouble> {
        self.note("rehearse".to_owned())?;
        Ok(Rehearsal {
            at: Timestamp::UNIX_EPOCH,
            enabled: true,
            controls: Controls::default(),
            propose: Vec::new(),
            dispatch: Vec::new(),
            held: Vec::new(),
        })
    }
}

struct World {
    desk: Option<Arc<Desk>>,
    role: Role,
    approvers: &'static [(&'static str, &'static str)],
    local: Level,
}

/// Two who may decide.
const BOTH: &[(&str, &str)] = &[("ada", TOKEN), ("bob", "the-token-of-bob-02")];

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

    fn role(&self) -> Role {
        self.role.clone()
    }

    fn metrics(&self) -> String {
        String::new()
    }

    fn repairs(&self) -> Option<Arc<dyn Repairs>> {
        self.desk.clone().map(|desk| desk as Arc<dyn Repairs>)
    }
}

async fn ask_in(
    world: World,
    method: &str,
    path: &str,
    token: Option<&str>,
    body: &str,
) -> (StatusCode, Value) {
    let store = Arc::new(SqliteStore::in_memory(Options::default()).await.unwrap());
    let allowed_hosts = HostPolicy::bound_to(std::net::Ipv4Addr::LOCALHOST.into(), ["evenkeel"]);
    let mut request = Request::builder().method(method).uri(path).header("host", "evenkeel");
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    let request = request.body(Body::from(body.to_owned())).unwrap();
    let approver =
        |(name, token): &(&str, &str)| Approver { name: (*name).to_owned(), token: Secret::new(*token) };
    let approvers = world.approvers.iter().map(approver).collect();
    let rules = Rules { approvers, local: world.local, ..Rules::default() };
    let here = std::net::IpAddr::from(std::net::Ipv4Addr::LOCALHOST);
    let access = Arc::new(Access::new(rules, here));
    let router = router(AppState { store, live: Arc::new(world), allowed_hosts, access });
    let answer = router.layer(Extension(Peer(here))).oneshot(request).await.unwrap();
    let status = answer.status();
    let body = to_bytes(answer.into_body(), 1 << 20).await.unwrap();
    assert!(!String::from_utf8_lossy(&body).contains(TOKEN), "a token is never repeated");
    (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
}

async fn ask(
    desk: &Arc<Desk>,
    method: &str,
    path: &str,
    token: Option<&str>,
    body: &str,
) -> (StatusCode, Value) {
    ask_in(
        World { desk: Some(desk.clone()), role: Role::Leader, approvers: BOTH, local: Level::Operator },
        method,
        path,
        token,
        body,
    )
    .await
}

#[tokio::test]
async fn only_whoever_shows_a_token_decides_and_under_the_name_it_belongs_to() {
    let desk = Arc::new(Desk::default());
    let approve = "/api/v1/proposals/ABCD1234/approve";
    for token in [None, Some(""), Some("the-token-of-ada-0"), Some("the-token-of-ada-012")] {
        let (status, problem) = ask(&desk, "POST", approve, token, "{}").await;
        assert_eq!(status, StatusCode::UNAUTHORIZED, "{problem}");
    }
    assert!(desk.asked().is_empty());
    ask(&desk, "POST", approve, Some(TOKEN), "").await;
    ask(
        &desk,
        "POST",
        "/api/v1/proposals/ABCD1234/reject",
        Some("the-token-of-bob-02"),
        "{\"reason\":\"no\"}",
    )
    .await;
    ask(&desk, "POST", "/api/v1/repairs/halt", Some(TOKEN), "{\"reason\":\"the rack is open\"}").await;
    assert_eq!(
        desk.asked(),
        ["Approve ABCD1234 by ada: ", "Reject ABCD1234 by bob: no", "Halt by ada: the rack is open"]
    );
}

#[tokio::test]
async fn with_no_approver_nobody_decides_and_a_switch_wants_a_reason() {
    let nobody =
        |desk| World { desk: Some(desk), role: Role::Leader, approvers: &[], local: Level::Operator };
    let halt = "/api/v1/repairs/halt";
    let body = "{\"reason\":\"x\"}";
    let (status, problem) = ask_in(nobody(Arc::default()), "POST", halt, Some(TOKEN), body).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED, "{problem}");
    let (status, problem) = ask_in(nobody(Arc::default()), "POST", halt, None, body).await;
    assert_eq!(status, StatusCode::NOT_FOUND, "{problem}");
    assert!(problem["detail"].as_str().unwrap().contains("[[remediation.approver]]"), "{problem}");
    let desk = Arc::new(Desk::default());
    for body in ["", "{}", "{\"reason\":\" \"}", "{\"why\":\"x\"}", "[]", "{"] {
        let (status, problem) = ask(&desk, "POST", "/api/v1/repairs/resume", Some(TOKEN), body).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{body}: {problem}");
    }
    assert!(desk.asked().is_empty());
    for path in ["/api/v1/repairs/halt", "/api/v1/proposals/ABCD/reject", "/api/v1/callbacks/x"] {
        assert_eq!(ask(&desk, "GET", path, None, "").await.0, StatusCode::METHOD_NOT_ALLOWED, "{path}");
    }
}

#[tokio::test]
async fn whoever_is_at_this_machine_decides_only_where_that_is_their_role() {
    let halt = "/api/v1/repairs/halt";
    for (local, status) in [(Level::Viewer, 403), (Level::Operator, 404), (Level::Approver, 200)] {
        let desk = Arc::new(Desk::default());
        let world = World { desk: Some(desk.clone()), role: Role::Leader, approvers: &[], local };
        let (answer, said) = ask_in(world, "POST", halt, None, "{\"reason\":\"x\"}").await;
        assert_eq!(answer.as_u16(), status, "{local:?}: {said}");
        let asked: &[&str] = if status == 200 { &["Halt by local: x"] } else { &[] };
        assert_eq!(desk.asked(), asked, "{local:?}");
    }
}

#[tokio::test]
async fn a_receiver_says_succeeded_or_failed_and_nothing_else() {
    let desk = Arc::new(Desk::default());
    let path = "/api/v1/callbacks/t0ken";
    for body in ["{\"result\":\"succeeded\"}", "{\"result\":\"failed\",\"output\":{\"code\":1}}"] {
        let (status, answer) = ask(&desk, "POST", path, None, body).await;
        assert_eq!((status, answer["state"].as_str()), (StatusCode::OK, Some("succeeded")), "{answer}");
    }
    assert_eq!(desk.asked(), ["t0ken true ", "t0ken false {\"code\":1}"]);
    for body in ["", "{}", "{\"result\":\"done\"}", "{\"result\":\"failed\",\"more\":1}", "null"] {
        let (status, problem) = ask(&desk, "POST", path, None, body).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{body}: {problem}");
        assert!(problem["detail"].as_str().unwrap().contains("\"result\""), "{problem}");
    }
    let large = format!("{{\"result\":\"failed\",\"output\":\"{}\"}}", "x".repeat(70_000));
    assert_eq!(ask(&desk, "POST", path, None, &large).await.0, StatusCode::PAYLOAD_TOO_LARGE);
    let long = format!("/api/v1/callbacks/{}", "x".repeat(200));
    assert_eq!(ask(&desk, "POST", &long, None, "{\"result\":\"failed\"}").await.0, StatusCode::NOT_FOUND);
    assert_eq!(desk.asked().len(), 2);
}

#[tokio::test]
async fn each_kind_of_trouble_has_its_status_and_a_replica_that_follows_sends_elsewhere() {
    let troubles = [
        (RepairTrouble::Unknown("a".into()), StatusCode::NOT_FOUND),
        (RepairTrouble::Refused("b".into()), StatusCode::CONFLICT),
        (RepairTrouble::Over("c".into()), StatusCode::GONE),
        (RepairTrouble::Away("d".into()), StatusCode::SERVICE_UNAVAILABLE),
    ];
    for (trouble, wanted) in troubles {
        let desk = Arc::new(Desk { trouble: Some(trouble.clone()), ..Desk::default() });
        let (status, problem) =
            ask(&desk, "POST", "/api/v1/callbacks/x", None, "{\"result\":\"failed\"}").await;
        assert_eq!((status, problem["detail"].as_str()), (wanted, Some(trouble.to_string().as_str())));
    }
    for (method, path) in
        [("POST", "/api/v1/callbacks/x"), ("GET", "/api/v1/repairs"), ("POST", "/api/v1/repairs/halt")]
    {
        let follower = World {
            desk: None,
            role: Role::Follower { leader: "other".to_owned(), shown_at: None },
            approvers: BOTH,
            local: Level::Operator,
        };
        let (status, problem) = ask_in(follower, method, path, Some(TOKEN), "{\"result\":\"failed\"}").await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{path}: {problem}");
        assert!(problem["detail"].as_str().unwrap().contains("other leads"), "{problem}");
    }
}

#[tokio::test]
async fn what_would_run_is_told_to_whoever_asks_and_proposals_are_listed_from_the_store() {
    let desk = Arc::new(Desk::default());
    let (status, rehearsal) = ask(&desk, "GET", "/api/v1/repairs", None, "").await;
    assert_eq!(
        (status, &rehearsal["enabled"], &rehearsal["halt"]),
        (StatusCode::OK, &Value::Bool(true), &Value::Null)
    );
    let (status, list) = ask(&desk, "GET", "/api/v1/proposals?state=verified&phase=over", None, "").await;
    assert_eq!((status, list["items"].as_array().map(Vec::len)), (StatusCode::OK, Some(0)), "{list}");
    assert_eq!(ask(&desk, "GET", "/api/v1/proposals?state=nice", None, "").await.0, StatusCode::BAD_REQUEST);
    assert_eq!(ask(&desk, "GET", "/api/v1/proposals/ABCD1234", None, "").await.0, StatusCode::NOT_FOUND);
}
