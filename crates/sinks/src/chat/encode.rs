//! From a message to a body, by a template. Pure.
//!
//! Right by construction: in a JSON body whatever a template writes with `{{ … }}` is written as a JSON value, quotes
//! included, by the formatter every value passes. There is no filter around it (`safe` and `autoescape` change nothing),
//! so no name can end a string. What comes out is parsed before it is sent.
//!
//! | a template sees | what it is |
//! | --- | --- |
//! | `title`, `text` | one line; the rest as plain text |
//! | `markdown` | the rest as Markdown, names escaped |
//! | `severity`, `tone`, `count` | `critical` …; `open`, `resolved`, `reminder`, `digest`, `notice`, `test`; how many events |
//! | `handle`, `link`, `more` | the drift's handle, its page (each may be none), a last line with the page |
//! | `sign`, `id`, `at` | a sign for the tone, the idempotency key, the time |
//! | `x\|slack`, `x\|markdown`, `x\|cut(n)` | escaped for Slack or Markdown; at most n characters |

use evenkeel_core::Severity;
use minijinja::value::Value;
use minijinja::{Environment, ErrorKind, Output, State, UndefinedBehavior};

use crate::http::Link;
use crate::message::{Message, Tone, escape_markdown};

/// What a template may do before it is stopped.
const FUEL: u64 = 100_000;
const NAME: &str = "body";

/// What a body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Json,
    Text,
}

/// A template that was read and tried.
#[derive(Clone)]
pub(super) struct Template {
    environment: Environment<'static>,
    kind: Kind,
}

impl Template {
    /// Reads it, and tries it on a message made of everything that could break a body.
    pub(super) fn new(source: &str, kind: Kind) -> Result<Self, String> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_fuel(Some(FUEL));
        match kind {
            Kind::Json => environment.set_formatter(write_json),
            Kind::Text => environment.set_formatter(write_text),
        }
        environment.add_filter("slack", |text: String| escape_slack(&text));
        environment.add_filter("markdown", |text: String| escape_markdown(&text));
        environment.add_filter("cut", |text: String, most: usize| cut(&text, most));
        environment.add_template_owned(NAME, source.to_owned()).map_err(|error| words(&error))?;
        let template = Self { environment, kind };
        template.render(&trial(), None)?;
        Ok(template)
    }

    pub(super) fn content_type(&self) -> &'static str {
        match self.kind {
            Kind::Json => "application/json",
            Kind::Text => "text/plain; charset=utf-8",
        }
    }

    /// The body of this message.
    pub(super) fn render(&self, message: &Message, link: Option<&Link>) -> Result<String, String> {
        let template = self.environment.get_template(NAME).map_err(|error| words(&error))?;
        let body = template.render(context(message, link)).map_err(|error| words(&error))?;
        if self.kind == Kind::Json {
            serde_json::from_str::<serde::de::IgnoredAny>(&body).map_err(|error| {
                format!("what it makes is no JSON ({error}); values bring their own quotes")
            })?;
        }
        Ok(body)
    }
}

impl std::fmt::Debug for Template {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Template").field("kind", &self.kind).finish_non_exhaustive()
    }
}

fn write_json(out: &mut Output<'_>, _: &mut State<'_, '_>, value: &Value) -> Result<(), minijinja::Error> {
    let json = serde_json::to_string(value).map_err(|error| broken(&error))?;
    out.write_str(&json).map_err(|error| broken(&error))
}

fn write_text(out: &mut Output<'_>, _: &mut State<'_, '_>, value: &Value) -> Result<(), minijinja::Error> {
    out.write_str(&value.to_string()).map_err(|error| broken(&error))
}

fn broken(error: &impl ToString) -> minijinja::Error {
    minijinja::Error::new(ErrorKind::WriteFailure, error.to_string())
}

fn context(message: &Message, link: Option<&Link>) -> Value {
    let link = link.map(|link| link.to(message.handle.as_deref()));
    let more = link.as_ref().map(|link| format!("\n{link}")).unwrap_or_default();
    minijinja::context! {
        id => message.id.clone(),
        title => message.title.clone(),
        text => message.text(),
        markdown => message.markdown(),
        severity => message.severity.as_str(),
        tone => message.tone.as_str(),
        sign => sign(message),
        handle => message.handle.clone(),
        count => message.count,
        at => message.at.to_string(),
        link => link,
        more => more,
    }
}

