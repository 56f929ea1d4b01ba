//! `[[sink]]` of kind `alertmanager`.

use std::collections::BTreeMap;

use evenkeel_core::Secret;
use evenkeel_sinks::alertmanager::{Config, DEFAULT_REPEAT, Settings};

use super::super::key::{Key, Section};
use super::super::table::Table;
use super::super::trust::{CA_FILE, CLIENT_CERT, CLIENT_KEY, PIN};
use super::super::value::Read as _;
use super::shared::{
    ALLOW_LINK_LOCAL, Address, CLICK, PASSWORD, TIMEOUT, TOKEN, USER, checked, login, timeout,
};

pub(super) const URLS: Key = Key::required(
    "urls",
    "list of addresses or secrets",
    "The servers, without `/api/v2`. All servers of a cluster belong here: each is told, and one that takes it is \
     enough.",
);
pub(super) const LABELS: Key =
    Key::optional("labels", "table", "none", "Labels that every alert carries: `{ team = \"ops\" }`.");
pub(super) const REPEAT: Key = Key::with_default(
    "repeat",
    "duration",
    "\"1m\"",
    "How often what is open is told again. An alert that is not repeated ends after four times as long.",
);

pub(in super::super) const SECTION: Section = Section {
    header: "[[sink]] kind = \"alertmanager\"",
    doc: "Prometheus' Alertmanager (API v2). A drift is an alert that is told when it opens, repeated while it is open, \
          and ended when it resolves. Its labels are `alertname` (the event type), `host`, `service`, `severity`, \
          `handle`, and yours.",
    keys: &[
        &URLS,
        &LABELS,
        &REPEAT,
        &TOKEN,
        &USER,
        &PASSWORD,
        &CLICK,
        &TIMEOUT,
        &CA_FILE,
        &PIN,
        &CLIENT_CERT,
        &CLIENT_KEY,
        &ALLOW_LINK_LOCAL,
    ],
    inherits: &[],
};

/// Reads the keys of this kind.
pub(super) fn read(table: &Table<'_>, name: Option<&str>) -> Option<Config> {
    let urls: Option<Vec<Address>> = table.get(&URLS);
    let usable = urls.is_some();
    let stand_in = || vec![Address(Secret::new("https://example.invalid/"))];
    let mut labels = BTreeMap::new();
    for (label, value) in table.entries(&LABELS) {
        if let Some(text) = String::read(&value) {
            labels.insert(label, text);
        }
    }
    let settings = Settings {
        name: name.unwrap_or("?").to_owned(),
        urls: urls.unwrap_or_else(stand_in).into_iter().map(|Address(url)| url).collect(),
        login: login(table),
        click: table.get(&CLICK),
        labels,
        repeat: table.get(&REPEAT).unwrap_or(DEFAULT_REPEAT),
        timeout: timeout(table),
        allow_link_local: table.get(&ALLOW_LINK_LOCAL).unwrap_or_default(),
    };
    checked(table, &SECTION, Config::new(settings)).filter(|_| usable)
}
