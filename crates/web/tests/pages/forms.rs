//! Forms: what is done, where the browser goes, what is said; and what stays typed when something is wrong.

use std::sync::Arc;

use evenkeel_store::conformance::sample::{missing, opening};

use crate::client::World;
use crate::site::{Desk, Page, Site, in_path, rules_of};

async fn with_a_drift() -> (Site, String) {
    let site = Site::of(World::default()).await;
    site.commit(opening("box2", "sonarr", 1, 0, &[])).await;
    (site, missing("box2", "sonarr").handle())
}

fn asked(site: &Site) -> Vec<String> {
    site.keeper.asked.lock().unwrap().clone()
}

#[track_caller]
fn leads_to(page: &Page, place: &str) {
    assert_eq!(
        (page.status, page.headers.get("location").map(String::as_str)),
        (303, Some(place)),
        "{}",
        page.body
    );
}

#[tokio::test]
async fn a_drift_is_accepted_for_a_span_until_a_day_or_until_it_is_resolved() {
    let (site, handle) = with_a_drift().await;
    site.get(&format!("/drifts/{handle}")).await.says("name=\"reason\"").says("type=\"date\"");
    let accept = format!("/drifts/{handle}/accept");
    let done = format!("/drifts/{handle}?done=silenced");
    leads_to(&site.post(&accept, "for=1d&day=&reason=the+disks").await, &done);
    leads_to(&site.post(&accept, "for=1d&day=2025-12-31&reason=until+new+year").await, &done);
    leads_to(&site.post(&accept, "for=resolved&reason=I+am+on+it").await, &done);
    assert_eq!(
        asked(&site),
        [
            "local: the disks until 2025-12-23T04:01:40Z false",
            "local: until new year until 2026-01-01T00:00:00Z false",
            "local: I am on it until 2026-03-22T04:01:40Z true",
        ]
    );
    site.get(&done).await.says("Accepted: nobody is told");
    // The language that was chosen stays chosen.
    let french = site.post(&format!("{accept}?lang=fr"), "for=1d&reason=x").await;
    leads_to(&french, &format!("/drifts/{handle}?done=silenced&lang=fr"));
    site.get(&format!("/drifts/{handle}?done=silenced&lang=fr")).await.says("Accepté");
}

#[tokio::test]
async fn what_is_wrong_stands_beside_what_was_typed_and_nothing_typed_is_lost() {
    let (site, handle) = with_a_drift().await;
    let accept = format!("/drifts/{handle}/accept");
    let page = site.post(&accept, "for=30d&day=&reason=").await;
    assert_eq!(page.status, 422);
    page.says("Say why").says("<option value=\"30d\" selected>");
    let page = site.post(&accept, &format!("for=1d&day=2099-01-01&reason={}", in_path("\"><b>mine"))).await;
    assert_eq!(page.status, 422);
    page.says("Longer than it may last (90 days)")
        .says("value=\"&quot;&gt;&lt;b&gt;mine\"")
        .says("value=\"2099-01-01\"");
    let page = site.post(&accept, "for=soon&reason=x").await;
    page.says("is no span of time").says("value=\"x\"");
    assert_eq!((page.status, asked(&site)), (422, Vec::new()));
}

#[tokio::test]
async fn a_form_has_its_fields_and_no_others_and_is_not_large() {
    let (site, handle) = with_a_drift().await;
    let accept = format!("/drifts/{handle}/accept");
    for form in ["for=1d&reason=x&more=1", "for=1d&for=2d&reason=x", "for=1d&reason=x&reason=y"] {
        let page = site.post(&accept, form).await;
        assert_eq!(page.status, 422, "{form}");
        page.says("<html");
    }
    let large = format!("for=1d&reason={}", "x".repeat(70_000));
    assert_eq!(site.post(&accept, &large).await.status, 413);
    assert_eq!(site.post("/drifts/00000000/accept", "for=1d&reason=x").await.status, 404);
    assert_eq!(asked(&site), Vec::<String>::new());
}

#[tokio::test]
async fn only_a_word_that_is_ours_is_said_from_an_address() {
    let (site, handle) = with_a_drift().await;
    let page = site.get(&format!("/drifts/{handle}?done=everything%20is%20free")).await;
    assert_eq!(page.status, 400);
    site.get("/rules?done=ended").await.says("The silence is over");
}

#[tokio::test]
async fn rules_are_shown_with_what_they_cover_and_a_made_silence_is_ended() {
    let site = Site::of(World::default()).await;
    site.get("/rules").await.says("No rule was written");
    *site.keeper.rules.lock().unwrap() = rules_of("QUIET000");
    let page = site.get("/rules").await;
    page.says("VM_DOWN").says("covers nothing now").says("ends soon");
    assert_eq!(
        page.body.matches("action=\"/rules/QUIET000/end\"").count(),
        1,
        "only what was made is ended here"
    );
    leads_to(&site.post("/rules/QUIET000/end", "").await, "/rules?done=ended");
    assert_eq!(asked(&site), ["local ends QUIET000"]);
    assert_eq!(site.get("/rules?kind=severity").await.body.matches("<tr").count(), 2);
}

#[tokio::test]
async fn an_operator_does_not_decide_about_repairs() {
    let site = Site::with(World::default(), Some(Arc::new(Desk("it waits".to_owned())))).await;
    site.get("/actions").await.never_says("name=\"way\"").never_says("name=\"decision\"");
    for (path, form) in
        [("/actions", "way=halt&reason=x"), ("/actions/ABCD1234", "decision=approve&reason=x")]
    {
        let page = site.post(path, form).await;
        assert_eq!(page.status, 403, "{path}");
        page.says("approver");
    }
}
