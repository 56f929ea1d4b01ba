//! Whoever a request comes from. Not here: how that is found out.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};

use super::session::Seal;
use crate::problem::{Kind, Problem};

/// The address a request comes from: of whoever is connected, or, where that is a proxy that is trusted, of whoever is
/// connected to it.
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

/// A part of what a role may do. A token may be limited to some.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// Read pages and API.
    Read,
    /// Silence drifts, and end silences.
    Silence,
    /// Send deliveries again.
    Resend,
    /// Decide about repairs.
    Decide,
    /// Read the metrics.
    Metrics,
}

impl Scope {
    /// Every scope.
    pub const ALL: [Self; 5] = [Self::Read, Self::Silence, Self::Resend, Self::Decide, Self::Metrics];

    /// Its word, as in the configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Silence => "silence",
            Self::Resend => "resend",
            Self::Decide => "decide",
            Self::Metrics => "metrics",
        }
    }

    /// The least role to which this belongs.
    pub fn level(self) -> Level {
        match self {
            Self::Read | Self::Metrics => Level::Viewer,
            Self::Silence | Self::Resend => Level::Operator,
            Self::Decide => Level::Approver,
        }
    }
}

/// Which parts of their role somebody may use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scopes {
    /// All of it.
    Whole,
    /// These, and nothing else.
    Only(Arc<[Scope]>),
}

impl Scopes {
    fn hold(&self, scope: Scope) -> bool {
        match self {
            Self::Whole => true,
            Self::Only(scopes) => scopes.contains(&scope),
        }
    }
}

/// How somebody said who they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Means {
    /// Not at all: they are at this machine, or everybody may look.
    None,
    /// With a token.
    Token(Scopes),
    /// A proxy in front says so.
    Proxy,
    /// They have logged in; their forms carry this.
    Session(Seal),
}

/// What the journal calls whoever is at this machine.
const LOCAL: &str = "local";

/// Whoever a request comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The name under which they act; the journal has it.
    pub name: Arc<str>,
    /// What they may do.
    pub level: Level,
    means: Means,
}

impl Caller {
    /// Whoever is at this machine and has not said who they are.
    pub fn local(level: Level) -> Self {
        Self { name: LOCAL.into(), level, means: Means::None }
    }

    /// Whether they are at this machine, where nobody has a name.
    pub(crate) fn is_local(&self) -> bool {
        self.means == Means::None && &*self.name == LOCAL
    }

    /// Whoever has not said who they are, where everybody may look.
    pub(crate) fn anonymous(level: Level) -> Self {
        Self { name: "anonymous".into(), level, means: Means::None }
    }

    pub(crate) fn named(name: Arc<str>, level: Level, means: Means) -> Self {
        Self { name, level, means }
    }

    /// Whether they have said who they are.
    pub(crate) fn is_named(&self) -> bool {
        match self.means {
            Means::None => false,
            Means::Token(_) | Means::Proxy | Means::Session(_) => true,
        }
    }

    /// Whether they showed something that no browser shows by itself.
    pub(crate) fn shows_a_token(&self) -> bool {
        match self.means {
            Means::Token(_) => true,
            Means::None | Means::Proxy | Means::Session(_) => false,
        }
    }

    /// What their forms carry, if they have logged in here.
    pub(crate) fn seal(&self) -> Option<Seal> {
        match self.means {
            Means::Session(seal) => Some(seal),
            Means::None | Means::Token(_) | Means::Proxy => None,
        }
    }

    /// Whether they may do what takes this level.
    pub fn may(&self, needed: Level) -> bool {
        self.level >= needed
    }

    /// Whether what they have shown lets them use this part of their role. `None`: a part that has no name of its own.
    pub(crate) fn holds(&self, scope: Option<Scope>) -> bool {
        match (&self.means, scope) {
            (Means::None | Means::Proxy | Means::Session(_) | Means::Token(Scopes::Whole), _) => true,
            (Means::Token(scopes @ Scopes::Only(_)), Some(scope)) => scopes.hold(scope),
            (Means::Token(Scopes::Only(_)), None) => false,
        }
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
    type Rejection = Response;

    /// Whoever was found. A request nobody looked at is nobody's: a route that is put in by a way around the doorkeeper
    /// refuses everybody and lets nobody in.
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        let nobody = || Problem::new(Kind::Unauthorized, "nobody is known to ask for this").into_response();
        parts.extensions.get::<Self>().cloned().ok_or_else(nobody)
    }
}
