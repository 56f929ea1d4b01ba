//! The one place where values become what PostgreSQL can hold.
//!
//! Its text holds no U+0000, which a hostile name may contain: nothing is refused for that, U+FFFD stands for it. Its
//! moments have microseconds.

use std::borrow::Cow;

use jiff::Timestamp;
use jiff_sqlx::{Timestamp as Moment, ToSqlx};

/// The first year that every calendar involved knows; nothing of ours is older.
const EARLIEST: Timestamp = Timestamp::constant(-62_135_596_800, 0);

/// A text.
pub(super) fn text(text: &str) -> Cow<'_, str> {
    if text.contains('\0') { Cow::Owned(text.replace('\0', "\u{fffd}")) } else { Cow::Borrowed(text) }
}

/// An optional text.
pub(super) fn texts(optional: Option<&str>) -> Option<Cow<'_, str>> {
    optional.map(text)
}

/// JSON for a `jsonb` column, which refuses the escape of U+0000, too. Of JSON in a column of text only
/// [`text()`] is asked: there the escape is six characters like any others.
pub(super) fn json(json: &str) -> Cow<'_, str> {
    const NUL: &str = "\\u0000";
    if !json.contains(NUL) {
        return text(json);
    }
    let mut out = String::with_capacity(json.len());
    let mut rest = json;
    while let Some(at) = rest.find('\\') {
        // Escape by escape: behind an escaped backslash, `u0000` is text.
        let (before, escape) = rest.split_at(at);
        let length = if escape.starts_with(NUL) { NUL.len() } else { 2.min(escape.len()) };
        out.push_str(before);
        let (this, after) = escape.split_at_checked(length).unwrap_or((escape, ""));
        out.push_str(if this == NUL { "\\ufffd" } else { this });
        rest = after;
    }
    out.push_str(rest);
    Cow::Owned(text(&out).into_owned())
}

/// A moment, cut to microseconds.
pub(super) fn moment(at: Timestamp) -> Moment {
    // What cannot be represented is beyond year 9999.
    cut(at).to_sqlx()
}

/// A moment as it will be read back.
pub(super) fn cut(at: Timestamp) -> Timestamp {
    Timestamp::from_microsecond(at.as_microsecond()).unwrap_or(at).max(EARLIEST)
}

#[cfg(test)]
mod tests {
    use super::{json, text};

    #[test]
    fn a_nul_is_replaced_in_text() {
        assert_eq!(text("a\0b"), "a\u{fffd}b");
        assert_eq!(text("ab"), "ab");
    }

    #[test]
    fn a_nul_is_replaced_in_json_and_nothing_else_is() {
        let values = ["\0", "a\0b\\u0000\\\0", "\\u0000", "ä\\\"\u{1}", "\\\\u0000", "\\"];
        for value in values {
            let written = serde_json::to_string(&[value, value]).unwrap();
            let cleaned: Vec<String> = serde_json::from_str(&json(&written)).unwrap();
            assert_eq!(cleaned, vec![value.replace('\0', "\u{fffd}"); 2], "{written}");
        }
    }
}
