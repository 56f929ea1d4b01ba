//! The file as a whole: its tables in order, and what must agree between them.

use std::collections::BTreeMap;
use std::time::Duration;

use evenkeel_core::identity::canonical;
use toml::de::DeTable;

use super::key::{Key, Section};
use super::reader::Reader;
use super::table::Table;
use super::{
    Config, DockerDefaults, ProxmoxConfig, access, approvers, docker, heartbeat, machines, netbox, policy,
    probe, proxmox, proxy, push, remediation, repairs, retention, rules, sinks, store, system, truenas,
};
use evenkeel_sources::docker::Config as DockerConfig;
use evenkeel_sources::netbox::Config as NetboxConfig;
use evenkeel_sources::truenas::Config as TruenasConfig;

const NETBOX: Key = Key::required("netbox", "table", "");
const DOCKER_DEFAULTS: Key = Key::optional("docker_defaults", "table", "", "");
const DOCKER: Key = Key::optional("docker", "list of tables", "", "");
const TRUENAS: Key = Key::optional("truenas", "list of tables", "", "");
const PROBE: Key = Key::optional("probe", "table", "", "");
const PUSH: Key = Key::optional("push", "list of tables", "", "");
const PROXMOX: Key = Key::optional("proxmox", "list of tables", "", "");
const POLICY: Key = Key::optional("policy", "table", "", "");
const ALIAS: Key = Key::optional("alias", "list of tables", "", "");
const IGNORE: Key = Key::optional("ignore", "list of tables", "", "");
const SEVERITY: Key = Key::optional("severity", "list of tables", "", "");
const SILENCE: Key = Key::optional("silence", "list of tables", "", "");
const STORE: Key = Key::optional("store", "table", "", "");
const HTTP: Key = Key::optional("http", "table", "", "");
const ACCESS: Key = Key::optional("access", "table", "", "");
const SINK: Key = Key::optional("sink", "list of tables", "", "");
const REMEDIATION: Key = Key::optional("remediation", "table", "", "");
const HEARTBEAT: Key = Key::optional("heartbeat", "table", "", "");
const SCHEDULE: Key = Key::optional("schedule", "table", "", "");
const LOG: Key = Key::optional("log", "table", "", "");

const ROOT: Section = Section {
    header: "the file",
    doc: "",
    keys: &[
        &NETBOX,
        &DOCKER_DEFAULTS,
        &DOCKER,
        &PROXMOX,
        &TRUENAS,
        &PROBE,
        &PUSH,
        &POLICY,
        &ALIAS,
        &IGNORE,
        &SEVERITY,
        &SILENCE,
        &STORE,
        &HTTP,
        &ACCESS,
        &SINK,
        &REMEDIATION,
        &HEARTBEAT,
        &SCHEDULE,
        &LOG,
    ],
    inherits: &[],
};

/// Every table of the file, in the order of the reference.
pub(super) const SECTIONS: &[&Section] = &[
    &netbox::SECTION,
    &netbox::FILTERS_SECTION,
    &netbox::FIELDS_SECTION,
    &docker::SECTION,
    &docker::DEFAULTS_SECTION,
    &proxmox::SECTION,
    &truenas::SECTION,
    &probe::SECTION,
    &probe::HTTP_SECTION,
    &probe::ADDRESS_SECTION,
    &push::SECTION,
    &policy::SECTION,
    &policy::CONFIRM_SECTION,
    &policy::FLAP_SECTION,
    &policy::BRAKE_SECTION,
    &machines::SECTION,
    &machines::LIMITS_SECTION,
    &rules::ALIAS_SECTION,
    &rules::IGNORE_SECTION,
    &rules::SEVERITY_SECTION,
    &rules::SILENCE_SECTION,
    &sinks::SECTION,
    &sinks::webhook::SECTION,
    &sinks::ntfy::SECTION,
    &sinks::chat::SECTION,
    &sinks::people::SECTION,
    &sinks::alertmanager::SECTION,
    &sinks::nats::SECTION,
    &sinks::netbox::SECTION,
    &sinks::FILTER_SECTION,
    &sinks::HEADER_SECTION,
    &sinks::SUCCESS_SECTION,
    &remediation::SECTION,
    &remediation::BRAKE_SECTION,
    &remediation::WINDOW_SECTION,
    &approvers::SECTION,
    &repairs::ACTION_SECTION,
    &repairs::RULE_SECTION,
    &heartbeat::SECTION,
    &store::SECTION,
    &retention::SECTION,
    &system::HTTP_SECTION,
    &access::SECTION,
    &access::USER_SECTION,
    &access::TOKEN_SECTION,
    &proxy::SECTION,
    &system::SCHEDULE_SECTION,
    &system::BREAKER_SECTION,
    &system::LOG_SECTION,
];

