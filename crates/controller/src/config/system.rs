//! `[http]`, `[schedule]`, `[log]`: the controller's own settings. What does not live here: where the store is
//! ([`super::store`]) and how much is kept ([`super::retention`]).

use std::net::SocketAddr;

use evenkeel_web::BasePath;

use super::key::{Key, Section};
use super::table::{Table, Value};
use super::value::{Read, at_least, some_time, word};
use super::{Breaker, HttpConfig, LogConfig, LogFormat, Schedule};

const LISTEN: Key = Key::with_default(
    "listen",
    "address with port",
    "\"127.0.0.1:9797\"",
    "Where the page, the API and `/metrics` are served. Beyond this machine only with a user, a token or a proxy: see \
     `[access]`.",
);
const NAMES: Key = Key::with_default(
    "names",
    "list of host names",
    "[]",
    "Names a proxy or DNS calls this machine by. Listening on loopback, a request that calls it anything else than \
     localhost or one of these is refused: pages elsewhere on the web must not read from it.",
);

const BASE_PATH: Key = Key::with_default(
    "base_path",
    "path",
    "\"/\"",
    "Below which path a proxy has this, such as /evenkeel: every link begins with it. The proxy may pass the path on or cut \
     it off.",
);

const TRUSTED_PROXIES: Key = Key::with_default(
    "trusted_proxies",
    "list of addresses or networks",
    "[]",
    "Proxies in front whose `X-Forwarded-For`, `X-Forwarded-Proto` and `X-Forwarded-Host` count. From everybody else they \
     are taken away unread.",
);

/// `[http]`.
pub(super) const HTTP_SECTION: Section = Section {
    header: "[http]",
    doc: "The page, the API and the metrics.",
    keys: &[&LISTEN, &NAMES, &TRUSTED_PROXIES, &BASE_PATH],
    inherits: &[],
};

const NETBOX_INTERVAL: Key =
    Key::with_default("netbox_interval", "duration", "\"60s\"", "Between two reads of NetBox.");
const DOCKER_INTERVAL: Key = Key::with_default(
    "docker_interval",
    "duration",
    "\"30s\"",
    "Between two full observations of an engine; its event stream is heard in between.",
);
const RESYNC: Key =
    Key::with_default("resync", "duration", "\"10m\"", "Every host is compared again at least this often.");
const RECHECK: Key = Key::with_default(
    "recheck",
    "duration",
    "\"10s\"",
    "How soon a host is looked at again whose drift is not confirmed yet. Looks closer together than this count as one \
     observation.",
);
const DEBOUNCE: Key = Key::with_default(
    "debounce",
    "duration",
    "\"500ms\"",
    "How long further triggers for one host are collected before it is compared.",
);
const WORKERS: Key =
    Key::with_default("workers", "number", "4", "How many hosts are compared at the same time.");
const SHUTDOWN_DEADLINE: Key = Key::with_default(
    "shutdown_deadline",
    "duration",
    "\"20s\"",
    "How long a stop may take before what still runs is cut off. Keep it below what your service manager grants.",
);
const BREAKER: Key = Key::optional("breaker", "table", "its defaults", "See `[schedule.breaker]`.");

/// `[schedule]`.
pub(super) const SCHEDULE_SECTION: Section = Section {
    header: "[schedule]",
    doc: "When things happen. Every interval is spread a little, so that many sources are not asked at once.",
    keys: &[
        &NETBOX_INTERVAL,
        &DOCKER_INTERVAL,
        &RESYNC,
        &RECHECK,
        &DEBOUNCE,
        &WORKERS,
        &SHUTDOWN_DEADLINE,
        &BREAKER,
    ],
    inherits: &[],
};

const FAILURES: Key = Key::with_default("failures", "number", "3", "After this many failures in a row …");
const OPEN: Key = Key::with_default("open", "duration", "\"30s\"", "… for this long at first; it doubles …");
const OPEN_MAX: Key = Key::with_default("open_max", "duration", "\"5m\"", "… up to this.");

