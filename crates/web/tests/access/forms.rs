//! Requests that change something, made on our pages, by programs, and on pages of somebody else's.

use evenkeel_web::Rules;

use crate::house::{House, PASSWORD, everybody, shown};

const FORM: &str = "Content-Type: application/x-www-form-urlencoded";
/// Leads to a desk where nobody sits: whoever gets there gets 503.
const HALT: &str = "/api/v1/repairs/halt";

#[tokio::test]
async fn a_page_of_somebody_else_changes_nothing() {
    let house = House::of(everybody()).await;
    let cookie = house.log_in("approver").await;
    let seal = house.get("/about", &[&cookie]).await.seal();
    let form = format!("reason=x&seal={seal}");
    let from = |headers: Vec<&'static str>| {
        let (house, cookie, form) = (&house, &cookie, &form);
        async move {
            let headers: Vec<&str> = headers.into_iter().chain([FORM, cookie.as_str()]).collect();
            house.ask("POST", HALT, &headers, form).await.status
        }
    };
    for ours in [
        vec!["Sec-Fetch-Site: same-origin"],
        vec!["Sec-Fetch-Site: same-origin", "Origin: null"],
        vec!["Sec-Fetch-Site: none"],
        vec!["Origin: http://localhost"],
        vec![],
    ] {
        assert_eq!(from(ours.clone()).await, 503, "{ours:?}");
    }
    for theirs in [
        vec!["Sec-Fetch-Site: cross-site"],
        vec!["Sec-Fetch-Site: same-site", "Origin: http://localhost"],
        vec!["Origin: null"],
        vec!["Origin: http://evil.lan"],
        vec!["Origin: http://localhost:81"],
        vec!["Origin: http://localhost.evil.lan"],
    ] {
        assert_eq!(from(theirs.clone()).await, 403, "{theirs:?}");
    }
}

#[tokio::test]
async fn a_form_without_the_seal_of_its_session_changes_nothing() {
    let house = House::of(everybody()).await;
    let (cookie, other) = (house.log_in("approver").await, house.log_in("admin").await);
    let page = house.get("/about", &[&cookie]).await;
    let again = house.get("/about", &[&cookie]).await;
    assert_ne!(page.seal(), again.seal(), "another text on each page");
    let (own, theirs) = (page.seal(), house.get("/about", &[&other]).await.seal());
    let ours = ["Sec-Fetch-Site: same-origin", FORM, &cookie];
    for (form, status) in [
        (format!("reason=x&seal={own}"), 503),
        (format!("reason=x&seal={}", again.seal()), 503),
        ("reason=x".to_owned(), 403),
        ("reason=x&seal=".to_owned(), 403),
        (format!("reason=x&seal={theirs}"), 403),
        (format!("reason=x&seal={own}&seal={theirs}"), 403),
        (String::new(), 403),
    ] {
        assert_eq!(house.ask("POST", HALT, &ours, &form).await.status, status, "{form}");
    }
    // A script says it in a header.
    let json = ["Sec-Fetch-Site: same-origin", "Content-Type: application/json", &cookie];
    assert_eq!(house.ask("POST", HALT, &json, "{\"reason\":\"x\"}").await.status, 403);
    let header = format!("Evenkeel-Seal: {own}");
    let json = ["Sec-Fetch-Site: same-origin", "Content-Type: application/json", &cookie, &header];
    assert_eq!(house.ask("POST", HALT, &json, "{\"reason\":\"x\"}").await.status, 503);
    let large = format!("seal={own}&reason={}", "x".repeat(70_000));
    assert_eq!(house.ask("POST", HALT, &ours, &large).await.status, 413);
}

#[tokio::test]
async fn a_token_is_shown_by_no_browser_so_it_needs_no_seal() {
    let house = House::of(everybody()).await;
    let token = format!("Authorization: Bearer {}", shown("t-approver"));
    let answer = house.ask("POST", HALT, &[&token, "Origin: http://evil.lan"], "{\"reason\":\"x\"}").await;
    assert_eq!(answer.status, 503, "{}", answer.body);
}

#[tokio::test]
async fn nobody_is_logged_in_by_a_page_of_somebody_else_and_nobody_out() {
    let house = House::of(everybody()).await;
    let form = format!("name=admin&password={}", PASSWORD.replace(' ', "+"));
    let answer = house.ask("POST", "/login", &[FORM, "Origin: http://evil.lan"], &form).await;
    assert_eq!((answer.status, answer.all("set-cookie").len()), (403, 0));
    let cookie = house.log_in("admin").await;
    for headers in [[FORM, "Origin: http://evil.lan", &cookie], [FORM, "Origin: http://localhost", &cookie]] {
        assert_eq!(house.ask("POST", "/logout", &headers, "").await.status, 403);
    }
    assert_eq!(house.get("/api/v1/hosts", &[&cookie]).await.status, 200);
}

#[tokio::test]
async fn without_a_login_a_page_of_somebody_else_changes_nothing_either() {
    let house = House::of(Rules::default()).await;
    // Nobody may decide here, and that is told only to whoever is here.
    assert_eq!(house.ask("POST", HALT, &["Origin: http://evil.lan"], "{}").await.status, 403);
    assert_eq!(house.ask("POST", HALT, &["Sec-Fetch-Site: cross-site"], "{}").await.status, 403);
    assert_eq!(house.ask("POST", HALT, &[], "{}").await.status, 503);
}
