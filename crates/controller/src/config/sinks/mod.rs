//! `[[sink]]`: where events go, one file per kind. What does not live here: what a sink does with its settings.

pub(super) mod alertmanager;
pub(super) mod chat;
pub(super) mod nats;
pub(super) mod netbox;
pub(super) mod ntfy;
pub(super) mod people;
pub(super) mod shared;
pub(super) mod webhook;

use std::sync::Arc;

use super::key::{Key, Section};
use super::netbox::INSECURE_HTTP;
use super::table::{Table, Value};
use super::trust;
use super::value::{Read, word};
use super::{SinkConfig, SinkFilter, SinkKind};

use crate::deliver::people::Manners;
use evenkeel_sources::netbox::Config as NetboxConfig;

pub(super) use shared::HEADER_SECTION;
pub(super) use webhook::SUCCESS_SECTION;

pub(super) const NAME: Key =
    Key::required("name", "text", "What it is called in logs, metrics and the outbox; once per file.");
const KIND: Key = Key::with_default(
    "kind",
    "kind of sink",
    "\"webhook\"",
    "`webhook` (n8n is one), `ntfy`, `alertmanager`, `nats`, `chat` or `netbox_journal`. Each takes the keys of its kind \
     below.",
);
const FILTER: Key =
    Key::optional("filter", "table", "it gets every event", "Which events it gets: see `[sink.filter]`.");

const NOTICES: Key = Key::with_default(
    "notices",
    "true or false",
    "false",
    "Whether it is told what remediation has to say: that the brake is on or off, that a proposal waits for approval, that \
     a person is needed. See docs/remediation.md. An Alertmanager takes none.",
);

/// `[[sink]]`.
pub(super) const SECTION: Section = Section {
    header: "[[sink]]",
    doc: "One destination of events and notices. Every event is delivered at least once, in order for each drift; what cannot be \
          delivered stays visible. Without a sink evenkeel shows and measures, and tells nobody.",
    keys: &[&NAME, &KIND, &FILTER, &NOTICES],
    inherits: &[],
};

/// Every key that a sink of some kind takes; which of them fit the kind is checked once the kind is known.
pub(super) const ANY: Section = Section {
    header: "[[sink]]",
    doc: "",
    keys: &[
        &NAME,
        &KIND,
        &FILTER,
        &NOTICES,
        &ntfy::URL,
        &webhook::SECRETS,
        &shared::HEADER,
        &webhook::SUCCESS,
        &shared::TIMEOUT,
        &trust::CA_FILE,
        &trust::PIN,
        &trust::CLIENT_CERT,
        &trust::CLIENT_KEY,
        &shared::ALLOW_LINK_LOCAL,
        &ntfy::TOPIC,
        &shared::TOKEN,
        &shared::USER,
        &shared::PASSWORD,
        &shared::CLICK,
        &alertmanager::URLS,
        &alertmanager::LABELS,
        &alertmanager::REPEAT,
        &nats::SERVERS,
        &nats::SUBJECT,
        &nats::NOTICES_SUBJECT,
        &nats::CREDENTIALS,
        &nats::CREATE_STREAM,
        &nats::STREAM,
        &chat::METHOD,
        &chat::FORMAT,
        &chat::TEMPLATE,
        &chat::TEMPLATE_FILE,
        &chat::CONTENT_TYPE,
        &INSECURE_HTTP,
    ],
    inherits: people::SECTION.keys,
};

const TYPES: Key = Key::optional("types", "list of event types", "all", "Event types.");
const MIN_SEVERITY: Key = Key::optional("min_severity", "severity", "all", "The least severity.");
const TENANTS: Key = Key::optional("tenants", "list of globs", "all", "Slugs of tenants.");
const TAGS: Key =
    Key::optional("tags", "list of globs", "all", "Slugs of tags, of the host or of the service.");
const HOSTS: Key = Key::optional("hosts", "list of globs", "all", "Host names, with `*` and `?`.");
const TRANSITIONS: Key = Key::optional(
    "transitions",
    "list of transitions",
    "all",
    "`opened`, `reopened`, `changed`, `resolved`, `reminder`. An Alertmanager takes all of them; NetBox's journal takes \
     `opened`, `reopened` and `resolved` unless something is written here.",
);

/// `[sink.filter]`.
pub(super) const FILTER_SECTION: Section = Section {
    header: "[sink.filter]",
    doc: "Which events the destination gets. Within one list any entry suffices; all that is written must match.",
    keys: &[&TYPES, &MIN_SEVERITY, &TENANTS, &TAGS, &HOSTS, &TRANSITIONS],
    inherits: &[],
};

#[derive(Clone, Copy)]
enum SinkTag {
    Webhook,
    Ntfy,
    Alertmanager,
    Nats,
    Chat,
    NetboxJournal,
}

