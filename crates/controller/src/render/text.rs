//! Small things about text: making it harmless, measuring it, cutting it, colouring it, saying ages and numbers.

use std::borrow::Cow;
use std::fmt::Write;

use anstyle::{AnsiColor, Color, Style};
use evenkeel_core::Severity;
use jiff::Timestamp;
use unicode_width::UnicodeWidthStr;

/// The text without anything a terminal could take for an order or a reader for another text: control characters (C0
/// and C1), line and paragraph separators, characters that turn the direction of writing or show nothing at all. Each
/// is shown as `\u{…}`.
pub fn clean(text: &str) -> Cow<'_, str> {
    if !text.contains(is_harmful) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if is_harmful(c) { out.extend(c.escape_default()) } else { out.push(c) }
    }
    Cow::Owned(out)
}

/// Whether a character is shown as its number.
pub fn is_harmful(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{00ad}' | '\u{061c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{fffe}' | '\u{ffff}'
            | '\u{e0000}'..='\u{e007f}')
}

/// How many columns the text takes.
pub fn width(text: &str) -> usize {
    text.width()
}

/// The text in exactly this many columns: cut with `…` at its end, or filled with spaces.
pub fn fit(text: &str, columns: usize) -> String {
    let mut out = cut(text, columns);
    out.extend(std::iter::repeat_n(' ', columns.saturating_sub(width(&out))));
    out
}

/// The text in at most this many columns; where it is longer, it ends in `…`.
pub fn cut(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let mut out = String::new();
    let mut used = 0;
    for c in text.chars() {
        let mut utf8 = [0; 4];
        let wide = width(c.encode_utf8(&mut utf8));
        if used + wide + 1 > columns {
            break;
        }
        used += wide;
        out.push(c);
    }
    if columns > 0 {
        out.push('…');
    }
    out
}

/// The words of a text in lines of at most this many columns. A word that is longer has its line to itself and is not cut:
/// it may be a fingerprint somebody wants to copy.
pub fn wrap(text: &str, columns: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        match lines.last_mut() {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) if width(line) + 1 + width(word) <= columns => {
                line.push(' ');
                line.push_str(word);
            }
            Some(_) | None => lines.push(word.to_owned()),
        }
    }
    lines
}

/// Parts with ` · ` between them, in lines of at most this many columns that break between parts where they can.
pub fn parts(parts: &[String], columns: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for part in parts {
        match lines.last_mut() {
            Some(line) if width(line) + 3 + width(part) <= columns => {
                line.push_str(" · ");
                line.push_str(part);
            }
            Some(_) | None => lines.extend(wrap(part, columns)),
        }
    }
    lines
}

/// The text in a style.
pub fn styled(style: Style, text: &str) -> String {
    if text.is_empty() { String::new() } else { format!("{style}{text}{style:#}") }
}

/// Bold.
pub const BOLD: Style = Style::new().bold();
/// For what is worth little attention.
pub const DIM: Style = Style::new().dimmed();
/// For what nobody can see: louder than any drift.
pub const BLIND: Style = Style::new()
    .fg_color(Some(Color::Ansi(AnsiColor::Black)))
    .bg_color(Some(Color::Ansi(AnsiColor::Magenta)))
    .bold();
/// For what is well.
pub const GOOD: Style = Style::new().fg_color(Some(Color::Ansi(AnsiColor::Green))).bold();
/// For what needs a look.
pub const WARN: Style = Style::new().fg_color(Some(Color::Ansi(AnsiColor::Yellow))).bold();
/// For what failed.
pub const BAD: Style = Style::new().fg_color(Some(Color::Ansi(AnsiColor::Red))).bold();

/// The colour of a severity.
pub fn of_severity(severity: Severity) -> Style {
    match severity {
        Severity::Critical => AnsiColor::White.on(AnsiColor::Red).bold(),
        Severity::High => BAD,
        Severity::Medium => WARN,
        Severity::Low => AnsiColor::Cyan.on_default(),
        Severity::Info => DIM,
    }
}

