//! `[[docker]]` and `[docker_defaults]`: the engines that are watched, and what holds for all of them.

use std::sync::Arc;

use evenkeel_core::{HostName, SourceId, SourceKind};
use evenkeel_sources::docker::{Config, Endpoint};
use evenkeel_sources::http::Trust;

use super::DockerDefaults;
use super::key::{Key, Section};
use super::table::{Table, Value};
use super::trust::{self, CA_FILE, CLIENT_CERT, CLIENT_KEY, PIN};
use super::value::{Read, some_time};

const DECLARED_ENDPOINTS: Key = Key::with_default(
    "declared_endpoints",
    "true or false",
    "true",
    "Whether engines are watched whose endpoint NetBox declares and no `[[docker]]` names.",
);
const INSECURE_HTTP: Key = Key::with_default(
    "insecure_http",
    "true or false",
    "false",
    "Consent to plain HTTP beyond this machine: for a read-only socket proxy on a trusted network.",
);
const API_VERSION: Key = Key::optional(
    "api_version",
    "text",
    "no version is asked for, and the engine answers in its own",
    "Ask with this version (`1.41`) in the path, for a proxy whose rules want one.",
);
const TIMEOUT: Key =
    Key::with_default("timeout", "duration", "\"10s\"", "How long one answer may take, body included.");
const EVENTS: Key = Key::with_default(
    "events",
    "true or false",
    "true",
    "Whether to hold the engine's event stream, so that a stopped container is known at once.",
);
const DEBOUNCE: Key = Key::with_default(
    "debounce",
    "duration",
    "\"200ms\"",
    "How long a burst of events is collected before the engine is asked.",
);
const WATCHDOG: Key = Key::with_default(
    "watchdog",
    "duration",
    "\"30s\"",
    "After this much silence on the event stream the engine is asked whether it is still there.",
);
const SETTLE: Key = Key::with_default(
    "settle",
    "duration",
    "\"10s\"",
    "How long after an engine's return its containers may be down without it being taken for the truth.",
);
const RESTART_WINDOW: Key =
    Key::with_default("restart_window", "duration", "\"10m\"", "Over how long restarts are counted.");
const SSH_COMMAND: Key = Key::with_default(
    "ssh_command",
    "text",
    "\"ssh\"",
    "The program for `ssh://` endpoints, by name or path.",
);

const SHARED: &[&Key] = &[
    &CA_FILE,
    &CLIENT_CERT,
    &CLIENT_KEY,
    &INSECURE_HTTP,
    &API_VERSION,
    &TIMEOUT,
    &EVENTS,
    &DEBOUNCE,
    &WATCHDOG,
    &SETTLE,
    &RESTART_WINDOW,
    &SSH_COMMAND,
];

/// `[docker_defaults]`.
pub(super) const DEFAULTS_SECTION: Section = Section {
    header: "[docker_defaults]",
    doc: "What holds for every engine that does not say otherwise, and for the engines that NetBox declares.",
    keys: &[
        &DECLARED_ENDPOINTS,
        &CA_FILE,
        &CLIENT_CERT,
        &CLIENT_KEY,
        &INSECURE_HTTP,
        &API_VERSION,
        &TIMEOUT,
        &EVENTS,
        &DEBOUNCE,
        &WATCHDOG,
        &SETTLE,
        &RESTART_WINDOW,
        &SSH_COMMAND,
    ],
    inherits: &[],
};

pub(super) const NAME: Key = Key::required(
    "name",
    "text",
    "What it is called in events and metrics (`docker/box2-media`); once per file.",
);
const ENDPOINT: Key = Key::required(
    "endpoint",
    "text",
    "Where the engine is: `unix:///var/run/docker.sock`, `tcp://host:2376` (TLS), `https://host/`, \
     `ssh://user@host`, or `tcp://host:2375` and `http://` (plain). Never write a password here.",
);
pub(super) const HOST: Key = Key::optional(
    "host",
    "text",
    "the name the engine gives itself",
    "The host it speaks about, by its name in NetBox; once per file.",
);

/// `[[docker]]`.
pub(super) const SECTION: Section = Section {
    header: "[[docker]]",
    doc: "One engine that is watched. The keys of `[docker_defaults]` may stand here, too, and then hold for this \
          engine alone.",
    keys: &[&NAME, &ENDPOINT, &HOST, &PIN],
    inherits: SHARED,
};

impl Read for Endpoint {
    fn read(value: &Value<'_>) -> Option<Self> {
        match Self::parse(&String::read(value)?) {
            Ok(endpoint) => Some(endpoint),
            Err(error) => value.wrong(error.to_string()),
        }
    }
}

