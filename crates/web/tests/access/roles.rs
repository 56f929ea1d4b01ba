//! Who may do what, route by route. A route that is not in the table fails the first test: whoever adds one says here what it
//! takes.

use std::collections::BTreeSet;
use std::path::Path;

use evenkeel_web::{Level, Rules, Scope};

use crate::house::{APPROVER, House, everybody, shown};

/// What a route takes.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Takes {
    /// Nothing.
    Nothing,
    /// A credential of its own, which none of ours is.
    Own,
    /// This level, and this part of it.
    Level(Level, Option<Scope>),
}

const READ: Takes = Takes::Level(Level::Viewer, Some(Scope::Read));
const SILENCE: Takes = Takes::Level(Level::Operator, Some(Scope::Silence));
const RESEND: Takes = Takes::Level(Level::Operator, Some(Scope::Resend));
const DECIDE: Takes = Takes::Level(Level::Approver, Some(Scope::Decide));

/// Every route of the router with the methods that lead anywhere.
const ROUTES: &[(&str, &str, Takes)] = &[
    ("GET", "/healthz", Takes::Nothing),
    ("GET", "/readyz", Takes::Nothing),
    ("GET", "/metrics", Takes::Level(Level::Viewer, Some(Scope::Metrics))),
    ("GET", "/login", Takes::Nothing),
    ("POST", "/login", Takes::Nothing),
    ("POST", "/logout", Takes::Nothing),
    ("GET", "/assets/{name}", Takes::Nothing),
    ("GET", "/", READ),
    ("GET", "/hosts", READ),
    ("GET", "/hosts/{name}", READ),
    ("GET", "/drifts/{handle}", READ),
    ("POST", "/drifts/{handle}/accept", SILENCE),
    ("GET", "/map", READ),
    ("GET", "/kiosk", READ),
    ("GET", "/rules", READ),
    ("POST", "/rules/{name}/end", SILENCE),
    ("POST", "/actions", DECIDE),
    ("POST", "/actions/{key}", DECIDE),
    ("GET", "/events", READ),
    ("GET", "/sources", READ),
    ("GET", "/deliveries", READ),
    ("POST", "/deliveries", RESEND),
    ("POST", "/deliveries/{id}", RESEND),
    ("GET", "/actions", READ),
    ("GET", "/journal", READ),
    ("GET", "/about", READ),
    ("GET", "/api", READ),
    ("GET", "/kiosk", READ),
    ("GET", "/map", READ),
    ("GET", "/api/v1/openapi.json", READ),
    ("GET", "/api/v1/hosts", READ),
    ("GET", "/api/v1/hosts/{name}", READ),
    ("GET", "/api/v1/drifts", READ),
    ("GET", "/api/v1/drifts/{handle}", READ),
    ("GET", "/api/v1/events", READ),
    ("GET", "/api/v1/events/export", READ),
    ("GET", "/api/v1/events/{id}", READ),
    ("POST", "/api/v1/events/{id}/resend", RESEND),
    ("GET", "/api/v1/sources", READ),
    ("GET", "/api/v1/deliveries", READ),
    ("POST", "/api/v1/deliveries/{id}/resend", RESEND),
    ("GET", "/api/v1/journal", READ),
    ("GET", "/api/v1/rules", READ),
    ("GET", "/api/v1/silences", READ),
    ("POST", "/api/v1/silences", SILENCE),
    ("GET", "/api/v1/silences/{name}", READ),
    ("POST", "/api/v1/silences/{name}/end", SILENCE),
    ("GET", "/api/v1/proposals", READ),
    ("GET", "/api/v1/proposals/{key}", READ),
    ("GET", "/api/v1/repairs", READ),
    ("GET", "/api/v1/stream", READ),
    ("POST", "/api/v1/proposals/{key}/approve", DECIDE),
    ("POST", "/api/v1/proposals/{key}/reject", DECIDE),
    ("POST", "/api/v1/repairs/halt", DECIDE),
    ("POST", "/api/v1/repairs/resume", DECIDE),
    ("POST", "/api/v1/repairs/release", DECIDE),
    ("POST", "/api/v1/observations", Takes::Own),
    ("POST", "/api/v1/callbacks/{token}", Takes::Own),
    ("POST", "/webhooks/netbox", Takes::Own),
];

