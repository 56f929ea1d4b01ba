//! `/api/v1/drifts`: what differs, with what it rests on. Not here: how a drift comes to be believed (core).

use std::collections::{BTreeMap, BTreeSet};

use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use evenkeel_core::ledger::{Blind, Entry, State as Stand};
use evenkeel_core::{DriftId, Event, EventType, Field, HostName, ServiceName, Severity, Side, Subject, fold};
use evenkeel_store::{Cursor, DriftFilter, EventFilter, Store};
use jiff::Timestamp;
use serde::Serialize;

use super::listing::{self, Rows};
use super::params::Params;
use super::{Named, named, spelled};
use crate::problem::{Kind, Problem, quoted};
use crate::state::AppState;

const FILTERS: [&str; 6] = ["type", "severity", "host", "service", "state", "folded"];

const STATES: [Stand; 3] = [Stand::Pending, Stand::Open, Stand::Resolved];

/// How many of its events come with a drift.
const EVENTS_SHOWN: u32 = 100;

/// A drift as the API shows it.
#[derive(Serialize)]
pub(super) struct Shown {
    handle: String,
    id: String,
    event_type: EventType,
    host: Option<HostName>,
    service: Option<ServiceName>,
    field: Option<Field>,
    severity: Severity,
    state: Stand,
    expected: Option<Side>,
    observed: Option<Side>,
    details: String,
    source: String,
    first_seen: Timestamp,
    last_seen: Timestamp,
    opened_at: Option<Timestamp>,
    resolved_at: Option<Timestamp>,
    blind: Option<Blind>,
    parent: Option<String>,
    folded_count: usize,
    flapping: bool,
    silenced: Option<String>,
    baseline: bool,
    announced: bool,
}

impl Shown {
    fn new(entry: &Entry, folded: &Folded) -> Self {
        let (expected, observed) = entry.difference.sides(entry.id.field);
        Self {
            handle: entry.id.handle(),
            id: entry.id.to_string(),
            event_type: entry.id.event_type,
            host: entry.id.subject.host().cloned(),
            service: entry.id.service.clone(),
            field: entry.id.field,
            severity: entry.severity,
            state: entry.state,
            expected,
            observed,
            details: entry.difference.details(&entry.id),
            source: entry.evidence.source.to_string(),
            first_seen: entry.first_seen,
            last_seen: entry.last_seen,
            opened_at: entry.opened_at,
            resolved_at: entry.resolved_at,
            blind: entry.blind.clone(),
            parent: entry.parent.as_ref().map(DriftId::handle),
            folded_count: folded.get(&entry.id).copied().unwrap_or(0),
            flapping: entry.flapping,
            silenced: entry.silenced.as_deref().map(str::to_owned),
            baseline: entry.baseline,
            announced: entry.announced,
        }
    }
}

/// How many unresolved drifts are folded under each root.
type Folded = BTreeMap<DriftId, usize>;

/// Counts the consequences of these drifts. A drift explains others of its own subject only, so only the ledgers of
/// subjects with a drift that can explain anything are read.
async fn folded(store: &dyn Store, entries: &[Entry]) -> Result<Folded, Problem> {
    let roots = entries.iter().filter(|e| e.state != Stand::Resolved && fold::can_explain(&e.id));
    let subjects: BTreeSet<&Subject> = roots.map(|e| &e.id.subject).collect();
    let mut folded = Folded::new();
    for subject in subjects {
        let ledger = store.load(subject).await?.ledger;
        for entry in ledger.entries.into_values().filter(|e| e.state != Stand::Resolved) {
            if let Some(parent) = entry.parent {
                *folded.entry(parent).or_default() += 1;
            }
        }
    }
    Ok(folded)
}

/// These entries, as the API shows them.
pub(super) async fn shown(store: &dyn Store, entries: &[Entry]) -> Result<Vec<Shown>, Problem> {
    let folded = folded(store, entries).await?;
    Ok(entries.iter().map(|entry| Shown::new(entry, &folded)).collect())
}

