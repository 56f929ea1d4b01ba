//! What a webhook can be told, checked. What does not live here: how it is written in the configuration file.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use evenkeel_core::Secret;
use standardwebhooks::Webhook;

use crate::http::{
    DEFAULT_TIMEOUT, Mistakes, Problem, SuccessRule, Target, check_header, check_name, check_timeout,
    check_url,
};

/// Standard Webhooks asks for 24 to 64 bytes.
const KEY_BYTES: std::ops::RangeInclusive<usize> = 24..=64;

/// What the operator wrote, unchecked. Start from [`Settings::new`].
#[derive(Clone, Debug)]
pub struct Settings {
    /// The sink's name.
    pub name: String,
    /// Where to post. Treated as a secret: many receivers put their token into the path.
    pub url: Secret,
    /// Signing secrets: `whsec_` and base64, or raw text. With several (while one replaces another) each signs.
    pub secrets: Vec<Secret>,
    /// A static header, for receivers that compare one (n8n's "Header Auth").
    pub header: Option<(String, Secret)>,
    /// What counts as delivered.
    pub success: SuccessRule,
    /// How long the whole exchange may take.
    pub timeout: Duration,
    /// The authority that signed the receiver's certificate; instead of, not beside, the system's authorities.
    pub ca_file: Option<PathBuf>,
    /// Allows link-local and cloud metadata addresses.
    pub allow_link_local: bool,
}

impl Settings {
    /// A sink of this name for this address, everything else as it is by default.
    pub fn new(name: impl Into<String>, url: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            url: Secret::new(url),
            secrets: Vec::new(),
            header: None,
            success: SuccessRule::Status2xx,
            timeout: DEFAULT_TIMEOUT,
            ca_file: None,
            allow_link_local: false,
        }
    }
}

/// Settings that were checked.
#[derive(Clone)]
pub struct Config {
    name: String,
    target: Target,
    secrets: Vec<Secret>,
    success: SuccessRule,
}

impl Config {
    /// Checks everything and tells all mistakes at once.
    pub fn new(settings: Settings) -> Result<Self, Vec<Problem>> {
        let Settings { name, url, secrets, header, success, timeout, ca_file, allow_link_local } = settings;
        let mut mistakes = Mistakes::default();

        mistakes.note("name", check_name(&name));
        let url = mistakes.note("url", check_url(&url, allow_link_local));
        for (index, secret) in secrets.iter().enumerate() {
            let key = signing_key(secret).map_err(|why| format!("number {}: {why}", index + 1));
            mistakes.note("secrets", key);
        }
        let header = mistakes.note("header", header.map(check_header).transpose());
        if let SuccessRule::Ack { field, .. } = &success
            && field.trim().is_empty()
        {
            mistakes.add("success", "the name of the acknowledging field is empty");
        }
        mistakes.note("timeout", check_timeout(timeout));
        if let (Some(url), Some(_)) = (&url, &ca_file)
            && url.scheme() == "http"
        {
            mistakes.add("ca_file", "has no use with an http:// address");
        }
        mistakes.unless(url.zip(header).map(|(url, header)| {
            let target = Target { ca_file, header, ..Target::new(url, timeout, allow_link_local) };
            Self { name, target, secrets, success }
        }))
    }

    /// The sink's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Scheme, host and port: what of the address may be shown.
    pub fn place(&self) -> String {
        self.target.place()
    }

    /// Host and port, to try whether anybody is there.
    pub fn address(&self) -> (&str, u16) {
        self.target.address()
    }

    pub(super) fn target(&self) -> &Target {
        &self.target
    }

    /// What it signs with.
    pub fn secrets(&self) -> &[Secret] {
        &self.secrets
    }

    pub(super) fn success(&self) -> &SuccessRule {
        &self.success
    }
}

impl fmt::Debug for Config {
    /// Without the path and query of the address, and without secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("name", &self.name)
            .field("target", &self.target)
            .field("secrets", &self.secrets.len())
            .field("success", &self.success)
            .finish()
    }
}

