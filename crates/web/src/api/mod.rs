//! The JSON API, version 1: which path answers what. What the answers have in common is in `listing` and `params`; a
//! file per resource has the rest. Not here: what is sent to us, and the doors for it.

mod deliveries;
mod drifts;
mod events;
mod export;
mod hosts;
mod journal;
mod listing;
mod params;
mod proposals;
mod repairs;
pub(crate) mod resend;
pub(crate) mod rules;
pub(crate) mod silences;
mod sources;

use axum::Extension;
use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use axum::routing::{get, post};
use evenkeel_core::HostName;

pub(crate) use params::Params;

use crate::problem::{Kind, Problem};
use crate::routes::Routes;
use crate::state::Live;

/// The routes under `/api/v1`, spelled out: a nested router would see, and repeat in problems, a path cut short.
pub(crate) fn routes() -> Routes {
    Routes::new()
        .route("/api/v1/hosts", get(hosts::list))
        .route("/api/v1/hosts/{name}", get(hosts::one))
        .route("/api/v1/drifts", get(drifts::list))
        .route("/api/v1/drifts/{handle}", get(drifts::one))
        .route("/api/v1/events", get(events::list))
        .route("/api/v1/events/export", get(export::all).layer(Extension(export::places())))
        .route("/api/v1/events/{id}", get(events::one))
        .route("/api/v1/events/{id}/resend", post(resend::event).fallback(resend::only_post))
        .route("/api/v1/sources", get(sources::list))
        .route("/api/v1/deliveries", get(deliveries::list))
        .route("/api/v1/deliveries/{id}/resend", post(resend::delivery).fallback(resend::only_post))
        .route("/api/v1/journal", get(journal::list))
        .route("/api/v1/proposals", get(proposals::list))
        .route("/api/v1/proposals/{key}", get(proposals::one))
        .route("/api/v1/proposals/{key}/approve", post(proposals::approve).fallback(proposals::only_post))
        .route("/api/v1/proposals/{key}/reject", post(proposals::reject).fallback(proposals::only_post))
        .route("/api/v1/rules", get(rules::list))
        .route("/api/v1/silences", get(silences::list).post(silences::make))
        .route("/api/v1/silences/{name}", get(silences::one))
        .route("/api/v1/silences/{name}/end", post(silences::end).fallback(silences::only_post))
        .route("/api/v1/repairs", get(repairs::rehearse))
        .route("/api/v1/repairs/halt", post(repairs::halt).fallback(repairs::only_post))
        .route("/api/v1/repairs/resume", post(repairs::resume).fallback(repairs::only_post))
        .route("/api/v1/repairs/release", post(repairs::release).fallback(repairs::only_post))
}

/// What stands in the path, decoded.
pub(crate) type Named = Result<Path<String>, PathRejection>;

/// The same, if it is text.
pub(crate) fn named(name: Named) -> Result<String, Problem> {
    match name {
        Ok(Path(name)) => Ok(name),
        Err(_) => Err(Problem::new(Kind::BadPath, "the path is not valid UTF-8 once percent-decoded")),
    }
}

/// The host as it is spelled where it is known: names are matched without regard to case. A host nobody knows any more
/// still has a history, under the name given.
pub(crate) fn spelled(live: &dyn Live, name: &str) -> HostName {
    let name = HostName::new(name);
    live.host(&name).map_or(name, |status| status.host)
}
