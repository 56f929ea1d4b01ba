//! `[[proxmox]]`: the Proxmox VE clusters that are watched.

use std::sync::Arc;
use std::time::Duration;

use evenkeel_core::{Secret, SourceId, SourceKind};
use evenkeel_sources::proxmox::{Config, Login, check_endpoint};
use url::Url;

use super::key::{Key, Section};
use super::table::Table;
use super::trust::{self, CA_FILE, CLIENT_CERT, CLIENT_KEY, PIN};
use super::value::some_time;

/// A refused login is answered after 3 s; whoever waits for less takes a wrong token for a node that is down.
const LEAST_TIMEOUT: Duration = Duration::from_secs(4);

pub(super) const NAME: Key =
    Key::required("name", "text", "What it is called in events and metrics (`proxmox/box2`); once per file.");
const ENDPOINTS: Key = Key::required(
    "endpoints",
    "list of addresses",
    "Nodes of one cluster (`https://box2.lan:8006`), in the order of preference. Any of them speaks for all; the next one \
     is asked when one fails.",
);
const TOKEN: Key = Key::optional(
    "token",
    "secret",
    "`user` and `password` are used",
    "An API token: its secret, where `token_id` names it, or the whole of it, `user@realm!name=uuid`. It needs the role \
     PVEAuditor on `/`, given to the token and to its user.",
);
const TOKEN_ID: Key = Key::optional(
    "token_id",
    "text",
    "`token` names it",
    "What Proxmox calls the token's id: `evenkeel@pve!ro`.",
);
const USER: Key = Key::optional(
    "user",
    "text",
    "`token` is used",
    "Who logs in instead of a token, with `password`: `evenkeel`, or `evenkeel@pve` without `realm`.",
);
const PASSWORD: Key = Key::optional(
    "password",
    "secret",
    "`token` is used",
    "The password of `user`. A token is better: it can be given less than its user, and be taken back alone.",
);
const REALM: Key =
    Key::optional("realm", "text", "`user` names it", "Where `user` is known: `pve`, `pam`, …");
const INTERVAL: Key = Key::with_default(
    "interval",
    "duration",
    "\"10s\"",
    "Between two looks. Proxmox renews what it shows every 10 s.",
);
const TIMEOUT: Key = Key::with_default(
    "timeout",
    "duration",
    "\"10s\"",
    "How long one answer may take. At least 4 s: a refused login takes 3.",
);
const DETAIL_INTERVAL: Key = Key::with_default(
    "detail_interval",
    "duration",
    "\"10m\"",
    "How often a guest's configuration and addresses are read again; at once when its name, tags, lock, node or status \
     changes.",
);
const LOCK_CAP: Key = Key::with_default(
    "lock_cap",
    "duration",
    "\"6h\"",
    "How long a lock (backup, migration) excuses a guest. After that it is judged as if it were not locked.",
);
const RIGHTS_INTERVAL: Key = Key::with_default(
    "rights_interval",
    "duration",
    "\"5m\"",
    "How often the rights are proved again; at once when a guest is gone.",
);
const CLUSTERS: Key = Key::optional(
    "clusters",
    "list of texts",
    "the one named like the cluster, or like its node",
    "The NetBox clusters this one is the witness of, by name.",
);

/// `[[proxmox]]`.
pub(super) const SECTION: Section = Section {
    header: "[[proxmox]]",
    doc: "One Proxmox VE cluster, or one node by itself, that is watched: its nodes, virtual machines and containers.",
    keys: &[
        &NAME,
        &ENDPOINTS,
        &TOKEN,
        &TOKEN_ID,
        &USER,
        &PASSWORD,
        &REALM,
        &CA_FILE,
        &PIN,
        &CLIENT_CERT,
        &CLIENT_KEY,
        &INTERVAL,
        &TIMEOUT,
        &DETAIL_INTERVAL,
        &LOCK_CAP,
        &RIGHTS_INTERVAL,
        &CLUSTERS,
    ],
    inherits: &[],
};

/// A cluster that is watched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProxmoxConfig {
    /// How it is asked.
    pub source: Config,
    /// Between two looks.
    pub interval: Duration,
}