/// Paths in the sources of this crate: what stands in `.route("…"` and in the constants that stand there.
fn routes_of(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            routes_of(&path, found);
            continue;
        }
        if path.extension().is_none_or(|end| end != "rs") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap();
        for rest in code.split(".route(").skip(1) {
            let first = rest.trim_start();
            let name = first.split([',', ')']).next().unwrap().trim();
            match name.strip_prefix('"') {
                Some(quoted) => found.insert(quoted.trim_end_matches('"').to_owned()),
                None => {
                    let constant = format!("const {name}: &str = \"");
                    let at = code
                        .split(&constant)
                        .nth(1)
                        .unwrap_or_else(|| panic!("{name} in {}", path.display()));
                    found.insert(at.split('"').next().unwrap().to_owned())
                }
            };
        }
    }
}

#[test]
fn every_route_is_in_the_table() {
    let mut routes = BTreeSet::new();
    routes_of(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut routes);
    let known: BTreeSet<String> = ROUTES.iter().map(|(_, path, _)| (*path).to_owned()).collect();
    let missing: Vec<_> = routes.difference(&known).collect();
    assert!(missing.is_empty(), "say in tests/access/roles.rs what these take: {missing:?}");
    let gone: Vec<_> = known.difference(&routes).collect();
    assert!(gone.is_empty(), "no route any more: {gone:?}");
}

fn address(path: &str) -> String {
    path.split('/').map(|part| if part.starts_with('{') { "x" } else { part }).collect::<Vec<_>>().join("/")
}

#[tokio::test]
async fn nobody_gets_past_what_a_route_takes() {
    let house = House::of(everybody()).await;
    for (method, path, takes) in ROUTES {
        let path = address(path);
        let is_refusal = |status| matches!(status, 401 | 403);
        let nobody = house.ask(method, &path, &[], "{}").await;
        match takes {
            // Nothing is configured for the doors of machines, and the form is empty: neither is a refusal.
            Takes::Nothing | Takes::Own => {
                assert!(!is_refusal(nobody.status), "{method} {path}: {}", nobody.body);
            }
            Takes::Level(..) => {
                assert_eq!(nobody.status, 401, "{method} {path}: {}", nobody.body);
                assert_eq!(nobody.header("www-authenticate"), "Bearer");
            }
        }
        let Takes::Level(needed, part) = takes else { continue };
        for level in Level::ALL {
            let token = format!("Authorization: Bearer {}", shown(&format!("t-{}", level.as_str())));
            let answer = house.ask(method, &path, &[&token], "{}").await;
            let is_in = level >= *needed;
            assert_eq!(!is_refusal(answer.status), is_in, "{method} {path} as {level:?}: {}", answer.body);
        }
        for scope in Scope::ALL {
            let token = format!("Authorization: Bearer {}", shown(&format!("only-{}", scope.as_str())));
            let answer = house.ask(method, &path, &[&token], "{}").await;
            let is_in = Some(scope) == *part;
            assert_eq!(!is_refusal(answer.status), is_in, "{method} {path} with {scope:?}: {}", answer.body);
        }
    }
}

#[tokio::test]
async fn a_token_that_is_nobodys_opens_nothing_even_where_everybody_may_look() {
    let house = House::of(Rules { anonymous: Some(Level::Viewer), ..everybody() }).await;
    assert_eq!(house.get("/hosts", &[]).await.status, 200);
    assert_eq!(house.ask("POST", "/api/v1/repairs/halt", &[], "{}").await.status, 401);
    let right = shown("t-viewer");
    for wrong in ["", "x", &right[1..], &format!("{right}x"), "evk_"] {
        let answer = house.get("/api/v1/hosts", &[&format!("Authorization: Bearer {wrong}")]).await;
        assert_eq!(answer.status, 401, "{wrong}");
        assert!(!answer.body.contains("evk_"), "never repeated: {}", answer.body);
    }
    for other in ["Basic dmlld2VyOng=", &right, "Bearer"] {
        assert_eq!(house.get("/hosts", &[&format!("Authorization: {other}")]).await.status, 401, "{other}");
    }
    let twice = format!("Authorization: Bearer {right}");
    assert_eq!(house.get("/hosts", &[&twice]).await.status, 200);
    assert_eq!(house.get("/hosts", &[&twice, &twice]).await.status, 401);
}

