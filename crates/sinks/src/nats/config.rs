//! What a NATS sink can be told, checked. What does not live here: how it is written in the configuration file.

use std::time::Duration;

use evenkeel_core::Secret;
use url::Url;

use crate::http::{DEFAULT_TIMEOUT, Mistakes, Problem, check_name, check_timeout};

/// What is published below.
pub const DEFAULT_SUBJECT: &str = "evenkeel.events";
/// What notices are published below.
pub const DEFAULT_NOTICES: &str = "evenkeel.notices";
/// What the stream is called if evenkeel makes it.
pub const DEFAULT_STREAM: &str = "EVENKEEL";

/// Who we are to the server.
#[derive(Clone, Debug, Default)]
pub enum Login {
    /// Nobody in particular.
    #[default]
    Anonymous,
    /// The owner of a token.
    Token(Secret),
    /// A user.
    User {
        /// The name.
        name: String,
        /// The password.
        password: Secret,
    },
    /// The content of a `.creds` file: a JWT and the key that signs.
    Credentials(Secret),
}

/// What the operator wrote, unchecked. Start from [`Settings::new`].
#[derive(Clone, Debug)]
pub struct Settings {
    /// The sink's name.
    pub name: String,
    /// The servers of one cluster: `nats://host:4222` or `tls://host:4222`.
    pub servers: Vec<String>,
    /// What events are published below.
    pub subject: String,
    /// What notices are published below; `None`: it takes none.
    pub notices: Option<String>,
    /// The stream evenkeel makes if none takes the subject; `None`: the operator makes it.
    pub create_stream: Option<String>,
    /// Who we are.
    pub login: Login,
    /// How long connecting and each acknowledgement may take.
    pub timeout: Duration,
}

impl Settings {
    /// A sink of this name for these servers, everything else as it is by default.
    pub fn new(name: impl Into<String>, servers: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self {
            name: name.into(),
            servers: servers.into_iter().map(Into::into).collect(),
            subject: DEFAULT_SUBJECT.to_owned(),
            notices: None,
            create_stream: None,
            login: Login::Anonymous,
            timeout: DEFAULT_TIMEOUT,
        }
    }
}

/// Settings that were checked.
#[derive(Clone, Debug)]
pub struct Config {
    name: String,
    servers: Vec<Url>,
    subject: String,
    notices: Option<String>,
    create_stream: Option<String>,
    login: Login,
    timeout: Duration,
}

impl Config {
    /// Checks everything and tells all mistakes at once.
    pub fn new(settings: Settings) -> Result<Self, Vec<Problem>> {
        let Settings { name, servers, subject, notices, create_stream, login, timeout } = settings;
        let mut mistakes = Mistakes::default();
        mistakes.note("name", check_name(&name));
        if servers.is_empty() {
            mistakes.add("servers", "names no server");
        }
        let mut urls = Vec::new();
        for (index, server) in servers.iter().enumerate() {
            let url = check_server(server).map_err(|why| format!("number {}: {why}", index + 1));
            urls.extend(mistakes.note("servers", url));
        }
        mistakes.note("subject", check_subject(&subject));
        if let Some(below) = &notices {
            mistakes.note("notices_subject", check_subject(below));
            if overlap(below, &subject) {
                mistakes.add("notices_subject", "overlaps with `subject`; events and notices need one each");
            }
        }
        if let Some(stream) = &create_stream
            && (stream.is_empty()
                || !stream.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_'))
        {
            mistakes.add("stream", "is no name of a stream: letters, digits, `-` and `_`");
        }
        if let Login::Credentials(credentials) = &login
            && async_nats::ConnectOptions::with_credentials(credentials.expose()).is_err()
        {
            mistakes.add("credentials", "is not the content of a .creds file (a JWT and a seed)");
        }
        mistakes.note("timeout", check_timeout(timeout));
        let servers = urls;
        mistakes.unless(Some(Self { name, servers, subject, notices, create_stream, login, timeout }))
    }

    /// The sink's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The servers, as they may be shown.
    pub fn place(&self) -> String {
        self.servers.iter().map(Url::as_str).collect::<Vec<_>>().join(", ")
    }

    pub(super) fn servers(&self) -> &[Url] {
        &self.servers
    }

    pub(super) fn subject(&self) -> &str {
        &self.subject
    }

    pub(super) fn notices(&self) -> Option<&str> {
        self.notices.as_deref()
    }

    /// Every subject that is published to.
    pub(super) fn subjects(&self) -> Vec<String> {
        [Some(&self.subject), self.notices.as_ref()]
            .into_iter()
            .flatten()
            .map(|below| format!("{below}.>"))
            .collect()
    }

    pub(super) fn create_stream(&self) -> Option<&str> {
        self.create_stream.as_deref()
    }

    pub(super) fn login(&self) -> &Login {
        &self.login
    }

    pub(super) fn timeout(&self) -> Duration {
        self.timeout
    }
}

/// The text is not quoted: it may carry a password, which is the mistake.
fn check_server(text: &str) -> Result<Url, String> {
    let url = Url::parse(text.trim()).map_err(|error| format!("is no address: {error}"))?;
    if !matches!(url.scheme(), "nats" | "tls") {
        return Err("must start with nats:// or tls://".to_owned());
    }
    if url.host_str().is_none_or(str::is_empty) {
        return Err("names no host".to_owned());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("must not carry a user or password; use user and password, or token".to_owned());
    }
    if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
        return Err("has something after host and port".to_owned());
    }
    Ok(url)
}

