//! `[heartbeat]`: who is told again and again that all is well. What does not live here: when it is.

use std::time::Duration;

use evenkeel_sinks::webhook::Config as WebhookConfig;

use super::key::{Key, Section};
use super::sinks::{shared, webhook};
use super::table::Table;
use super::trust::CA_FILE;
use super::value::some_time;

/// Who is told that all is well, and how often.
#[derive(Clone, Debug)]
pub struct HeartbeatConfig {
    /// Where it is posted.
    pub webhook: WebhookConfig,
    /// How often.
    pub every: Duration,
    /// An event that has waited this long for its sink ends it.
    pub undelivered_after: Duration,
}

const URL: Key = Key::required(
    "url",
    "address or secret",
    "Where to post: the address of a check at Healthchecks, Uptime Kuma or the like. Its path is a secret.",
);
const EVERY: Key = Key::with_default(
    "every",
    "duration",
    "\"1m\"",
    "How often. The one who listens should wait for three of them before it raises an alarm.",
);
const UNDELIVERED_AFTER: Key = Key::with_default(
    "undelivered_after",
    "duration",
    "\"1h\"",
    "No sign of life is given while an event has waited this long for a sink. Sinks that speak to people do not count: \
     they have hours of their own.",
);

/// `[heartbeat]`.
pub(super) const SECTION: Section = Section {
    header: "[heartbeat]",
    doc: "A sign of life to somebody outside, who raises the alarm when it stays away (a dead man's switch): it is given as \
          long as sources are asked, what is found can be kept, and events arrive. Without this table none is given.",
    keys: &[
        &URL,
        &EVERY,
        &UNDELIVERED_AFTER,
        &webhook::SECRETS,
        &shared::HEADER,
        &webhook::SUCCESS,
        &shared::TIMEOUT,
        &CA_FILE,
        &shared::ALLOW_LINK_LOCAL,
    ],
    inherits: &[],
};

/// Reads the table.
pub(super) fn read(table: &Table<'_>) -> Option<HeartbeatConfig> {
    let every = table.checked(&EVERY, some_time);
    let undelivered_after = table.checked(&UNDELIVERED_AFTER, some_time);
    let webhook = webhook::read_in(table, Some("heartbeat"), &SECTION, &webhook::SUCCESS);
    Some(HeartbeatConfig { webhook: webhook?, every: every?, undelivered_after: undelivered_after? })
}
