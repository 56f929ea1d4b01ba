//! `/api/v1/silences`: silences made at run time; making one, and ending one before its time. Not here: what follows; the
//! controller decides that; and the silences of the configuration, which `/api/v1/rules` shows beside them.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::header::LOCATION;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use evenkeel_core::policy::MadeSilence;
use evenkeel_core::policy::silence::{Ended, Stands};
use evenkeel_core::{DriftId, EventType};
use evenkeel_store::SilenceFilter;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::listing::{self, Rows};
use super::params::Params;
use super::{Named, named};
use crate::access::{Caller, Level};
use crate::body;
use crate::problem::{Kind, Problem, quoted};
use crate::silences::{Selects, Silences};
use crate::state::AppState;
use crate::wish::{Trouble, Written};

/// The largest body that is read, in bytes.
const LARGEST: usize = 64 * 1024;

const FILTERS: [&str; 3] = ["state", "drift", "owner"];

/// A silence as the API shows it.
#[derive(Serialize)]
struct Shown {
    name: Arc<str>,
    state: &'static str,
    drift_id: Option<String>,
    drift_handle: Option<String>,
    hosts: Vec<Arc<str>>,
    services: Vec<Arc<str>>,
    types: Vec<EventType>,
    reason: Arc<str>,
    owner: Arc<str>,
    made_at: Timestamp,
    starts: Timestamp,
    ends: Timestamp,
    until_resolved: bool,
    ended: Option<Ended>,
}

impl Shown {
    fn new(silence: &MadeSilence, now: Timestamp) -> Self {
        let MadeSilence { name, target, reason, owner, made_at, starts, ends, until_resolved, ended } =
            silence;
        let Selects { drift_id, drift_handle, types, hosts, services, tags: _, tenants: _ } = target.into();
        Self {
            name: name.clone(),
            state: silence.stands(now).as_str(),
            drift_id,
            drift_handle,
            hosts,
            services,
            types,
            reason: reason.clone(),
            owner: owner.clone(),
            made_at: *made_at,
            starts: *starts,
            ends: *ends,
            until_resolved: *until_resolved,
            ended: ended.clone(),
        }
    }
}

/// What is sent to make one.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    drift: Option<String>,
    #[serde(default)]
    hosts: Vec<String>,
    #[serde(default)]
    services: Vec<String>,
    #[serde(default)]
    types: Vec<String>,
    #[serde(default)]
    reason: String,
    starts: Option<Timestamp>,
    ends: Option<Timestamp>,
    r#for: Option<String>,
    #[serde(default)]
    until_resolved: bool,
}

/// What is sent to end one.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct EndBody {
    #[serde(default)]
    reason: String,
}

/// Silences, newest first.
pub(super) async fn list(
    State(state): State<AppState>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let params = Params::of("silences", &uri, &FILTERS)?;
    let now = state.live.now();
    let stands = match params.one("state")? {
        None => None,
        Some(text) => match Stands::parse(text) {
            Some(stands) => Some((stands, now)),
            None => return Err(Problem::bad_value("state", text, &Stands::ALL.map(Stands::as_str))),
        },
    };
    let filter = SilenceFilter {
        stands,
        name: None,
        drift_key: params.one("drift")?.map(drift_key),
        owner: params.one("owner")?.map(str::to_owned),
    };
    let page = state.store.silences(&filter, params.cursor()?, params.limit()?).await?;
    let shown: Vec<Shown> = page.rows.iter().map(|silence| Shown::new(silence, now)).collect();
    let next = page.next.map(|cursor| params.next(&cursor));
    listing::list(&state, &headers, &Rows::of(&shown)?, next.as_deref())
}

/// An id in its one form. What is no drift's id is that of no silence.
fn drift_key(text: &str) -> String {
    DriftId::parse(text).map_or_else(|| text.to_owned(), |drift| drift.to_string())
}

