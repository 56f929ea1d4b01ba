//! `[netbox]`: the one place where intent is written.

use evenkeel_core::{Secret, SourceId, SourceKind};
use evenkeel_sources::netbox::{Config, FieldNames, Filters};
use url::{Host, Url};

use super::key::{Key, Section};
use super::table::Table;
use super::trust::{self, CA_FILE, CLIENT_CERT, CLIENT_KEY, PIN};
use super::value::{at_least, some_time};

/// Shorter ones can be found by trying.
const SHORTEST_SECRET: usize = 16;

const NAME: Key =
    Key::with_default("name", "text", "\"main\"", "What it is called in events and metrics (`netbox/main`).");
const URL: Key = Key::required(
    "url",
    "address",
    "The base address, with a path where NetBox has one (`https://tools.lan/netbox/`), without `/api/`.",
);
const TOKEN: Key = Key::required(
    "token",
    "secret",
    "An API token, version 1 or 2 (`nbt_…`). It needs to read, never to write.",
);
pub(super) const INSECURE_HTTP: Key = Key::with_default(
    "insecure_http",
    "true or false",
    "false",
    "Consent to send the token over plain `http://` to another machine.",
);
const TIMEOUT: Key = Key::with_default(
    "timeout",
    "duration",
    "\"30s\"",
    "How long one answer may take. A freshly started NetBox needs up to 8 s for its first.",
);
const PAGE_SIZE: Key = Key::with_default(
    "page_size",
    "number",
    "1000",
    "Rows asked for at once. NetBox gives fewer where its `MAX_PAGE_SIZE` says so.",
);
const CONCURRENCY: Key = Key::with_default("concurrency", "number", "4", "Models read at the same time.");
const PROBE_INTERVAL: Key = Key::with_default(
    "probe_interval",
    "duration",
    "\"15s\"",
    "How often the changelog is asked whether anything happened. An edit is seen this soon.",
);
const FULL_INTERVAL: Key = Key::with_default(
    "full_interval",
    "duration",
    "\"1h\"",
    "How old a full read may be before everything is read again: direct SQL and migrations leave no trace in the \
     changelog.",
);
const INCREMENTAL_ABOVE: Key = Key::with_default(
    "incremental_above",
    "number",
    "2000",
    "Up to this many objects every read is a full one; above, the changelog says what to read.",
);
const READ_CONFIG_CONTEXT: Key = Key::with_default(
    "read_config_context",
    "true or false",
    "false",
    "Also look for `evenkeel.docker_endpoint` in the rendered config context. Costs NetBox time for every host.",
);
const WEBHOOK_SECRET: Key = Key::optional(
    "webhook_secret",
    "secret",
    "NetBox is not listened to",
    "What a webhook in NetBox signs with, at least 16 characters. Then edits are seen when they are made: point an event \
     rule for created, updated and deleted devices, virtual machines, services, addresses, interfaces and tags at \
     `POST /webhooks/netbox`.",
);
const FILTERS: Key = Key::optional(
    "filters",
    "table",
    "every host is read",
    "Which hosts concern evenkeel: see `[netbox.filters]`.",
);
const FIELDS: Key = Key::optional(
    "fields",
    "table",
    "the usual names",
    "How the custom fields are called in this NetBox: see `[netbox.fields]`.",
);

/// `[netbox]`.
pub(super) const SECTION: Section = Section {
    header: "[netbox]",
    doc: "The NetBox that says what should exist.",
    keys: &[
        &NAME,
        &URL,
        &TOKEN,
        &CA_FILE,
        &PIN,
        &CLIENT_CERT,
        &CLIENT_KEY,
        &INSECURE_HTTP,
        &TIMEOUT,
        &PAGE_SIZE,
        &CONCURRENCY,
        &PROBE_INTERVAL,
        &FULL_INTERVAL,
        &INCREMENTAL_ABOVE,
        &READ_CONFIG_CONTEXT,
        &WEBHOOK_SECRET,
        &FILTERS,
        &FIELDS,
    ],
    inherits: &[],
};

const SITES: Key = Key::optional("sites", "list of slugs", "all", "Sites; any of them.");
const TENANTS: Key = Key::optional("tenants", "list of slugs", "all", "Tenants; any of them.");
const TAGS: Key = Key::optional("tags", "list of slugs", "all", "Tags; a host must carry all of them.");
const ROLES: Key = Key::optional("roles", "list of slugs", "all", "Roles; any of them.");

/// `[netbox.filters]`.
pub(super) const FILTERS_SECTION: Section = Section {
    header: "[netbox.filters]",
    doc: "Which hosts are read. What is filtered out counts as not declared: services that run there are reported as \
          unexpected if an engine on it is watched.",
    keys: &[&SITES, &TENANTS, &TAGS, &ROLES],
    inherits: &[],
};

const LIFECYCLE: Key =
    Key::with_default("lifecycle", "text", "\"lifecycle\"", "On services: `planned`, `active` or `retired`.");
