//! What lists have in common: filters as a form that makes an address, the way to the next rows, what is said where there
//! are none. Not here: the rows.

use maud::{Markup, html};

use super::asked::Asked;
use super::said;

/// Rows of a list at a time.
pub(super) const ROWS: u32 = 50;

/// One filter.
pub(super) enum Input {
    /// One of several words, each with what people call it.
    Choice(&'static str, Vec<(String, String)>),
    /// Any text.
    Text(&'static str),
}

impl Input {
    /// A choice among words of the API.
    pub(super) fn words<'a>(
        asked: &Asked,
        name: &'static str,
        family: &str,
        all: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        let option = |word: &str| (word.to_owned(), asked.words.word(family, word));
        Self::Choice(name, all.into_iter().map(option).collect())
    }
}

/// The filters of a list. They are an address, so they can be kept and sent to somebody.
pub(super) fn filters(asked: &Asked, inputs: &[Input], kept: &[&str]) -> Markup {
    let words = asked.words;
    html! {
        form.filters method="get" action=(asked.here()) role="search" {
            @if let Some(lang) = asked.pinned() { input type="hidden" name="lang" value=(lang.code()); }
            @for name in kept {
                @if let Some(value) = asked.one(name) { input type="hidden" name=(name) value=(value); }
            }
            @for input in inputs {
                label {
                    @match input {
                        Input::Choice(name, options) => {
                            span { (words.say(&format!("filter-{name}"))) }
                            select name=(name) {
                                option value="" { (words.say("filter-any")) }
                                @for (value, text) in options {
                                    option value=(value) selected[asked.one(name).is_some_and(|v| v.eq_ignore_ascii_case(value))] {
                                        (text)
                                    }
                                }
                            }
                        }
                        Input::Text(name) => {
                            span { (words.say(&format!("filter-{name}"))) }
                            input type="text" name=(name) value=[asked.one(name)] autocomplete="off" spellcheck="false";
                        }
                    }
                }
            }
            button type="submit" { (words.say("filter-go")) }
            @if asked.is_filtered() { a href=(asked.link(asked.path(), &[])) { (words.say("filter-clear")) } }
        }
    }
}

/// The way through a list that is read from a place on: back to its beginning, and on.
pub(super) fn onward(asked: &Asked, next: Option<&str>) -> Markup {
    let words = asked.words;
    let begun = asked.one("after").is_some();
    html! {
        @if begun || next.is_some() {
            nav.pager aria-label=(words.say("pager")) {
                @if begun { a rel="first" href=(asked.again(&[("after", None)])) { (words.say("pager-first")) } }
                @if let Some(next) = next {
                    a rel="next" href=(asked.again(&[("after", Some(next))])) { (words.say("pager-older")) }
                }
            }
        }
    }
}

/// A part of a list that is in memory.
pub(super) struct Part<T> {
    /// The rows of it.
    pub(super) rows: Vec<T>,
    /// How many there are in all.
    pub(super) total: usize,
    page: usize,
    pages: usize,
}

impl<T> Part<T> {
    /// The page with this number, or the last one.
    pub(super) fn of(all: Vec<T>, page: usize) -> Self {
        let (total, most) = (all.len(), ROWS as usize);
        let pages = total.div_ceil(most).max(1);
        let page = page.min(pages);
        let rows = all.into_iter().skip((page - 1) * most).take(most).collect();
        Self { rows, total, page, pages }
    }

    /// The way to the other pages.
    pub(super) fn pager(&self, asked: &Asked) -> Markup {
        let words = asked.words;
        let to = |page: usize| asked.again(&[("page", Some(&page.to_string()))]);
        html! {
            @if self.pages > 1 {
                nav.pager aria-label=(words.say("pager")) {
                    @if self.page > 1 { a rel="prev" href=(to(self.page - 1)) { (words.say("pager-previous")) } }
                    span { (words.with("pager-page", [("page", self.page.into()), ("pages", self.pages.into())])) }
                    @if self.page < self.pages {
                        a rel="next" href=(to(self.page + 1)) { (words.say("pager-next")) }
                    }
                }
            }
        }
    }
}

/// What is said where a list has no rows: that the filter, the place, or the world is empty, and what to do next.
pub(super) fn empty(asked: &Asked, title: &str, next: &str) -> Markup {
    let words = asked.words;
    html! {
        div.empty {
            @if asked.one("after").is_some() {
                p { strong { (words.say("empty-end")) } }
                p { a href=(asked.again(&[("after", None)])) { (words.say("pager-first")) } }
            } @else if asked.is_filtered() {
                p { strong { (words.say("empty-filter")) } }
                p { a href=(asked.link(asked.path(), &[])) { (words.say("filter-clear")) } }
            } @else {
                p { strong { (words.say(title)) } }
                p { (said::marked(next)) }
            }
        }
    }
}
