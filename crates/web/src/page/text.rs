//! Foreign text on a page. HTML's own marks are escaped by the templates; here goes what would survive that: characters
//! that show nothing or turn the direction of writing.

use std::borrow::Cow;

use maud::{Markup, html};

/// The text with every such character shown as its number.
pub(crate) fn clean(text: &str) -> Cow<'_, str> {
    if !text.contains(is_harmful) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if is_harmful(c) { out.extend(c.escape_default()) } else { out.push(c) }
    }
    Cow::Owned(out)
}

fn is_harmful(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{00ad}' | '\u{061c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{fffe}' | '\u{ffff}'
            | '\u{e0000}'..='\u{e007f}')
}

/// A name from the world, whose direction of writing ends with it.
pub(super) fn name(text: &str) -> Markup {
    html! { bdi { (clean(text)) } }
}

/// The text in at most so many characters.
pub(super) fn cut(text: &str, most: usize) -> Cow<'_, str> {
    match text.char_indices().nth(most) {
        None => Cow::Borrowed(text),
        Some(_) => {
            let mut kept: String = text.chars().take(most.saturating_sub(1)).collect();
            kept.push('…');
            Cow::Owned(kept)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{clean, cut};

    #[test]
    fn what_would_turn_a_line_around_is_shown_as_its_number() {
        assert_eq!(clean("a\u{202e}gpj\u{200b}\n"), "a\\u{202e}gpj\\u{200b}\\n");
        assert_eq!(clean("größe-日本"), "größe-日本");
    }

    #[test]
    fn a_cut_keeps_whole_characters() {
        assert_eq!(cut("größe", 5), "größe");
        assert_eq!(cut("größer", 5), "größ…");
    }
}
