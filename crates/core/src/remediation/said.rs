//! Text that came from outside (a workflow's output, a person's reason): bounded, and without what looks like a secret.
//! What does not live here: what is known to be a secret from the configuration; the caller passes that.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::secret::Secret;

/// How many bytes of an output are kept.
const OUTPUT: usize = 4096;
/// How many bytes of a line are kept.
const LINE: usize = 240;
/// What stands in place of what must not be shown.
const MASK: &str = "***";

/// Words that announce a secret. What stands behind one and a `=` or `:` is masked up to the end of the line or a mark
/// that ends a value; too much rather than too little.
const SENSITIVE: &[&str] = &[
    "password",
    "passwd",
    "passphrase",
    "pwd",
    "secret",
    "token",
    "api_key",
    "api-key",
    "apikey",
    "private_key",
    "private-key",
    "credential",
    "authorization",
    "cookie",
];

/// What a workflow said about its work. Kept and shown, so it is bounded and redacted when it is made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Output(Arc<str>);

impl Output {
    /// Takes the text without `secrets`, without what looks like one, and without control characters.
    pub fn new(text: &str, secrets: &[Secret]) -> Self {
        let mut text = text.to_owned();
        for secret in secrets.iter().map(Secret::expose).filter(|secret| !secret.is_empty()) {
            text = text.replace(secret, MASK);
        }
        let text: String = without_keys(&text).lines().map(redacted).collect::<Vec<_>>().join("\n");
        let clean: String = text.chars().map(|c| if c.is_control() && c != '\n' { ' ' } else { c }).collect();
        Self(Arc::from(bounded(clean.trim(), OUTPUT)))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One line a person or a machine wrote: who, why. Bounded, redacted, without control characters.
pub fn line(text: &str) -> Arc<str> {
    let words: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    Arc::from(bounded(redacted(&without_keys(&words)).trim(), LINE))
}

fn bounded(text: &str, most: usize) -> String {
    if text.len() <= most {
        return text.to_owned();
    }
    let mark = "…";
    let end = (0..=most - mark.len()).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    format!("{}{mark}", &text[..end])
}

/// Drops blocks like `-----BEGIN PRIVATE KEY-----`, to their end or to the end of the text.
fn without_keys(text: &str) -> String {
    let (begin, end) = ("-----BEGIN", "-----END");
    let mut rest = text;
    let mut kept = String::new();
    while let Some((before, block)) = rest.split_once(begin) {
        kept.push_str(before);
        kept.push_str(MASK);
        rest = match block.split_once(end) {
            Some((_, after)) => after.split_once("-----").map_or("", |(_, after)| after),
            None => "",
        };
    }
    kept.push_str(rest);
    kept
}

/// One line without what looks like a secret.
fn redacted(line: &str) -> String {
    let line = without_userinfo(line);
    let lower = line.to_ascii_lowercase();
    let mut kept = String::new();
    let mut at = 0;
    while let Some((start, end)) = next_value(&lower, at) {
        kept.push_str(&line[at..start]);
        kept.push_str(MASK);
        at = end;
    }
    kept.push_str(&line[at..]);
    kept
}

/// Where the next value that must not be shown begins and ends. `lower` has the same bytes as the line, in lower case.
fn next_value(lower: &str, from: usize) -> Option<(usize, usize)> {
    let named =
        SENSITIVE.iter().flat_map(|word| lower[from..].match_indices(word)).filter_map(|(at, word)| {
            let after = &lower[from + at + word.len()..];
            let name = after.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || "_-".contains(c));
            let name = name.trim_start_matches(['"', '\'', '\\']).trim_start();
            let value = name.strip_prefix(['=', ':'])?;
            Some(lower.len() - value.len())
        });
    let bearer = ["bearer ", "basic "].into_iter().flat_map(|word| lower[from..].match_indices(word));
    let bearer = bearer.map(|(at, word)| from + at + word.len());
    let value = named.chain(bearer).filter(|start| *start < lower.len()).min()?;
    let start = lower.len() - lower[value..].trim_start_matches([' ', '\t', '"', '\'', '\\']).len();
    let length = lower[start..].find(['"', '\'', ',', ';', '&', '}', ')']).unwrap_or(lower.len() - start);
    (start < lower.len()).then_some((start, (start + length).max(value)))
}

/// `scheme://user:password@host` without user and password.
fn without_userinfo(line: &str) -> String {
    let mut kept = String::new();
    let mut rest = line;
    while let Some((before, after)) = rest.split_once("://") {
        kept.push_str(before);
        kept.push_str("://");
        let end = after.find(|c: char| c.is_whitespace() || "/?#\"'".contains(c)).unwrap_or(after.len());
        match after[..end].rfind('@') {
            Some(at) => {
                kept.push_str(MASK);
                rest = &after[at..];
            }
            None => rest = after,
        }
    }
    kept.push_str(rest);
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_like_a_secret_is_not_kept() {
        for text in [
            "password=hunter2",
            "DB_PASSWORD: hunter2",
            r#"{"api_key":"hunter2","ok":true}"#,
            "Authorization: Bearer hunter2",
            "curl -H 'X-Auth-Token: hunter2'",
            "got bearer hunter2 from it",
            "postgres://admin:hunter2@db/x",
            "https://h/x?access_token=hunter2&y=1",
            "-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----",
            "-----BEGIN PRIVATE KEY-----\nhunter2",
            "secret = hunter2\nsecond line",
            "a token= \"hunter2\" b",
        ] {
            let kept = Output::new(text, &[]);
            assert!(!kept.as_str().contains("hunter2"), "{text} → {kept}");
            assert!(!line(text).contains("hunter2"), "{text} → {}", line(text));
        }
        let known =
            Output::new("it said hunter2, twice: hunter2", &[Secret::new("hunter2"), Secret::new("")]);
        assert_eq!(known.as_str(), "it said ***, twice: ***");
    }

    #[test]
    fn what_is_no_secret_is_kept() {
        for text in
            ["container sonarr restarted in 3 s", "exit 1\nno such container: sonarr", "a token was sent"]
        {
            assert_eq!(Output::new(text, &[]).as_str(), text);
        }
        assert_eq!(Output::new(r#"{"token":"x","ok":true}"#, &[]).as_str(), r#"{"token":"***","ok":true}"#);
    }

    #[test]
    fn long_text_is_cut_between_characters() {
        let kept = Output::new(&"ü".repeat(OUTPUT), &[]);
        assert!(kept.as_str().len() <= OUTPUT && kept.as_str().ends_with("ü…"));
        assert!(line(&"x".repeat(1000)).len() <= LINE);
        assert_eq!(&*line("one\ntwo\u{1b}[31m"), "one two [31m");
    }
}
