//! The frame around every page: head, navigation, what must be said before anything else, foot; and the headers of the
//! answer. Not here: what a page shows.

use std::time::Duration;

use axum::http::header::{CONTENT_LANGUAGE, CONTENT_SECURITY_POLICY, CONTENT_TYPE, RETRY_AFTER, VARY};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use maud::{DOCTYPE, Markup, html};

use super::asked::Asked;
use super::text::clean;
use super::time::{exact, moment};
use super::trouble;
use super::verdict::{is_current, missing};
use super::words::Lang;
use super::{act, asset, icon, login};
use crate::problem::{Kind, Problem};
use crate::role::Role;
use crate::state::AppState;

/// How long a page may take; less than any request may, so that there is time to say so on a page.
pub(super) const PATIENCE: Duration = Duration::from_secs(8);

/// Seconds after which a screen on a wall is fetched anew.
const KIOSK_EVERY: u32 = 10;

/// What pages may load: their style, icon and script, from here. They run nothing else, ask and send forms nowhere else,
/// and are framed by nobody.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self'; connect-src 'self'; \
     form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
);

/// What an open page is told of changes by.
const STREAM: &str = "/api/v1/stream";

/// The parts of the navigation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tab {
    Overview,
    Hosts,
    Map,
    Events,
    Sources,
    Deliveries,
    Actions,
    Rules,
    Journal,
    About,
}

impl Tab {
    const ALL: [Self; 10] = [
        Self::Overview,
        Self::Hosts,
        Self::Map,
        Self::Events,
        Self::Sources,
        Self::Deliveries,
        Self::Actions,
        Self::Rules,
        Self::Journal,
        Self::About,
    ];

    /// Its path, and the key of its name.
    fn parts(self) -> (&'static str, &'static str) {
        match self {
            Self::Overview => ("/", "nav-overview"),
            Self::Hosts => ("/hosts", "nav-hosts"),
            Self::Map => ("/map", "nav-map"),
            Self::Events => ("/events", "nav-events"),
            Self::Sources => ("/sources", "nav-sources"),
            Self::Deliveries => ("/deliveries", "nav-deliveries"),
            Self::Actions => ("/actions", "nav-actions"),
            Self::Rules => ("/rules", "nav-rules"),
            Self::Journal => ("/journal", "nav-journal"),
            Self::About => ("/about", "nav-about"),
        }
    }
}

/// What a page shows.
pub(super) struct Shown {
    /// Its heading.
    pub(super) title: String,
    /// What is below it.
    pub(super) content: Markup,
    /// Whether it is all there.
    pub(super) status: StatusCode,
    /// Whether an open page is kept as it would be shown now. What answers a form is not: its address cannot be read, and
    /// what was typed wrong would be wiped away.
    pub(super) live: bool,
}

impl Shown {
    /// A page that has everything it is about.
    pub(super) fn new(title: String, content: Markup) -> Self {
        Self { title, content, status: StatusCode::OK, live: true }
    }
}

/// Answers with a page, whatever became of making it.
pub(super) async fn answer(
    state: &AppState,
    asked: &Asked,
    tab: Tab,
    made: impl Future<Output = Result<Shown, Problem>>,
) -> Response {
    let shown = in_time(made).await.unwrap_or_else(|problem| trouble::shown(asked, &problem));
    finished(state, asked, Some(tab), &shown)
}

async fn in_time(made: impl Future<Output = Result<Shown, Problem>>) -> Result<Shown, Problem> {
    tokio::time::timeout(PATIENCE, made).await.unwrap_or_else(|_| {
        let detail = format!("the store did not answer within {} s", PATIENCE.as_secs());
        Err(Problem::new(Kind::TimedOut, detail))
    })
}

/// Answers with a page for a screen on a wall: nothing to press, and fetched anew by itself.
pub(super) async fn kiosk(
    state: &AppState,
    asked: &Asked,
    made: impl Future<Output = Result<Shown, Problem>>,
) -> Response {
    let shown = in_time(made).await.unwrap_or_else(|problem| trouble::shown(asked, &problem));
    let words = asked.words;
    let body = html! {
        (DOCTYPE)
        html lang=(words.0.code()) {
            (head(asked, &shown, Some(KIOSK_EVERY)))
            body.kiosk { main #content { (banners(state, asked)) (shown.content) } footer { (live(asked, &shown)) } }
        }
    };
    leaving(asked, &shown, body)
}

/// The page as it leaves.
pub(super) fn finished(state: &AppState, asked: &Asked, tab: Option<Tab>, shown: &Shown) -> Response {
    leaving(asked, shown, whole(state, asked, tab, shown))
}

fn leaving(asked: &Asked, shown: &Shown, body: Markup) -> Response {
    let body = body.into_string();
    let mut response = (shown.status, body).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(CONTENT_SECURITY_POLICY, POLICY);
    headers.insert(CONTENT_LANGUAGE, HeaderValue::from_static(asked.words.0.code()));
    headers.insert(VARY, HeaderValue::from_static("accept-language"));
    if shown.status == StatusCode::SERVICE_UNAVAILABLE {
        headers.insert(RETRY_AFTER, HeaderValue::from_static("5"));
    }
    response
}

fn whole(state: &AppState, asked: &Asked, tab: Option<Tab>, shown: &Shown) -> Markup {
    let words = asked.words;
    html! {
        (DOCTYPE)
        html lang=(words.0.code()) {
            (head(asked, shown, None))
            body {
                a.skip href="#content" { (words.say("skip")) }
                header.top {
                    a.brand href=(asked.link("/", &[])) { (icon::keel()) "evenkeel" }
                    nav aria-label=(words.say("nav")) { (tabs(asked, tab)) }
                    (login::who(asked))
                }
                main #content {
                    (banners(state, asked))
                    (act::confirmation(asked))
                    (shown.content)
                }
                (foot(asked, shown))
            }
        }
    }
}