/// Reads everything. `None` says that something is wrong and noted.
pub(super) fn read(reader: &Reader<'_>, text: &DeTable<'_>) -> Option<Config> {
    let root = Table::root(reader, text, &ROOT);
    let netbox_table = root.table(&NETBOX, &netbox::SECTION);
    let netbox = netbox::read(&netbox_table);
    let webhook_secret = netbox::webhook_secret(&netbox_table);
    let defaults_table = root.table(&DOCKER_DEFAULTS, &docker::DEFAULTS_SECTION);
    let docker_defaults = docker::read_defaults(&defaults_table);
    let docker = engines(&root, docker_defaults.as_ref());
    let truenas = appliances(&root);
    let probe = root.has(&PROBE).then(|| probe::read(&root.table(&PROBE, &probe::SECTION)));
    let push = senders(&root);
    let proxmox = hypervisors(&root);
    let policy = policy::read(&root.table(&POLICY, &policy::SECTION));
    let aliases = each(&root.tables(&ALIAS, &rules::ALIAS_SECTION), rules::alias);
    let ignored = root.tables(&IGNORE, &rules::IGNORE_SECTION);
    let ignore = each(&ignored, rules::ignore);
    rules::unique_names(&ignored);
    let severity = each(&root.tables(&SEVERITY, &rules::SEVERITY_SECTION), rules::severity);
    let silenced = root.tables(&SILENCE, &rules::SILENCE_SECTION);
    let silences = each(&silenced, rules::silence);
    rules::unique_names(&silenced);
    let store = store::read(&root.table(&STORE, &store::SECTION));
    let access = access::read(&root.table(&ACCESS, &access::SECTION));
    // Who cannot be read may be somebody.
    let is_closed = access.as_ref().is_none_or(access::AccessConfig::names_somebody);
    let http = system::http(&root.table(&HTTP, &system::HTTP_SECTION), is_closed);
    let sinks = destinations(&root, netbox.as_ref());
    // Sinks that cannot be read may be told.
    let told = sinks.as_ref().is_none_or(|sinks| sinks.iter().any(|sink| sink.notices));
    let remediation = remediation::read(&root.table(&REMEDIATION, &remediation::SECTION), told);
    let heartbeat =
        root.has(&HEARTBEAT).then(|| heartbeat::read(&root.table(&HEARTBEAT, &heartbeat::SECTION)));
    let schedule = system::schedule(&root.table(&SCHEDULE, &system::SCHEDULE_SECTION));
    let log = system::log(&root.table(&LOG, &system::LOG_SECTION));
    let store = store?;
    let (mut http, remediation) = (http?, remediation?);
    if remediation.policy.enabled
        && let Some(host) = remediation.callback_url.as_ref().and_then(|base| base.host_str())
    {
        http.is_called_as_well(host);
    }
    let (mut policy, schedule) = (policy?, schedule?);
    policy.rules.limits.database = store.size_limit;
    policy.confirm.apart = schedule.recheck;
    policy.remember = match remediation.policy.enabled {
        true => remediation.policy.guards.brake.window.unsigned_abs(),
        false => Duration::ZERO,
    };
    policy.aliases = aliases?;
    policy.ignore = ignore?;
    policy.severity = severity?;
    policy.silences = silences?;
    Some(Config {
        path: reader.file().to_owned(),
        netbox: netbox?,
        webhook_secret,
        docker: docker?,
        docker_defaults: docker_defaults?,
        truenas: truenas?,
        // Not written is fine; written and wrong is not.
        probe: match probe {
            None => None,
            Some(probe) => Some(probe?),
        },
        push: push?,
        proxmox: proxmox?,
        policy,
        store,
        http,
        access: access?,
        sinks: sinks?,
        remediation,
        heartbeat: match heartbeat {
            None => None,
            Some(heartbeat) => Some(heartbeat?),
        },
        schedule,
        log: log?,
        warnings: Vec::new(),
    })
}

