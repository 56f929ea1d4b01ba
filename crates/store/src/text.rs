//! How hashes and identities are spelled in a database, and how stored text is read back.

use evenkeel_core::identity::hosts::NetboxRef;
use evenkeel_core::model::HostKind;
use jiff::Timestamp;
use uuid::Uuid;

use crate::error::{Error, Result};

/// A 128-bit hash.
pub(crate) fn hex(hash: u128) -> String {
    format!("{hash:032x}")
}

/// A NetBox object.
pub(crate) fn identity(reference: NetboxRef) -> String {
    let kind = match reference.0 {
        HostKind::Device => "device",
        HostKind::VirtualMachine => "vm",
    };
    format!("{kind}:{}", reference.1)
}

/// Reads stored text back; what cannot be read is corrupt, and says where it stood.
pub(crate) struct Reading<'a> {
    /// The database.
    pub(crate) at: &'a str,
    /// Table and column.
    pub(crate) column: &'static str,
}

impl Reading<'_> {
    pub(crate) fn moment(&self, text: &str) -> Result<Timestamp> {
        text.parse().map_err(|error: jiff::Error| self.bad(text, error))
    }

    pub(crate) fn moments(&self, text: Option<&str>) -> Result<Option<Timestamp>> {
        text.map(|text| self.moment(text)).transpose()
    }

    pub(crate) fn hash(&self, text: &str) -> Result<u128> {
        u128::from_str_radix(text, 16).map_err(|error| self.bad(text, error))
    }

    pub(crate) fn uuid(&self, text: &str) -> Result<Uuid> {
        text.parse().map_err(|error: uuid::Error| self.bad(text, error))
    }

    pub(crate) fn identity(&self, text: &str) -> Result<NetboxRef> {
        let parsed = text.split_once(':').and_then(|(kind, id)| {
            let kind = match kind {
                "device" => HostKind::Device,
                "vm" => HostKind::VirtualMachine,
                _ => return None,
            };
            Some((kind, id.parse().ok()?))
        });
        parsed.ok_or_else(|| self.bad(text, "neither device:ID nor vm:ID"))
    }

    pub(crate) fn word<T>(&self, text: &str, parse: impl FnOnce(&str) -> Option<T>) -> Result<T> {
        parse(text).ok_or_else(|| self.bad(text, "not a known word"))
    }

    pub(crate) fn json<T: serde::de::DeserializeOwned>(&self, text: &str) -> Result<T> {
        serde_json::from_str(text).map_err(|error| self.bad("its JSON", error))
    }

    fn bad(&self, text: &str, error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
        Error::corrupt(self.at, format!("{} ({text})", self.column), error)
    }
}
