//! `[[sink]]`: where events go. What does not live here: what a webhook does with its settings.

use std::sync::Arc;

use evenkeel_core::Secret;
use evenkeel_sinks::webhook::{self, Settings, SuccessRule};
use serde_json::Value as Json;
use toml::de::DeValue;

use super::key::{Key, Section};
use super::table::{Table, Value};
use super::trust::CA_FILE;
use super::value::{Read, word};
use super::{SinkConfig, SinkFilter, SinkKind};

pub(super) const NAME: Key =
    Key::required("name", "text", "What it is called in logs, metrics and the outbox; once per file.");
const KIND: Key = Key::with_default("kind", "`webhook`", "\"webhook\"", "What it is. n8n is a webhook, too.");
const URL: Key = Key::required(
    "url",
    "address or secret",
    "Where to post. Many receivers put their token into the path: then write it as a secret.",
);
const SECRETS: Key = Key::optional(
    "secrets",
    "list of secrets",
    "deliveries are not signed",
    "What deliveries are signed with (Standard Webhooks): `whsec_` and base64, or 24 to 64 bytes of text. With several, \
     while one replaces another, each signs.",
);
const HEADER: Key = Key::optional(
    "header",
    "table",
    "none",
    "A header that is sent along, for receivers that compare one (n8n's \"Header Auth\"): \
     `{ name = \"X-Token\", value = { env = \"NAME\" } }`.",
);
const SUCCESS: Key = Key::with_default(
    "success",
    "`2xx`, `accepted` or table",
    "\"2xx\"",
    "What counts as delivered: any 2xx; or a 2xx whose JSON body says `accepted: true`, as the n8n workflow of evenkeel \
     does; or `{ field = \"/result/ok\", equals = true }` for another field. n8n answers 200 with nothing if a \
     workflow crashes.",
);
const TIMEOUT: Key = Key::with_default(
    "timeout",
    "duration",
    "\"15s\"",
    "How long the whole exchange may take; 60 s at most.",
);
const ALLOW_LINK_LOCAL: Key = Key::with_default(
    "allow_link_local",
    "true or false",
    "false",
    "Allow link-local and cloud metadata addresses.",
);
const FILTER: Key =
    Key::optional("filter", "table", "it gets every event", "Which events it gets: see `[sink.filter]`.");

/// `[[sink]]`.
pub(super) const SECTION: Section = Section {
    header: "[[sink]]",
    doc: "One destination of events. Every event is delivered at least once, in order for each drift; what cannot be \
          delivered stays visible. Without a sink evenkeel shows and measures, and tells nobody.",
    keys: &[&NAME, &KIND, &URL, &SECRETS, &HEADER, &SUCCESS, &TIMEOUT, &CA_FILE, &ALLOW_LINK_LOCAL, &FILTER],
    inherits: &[],
};

const HEADER_NAME: Key = Key::required("name", "text", "The header's name.");
const HEADER_VALUE: Key = Key::required("value", "secret", "Its value.");

/// `header = { … }`.
pub(super) const HEADER_SECTION: Section = Section {
    header: "[sink.header]",
    doc: "A header that is sent with every delivery.",
    keys: &[&HEADER_NAME, &HEADER_VALUE],
    inherits: &[],
};

const FIELD: Key = Key::required("field", "text", "A field's name, or a JSON pointer (`/result/accepted`).");
const EQUALS: Key = Key::optional(
    "equals",
    "text, number or true/false",
    "anything but null and false",
    "What the field must be.",
);

/// `success = { … }`.
pub(super) const SUCCESS_SECTION: Section = Section {
    header: "[sink.success]",
    doc: "The field of the answer that says whether the receiver has the event.",
    keys: &[&FIELD, &EQUALS],
    inherits: &[],
};

const TYPES: Key = Key::optional("types", "list of event types", "all", "Event types.");
const MIN_SEVERITY: Key = Key::optional("min_severity", "severity", "all", "The least severity.");
const TENANTS: Key = Key::optional("tenants", "list of globs", "all", "Slugs of tenants.");
const HOSTS: Key = Key::optional("hosts", "list of globs", "all", "Host names, with `*` and `?`.");
const TRANSITIONS: Key = Key::optional(
    "transitions",
    "list of transitions",
    "all",
    "`opened`, `reopened`, `changed`, `resolved`, `reminder`.",
);

/// `[sink.filter]`.
pub(super) const FILTER_SECTION: Section = Section {
    header: "[sink.filter]",
    doc: "Which events the destination gets. Within one list any entry suffices; all that is written must match.",
    keys: &[&TYPES, &MIN_SEVERITY, &TENANTS, &HOSTS, &TRANSITIONS],
    inherits: &[],
};

