//! Whom to trust over TLS: the keys every TLS-speaking part of the configuration shares.

use std::path::PathBuf;

use evenkeel_sources::http::{ClientIdentity, Fingerprint, Trust};

use super::key::Key;
use super::table::{Table, Value};
use super::value::Read;

pub(super) const CA_FILE: Key = Key::optional(
    "ca_file",
    "path",
    "the authorities of the platform are trusted",
    "PEM file of the authorities to trust instead of the platform's.",
);
pub(super) const PIN: Key = Key::optional(
    "pin",
    "fingerprint",
    "any certificate that a trusted authority signed is accepted",
    "SHA-256 of the one certificate to accept: for a self-signed certificate. `evenkeel doctor` prints it.",
);
pub(super) const CLIENT_CERT: Key = Key::optional(
    "client_cert",
    "path",
    "no certificate is shown",
    "PEM file of our own certificate, for a server that wants one. Needs `client_key`.",
);
pub(super) const CLIENT_KEY: Key = Key::optional(
    "client_key",
    "path",
    "no certificate is shown",
    "PEM file of the private key of `client_cert`.",
);

impl Read for Fingerprint {
    fn read(value: &Value<'_>) -> Option<Self> {
        match String::read(value)?.parse() {
            Ok(fingerprint) => Some(fingerprint),
            Err(error) => value.wrong(format!("is {error}")),
        }
    }
}

/// Reads the four keys. Files are named here and opened when the connection is built; that they exist is checked.
pub(super) fn read(table: &Table<'_>) -> Trust {
    let file = |key: &Key| table.checked(key, exists);
    let client_identity = match (file(&CLIENT_CERT), file(&CLIENT_KEY)) {
        (Some(cert), Some(key)) => Some(ClientIdentity { cert, key }),
        (Some(_), None) if !table.has(&CLIENT_KEY) => {
            table.wrong(&CLIENT_CERT, "needs its private key; add client_key");
            None
        }
        (None, Some(_)) if !table.has(&CLIENT_CERT) => {
            table.wrong(&CLIENT_KEY, "needs its certificate; add client_cert");
            None
        }
        (Some(_) | None, Some(_) | None) => None,
    };
    let pin = if table.knows(&PIN) { table.get(&PIN) } else { None };
    Trust { ca_file: file(&CA_FILE), pin, client_identity }
}

fn exists(path: &PathBuf) -> Result<(), String> {
    match std::fs::metadata(path) {
        Ok(found) if found.is_file() => Ok(()),
        Ok(_) => Err(format!("{} is not a file", path.display())),
        Err(error) => Err(format!("{} cannot be read: {error}", path.display())),
    }
}
