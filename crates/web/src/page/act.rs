//! Forms of pages: how much of one is read and how strictly, where a browser goes once it is done, and the short word that
//! says so there. Everything works without a script. Not here: what is done.

use axum::extract::Request;
use axum::http::header::{CONTENT_TYPE, LOCATION};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use evenkeel_core::policy::silence::Mistake;
use maud::{Markup, html};
use url::form_urlencoded;

use super::asked::Asked;
use super::frame::{self, PATIENCE, Shown, Tab};
use super::trouble;
use super::words::Words;
use crate::access::Level;
use crate::body;
use crate::problem::{Kind, Problem, quoted};
use crate::state::AppState;

/// The largest form that is read, in bytes.
const LARGEST: usize = 64 * 1024;

/// What a form sent.
pub(super) struct Form(Vec<(String, String)>);

impl Form {
    /// Reads a form that has these fields and no others, each once at most.
    pub(super) async fn read(request: Request, known: &[&str]) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let kind = parts.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        if kind.split(';').next().unwrap_or_default().trim() != "application/x-www-form-urlencoded" {
            return Err(Problem::new(Kind::BadBody, "this takes a form; programs use the API"));
        }
        let body = body::read(&parts.headers, body, LARGEST, "a form is a few lines").await?;
        let pairs: Vec<(String, String)> = form_urlencoded::parse(&body).into_owned().collect();
        for (at, (name, _)) in pairs.iter().enumerate() {
            if !known.contains(&name.as_str()) {
                let detail = format!("{} is no field of this form", quoted(name));
                return Err(Problem::new(Kind::BadBody, detail));
            }
            if pairs[..at].iter().any(|(earlier, _)| earlier == name) {
                return Err(Problem::new(
                    Kind::BadBody,
                    format!("the field {} is there twice", quoted(name)),
                ));
            }
        }
        Ok(Self(pairs))
    }

    /// What was typed into a field; nothing, where it was left empty.
    pub(super) fn one(&self, name: &str) -> &str {
        self.0.iter().find(|(given, _)| given == name).map_or("", |(_, value)| value.trim())
    }
}

/// What came of a form.
pub(super) enum Outcome {
    /// It is done; the browser goes there.
    Done(String, Done),
    /// It is not: the page once more, with what was typed and what is wrong with it.
    Wrong(Shown),
}

/// What was done. A page says it by its word in the address, and says nothing else that an address tells it to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Done {
    Silenced,
    Ended,
    Approved,
    Rejected,
    Halted,
    Resumed,
    Released,
    Unchanged,
    Resent,
}

impl Done {
    pub(super) const ALL: [Self; 9] = [
        Self::Silenced,
        Self::Ended,
        Self::Approved,
        Self::Rejected,
        Self::Halted,
        Self::Resumed,
        Self::Released,
        Self::Unchanged,
        Self::Resent,
    ];

    /// The word in the address.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Silenced => "silenced",
            Self::Ended => "ended",
            Self::Approved => "approved",
            Self::Rejected => "rejected",
            Self::Halted => "halted",
            Self::Resumed => "resumed",
            Self::Released => "released",
            Self::Unchanged => "unchanged",
            Self::Resent => "resent",
        }
    }

    pub(super) fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|done| done.as_str() == word)
    }
}

/// Answers a form.
pub(super) async fn answer(
    state: &AppState,
    asked: &Asked,
    tab: Tab,
    doing: impl Future<Output = Result<Outcome, Problem>>,
) -> Response {
    let done = tokio::time::timeout(PATIENCE, doing).await.unwrap_or_else(|_| {
        let detail = format!("no answer within {} s; look whether it was done", PATIENCE.as_secs());
        Err(Problem::new(Kind::TimedOut, detail))
    });
    match done {
        Ok(Outcome::Done(path, done)) => {
            let mut response = StatusCode::SEE_OTHER.into_response();
            let place = HeaderValue::from_str(&asked.link(&path, &[("done", done.as_str())]));
            // Addresses of ours are percent-encoded.
            let place = place.unwrap_or(HeaderValue::from_static("/"));
            response.headers_mut().insert(LOCATION, place);
            response
        }
        Ok(Outcome::Wrong(shown)) => once(state, asked, tab, shown),
        Err(problem) => once(state, asked, tab, trouble::shown(asked, &problem)),
    }
}

/// A page that stands until its reader goes on.
fn once(state: &AppState, asked: &Asked, tab: Tab, shown: Shown) -> Response {
    frame::finished(state, asked, Some(tab), &Shown { live: false, ..shown })
}

/// Says what was done just now.
pub(super) fn confirmation(asked: &Asked) -> Markup {
    let done = asked.one("done").and_then(Done::parse);
    html! {
        @if let Some(done) = done {
            div.banner.good role="status" { strong { (asked.words.say(&format!("done-{}", done.as_str()))) } }
        }
    }
}

/// Whether whoever looks may do what takes this level.
pub(super) fn may(asked: &Asked, level: Level) -> bool {
    asked.caller.as_ref().is_some_and(|caller| caller.may(level))
}

/// What is wrong with what was typed, next to it.
pub(super) fn wrong(text: Option<&str>) -> Markup {
    html! { @if let Some(text) = text { strong.wrong role="alert" { (super::text::clean(text)) } } }
}

/// A mistake in the language of the page.
pub(super) fn mistake(words: Words, mistake: &Mistake) -> String {
    match mistake {
        Mistake::NoReason => words.say("wrong-no-reason"),
        Mistake::LongReason => words.say("wrong-long-reason"),
        Mistake::NoEnd => words.say("wrong-no-end"),
        Mistake::EndsEarly => words.say("wrong-early"),
        Mistake::TooLong { longest } => words.count("wrong-too-long", (longest.as_secs() / 86_400) as usize),
        Mistake::Nothing | Mistake::BadPattern { .. } | Mistake::NothingResolves => mistake.to_string(),
    }
}
