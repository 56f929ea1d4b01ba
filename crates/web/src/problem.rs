//! What went wrong, told the way RFC 9457 (`application/problem+json`) tells it. Not here: when something is wrong.

use std::fmt::Write;

use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use evenkeel_store::Error as StoreError;
use serde::Serialize;
use tracing::{debug, warn};

use crate::push::Remark;
use crate::repairs::RepairTrouble;
use crate::silences::SilenceTrouble;

/// The kinds of trouble, each with its status. The word ends up in `type`, and clients may rely on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A parameter is unknown, repeated, empty or not among the accepted values.
    BadParameter,
    /// A cursor of no list, or of another one.
    BadCursor,
    /// The path is not valid text.
    BadPath,
    /// No such route.
    UnknownPath,
    /// The route is there, the thing is not.
    NotFound,
    /// Everything here is read-only.
    WrongMethod,
    /// The address is too long.
    TooLong,
    /// Called by a name that is not ours.
    UnknownHost,
    /// The store does not answer, or cannot be used.
    StoreUnavailable,
    /// The store cannot read back what it holds.
    StoreCorrupt,
    /// No answer within the time allowed.
    TimedOut,
    /// An answer could not be put into words.
    Internal,
    /// No token, or one that is nobody's.
    Unauthorized,
    /// Known, but not allowed to do this.
    Forbidden,
    /// The body is too large.
    TooLarge,
    /// The body is not JSON.
    NotJson,
    /// What the body says cannot be taken.
    Refused,
    /// What the body asks for cannot be understood.
    BadBody,
    /// Things do not stand so that it could be done.
    Conflict,
    /// Its time is up.
    Gone,
    /// Sending is all that is possible here.
    OnlyPost,
    /// Another replica does what was asked for.
    OnlyReads,
    /// Nobody has said yet what there is.
    NotKnownYet,
    /// As many as can be served are.
    Busy,
    /// Somebody asks too often.
    TooOften,
}

impl Kind {
    /// Every kind.
    pub(crate) const ALL: [Self; 25] = [
        Self::BadParameter,
        Self::BadCursor,
        Self::BadPath,
        Self::UnknownPath,
        Self::NotFound,
        Self::WrongMethod,
        Self::TooLong,
        Self::UnknownHost,
        Self::StoreUnavailable,
        Self::StoreCorrupt,
        Self::TimedOut,
        Self::Internal,
        Self::Unauthorized,
        Self::Forbidden,
        Self::TooLarge,
        Self::NotJson,
        Self::Refused,
        Self::BadBody,
        Self::Conflict,
        Self::Gone,
        Self::OnlyPost,
        Self::OnlyReads,
        Self::NotKnownYet,
        Self::Busy,
        Self::TooOften,
    ];

    /// The word that ends up in `type`.
    pub(crate) fn word(self) -> &'static str {
        self.parts().1
    }

    fn parts(self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Self::BadParameter => {
                (StatusCode::BAD_REQUEST, "bad-parameter", "A parameter cannot be understood")
            }
            Self::BadCursor => {
                (StatusCode::BAD_REQUEST, "bad-cursor", "The cursor does not belong to this list")
            }
            Self::BadPath => (StatusCode::BAD_REQUEST, "bad-path", "The path cannot be understood"),
            Self::UnknownPath => (StatusCode::NOT_FOUND, "unknown-path", "There is nothing at this path"),
            Self::NotFound => (StatusCode::NOT_FOUND, "not-found", "There is no such thing"),
            Self::WrongMethod => (StatusCode::METHOD_NOT_ALLOWED, "wrong-method", "Only reading is possible"),
            Self::TooLong => (StatusCode::URI_TOO_LONG, "too-long", "The address is too long"),
            Self::UnknownHost => {
                (StatusCode::MISDIRECTED_REQUEST, "unknown-host", "Not called by a known name")
            }
            Self::StoreUnavailable => {
                (StatusCode::SERVICE_UNAVAILABLE, "store-unavailable", "The store is unavailable")
            }
            Self::StoreCorrupt => {
                (StatusCode::INTERNAL_SERVER_ERROR, "store-corrupt", "The store is corrupt")
            }
            Self::TimedOut => (StatusCode::SERVICE_UNAVAILABLE, "timed-out", "No answer in time"),
            Self::Internal => {
                (StatusCode::INTERNAL_SERVER_ERROR, "internal", "The answer could not be written")
            }
            Self::Unauthorized => (StatusCode::UNAUTHORIZED, "unauthorized", "A token is needed"),
            Self::Forbidden => (StatusCode::FORBIDDEN, "forbidden", "This takes another role"),
            Self::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "too-large", "The body is too large"),
            Self::NotJson => (StatusCode::BAD_REQUEST, "not-json", "The body cannot be read"),
            Self::Refused => (StatusCode::UNPROCESSABLE_ENTITY, "refused", "The observations are refused"),
            Self::BadBody => (StatusCode::UNPROCESSABLE_ENTITY, "bad-body", "The body cannot be understood"),
            Self::Conflict => {
                (StatusCode::CONFLICT, "conflict", "Things do not stand so that it could be done")
            }
            Self::Gone => (StatusCode::GONE, "gone", "Its time is up"),
            Self::OnlyPost => (StatusCode::METHOD_NOT_ALLOWED, "only-post", "Only sending is possible"),
            Self::OnlyReads => {
                (StatusCode::SERVICE_UNAVAILABLE, "only-reads", "Another replica takes what is sent")
            }
            Self::TooOften => (StatusCode::TOO_MANY_REQUESTS, "too-often", "Too many requests"),
            Self::Busy => (StatusCode::SERVICE_UNAVAILABLE, "busy", "Too many at once"),
            Self::NotKnownYet => (StatusCode::SERVICE_UNAVAILABLE, "not-known-yet", "Nothing is known yet"),
        }
    }
}

