//! What a chat sink can be told, checked. What does not live here: how it is written in the configuration file.

use std::time::Duration;

use evenkeel_core::Secret;
use url::Url;

use super::encode::{Kind, Template};
use super::presets::Preset;
use crate::http::{
    DEFAULT_TIMEOUT, Link, Mistakes, Problem, Target, check_header, check_name, check_timeout, check_url,
};

/// `{id}` in an address, as it looks after the address was read.
const ID: &str = "%7Bid%7D";

/// What is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// The form of a known system.
    Preset(Preset),
    /// JSON by a template.
    Json(String),
    /// Plain text by a template.
    Text(String),
}

/// How it is sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Method {
    /// As nearly everything wants it.
    #[default]
    Post,
    /// As Matrix wants it.
    Put,
}

/// What the operator wrote, unchecked. Start from [`Settings::new`].
#[derive(Clone, Debug)]
pub struct Settings {
    /// The sink's name.
    pub name: String,
    /// Where to send; `{id}` in its path becomes the message's id. A secret: most such addresses are.
    pub url: Secret,
    /// How.
    pub method: Method,
    /// What.
    pub body: Body,
    /// A header that is sent along (`Authorization`, for Matrix).
    pub header: Option<(String, Secret)>,
    /// The page about a drift.
    pub click: Option<Link>,
    /// How long the whole exchange may take.
    pub timeout: Duration,
    /// Allows link-local and cloud metadata addresses.
    pub allow_link_local: bool,
}

impl Settings {
    /// A sink of this name for this address, everything else as it is by default.
    pub fn new(name: impl Into<String>, url: impl Into<String>, body: Body) -> Self {
        Self {
            name: name.into(),
            url: Secret::new(url),
            method: Method::Post,
            body,
            header: None,
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
    method: Method,
    template: Template,
    click: Option<Link>,
}

impl Config {
    /// Checks everything and tells all mistakes at once.
    pub fn new(settings: Settings) -> Result<Self, Vec<Problem>> {
        let Settings { name, url, method, body, header, click, timeout, allow_link_local } = settings;
        let mut mistakes = Mistakes::default();
        mistakes.note("name", check_name(&name));
        let url = mistakes.note("url", check_url(&url, allow_link_local));
        let template = match &body {
            Body::Preset(preset) => Template::new(preset.template(), Kind::Json),
            Body::Json(source) => Template::new(source, Kind::Json),
            Body::Text(source) => Template::new(source, Kind::Text),
        };
        let template = mistakes.note("template", template);
        let header = mistakes.note("header", header.map(check_header).transpose());
        mistakes.note("timeout", check_timeout(timeout));
        mistakes.unless(url.zip(template).zip(header).map(|((url, template), header)| {
            let target = Target { header, ..Target::new(url, timeout, allow_link_local) };
            Self { name, target, method, template, click }
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

    pub(super) fn template(&self) -> &Template {
        &self.template
    }

    pub(super) fn link(&self) -> Option<&Link> {
        self.click.as_ref()
    }

    /// Where this message goes, and how.
    pub(super) fn address_of(&self, id: &str) -> (reqwest::Method, Url) {
        let method = match self.method {
            Method::Post => reqwest::Method::POST,
            Method::Put => reqwest::Method::PUT,
        };
        let mut url = self.target.url.clone();
        // Only the path: an id cannot turn the request to another host.
        let path = url.path().replace(ID, id);
        url.set_path(&path);
        (method, url)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_mistakes_are_told_at_once_and_none_quotes_a_secret() {
        let settings = Settings {
            header: Some(("Authorization".into(), Secret::new("hunter2\n"))),
            ..Settings::new("room", "http://169.254.169.254/hunter2", Body::Json("{{ hunter2 }}".into()))
        };
        let told: Vec<_> = Config::new(settings).unwrap_err().iter().map(ToString::to_string).collect();
        assert_eq!(
            told,
            [
                "url: is a link-local or metadata address; set allow_link_local if that is meant",
                "template: line 1: undefined value",
                "header: the value has characters a header cannot carry (a line break at the end?)",
            ]
        );
    }

    #[test]
    fn the_id_goes_into_the_path_and_nowhere_else() {
        let url = "https://matrix.lan/rooms/!a:lan/send/m.room.message/{id}?q={id}";
        let config = Config::new(Settings {
            method: Method::Put,
            ..Settings::new("room", url, Body::Preset(Preset::Matrix))
        });
        let (method, url) = config.unwrap().address_of("0194-1");
        assert_eq!(method, reqwest::Method::PUT);
        assert_eq!(url.as_str(), "https://matrix.lan/rooms/!a:lan/send/m.room.message/0194-1?q={id}");
    }
}
