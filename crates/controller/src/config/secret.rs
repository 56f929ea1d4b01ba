//! Secrets of the configuration: where they are, never what they are. What does not live here: keeping them secret
//! afterwards; that is [`evenkeel_core::Secret`].

use std::fs;

use evenkeel_core::Secret;
use toml::de::DeValue;

use super::key::{Key, Section};
use super::table::Value;
use super::value::Read;

pub(super) const ENV: Key =
    Key::optional("env", "text", "the secret is in a file", "The variable that holds the secret.");
pub(super) const FILE: Key =
    Key::optional("file", "path", "the secret is in the environment", "The file that holds the secret.");

pub(super) const SECTION: Section = Section {
    header: "{ env = … } or { file = … }",
    doc: "A secret is never written in the configuration. `{ env = \"NAME\" }` takes it from the environment, \
          `{ file = \"/path\" }` from a file (a Docker or Kubernetes secret, a systemd credential). White space at \
          its end is dropped; an empty secret is a mistake.",
    keys: &[&ENV, &FILE],
    inherits: &[],
};

const HOW: &str = "use { env = \"NAME\" } or { file = \"/path\" }";

impl Read for Secret {
    fn read(value: &Value<'_>) -> Option<Self> {
        match value.raw() {
            // The text is not repeated: it is the secret.
            DeValue::String(_) => {
                return value.wrong(format!("secrets are not written in the configuration; {HOW}"));
            }
            DeValue::Table(_) => {}
            DeValue::Integer(_)
            | DeValue::Float(_)
            | DeValue::Boolean(_)
            | DeValue::Datetime(_)
            | DeValue::Array(_) => return value.wrong(format!("is not a secret; {HOW}")),
        }
        let table = value.table(&SECTION)?;
        match (table.get::<String>(&ENV), table.get::<std::path::PathBuf>(&FILE)) {
            (Some(_), Some(_)) => value.wrong("names a variable and a file; one of the two is enough"),
            (Some(name), None) => match value.reader().env(&name) {
                None => value.wrong(format!("the environment has no variable {}; set it", shown(&name))),
                Some(text) => kept(value, &text, &format!("the variable {name}")),
            },
            (None, Some(path)) => match fs::read_to_string(&path) {
                Err(error) => value.wrong(format!("the file {} cannot be read: {error}", path.display())),
                Ok(text) => kept(value, &text, &format!("the file {}", path.display())),
            },
            // A mistake within the table is noted already; only an empty one is not.
            (None, None) if !table.has(&ENV) && !table.has(&FILE) => {
                value.wrong(format!("says nothing; {HOW}"))
            }
            (None, None) => None,
        }
    }
}

/// A variable's name, if it looks like one: somebody may have put the secret itself in its place.
fn shown(name: &str) -> &str {
    let is_usual =
        name.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_');
    if is_usual { name } else { "of this name (which is not repeated, in case it is the secret itself)" }
}

fn kept(value: &Value<'_>, text: &str, from: &str) -> Option<Secret> {
    let text = text.trim_end();
    if text.is_empty() {
        return value.wrong(format!("{from} is empty"));
    }
    Some(Secret::new(text))
}
