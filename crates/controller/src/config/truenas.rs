//! `[[truenas]]`: the TrueNAS systems that are watched.

use std::sync::Arc;

use evenkeel_core::{Secret, SourceId, SourceKind};
use evenkeel_sources::truenas::{Address, Config, ConfigError, Transport};

use super::key::{Key, Section};
use super::table::{Table, Value};
use super::trust::{self, CA_FILE, PIN};
use super::value::{Read, some_time, word};

pub(super) const NAME: Key =
    Key::required("name", "text", "What it is called in events and metrics (`truenas/nas`); once per file.");
const URL: Key = Key::required(
    "url",
    "address",
    "Where it is: `https://nas.lan`, or `ssh://root@nas.lan` for `midclt` through ssh. Never `http://`: TrueNAS revokes a \
     key at once that arrives unencrypted.",
);
pub(super) const HOST: Key = Key::optional(
    "host",
    "text",
    "the name it gives itself",
    "The host it is, by its name in NetBox; once per file.",
);
const USER: Key = Key::optional(
    "user",
    "text",
    "none is sent; only REST and ssh do without",
    "The user the API key belongs to.",
);
const API_KEY: Key = Key::optional(
    "api_key",
    "secret",
    "none is sent; only ssh does without",
    "An API key. Its user needs to read, never to write: the read-only administrator's privilege, or the roles that \
     `evenkeel doctor` names.",
);
const TRANSPORT: Key = Key::with_default(
    "transport",
    "`auto`, `websocket`, `rest` or `ssh`",
    "\"auto\"",
    "`websocket`: JSON-RPC, from 25.04 on. `rest`: up to 25.10, which raises an alert about it every day. `ssh`: `midclt`, \
     a login for every question. `auto`: JSON-RPC where the version has it, REST otherwise, `ssh` for an `ssh://` address.",
);
const INTERVAL: Key = Key::with_default(
    "interval",
    "duration",
    "\"30s\"",
    "Between two observations; changes are heard in between over a websocket.",
);
const TIMEOUT: Key = Key::with_default("timeout", "duration", "\"10s\"", "How long one answer may take.");
const EVENTS: Key = Key::with_default(
    "events",
    "true or false",
    "true",
    "Whether to subscribe to changes, so that a stopped app is known at once. Only a websocket can.",
);
const DEBOUNCE: Key = Key::with_default(
    "debounce",
    "duration",
    "\"500ms\"",
    "How long a burst of changes is collected before TrueNAS is asked.",
);
const WATCHDOG: Key = Key::with_default(
    "watchdog",
    "duration",
    "\"30s\"",
    "After this much silence on the websocket its other end is asked whether it is still there.",
);
const CLUSTERS: Key = Key::optional(
    "clusters",
    "list of texts",
    "none: its virtual machines are seen, but none is missing",
    "The NetBox clusters whose virtual machines run here, by name; or the device's own name. A machine declared there \
     that TrueNAS does not show is missing.",
);
const SSH_COMMAND: Key = Key::with_default(
    "ssh_command",
    "text",
    "\"ssh\"",
    "The program for `ssh://` addresses, by name or path.",
);

/// `[[truenas]]`.
pub(super) const SECTION: Section = Section {
    header: "[[truenas]]",
    doc: "One TrueNAS (24.04 to 26): its apps are services of the host it is, its virtual machines and containers are \
          machines of its clusters.",
    keys: &[
        &NAME,
        &URL,
        &HOST,
        &USER,
        &API_KEY,
        &TRANSPORT,
        &CA_FILE,
        &PIN,
        &INTERVAL,
        &TIMEOUT,
        &EVENTS,
        &DEBOUNCE,
        &WATCHDOG,
        &CLUSTERS,
        &SSH_COMMAND,
    ],
    inherits: &[],
};

impl Read for Address {
    fn read(value: &Value<'_>) -> Option<Self> {
        match Self::parse(&String::read(value)?) {
            Ok(address) => Some(address),
            Err(error) => value.wrong(error.to_string()),
        }
    }
}

impl Read for Transport {
    fn read(value: &Value<'_>) -> Option<Self> {
        let words = [Self::Auto, Self::Websocket, Self::Rest, Self::Ssh].map(|way| (way.as_str(), way));
        word(value, "a transport", &words)
    }
}

/// Reads one `[[truenas]]`. `None` says that something in it is wrong and noted.
pub(super) fn read(table: &Table<'_>) -> Option<Config> {
    let name: Option<Arc<str>> = table.get(&NAME);
    let address: Option<Address> = table.get(&URL);
    let host = table.get(&HOST);
    let user: Option<String> = table.get(&USER);
    let api_key: Option<Secret> = table.get(&API_KEY);
    let transport: Option<Transport> = table.get(&TRANSPORT);
    let trust = trust::read(table);
    let interval = table.checked(&INTERVAL, some_time);
    let timeout = table.checked(&TIMEOUT, some_time);
    let watchdog = table.checked(&WATCHDOG, some_time);
    let (events, debounce) = (table.get(&EVENTS), table.get(&DEBOUNCE));
    let clusters: Vec<Arc<str>> = table.get(&CLUSTERS).unwrap_or_default();
    let ssh_command: Option<String> = table.get(&SSH_COMMAND);
    // Without these two nothing can be said about the others; their own mistakes are noted.
    let (address, transport) = (address?, transport?);
    let id = SourceId::new(SourceKind::Truenas, name.as_deref().unwrap_or_default());
    let mut config = Config { host, transport, user, api_key, trust, clusters, ..Config::new(id, address) };
    for mistake in config.mistakes() {
        if let Some(key) = place(table, mistake) {
            table.wrong(key, mistake.to_string());
        }
    }
    name?;
    config.interval = interval?;
    config.timeout = timeout?;
    config.watchdog = watchdog?;
    config.events = events?;
    config.debounce = debounce?;
    // A program's name is looked up in PATH; only one with a slash is a path, and then relative to the file.
    let program = ssh_command?;
    config.ssh_command =
        if program.contains('/') { table.reader().resolve(&program) } else { program.into() };
    Some(config)
}

/// The key a mistake is about; `None` where it is noted already.
fn place(table: &Table<'_>, mistake: ConfigError) -> Option<&'static Key> {
    match mistake {
        ConfigError::ShellWanted | ConfigError::WebWanted => Some(&TRANSPORT),
        ConfigError::KeyUnused | ConfigError::BadKey => Some(&API_KEY),
        // One that is written and cannot be read.
        ConfigError::NoKey => (!table.has(&API_KEY)).then_some(&API_KEY),
        ConfigError::NoUser => (!table.has(&USER)).then_some(&USER),
        ConfigError::BadUser => Some(&USER),
        ConfigError::TrustWithoutTls => Some(if table.has(&PIN) { &PIN } else { &CA_FILE }),
        ConfigError::Zero(_) => None,
    }
}
