//! What sinks of several kinds read: addresses, logins, headers, links, and how mistakes find their key.

use std::time::Duration;

use evenkeel_core::Secret;
use evenkeel_sinks::http::{DEFAULT_TIMEOUT, Link, Login};

use super::super::key::{Key, Section};
use super::super::table::{Table, Value};
use super::super::value::Read;

pub(in super::super) const TIMEOUT: Key = Key::with_default(
    "timeout",
    "duration",
    "\"15s\"",
    "How long the whole exchange may take; 60 s at most.",
);
pub(in super::super) const ALLOW_LINK_LOCAL: Key = Key::with_default(
    "allow_link_local",
    "true or false",
    "false",
    "Allow link-local and cloud metadata addresses.",
);
pub(in super::super) const HEADER: Key = Key::optional(
    "header",
    "table",
    "none",
    "A header that is sent along, for receivers that compare one (n8n's \"Header Auth\"): \
     `{ name = \"X-Token\", value = { env = \"NAME\" } }`.",
);
pub(super) const CLICK: Key = Key::optional(
    "click",
    "address",
    "no link is sent",
    "Where people reach evenkeel. `{handle}` in it becomes the drift's handle; without it `/drifts/HANDLE` is \
     added.",
);
pub(super) const TOKEN: Key = Key::optional("token", "secret", "no token is shown", "An access token.");
pub(super) const USER: Key =
    Key::optional("user", "text", "no user is named", "A user, in place of a token. Needs `password`.");
pub(super) const PASSWORD: Key =
    Key::optional("password", "secret", "no user is named", "The user's password.");

const HEADER_NAME: Key = Key::required("name", "text", "The header's name.");
const HEADER_VALUE: Key = Key::required("value", "secret", "Its value.");

/// `header = { … }`.
pub(in super::super) const HEADER_SECTION: Section = Section {
    header: "[sink.header]",
    doc: "A header that is sent with every delivery.",
    keys: &[&HEADER_NAME, &HEADER_VALUE],
    inherits: &[],
};

/// What can be sent to: an address in the file, or one that is a secret.
pub(super) struct Address(pub(super) Secret);

impl Read for Address {
    fn read(value: &Value<'_>) -> Option<Self> {
        match value.as_str() {
            Some(_) => String::read(value).map(Secret::new).map(Self),
            None => Secret::read(value).map(Self),
        }
    }
}

impl Read for Link {
    fn read(value: &Value<'_>) -> Option<Self> {
        match Self::new(&String::read(value)?) {
            Ok(link) => Some(link),
            Err(why) => value.wrong(why),
        }
    }
}

/// The header to send along, where one is written and right.
pub(super) fn header(table: &Table<'_>) -> Option<(String, Secret)> {
    if !table.has(&HEADER) {
        return None;
    }
    let header = table.table(&HEADER, &HEADER_SECTION);
    let (name, value) = (header.get(&HEADER_NAME), header.get(&HEADER_VALUE));
    Some((name?, value?))
}

/// A token, or a user and a password; what is half written or written twice is noted.
pub(super) fn login(table: &Table<'_>) -> Login {
    let (token, user, password) = (table.get(&TOKEN), table.get::<String>(&USER), table.get(&PASSWORD));
    if table.has(&TOKEN) && (table.has(&USER) || table.has(&PASSWORD)) {
        table.wrong(&TOKEN, "stands beside user or password; one of the two is enough");
    } else if table.has(&USER) && !table.has(&PASSWORD) {
        table.wrong(&USER, "needs a password; add password");
    } else if table.has(&PASSWORD) && !table.has(&USER) {
        table.wrong(&PASSWORD, "needs the name it belongs to; add user");
    }
    match (token, user, password) {
        (Some(token), _, _) => Login::Token(token),
        (None, Some(name), Some(password)) => Login::User { name, password },
        (None, Some(_) | None, Some(_) | None) => Login::Anonymous,
    }
}

/// The timeout; one that is wrong is noted already.
pub(super) fn timeout(table: &Table<'_>) -> Duration {
    table.get(&TIMEOUT).unwrap_or(DEFAULT_TIMEOUT)
}

/// Notes mistakes that a sink found in its settings, each at its key.
pub(super) fn report(
    table: &Table<'_>,
    section: &Section,
    problems: impl IntoIterator<Item = (&'static str, String)>,
) {
    for (path, why) in problems {
        match section.all().chain([&super::NAME]).find(|key| key.name == path) {
            Some(key) => table.wrong(key, why),
            None => table.reader().error(table.place(), format!("{path}: {why}")),
        }
    }
}

/// What a sink made of its settings; mistakes are noted at their keys.
pub(super) fn checked<T>(
    table: &Table<'_>,
    section: &Section,
    made: Result<T, Vec<evenkeel_sinks::http::Problem>>,
) -> Option<T> {
    match made {
        Ok(config) => Some(config),
        Err(problems) => {
            report(table, section, problems.into_iter().map(|problem| (problem.path, problem.why)));
            None
        }
    }
}