const CONTAINER_NAME: Key = Key::with_default(
    "container_name",
    "text",
    "\"container_name\"",
    "On services: the container that is meant, where its name differs.",
);
const COMPOSE_PROJECT: Key = Key::with_default(
    "compose_project",
    "text",
    "\"compose_project\"",
    "On services: the Compose project the container belongs to.",
);
const INTERNAL_PORTS: Key = Key::with_default(
    "internal_ports",
    "text",
    "\"internal_ports\"",
    "On services: ports behind the published ones. Known and not compared; NetBox's ports are the published ones.",
);
const OBSERVED_BY: Key = Key::with_default(
    "observed_by",
    "text",
    "\"observed_by\"",
    "On services and hosts: which kinds of source speak about it.",
);
const ROLE: Key = Key::with_default("role", "text", "\"role\"", "On services: the role it should carry.");
const IMAGE: Key = Key::with_default("image", "text", "\"image\"", "On services: the image it should run.");
const DOCKER_ENDPOINT: Key = Key::with_default(
    "docker_endpoint",
    "text",
    "\"docker_endpoint\"",
    "On hosts: where its Docker daemon listens, in the forms of `[[docker]]`'s `endpoint`.",
);
const PROXMOX_VMID: Key = Key::with_default(
    "proxmox_vmid",
    "text",
    "\"proxmox_vmid\"",
    "On virtual machines: Proxmox's number of the guest, the explicit link to it.",
);
const SENSITIVE: Key =
    Key::with_default("sensitive", "text", "\"sensitive\"", "On hosts: keep names and states only.");
const ALIASES: Key =
    Key::with_default("aliases", "text", "\"aliases\"", "On hosts: other names it answers to.");

/// `[netbox.fields]`.
pub(super) const FIELDS_SECTION: Section = Section {
    header: "[netbox.fields]",
    doc: "How the custom fields are called in this NetBox. None of them has to exist.",
    keys: &[
        &LIFECYCLE,
        &CONTAINER_NAME,
        &COMPOSE_PROJECT,
        &INTERNAL_PORTS,
        &OBSERVED_BY,
        &ROLE,
        &IMAGE,
        &DOCKER_ENDPOINT,
        &PROXMOX_VMID,
        &SENSITIVE,
        &ALIASES,
    ],
    inherits: &[],
};

/// Reads the table. `None` says that something in it is wrong and noted.
pub(super) fn read(table: &Table<'_>) -> Option<Config> {
    let name: Option<String> = table.get(&NAME);
    let url: Option<Url> = table.get(&URL);
    let token: Option<Secret> = table.checked(&TOKEN, well_formed);
    let trust = trust::read(table);
    let insecure_http = table.get(&INSECURE_HTTP);
    let timeout = table.checked(&TIMEOUT, some_time);
    let page_size = table.checked(&PAGE_SIZE, at_least(1));
    let concurrency = table.checked::<u32>(&CONCURRENCY, at_least(1));
    let probe_interval = table.checked(&PROBE_INTERVAL, some_time);
    let full_interval = table.checked(&FULL_INTERVAL, some_time);
    let incremental_above: Option<u32> = table.get(&INCREMENTAL_ABOVE);
    let read_config_context = table.get(&READ_CONFIG_CONTEXT);
    let filters = filters(&table.table(&FILTERS, &FILTERS_SECTION));
    let fields = fields(&table.table(&FIELDS, &FIELDS_SECTION));
    if let (Some(url), Some(false)) = (&url, insecure_http)
        && url.scheme() == "http"
        && !is_loopback(url)
    {
        table.wrong(
            &URL,
            "is plain http to another machine: whoever reads along has the token; use https, or say insecure_http = true",
        );
    }
    Some(Config {
        id: SourceId::new(SourceKind::Netbox, name?),
        trust,
        timeout: timeout?,
        page_size: page_size?,
        concurrency: usize::try_from(concurrency?).unwrap_or(usize::MAX),
        probe_interval: probe_interval?,
        full_interval: full_interval?,
        incremental_above: usize::try_from(incremental_above?).unwrap_or(usize::MAX),
        filters,
        fields: fields?,
        read_config_context: read_config_context?,
        ..Config::new(url?, token?)
    })
}

/// Reads what NetBox's webhooks are signed with.
pub(super) fn webhook_secret(table: &Table<'_>) -> Option<Secret> {
    table.checked(&WEBHOOK_SECRET, |secret: &Secret| match secret.expose().chars().count() {
        ..SHORTEST_SECRET => {
            Err(format!("is shorter than {SHORTEST_SECRET} characters; `openssl rand -hex 32` makes one"))
        }
        _ => Ok(()),
    })
}

fn filters(table: &Table<'_>) -> Filters {
    let list = |key: &Key| table.get::<Vec<String>>(key).unwrap_or_default();
    Filters { sites: list(&SITES), tenants: list(&TENANTS), tags: list(&TAGS), roles: list(&ROLES) }
}

fn fields(table: &Table<'_>) -> Option<FieldNames> {
    let name = |key: &Key| table.get::<String>(key);
    let (lifecycle, container_name, compose_project) =
        (name(&LIFECYCLE), name(&CONTAINER_NAME), name(&COMPOSE_PROJECT));
    let (internal_ports, observed_by, role) = (name(&INTERNAL_PORTS), name(&OBSERVED_BY), name(&ROLE));
    let (image, docker_endpoint) = (name(&IMAGE), name(&DOCKER_ENDPOINT));
    let (sensitive, aliases) = (name(&SENSITIVE), name(&ALIASES));
    let proxmox_vmid = name(&PROXMOX_VMID);
    Some(FieldNames {
        lifecycle: lifecycle?,
        container_name: container_name?,
        compose_project: compose_project?,
        internal_ports: internal_ports?,
        observed_by: observed_by?,
        role: role?,
        image: image?,
        docker_endpoint: docker_endpoint?,
        proxmox_vmid: proxmox_vmid?,
        sensitive: sensitive?,
        aliases: aliases?,
    })
}

fn well_formed(token: &Secret) -> Result<(), String> {
    if token.expose().bytes().all(|b| b.is_ascii_graphic()) {
        return Ok(());
    }
    Err("holds a line break, a space or another character that no token has; copy the token alone".to_owned())
}

/// Whether the address stays within this machine.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        None => false,
    }
}
