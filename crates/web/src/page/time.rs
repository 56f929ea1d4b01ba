//! Moments on a page: how long ago in words, exactly where one looks closer. Not here: what the clock says.

use jiff::Timestamp;
use maud::{Markup, html};

use super::words::Words;

/// How long it is from one moment to another, in the largest unit that gives at least one.
pub(super) fn span(words: Words, then: Timestamp, now: Timestamp) -> String {
    let seconds = now.duration_since(then).as_secs().unsigned_abs();
    let (key, n) = match seconds {
        0..60 => ("span-s", seconds),
        60..3_600 => ("span-min", seconds / 60),
        3_600..86_400 => ("span-h", seconds / 3_600),
        _ => ("span-d", seconds / 86_400),
    };
    words.with(key, [("n", n.into())])
}

/// A moment: relative in words, exact in the title and for machines.
pub(super) fn moment(words: Words, at: Timestamp, now: Timestamp) -> Markup {
    // A clock that was set back makes what just happened look as if it were to come.
    let key = if at.duration_since(now).as_secs() > 5 { "time-in" } else { "time-ago" };
    let said = words.with(key, [("span", span(words, at, now).into())]);
    html! { time datetime=(at) title=(exact(at)) { (said) } }
}

/// A moment that is to come, or is due.
pub(super) fn to_come(words: Words, at: Timestamp, now: Timestamp) -> Markup {
    let said = match at.duration_since(now).as_secs() > 0 {
        true => words.with("time-in", [("span", span(words, at, now).into())]),
        false => words.say("time-now"),
    };
    html! { time datetime=(at) title=(exact(at)) { (said) } }
}

/// A moment that may not have come.
pub(super) fn moment_or(words: Words, at: Option<Timestamp>, now: Timestamp, none: &str) -> Markup {
    match at {
        Some(at) => moment(words, at, now),
        None => html! { span.quiet { (words.say(none)) } },
    }
}

/// A moment as it is written in logs.
pub(super) fn exact(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}
