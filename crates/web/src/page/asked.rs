//! What a request for a page asks for: language, filters, place in a list; and links that keep them. Not here: what is
//! shown.

use axum::extract::Query;
use axum::http::{HeaderMap, Uri};
use jiff::Timestamp;
use maud::{Markup, html};
use url::form_urlencoded;

use super::act::Done;
use super::words::{Lang, Words};
use crate::access::{Caller, FIELD, asking};
use crate::problem::{Kind, Problem, quoted};
use crate::state::AppState;

/// Parameters that say where in a list one is; another filter begins at the beginning.
const PLACES: [&str; 3] = ["after", "page", "done"];

/// One request for a page.
pub(super) struct Asked {
    /// In which language the answer is.
    pub(super) words: Words,
    /// The time from which ages are counted.
    pub(super) now: Timestamp,
    base: String,
    /// Who asks; `None` where nobody said.
    pub(super) caller: Option<Caller>,
    path: String,
    pairs: Result<Vec<(String, String)>, ()>,
}

impl Asked {
    /// Reads the request. Cannot fail: whatever is wrong is said on a page, in a language.
    pub(super) fn of(state: &AppState, uri: &Uri, headers: &HeaderMap) -> Self {
        let pairs =
            Query::<Vec<(String, String)>>::try_from_uri(uri).map(|Query(pairs)| pairs).map_err(|_| ());
        let given = pairs.iter().flatten().find(|(name, _)| name == "lang");
        let lang = given.and_then(|(_, tag)| Lang::parse(tag)).unwrap_or_else(|| Lang::wanted(headers));
        Self {
            words: Words(lang),
            now: state.live.now(),
            base: state.allowed_hosts.base().to_owned(),
            caller: asking(),
            path: uri.path().to_owned(),
            pairs,
        }
    }

    /// Refuses parameters this page does not take: a filter that was misspelt and passed over would show too much and
    /// be believed.
    pub(super) fn only(&self, known: &[&str]) -> Result<(), Problem> {
        let pairs = self.pairs.as_ref().map_err(|()| {
            Problem::new(Kind::BadParameter, "the query is not of the form `name=value&name=value`")
        })?;
        for (at, (name, value)) in pairs.iter().enumerate() {
            if name == "lang" {
                if Lang::parse(value).is_none() && !value.is_empty() {
                    return Err(Problem::bad_value("lang", value, &Lang::ALL.map(Lang::code)));
                }
            } else if name == "done" {
                if Done::parse(value).is_none() {
                    return Err(Problem::bad_value("done", value, &Done::ALL.map(Done::as_str)));
                }
            } else if !known.contains(&name.as_str()) {
                let detail = format!("{} is no parameter here; accepted: {}", quoted(name), known.join(", "));
                return Err(Problem::new(Kind::BadParameter, detail));
            }
            if pairs[..at].iter().any(|(earlier, _)| earlier == name) {
                let detail = format!("parameter `{name}` is given more than once");
                return Err(Problem::new(Kind::BadParameter, detail));
            }
        }
        Ok(())
    }

    /// A parameter's value. An empty one is none: that is how a form sends what was not filled in.
    pub(super) fn one(&self, name: &str) -> Option<&str> {
        let given = self.pairs.iter().flatten().find(|(n, _)| n == name);
        given.map(|(_, value)| value.trim()).filter(|value| !value.is_empty())
    }

    /// A parameter that is one of several words.
    pub(super) fn among<T>(
        &self,
        name: &str,
        read: impl Fn(&str) -> Option<T>,
        accepted: &[&str],
    ) -> Result<Option<T>, Problem> {
        let Some(text) = self.one(name) else {
            return Ok(None);
        };
        read(text).map(Some).ok_or_else(|| Problem::bad_value(name, text, accepted))
    }

    /// A number of a page, from 1.
    pub(super) fn page(&self) -> Result<usize, Problem> {
        let read = |text: &str| text.parse().ok().filter(|page| *page > 0);
        Ok(self.among("page", read, &["a whole number from 1"])?.unwrap_or(1))
    }

    /// Whether anything but the language and the place in the list was asked for.
    pub(super) fn is_filtered(&self) -> bool {
        let pairs = self.pairs.iter().flatten();
        pairs.into_iter().any(|(n, v)| n != "lang" && !PLACES.contains(&n.as_str()) && !v.trim().is_empty())
    }

    /// The address of something that is the same in every language: a style sheet, the API, where a form goes.
    pub(super) fn at(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// The address of this page, without its parameters.
    pub(super) fn here(&self) -> String {
        self.at(&self.path)
    }

    /// The hidden field every form carries that changes something. Empty where nobody has logged in.
    pub(super) fn seal(&self) -> Markup {
        let seal = self.caller.as_ref().and_then(Caller::seal);
        html! {
            @if let Some(seal) = seal { input type="hidden" name=(FIELD) value=(seal.masked()); }
        }
    }

    /// The path asked for, as [`Asked::link`] takes it.
    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// The language, where it was chosen and not only accepted.
    pub(super) fn pinned(&self) -> Option<Lang> {
        self.one("lang").and_then(Lang::parse)
    }

    /// A link to another page, in the same language.
    pub(super) fn link(&self, path: &str, pairs: &[(&str, &str)]) -> String {
        let lang = self.pinned().map(|lang| ("lang", lang.code()));
        address(&self.at(path), pairs.iter().copied().chain(lang))
    }

    /// A link to this page with some parameters changed. The place in a list is kept only where it is given.
    pub(super) fn again(&self, changes: &[(&str, Option<&str>)]) -> String {
        let stays =
            |name: &str| !PLACES.contains(&name) && changes.iter().all(|(changed, _)| *changed != name);
        let kept = self.pairs.iter().flatten().filter(|(n, v)| stays(n) && !v.trim().is_empty());
        let kept = kept.map(|(n, v)| (n.as_str(), v.as_str()));
        let new = changes.iter().filter_map(|(name, value)| Some((*name, (*value)?)));
        address(&self.here(), kept.chain(new))
    }

    /// The address of something that takes the same filters as this page and is no page.
    pub(super) fn filtered(&self, path: &str, more: (&str, &str)) -> String {
        let stays = |name: &str| name != "lang" && name != more.0 && !PLACES.contains(&name);
        let kept = self.pairs.iter().flatten().filter(|(n, v)| stays(n) && !v.trim().is_empty());
        address(&self.at(path), kept.map(|(n, v)| (n.as_str(), v.as_str())).chain([more]))
    }

    /// A link to a host's page.
    pub(super) fn host(&self, name: &str) -> String {
        self.link(&format!("/hosts/{}", segment(name)), &[])
    }

    /// A link to a drift's page.
    pub(super) fn drift(&self, handle: &str) -> String {
        self.link(&format!("/drifts/{}", segment(handle)), &[])
    }
}

fn address<'a>(path: &str, pairs: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
}

/// One part of a path. What forms write as `+` is `%20` there, and a part of dots only would lead elsewhere.
pub(super) fn segment(text: &str) -> String {
    if matches!(text, "." | "..") {
        return text.replace('.', "%2E");
    }
    form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}
