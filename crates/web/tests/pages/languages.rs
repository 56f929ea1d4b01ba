//! Every page in every language.

use std::sync::Arc;

use crate::client::World;
use crate::site::{Desk, Site, everything, world_of};

#[tokio::test]
async fn every_page_is_whole_in_every_language() {
    let site = Site::with(world_of("media"), Some(Arc::new(Desk("nobody asks for it".to_owned())))).await;
    let handles = everything(&site, "media").await;
    let english = site.every_page("media", &handles, "").await;
    for lang in ["en", "fr", "pt"] {
        let pages = site.every_page("media", &handles, &format!("?lang={lang}")).await;
        for ((path, page), (_, in_english)) in pages.iter().zip(&english) {
            assert_eq!(page.status, 200, "{path} {lang}");
            page.says(&format!("<html lang=\"{lang}\">")).never_says("⟦");
            assert_eq!(page.headers["content-language"], lang);
            assert_ne!(page.body, in_english.body, "{path} {lang}");
        }
    }
}

#[tokio::test]
async fn empty_pages_are_whole_in_every_language() {
    let site = Site::of(World::default()).await;
    for path in crate::site::PAGES {
        for lang in ["en", "fr", "pt"] {
            let joint = if path.contains('?') { '&' } else { '?' };
            site.get(&format!("{path}{joint}lang={lang}"))
                .await
                .never_says("⟦")
                .says(&format!("<html lang=\"{lang}\">"));
        }
    }
}

#[tokio::test]
async fn the_browser_chooses_unless_the_address_does() {
    let site = Site::of(World::default()).await;
    let page = site.ask("/", "Accept-Language: pt-BR,en;q=0.5\r\n").await;
    page.says("Tudo confere").says("href=\"/hosts\"").never_says("/hosts?lang=pt");
    assert!(page.headers["vary"].contains("accept-language"));
    let page = site.ask("/?lang=fr", "Accept-Language: pt-BR\r\n").await;
    page.says("Tout concorde").says("href=\"/hosts?lang=fr\"").says("href=\"/events?lang=fr\"");
}

#[tokio::test]
async fn a_chosen_language_is_kept_by_filters_and_pages() {
    let names: Vec<String> = (0..60).map(|n| format!("host-{n:02}")).collect();
    let hosts = names.iter().map(|name| crate::client::host(name)).collect();
    let site = Site::of(World { hosts, ..World::default() }).await;
    let page = site.get("/hosts?lang=fr&q=host").await;
    page.says("type=\"hidden\" name=\"lang\" value=\"fr\"");
    page.says("href=\"/hosts?lang=fr&amp;q=host&amp;page=2\"").says("/hosts/host-00?lang=fr");
}

#[tokio::test]
async fn a_language_there_is_not_is_refused_by_name() {
    let page = Site::of(World::default()).await.get("/?lang=de").await;
    assert_eq!(page.status, 400);
    page.says("`de`").says("en, fr, pt");
}
