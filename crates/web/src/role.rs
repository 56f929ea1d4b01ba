//! Which part this process has among those that share a database, as every answer says it. Not here: how that is
//! decided.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use jiff::Timestamp;
use serde::Serialize;

use crate::problem::{Kind, Problem};
use crate::state::{AppState, Live};

/// Says on every answer which part the process has that gave it.
const HEADER: HeaderName = HeaderName::from_static("evenkeel-role");

/// Which part this process has among those that share a database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Role {
    /// It asks, compares and tells. Whoever shares the database with nobody always does.
    Leader,
    /// It shows what another one sees, and takes over when that one is gone.
    Follower {
        /// Who leads, in its own words.
        leader: String,
        /// When it was as it is shown here; `None` while nothing of it could be read.
        shown_at: Option<Timestamp>,
    },
    /// It is not known yet.
    Waiting {
        /// What for.
        why: String,
    },
}

impl Role {
    /// The word for it.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Leader => "leader",
            Self::Follower { .. } => "follower",
            Self::Waiting { .. } => "waiting",
        }
    }

    /// Refuses where neither this process nor its leader has said yet what there is: an empty list would say that there
    /// is nothing.
    pub(crate) fn knows(&self) -> Result<(), Problem> {
        match self {
            Self::Leader | Self::Follower { leader: _, shown_at: Some(_) } => Ok(()),
            Self::Follower { leader, shown_at: None } => Err(Problem::new(
                Kind::NotKnownYet,
                format!(
                    "this replica only reads, and {leader}, which leads, has not told it yet what it sees"
                ),
            )),
            Self::Waiting { why } => Err(Problem::new(Kind::NotKnownYet, why.clone())),
        }
    }

    /// Refuses where nobody here would do anything with what is sent.
    pub(crate) fn takes(&self) -> Result<(), Problem> {
        match self {
            Self::Leader => Ok(()),
            Self::Follower { leader, shown_at: _ } => {
                Err(Problem::new(Kind::OnlyReads, format!("this replica only reads; {leader} leads")))
            }
            Self::Waiting { why } => Err(Problem::new(Kind::NotKnownYet, why.clone())),
        }
    }

    /// Whom a follower follows.
    pub(crate) fn follows(&self, now: Timestamp) -> Option<Follows> {
        match self {
            Self::Leader | Self::Waiting { .. } => None,
            Self::Follower { leader, shown_at } => Some(Follows {
                leader: leader.clone(),
                status_age_seconds: shown_at.map(|at| now.duration_since(at).as_secs().max(0)),
            }),
        }
    }
}

/// In a follower's answers: whose view it shows, and how old that is.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Follows {
    leader: String,
    status_age_seconds: Option<i64>,
}

impl Follows {
    /// Whether what is shown is too old to stand for the present.
    pub(crate) fn is_outdated(&self) -> bool {
        self.status_age_seconds.is_none_or(|age| age > OUTDATED)
    }

    /// What does not change by the clock alone.
    pub(crate) fn lasting(&self) -> &str {
        &self.leader
    }
}

/// How many seconds a leader's status may be old: longer than any leader in good health leaves it.
const OUTDATED: i64 = 300;

/// Puts the header on every answer.
pub(crate) async fn said(State(live): State<Arc<dyn Live>>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    response.headers_mut().insert(HEADER, HeaderValue::from_static(live.role().as_str()));
    response
}

/// Whom this process follows at this moment, if it follows.
pub(crate) fn follows(state: &AppState) -> Option<Follows> {
    state.live.role().follows(state.live.now())
}