impl DockerDefaults {
    /// The settings of an engine at this endpoint. Certificates apply where there is TLS to use them.
    pub fn engine(&self, id: SourceId, host: Option<HostName>, endpoint: Endpoint) -> Config {
        let trust =
            if matches!(endpoint, Endpoint::Tls(_)) { self.template.trust.clone() } else { Trust::default() };
        Config { id, host, endpoint, trust, ..self.template.clone() }
    }
}

/// Reads `[docker_defaults]`.
pub(super) fn read_defaults(table: &Table<'_>) -> Option<DockerDefaults> {
    let nowhere = Endpoint::Unix("/var/run/docker.sock".into());
    let mut template = Config::new(SourceId::new(SourceKind::Docker, ""), nowhere);
    template.trust = trust::read(table);
    overlay(table, &mut template, Take::WrittenOrDefault);
    Some(DockerDefaults { declared_endpoints: table.get(&DECLARED_ENDPOINTS)?, template })
}

/// Reads one `[[docker]]`.
pub(super) fn read(table: &Table<'_>, defaults: Option<&DockerDefaults>) -> Option<Config> {
    let name: Option<Arc<str>> = table.get(&NAME);
    let host = table.get(&HOST);
    let endpoint: Option<Endpoint> = table.get(&ENDPOINT);
    let own_trust = trust::read(table);
    let tls = endpoint.as_ref().is_none_or(|endpoint| matches!(endpoint, Endpoint::Tls(_)));
    for key in [&CA_FILE, &PIN, &CLIENT_CERT, &CLIENT_KEY] {
        if !tls && table.has(key) {
            table.wrong(key, "has no use here: the endpoint does not use tls; write https:// or port 2376");
        }
    }
    // Mistakes of the defaults are noted where they are; the rest of this table is read all the same.
    let stand_in = Endpoint::Unix("/var/run/docker.sock".into());
    let id = SourceId::new(SourceKind::Docker, name.as_deref().unwrap_or_default());
    let at = endpoint.clone().unwrap_or(stand_in);
    let mut config = match defaults {
        Some(defaults) => defaults.engine(id, host, at),
        None => Config::new(id, at),
    };
    let Trust { ca_file, pin, client_identity } = own_trust;
    config.trust.ca_file = ca_file.or(config.trust.ca_file);
    config.trust.pin = pin;
    config.trust.client_identity = client_identity.or(config.trust.client_identity);
    overlay(table, &mut config, Take::Written);
    if endpoint.as_ref()?.is_exposed() && !config.insecure_http {
        let what = format!(
            "{} is plain http to another machine: whoever reads along sees every container, and whoever reaches the \
             port controls it; use tls (port 2376) or ssh, or say insecure_http = true for a read-only socket proxy",
            config.endpoint
        );
        table.wrong(&ENDPOINT, what);
    }
    name.map(|_| config)
}

/// Whether a key that is not written takes its default, or leaves what is there.
#[derive(Clone, Copy)]
enum Take {
    WrittenOrDefault,
    Written,
}

fn overlay(table: &Table<'_>, config: &mut Config, take: Take) {
    fn set<T>(slot: &mut T, value: Option<T>) {
        if let Some(value) = value {
            *slot = value;
        }
    }
    let wanted = |key: &Key| matches!(take, Take::WrittenOrDefault) || table.has(key);
    fn given<T: Read>(wanted: bool, table: &Table<'_>, key: &Key) -> Option<T> {
        if wanted { table.get(key) } else { None }
    }
    set(&mut config.insecure_http, given(wanted(&INSECURE_HTTP), table, &INSECURE_HTTP));
    set(&mut config.events, given(wanted(&EVENTS), table, &EVENTS));
    set(&mut config.debounce, given(wanted(&DEBOUNCE), table, &DEBOUNCE));
    set(&mut config.settle, given(wanted(&SETTLE), table, &SETTLE));
    for (key, slot) in [
        (&TIMEOUT, &mut config.timeout),
        (&WATCHDOG, &mut config.watchdog),
        (&RESTART_WINDOW, &mut config.restart_window),
    ] {
        set(slot, if wanted(key) { table.checked(key, some_time) } else { None });
    }
    if wanted(&API_VERSION) {
        let version = table.checked::<String>(&API_VERSION, |text| is_version(text));
        config.api_version = version.or(config.api_version.take());
    }
    // A program's name is looked up in PATH; only one with a slash is a path, and then relative to the file.
    if let Some(program) = given::<String>(wanted(&SSH_COMMAND), table, &SSH_COMMAND) {
        config.ssh_command =
            if program.contains('/') { table.reader().resolve(&program) } else { program.into() };
    }
}

fn is_version(text: &str) -> Result<(), String> {
    let digits = |part: &str| !part.is_empty() && part.len() <= 4 && part.bytes().all(|b| b.is_ascii_digit());
    match text.split_once('.') {
        Some((major, minor)) if digits(major) && digits(minor) => Ok(()),
        Some(_) | None => Err("must look like \"1.41\"".to_owned()),
    }
}
