//! The pages: what people see. Which path shows what; one file per page, and beside them what they share (frame, words,
//! time, lists, rows). Pages work without a script, and load nothing from elsewhere; what
//! they change they change by a form. Not here: the JSON API.

mod about;
mod accept;
mod act;
mod actions;
mod again;
mod api;
mod asked;
mod asset;
mod bars;
mod decide;
mod deliveries;
mod drift;
mod events;
mod fleet;
mod frame;
mod host;
mod hosts;
mod icon;
mod journal;
mod kept;
mod kiosk;
mod list;
pub(crate) mod login;
mod map;
mod now;
mod overview;
mod past;
mod row;
mod rules;
mod said;
mod seen;
mod services;
mod sides;
mod sources;
mod text;
mod time;
mod tree;
mod trouble;
mod verdict;
mod words;

use std::sync::Arc;

use axum::routing::{get, post};
use axum::{Extension, Router};
use evenkeel_core::ledger::Entry;

use crate::state::AppState;

pub(crate) use trouble::{is_for_people, told, unknown_path};

/// The routes of the pages.
pub(crate) fn routes() -> Router<AppState> {
    Router::new()
        .route("/", get(overview::page))
        .route("/hosts", get(hosts::page))
        .route("/hosts/{name}", get(host::page))
        .route("/drifts/{handle}", get(drift::page))
        .route("/map", get(map::page))
        .route("/kiosk", get(kiosk::page))
        .route("/events", get(events::page))
        .route("/sources", get(sources::page))
        .route("/deliveries", get(deliveries::page).post(again::sink))
        .route("/deliveries/{id}", post(again::one))
        .route("/actions", get(actions::page).post(decide::switch))
        .route("/actions/{key}", post(decide::post))
        .route("/rules", get(rules::page))
        .route("/rules/{name}/end", post(rules::end))
        .route("/drifts/{handle}/accept", post(accept::post))
        .route("/journal", get(journal::page))
        .route("/about", get(about::page))
        .route("/api", get(api::page))
        .route("/assets/{name}", get(asset::serve))
        .layer(Extension(Arc::new(kept::Kept::default())))
}

/// How a drift is repaired, and how NetBox is completed, in English: what the command line says is what the pages say.
/// Commands are in backticks.
pub fn advice(entry: &Entry) -> (String, Option<String>) {
    said::advice(words::Words(words::Lang::En), entry)
}
