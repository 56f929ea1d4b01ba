//! Nothing known yet, and the store away: said in words, never an empty list.

use evenkeel_store::Store;
use evenkeel_web::Role;

use crate::client::World;
use crate::site::{PAGES, Site};

const EMPTY: [&str; 7] = [
    "No drift is open.",
    "No host is declared or seen.",
    "No event is kept yet.",
    "No source is configured.",
    "Nothing was sent yet.",
    "Nothing is proposed.",
    "Nothing is noted yet.",
];

#[tokio::test]
async fn without_its_store_no_page_takes_an_empty_list_for_the_truth() {
    let site = Site::of(World::default()).await;
    site.store.close().await;
    // What is in memory is shown.
    for path in PAGES.iter().filter(|path| !["/sources", "/rules"].contains(path)) {
        let page = site.get(path).await;
        assert_eq!(page.status, 503, "{path}");
        assert_eq!(page.headers["content-type"], "text/html; charset=utf-8", "{path}");
        assert_eq!(page.headers["retry-after"], "5", "{path}");
        page.says("store does not answer").never_says("verdict in-sync");
        for empty in EMPTY {
            page.never_says(empty);
        }
    }
    // What is known without the store is shown.
    site.get("/").await.says("docker/box2-media").says("verdict unknown");
    let page = site.get("/sources").await;
    assert_eq!(page.status, 200);
    page.says("docker/box2-media");
    assert_eq!(site.get("/hosts/box2-media").await.status, 503);
    assert_eq!(site.get("/drifts/7QZ2MK4D").await.status, 503);
}

#[tokio::test]
async fn while_nothing_is_known_the_pages_of_the_world_say_so() {
    let untold = Role::Follower { leader: "node-a".to_owned(), shown_at: None };
    let waiting = Role::Waiting { why: "the store has not been reached yet".to_owned() };
    for (role, why) in [(untold, "node-a"), (waiting, "has not been reached yet")] {
        let world = World { role, hosts: Vec::new(), sources: Vec::new(), ..World::default() };
        let site = Site::of(world).await;
        for path in ["/", "/hosts", "/sources", "/hosts/box2-media"] {
            let page = site.get(path).await;
            assert_eq!(page.status, 503, "{path}");
            page.says("Nothing is known yet").says(why).never_says("verdict in-sync");
            for empty in EMPTY {
                page.never_says(empty);
            }
        }
        // What has happened is kept, and known all the same.
        let page = site.get("/events").await;
        assert_eq!(page.status, 200);
        page.says(why);
    }
}
