//! What an Alertmanager sink can be told, checked. What does not live here: how it is written in the configuration file.

use std::collections::BTreeMap;
use std::time::Duration;

use evenkeel_core::Secret;

use super::encode::{Dress, OWN_LABELS};
use crate::http::{
    DEFAULT_TIMEOUT, Link, Login, Mistakes, Problem, Target, check_login, check_name, check_timeout,
    check_url,
};

/// How often what is open is repeated.
pub const DEFAULT_REPEAT: Duration = Duration::from_secs(60);
const REPEATS: std::ops::RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(3600);

/// What the operator wrote, unchecked. Start from [`Settings::new`].
#[derive(Clone, Debug)]
pub struct Settings {
    /// The sink's name.
    pub name: String,
    /// The servers, each without `/api/v2`.
    pub urls: Vec<Secret>,
    /// Who we are.
    pub login: Login,
    /// What the alert's source link opens.
    pub click: Option<Link>,
    /// Labels that every alert carries.
    pub labels: BTreeMap<String, String>,
    /// How often what is open is repeated.
    pub repeat: Duration,
    /// How long the whole exchange may take.
    pub timeout: Duration,
    /// Allows link-local and cloud metadata addresses.
    pub allow_link_local: bool,
}

impl Settings {
    /// A sink of this name for these servers, everything else as it is by default.
    pub fn new(name: impl Into<String>, urls: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self {
            name: name.into(),
            urls: urls.into_iter().map(Secret::new).collect(),
            login: Login::Anonymous,
            click: None,
            labels: BTreeMap::new(),
            repeat: DEFAULT_REPEAT,
            timeout: DEFAULT_TIMEOUT,
            allow_link_local: false,
        }
    }
}

/// Settings that were checked.
#[derive(Clone, Debug)]
pub struct Config {
    name: String,
    targets: Vec<Target>,
    dress: Dress,
    repeat: Duration,
}

impl Config {
    /// Checks everything and tells all mistakes at once.
    pub fn new(settings: Settings) -> Result<Self, Vec<Problem>> {
        let Settings { name, urls, login, click, labels, repeat, timeout, allow_link_local } = settings;
        let mut mistakes = Mistakes::default();
        mistakes.note("name", check_name(&name));
        if urls.is_empty() {
            mistakes.add("urls", "names no server");
        }
        let mut targets = Vec::new();
        for (index, url) in urls.iter().enumerate() {
            let url = check_url(url, allow_link_local).map_err(|why| format!("number {}: {why}", index + 1));
            if let Some(mut url) = mistakes.note("urls", url) {
                let path = format!("{}/api/v2/alerts", url.path().trim_end_matches('/'));
                url.set_path(&path);
                let login = login.clone();
                targets.push(Target { login, ..Target::new(url, timeout, allow_link_local) });
            }
        }
        check_login(&login, &mut mistakes);
        for (label, value) in &labels {
            mistakes.note("labels", check_label(label, value).map_err(|why| format!("`{label}` {why}")));
        }
        if !REPEATS.contains(&repeat) {
            mistakes.add("repeat", "must be from 1 s to 1 h");
        }
        mistakes.note("timeout", check_timeout(timeout));
        mistakes.unless(Some(Self { name, targets, dress: Dress { labels, link: click }, repeat }))
    }

    /// The sink's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Scheme, host and port of each server: what of the addresses may be shown.
    pub fn places(&self) -> Vec<String> {
        self.targets.iter().map(Target::place).collect()
    }

    /// Host and port of each server, to try whether anybody is there.
    pub fn addresses(&self) -> impl Iterator<Item = (&str, u16)> {
        self.targets.iter().map(Target::address)
    }

    pub(super) fn targets(&self) -> &[Target] {
        &self.targets
    }

    pub(super) fn dress(&self) -> &Dress {
        &self.dress
    }

    pub(super) fn repeat(&self) -> Duration {
        self.repeat
    }
}

fn check_label(name: &str, value: &str) -> Result<(), String> {
    let first = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    if !first || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
        return Err("is no label's name: letters, digits and `_`, no digit first".to_owned());
    }
    if OWN_LABELS.contains(&name) {
        return Err("is set by evenkeel itself".to_owned());
    }
    if value.is_empty() {
        return Err("is empty, which is the same as not being there".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_mistakes_are_told_at_once_and_none_quotes_a_secret() {
        let settings = Settings {
            labels: [("severity", "x"), ("9", "x"), ("team", "")].map(|(k, v)| (k.into(), v.into())).into(),
            repeat: Duration::ZERO,
            login: Login::User { name: "a:b".into(), password: Secret::new("hunter2") },
            ..Settings::new("alerts", ["http://am.lan:9093", "hunter2"])
        };
        let told: Vec<_> = Config::new(settings).unwrap_err().iter().map(ToString::to_string).collect();
        assert_eq!(
            told,
            [
                "urls: number 2: is no address: relative URL without a base",
                "user: must not have a colon in it",
                "labels: `9` is no label's name: letters, digits and `_`, no digit first",
                "labels: `severity` is set by evenkeel itself",
                "labels: `team` is empty, which is the same as not being there",
                "repeat: must be from 1 s to 1 h",
            ]
        );
        let nobody = Config::new(Settings::new("alerts", Vec::<String>::new())).unwrap_err();
        assert_eq!(nobody[0].to_string(), "urls: names no server");
    }

    #[test]
    fn the_path_of_a_server_behind_a_proxy_stays_in_front() {
        let config = Config::new(Settings::new("alerts", ["http://lan/am/", "http://am:9093"])).unwrap();
        let urls: Vec<_> = config.targets().iter().map(|target| target.url.as_str()).collect();
        assert_eq!(urls, ["http://lan/am/api/v2/alerts", "http://am:9093/api/v2/alerts"]);
    }
}
