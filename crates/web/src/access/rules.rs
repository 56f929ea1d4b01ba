//! Who there is, as the configuration says it. Not here: how they show who they are.

use std::sync::Arc;

use ipnet::IpNet;
use jiff::Timestamp;

use super::caller::{Level, Scopes};
use super::forwarded::Proxy;
use super::password::PasswordHash;
use super::session::Sessions;
use super::token::TokenDigest;
use crate::repairs::Approver;

/// A person with a password.
#[derive(Clone, Debug)]
pub struct User {
    /// The name they log in with; the journal has it.
    pub name: Arc<str>,
    /// What they may do.
    pub level: Level,
    /// What their password is held against.
    pub password: PasswordHash,
}

/// A program with a token.
#[derive(Clone, Debug)]
pub struct Token {
    /// What it is called in the journal.
    pub name: Arc<str>,
    /// What it may do …
    pub level: Level,
    /// … or the part of it that it is limited to.
    pub scopes: Scopes,
    /// What is held against the token that is shown.
    pub digest: TokenDigest,
    /// From when on it opens nothing any more.
    pub expires: Option<Timestamp>,
}

/// Who there is, and what whoever is nobody may do.
#[derive(Clone, Debug)]
pub struct Rules {
    /// People.
    pub users: Vec<User>,
    /// Programs.
    pub tokens: Vec<Token>,
    /// Who logs people in elsewhere and says who they are.
    pub proxy: Option<Proxy>,
    /// Whose word counts about where a request comes from.
    pub trusted_proxies: Vec<IpNet>,
    /// How long sessions last.
    pub sessions: Sessions,
    /// Who may decide about repairs with a token of their own.
    pub approvers: Vec<Approver>,
    /// What somebody may do who has not said who they are, where others have a name: nothing, or this.
    pub anonymous: Option<Level>,
    /// What whoever is at this machine may do while nobody has a name.
    pub local: Level,
    /// Whether the same holds for whoever reaches the port from elsewhere. For a demo, in which nothing is real; no
    /// configuration can say it.
    pub is_show: bool,
    /// Whether everybody may read the metrics.
    pub open_metrics: bool,
}

impl Default for Rules {
    /// Nobody has a name; whoever is at this machine is an operator.
    fn default() -> Self {
        Self {
            users: Vec::new(),
            tokens: Vec::new(),
            proxy: None,
            trusted_proxies: Vec::new(),
            sessions: Sessions::default(),
            approvers: Vec::new(),
            anonymous: None,
            local: Level::Operator,
            is_show: false,
            open_metrics: false,
        }
    }
}

impl Rules {
    /// Whether anybody was given a name. Those who only decide about repairs do not count: they were there before
    /// anybody logged in, and reading needed no name beside them.
    pub fn names_somebody(&self) -> bool {
        !self.users.is_empty() || !self.tokens.is_empty() || self.proxy.is_some()
    }

    pub(super) fn knows_an_approver(&self) -> bool {
        let levels =
            self.users.iter().map(|user| user.level).chain(self.tokens.iter().map(|token| token.level));
        let groups = self
            .proxy
            .iter()
            .flat_map(|proxy| proxy.roles.iter().map(|(_, level)| *level).chain(proxy.default_role));
        let local = (!self.names_somebody()).then_some(self.local);
        !self.approvers.is_empty() || levels.chain(groups).chain(local).any(|level| level >= Level::Approver)
    }

    /// The hash that takes longest to try.
    pub(super) fn costliest(&self) -> Option<&PasswordHash> {
        self.users.iter().map(|user| &user.password).max_by_key(|hash| hash.cost())
    }
}
