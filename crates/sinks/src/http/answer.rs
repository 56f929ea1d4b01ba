//! What an answer means. Pure: the time (for a `Retry-After` that is a date) is an argument.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use crate::{Receipt, SinkError};

/// What counts as delivered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SuccessRule {
    /// Any 2xx.
    Status2xx,
    /// A 2xx whose JSON body acknowledges. For n8n, which answers 200 with nothing if a workflow crashes.
    Ack {
        /// A field's name, or a JSON pointer (`/result/accepted`).
        field: String,
        /// What it must be; without it anything but null and false will do.
        expected: Option<Value>,
    },
}

impl SuccessRule {
    /// The acknowledgement of the workflow evenkeel ships for n8n: `accepted: true`.
    pub fn accepted() -> Self {
        Self::Ack { field: "accepted".to_owned(), expected: Some(Value::Bool(true)) }
    }
}

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) retry_after: Option<String>,
    pub(crate) body: Body,
}

/// As much of the body as is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Body {
    /// Complete.
    Whole(Vec<u8>),
    /// More than is read.
    TooLong,
    /// Not read: the status says it all.
    Unread,
}

impl Answer {
    /// What became of the delivery. Bodies are never quoted: a receiver may echo what it was sent.
    pub(crate) fn outcome(
        &self,
        rule: &SuccessRule,
        place: &str,
        now: Timestamp,
    ) -> Result<Receipt, SinkError> {
        let status = self.status;
        let said = format!("{place} answered {status}");
        let wish = || self.retry_after.as_deref().and_then(|text| parse_retry_after(text, now));
        match status {
            200..=299 => match self.missing_acknowledgement(rule) {
                None => Ok(Receipt { status: Some(status) }),
                Some(what) => Err(SinkError::Unavailable { why: format!("{said} {what}") }),
            },
            300..=399 => Err(SinkError::Rejected {
                why: format!("{said}, a redirect; these are never followed: configure the final address"),
            }),
            // n8n answers so while it starts and while the workflow is switched off.
            404 => Err(SinkError::Unavailable {
                why: format!(
                    "{said}: nothing listens at this address (an inactive workflow? still starting?)"
                ),
            }),
            408 | 425 => Err(SinkError::Unavailable { why: said }),
            429 => Err(SinkError::Throttled { retry_after: wish(), why: said }),
            401 | 403 => Err(SinkError::Rejected { why: format!("{said}: secret or header refused") }),
            410 => Err(SinkError::Rejected { why: format!("{said}: the receiver is gone for good") }),
            400..=499 => Err(SinkError::Rejected { why: said }),
            _ => match wish() {
                Some(wish) => Err(SinkError::Throttled { retry_after: Some(wish), why: said }),
                None => Err(SinkError::Unavailable { why: said }),
            },
        }
    }

    fn missing_acknowledgement(&self, rule: &SuccessRule) -> Option<String> {
        let (field, expected) = match rule {
            SuccessRule::Status2xx => return None,
            SuccessRule::Ack { field, expected } => (field, expected),
        };
        let body = match &self.body {
            Body::Whole(body) => body,
            Body::TooLong => return Some("with a body that is too long to be an acknowledgement".to_owned()),
            Body::Unread => return Some(format!("without the acknowledgement `{field}`")),
        };
        let body: Option<Value> = serde_json::from_slice(body).ok();
        let found = body.as_ref().and_then(|body| match field.starts_with('/') {
            true => body.pointer(field),
            false => body.get(field),
        });
        let acknowledged = match (found, expected) {
            (Some(found), Some(expected)) => found == expected,
            (Some(found), None) => !matches!(found, Value::Null | Value::Bool(false)),
            (None, _) => false,
        };
        (!acknowledged).then(|| format!("without the acknowledgement `{field}`"))
    }
}