/// A refusal or failure, with the one sentence that helps to mend it.
#[derive(Debug)]
pub(crate) struct Problem {
    kind: Kind,
    detail: String,
    refused: Vec<Remark>,
}

#[derive(Serialize)]
struct Body<'a> {
    r#type: String,
    title: &'a str,
    status: u16,
    detail: &'a str,
    #[serde(skip_serializing_if = "<[Remark]>::is_empty")]
    refused: &'a [Remark],
}

impl Problem {
    /// Trouble of this kind.
    pub(crate) fn new(kind: Kind, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into(), refused: Vec::new() }
    }

    /// The same, with what is wrong line by line.
    pub(crate) fn with_refused(self, refused: Vec<Remark>) -> Self {
        Self { refused, ..self }
    }

    /// What kind of trouble it is.
    pub(crate) fn kind(&self) -> Kind {
        self.kind
    }

    /// The status that says so.
    pub(crate) fn status(&self) -> StatusCode {
        self.kind.parts().0
    }

    /// The sentence that helps to mend it.
    pub(crate) fn detail(&self) -> &str {
        &self.detail
    }

    /// A parameter whose value is not among the accepted ones.
    pub(crate) fn bad_value(name: &str, value: &str, accepted: &[&str]) -> Self {
        let mut detail = format!("parameter `{name}`: {} is not accepted; ", quoted(value));
        match accepted {
            [one] => detail.push_str(&format!("it takes {one}")),
            many => {
                detail.push_str("accepted values: ");
                detail.push_str(&many.join(", "));
            }
        }
        Self::new(Kind::BadParameter, detail)
    }
}

/// What a client sent, cut short: a problem repeats enough to be recognised and no more.
pub(crate) fn quoted(value: &str) -> String {
    const SHOWN: usize = 80;
    let mut text = String::from("`");
    text.extend(value.chars().take(SHOWN));
    if value.chars().nth(SHOWN).is_some() {
        text.push('…');
    }
    text.push('`');
    text
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (status, word, title) = self.kind.parts();
        let body = Body {
            r#type: format!("urn:evenkeel:problem:{word}"),
            title,
            status: status.as_u16(),
            detail: &self.detail,
            refused: &self.refused,
        };
        let json = serde_json::to_vec(&body).unwrap_or_default();
        let mut response = (status, json).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("5"));
        }
        response
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        let mut detail = error.to_string();
        let mut cause = std::error::Error::source(&error);
        while let Some(inner) = cause {
            // Writing to a String cannot fail.
            let _ = write!(detail, ": {inner}");
            cause = inner.source();
        }
        // A store that is away is reported by those who write to it; a client that keeps asking adds nothing.
        if error.is_transient() {
            debug!(error = %detail, "a request could not be answered from the store");
        } else {
            warn!(error = %detail, "a request could not be answered from the store");
        }
        // Only the sentence meant for people leaves; the database's own words stay in the log.
        let kind = if matches!(error, StoreError::Corrupt { .. }) {
            Kind::StoreCorrupt
        } else {
            Kind::StoreUnavailable
        };
        Self::new(kind, error.to_string())
    }
}

/// The answer where no route is.
pub(crate) async fn unknown_path(uri: Uri) -> Problem {
    Problem::new(
        Kind::UnknownPath,
        format!("there is nothing at {}; the API begins at /api/v1/", quoted(uri.path())),
    )
}

/// The answer where the route is, but not for this method.
pub(crate) async fn wrong_method(method: Method, uri: Uri) -> Problem {
    Problem::new(
        Kind::WrongMethod,
        format!("{} is read-only: GET or HEAD, not {}", quoted(uri.path()), quoted(method.as_str())),
    )
}

impl From<RepairTrouble> for Problem {
    fn from(trouble: RepairTrouble) -> Self {
        let kind = match trouble {
            RepairTrouble::Unknown(_) => Kind::NotFound,
            RepairTrouble::Refused(_) => Kind::Conflict,
            RepairTrouble::Over(_) => Kind::Gone,
            RepairTrouble::Away(_) => Kind::StoreUnavailable,
        };
        Self::new(kind, trouble.to_string())
    }
}

impl From<SilenceTrouble> for Problem {
    fn from(trouble: SilenceTrouble) -> Self {
        let kind = match trouble {
            SilenceTrouble::Wrong(_) => Kind::BadBody,
            SilenceTrouble::Unknown(_) => Kind::NotFound,
            SilenceTrouble::Refused(_) => Kind::Conflict,
            SilenceTrouble::Away(_) => Kind::StoreUnavailable,
        };
        Self::new(kind, trouble.to_string())
    }
}
