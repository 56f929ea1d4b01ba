//! What a NetBox sink can be told, checked. What does not live here: how it is written in the configuration file.

use std::time::Duration;

use evenkeel_core::Secret;
use reqwest::header::{AUTHORIZATION, HeaderValue};
use url::Url;

use crate::http::{DEFAULT_TIMEOUT, Link, Mistakes, Problem, Target, check_name, check_timeout, check_url};

/// What the operator wrote, unchecked. Start from [`Settings::new`].
#[derive(Clone, Debug)]
pub struct Settings {
    /// The sink's name.
    pub name: String,
    /// The base address, with a path where NetBox has one, without `/api/`.
    pub url: Secret,
    /// A token that may write: version 1, or 2 (`nbt_…`).
    pub token: Secret,
    /// Where an entry leads.
    pub click: Option<Link>,
    /// How long all requests for one entry together may take.
    pub timeout: Duration,
    /// Allows link-local and cloud metadata addresses.
    pub allow_link_local: bool,
}

impl Settings {
    /// A sink of this name for this NetBox, everything else as it is by default.
    pub fn new(name: impl Into<String>, url: impl Into<String>, token: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            url: Secret::new(url),
            token: Secret::new(token),
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
    target: Target,
    click: Option<Link>,
}

impl Config {
    /// Checks everything and tells all mistakes at once.
    pub fn new(settings: Settings) -> Result<Self, Vec<Problem>> {
        let Settings { name, url, token, click, timeout, allow_link_local } = settings;
        let mut mistakes = Mistakes::default();
        mistakes.note("name", check_name(&name));
        let url = mistakes.note("url", check_url(&url, allow_link_local));
        let authorization = mistakes.note("token", authorization(&token));
        mistakes.note("timeout", check_timeout(timeout));
        mistakes.unless(url.zip(authorization).map(|(url, authorization)| {
            let header = Some((AUTHORIZATION, authorization));
            let target = Target { header, ..Target::new(api_base(&url), timeout, allow_link_local) };
            Self { name, target, click }
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

    pub(super) fn link(&self) -> Option<&Link> {
        self.click.as_ref()
    }

    pub(super) fn timeout(&self) -> Duration {
        self.target.timeout
    }
}

/// NetBox up to 4.4 knows only the keyword `Token`, and later ones go by the form of the token.
fn authorization(token: &Secret) -> Result<HeaderValue, String> {
    let text = token.expose();
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        let why = "is empty, or holds a line break, a space or another character that no token has";
        return Err(why.to_owned());
    }
    let keyword = if text.starts_with("nbt_") { "Bearer" } else { "Token" };
    let mut value =
        HeaderValue::from_str(&format!("{keyword} {text}")).map_err(|_| "cannot be a header".to_owned())?;
    value.set_sensitive(true);
    Ok(value)
}

/// The address of the API: with a slash at its end, and forgiving about an `api/` that was pasted along.
fn api_base(url: &Url) -> Url {
    let path = url.path().trim_end_matches('/');
    let path = path.strip_suffix("/api").unwrap_or(path);
    let mut base = url.clone();
    base.set_query(None);
    base.set_path(&format!("{path}/api/"));
    base
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base(url: &str) -> String {
        Config::new(Settings::new("journal", url, "0123")).unwrap().target().url.to_string()
    }

    #[test]
    fn the_api_is_found_below_a_base_path_and_behind_a_pasted_api() {
        assert_eq!(base("https://h"), "https://h/api/");
        assert_eq!(base("https://h/netbox/"), "https://h/netbox/api/");
        assert_eq!(base("https://h/netbox/api/?x=1"), "https://h/netbox/api/");
    }

    #[test]
    fn all_mistakes_are_told_at_once() {
        let settings = Settings { timeout: Duration::ZERO, ..Settings::new(" ", "ftp://h", "a\nb") };
        let problems = Config::new(settings).unwrap_err();
        let paths: Vec<_> = problems.iter().map(|problem| problem.path).collect();
        assert_eq!(paths, ["name", "url", "token", "timeout"]);
    }

    #[test]
    fn debug_shows_no_token() {
        let settings = Settings::new("journal", "https://h", "nbt_hunter2.hunter2");
        let config = Config::new(settings.clone()).unwrap();
        let shown = format!("{settings:?} {config:?}");
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}
