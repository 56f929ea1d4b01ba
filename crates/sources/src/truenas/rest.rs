//! REST v2.0: up to 25.10, where it raises an alert a day; gone in 26. What does not live here: when it is used.

use std::time::Duration;

use evenkeel_core::{Gap, GapKind, Secret};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use reqwest::{Method, Request, StatusCode};
use serde_json::Value;
use url::Url;

use super::question::Question;
use super::refusal::Refused;
use super::{Config, Error};
use crate::http::{self, Retry, Timeouts};

/// A connection for questions by path.
pub(super) struct Rest {
    http: reqwest::Client,
    base: Url,
    place: String,
    authorization: HeaderValue,
}

impl std::fmt::Debug for Rest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rest").field("place", &self.place).finish_non_exhaustive()
    }
}

impl Rest {
    pub(super) fn new(config: &Config, base: &Url) -> Result<Self, Error> {
        let timeouts =
            Timeouts { connect: config.timeout, total: Some(config.timeout), ..Timeouts::default() };
        let key = config.api_key.as_ref().map(Secret::expose).unwrap_or_default();
        // Checked to be printable ASCII with the settings.
        let mut authorization = HeaderValue::from_str(&format!("Bearer {key}")).map_err(|_| Error::Key)?;
        authorization.set_sensitive(true);
        let http = http::client(&config.trust, &timeouts)?;
        Ok(Self { http, base: base.clone(), place: config.address.to_string(), authorization })
    }

    pub(super) async fn ask(&self, question: Question) -> Result<Value, Refused> {
        let (path, query) = match question.path().split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (question.path(), None),
        };
        let mut url = self.base.clone();
        url.set_path(&format!("/api/v2.0/{path}"));
        url.set_query(query);
        let mut request = Request::new(Method::GET, url);
        request.headers_mut().insert(AUTHORIZATION, self.authorization.clone());
        let retry = Retry { times: 1, first: Duration::from_millis(100), longest: Duration::from_secs(1) };
        let answer =
            http::fetch(&self.http, &request, &retry, http::MAX_BODY).await.map_err(Refused::Failed)?;
        let failed = |kind, why: &str| {
            Refused::Failed(Gap::new(kind, format!("{}: GET /api/v2.0/{path}: {why}", self.place)))
        };
        let kind = answer.headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
        match answer.status {
            StatusCode::OK if kind.starts_with(b"application/json") => {}
            StatusCode::OK => {
                return Err(failed(GapKind::Malformed, "the answer is not json; is this TrueNAS?"));
            }
            StatusCode::UNAUTHORIZED => return Err(Refused::logged_out(&self.place, question)),
            StatusCode::FORBIDDEN => return Err(Refused::denied(&self.place, question)),
            StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => {
                return Err(Refused::no_such_method(&self.place, question));
            }
            status => return Err(failed(GapKind::Unreachable, status.as_str())),
        }
        serde_json::from_slice(&answer.body).map_err(|error| {
            if error.is_eof() {
                failed(GapKind::Truncated, "the answer ends early")
            } else {
                failed(GapKind::Malformed, "the answer is not json")
            }
        })
    }
}
