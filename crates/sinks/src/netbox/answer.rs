//! What NetBox's answers mean. Pure: the time is an argument. Its texts are read and never repeated: what stands in a
//! proxy's page may be what it was sent.

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::wire::Refusal;
use crate::SinkError;
use crate::http::{Answer, Body, parse_retry_after};

/// How many of the fields that NetBox complains about are named.
const NAMED: usize = 5;

/// What was asked.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked<'a> {
    /// Scheme, host and port.
    pub(super) place: &'a str,
    /// Method and path, without a query.
    pub(super) what: &'a str,
    /// What NetBox wants for it, where it is more than a valid token.
    pub(super) permission: Option<&'static str>,
    /// The token itself must be one that may write.
    pub(super) writes: bool,
}

/// What a good answer says.
pub(super) fn read<T: DeserializeOwned>(
    answer: &Answer,
    asked: &Asked<'_>,
    now: Timestamp,
) -> Result<T, SinkError> {
    if !(200..=299).contains(&answer.status) {
        return Err(refusal(answer, asked, now));
    }
    let read = match &answer.body {
        Body::Whole(body) => serde_json::from_slice(body).ok(),
        Body::TooLong | Body::Unread => None,
    };
    // A login page or a proxy in between: nothing was understood, so nothing counts as done.
    read.ok_or_else(|| SinkError::Unavailable {
        why: format!("{} with what is no answer of netbox; is this its address?", said(answer, asked)),
    })
}

/// What a bad one says.
fn refusal(answer: &Answer, asked: &Asked<'_>, now: Timestamp) -> SinkError {
    let said = said(answer, asked);
    let wish = || answer.retry_after.as_deref().and_then(|text| parse_retry_after(text, now));
    match answer.status {
        300..=399 => SinkError::Rejected {
            why: format!(
                "{said}, a redirect; these are not followed with a token: configure the final address"
            ),
        },
        400 => SinkError::Rejected { why: format!("{said}: {}", complaint(&answer.body)) },
        401 => SinkError::Rejected {
            why: format!("{said}, which netbox never says: something in front of it wants a login"),
        },
        403 => SinkError::Rejected { why: format!("{said}: {}", forbidden(&answer.body, asked)) },
        // Never the answer of a NetBox that works: its list is always there. A proxy says so while NetBox is away.
        404 => SinkError::Unavailable { why: format!("{said}: is this netbox's address?") },
        408 | 425 => SinkError::Unavailable { why: said },
        429 => SinkError::Throttled { retry_after: wish(), why: said },
        402 | 405..=499 => SinkError::Rejected { why: said },
        _ => match wish() {
            Some(wish) => SinkError::Throttled { retry_after: Some(wish), why: said },
            None => SinkError::Unavailable { why: said },
        },
    }
}

fn said(answer: &Answer, asked: &Asked<'_>) -> String {
    format!("{} answered {} to {}", asked.place, answer.status, asked.what)
}

/// NetBox answers everything about credentials and rights with 403; only the text tells which.
fn forbidden(body: &Body, asked: &Asked<'_>) -> String {
    let refusal: Option<Refusal> = match body {
        Body::Whole(body) => serde_json::from_slice(body).ok(),
        Body::TooLong | Body::Unread => None,
    };
    let detail = refusal.map(|refusal| refusal.detail).unwrap_or_default();
    let lacks = match asked.permission {
        Some(permission) => format!("the token needs the permission {permission}"),
        None => "the token lacks a permission".to_owned(),
    };
    match detail.as_str() {
        "You do not have permission to perform this action." if asked.writes => {
            format!("{lacks} and must be one that may write")
        }
        "You do not have permission to perform this action." => lacks,
        "Authentication credentials were not provided." => {
            "netbox saw no token: one of the form nbt_… is known from 4.5 on, and a proxy may drop the header"
                .into()
        }
        "Token expired" => "the token has expired: make a new one, or extend it".into(),
        "Token disabled" => "the token is switched off in netbox".into(),
        text if text.starts_with("Invalid") => "the token is wrong or was deleted".into(),
        text if text.starts_with("Source IP") => "the token may not be used from this address".into(),
        _ => format!("the token is refused, or {lacks}"),
    }
}

