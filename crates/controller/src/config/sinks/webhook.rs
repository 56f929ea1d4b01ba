//! `[[sink]]` of kind `webhook`: n8n, and whatever takes a POST of the event.

use evenkeel_core::Secret;
use evenkeel_sinks::webhook::{self, Settings, SuccessRule};
use serde_json::Value as Json;
use toml::de::DeValue;

use super::super::key::{Key, Section};
use super::super::table::{Table, Value};
use super::super::trust::CA_FILE;
use super::super::value::{Read, word};
use super::shared::{ALLOW_LINK_LOCAL, Address, HEADER, TIMEOUT, checked, header, timeout};

pub(in super::super) const URL: Key = Key::required(
    "url",
    "address or secret",
    "Where to post. Many receivers put their token into the path: then write it as a secret.",
);
pub(in super::super) const SECRETS: Key = Key::optional(
    "secrets",
    "list of secrets",
    "deliveries are not signed",
    "What deliveries are signed with (Standard Webhooks): `whsec_` and base64, or 24 to 64 bytes of text. With several, \
     while one replaces another, each signs.",
);
pub(in super::super) const SUCCESS: Key = Key::with_default(
    "success",
    "`2xx`, `accepted` or table",
    "\"2xx\"",
    "What counts as delivered: any 2xx; or a 2xx whose JSON body says `accepted: true`, as the n8n workflow of evenkeel \
     does; or `{ field = \"/result/ok\", equals = true }` for another field. n8n answers 200 with nothing if a \
     workflow crashes.",
);

/// `[[sink]]` of this kind.
pub(in super::super) const SECTION: Section = Section {
    header: "[[sink]] kind = \"webhook\"",
    doc: "n8n, or anything else that takes a POST: the event in its canonical form, signed.",
    keys: &[&URL, &SECRETS, &HEADER, &SUCCESS, &TIMEOUT, &CA_FILE, &ALLOW_LINK_LOCAL],
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
pub(in super::super) const SUCCESS_SECTION: Section = Section {
    header: "[sink.success]",
    doc: "The field of the answer that says whether the receiver has the event.",
    keys: &[&FIELD, &EQUALS],
    inherits: &[],
};

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

/// Reads the keys of this kind.
pub(super) fn read(table: &Table<'_>, name: Option<&str>) -> Option<webhook::Config> {
    read_in(table, name, &SECTION, &SUCCESS)
}

/// Reads the same keys where they stand in another table; what counts as success differs in its default.
pub(in super::super) fn read_in(
    table: &Table<'_>,
    name: Option<&str>,
    section: &Section,
    success: &Key,
) -> Option<webhook::Config> {
    let url = table.get::<Address>(&URL);
    let secrets: Option<Vec<Secret>> = table.get(&SECRETS);
    let header = header(table);
    let success = table.get(success);
    let timeout = timeout(table);
    let ca_file = table.get(&CA_FILE);
    let allow_link_local = table.get(&ALLOW_LINK_LOCAL);
    // Where something is wrong already, the rest is checked all the same, with a stand-in for what is not there.
    let usable = url.is_some();
    let url = url.map_or_else(|| Secret::new("https://example.invalid/"), |Address(url)| url);
    let settings = Settings {
        name: name.unwrap_or("?").to_owned(),
        url,
        secrets: secrets.unwrap_or_default(),
        header,
        success: success.unwrap_or(SuccessRule::Status2xx),
        timeout,
        ca_file,
        allow_link_local: allow_link_local.unwrap_or_default(),
    };
    checked(table, section, webhook::Config::new(settings)).filter(|_| usable)
}
