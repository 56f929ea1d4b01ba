//! Who asks, and what they may do: users and tokens of the configuration, what a proxy in front says, and what each route
//! takes. Not here: what is done for them; what the configuration looks like (controller).

mod audit;
mod caller;
mod forwarded;
mod identify;
pub(crate) mod login;
mod needs;
mod origin;
mod password;
mod refusal;
mod rules;
mod session;
mod throttle;
mod token;

use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, PoisonError, RwLock};

use login::Door;

pub use caller::{Caller, Level, Peer, Scope, Scopes};
pub use forwarded::Proxy;
pub use password::{HashError, PasswordError, PasswordHash};
pub use rules::{Rules, Token, User};
pub use session::Sessions;
pub use token::{DigestError, TokenDigest, token_of};

pub(crate) use forwarded::forwarded;
pub(crate) use identify::identified;
pub(crate) use origin::FIELD;
pub(crate) use token::from_hex;

/// Who may do what on one port.
pub struct Access {
    rules: RwLock<Arc<Rules>>,
    is_local: bool,
    door: Door,
}

impl Access {
    /// For a port that is bound to this address.
    pub fn new(rules: Rules, bound_to: IpAddr) -> Self {
        Self {
            rules: RwLock::new(Arc::new(rules)),
            is_local: bound_to.to_canonical().is_loopback(),
            door: Door::default(),
        }
    }

    /// For a port of this machine's own, on which nobody has to say who they are.
    pub fn local() -> Self {
        Self::new(Rules::default(), Ipv4Addr::LOCALHOST.into())
    }

    /// From now on these rules hold: also for whoever is logged in.
    pub fn change(&self, rules: Rules) {
        *self.rules.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(rules);
    }

    fn rules(&self) -> Arc<Rules> {
        self.rules.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether whoever is at this machine need not say who they are: the port is bound to it, and nobody was given a
    /// name to say. A reload may take away every user while the port stays open to others; it does not let those in.
    fn is_open_to(&self, rules: &Rules, peer: IpAddr) -> bool {
        (rules.is_show || self.is_local && peer.is_loopback()) && !rules.names_somebody()
    }

    /// What to do, for whoever has not said who they are.
    fn how(&self, rules: &Rules) -> &'static str {
        match (rules.names_somebody(), self.is_local) {
            (true, _) => "say who you are: log in, or send a token as `Authorization: Bearer …`",
            (false, true) => {
                "only this machine may ask: the configuration names no user, token or proxy ([access])"
            }
            (false, false) => "nobody may ask: the configuration names no user, token or proxy ([access])",
        }
    }

    /// Whether there is anybody who may decide about repairs.
    pub(crate) fn knows_an_approver(&self) -> bool {
        self.rules().knows_an_approver()
    }
}

tokio::task_local! {
    /// Who asks for what is being answered. Pages show it and seal their forms with it, and are made far below the handler
    /// that could be told.
    static CALLER: Option<Caller>;
}

/// Answers a request of this caller.
async fn around<T>(caller: Option<Caller>, answering: impl Future<Output = T>) -> T {
    CALLER.scope(caller, answering).await
}

/// Who asks for what is being answered at this moment. Only for showing it: what somebody may do is asked of the [`Caller`]
/// of the request.
pub(crate) fn asking() -> Option<Caller> {
    CALLER.try_with(Clone::clone).ok().flatten()
}