/// The key in a secret. Raw text counts as its bytes: it need not be base64.
pub(super) fn signing_key(secret: &Secret) -> Result<Webhook, String> {
    let text = secret.expose();
    let (key, length) = match text.strip_prefix("whsec_") {
        // Three bytes per four characters, less the padding.
        Some(base64) => (Webhook::new(text), base64.trim_end_matches('=').len() * 3 / 4),
        None => (Webhook::from_bytes(text.as_bytes().to_vec()), text.len()),
    };
    let key = key.map_err(|_| "is not base64 after whsec_".to_owned())?;
    if !KEY_BYTES.contains(&length) {
        return Err(format!(
            "has {length} bytes, must have {} to {}; make one with: echo whsec_$(openssl rand -base64 32)",
            KEY_BYTES.start(),
            KEY_BYTES.end()
        ));
    }
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    fn problems(settings: Settings) -> Vec<String> {
        Config::new(settings)
            .map_or_else(|problems| problems.iter().map(ToString::to_string).collect(), |_| Vec::new())
    }

    fn at(url: &str) -> Settings {
        Settings::new("n8n", url)
    }

    #[test]
    fn addresses_of_a_homelab_are_taken() {
        for url in [
            "http://n8n.lan:5678/webhook/drift",
            "https://192.168.2.22/webhook/drift?team=ops",
            "http://127.0.0.1:5678/x",
            "http://[::1]:5678/x",
        ] {
            assert_eq!(problems(at(url)), Vec::<String>::new(), "{url}");
        }
    }

    #[test]
    fn addresses_that_are_none_of_ours_are_refused_without_being_quoted() {
        for (url, why) in [
            ("n8n.lan/hunter2", "url: is no address: relative URL without a base"),
            ("ftp://n8n.lan/hunter2", "url: must start with http:// or https://"),
            ("http://me:hunter2@n8n.lan/", "url: must not carry a user or password; use header"),
            ("http://hunter2@n8n.lan/", "url: must not carry a user or password; use header"),
            ("http://n8n.lan/#hunter2", "url: must not carry a fragment (#…)"),
        ] {
            assert_eq!(problems(at(url)), [why], "{url}");
        }
    }

    #[test]
    fn link_local_addresses_need_consent_in_every_spelling() {
        for url in [
            "http://169.254.169.254/latest",
            "http://2852039166/",
            "http://0xA9FEA9FE/",
            "http://0251.0376.0251.0376/",
            "http://[::ffff:169.254.169.254]/",
            "http://[fe80::1]/",
            "http://100.100.100.200/",
        ] {
            let why = "url: is a link-local or metadata address; set allow_link_local if that is meant";
            assert_eq!(problems(at(url)), [why], "{url}");
            assert!(Config::new(Settings { allow_link_local: true, ..at(url) }).is_ok(), "{url}");
        }
    }

    #[test]
    fn all_mistakes_are_told_at_once() {
        let settings = Settings {
            name: " ".into(),
            secrets: vec![Secret::new(SECRET), Secret::new("hunter2"), Secret::new("whsec_hunter2!")],
            header: Some(("Webhook-Id".into(), Secret::new("hunter2"))),
            success: SuccessRule::Ack { field: String::new(), expected: None },
            timeout: Duration::ZERO,
            ca_file: Some("ca.pem".into()),
            ..at("http://n8n.lan/")
        };
        let hint = "must have 24 to 64; make one with: echo whsec_$(openssl rand -base64 32)";
        assert_eq!(
            problems(settings),
            [
                "name: is empty".to_owned(),
                format!("secrets: number 2: has 7 bytes, {hint}"),
                "secrets: number 3: is not base64 after whsec_".to_owned(),
                "header: webhook-id is set by evenkeel itself".to_owned(),
                "success: the name of the acknowledging field is empty".to_owned(),
                "timeout: must be above zero and at most 60 s".to_owned(),
                "ca_file: has no use with an http:// address".to_owned(),
            ]
        );
    }

    #[test]
    fn a_header_value_with_a_line_break_is_refused_without_being_quoted() {
        let header = Some(("X-Token".to_owned(), Secret::new("hunter2\n")));
        let told = problems(Settings { header, ..at("http://n8n.lan/") });
        assert_eq!(
            told,
            ["header: the value has characters a header cannot carry (a line break at the end?)"]
        );
    }

    #[test]
    fn debug_shows_neither_secrets_nor_path_nor_query() {
        let settings = Settings {
            secrets: vec![Secret::new(SECRET)],
            header: Some(("X-Token".into(), Secret::new("hunter2"))),
            ..at("https://hooks.lan/services/T0KEN?key=hunter2")
        };
        let shown = format!("{settings:?}");
        let config = Config::new(settings).unwrap();
        let shown = format!("{shown} {config:?}");
        for secret in ["hunter2", "T0KEN", "MfKQ9r8"] {
            assert!(!shown.contains(secret), "{shown}");
        }
        assert_eq!(config.place(), "https://hooks.lan");
    }
}
