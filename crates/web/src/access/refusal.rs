//! The answers to whoever may not come in. Not here: when that is so.

use axum::http::HeaderValue;
use axum::http::header::WWW_AUTHENTICATE;
use axum::response::Response;

use crate::problem::{Kind, Problem};

/// Why somebody may not come in.
#[derive(Debug)]
pub(super) enum Refusal {
    /// They have not said who they are, or what they showed is nobody's.
    Unknown(String),
    /// They are known, and it is not for them; or something failed.
    Problem(Problem),
}

impl Refusal {
    /// They have not said who they are.
    pub(super) fn unknown(detail: impl Into<String>) -> Self {
        Self::Unknown(detail.into())
    }

    /// They are known, and it is not for them.
    pub(super) fn forbidden(detail: impl Into<String>) -> Self {
        Self::Problem(Problem::new(Kind::Forbidden, detail))
    }

    /// Whether it would help to say who they are.
    pub(super) fn is_unknown(&self) -> bool {
        match self {
            Self::Unknown(_) => true,
            Self::Problem(_) => false,
        }
    }

    /// The answer, in the form `tell` gives a problem.
    pub(super) fn answer(self, tell: impl FnOnce(Problem) -> Response) -> Response {
        match self {
            Self::Problem(problem) => tell(problem),
            Self::Unknown(detail) => {
                let mut response = tell(Problem::new(Kind::Unauthorized, detail));
                response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
                response
            }
        }
    }
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}