/// One silence.
pub(super) async fn one(
    State(state): State<AppState>,
    headers: HeaderMap,
    name: Named,
) -> Result<Response, Problem> {
    let name = named(name)?;
    let filter = SilenceFilter { name: Some(name.clone()), ..SilenceFilter::default() };
    let found = state.store.silences(&filter, None, 1).await?.rows;
    match found.first() {
        Some(silence) => {
            let shown = Shown::new(silence, state.live.now());
            listing::one(&state, &headers, &shown, &shown)
        }
        None => Err(Problem::new(Kind::NotFound, format!("there is no silence {}", quoted(&name)))),
    }
}

/// Makes one.
pub(super) async fn make(
    State(state): State<AppState>,
    caller: Caller,
    request: Request,
) -> Result<Response, Problem> {
    caller.must(Level::Operator)?;
    let desk = desk(&state)?;
    let advice =
        "send {\"drift\": \"HANDLE\", \"for\": \"2h\", \"reason\": \"…\"}, or hosts, services and types";
    let Body { drift, hosts, services, types, reason, starts, ends, r#for: lasts, until_resolved } =
        read(request, advice).await?;
    let written = Written { drift, hosts, services, types, reason, starts, ends, lasts, until_resolved };
    let wish = written.read(state.store.as_ref()).await?;
    let silence = desk.make(wish, &caller.name).await?;
    let shown = Shown::new(&silence, state.live.now());
    let mut response = (StatusCode::CREATED, Json(shown)).into_response();
    if let Ok(place) = HeaderValue::from_str(&format!("/api/v1/silences/{}", silence.name)) {
        response.headers_mut().insert(LOCATION, place);
    }
    Ok(response)
}

/// Ends one before its time.
pub(super) async fn end(
    State(state): State<AppState>,
    caller: Caller,
    name: Named,
    request: Request,
) -> Result<Response, Problem> {
    let name = named(name)?;
    caller.must(Level::Operator)?;
    let desk = desk(&state)?;
    let EndBody { reason } = read_or_nothing(request).await?;
    let silence = desk.end(&name, &caller.name, &reason).await?;
    Ok(Json(Shown::new(&silence, state.live.now())).into_response())
}

/// Whoever keeps silences; not here where another replica does.
pub(crate) fn desk(state: &AppState) -> Result<Arc<dyn Silences>, Problem> {
    state.live.role().takes()?;
    let missing = || Problem::new(Kind::NotKnownYet, "nothing is known of silences yet; try again");
    state.live.silences().ok_or_else(missing)
}

async fn read<T: serde::de::DeserializeOwned>(request: Request, advice: &str) -> Result<T, Problem> {
    let (parts, body) = request.into_parts();
    body::is_json(&parts.headers)?;
    let body = body::read(&parts.headers, body, LARGEST, "a silence is a few lines").await?;
    serde_json::from_slice(&body).map_err(|error| {
        Problem::new(Kind::BadBody, format!("the body cannot be understood ({error}); {advice}"))
    })
}

async fn read_or_nothing(request: Request) -> Result<EndBody, Problem> {
    let (parts, body) = request.into_parts();
    let body = body::read(&parts.headers, body, LARGEST, "a reason is a sentence").await?;
    if body.is_empty() {
        return Ok(EndBody::default());
    }
    body::is_json(&parts.headers)?;
    serde_json::from_slice(&body).map_err(|error| {
        let detail =
            format!("the body cannot be understood ({error}); send {{\"reason\": \"…\"}} or nothing");
        Problem::new(Kind::BadBody, detail)
    })
}

/// The answer to whoever does not send.
pub(super) async fn only_post(method: Method) -> Response {
    body::only_post("/api/v1/silences/…/end", "ends a silence", &method)
}

impl From<Trouble> for Problem {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Problem(problem) => problem,
            Trouble::Unclear(unclear) => {
                let said: Vec<String> =
                    unclear.into_iter().map(|one| format!("`{}`: {}", one.about, one.why)).collect();
                Self::new(Kind::BadBody, said.join("; "))
            }
        }
    }
}
