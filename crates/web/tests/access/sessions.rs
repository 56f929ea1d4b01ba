//! Logging in, being logged in, logging out.

use evenkeel_core::Secret;
use evenkeel_store::{Store, TokenHash};
use evenkeel_web::{Level, PasswordHash, Rules};

use crate::house::{House, PASSWORD, everybody, short, user};

#[tokio::test]
async fn whoever_logs_in_is_in_until_they_log_out() {
    let house = House::of(everybody()).await;
    let page = house.get("/login?next=/hosts", &["Accept: text/html"]).await;
    assert_eq!(page.status, 200);
    assert!(page.body.contains("name=\"next\" value=\"/hosts\""), "{}", page.body);
    let form = format!("name=operator&password={}&next=%2Fhosts%3Fx", PASSWORD.replace(' ', "+"));
    let answer = house.send("/login", &[], &form).await;
    assert_eq!((answer.status, answer.header("location")), (303, "/hosts?x"));
    let set = answer.header("set-cookie");
    assert!(
        set.starts_with("evenkeel-session=")
            && set.ends_with("; Path=/; HttpOnly; SameSite=Lax; Max-Age=604800"),
        "{set}"
    );
    assert_eq!(answer.header("cache-control"), "no-store");
    let cookie = format!("Cookie: {}", answer.cookie());
    let page = house.get("/about", &[&cookie]).await;
    assert!(page.status == 200 && page.body.contains("operator"), "{}", page.body);
    assert_eq!(page.header("cache-control"), "no-store");
    assert_eq!(house.get("/api/v1/hosts", &[&cookie]).await.status, 200);
    assert_eq!(house.get("/login", &[&cookie]).await.header("location"), "/");
    let out = house.send("/logout", &[&cookie], &format!("seal={}", page.seal())).await;
    assert_eq!((out.status, out.header("location")), (303, "/login"));
    assert!(out.header("set-cookie").contains("Max-Age=0"), "{}", out.head);
    assert_eq!(
        house.get("/api/v1/hosts", &[&cookie]).await.status,
        401,
        "the cookie is worth nothing any more"
    );
    assert_eq!(house.journal().await, ["operator logged in from 127.0.0.1.", "operator logged out."]);
}

#[tokio::test]
async fn what_a_browser_shows_is_kept_nowhere_and_hashes_are_shown_nowhere() {
    let house = House::of(everybody()).await;
    let cookie = house.log_in("admin").await;
    let shown = cookie.split('=').nth(1).unwrap();
    assert_eq!(shown.len(), 64);
    let bytes: Vec<u8> = (0..32).map(|n| u8::from_str_radix(&shown[2 * n..2 * n + 2], 16).unwrap()).collect();
    let as_it_is = TokenHash(bytes.try_into().unwrap());
    assert_eq!(house.store.session(as_it_is).await.unwrap(), None);
    for path in ["/", "/about", "/journal", "/api/v1/journal", "/metrics", "/readyz"] {
        let answer = house.get(path, &[&cookie]).await;
        for secret in [shown, "argon2id", PASSWORD, &crate::house::HASH.line()] {
            assert!(!answer.body.contains(secret), "{path} shows {secret}");
        }
    }
}

#[tokio::test]
async fn a_session_that_was_put_there_is_not_the_one_that_is_logged_in() {
    let house = House::of(everybody()).await;
    let fixed = format!("Cookie: evenkeel-session={}", "a".repeat(64));
    assert_eq!(house.get("/api/v1/hosts", &[&fixed]).await.status, 401);
    let form = format!("name=admin&password={}", PASSWORD.replace(' ', "+"));
    let first = house.send("/login", &[&fixed], &form).await;
    assert_ne!(format!("Cookie: {}", first.cookie()), fixed);
    assert_eq!(house.get("/api/v1/hosts", &[&fixed]).await.status, 401);
    // Logged in anew, the earlier one is left.
    let earlier = format!("Cookie: {}", first.cookie());
    assert_eq!(house.get("/api/v1/hosts", &[&earlier]).await.status, 200);
    house.send("/login", &[&earlier], &form).await;
    assert_eq!(house.get("/api/v1/hosts", &[&earlier]).await.status, 401);
    // Of two nobody knows which.
    let two = format!("{}; {}", house.log_in("admin").await, "evenkeel-session=x");
    assert_eq!(house.get("/api/v1/hosts", &[&two]).await.status, 401);
}

#[tokio::test]
async fn a_session_ends_when_nobody_uses_it_and_at_its_longest() {
    let house = House::of(Rules { sessions: short(), ..everybody() }).await;
    house.clock(0);
    let (busy, idle) = (house.log_in("admin").await, house.log_in("viewer").await);
    for seconds in (300..3600).step_by(300) {
        house.clock(seconds);
        assert_eq!(house.get("/api/v1/hosts", &[&busy]).await.status, 200, "{seconds}");
        if seconds == 600 {
            assert_eq!(house.get("/api/v1/hosts", &[&idle]).await.status, 401);
        }
    }
    house.clock(3600);
    assert_eq!(house.get("/api/v1/hosts", &[&busy]).await.status, 401);
    // What is over stays over, whatever the clock says next.
    house.clock(100);
    for cookie in [&busy, &idle] {
        assert_eq!(house.get("/api/v1/hosts", &[cookie]).await.status, 401);
    }
    let said = house.journal().await;
    assert!(said.contains(&"A session of viewer ended: nobody used it.".to_owned()), "{said:?}");
    assert!(said.contains(&"A session of admin ended: its time was up.".to_owned()), "{said:?}");
}

#[tokio::test]
async fn another_password_and_a_user_who_is_gone_end_every_session_for_good() {
    let house = House::of(everybody()).await;
    let (changed, gone, lower) =
        (house.log_in("admin").await, house.log_in("approver").await, house.log_in("operator").await);
    let mut rules = everybody();
    let other = PasswordHash::of(&Secret::new("another password"), [4; 16]).unwrap();
    rules.users.retain(|user| &*user.name != "approver");
    for user in &mut rules.users {
        match &*user.name {
            "admin" => user.password = other.clone(),
            "operator" => user.level = Level::Viewer,
            _ => {}
        }
    }
    house.access.change(rules);
    assert_eq!(house.get("/api/v1/hosts", &[&changed]).await.status, 401);
    assert_eq!(house.get("/api/v1/hosts", &[&gone]).await.status, 401);
    let page = house.get("/about", &[&lower]).await;
    assert!(page.status == 200 && page.body.contains("viewer"), "the role is that of now: {}", page.body);
    // Taken back, they are still over.
    house.access.change(everybody());
    for cookie in [&changed, &gone] {
        assert_eq!(house.get("/api/v1/hosts", &[cookie]).await.status, 401);
    }
    assert_eq!(house.get("/api/v1/hosts", &[&lower]).await.status, 200);
}

#[tokio::test]
async fn afterwards_one_is_led_to_a_path_of_ours_and_nowhere_else() {
    let house = House::of(Rules { users: vec![user("ada", Level::Viewer)], ..Rules::default() }).await;
    for (next, to) in [
        ("%2Fhosts", "/hosts"),
        ("%2F%2Fevil.lan", "/"),
        ("%2F%5Cevil.lan", "/"),
        ("https%3A%2F%2Fevil.lan", "/"),
        ("%2Fa%0D%0ASet-Cookie%3A+x", "/"),
    ] {
        let form = format!("name=ada&password={}&next={next}", PASSWORD.replace(' ', "+"));
        let answer = house.send("/login", &[], &form).await;
        assert_eq!((answer.status, answer.header("location")), (303, to), "{next}");
    }
}
