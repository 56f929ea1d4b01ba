//! Lists: filters that are addresses, pages, order.

use evenkeel_store::conformance::sample::opening;
use evenkeel_web::HostStatus;

use crate::client::{World, blind, host};
use crate::site::{Page, Site};

fn many(n: usize) -> World {
    let site = |n: usize| if n.is_multiple_of(2) { "bruce" } else { "annex" }.to_owned();
    let one = |n| HostStatus { site: Some(site(n)), ..host(&format!("host-{n:03}")) };
    World { hosts: (0..n).map(one).collect(), ..World::default() }
}

/// The hosts on a page, in their order.
fn hosts(page: &Page) -> Vec<String> {
    let links = page.body.split("class=\"host\" href=\"/hosts/").skip(1);
    links.map(|rest| rest.split(['"', '?']).next().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn hosts_are_paged_on_the_server_and_every_one_is_on_one_page() {
    let site = Site::of(many(120)).await;
    let mut shown = Vec::new();
    for (page, rows) in [(1, 50), (2, 50), (3, 20)] {
        let answer = site.get(&format!("/hosts?sort=name&page={page}")).await;
        answer.says(&format!("Page {page} of 3"));
        assert_eq!(hosts(&answer).len(), rows);
        shown.extend(hosts(&answer));
    }
    assert_eq!(shown, (0..120).map(|n| format!("host-{n:03}")).collect::<Vec<_>>());
    let first = site.get("/hosts?sort=name").await;
    first.says("rel=\"next\" href=\"/hosts?sort=name&amp;page=2\"").never_says("rel=\"prev\"");
    // A page behind the last one is the last one: hosts go.
    assert_eq!(hosts(&site.get("/hosts?sort=name&page=99").await).len(), 20);
}

#[tokio::test]
async fn filters_are_an_address_and_stay_in_every_link() {
    let site = Site::of(many(120)).await;
    let page = site.get("/hosts?site=bruce&q=host-0&sort=name&dir=desc").await;
    let shown = hosts(&page);
    assert_eq!((shown.len(), shown[0].as_str(), shown[49].as_str()), (50, "host-098", "host-000"));
    page.says("<option value=\"bruce\" selected>").says("name=\"q\" value=\"host-0\"");
    page.says("type=\"hidden\" name=\"sort\" value=\"name\"")
        .says("type=\"hidden\" name=\"dir\" value=\"desc\"");
    page.says("href=\"/hosts?site=bruce&amp;q=host-0&amp;sort=drifts\"").says("aria-sort=\"descending\"");
    page.says("Clear the filter");
}

#[tokio::test]
async fn the_loudest_hosts_come_first() {
    let dark = HostStatus { blind: vec![blind("zeta").source], ..host("zeta") };
    let site = Site::of(World { hosts: vec![host("alpha"), host("beta"), dark], ..World::default() }).await;
    site.commit(opening("beta", "sonarr", 1, 0, &[])).await;
    assert_eq!(hosts(&site.get("/hosts").await), ["zeta", "beta", "alpha"]);
    assert_eq!(hosts(&site.get("/hosts?state=drift").await), ["beta"]);
    assert_eq!(hosts(&site.get("/hosts?state=blind").await), ["zeta"]);
    site.get("/hosts?state=idle").await.says("Nothing fits this filter.").never_says("No host is declared");
}

#[tokio::test]
async fn events_are_paged_from_the_newest_and_keep_their_filter() {
    let site = Site::of(World::default()).await;
    for n in 0..60 {
        site.commit(opening("box2-media", &format!("service-{n:02}"), n + 1, u64::from(n), &["n8n"])).await;
    }
    site.commit(opening("box2-daily", "freshrss", 61, 0, &[])).await;
    let page = site.get("/events?host=Box2-Media&severity=high").await;
    page.says("service-59").says("service-10").never_says("service-09").never_says("freshrss");
    let next = page.body.split("rel=\"next\" href=\"").nth(1).unwrap().split('"').next().unwrap();
    let next = next.replace("&amp;", "&");
    assert!(next.starts_with("/events?host=Box2-Media&severity=high&after="), "{next}");
    let page = site.get(&next).await;
    page.says("service-09").says("service-00").never_says("service-10").never_says("rel=\"next\"");
    page.says("rel=\"first\" href=\"/events?host=Box2-Media&amp;severity=high\"");
    // A place nobody gave is the end of the list, not its emptiness.
    site.get("/events?after=nonsense")
        .await
        .says("ends before this place")
        .never_says("No event is kept yet.");
    site.get("/deliveries?state=pending&sink=n8n").await.says("60 waiting").says("rel=\"next\"");
}

#[tokio::test]
async fn what_is_no_filter_is_refused_and_not_passed_over() {
    let site = Site::of(World::default()).await;
    for (path, why) in [
        ("/events?severty=high", "`severty`"),
        ("/events?severity=urgent", "critical"),
        ("/hosts?state=green", "in-sync"),
        ("/hosts?page=0", "whole number"),
        ("/hosts?sort=colour", "tenant"),
        ("/hosts?q=a&q=b", "more than once"),
        ("/deliveries?state=lost", "dead"),
        ("/actions?phase=never", "waiting"),
        ("/journal?kind=gossip", "decision"),
        ("/sources?sight=dim", "blind"),
        ("/about?x=1", "`x`"),
    ] {
        let page = site.get(path).await;
        assert_eq!(page.status, 400, "{path}");
        page.says("The address cannot be understood").says(why);
    }
    // A form sends what was not filled in.
    assert_eq!(site.get("/events?severity=&type=&host=&transition=&service=").await.status, 200);
}

#[tokio::test]
async fn a_browser_that_is_lost_gets_a_page_and_a_program_a_problem() {
    let site = Site::of(World::default()).await;
    let page = site.get("/drift").await;
    assert_eq!((page.status, page.headers["content-type"].as_str()), (404, "text/html; charset=utf-8"));
    page.says("There is nothing at this address").says("`/drift`");
    for (path, accept) in [("/drift", ""), ("/api/v1/drift", "Accept: text/html\r\n")] {
        let problem = site.ask(path, accept).await;
        assert_eq!(
            (problem.status, problem.headers["content-type"].as_str()),
            (404, "application/problem+json")
        );
    }
}

#[tokio::test]
async fn what_is_filtered_can_be_had_as_a_file() {
    let site = Site::of(World::default()).await;
    site.commit(opening("box2-media", "sonarr", 1, 0, &[])).await;
    site.commit(opening("box2-daily", "freshrss", 2, 0, &[])).await;
    let page = site.get("/events?host=box2-media&lang=fr").await;
    let link = page.body.split("href=\"").find(|rest| rest.contains("format=csv")).unwrap();
    let link = link.split('"').next().unwrap().replace("&amp;", "&");
    let file = site.get(&link).await;
    assert!(file.headers["content-type"].starts_with("text/csv"), "{link}");
    file.says("sonarr").never_says("freshrss");
}