/// Whether something could be published below both.
fn overlap(one: &str, other: &str) -> bool {
    let (one, other) = (format!("{one}."), format!("{other}."));
    one.starts_with(&other) || other.starts_with(&one)
}

fn check_subject(subject: &str) -> Result<(), String> {
    let fits = |token: &str| {
        !token.is_empty() && token.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
    };
    if !subject.split('.').all(fits) {
        return Err("is no subject: words of letters, digits, `-` and `_` with dots between them".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_and_notices_have_subjects_of_their_own() {
        let of = |subject: &str, notices: &str| {
            let settings = Settings {
                subject: subject.to_owned(),
                notices: Some(notices.to_owned()),
                ..Settings::new("bus", ["nats://nats.lan:4222"])
            };
            Config::new(settings).map(|config| config.subjects()).map_err(|problems| problems[0].to_string())
        };
        let both = ["evenkeel.events.>".to_owned(), "evenkeel.notices.>".to_owned()];
        assert_eq!(of(DEFAULT_SUBJECT, DEFAULT_NOTICES), Ok(both.to_vec()));
        for (subject, notices) in [("a", "a"), ("a", "a.b"), ("a.b", "a")] {
            let why = of(subject, notices).unwrap_err();
            assert!(why.starts_with("notices_subject: overlaps with `subject`"), "{why}");
        }
        assert!(of("a", "ab").is_ok());
        assert!(of("a", "b.*").unwrap_err().starts_with("notices_subject: is no subject"));
    }

    #[test]
    fn all_mistakes_are_told_at_once_and_none_quotes_a_secret() {
        let settings = Settings {
            subject: "evenkeel.>".into(),
            create_stream: Some("a.b".into()),
            login: Login::Credentials(Secret::new("hunter2")),
            timeout: Duration::ZERO,
            ..Settings::new(
                "bus",
                ["nats://me:hunter2@nats.lan", "http://hunter2", "nats://nats.lan/hunter2"],
            )
        };
        let told: Vec<_> = Config::new(settings).unwrap_err().iter().map(ToString::to_string).collect();
        assert_eq!(
            told,
            [
                "servers: number 1: must not carry a user or password; use user and password, or token",
                "servers: number 2: must start with nats:// or tls://",
                "servers: number 3: has something after host and port",
                "subject: is no subject: words of letters, digits, `-` and `_` with dots between them",
                "stream: is no name of a stream: letters, digits, `-` and `_`",
                "credentials: is not the content of a .creds file (a JWT and a seed)",
                "timeout: must be above zero and at most 60 s",
            ]
        );
    }
}