impl SinkTag {
    fn section(self) -> &'static Section {
        match self {
            Self::Webhook => &webhook::SECTION,
            Self::Ntfy => &ntfy::SECTION,
            Self::Alertmanager => &alertmanager::SECTION,
            Self::Nats => &nats::SECTION,
            Self::Chat => &chat::SECTION,
            Self::NetboxJournal => &netbox::SECTION,
        }
    }
}

impl SinkTag {
    /// Why a sink of this kind cannot be told notices, if so.
    fn refuses_notices(self) -> Option<&'static str> {
        match self {
            Self::Alertmanager => Some(
                "does not fit an Alertmanager: an alert is a drift that opens and ends, and a notice is neither",
            ),
            Self::NetboxJournal => Some(
                "does not fit NetBox's journal: an entry is about an object that drifted, and a notice may be about none",
            ),
            Self::Webhook | Self::Ntfy | Self::Nats | Self::Chat => None,
        }
    }
}

impl Read for SinkTag {
    fn read(value: &Value<'_>) -> Option<Self> {
        let kinds = [
            ("webhook", Self::Webhook),
            ("ntfy", Self::Ntfy),
            ("alertmanager", Self::Alertmanager),
            ("nats", Self::Nats),
            ("chat", Self::Chat),
            ("netbox_journal", Self::NetboxJournal),
        ];
        word(value, "a kind of sink", &kinds)
    }
}

/// Reads one `[[sink]]`. `intent` is what `[netbox]` says, where that is right.
pub(super) fn read(table: &Table<'_>, intent: Option<&NetboxConfig>) -> Option<SinkConfig> {
    let name: Option<Arc<str>> = table.get(&NAME);
    let tag = table.get(&KIND);
    let filter_table = table.table(&FILTER, &FILTER_SECTION);
    let filter = filter(&filter_table);
    if let Some(tag) = tag {
        table.refuse_beyond(&[&SECTION, SinkTag::section(tag)]);
    }
    // A kind that is not understood is noted; the rest is checked all the same.
    let (tag, known) = (tag.unwrap_or(SinkTag::Webhook), tag.is_some());
    let called = name.as_deref();
    let notices = table.get(&NOTICES).unwrap_or(false);
    if let Some(why) = SinkTag::refuses_notices(tag).filter(|_| notices) {
        table.wrong(&NOTICES, why);
    }
    let kind = match tag {
        SinkTag::Webhook => webhook::read(table, called).map(SinkKind::Webhook),
        SinkTag::Ntfy => ntfy::read(table, called).map(SinkKind::Ntfy),
        SinkTag::Alertmanager => {
            if !filter.transitions.is_empty() {
                let why = "does not fit an Alertmanager: an alert that opens must also end";
                filter_table.wrong(&TRANSITIONS, why);
            }
            alertmanager::read(table, called).map(SinkKind::Alertmanager)
        }
        SinkTag::Nats => nats::read(table, called, notices).map(SinkKind::Nats),
        SinkTag::Chat => chat::read(table, called).map(Box::new).map(SinkKind::Chat),
        SinkTag::NetboxJournal => netbox::read(table, called, intent).map(SinkKind::NetboxJournal),
    };
    let trust = match tag {
        // It opens its CA file itself.
        SinkTag::Webhook => evenkeel_sources::http::Trust::default(),
        SinkTag::NetboxJournal => netbox::trust(table, intent),
        SinkTag::Ntfy | SinkTag::Alertmanager | SinkTag::Nats | SinkTag::Chat => trust::read(table),
    };
    let manners = match tag {
        SinkTag::Ntfy | SinkTag::Chat => people::read(table),
        SinkTag::Webhook | SinkTag::Alertmanager | SinkTag::Nats | SinkTag::NetboxJournal => {
            Manners::default()
        }
    };
    let filter = match tag {
        SinkTag::NetboxJournal => netbox::narrowed(&filter_table, filter),
        SinkTag::Webhook | SinkTag::Ntfy | SinkTag::Alertmanager | SinkTag::Nats | SinkTag::Chat => filter,
    };
    Some(SinkConfig { name: name?, kind: kind.filter(|_| known)?, filter, notices, trust, manners })
}

fn filter(table: &Table<'_>) -> SinkFilter {
    for key in [&TYPES, &TENANTS, &TAGS, &HOSTS, &TRANSITIONS] {
        if table.is_empty_list(key) {
            table.wrong(
                key,
                "is an empty list, which would mean `all`; leave the key out or name what is meant",
            );
        }
    }
    SinkFilter {
        types: table.get(&TYPES).unwrap_or_default(),
        min_severity: table.get(&MIN_SEVERITY),
        tenants: table.get(&TENANTS).unwrap_or_default(),
        tags: table.get(&TAGS).unwrap_or_default(),
        hosts: table.get(&HOSTS).unwrap_or_default(),
        transitions: table.get(&TRANSITIONS).unwrap_or_default(),
    }
}