/// Reads one `[[proxmox]]`. `None` says that something in it is wrong and noted.
pub(super) fn read(table: &Table<'_>) -> Option<ProxmoxConfig> {
    let name: Option<Arc<str>> = table.get(&NAME);
    let endpoints = table.checked(&ENDPOINTS, |endpoints: &Vec<Url>| some_endpoints(endpoints));
    let login = login(table);
    let trust = trust::read(table);
    if trust.pin.is_some() && endpoints.as_ref().is_some_and(|endpoints| endpoints.len() > 1) {
        let what = "fits one certificate, and each node shows its own; name the cluster's authority with ca_file instead";
        table.reader().warn(&table.place_of(&PIN), what);
    }
    let interval = table.checked(&INTERVAL, some_time);
    let timeout = table.checked(&TIMEOUT, patient);
    let detail_interval = table.checked(&DETAIL_INTERVAL, some_time);
    let lock_cap: Option<Duration> = table.get(&LOCK_CAP);
    let rights_interval = table.checked(&RIGHTS_INTERVAL, some_time);
    let clusters: Option<Vec<String>> =
        if table.has(&CLUSTERS) { table.get(&CLUSTERS) } else { Some(Vec::new()) };
    let source = Config {
        trust,
        timeout: timeout?,
        detail_interval: detail_interval?,
        lock_cap: lock_cap?,
        rights_interval: rights_interval?,
        clusters: clusters?,
        ..Config::new(SourceId::new(SourceKind::Proxmox, name?), endpoints?, login?)
    };
    Some(ProxmoxConfig { source, interval: interval? })
}

/// A token, or a user with a password; what is missing or too much is said.
fn login(table: &Table<'_>) -> Option<Login> {
    let token = table.has(&TOKEN) || table.has(&TOKEN_ID);
    let by_password = [&USER, &PASSWORD, &REALM].into_iter().find(|key| table.has(key));
    match (token, by_password) {
        (true, None) => by_token(table),
        (true, Some(key)) => {
            table.wrong(key, "has no use beside `token`; one of the two is enough");
            None
        }
        (false, None) => {
            table.wrong(&TOKEN, "is missing; write token = { env = \"NAME\" } here, or user and password");
            None
        }
        (false, Some(_)) => password(table),
    }
}

fn by_token(table: &Table<'_>) -> Option<Login> {
    let id: Option<String> = table.get(&TOKEN_ID);
    if !table.has(&TOKEN) {
        table.wrong(&TOKEN, "is missing; write token = { env = \"NAME\" } here");
        return None;
    }
    let secret: Secret = table.get(&TOKEN)?;
    let (login, key, what) = match &id {
        Some(id) => (
            Login::token_of(id, &secret),
            &TOKEN_ID,
            "must look like evenkeel@pve!ro, and the token like a uuid",
        ),
        None if table.has(&TOKEN_ID) => return None,
        // The text is not repeated: it is the secret.
        None => (
            Login::token(&secret),
            &TOKEN,
            "must be the whole token, user@realm!name=uuid; or name it with token_id = \"user@realm!name\"",
        ),
    };
    if login.is_err() {
        table.wrong(key, what);
    }
    login.ok()
}

fn password(table: &Table<'_>) -> Option<Login> {
    let (user, secret) = (table.get::<String>(&USER), table.get::<Secret>(&PASSWORD));
    let realm: Option<String> = table.get(&REALM);
    if !table.has(&USER) {
        table.wrong(&USER, "is missing; a password belongs to somebody");
    }
    if !table.has(&PASSWORD) {
        table.wrong(&PASSWORD, "is missing; write password = { env = \"NAME\" } here");
    }
    let user = user?;
    let user = match (user.contains('@'), realm) {
        (true, None) => user,
        (false, Some(realm)) => format!("{user}@{realm}"),
        (true, Some(_)) => {
            table.wrong(&REALM, "is named by `user` already; one of the two is enough");
            return None;
        }
        (false, None) if table.has(&REALM) => return None,
        (false, None) => {
            table.wrong(&USER, "names no realm; write evenkeel@pve, or realm = \"pve\"");
            return None;
        }
    };
    Some(Login::Password { user, password: secret? })
}

fn some_endpoints(endpoints: &[Url]) -> Result<(), String> {
    if endpoints.is_empty() {
        return Err("must name a node at least; write [\"https://node:8006\"]".to_owned());
    }
    endpoints.iter().try_for_each(|url| check_endpoint(url).map_err(|error| error.to_string()))
}

fn patient(timeout: &Duration) -> Result<(), String> {
    if *timeout < LEAST_TIMEOUT {
        return Err("must be at least 4s: Proxmox takes 3 s to refuse a login".to_owned());
    }
    Ok(())
}
