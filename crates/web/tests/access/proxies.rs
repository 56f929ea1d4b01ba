//! Proxies in front: whose word counts, and what becomes of everybody else's.

use evenkeel_web::{HeaderName, Level, Proxy, Rules};

use crate::house::{House, PASSWORD, everybody, user};

fn proxy(from: &str) -> Proxy {
    Proxy {
        from: vec![from.parse().unwrap()],
        user_header: HeaderName::from_static("remote-user"),
        groups_header: Some(HeaderName::from_static("remote-groups")),
        roles: vec![("admins".to_owned(), Level::Admin), ("ops".to_owned(), Level::Operator)],
        default_role: None,
    }
}

async fn behind(from: &str) -> House {
    House::of(Rules { proxy: Some(proxy(from)), ..Rules::default() }).await
}

const ADA: [&str; 2] = ["Remote-User: ada", "Remote-Groups: staff,admins"];

#[tokio::test]
async fn a_proxy_that_is_named_says_who_is_logged_in() {
    let house = behind("127.0.0.1/32").await;
    let page = house.get("/about", &ADA).await;
    assert!(page.status == 200 && page.body.contains("ada") && page.body.contains("admin"), "{}", page.body);
    // Whom it does not name is nobody; there is no password to log in with, so nobody is sent to a form.
    let nobody = house.get("/about", &["Accept: text/html"]).await;
    assert_eq!((nobody.status, nobody.all("location").len()), (401, 0));
    assert_eq!(house.get("/about", &["Remote-Groups: admins"]).await.status, 401);
    // No group of theirs has a role.
    let guest = house.get("/api/v1/hosts", &["Remote-User: eve", "Remote-Groups: staff"]).await;
    assert!(guest.status == 403 && guest.body.contains("has no role"), "{}", guest.body);
    // What the visitor sent stands beside what the proxy says: then it is not the proxy that speaks.
    let twice =
        house.get("/api/v1/hosts", &["Remote-User: eve", "Remote-User: ada", "Remote-Groups: admins"]).await;
    assert_eq!(twice.status, 401);
    let groups = house
        .get("/api/v1/hosts", &["Remote-User: eve", "Remote-Groups: ops", "Remote-Groups: admins"])
        .await;
    assert_eq!(groups.status, 401);
}

#[tokio::test]
async fn from_everybody_else_it_is_taken_away_unread() {
    let house = behind("192.168.2.5/32").await;
    assert_eq!(house.get("/api/v1/hosts", &ADA).await.status, 401);
    let chained = ["Remote-User: ada", "Remote-Groups: admins", "X-Forwarded-For: 192.168.2.5"];
    assert_eq!(
        house.get("/api/v1/hosts", &chained).await.status,
        401,
        "an address that is only claimed is nobody's"
    );
    // Even where the proxy of addresses is trusted: who connects counts, not whom they speak for.
    let trusting = Rules {
        trusted_proxies: vec!["127.0.0.1/32".parse().unwrap()],
        proxy: Some(proxy("192.168.2.5/32")),
        ..Rules::default()
    };
    let house = House::of(trusting).await;
    assert_eq!(house.get("/api/v1/hosts", &chained).await.status, 401);
}

#[tokio::test]
async fn what_a_proxy_says_a_foreign_page_does_not_use() {
    let house = behind("127.0.0.1/32").await;
    let halt = "/api/v1/repairs/halt";
    let foreign = [ADA[0], ADA[1], "Origin: http://evil.lan"];
    assert_eq!(house.ask("POST", halt, &foreign, "{\"reason\":\"x\"}").await.status, 403);
    let own = [ADA[0], ADA[1], "Origin: http://localhost"];
    assert_eq!(house.ask("POST", halt, &own, "{\"reason\":\"x\"}").await.status, 503);
}

#[tokio::test]
async fn only_the_word_of_a_trusted_proxy_counts_about_where_one_comes_from() {
    let open = || Rules { trusted_proxies: vec!["127.0.0.1/32".parse().unwrap()], ..Rules::default() };
    // Nobody has to say who they are on this machine; whoever comes from elsewhere is not on it.
    let house = House::of(open()).await;
    assert_eq!(house.get("/api/v1/hosts", &[]).await.status, 200);
    assert_eq!(house.get("/api/v1/hosts", &["X-Forwarded-For: 203.0.113.9"]).await.status, 401);
    assert_eq!(house.get("/api/v1/hosts", &["X-Forwarded-For: 127.0.0.1, 203.0.113.9"]).await.status, 401);
    let untrusting = House::of(Rules::default()).await;
    assert_eq!(untrusting.get("/api/v1/hosts", &["X-Forwarded-For: 203.0.113.9"]).await.status, 200);
    // The name it is called by.
    let called = ["Host: 10.1.1.1", "X-Forwarded-Host: evenkeel.lan"];
    assert_eq!(house.get("/healthz", &called).await.status, 200);
    assert_eq!(untrusting.get("/healthz", &called).await.status, 421);
    assert_eq!(house.get("/healthz", &["X-Forwarded-Host: evil.lan"]).await.status, 421);
}

#[tokio::test]
async fn behind_tls_the_cookie_is_safe_and_the_other_kind_counts_for_nothing() {
    let rules = Rules { trusted_proxies: vec!["127.0.0.1/32".parse().unwrap()], ..everybody() };
    let house = House::of(rules).await;
    let tls = [
        "X-Forwarded-Proto: https",
        "X-Forwarded-Host: evenkeel.lan",
        "Sec-Fetch-Site: same-origin",
        "X-Forwarded-For: 203.0.113.9",
    ];
    let form = format!("name=admin&password={}", PASSWORD.replace(' ', "+"));
    let headers: Vec<&str> =
        tls.iter().copied().chain(["Content-Type: application/x-www-form-urlencoded"]).collect();
    let answer = house.ask("POST", "/login", &headers, &form).await;
    let set = answer.header("set-cookie");
    assert!(
        set.starts_with("__Host-evenkeel=") && set.contains("; Path=/;") && set.ends_with("; Secure"),
        "{set}"
    );
    assert_eq!(house.journal().await, ["admin logged in from 203.0.113.9."]);
    let cookie = format!("Cookie: {}", answer.cookie());
    let with = |cookie: String, tls: bool| {
        let house = &house;
        async move {
            let proto = if tls { "X-Forwarded-Proto: https" } else { "X-Forwarded-Proto: http" };
            house.get("/api/v1/hosts", &[&cookie, proto]).await.status
        }
    };
    assert_eq!(with(cookie.clone(), true).await, 200);
    assert_eq!(with(cookie.clone(), false).await, 401);
    let plain = cookie.replace("__Host-evenkeel", "evenkeel-session");
    assert_eq!(with(plain.clone(), true).await, 401);
    // A stranger who says that it is safe is not believed.
    let untrusting = House::of(Rules { users: vec![user("ada", Level::Viewer)], ..Rules::default() }).await;
    let answer = untrusting
        .send(
            "/login",
            &["X-Forwarded-Proto: https"],
            &format!("name=ada&password={}", PASSWORD.replace(' ', "+")),
        )
        .await;
    assert!(answer.header("set-cookie").starts_with("evenkeel-session="), "{}", answer.head);
}
