//! From an event or a notice to its subject. Pure. The body is what the store kept.

use evenkeel_core::Event;
use evenkeel_core::remediation::Code;

/// Longest token, in characters.
const LONGEST: usize = 128;

/// `<prefix>.<type>.<host>`; what belongs to no host has `_` there.
pub(super) fn subject(prefix: &str, event: &Event) -> String {
    let host = event.hostname.as_ref().map_or("", |host| host.as_str());
    format!("{prefix}.{}.{}", event.event_type.code(), token(host))
}

/// `<prefix>.<code>`: the words are tokens as they are.
pub(super) fn subject_of_notice(prefix: &str, code: Code) -> String {
    format!("{prefix}.{}", code.as_str())
}

/// A name as one token of a subject. A dot would make two of it, `*` and `>` a pattern, a blank two arguments, and what
/// is not ASCII is not everywhere understood: all of these become `_`. The event says the name as it is.
pub(super) fn token(name: &str) -> String {
    let safe = |c: char| if c.is_ascii_alphanumeric() || c == '-' || c == '_' { c } else { '_' };
    let token: String = name.chars().take(LONGEST).map(safe).collect();
    if token.is_empty() { "_".to_owned() } else { token }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::samples::{event, hostile};

    #[test]
    fn the_subject_says_type_and_host() {
        assert_eq!(subject("evenkeel.events", &event()), "evenkeel.events.SERVICE_MISSING.box2-daily");
        let nowhere = Event { hostname: None, ..event() };
        assert_eq!(subject("evenkeel.events", &nowhere), "evenkeel.events.SERVICE_MISSING._");
        assert_eq!(token("box2-media.lan"), "box2-media_lan");
    }

    #[test]
    fn the_subject_of_a_notice_says_what_it_says() {
        for code in Code::ALL {
            let subject = subject_of_notice("evenkeel.notices", code);
            assert_eq!(subject, format!("evenkeel.notices.{}", token(code.as_str())));
        }
    }

    #[test]
    fn a_hostile_name_is_one_token() {
        insta::assert_snapshot!(subject("evenkeel.events", &hostile()));
    }

    proptest! {
        #[test]
        fn any_name_is_one_token_without_wildcards(name in ".*") {
            let token = token(&name);
            prop_assert!(!token.is_empty() && token.len() <= LONGEST);
            prop_assert!(!token.contains(['.', '*', '>', ' ', '\t', '\r', '\n']), "{token}");
        }
    }
}
