//! The page to log in on, and who is logged in on every page. Not here: what becomes of a name and a password.

use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::Response;
use maud::{Markup, html};

use super::asked::Asked;
use super::frame::{self, Shown};
use super::text::name;
use crate::state::AppState;

/// What there is to say on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Word {
    /// Nothing yet.
    Welcome,
    /// Name or password is wrong.
    Wrong,
    /// So many seconds before the next try.
    Wait(u64),
    /// There is nobody who could log in.
    Nobody,
}

/// The page. `next`: where to go afterwards.
pub(crate) fn answer(
    state: &AppState,
    uri: &Uri,
    headers: &HeaderMap,
    status: StatusCode,
    next: Option<&str>,
    word: Word,
) -> Response {
    let asked = Asked::of(state, uri, headers);
    let title = asked.words.say("login-title");
    let shown = Shown { status, ..Shown::new(title, content(&asked, next, word)) };
    frame::finished(state, &asked, None, &shown)
}

fn content(asked: &Asked, next: Option<&str>, word: Word) -> Markup {
    let words = asked.words;
    html! {
        section.login {
            h1 { (words.say("login-title")) }
            @match word {
                Word::Welcome => {}
                Word::Wrong => p.banner.bad role="alert" { (words.say("login-wrong")) },
                Word::Wait(seconds) => p.banner.wait role="alert" {
                    (words.count("login-wait", usize::try_from(seconds).unwrap_or(usize::MAX)))
                },
                Word::Nobody => p { (words.say("login-nobody")) },
            }
            @if word != Word::Nobody {
                form method="post" action=(asked.link("/login", &[])) {
                    @if let Some(next) = next { input type="hidden" name="next" value=(next); }
                    p {
                        label for="name" { (words.say("login-name")) }
                        input #name name="name" type="text" autocomplete="username" autocapitalize="none" spellcheck="false"
                            maxlength="64" required autofocus;
                    }
                    p {
                        label for="password" { (words.say("login-password")) }
                        input #password name="password" type="password" autocomplete="current-password" maxlength="1024" required;
                    }
                    p { button type="submit" { (words.say("login-do")) } }
                }
            }
        }
    }
}

/// Who is logged in, with the way out; or the way in.
pub(super) fn who(asked: &Asked) -> Markup {
    let words = asked.words;
    let Some(caller) = &asked.caller else {
        return html! {};
    };
    html! {
        @if caller.is_named() {
            div.who {
                span { (name(&caller.name)) " " span.quiet { (words.word("level", caller.level.as_str())) } }
                @if caller.seal().is_some() {
                    form method="post" action=(asked.link("/logout", &[])) {
                        (asked.seal())
                        button type="submit" { (words.say("logout-do")) }
                    }
                }
            }
        } @else if !caller.is_local() {
            div.who { a href=(asked.link("/login", &[("next", asked.path())])) { (words.say("login-do")) } }
        }
    }
}
