//! `[[sink]]` of kind `ntfy`.

use evenkeel_core::Secret;
use evenkeel_sinks::ntfy::{Config, Settings};

use super::super::key::{Key, Section};
use super::super::table::Table;
use super::super::trust::{CA_FILE, CLIENT_CERT, CLIENT_KEY, PIN};
use super::shared::{
    ALLOW_LINK_LOCAL, Address, CLICK, PASSWORD, TIMEOUT, TOKEN, USER, checked, login, timeout,
};

pub(super) const URL: Key =
    Key::required("url", "address or secret", "The server, without the topic: `https://ntfy.sh`.");
pub(super) const TOPIC: Key = Key::required(
    "topic",
    "text or secret",
    "The topic. On a server that anybody may read it is as good as a password.",
);

pub(in super::super) const SECTION: Section = Section {
    header: "[[sink]] kind = \"ntfy\"",
    doc: "Push messages on a phone. The severity becomes the priority (critical is 5); a recovery comes with a low one.",
    keys: &[
        &URL,
        &TOPIC,
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
    inherits: super::people::SECTION.keys,
};

/// Reads the keys of this kind.
pub(super) fn read(table: &Table<'_>, name: Option<&str>) -> Option<Config> {
    let (url, topic) = (table.get::<Address>(&URL), table.get::<Address>(&TOPIC));
    let usable = url.is_some() && topic.is_some();
    let settings = Settings {
        name: name.unwrap_or("?").to_owned(),
        // Where something is wrong already, the rest is checked all the same, with a stand-in for what is not there.
        url: url.map_or_else(|| Secret::new("https://example.invalid/"), |Address(url)| url),
        topic: topic.map_or_else(|| Secret::new("topic"), |Address(topic)| topic),
        login: login(table),
        click: table.get(&CLICK),
        timeout: timeout(table),
        allow_link_local: table.get(&ALLOW_LINK_LOCAL).unwrap_or_default(),
    };
    checked(table, &SECTION, Config::new(settings)).filter(|_| usable)
}