/// The head of a page, which without the script may be fetched anew every so many seconds.
fn head(asked: &Asked, shown: &Shown, every: Option<u32>) -> Markup {
    html! {
        head {
            meta charset="utf-8";
            meta name="viewport" content="width=device-width, initial-scale=1";
            meta name="color-scheme" content="light dark";
            script src=(asked.at(&asset::script())) defer {}
            @if let Some(seconds) = every { noscript { meta http-equiv="refresh" content=(seconds); } }
            title { (shown.title) " · evenkeel" }
            link rel="stylesheet" href=(asked.at(&asset::style()));
            link rel="icon" type="image/svg+xml" href=(asked.at(&asset::icon()));
        }
    }
}

fn tabs(asked: &Asked, current: Option<Tab>) -> Markup {
    html! {
        ul {
            @for tab in Tab::ALL {
                @let (path, key) = tab.parts();
                li {
                    a href=(asked.link(path, &[])) aria-current=[(current == Some(tab)).then_some("page")] {
                        (asked.words.say(key))
                    }
                }
            }
        }
    }
}

/// What a reader must know before believing anything below.
fn banners(state: &AppState, asked: &Asked) -> Markup {
    let words = asked.words;
    let role = state.live.role();
    let ready = state.live.ready();
    html! {
        @match &role {
            Role::Leader => {
                @if let Some(why) = state.live.paused() {
                    (banner("bad", &words.say("banner-paused"), html! { (clean(&why)) }))
                }
                @if let Some(ready) = missing(&ready) {
                    (banner("wait", &words.say("banner-starting"), html! {
                        @if !ready.intent_read { (words.say("banner-no-intent")) " " }
                        @if !ready.unanswered.is_empty() {
                            (words.count("banner-unheard", ready.unanswered.len()))
                        }
                    }))
                }
            }
            Role::Follower { leader, shown_at: Some(at) } => {
                @let kind = if is_current(&role, asked.now) { "info" } else { "bad" };
                (banner(kind, &words.say("banner-follower"), html! {
                    (words.with("banner-leader", [("leader", clean(leader).into_owned().into())]))
                    " " (moment(words, *at, asked.now)) "."
                    @if kind == "bad" { " " (words.say("banner-outdated")) }
                }))
            }
            Role::Follower { leader, shown_at: None } => (banner("wait", &words.say("banner-follower"), html! {
                (words.with("banner-untold", [("leader", clean(leader).into_owned().into())]))
            })),
            Role::Waiting { why } => (banner("wait", &words.say("banner-waiting"), html! { (clean(why)) })),
        }
    }
}

fn banner(kind: &str, title: &str, content: Markup) -> Markup {
    html! {
        div class={ "banner " (kind) } role="status" {
            strong { (title) } " " span { (content) }
        }
    }
}

/// Where the script says whether the page keeps up. Whoever may read nothing is told of nothing.
fn live(asked: &Asked, shown: &Shown) -> Markup {
    let words = asked.words;
    html! {
        @if shown.live && asked.caller.is_some() {
            p #live hidden data-stream=(asked.at(STREAM)) data-on=(words.say("live-on"))
                data-lost=(words.say("live-lost")) {}
        }
    }
}

fn foot(asked: &Asked, shown: &Shown) -> Markup {
    let words = asked.words;
    html! {
        footer {
            (live(asked, shown))
            p { "evenkeel " (env!("CARGO_PKG_VERSION")) " · " (words.say("foot-as-of")) " "
                time datetime=(asked.now) { (exact(asked.now)) } }
            p { a href=(asked.link("/api", &[])) { "API" } " · " a href=(asked.at("/metrics")) { (words.say("foot-metrics")) } " · " a href=(asked.link("/kiosk", &[])) { (words.say("kiosk")) } }
            ul.langs aria-label=(words.say("foot-language")) {
                @for lang in Lang::ALL {
                    li {
                        a href=(asked.again(&[("lang", Some(lang.code()))])) hreflang=(lang.code())
                            lang=(lang.code()) aria-current=[(lang == words.0).then_some("true")] {
                            (lang.own_name())
                        }
                    }
                }
            }
        }
    }
}
