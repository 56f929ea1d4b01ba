//! Whoever a request comes from. Not here: how that is found out.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use crate::problem::{Kind, Problem};

/// The address a request comes from: of whoever is connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer(pub IpAddr);

/// What somebody may do. Each may do what those before it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Read everything.
    Viewer,
    /// Silence a drift, send a delivery again.
    Operator,
    /// Decide about repairs.
    Approver,
    /// Everything.
    Admin,
}

impl Level {
    /// Every level, the least first.
    pub const ALL: [Self; 4] = [Self::Viewer, Self::Operator, Self::Approver, Self::Admin];

    /// Its word, as in the configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Approver => "approver",
            Self::Admin => "admin",
        }
    }
}

/// Whoever a request comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The name under which they act; the journal has it.
    pub name: Arc<str>,
    /// What they may do.
    pub level: Level,
}

impl Caller {
    /// Whoever is at this machine and has not said who they are.
    pub fn local() -> Self {
        Self { name: "local".into(), level: Level::Operator }
    }

    /// Whether they may do what takes this level.
    pub fn may(&self, needed: Level) -> bool {
        self.level >= needed
    }

    /// Refuses what takes more than they have.
    pub(crate) fn must(&self, needed: Level) -> Result<(), Problem> {
        if self.may(needed) {
            return Ok(());
        }
        let detail = format!(
            "this takes the role {}; {} has the role {}",
            needed.as_str(),
            self.name,
            self.level.as_str()
        );
        Err(Problem::new(Kind::Forbidden, detail))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(parts.extensions.get::<Self>().cloned().unwrap_or_else(Self::local))
    }
}
