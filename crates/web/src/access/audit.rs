//! What the journal has about who came and went. Not here: what they did meanwhile; whoever does it notes it.

use std::net::IpAddr;

use evenkeel_store::{JournalKind, JournalRow};
use jiff::Timestamp;
use serde_json::{Value, json};

/// Whoever has no name.
const NOBODY: &str = "anonymous";

/// Somebody logged in.
pub(super) fn came(name: &str, from: Option<IpAddr>, now: Timestamp) -> JournalRow {
    row(name, now, format!("{name} logged in{}.", at(from)), json!({ "what": "login", "from": from }))
}

/// Somebody did not get in. What they called themselves is told only where somebody is called so: it may be a password in
/// the wrong field.
pub(super) fn failed(name: Option<&str>, from: Option<IpAddr>, unsaid: u64, now: Timestamp) -> JournalRow {
    let who =
        name.map_or_else(|| "Somebody with an unknown name".to_owned(), |name| format!("Somebody as {name}"));
    let more = if unsaid == 0 { String::new() } else { format!(" Before that, {unsaid} more did not.") };
    let text = format!("{who} did not get in{}.{more}", at(from));
    let data = json!({ "what": "login_failed", "name": name, "from": from, "more": unsaid });
    row(NOBODY, now, text, data)
}

/// Somebody logged out.
pub(super) fn left(name: &str, now: Timestamp) -> JournalRow {
    row(name, now, format!("{name} logged out."), json!({ "what": "logout" }))
}

/// A session ended by itself.
pub(super) fn over(name: &str, why: &str, now: Timestamp) -> JournalRow {
    row(
        name,
        now,
        format!("A session of {name} ended: {why}."),
        json!({ "what": "session_ended", "why": why }),
    )
}

fn at(from: Option<IpAddr>) -> String {
    from.map_or_else(String::new, |from| format!(" from {from}"))
}

fn row(actor: &str, at: Timestamp, text: String, data: Value) -> JournalRow {
    JournalRow {
        kind: JournalKind::Action,
        at,
        subject: None,
        event: None,
        drift_key: None,
        actor: actor.to_owned(),
        text,
        data,
    }
}
