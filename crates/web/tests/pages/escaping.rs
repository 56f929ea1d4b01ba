//! Whatever a source, NetBox or a person writes is text on a page and nothing else.

use std::sync::Arc;

use crate::site::{Desk, Page, Site, everything, in_path, rules_of, world_of};

/// What has opened holes elsewhere. Each breaks out of another place: text, attributes of either quote, addresses, comments.
const CORPUS: [&str; 9] = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "' onmouseover='alert(1)",
    "javascript:alert(1)//<b>",
    "</title></style></textarea><svg onload=alert(1)>",
    "--><iframe srcdoc=\"<script>alert(1)</script>\">",
    "&lt;script&gt;&#60;b&#62;<b>",
    "{{7*7}}${7*7}<%= 7*7 %>",
    "a\u{202e}b\u{200b}c<b>\u{2066}",
];

/// Every tag of a page, less those that are ours to the letter.
fn tags(page: &str) -> Vec<&str> {
    page.split('<').skip(1).map(|rest| rest.split('>').next().unwrap()).collect()
}

#[track_caller]
fn assert_harmless(path: &str, text: &str, page: &Page) {
    for tag in tags(&page.body) {
        if tag.starts_with("script src=\"/assets/live-") || tag == "/script" {
            continue;
        }
        let name: String =
            tag.trim_start_matches('/').chars().take_while(char::is_ascii_alphanumeric).collect();
        let ours = [
            "",
            "noscript",
            "html",
            "head",
            "meta",
            "title",
            "link",
            "body",
            "a",
            "header",
            "svg",
            "path",
            "nav",
            "ul",
            "li",
            "main",
            "section",
            "h1",
            "h2",
            "h3",
            "p",
            "div",
            "span",
            "b",
            "strong",
            "em",
            "table",
            "thead",
            "tbody",
            "tr",
            "th",
            "td",
            "form",
            "label",
            "select",
            "option",
            "input",
            "button",
            "time",
            "bdi",
            "code",
            "pre",
            "dl",
            "dt",
            "dd",
            "details",
            "summary",
            "footer",
            "g",
            "text",
            "desc",
            "figure",
            "figcaption",
        ];
        assert!(ours.contains(&name.as_str()), "{path} with {text:?}: <{tag}>");
        // Outside of quoted values nothing may begin a handler.
        let bare: String = tag.split('"').step_by(2).collect();
        assert!(!bare.contains(" on") && !bare.contains(" style"), "{path} with {text:?}: <{tag}>");
        for address in ["href", "src", "action", "formaction"] {
            assert!(!tag.contains(&format!(" {address}=\"javascript:")), "{path} with {text:?}: <{tag}>");
        }
    }
    let turns = |c| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200b}');
    // What a form sends back must be what it was given; nobody reads it there.
    let mut read = page.body.split(" value=\"").enumerate();
    let read = read.find_map(|(at, part)| {
        let part = if at == 0 { part } else { part.split_once('"').unwrap().1 };
        part.contains(turns).then_some(part)
    });
    assert_eq!(read, None, "{path}: this turns text around");
}

#[tokio::test]
async fn hostile_text_in_every_field_is_text_on_every_page() {
    for text in CORPUS {
        let site = Site::with(world_of(text), Some(Arc::new(Desk(text.to_owned())))).await;
        let handles = everything(&site, text).await;
        *site.keeper.rules.lock().unwrap() = rules_of(text);
        for (path, page) in site.every_page(&in_path(text), &handles, "").await {
            assert_eq!(page.status, 200, "{path}: {}", page.body);
            assert_harmless(&path, text, &page);
            // It is there, in its harmless form: a page that left it out would prove nothing.
            let part = "alert(1)";
            if text.contains(part) && path != "/about" {
                page.says(part);
            }
        }
    }
}

#[tokio::test]
async fn hostile_text_in_an_address_is_text_too() {
    let site = Site::of(crate::client::World::default()).await;
    for text in CORPUS {
        let text_in_path = in_path(text);
        for path in [
            format!("/hosts?q={text_in_path}"),
            format!("/events?host={text_in_path}&service={text_in_path}&after={text_in_path}"),
            format!("/events?severity={text_in_path}"),
            format!("/hosts?{text_in_path}=x"),
            format!("/drifts/{text_in_path}"),
            format!("/hosts/{text_in_path}"),
            format!("/{text_in_path}"),
            format!("/?lang={text_in_path}"),
        ] {
            assert_harmless(&path, text, &site.get(&path).await);
        }
    }
}

#[tokio::test]
async fn pages_load_nothing_from_elsewhere_and_run_one_script_of_ours() {
    let site = Site::of(world_of("media")).await;
    let handles = everything(&site, "media").await;
    for (path, page) in site.every_page("media", &handles, "").await {
        let policy = &page.headers["content-security-policy"];
        assert!(policy.starts_with("default-src 'none'; style-src 'self';"), "{path}: {policy}");
        assert!(policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe"), "{path}: {policy}");
        assert_eq!(page.headers["referrer-policy"], "same-origin", "{path}");
        assert_eq!(page.headers["cache-control"], "no-store", "{path}");
        let scripts: Vec<&str> =
            tags(&page.body).into_iter().filter(|tag| tag.starts_with("script")).collect();
        assert!(scripts.iter().all(|one| one.starts_with("script src=\"/assets/live-")), "{scripts:?}");
        assert_eq!((scripts.len(), page.body.matches("src=").count()), (1, 1), "{path}");
        page.never_says("<style").never_says(" style=").never_says("http://").never_says("https://");
    }
}

#[tokio::test]
async fn the_style_sheet_is_kept_by_the_browser_under_a_name_of_its_content() {
    let site = Site::of(crate::client::World::default()).await;
    let page = site.get("/").await;
    let path = page.body.split("rel=\"stylesheet\" href=\"").nth(1).unwrap().split('"').next().unwrap();
    assert!(path.starts_with("/assets/evenkeel-") && path.ends_with(".css"), "{path}");
    let style = site.get(path).await;
    assert_eq!(style.status, 200);
    assert_eq!(style.headers["content-type"], "text/css; charset=utf-8");
    assert!(style.headers["cache-control"].contains("immutable"));
    assert!(style.body.contains("prefers-color-scheme: dark") && !style.body.contains("url("));
    let known = format!("If-None-Match: {}\r\n", style.headers["etag"]);
    assert_eq!(site.ask(path, &known).await.status, 304);
    assert_eq!(site.get("/assets/evenkeel-0000000000000000.css").await.status, 404);
}
