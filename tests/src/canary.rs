//! Canaries: texts that stand where secrets stand, each of which is looked for in whatever was written, in the forms that
//! secrets travel in. What does not live here: where they are planted, and what was written.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};

/// Bytes of a form that are shorter than this would be found by accident.
const SHORTEST: usize = 8;

/// What was planted.
#[derive(Debug, Default)]
pub struct Canaries(Vec<(String, Vec<Vec<u8>>)>);

impl Canaries {
    /// One more: what it is, and its text.
    pub fn plant(&mut self, name: &str, text: &str) {
        assert!(text.len() >= SHORTEST, "{name} is too short to be told apart");
        self.0.push((name.to_owned(), forms(text)));
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Which of them stand in these bytes, each with what stands around it.
    pub fn found_in(&self, bytes: &[u8]) -> Vec<String> {
        // Logs at their loudest are tens of megabytes: only where two bytes could begin a form is more compared.
        let mut begins = vec![false; 1 << 16];
        let at = |first: u8, second: u8| usize::from(first) << 8 | usize::from(second);
        for form in self.0.iter().flat_map(|(_, forms)| forms) {
            begins[at(form[0], form[1])] = true;
        }
        let mut found = Vec::new();
        for (place, pair) in bytes.windows(2).enumerate() {
            if !begins[at(pair[0], pair[1])] {
                continue;
            }
            for (name, forms) in &self.0 {
                if forms.iter().any(|form| bytes[place..].starts_with(form)) {
                    let around = &bytes[place.saturating_sub(160)..bytes.len().min(place + 120)];
                    found.push(format!("{name}: … {} …", String::from_utf8_lossy(around)));
                }
            }
        }
        found
    }
}

/// As it is, in hexadecimal, percent-encoded, and in base64 wherever in a longer text it may stand.
fn forms(text: &str) -> Vec<Vec<u8>> {
    let bytes = text.as_bytes();
    let each = |form: fn(u8) -> String| bytes.iter().map(|byte| form(*byte)).collect::<String>();
    let reserved = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    let mut forms = vec![
        text.to_owned(),
        text.replace(' ', "+"),
        each(|byte| format!("{byte:02x}")),
        each(|byte| format!("{byte:02X}")),
        each(|byte| format!("%{byte:02x}")),
        each(|byte| format!("%{byte:02X}")),
        each(reserved),
        text.escape_debug().to_string(),
    ];
    for before in 0..3 {
        for engine in [&STANDARD, &URL_SAFE] {
            let padded = engine.encode([&vec![0; before], bytes].concat());
            // The first and last characters depend on what stands beside it.
            let inner = (before * 8).div_ceil(6)..(before + bytes.len()) * 8 / 6;
            forms.push(padded[inner].to_owned());
        }
    }
    forms.sort_unstable();
    forms.dedup();
    forms.into_iter().map(String::into_bytes).filter(|form| form.len() >= SHORTEST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_canary_is_found_in_every_form_it_travels_in() {
        let mut canaries = Canaries::default();
        canaries.plant("the password", "correct horse/42?");
        let basic = STANDARD.encode("grace:correct horse/42?");
        let other = URL_SAFE.encode("x: correct horse/42? and more");
        for text in [
            "Debug(\"correct horse/42?\")",
            "name=grace&password=correct+horse/42?",
            "password=correct%20horse%2F42%3F",
            "636f727265637420686f7273652f34323f",
            basic.as_str(),
            other.as_str(),
        ] {
            assert_eq!(canaries.found_in(text.as_bytes()).len(), 1, "{text}");
        }
        for text in ["correct horse", "Y29ycmVjdA==", ""] {
            assert!(canaries.found_in(text.as_bytes()).is_empty(), "{text}");
        }
    }
}