#[tokio::test]
async fn an_approver_of_repairs_reads_and_decides_under_their_name() {
    let house = House::of(everybody()).await;
    let shown = format!("Authorization: Bearer {APPROVER}");
    assert_eq!(house.get("/api/v1/hosts", &[&shown]).await.status, 200);
    let halt = house.ask("POST", "/api/v1/repairs/halt", &[&shown], "{\"reason\":\"x\"}").await;
    assert_eq!(halt.status, 503, "there is nobody to decide at here, which is not a refusal: {}", halt.body);
}

#[tokio::test]
async fn a_token_ends_when_it_says() {
    let mut rules = everybody();
    rules.tokens[0].expires = Some(evenkeel_store::conformance::sample::at(1000));
    let house = House::of(rules).await;
    let shown = format!("Authorization: Bearer {}", shown("t-viewer"));
    house.clock(999);
    assert_eq!(house.get("/api/v1/hosts", &[&shown]).await.status, 200);
    house.clock(1000);
    assert_eq!(house.get("/api/v1/hosts", &[&shown]).await.status, 401);
}

#[tokio::test]
async fn without_anybody_this_machine_may_and_no_other() {
    let here = House::of(Rules::default()).await;
    assert_eq!(here.get("/hosts", &[]).await.status, 200);
    assert_eq!(here.get("/metrics", &[]).await.status, 200);
    // A reload that takes away every user of a port that others reach opens it to nobody.
    let open = House::bound(everybody(), [0, 0, 0, 0].into()).await;
    open.access.change(Rules { anonymous: Some(Level::Viewer), ..Rules::default() });
    for path in ["/hosts", "/api/v1/hosts", "/metrics"] {
        assert_eq!(open.get(path, &[]).await.status, 401, "{path}");
    }
    assert_eq!(open.get("/healthz", &[]).await.status, 200);
}

#[tokio::test]
async fn a_show_is_for_whoever_comes_until_somebody_has_a_name() {
    let show = Rules { is_show: true, local: Level::Approver, ..Rules::default() };
    let open = House::bound(show, [0, 0, 0, 0].into()).await;
    for path in ["/hosts", "/api/v1/hosts", "/metrics"] {
        assert_eq!(open.get(path, &[]).await.status, 200, "{path}");
    }
    open.access.change(Rules { is_show: true, ..everybody() });
    assert_eq!(open.get("/api/v1/hosts", &[]).await.status, 401);
}

#[tokio::test]
async fn strangers_hear_whether_it_is_ready_and_not_what_there_is() {
    let house = House::of(Rules { open_metrics: true, ..everybody() }).await;
    let stranger = house.get("/readyz", &[]).await;
    assert_eq!(stranger.body, "{\"ready\":true,\"role\":\"leader\"}");
    let shown = format!("Authorization: Bearer {}", shown("t-viewer"));
    assert!(house.get("/readyz", &[&shown]).await.body.contains("\"blind\""));
    let metrics = house.get("/metrics", &[]).await;
    assert!(
        metrics.status == 200 && metrics.body.contains("evenkeel_logins_total{outcome=\"won\"} 0"),
        "{}",
        metrics.body
    );
}

#[tokio::test]
async fn a_person_is_shown_the_way_in_and_back_and_a_program_what_to_send() {
    let house = House::of(everybody()).await;
    let person = house.get("/drifts/ABC?x=1&lang=fr", &["Accept: text/html"]).await;
    assert_eq!(
        (person.status, person.header("location")),
        (303, "/login?next=%2Fdrifts%2FABC%3Fx%3D1%26lang%3Dfr")
    );
    assert_eq!(house.get("/", &["Accept: text/html"]).await.header("location"), "/login");
    let program = house.get("/api/v1/hosts", &["Accept: text/html"]).await;
    assert_eq!((program.status, program.header("www-authenticate")), (401, "Bearer"));
    assert!(program.body.contains("urn:evenkeel:problem:unauthorized"), "{}", program.body);
    assert_eq!(program.header("cache-control"), "no-store");
}
