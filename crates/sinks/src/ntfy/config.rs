//! What an ntfy sink can be told, checked. What does not live here: how it is written in the configuration file.

use std::time::Duration;

use evenkeel_core::Secret;

use crate::http::{
    DEFAULT_TIMEOUT, Link, Login, Mistakes, Problem, Target, check_login, check_name, check_timeout,
    check_url,
};

/// What the operator wrote, unchecked. Start from [`Settings::new`].
#[derive(Clone, Debug)]
pub struct Settings {
    /// The sink's name.
    pub name: String,
    /// The server, without the topic.
    pub url: Secret,
    /// The topic. On a server that anybody may read it is as good as a password.
    pub topic: Secret,
    /// Who we are.
    pub login: Login,
    /// What a tap on the message opens.
    pub click: Option<Link>,
    /// How long the whole exchange may take.
    pub timeout: Duration,
    /// Allows link-local and cloud metadata addresses.
    pub allow_link_local: bool,
}

impl Settings {
    /// A sink of this name for this topic, everything else as it is by default.
    pub fn new(name: impl Into<String>, url: impl Into<String>, topic: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            url: Secret::new(url),
            topic: Secret::new(topic),
            login: Login::Anonymous,
            click: None,
            timeout: DEFAULT_TIMEOUT,
            allow_link_local: false,
        }
    }
}

/// Settings that were checked.
#[derive(Clone, Debug)]
pub struct Config {
    name: String,
    topic: Secret,
    target: Target,
    click: Option<Link>,
}

impl Config {
    /// Checks everything and tells all mistakes at once.
    pub fn new(settings: Settings) -> Result<Self, Vec<Problem>> {
        let Settings { name, url, topic, login, click, timeout, allow_link_local } = settings;
        let mut mistakes = Mistakes::default();
        mistakes.note("name", check_name(&name));
        let url = mistakes.note("url", check_url(&url, allow_link_local));
        mistakes.note("topic", check_topic(topic.expose()));
        check_login(&login, &mut mistakes);
        mistakes.note("timeout", check_timeout(timeout));
        mistakes.unless(url.map(|url| {
            let target = Target { login, ..Target::new(url, timeout, allow_link_local) };
            Self { name, topic, target, click }
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

    pub(super) fn topic(&self) -> &str {
        self.topic.expose()
    }

    pub(super) fn link(&self) -> Option<&Link> {
        self.click.as_ref()
    }
}

/// As ntfy has it: 1 to 64 letters, digits, `_` and `-`.
fn check_topic(topic: &str) -> Result<(), String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if topic.is_empty() || topic.len() > 64 || !topic.chars().all(fits) {
        return Err("is no topic: 1 to 64 letters, digits, `_` and `-`".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_mistakes_are_told_at_once_and_none_quotes_a_secret() {
        let settings = Settings {
            name: String::new(),
            login: Login::Token(Secret::new("hunter2\n")),
            timeout: Duration::ZERO,
            ..Settings::new("x", "http://me:hunter2@ntfy.lan/", "hunter2/hunter2")
        };
        let told: Vec<_> = Config::new(settings).unwrap_err().iter().map(ToString::to_string).collect();
        assert_eq!(
            told,
            [
                "name: is empty",
                "url: must not carry a user or password; use header",
                "topic: is no topic: 1 to 64 letters, digits, `_` and `-`",
                "token: has characters a header cannot carry (a line break at the end?)",
                "timeout: must be above zero and at most 60 s",
            ]
        );
    }

    #[test]
    fn debug_shows_neither_topic_nor_login() {
        let settings = Settings {
            login: Login::User { name: "ada".into(), password: Secret::new("hunter2") },
            ..Settings::new("phone", "https://ntfy.lan", "t0p1c")
        };
        let shown = format!("{settings:?} {:?}", Config::new(settings.clone()).unwrap());
        assert!(!shown.contains("hunter2") && !shown.contains("t0p1c"), "{shown}");
    }
}