/// What can be posted to: an address in the file, or one that is a secret.
struct Address(Secret);

impl Read for Address {
    fn read(value: &Value<'_>) -> Option<Self> {
        match value.as_str() {
            Some(_) => String::read(value).map(Secret::new).map(Self),
            None => Secret::read(value).map(Self),
        }
    }
}

impl Read for SuccessRule {
    fn read(value: &Value<'_>) -> Option<Self> {
        if let DeValue::Table(_) = value.raw() {
            let table = value.table(&SUCCESS_SECTION)?;
            let (field, expected) = (table.get(&FIELD), table.get::<Scalar>(&EQUALS));
            return Some(Self::Ack { field: field?, expected: expected.map(|Scalar(json)| json) });
        }
        let accepted = word(value, "a sign of success", &[("2xx", false), ("accepted", true)])?;
        Some(if accepted { Self::accepted() } else { Self::Status2xx })
    }
}

struct Scalar(Json);

impl Read for Scalar {
    fn read(value: &Value<'_>) -> Option<Self> {
        let json = match value.raw() {
            DeValue::String(text) => Some(Json::from(text.as_ref())),
            DeValue::Boolean(flag) => Some(Json::from(*flag)),
            DeValue::Integer(number) => {
                i64::from_str_radix(number.as_str(), number.radix()).ok().map(Json::from)
            }
            DeValue::Float(number) => number.as_str().parse::<f64>().ok().map(Json::from),
            DeValue::Datetime(_) | DeValue::Array(_) | DeValue::Table(_) => None,
        };
        match json {
            Some(json) => Some(Self(json)),
            None => value.expected("a text, a number, true or false"),
        }
    }
}

impl Read for SinkTag {
    fn read(value: &Value<'_>) -> Option<Self> {
        word(value, "a kind of sink", &[("webhook", Self::Webhook)])
    }
}

#[derive(Clone, Copy)]
enum SinkTag {
    Webhook,
}

/// Reads one `[[sink]]`.
pub(super) fn read(table: &Table<'_>) -> Option<SinkConfig> {
    let name: Option<Arc<str>> = table.get(&NAME);
    let kind = table.get(&KIND);
    let filter = filter(&table.table(&FILTER, &FILTER_SECTION));
    // A kind that is not understood is noted; the rest is checked all the same.
    let kind = match kind.unwrap_or(SinkTag::Webhook) {
        SinkTag::Webhook => webhook(table, name.as_deref()).map(SinkKind::Webhook),
    };
    Some(SinkConfig { name: name?, kind: kind?, filter })
}

fn webhook(table: &Table<'_>, name: Option<&str>) -> Option<webhook::Config> {
    let url = table.get::<Address>(&URL);
    let secrets: Option<Vec<Secret>> = table.get(&SECRETS);
    let header = table.has(&HEADER).then(|| header(&table.table(&HEADER, &HEADER_SECTION)));
    let success = table.get(&SUCCESS);
    let timeout = table.get(&TIMEOUT);
    let ca_file = table.get(&CA_FILE);
    let allow_link_local = table.get(&ALLOW_LINK_LOCAL);
    // Where something is wrong already, the rest is checked all the same, with a stand-in for what is not there.
    let usable = url.is_some();
    let url = url.map_or_else(|| Secret::new("https://example.invalid/"), |Address(url)| url);
    let settings = Settings {
        name: name.unwrap_or("?").to_owned(),
        url,
        secrets: secrets.unwrap_or_default(),
        header: header.flatten(),
        success: success.unwrap_or(SuccessRule::Status2xx),
        timeout: timeout.unwrap_or(webhook::DEFAULT_TIMEOUT),
        ca_file,
        allow_link_local: allow_link_local.unwrap_or_default(),
    };
    match webhook::Config::new(settings) {
        Ok(config) => usable.then_some(config),
        Err(problems) => {
            for problem in problems {
                match [&URL, &SECRETS, &HEADER, &SUCCESS, &TIMEOUT, &CA_FILE, &NAME]
                    .into_iter()
                    .find(|key| key.name == problem.path)
                {
                    Some(key) => table.wrong(key, problem.why),
                    None => table.reader().error(table.place(), problem.to_string()),
                }
            }
            None
        }
    }
}

fn header(table: &Table<'_>) -> Option<(String, Secret)> {
    let (name, value) = (table.get(&HEADER_NAME), table.get(&HEADER_VALUE));
    Some((name?, value?))
}

fn filter(table: &Table<'_>) -> SinkFilter {
    for key in [&TYPES, &TENANTS, &HOSTS, &TRANSITIONS] {
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
        hosts: table.get(&HOSTS).unwrap_or_default(),
        transitions: table.get(&TRANSITIONS).unwrap_or_default(),
    }
}
