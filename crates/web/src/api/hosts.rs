//! `/api/v1/hosts`: the machines, what is declared of them and who can see them. Not here: how a host is recognised.

use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use evenkeel_core::ledger::State as Stand;
use evenkeel_core::{HostName, Subject};
use evenkeel_store::{Cursor, DriftFilter};
use serde::Serialize;

use super::drifts::{self, Shown};
use super::listing::{self, Rows};
use super::params::Params;
use super::sources::Aged;
use super::{Named, named};
use crate::problem::{Kind, Problem, quoted};
use crate::services::ServiceStatus;
use crate::state::{AppState, HostStatus, SourceStatus};

/// How many open drifts come with a host.
const DRIFTS_SHOWN: u32 = 1000;

/// Hosts by name.
pub(super) async fn list(
    State(state): State<AppState>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let params = Params::of("hosts", &uri, &[])?;
    state.live.role().knows()?;
    let mut all = state.live.hosts();
    all.sort_by(|a, b| a.host.cmp(&b.host));
    // The place is a name, not a number: hosts come and go.
    let after = params.cursor()?;
    let from = after.map_or(0, |cursor| all.partition_point(|h| h.host.as_str() <= cursor.as_str()));
    let to = from.saturating_add(params.limit()? as usize).min(all.len());
    let page = &all[from..to];
    let last = page.last().filter(|_| to < all.len());
    let next = last.map(|h| params.next(&Cursor::new(h.host.as_str())));
    listing::list(&state, &headers, &Rows::of(&page)?, next.as_deref())
}

#[derive(Serialize)]
struct Detail<'a> {
    host: HostStatus,
    /// Null: this replica does not know them, or nobody knows the host.
    services: Option<Vec<ServiceStatus>>,
    sources: Vec<Aged<'a>>,
    drifts: Vec<Shown>,
}

/// One host, with both sides of its services, the state of its sources, and its open drifts.
pub(super) async fn one(
    State(state): State<AppState>,
    headers: HeaderMap,
    name: Named,
) -> Result<Response, Problem> {
    let name = named(name)?;
    state.live.role().knows()?;
    let Some(host) = state.live.host(&HostName::new(&name)) else {
        let detail = format!("no host {} is declared or seen", quoted(&name));
        return Err(Problem::new(Kind::NotFound, detail));
    };
    let filter = DriftFilter {
        states: vec![Stand::Open],
        subject: Some(Subject::Host(host.host.clone())),
        ..DriftFilter::default()
    };
    let store = state.store.as_ref();
    let page = store.drifts(&filter, None, DRIFTS_SHOWN).await?;
    let drifts = drifts::shown(store, &page.rows).await?;
    let statuses = state.live.sources();
    let now = state.live.now();
    let about = |s: &&SourceStatus| host.sources.contains(&s.source);
    let about: Vec<&SourceStatus> = statuses.iter().filter(about).collect();
    let sources = about.iter().map(|s| Aged::new(s, now)).collect();
    let services = state.live.services(&host.host);
    let detail = Detail { services, sources, drifts, host };
    listing::one(&state, &headers, &detail, &(&detail.host, &detail.services, &about, &detail.drifts))
}