/// `[schedule.breaker]`.
pub(super) const BREAKER_SECTION: Section = Section {
    header: "[schedule.breaker]",
    doc: "When a source that fails is left alone for a while.",
    keys: &[&FAILURES, &OPEN, &OPEN_MAX],
    inherits: &[],
};

const LEVEL: Key = Key::with_default(
    "level",
    "text",
    "\"info\"",
    "`error`, `warn`, `info`, `debug` or `trace`, or a filter such as `evenkeel=debug,warn`.",
);
const FORMAT: Key = Key::with_default(
    "format",
    "`text` or `json`",
    "\"text\"",
    "Lines for people, or one JSON object per line.",
);

/// `[log]`.
pub(super) const LOG_SECTION: Section = Section {
    header: "[log]",
    doc: "What is logged, to standard error.",
    keys: &[&LEVEL, &FORMAT],
    inherits: &[],
};

impl Read for LogFormat {
    fn read(value: &Value<'_>) -> Option<Self> {
        word(value, "a log format", &[("text", Self::Text), ("json", Self::Json)])
    }
}

/// Reads `[http]`; `is_closed`: whoever asks has to say who they are.
pub(super) fn http(table: &Table<'_>, is_closed: bool) -> Option<HttpConfig> {
    let listen: Option<SocketAddr> = table.get(&LISTEN);
    if let Some(listen) = listen
        && !listen.ip().to_canonical().is_loopback()
        && !is_closed
    {
        let what = format!(
            "{listen} is reachable from other machines, and nobody would have to say who they are; listen on 127.0.0.1, or \
             name users, tokens or a proxy in [access] (`evenkeel passwd NAME` prints the lines of a user)"
        );
        table.wrong(&LISTEN, what);
    }
    let (names, trusted_proxies) = (table.get::<Vec<String>>(&NAMES), table.get(&TRUSTED_PROXIES));
    let base_path = table.get::<String>(&BASE_PATH).and_then(|path| match BasePath::parse(&path) {
        Ok(base) => Some(base),
        Err(what) => {
            table.wrong(&BASE_PATH, what);
            None
        }
    });
    Some(HttpConfig {
        listen: listen?,
        names: names?,
        trusted_proxies: trusted_proxies?,
        base_path: base_path?,
    })
}

/// Reads `[schedule]`.
pub(super) fn schedule(table: &Table<'_>) -> Option<Schedule> {
    let time = |key: &Key| table.checked(key, some_time);
    let (netbox_interval, docker_interval) = (time(&NETBOX_INTERVAL), time(&DOCKER_INTERVAL));
    let (resync, recheck, debounce) = (time(&RESYNC), time(&RECHECK), table.get(&DEBOUNCE));
    let workers = table.checked::<u32>(&WORKERS, at_least(1));
    let shutdown_deadline = time(&SHUTDOWN_DEADLINE);
    let breaker = breaker(&table.table(&BREAKER, &BREAKER_SECTION));
    Some(Schedule {
        netbox_interval: netbox_interval?,
        docker_interval: docker_interval?,
        resync: resync?,
        recheck: recheck?,
        debounce: debounce?,
        workers: usize::try_from(workers?).unwrap_or(usize::MAX),
        breaker: breaker?,
        shutdown_deadline: shutdown_deadline?,
    })
}

fn breaker(table: &Table<'_>) -> Option<Breaker> {
    let failures = table.checked(&FAILURES, at_least(1));
    let open = table.checked(&OPEN, some_time);
    let open_max = table.checked(&OPEN_MAX, |max| {
        if open.is_some_and(|open| *max < open) {
            Err("must not be shorter than open".to_owned())
        } else {
            Ok(())
        }
    });
    Some(Breaker { failures: failures?, open: open?, open_max: open_max? })
}

/// Reads `[log]`.
pub(super) fn log(table: &Table<'_>) -> Option<LogConfig> {
    let (level, format) = (table.get(&LEVEL), table.get(&FORMAT));
    Some(LogConfig { level: level?, format: format? })
}
