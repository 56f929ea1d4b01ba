//! The escapes in a drift id's text form.

use std::fmt;

/// A part of an id's text form, with the separator and the escape character itself escaped.
pub(super) struct Escaped<T>(pub(super) T);

impl<T: fmt::Display> fmt::Display for Escaped<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use fmt::Write;
        struct Escaping<'a, 'b>(&'a mut fmt::Formatter<'b>);
        impl Write for Escaping<'_, '_> {
            fn write_str(&mut self, text: &str) -> fmt::Result {
                let mut rest = text;
                while let Some(at) = rest.find(['|', '%']) {
                    self.0.write_str(&rest[..at])?;
                    self.0.write_str(if rest[at..].starts_with('|') { "%7C" } else { "%25" })?;
                    rest = &rest[at + 1..];
                }
                self.0.write_str(rest)
            }
        }
        write!(Escaping(f), "{}", self.0)
    }
}

/// The inverse; `None` for an escape that was never written.
pub(super) fn unescaped(part: &str) -> Option<String> {
    let mut pieces = part.split('%');
    let mut text = pieces.next()?.to_owned();
    for piece in pieces {
        let (character, rest) = match (piece.strip_prefix("7C"), piece.strip_prefix("25")) {
            (Some(rest), _) => ('|', rest),
            (None, Some(rest)) => ('%', rest),
            (None, None) => return None,
        };
        text.push(character);
        text.push_str(rest);
    }
    Some(text)
}