/// How long ago, in the largest unit that gives at least one: `45 s`, `6 min`, `3 h`, `2 d`.
pub fn age(then: Timestamp, now: Timestamp) -> String {
    let seconds = now.duration_since(then).as_secs().max(0);
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min", seconds / 60),
        3_600..86_400 => format!("{} h", seconds / 3_600),
        _ => format!("{} d", seconds / 86_400),
    }
}

/// A moment as people read it, in UTC: `2026-11-21 04:10:00Z`.
pub fn moment(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%SZ").to_string()
}

/// `1 drift`, `3 drifts`.
pub fn count(n: usize, one: &str, several: &str) -> String {
    if n == 1 { format!("1 {one}") } else { format!("{n} {several}") }
}

/// A share in per cent, rounded down so that 100 % means all; nothing at all counts as all.
pub fn percent(part: usize, whole: usize) -> usize {
    (part * 100).checked_div(whole).unwrap_or(100)
}

/// Text with everything escaped that XML gives a meaning to. What XML forbids altogether is shown as its number.
pub fn xml(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in clean(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            c => out.push(c),
        }
    }
    out
}

/// Text with everything escaped that Markdown or HTML gives a meaning to.
pub fn md(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in clean(text).chars() {
        if matches!(c, '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '#' | '~' | '!' | '&' | '@') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// A JSON text in which nothing is left that a terminal could take for an order: what JSON may leave as it is (DEL, C1,
/// characters that turn the direction of writing) is written as `\u…`. Outside of its strings JSON has none of these.
pub fn harmless_json(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        if c != '\n' && is_harmful(c) {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                // Writing to a String cannot fail.
                let _ = write!(out, "\\u{unit:04x}");
            }
        } else {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_escape_sequence_in_a_name_is_shown_as_text() {
        assert_eq!(
            clean("evil\u{1b}[2J\u{9b}31m\r\n\u{202e}gpj"),
            "evil\\u{1b}[2J\\u{9b}31m\\r\\n\\u{202e}gpj"
        );
        assert_eq!(clean("größe-日本"), "größe-日本");
    }

    #[test]
    fn wide_characters_count_as_two_columns_when_cut() {
        assert_eq!(cut("日本語サーバー", 7), "日本語…");
        assert_eq!(fit("日本", 6), "日本  ");
        assert_eq!(cut("sonarr", 6), "sonarr");
        assert_eq!(cut("sonarr", 4), "son…");
        assert_eq!(cut("sonarr", 0), "");
    }

    #[test]
    fn an_age_is_said_in_its_largest_unit() {
        let now: Timestamp = "2026-06-02T12:00:00Z".parse().unwrap();
        for (then, said) in [
            ("2026-06-02T11:59:15Z", "45 s"),
            ("2026-06-02T11:54:00Z", "6 min"),
            ("2026-06-02T09:00:00Z", "3 h"),
            ("2026-05-31T12:00:00Z", "2 d"),
            ("2026-06-02T12:00:05Z", "0 s"),
        ] {
            assert_eq!(age(then.parse().unwrap(), now), said);
        }
    }

    #[test]
    fn nearly_all_is_not_all() {
        assert_eq!((percent(999, 1000), percent(0, 0), percent(21, 23)), (99, 100, 91));
    }

    proptest! {
        #[test]
        fn nothing_harmful_is_left_in_any_form(text in any::<String>()) {
            for shown in [clean(&text).into_owned(), xml(&text), md(&text), cut(&clean(&text), 10)] {
                prop_assert!(!shown.contains(is_harmful));
            }
            let json = harmless_json(&serde_json::to_string(&text).unwrap());
            prop_assert!(!json.contains(is_harmful));
            prop_assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
        }

        #[test]
        fn a_text_that_is_fitted_takes_exactly_its_columns(text in "\\PC*", columns in 1usize..40) {
            let text = clean(&text);
            prop_assert!(width(&cut(&text, columns)) <= columns);
        }
    }
}
