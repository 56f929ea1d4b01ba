//! What a key of the configuration is: its name, the form of its value, what holds without it, and the sentence that
//! explains it. The reader refuses what is not listed here, and the reference is printed from it, so neither can know a
//! key that the other does not. What does not live here: the lists themselves; each stands beside the code that reads it.

/// One key.
#[derive(Debug)]
pub(super) struct Key {
    /// As written in the file.
    pub(super) name: &'static str,
    /// The form of its value, in words (`duration`, `list of globs`).
    pub(super) form: &'static str,
    /// What holds without it.
    pub(super) absent: Absent,
    /// What it does, in sentences.
    pub(super) doc: &'static str,
}

/// What holds where a key is not written.
#[derive(Clone, Copy, Debug)]
pub(super) enum Absent {
    /// A mistake: it must be written.
    Required,
    /// This value, as TOML.
    Default(&'static str),
    /// What the words say.
    Means(&'static str),
}

/// A table of the file and the keys that may stand in it.
#[derive(Debug)]
pub(super) struct Section {
    /// Its header (`[netbox.fields]`, `[[docker]]`).
    pub(super) header: &'static str,
    /// What it is for, in sentences.
    pub(super) doc: &'static str,
    /// Its keys, in the order of the reference.
    pub(super) keys: &'static [&'static Key],
    /// Keys of another table that may stand here, too.
    pub(super) inherits: &'static [&'static Key],
}

impl Section {
    /// Every key that may stand here.
    pub(super) fn all(&self) -> impl Iterator<Item = &'static Key> {
        self.keys.iter().chain(self.inherits).copied()
    }
}

impl Key {
    /// A key that must be written.
    pub(super) const fn required(name: &'static str, form: &'static str, doc: &'static str) -> Self {
        Self { name, form, absent: Absent::Required, doc }
    }

    /// A key with a default, given as TOML.
    pub(super) const fn with_default(
        name: &'static str,
        form: &'static str,
        default: &'static str,
        doc: &'static str,
    ) -> Self {
        Self { name, form, absent: Absent::Default(default), doc }
    }

    /// A key that may be left out, and what that means.
    pub(super) const fn optional(
        name: &'static str,
        form: &'static str,
        means: &'static str,
        doc: &'static str,
    ) -> Self {
        Self { name, form, absent: Absent::Means(means), doc }
    }
}

/// Keys that people bring along from other tools, and what stands in their place here.
pub(super) fn habit(name: &str) -> Option<&'static str> {
    Some(match name {
        "insecure"
        | "verify"
        | "verify_ssl"
        | "ssl_verify"
        | "tls_verify"
        | "validate_cert"
        | "validateCert"
        | "insecure_skip_verify"
        | "tls_skip_verify" => {
            "the certificate check cannot be switched off; pin a self-signed certificate with `pin` \
             (`evenkeel doctor` prints its fingerprint) or name its authority with `ca_file`"
        }
        "allow_remote" => {
            "listening beyond this machine takes a user, a token or a proxy in [access]; docs/access.md shows how"
        }
        "password" | "api_key" | "apikey" | "api_token" => {
            "a token is written as `token = { env = \"NAME\" }`"
        }
        _ => return None,
    })
}

/// The known word that was probably meant.
pub(super) fn meant<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    known
        .into_iter()
        .map(|candidate| (strsim::jaro_winkler(&word, &candidate.to_lowercase()), candidate))
        .filter(|(likeness, _)| *likeness >= 0.82)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_pen_is_recognised_and_a_stranger_is_not() {
        let known = ["endpoint", "host", "name", "timeout"];
        assert_eq!(meant("endpiont", known), Some("endpoint"));
        assert_eq!(meant("hosts", known), Some("host"));
        assert_eq!(meant("Timeout", known), Some("timeout"));
        assert_eq!(meant("colour", known), None);
    }
}
