//! From an event to a journal entry. Pure. What does not live here: on which object it is written.
//!
//! NetBox shows comments as Markdown, made by Python-Markdown with tables, definition lists, fences and `~~`, and with
//! raw HTML of which pictures and links are left standing. So names are escaped for that dialect: its backslash knows
//! fewer characters than others do, and what it does not know is written as an entity.

use std::fmt::Write as _;

use evenkeel_core::{Event, Severity, Transition};

use crate::http::Link;
use crate::message::{Line, Message};

/// An entry, whatever its object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) kind: &'static str,
    pub(super) comments: String,
}

/// The entry about an event. `id` is its mark: what a repetition is recognised by.
pub(super) fn entry(event: &Event, id: &str, link: Option<&Link>) -> Entry {
    let message = Message::of(event);
    let mut comments = format!("**{}**", escape(&message.title));
    for line in &message.lines {
        let (Line::Heading(text) | Line::Item(text) | Line::Text(text)) = line;
        let _ = write!(comments, "\n\n{}", paragraph(text));
    }
    let handle = &event.handle;
    let handle = match link {
        Some(link) => format!("[{}](<{}>)", escape(handle), link.to(Some(handle))),
        None => escape(handle),
    };
    let _ = write!(
        comments,
        "\n\nDrift {handle}, severity {}, first seen {}.\n\n*evenkeel event {}*",
        event.severity,
        event.first_seen,
        escape(id)
    );
    Entry { kind: kind(event), comments }
}

/// NetBox has four: info, success, warning, danger.
fn kind(event: &Event) -> &'static str {
    match event.transition {
        Transition::Resolved => "success",
        Transition::Opened | Transition::Reopened | Transition::Changed | Transition::Reminder => {
            match event.severity {
                Severity::Critical | Severity::High => "danger",
                Severity::Medium | Severity::Low => "warning",
                Severity::Info => "info",
            }
        }
    }
}

/// Text that begins a paragraph: there, a number, a dash or a colon begins a list.
fn paragraph(text: &str) -> String {
    let escaped = escape(text);
    match escaped.chars().next() {
        Some(first) if first.is_alphabetic() || matches!(first, '\\' | '&') => escaped,
        Some(first) => format!("&#{};{}", u32::from(first), &escaped[first.len_utf8()..]),
        None => escaped,
    }
}

/// Text that is shown as it is.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '(' | ')' | '#' | '!' => {
                escaped.extend(['\\', c])
            }
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '|' | '~' => {
                let _ = write!(escaped, "&#{};", u32::from(c));
            }
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{event, hostile, resolved};

    const ID: &str = "01940000-0000-7000-8000-000000000001";

    #[test]
    fn an_entry_says_what_happened_where_it_is_explained_and_how_it_is_recognised() {
        let link = Link::new("https://evenkeel.lan").unwrap();
        let entry = entry(&event(), ID, Some(&link));
        assert_eq!(entry.kind, "danger");
        insta::assert_snapshot!("an_entry", entry.comments);
        assert!(entry.comments.contains(ID));
    }

    #[test]
    fn a_recovery_is_a_success_and_everything_else_goes_by_its_severity() {
        assert_eq!(entry(&resolved(), ID, None).kind, "success");
        for (severity, kind) in [
            (Severity::Critical, "danger"),
            (Severity::High, "danger"),
            (Severity::Medium, "warning"),
            (Severity::Low, "warning"),
            (Severity::Info, "info"),
        ] {
            assert_eq!(entry(&Event { severity, ..event() }, ID, None).kind, kind);
        }
    }

    #[test]
    fn a_hostile_name_stays_text() {
        let comments = entry(&hostile(), ID, None).comments;
        insta::assert_snapshot!("a_hostile_name_stays_text", comments);
        assert!(!comments.contains(['<', '\u{0}', '\u{202e}']), "{comments}");
    }

    #[test]
    fn a_sentence_never_begins_a_list() {
        assert_eq!(paragraph("1. first"), "&#49;. first");
        assert_eq!(paragraph("- item"), "&#45; item");
        assert_eq!(paragraph(": definition"), "&#58; definition");
        assert_eq!(paragraph("# head"), "\\# head");
        assert_eq!(paragraph("Expected"), "Expected");
        assert_eq!(paragraph("é"), "é");
    }
}
