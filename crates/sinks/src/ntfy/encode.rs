//! From a message to ntfy's JSON. Pure.
//!
//! JSON and not headers: a header carries no line break and, without an encoding that not every version undoes, no
//! letter beyond ASCII. In JSON a title is a title, whatever a machine is called.

use evenkeel_core::Severity;
use serde_json::{Value, json};

use crate::http::Link;
use crate::message::{Message, Tone};

/// A message above 4096 bytes becomes an attachment, or is refused.
const LONGEST: usize = 3800;

pub(super) fn body(message: &Message, topic: &str, link: Option<&Link>) -> Value {
    let marked = message.has_structure();
    let text = if marked { message.markdown() } else { message.text() };
    let mut body = json!({
        "topic": topic,
        "title": message.title,
        "message": cut(text),
        "priority": priority(message),
        "tags": [emoji(message), message.severity.as_str()],
    });
    if marked {
        body["markdown"] = Value::Bool(true);
    }
    if let Some(link) = link {
        body["click"] = Value::String(link.to(message.handle.as_deref()));
    }
    body
}

/// 5 wakes people up. What is over, or sums up, never does.
fn priority(message: &Message) -> u8 {
    match message.tone {
        Tone::Resolved | Tone::Digest => 2,
        Tone::Test => 3,
        Tone::Open | Tone::Reminder | Tone::Notice => match message.severity {
            Severity::Critical => 5,
            Severity::High => 4,
            Severity::Medium => 3,
            Severity::Low => 2,
            Severity::Info => 1,
        },
    }
}

/// Names that ntfy turns into an emoji before the title.
fn emoji(message: &Message) -> &'static str {
    match message.tone {
        Tone::Resolved => "white_check_mark",
        Tone::Reminder => "hourglass_flowing_sand",
        Tone::Digest => "memo",
        Tone::Test => "test_tube",
        Tone::Open | Tone::Notice => match message.severity {
            Severity::Critical => "rotating_light",
            Severity::High => "warning",
            Severity::Medium => "large_orange_diamond",
            Severity::Low | Severity::Info => "information_source",
        },
    }
}

fn cut(mut text: String) -> String {
    if text.len() <= LONGEST {
        return text;
    }
    let end = (0..=LONGEST).rev().find(|&end| text.is_char_boundary(end)).unwrap_or(0);
    text.truncate(end);
    text.push('…');
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{hostile, message, resolved};

    #[test]
    fn a_hostile_name_stays_text() {
        let link = Link::new("https://evenkeel.lan").unwrap();
        insta::assert_json_snapshot!(body(&Message::of(&hostile()), "drift", Some(&link)));
    }

    #[test]
    fn a_recovery_is_quiet() {
        insta::assert_json_snapshot!(body(&Message::of(&resolved()), "drift", None));
    }

    #[test]
    fn severity_becomes_priority() {
        let of = |severity| priority(&Message { severity, ..message(Tone::Open) });
        assert_eq!(Severity::ALL.map(of), [1, 2, 3, 4, 5]);
        assert_eq!(priority(&Message { severity: Severity::Critical, ..message(Tone::Resolved) }), 2);
    }

    #[test]
    fn a_long_text_is_cut_between_letters() {
        let text = cut("é".repeat(3000));
        assert!(text.len() <= LONGEST + 3 && text.ends_with("é…"), "{}", text.len());
    }
}