fn sign(message: &Message) -> &'static str {
    match message.tone {
        Tone::Resolved => "✅",
        Tone::Reminder => "⏳",
        Tone::Digest => "📝",
        Tone::Test => "🧪",
        Tone::Open | Tone::Notice => match message.severity {
            Severity::Critical => "🚨",
            Severity::High => "⚠️",
            Severity::Medium => "🔶",
            Severity::Low | Severity::Info => "ℹ️",
        },
    }
}

/// The three letters that begin or end markup for Slack.
fn escape_slack(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

/// Without the template's own text, which may hold a token.
fn words(error: &minijinja::Error) -> String {
    let line = error.line().map(|line| format!("line {line}: ")).unwrap_or_default();
    match error.detail() {
        Some(detail) => format!("{line}{}: {detail}", error.kind()),
        None => format!("{line}{}", error.kind()),
    }
}

/// A message to try a template on.
fn trial() -> Message {
    use crate::message::Line;
    let hostile = "\"},{\\\n</script> {{ x }} <!channel> *a*".to_owned();
    Message {
        id: "00000000-0000-7000-8000-000000000000".to_owned(),
        tone: Tone::Test,
        severity: Severity::High,
        title: hostile.clone(),
        lines: vec![Line::Text(hostile.clone()), Line::Item(hostile)],
        handle: Some("7K3M9Q2A".to_owned()),
        count: 1,
        at: jiff::Timestamp::UNIX_EPOCH,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value as Json;

    use super::*;
    use crate::chat::Preset;
    use crate::samples::{HOSTILE, hostile, message};

    fn json(source: &str, message: &Message) -> Json {
        let body = Template::new(source, Kind::Json).unwrap().render(message, None).unwrap();
        serde_json::from_str(&body).unwrap()
    }

    #[test]
    fn every_preset_is_json_for_hostile_names_and_calls_nobody() {
        let link = Link::new("https://evenkeel.lan/{handle}").unwrap();
        for preset in Preset::ALL {
            let template = Template::new(preset.template(), Kind::Json).unwrap();
            let body: Json =
                serde_json::from_str(&template.render(&Message::of(&hostile()), Some(&link)).unwrap())
                    .unwrap();
            let shown = body.to_string();
            assert!(!shown.contains("<!channel>") || preset == Preset::Matrix, "{shown}");
            insta::assert_json_snapshot!(format!("preset_{}", preset.as_str()), body);
        }
    }

    #[test]
    fn a_value_is_always_json_whatever_the_template_tries() {
        let hostile = Message { title: HOSTILE.to_owned(), ..message(Tone::Open) };
        for source in [
            r#"{"t": {{ title }}}"#,
            r#"{"t": {{ title|safe }}}"#,
            r#"{% autoescape false %}{"t": {{ title }}}{% endautoescape %}"#,
            r#"{"t": {{ title|escape }}}"#,
        ] {
            // A template may be refused; what it makes is never anything but the one string.
            if let Ok(template) = Template::new(source, Kind::Json) {
                let body: Json = serde_json::from_str(&template.render(&hostile, None).unwrap()).unwrap();
                assert_eq!(body.as_object().unwrap().len(), 1, "{source}");
                assert!(body["t"].is_string(), "{source}");
            }
        }
        assert_eq!(
            json(r#"{"t": {{ title }}, "n": {{ count }}, "h": {{ handle }}}"#, &hostile)["t"],
            HOSTILE
        );
    }

    #[test]
    fn a_template_that_cannot_work_is_found_before_anything_happens() {
        for (source, why) in [
            (r#"{"text": "{{ title }}"}"#, "values bring their own quotes"),
            (r#"{"text": {{ titel }}}"#, "undefined value"),
            (r#"{"text": {{ title"#, "syntax error"),
            (r#"{% for i in range(9999) %}{% for j in range(9999) %}.{% endfor %}{% endfor %}"#, "fuel"),
        ] {
            let told = Template::new(source, Kind::Json).unwrap_err();
            assert!(told.contains(why), "{source}: {told}");
        }
    }

    #[test]
    fn text_is_written_as_it_is() {
        let template = Template::new("{{ title }}\n{{ text }}", Kind::Text).unwrap();
        let body = template.render(&message(Tone::Open), None).unwrap();
        assert_eq!(body, "SERVICE_MISSING: freshrss on box2-daily\nExpected service freshrss.");
    }
}
