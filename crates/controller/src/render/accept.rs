//! Accepting one drift until a date, as a rule for the configuration. Not here: what else can be done about it, which is
//! said in the words of the pages (`evenkeel_web::advice`).

use evenkeel_core::ledger::Entry;
use jiff::{SignedDuration, Timestamp};

use super::text::is_harmful;

/// How long the proposed ignore rule lasts.
const ACCEPT_DAYS: i64 = 30;

/// A rule that accepts this drift for a while, as TOML for the configuration.
pub fn ignore_rule(entry: &Entry, now: Timestamp) -> String {
    let subject = match entry.id.subject.host() {
        Some(host) => host.to_string(),
        // As a matcher has it: `netbox/main`.
        None => entry.id.subject.to_string().trim_start_matches("source:").to_owned(),
    };
    let name = match &entry.id.service {
        Some(service) => format!("{} {service} on {subject}", entry.id.event_type),
        None => format!("{} on {subject}", entry.id.event_type),
    };
    let until = now.checked_add(SignedDuration::from_hours(24 * ACCEPT_DAYS)).unwrap_or(now);
    let mut rule =
        format!("[[ignore]]\nname = {}\nreason = \"say why this is accepted\"\n", toml_text(&name));
    rule.push_str(&format!("types = [\"{}\"]\nhosts = [{}]\n", entry.id.event_type, toml_text(&subject)));
    if let Some(service) = &entry.id.service {
        rule.push_str(&format!("services = [{}]\n", toml_text(service.as_str())));
    }
    if entry.id.field.is_some() {
        rule.push_str(&format!(
            "# It holds for every {} there, whatever the attribute.\n",
            entry.id.event_type
        ));
    }
    rule.push_str(&format!("expires = {}\n", until.strftime("%Y-%m-%d")));
    rule
}

/// A basic string of TOML; what must not reach a terminal is written as its number.
fn toml_text(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            c if is_harmful(c) => out.push_str(&format!("\\U{:08x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
