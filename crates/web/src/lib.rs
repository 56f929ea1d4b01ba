//! The HTTP surface of evenkeel: the pages, the JSON API, doors for observations that are sent, for NetBox's webhooks and for what
//! receivers say about repairs, health, readiness and metrics.
//!
//! What lives here: routes, the shapes they answer in, what a request must look like, and the server that carries them.
//! What does not: what is known about the world (behind [`Live`], kept by the controller), what is kept (behind
//! [`Store`](evenkeel_store::Store)), and anything that changes either. Who asks is found out before anything is done for
//! them ([`Access`]); doors for machines look at a credential of their own.

mod access;
mod api;
mod base;
mod body;
mod callback;
mod changes;
mod compress;
mod headers;
mod health;
mod hook;
mod openapi;
mod page;
mod problem;
mod push;
mod rate;
mod repairs;
mod role;
mod routes;
mod serve;
mod services;
mod silences;
mod state;
mod status;
mod stream;
mod token;
mod wish;

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{get, post};

use routes::Routes;

pub use access::{
    Access, Caller, DigestError, HashError, Level, PasswordError, PasswordHash, Peer, Proxy, Rules, Scope,
    Scopes, Sessions, Token, TokenDigest, User, token_of,
};
pub use axum::http::HeaderName;
pub use base::BasePath;
pub use changes::{Changes, Part};
pub use headers::HostPolicy;
pub use hook::{LARGEST_HOOK, NetboxHook};
pub use page::advice;
pub use push::{Intake, LARGEST_BODY, Receipt, Rejection, Remark};
pub use repairs::{
    Answered, Approver, Claimed, Decision, HeldLine, Rehearsal, RepairTrouble, Repairs, Switch, Switched,
};
pub use role::Role;
pub use serve::{GRACE, serve};
pub use services::{ExpectedService, ObservedService, ServiceStatus, Sight};
pub use silences::{RuleKind, RuleLine, RuleOrigin, Selects, SilenceTrouble, Silences};
pub use state::{AppState, Asking, BlindScope, HostStatus, Live, MachineStatus, Readiness, SourceStatus};
pub use status::{Error as StatusError, WorldStatus};

/// Every route, guarded: what proxies say is believed or taken away, the host is checked, then the length of the address,
/// then time runs, then it is found out who asks.
pub fn router(state: AppState) -> Router {
    let policy = state.allowed_hosts.clone();
    let live = state.live.clone();
    let base = policy.base_path().clone();
    let access = state.access.clone();
    let doorkeeper = state.clone();
    let router = for_programs(&state)
        .into_router()
        .route("/login", get(access::login::show).post(access::login::take))
        .route("/logout", post(access::login::leave))
        .merge(page::routes())
        .fallback(page::unknown_path)
        .method_not_allowed_fallback(problem::wrong_method)
        .with_state(state)
        .layer(from_fn_with_state(doorkeeper, access::identified))
        .layer(from_fn_with_state(rate::Rates::default(), rate::limited))
        .layer(compress::layer())
        .layer(from_fn(headers::in_time))
        .layer(from_fn(headers::bounded))
        .layer(from_fn_with_state(policy, headers::known_host))
        .layer(from_fn_with_state(access, access::forwarded))
        .layer(from_fn_with_state(live, role::said))
        .layer(from_fn(headers::hardened));
    base.over(router)
}

/// The routes that programs ask: those that are in the document of the API.
fn for_programs(state: &AppState) -> Routes {
    Routes::new()
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(health::metrics))
        .merge(api::routes())
        .merge(openapi::routes())
        .merge(stream::routes(state))
        .merge(push::routes())
        .merge(hook::routes())
        .merge(callback::routes())
}