/// Both forms: seconds, or a date (which is then a wait from now, at least none).
pub(crate) fn parse_retry_after(text: &str, now: Timestamp) -> Option<Duration> {
    let text = text.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = jiff::fmt::rfc2822::parse(text).ok()?.timestamp();
    Some(Duration::try_from(date.duration_since(now)).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const PLACE: &str = "http://n8n.lan:5678";

    fn outcome(status: u16, body: &str, rule: &SuccessRule) -> Result<Receipt, SinkError> {
        let answer = Answer { status, retry_after: None, body: Body::Whole(body.as_bytes().to_vec()) };
        answer.outcome(rule, PLACE, Timestamp::UNIX_EPOCH)
    }

    fn word(outcome: Result<Receipt, SinkError>) -> &'static str {
        match outcome {
            Ok(_) => "delivered",
            Err(SinkError::Unavailable { .. }) => "unavailable",
            Err(SinkError::Throttled { .. }) => "throttled",
            Err(SinkError::Rejected { .. }) => "rejected",
        }
    }

    #[test]
    fn every_status_has_one_meaning() {
        for (statuses, expected) in [
            (vec![200, 201, 202, 204, 299], "delivered"),
            (vec![301, 302, 303, 304, 307, 308], "rejected"),
            (vec![400, 401, 402, 403, 405, 409, 410, 413, 415, 422], "rejected"),
            (vec![404, 408, 425, 500, 501, 502, 503, 504, 599], "unavailable"),
            (vec![429], "throttled"),
        ] {
            for status in statuses {
                assert_eq!(word(outcome(status, "", &SuccessRule::Status2xx)), expected, "{status}");
            }
        }
    }

    #[test]
    fn a_200_without_a_body_is_no_acknowledgement() {
        assert_eq!(
            outcome(200, "", &SuccessRule::accepted()),
            Err(SinkError::Unavailable {
                why: "http://n8n.lan:5678 answered 200 without the acknowledgement `accepted`".into()
            })
        );
    }

    #[test]
    fn only_the_expected_value_acknowledges() {
        let rule = SuccessRule::accepted();
        assert_eq!(outcome(202, r#"{"accepted":true}"#, &rule), Ok(Receipt { status: Some(202) }));
        for body in [
            r#"{"accepted":false}"#,
            r#"{"accepted":"true"}"#,
            r#"{"message":"Workflow was started"}"#,
            "[]",
            "true",
        ] {
            assert_eq!(word(outcome(200, body, &rule)), "unavailable", "{body}");
        }
    }

    #[test]
    fn without_an_expected_value_anything_but_null_and_false_acknowledges() {
        let rule = SuccessRule::Ack { field: "id".into(), expected: None };
        assert_eq!(word(outcome(200, r#"{"id":"4711"}"#, &rule)), "delivered");
        assert_eq!(word(outcome(200, r#"{"id":0}"#, &rule)), "delivered");
        assert_eq!(word(outcome(200, r#"{"id":null}"#, &rule)), "unavailable");
        assert_eq!(word(outcome(200, r#"{"id":false}"#, &rule)), "unavailable");
    }

    #[test]
    fn a_pointer_reaches_into_the_body() {
        let rule = SuccessRule::Ack { field: "/result/0/state".into(), expected: Some(json!("queued")) };
        assert_eq!(word(outcome(200, r#"{"result":[{"state":"queued"}]}"#, &rule)), "delivered");
        assert_eq!(word(outcome(200, r#"{"state":"queued"}"#, &rule)), "unavailable");
    }

    #[test]
    fn a_body_that_is_too_long_acknowledges_nothing_and_does_not_matter_without_the_rule() {
        let answer = Answer { status: 200, retry_after: None, body: Body::TooLong };
        let of = |rule| answer.outcome(&rule, PLACE, Timestamp::UNIX_EPOCH);
        assert_eq!(word(of(SuccessRule::accepted())), "unavailable");
        assert_eq!(word(of(SuccessRule::Status2xx)), "delivered");
    }

    #[test]
    fn retry_after_is_read_in_both_forms() {
        let now: Timestamp = "1994-11-06T08:49:07Z".parse().unwrap();
        assert_eq!(parse_retry_after(" 120 ", now), Some(Duration::from_secs(120)));
        assert_eq!(parse_retry_after("Sun, 06 Nov 1994 08:49:37 GMT", now), Some(Duration::from_secs(30)));
        assert_eq!(parse_retry_after("Sun, 06 Nov 1994 08:00:00 GMT", now), Some(Duration::ZERO));
        for text in ["", "-5", "soon", "1.5"] {
            assert_eq!(parse_retry_after(text, now), None, "{text}");
        }
    }

    #[test]
    fn a_server_error_that_names_a_wait_is_a_request_for_patience() {
        let answer = Answer { status: 503, retry_after: Some("7".into()), body: Body::Unread };
        let why = "http://n8n.lan:5678 answered 503".to_owned();
        assert_eq!(
            answer.outcome(&SuccessRule::Status2xx, PLACE, Timestamp::UNIX_EPOCH),
            Err(SinkError::Throttled { retry_after: Some(Duration::from_secs(7)), why })
        );
    }
}