/// Which fields NetBox does not take. Only names that fields can have are repeated.
fn complaint(body: &Body) -> String {
    let body: Option<Value> = match body {
        Body::Whole(body) => serde_json::from_slice(body).ok(),
        Body::TooLong | Body::Unread => None,
    };
    let Some(Value::Object(fields)) = body else {
        return "netbox does not take the request; is its host name among ALLOWED_HOSTS?".to_owned();
    };
    let is_field = |name: &&String| {
        name.len() <= 40 && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
    };
    let named: Vec<&str> = fields.keys().filter(is_field).take(NAMED).map(String::as_str).collect();
    match named.as_slice() {
        // How NetBox says that the object is gone by now.
        ["non_field_errors"] | [] => "netbox does not take the entry; is its object still there?".to_owned(),
        named => format!("netbox does not take {}", named.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::wire::Made;
    use super::*;

    const ASKED: Asked<'static> = Asked {
        place: "https://netbox.lan",
        what: "POST extras/journal-entries/",
        permission: Some("extras.add_journalentry"),
        writes: true,
    };

    fn judged(status: u16, body: &str) -> Result<Made, SinkError> {
        let answer = Answer { status, retry_after: None, body: Body::Whole(body.as_bytes().to_vec()) };
        read(&answer, &ASKED, Timestamp::UNIX_EPOCH)
    }

    fn detail(text: &str) -> String {
        json!({ "detail": text }).to_string()
    }

    fn rejected(status: u16, body: &str) -> String {
        match judged(status, body) {
            Err(SinkError::Rejected { why }) => why,
            other => panic!("not rejected: {other:?}"),
        }
    }

    #[test]
    fn only_what_was_made_counts_as_made() {
        assert!(judged(201, r#"{"id": 7}"#).is_ok());
        for body in ["<html>", r#"{"count": 0, "results": []}"#, "", r#"[{"id": 7}]"#] {
            assert!(matches!(judged(200, body), Err(SinkError::Unavailable { .. })), "{body}");
        }
    }

    #[test]
    fn a_refusal_names_the_permission_and_never_what_was_said() {
        let why = rejected(403, &detail("You do not have permission to perform this action."));
        assert!(why.contains("needs the permission extras.add_journalentry and must be one that may write"));
        assert!(rejected(403, &detail("Token expired")).contains("has expired"));
        for body in [detail("Authorization: Token hunter2 refused"), "<p>Token hunter2</p>".to_owned()] {
            let why = rejected(403, &body);
            assert!(!why.contains("hunter2") && why.contains("extras.add_journalentry"), "{why}");
        }
    }

    #[test]
    fn a_complaint_names_fields_and_nothing_else() {
        let why = rejected(400, r#"{"kind": ["drift is not a valid choice."], "Token hunter2": []}"#);
        assert!(why.ends_with("netbox does not take kind"), "{why}");
        let gone = rejected(400, r#"{"non_field_errors": ["Invalid assigned_object: dcim | device ID 7"]}"#);
        assert!(gone.ends_with("is its object still there?"), "{gone}");
        assert!(rejected(400, "<h1>Bad Request</h1>").contains("ALLOWED_HOSTS"));
    }

    #[test]
    fn what_may_pass_by_itself_is_tried_again() {
        for status in [404, 408, 500, 502, 503] {
            assert!(matches!(judged(status, "<html>"), Err(SinkError::Unavailable { .. })), "{status}");
        }
        let busy = Answer { status: 429, retry_after: Some("7".to_owned()), body: Body::Unread };
        let busy = read::<Made>(&busy, &ASKED, Timestamp::UNIX_EPOCH);
        assert!(
            matches!(busy, Err(SinkError::Throttled { retry_after: Some(wait), .. }) if wait.as_secs() == 7)
        );
        for status in [301, 401, 405, 413] {
            assert!(matches!(judged(status, ""), Err(SinkError::Rejected { .. })), "{status}");
        }
    }
}
