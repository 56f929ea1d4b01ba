//! The answers to whoever may not come in. Not here: when that is so.

use axum::http::HeaderValue;
use axum::http::header::WWW_AUTHENTICATE;
use axum::response::{IntoResponse, Response};

use crate::problem::{Kind, Problem};

/// Why somebody may not come in.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// They have not said who they are, or what they showed is nobody's.
    Unknown(String),
    /// They are known, and it is not for them; or something failed.
    Problem(Problem),
}

impl Refusal {
    /// They have not said who they are.
    pub(crate) fn unknown(detail: impl Into<String>) -> Self {
        Self::Unknown(detail.into())
    }

    /// They are known, and it is not for them.
    pub(crate) fn forbidden(detail: impl Into<String>) -> Self {
        Self::Problem(Problem::new(Kind::Forbidden, detail))
    }
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        match self {
            Self::Problem(problem) => problem.into_response(),
            Self::Unknown(detail) => {
                let mut response = Problem::new(Kind::Unauthorized, detail).into_response();
                response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
                response
            }
        }
    }
}