fn each<T>(tables: &[Table<'_>], read: impl Fn(&Table<'_>) -> Option<T>) -> Option<Vec<T>> {
    let read: Vec<Option<T>> = tables.iter().map(read).collect();
    read.into_iter().collect()
}

fn engines(root: &Table<'_>, defaults: Option<&DockerDefaults>) -> Option<Vec<DockerConfig>> {
    let tables = root.tables(&DOCKER, &docker::SECTION);
    unique(&tables, &docker::NAME, "name", str::to_lowercase);
    unique(&tables, &docker::HOST, "host", canonical);
    let watched = defaults.is_some_and(|defaults| defaults.declared_endpoints);
    let others = [&PROXMOX, &TRUENAS, &PROBE, &PUSH].into_iter().any(|key| root.has(key));
    if tables.is_empty() && !root.has(&DOCKER) && !others {
        let reader = root.reader();
        if watched {
            reader.warn(
                &root.place_of(&DOCKER),
                "no engine is named; only hosts whose docker_endpoint NetBox declares will be observed",
            );
        } else {
            reader.warn(
                &root.place_of(&DOCKER),
                "no engine is named and endpoints declared in NetBox are not used: nothing will be observed; add [[docker]]",
            );
        }
    }
    each(&tables, |table| docker::read(table, defaults))
}

fn appliances(root: &Table<'_>) -> Option<Vec<TruenasConfig>> {
    let tables = root.tables(&TRUENAS, &truenas::SECTION);
    unique(&tables, &truenas::NAME, "name", str::to_lowercase);
    unique(&tables, &truenas::HOST, "host", canonical);
    each(&tables, truenas::read)
}

fn senders(root: &Table<'_>) -> Option<Vec<super::PushConfig>> {
    let tables = root.tables(&PUSH, &push::SECTION);
    unique(&tables, &push::NAME, "name", str::to_lowercase);
    push::read_all(&tables)
}

fn hypervisors(root: &Table<'_>) -> Option<Vec<ProxmoxConfig>> {
    let tables = root.tables(&PROXMOX, &proxmox::SECTION);
    unique(&tables, &proxmox::NAME, "name", str::to_lowercase);
    each(&tables, proxmox::read)
}

fn destinations(root: &Table<'_>, netbox: Option<&NetboxConfig>) -> Option<Vec<super::SinkConfig>> {
    let tables = root.tables(&SINK, &sinks::ANY);
    unique(&tables, &sinks::NAME, "name", str::to_lowercase);
    each(&tables, |table| sinks::read(table, netbox))
}

/// Notes what stands twice: everything after the first, with the place of the first.
fn unique(tables: &[Table<'_>], key: &Key, what: &str, form: impl Fn(&str) -> String) {
    let mut first: BTreeMap<String, String> = BTreeMap::new();
    for table in tables {
        let Some(text) = table.written_text(key) else {
            continue;
        };
        let place = table.place_of(key);
        match first.get(&form(text.trim())) {
            None => {
                let at = place.line().map_or_else(|| place.key().to_owned(), |line| format!("line {line}"));
                first.insert(form(text.trim()), at);
            }
            Some(at) => {
                table.wrong(key, format!("`{text}` is the {what} of another one ({at}); each needs its own"));
            }
        }
    }
}
