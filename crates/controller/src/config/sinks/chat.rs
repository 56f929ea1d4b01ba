//! `[[sink]]` of kind `chat`.

use std::path::PathBuf;

use evenkeel_core::Secret;
use evenkeel_sinks::chat::{Body, Config, Method, Preset, Settings};

use super::super::key::{Key, Section};
use super::super::table::{Table, Value};
use super::super::trust::{CA_FILE, CLIENT_CERT, CLIENT_KEY, PIN};
use super::super::value::{Read, word};
use super::shared::{ALLOW_LINK_LOCAL, Address, CLICK, HEADER, TIMEOUT, checked, header, timeout};

const URL: Key = Key::required(
    "url",
    "address or secret",
    "Where to send; most chat systems put their token into the path: then write it as a secret. `{id}` in the path \
     becomes the message's id, as Matrix wants it.",
);
pub(super) const METHOD: Key = Key::with_default("method", "`post` or `put`", "\"post\"", "How to send.");
pub(super) const FORMAT: Key = Key::optional(
    "format",
    "chat system",
    "`template` or `template_file` says what is sent",
    "`slack`, `discord`, `mattermost`, `teams` or `matrix`: what is sent is what the system takes.",
);
pub(super) const TEMPLATE: Key = Key::optional(
    "template",
    "text",
    "`format` says what is sent",
    "What is sent, for any other system: a template (Jinja) in which `{{ title }}` stands for a value *with* its quotes, \
     so that the body is JSON whatever the value is. See the page about sinks for the values.",
);
pub(super) const TEMPLATE_FILE: Key =
    Key::optional("template_file", "path", "`format` says what is sent", "A file with the template.");
pub(super) const CONTENT_TYPE: Key = Key::with_default(
    "content_type",
    "`application/json` or `text/plain`",
    "\"application/json\"",
    "What a template makes. In plain text values stand as they are.",
);

pub(in super::super) const SECTION: Section = Section {
    header: "[[sink]] kind = \"chat\"",
    doc: "A chat system, or anything else that takes a request with a body of its own form. Not signed: the address is \
          the secret.",
    keys: &[
        &URL,
        &FORMAT,
        &TEMPLATE,
        &TEMPLATE_FILE,
        &CONTENT_TYPE,
        &METHOD,
        &HEADER,
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

impl Read for Preset {
    fn read(value: &Value<'_>) -> Option<Self> {
        word(value, "a chat system", &Self::ALL.map(|preset| (preset.as_str(), preset)))
    }
}

impl Read for Method {
    fn read(value: &Value<'_>) -> Option<Self> {
        word(value, "a method", &[("post", Self::Post), ("put", Self::Put)])
    }
}

#[derive(Clone, Copy)]
enum ContentType {
    Json,
    Text,
}

impl Read for ContentType {
    fn read(value: &Value<'_>) -> Option<Self> {
        word(value, "a content type", &[("application/json", Self::Json), ("text/plain", Self::Text)])
    }
}

/// Reads the keys of this kind.
pub(super) fn read(table: &Table<'_>, name: Option<&str>) -> Option<Config> {
    let url = table.get::<Address>(&URL);
    let body = body(table);
    let usable = url.is_some() && body.is_some();
    let settings = Settings {
        name: name.unwrap_or("?").to_owned(),
        url: url.map_or_else(|| Secret::new("https://example.invalid/"), |Address(url)| url),
        method: table.get(&METHOD).unwrap_or_default(),
        body: body.unwrap_or(Body::Preset(Preset::Slack)),
        header: header(table),
        click: table.get(&CLICK),
        timeout: timeout(table),
        allow_link_local: table.get(&ALLOW_LINK_LOCAL).unwrap_or_default(),
    };
    checked(table, &SECTION, Config::new(settings)).filter(|_| usable)
}

fn body(table: &Table<'_>) -> Option<Body> {
    let written: Vec<&Key> =
        [&FORMAT, &TEMPLATE, &TEMPLATE_FILE].into_iter().filter(|key| table.has(key)).collect();
    match written.as_slice() {
        [] => {
            table.wrong(&FORMAT, "is missing; write format, template or template_file");
            return None;
        }
        [_] => {}
        [_, second, ..] => table.wrong(second, "stands beside another form; one of them is enough"),
    }
    let content = table.get(&CONTENT_TYPE);
    if table.has(&FORMAT) {
        if table.has(&CONTENT_TYPE) {
            table.wrong(&CONTENT_TYPE, "has no use beside format");
        }
        return table.get(&FORMAT).map(Body::Preset);
    }
    let source = match table.get::<String>(&TEMPLATE) {
        Some(source) => source,
        None => {
            let path: PathBuf = table.get(&TEMPLATE_FILE)?;
            match std::fs::read_to_string(&path) {
                Ok(source) => source,
                Err(error) => {
                    table.wrong(&TEMPLATE_FILE, format!("{} cannot be read: {error}", path.display()));
                    return None;
                }
            }
        }
    };
    Some(match content? {
        ContentType::Json => Body::Json(source),
        ContentType::Text => Body::Text(source),
    })
}
