//! What each route takes. Closed by default: what is not named here is read by viewers and changed by operators, and a token
//! that is limited to parts of its role changes nothing there. Not here: what a handler asks beyond that.

use axum::http::Method;

use super::caller::{Level, Scope};

/// What a request takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    /// Nothing, and nobody is asked who they are.
    Nothing,
    /// Nothing; whoever says who they are is known.
    Open,
    /// As [`Need::Open`], without the seal of a session: the form was there before the session was.
    Login,
    /// As [`Need::Open`], and nothing that the store would have to be asked for.
    Ready,
    /// A credential of its own, which the handler looks at.
    Own,
    /// This part of a role.
    Part(Scope),
    /// An operator who may use their whole role.
    Change,
}

/// Routes that are not read by viewers and changed by operators. `*` stands for one part of the path.
const UNASKED: &[&str] = &["/healthz", "/assets/*"];
const OWN: &[&str] = &["/api/v1/observations", "/api/v1/callbacks/*", "/webhooks/netbox"];
/// What is changed below these is a part of a role that has a name.
const PARTS: &[(&str, Scope)] = &[
    ("/api/v1/silences", Scope::Silence),
    ("/api/v1/deliveries", Scope::Resend),
    ("/api/v1/events", Scope::Resend),
    ("/api/v1/proposals", Scope::Decide),
    ("/api/v1/repairs", Scope::Decide),
    ("/rules", Scope::Silence),
    ("/drifts", Scope::Silence),
    ("/deliveries", Scope::Resend),
    ("/actions", Scope::Decide),
];

impl Need {
    /// What the figures take, unless everybody may have them.
    pub(super) const METRICS: Self = Self::Part(Scope::Metrics);
    /// Whether evenkeel is ready: told to everybody, and in full to whoever may read.
    pub(super) const READY: Self = Self::Ready;

    /// What this request takes. The path is compared as it came, which is how it is routed.
    pub(crate) fn of(method: &Method, path: &str) -> Self {
        let is = |patterns: &[&str]| patterns.iter().any(|pattern| fits(pattern, path));
        if is(UNASKED) {
            Self::Nothing
        } else if path == "/login" {
            Self::Login
        } else if path == "/logout" {
            Self::Open
        } else if is(OWN) {
            Self::Own
        } else if path == "/readyz" {
            Self::READY
        } else if path == "/metrics" {
            Self::METRICS
        } else if is_safe(method) {
            Self::Part(Scope::Read)
        } else {
            let below = |root: &str| {
                path.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            };
            PARTS.iter().find(|(root, _)| below(root)).map_or(Self::Change, |(_, scope)| Self::Part(*scope))
        }
    }

    /// The level, and the part of it.
    pub(super) fn least(self) -> Option<(Level, Option<Scope>)> {
        match self {
            Self::Nothing | Self::Open | Self::Login | Self::Ready | Self::Own => None,
            Self::Part(scope) => Some((scope.level(), Some(scope))),
            Self::Change => Some((Level::Operator, None)),
        }
    }
}

/// Whether the method changes nothing.
pub(super) fn is_safe(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

fn fits(pattern: &str, path: &str) -> bool {
    let (mut wanted, mut given) = (pattern.split('/'), path.split('/'));
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return true,
            (Some("*"), Some(part)) if !part.is_empty() => {}
            (Some(one), Some(other)) if one == other => {}
            (Some(_) | None, Some(_)) | (Some(_), None) => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_named_is_read_by_viewers_and_changed_by_operators() {
        assert_eq!(Need::of(&Method::GET, "/whatever"), Need::Part(Scope::Read));
        assert_eq!(Need::of(&Method::POST, "/whatever"), Need::Change);
        assert_eq!(Need::of(&Method::from_bytes(b"BREW").unwrap(), "/whatever"), Need::Change);
        assert_eq!(Need::of(&Method::POST, "/api/v1/proposals/X/approve"), Need::Part(Scope::Decide));
        assert_eq!(Need::of(&Method::POST, "/api/v1/proposalsX"), Need::Change);
    }

    #[test]
    fn a_path_that_only_looks_like_an_open_one_is_closed() {
        for path in [
            "/healthz/",
            "/healthz/x",
            "//healthz",
            "/assets/",
            "/assets/a/b",
            "/assets",
            "/login/x",
            "/Healthz",
        ] {
            assert_eq!(Need::of(&Method::GET, path), Need::Part(Scope::Read), "{path}");
        }
        for path in
            ["/api/v1/observations/x", "/api/v1/callbacks", "/api/v1/callbacks/", "/api/v1/callbacks/a/b"]
        {
            assert_eq!(Need::of(&Method::POST, path), Need::Change, "{path}");
        }
    }
}
