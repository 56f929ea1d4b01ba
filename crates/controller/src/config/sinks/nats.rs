//! `[[sink]]` of kind `nats`.

use evenkeel_core::Secret;
use evenkeel_sinks::http;
use evenkeel_sinks::nats::{Config, DEFAULT_NOTICES, DEFAULT_STREAM, DEFAULT_SUBJECT, Login, Settings};

use super::super::key::{Key, Section};
use super::super::table::Table;
use super::super::trust::{CA_FILE, CLIENT_CERT, CLIENT_KEY, PIN};
use super::shared::{PASSWORD, TIMEOUT, TOKEN, USER, checked, login, timeout};

pub(super) const SERVERS: Key = Key::required(
    "servers",
    "list of addresses",
    "The servers of one cluster: `nats://host:4222`, or `tls://host:4222` where TLS is to be insisted on.",
);
pub(super) const SUBJECT: Key = Key::with_default(
    "subject",
    "text",
    "\"evenkeel.events\"",
    "What is published below: `<subject>.<event type>.<host>`; what a subject cannot carry becomes `_`.",
);
pub(super) const NOTICES_SUBJECT: Key = Key::with_default(
    "notices_subject",
    "text",
    "\"evenkeel.notices\"",
    "What notices are published below, if it takes any: `<notices_subject>.<code>`.",
);
pub(super) const CREDENTIALS: Key = Key::optional(
    "credentials",
    "secret",
    "no credentials are shown",
    "The content of a `.creds` file: `{ file = \"/run/secrets/evenkeel.creds\" }`.",
);
pub(super) const CREATE_STREAM: Key = Key::with_default(
    "create_stream",
    "true or false",
    "false",
    "Make the stream where none takes the subject. It keeps events for 30 days.",
);
pub(super) const STREAM: Key =
    Key::with_default("stream", "text", "\"EVENKEEL\"", "What the stream is called if evenkeel makes it.");

pub(in super::super) const SECTION: Section = Section {
    header: "[[sink]] kind = \"nats\"",
    doc: "NATS JetStream: the event or notice in its canonical form, with its id as `Nats-Msg-Id`. Delivered is what the \
          stream acknowledged.",
    keys: &[
        &SERVERS,
        &SUBJECT,
        &NOTICES_SUBJECT,
        &CREATE_STREAM,
        &STREAM,
        &TOKEN,
        &USER,
        &PASSWORD,
        &CREDENTIALS,
        &TIMEOUT,
        &CA_FILE,
        &PIN,
        &CLIENT_CERT,
        &CLIENT_KEY,
    ],
    inherits: &[],
};

/// Reads the keys of this kind; `notices`: whether it takes any.
pub(super) fn read(table: &Table<'_>, name: Option<&str>, notices: bool) -> Option<Config> {
    let servers: Option<Vec<String>> = table.get(&SERVERS);
    let usable = servers.is_some();
    let credentials: Option<Secret> = table.get(&CREDENTIALS);
    if table.has(&CREDENTIALS) && [&TOKEN, &USER, &PASSWORD].into_iter().any(|key| table.has(key)) {
        table.wrong(&CREDENTIALS, "stand beside another login; one of them is enough");
    }
    let login = match (credentials, login(table)) {
        (Some(credentials), _) => Login::Credentials(credentials),
        (None, http::Login::Anonymous) => Login::Anonymous,
        (None, http::Login::Token(token)) => Login::Token(token),
        (None, http::Login::User { name, password }) => Login::User { name, password },
    };
    if table.has(&NOTICES_SUBJECT) && !notices {
        table.wrong(&NOTICES_SUBJECT, "has no use without notices = true");
    }
    let below: Option<String> = table.get(&NOTICES_SUBJECT);
    let create = table.get(&CREATE_STREAM).unwrap_or(false);
    let stream: Option<String> = table.get(&STREAM);
    let settings = Settings {
        name: name.unwrap_or("?").to_owned(),
        servers: servers.unwrap_or_else(|| vec!["nats://example.invalid".to_owned()]),
        subject: table.get(&SUBJECT).unwrap_or_else(|| DEFAULT_SUBJECT.to_owned()),
        notices: notices.then(|| below.unwrap_or_else(|| DEFAULT_NOTICES.to_owned())),
        create_stream: create.then(|| stream.unwrap_or_else(|| DEFAULT_STREAM.to_owned())),
        login,
        timeout: timeout(table),
    };
    checked(table, &SECTION, Config::new(settings)).filter(|_| usable)
}
