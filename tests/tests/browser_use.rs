//! What people do on the pages, done in a real browser: log in, filter, open, accept, approve, log out; with the script, and
//! without it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a panic in a test is the failed assertion itself")]

use evenkeel_tests::browser::{Browser, Screen};
use evenkeel_tests::program::{Home, PASSWORD, passwd};
use evenkeel_tests::stage::{Lab, soon};
use evenkeel_tests::workshop::Workshop;

#[tokio::test(flavor = "multi_thread")]
async fn somebody_logs_in_approves_sees_it_repaired_and_logs_out() {
    let Some(browser) = Browser::start().await else { return };
    let shop = Workshop::open("approve", "").await;
    shop.home.write(&format!("{}\n{}", shop.home.read(), passwd("grace", "approver").await));
    let program = shop.home.start().await;
    program.until_logged("listen=").await;
    let page = format!("http://{}", program.address().await);

    browser.open(&format!("{page}/actions")).await;
    browser.until_says("h1", "Log in").await;
    browser.fill("#name", "grace").await;
    browser.fill("#password", "a wrong one").await;
    browser.click("main button").await;
    browser.until_count("[role=alert]", 1).await;
    browser.fill("#name", "grace").await;
    browser.fill("#password", PASSWORD).await;
    browser.click("main button").await;
    browser.until_says("h1", "Actions").await;
    browser.until_says(".who", "grace").await;

    shop.lab.engine("box").stop("db").unwrap();
    browser.until_says("table.actions", "waits for approval").await;
    browser.click("table.actions details.act > summary").await;
    browser.fill("table.actions form.act input[name=reason]", "the disk is fine again").await;
    browser.click("table.actions button[value=approve]").await;
    browser.until_says("main", "Approved.").await;
    assert!(soon(|| async { !shop.n8n.executions().is_empty() }).await, "{}", program.log());
    browser.until_says("table.actions", "verified").await;
    browser.open(&format!("{page}/journal")).await;
    browser.until_says("main", "the disk is fine again").await;

    browser.click(".who button").await;
    // Another page may not be asked for before this one has come: that would take the request back.
    browser.until_says("h1", "Log in").await;
    browser.open(&format!("{page}/journal")).await;
    browser.until_says("h1", "Log in").await;
    // That the wrong password was refused is all there is to complain about.
    let complaints = browser.complaints().await;
    assert!(
        complaints.iter().all(|said| said.contains("/login - ") && said.contains("401")),
        "{complaints:?}"
    );
    program.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_phone_a_drift_is_found_opened_accepted_and_given_back() {
    let Some(browser) = Browser::start().await else { return };
    browser.dress(Screen::Phone).await;
    let lab = Lab::small(&[("box", &[("web", 80), ("db", 5432)]), ("other", &[("api", 81)])]).await;
    let home = Home::new(&lab, None);
    let program = home.start().await;
    program.until_ready().await;
    let page = format!("http://{}", program.address().await);
    lab.engine("box").stop("web").unwrap();

    // Filters are addresses, and the way back works.
    browser.open(&format!("{page}/hosts")).await;
    browser.until_count("main tbody tr", 2).await;
    browser.fill("[name=q]", "box").await;
    browser.press("\u{e007}").await;
    browser.until_count("main tbody tr", 1).await;
    assert!(browser.url().await.contains("q=box"), "{}", browser.url().await);
    browser.click("main tbody a[href*='/hosts/']").await;
    browser.until_says("h1", "box").await;
    browser.click("main a[href*='/drifts/']").await;
    browser.until_says("h1", "Service missing").await;

    // A reason is asked for before anything is accepted; nothing is lost meanwhile.
    browser.submit_unchecked("form#accept").await;
    browser.until_says("#accept", "Say why").await;
    // What is wrong stays said, whatever happens meanwhile.
    assert_eq!(browser.count("#live").await, 0);
    browser.fill("#accept [name=reason]", "rebuilt at the weekend").await;
    browser.click("#accept button").await;
    browser.until_says("main", "Accepted").await;
    browser.open(&format!("{page}/rules")).await;
    browser.until_says("main", "rebuilt at the weekend").await;
    browser.click("main form.act button").await;
    browser.until_says("main", "The silence is over").await;
    assert_eq!(browser.overhang().await, 0);
    program.stop().await;
}