/// Drifts, in the order they were first stored. Unless asked otherwise, those that are open: a pending one is not believed yet
/// and a resolved one no more, and neither may be taken for an alarm by a reader who did not ask for it.
pub(super) async fn list(
    State(state): State<AppState>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let params = Params::of("drifts", &uri, &FILTERS)?;
    let stand = |text: &str| STATES.into_iter().find(|s| s.as_str().eq_ignore_ascii_case(text));
    let mut states = params.many("state", stand, &STATES.map(Stand::as_str))?;
    if states.is_empty() {
        states.push(Stand::Open);
    }
    let only = params.flag("folded")?;
    let filter = DriftFilter {
        states,
        types: params.types()?,
        severities: params.severities()?,
        subject: params.one("host")?.map(|name| Subject::Host(spelled(state.live.as_ref(), name))),
        service: params.one("service")?.map(ServiceName::new),
        roots_only: only == Some(false),
    };
    let limit = params.limit()?;
    let mut after = params.cursor()?;
    let store = state.store.as_ref();
    // The store knows "roots only", not "consequences only": pages without any are passed over, so that an empty page
    // always is the end.
    let (entries, next) = loop {
        let page = store.drifts(&filter, after, limit).await?;
        let rows: Vec<Entry> =
            page.rows.into_iter().filter(|e| only != Some(true) || e.parent.is_some()).collect();
        match page.next {
            Some(next) if rows.is_empty() => after = Some(next),
            next => break (rows, next),
        }
    };
    let next = next.as_ref().map(|cursor: &Cursor| params.next(cursor));
    listing::list(&state, &headers, &Rows::of(&shown(store, &entries).await?)?, next.as_deref())
}

#[derive(Serialize)]
struct Detail {
    drift: Shown,
    evidence: Seen,
    events: Vec<Event>,
    others: Vec<Shown>,
}

/// What the ledger's view of a drift rests on.
#[derive(Serialize)]
struct Seen {
    source: String,
    observed_at: Timestamp,
    seen: u32,
    clean: u32,
    clean_since: Option<Timestamp>,
    said_at: Option<Timestamp>,
    transitions: Vec<Timestamp>,
}

impl Seen {
    fn new(entry: &Entry) -> Self {
        Self {
            source: entry.evidence.source.to_string(),
            observed_at: entry.evidence.observed_at,
            seen: entry.seen,
            clean: entry.clean,
            clean_since: entry.clean_since,
            said_at: entry.said_at,
            transitions: entry.transitions.clone(),
        }
    }
}

/// One drift with its evidence and its newest events. Where two share a handle, the one that is open comes first and
/// the other is named beside it.
pub(super) async fn one(
    State(state): State<AppState>,
    headers: HeaderMap,
    handle: Named,
) -> Result<Response, Problem> {
    let handle = named(handle)?.to_ascii_uppercase();
    let store = state.store.as_ref();
    let mut entries = store.drift_by_handle(&handle).await?;
    entries.sort_by_key(|entry| !entry.is_open());
    let shown = shown(store, &entries).await?;
    let mut others = shown.into_iter();
    let (Some(entry), Some(drift)) = (entries.first(), others.next()) else {
        let detail =
            format!("no drift {} is known; resolved ones are forgotten after a while", quoted(&handle));
        return Err(Problem::new(Kind::NotFound, detail));
    };
    let filter = EventFilter { handle: Some(handle), ..EventFilter::default() };
    let page = store.events(&filter, None, EVENTS_SHOWN).await?;
    let events = page.rows.into_iter().map(|row| row.event).filter(|e| e.drift_id == drift.id).collect();
    let detail = Detail { evidence: Seen::new(entry), events, others: others.collect(), drift };
    listing::one(&state, &headers, &detail, &detail)
}
