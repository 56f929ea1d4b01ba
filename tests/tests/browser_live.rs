//! An open page in a real browser keeps up by itself: what happens appears, what the reader is doing stays, and when the
//! page cannot be told it says so.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a panic in a test is the failed assertion itself")]

use evenkeel_tests::browser::Browser;
use evenkeel_tests::program::Home;
use evenkeel_tests::stage::Lab;
use serde_json::json;

/// One machine with two services.
async fn small() -> (Lab, Home) {
    let lab = Lab::small(&[("box", &[("web", 80), ("db", 5432)])]).await;
    let home = Home::new(&lab, None);
    (lab, home)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drift_appears_and_goes_while_focus_text_and_scroll_stay() {
    let Some(browser) = Browser::start().await else { return };
    let (lab, home) = small().await;
    let program = home.start().await;
    program.until_ready().await;
    let page = format!("http://{}", program.address().await);

    // Somebody types into a filter of the list of hosts while it changes under their hands.
    browser.open(&format!("{page}/hosts")).await;
    browser.until_says("#live", "live").await;
    browser.run("window.same = true; document.querySelector('[name=q]').focus()").await;
    browser.press("bo").await;
    lab.engine("box").stop("web").unwrap();
    browser.until_says("tbody", "Drift").await;
    let now = browser.run("const q = document.activeElement; return [window.same, q.name, q.value]").await;
    assert_eq!(now, json!([true, "q", "bo"]));

    // The overview shows the drift, and loses it again.
    browser.open(&format!("{page}/")).await;
    browser.until_says("#live", "live").await;
    browser.run("window.same = true; document.body.style.minHeight = '3000px'; scrollTo(0, 400)").await;
    assert_eq!(browser.count("a[href^='/drifts/']").await, 1);
    lab.engine("box").stop("db").unwrap();
    browser.until_count("a[href^='/drifts/']", 2).await;
    lab.engine("box").start_container("web").unwrap();
    lab.engine("box").start_container("db").unwrap();
    browser.until_says("#verdict", "In sync").await;
    // What shrinks above the reader's eye moves the page along; it does not jump to its top.
    assert_eq!(browser.run("return [window.same, scrollY > 300]").await, json!([true, true]));
    assert_eq!(browser.complaints().await, Vec::<String>::new());
    program.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_is_told_nothing_any_more_says_so_and_catches_up() {
    let Some(browser) = Browser::start().await else { return };
    let (lab, home) = small().await;
    let program = home.start().await;
    program.until_ready().await;
    let address = program.address().await;
    browser.open(&format!("http://{address}/")).await;
    browser.until_says("#live", "live").await;
    home.edit("127.0.0.1:0", &address);
    program.stop().await;
    browser.until_says("#live", "connection lost").await;

    lab.engine("box").stop("web").unwrap();
    let program = home.start().await;
    program.until_ready().await;
    browser.until_count("a[href^='/drifts/']", 1).await;
    browser.until_says("#live", "live").await;
    program.stop().await;
}
