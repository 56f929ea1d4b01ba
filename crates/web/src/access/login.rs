//! Logging in and out. What lives here: what becomes of a name and a password. What does not: what the page looks like; how
//! often one may try; what is kept.

use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{LOCATION, RETRY_AFTER, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use evenkeel_core::Secret;
use jiff::Timestamp;
use tokio::sync::Semaphore;
use tracing::{info, warn};
use url::form_urlencoded;

use super::caller::{Caller, Peer};
use super::forwarded::Safe;
use super::rules::{Rules, User};
use super::session::{self, Key};
use super::throttle::Throttle;
use super::{Access, audit};
use crate::body;
use crate::page::login::{self as page, Word};
use crate::problem::{Kind, Problem};
use crate::state::AppState;

/// The largest form that is read, in bytes.
const LARGEST: usize = 8 * 1024;
/// How many passwords are held against hashes at once: each takes a core and tens of megabytes.
const AT_ONCE: usize = 2;
/// How many may wait for that.
const WAITING: usize = 32;
/// How often the journal has a line about somebody who did not get in.
const NOTED_EVERY: Duration = Duration::from_secs(5);

/// What the door remembers of those who try to get in.
pub(super) struct Door {
    throttle: Throttle,
    busy: Arc<Semaphore>,
    queue: Semaphore,
    noted: Mutex<(Option<Timestamp>, u64)>,
    won: AtomicU64,
    lost: AtomicU64,
    held: AtomicU64,
}

impl Default for Door {
    fn default() -> Self {
        Self {
            throttle: Throttle::default(),
            busy: Arc::new(Semaphore::new(AT_ONCE)),
            queue: Semaphore::new(WAITING),
            noted: Mutex::default(),
            won: AtomicU64::new(0),
            lost: AtomicU64::new(0),
            held: AtomicU64::new(0),
        }
    }
}

impl Door {
    /// The figures, for Prometheus.
    pub(super) fn figures(&self) -> String {
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let (won, lost, held) = (of(&self.won), of(&self.lost), of(&self.held));
        format!(
            "# HELP evenkeel_logins_total How often somebody tried to log in, by what came of it.\n\
             # TYPE evenkeel_logins_total counter\n\
             evenkeel_logins_total{{outcome=\"held\"}} {held}\n\
             evenkeel_logins_total{{outcome=\"lost\"}} {lost}\n\
             evenkeel_logins_total{{outcome=\"won\"}} {won}\n"
        )
    }

    /// Whether it is time for another line about somebody who did not get in, and how many there were since the last.
    fn may_note(&self, now: Timestamp) -> Option<u64> {
        let mut noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        let (last, unsaid) = *noted;
        if last.is_some_and(|last| now.duration_since(last).unsigned_abs() < NOTED_EVERY) {
            noted.1 += 1;
            return None;
        }
        *noted = (Some(now), 0);
        Some(unsaid)
    }
}

/// What came of a try.
enum Tried {
    In(Box<User>),
    Wrong,
    Held(Duration),
}

/// `GET /login`.
pub(crate) async fn show(
    State(state): State<AppState>,
    uri: Uri,
    headers: HeaderMap,
    request: Request,
) -> Response {
    let caller = request.extensions().get::<Caller>();
    let next = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes())
        .find_map(|(name, value)| (name == "next").then(|| own_path(&value)));
    if caller.is_some_and(Caller::is_named) {
        return see(next.as_deref().unwrap_or("/"));
    }
    page::answer(&state, &uri, &headers, StatusCode::OK, next.as_deref(), word(&state.access.rules()))
}

/// What there is to say before anybody tried.
fn word(rules: &Rules) -> Word {
    if rules.users.is_empty() { Word::Nobody } else { Word::Welcome }
}

/// `POST /login`.
pub(crate) async fn take(
    State(state): State<AppState>,
    uri: Uri,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, Problem> {
    let peer = request.extensions().get::<Peer>().map(|Peer(address)| *address);
    let is_safe = request.extensions().get::<Safe>().is_some_and(|Safe(is_safe)| *is_safe);
    let form = Form::of(&headers, request.into_body()).await?;
    let rules = state.access.rules();
    if rules.users.is_empty() {
        return Ok(page::answer(&state, &uri, &headers, StatusCode::NOT_FOUND, None, Word::Nobody));
    }
    let next = form.next.as_deref().map(own_path);
    let now = state.live.now();
    // Whose address is not known shares one with all of those.
    let from = peer.unwrap_or(IpAddr::from([0, 0, 0, 0]));
    match tried(&state.access, &rules, &form, from, now).await {
        Tried::In(user) => {
            let (key, row) = session::of(&user, rules.sessions, now);
            state.store.begin_session(&row, &audit::came(&user.name, peer, now)).await?;
            state.access.door.won.fetch_add(1, Ordering::Relaxed);
            info!(user = %user.name, ?peer, "logged in");
            leave_earlier(&state, &headers, is_safe, now).await;
            let mut response = see(next.as_deref().unwrap_or("/"));
            set_cookie(&mut response, &key.cookie(is_safe, rules.sessions.longest));
            Ok(response)
        }
        Tried::Wrong => {
            state.access.door.lost.fetch_add(1, Ordering::Relaxed);
            lost(&state, &rules, &form.name, peer, now).await;
            let status = StatusCode::UNAUTHORIZED;
            Ok(page::answer(&state, &uri, &headers, status, next.as_deref(), Word::Wrong))
        }
        Tried::Held(wait) => {
            state.access.door.held.fetch_add(1, Ordering::Relaxed);
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            let status = StatusCode::TOO_MANY_REQUESTS;
            let word = Word::Wait(seconds);
            let mut response = page::answer(&state, &uri, &headers, status, next.as_deref(), word);
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
            Ok(response)
        }
    }
}

/// A browser that logs in anew leaves its earlier session: nobody has a use for two, and one that was put there by somebody
/// else is gone with it.
async fn leave_earlier(state: &AppState, headers: &HeaderMap, is_safe: bool, now: Timestamp) {
    let Some(key) = Key::shown(headers, is_safe) else { return };
    match state.store.session(key.hash()).await {
        Ok(None) => {}
        Ok(Some(row)) => {
            if let Err(error) = state.store.end_session(row.token, &audit::left(&row.name, now)).await {
                warn!(%error, "an earlier session could not be ended");
            }
        }
        Err(error) => warn!(%error, "an earlier session could not be looked for"),
    }
}

async fn lost(state: &AppState, rules: &Rules, name: &str, peer: Option<IpAddr>, now: Timestamp) {
    let known = rules.users.iter().find(|user| *user.name == *name).map(|user| &*user.name);
    let Some(unsaid) = state.access.door.may_note(now) else { return };
    warn!(user = known.unwrap_or("unknown"), ?peer, unsaid, "somebody did not get in");
    if let Err(error) = state.store.note_at_door(&audit::failed(known, peer, unsaid, now)).await {
        warn!(%error, "this could not be noted in the journal");
    }
}

/// Holds the password against its hash. A name that nobody has takes as long as one that somebody has.
async fn tried(access: &Access, rules: &Rules, form: &Form, from: IpAddr, now: Timestamp) -> Tried {
    let Ok(_place) = access.door.queue.try_acquire() else {
        return Tried::Held(Duration::from_secs(1));
    };
    if let Err(wait) = access.door.throttle.begin(&form.name, from, now) {
        return Tried::Held(wait);
    }
    let Ok(turn) = access.door.busy.clone().acquire_owned().await else {
        return Tried::Held(Duration::from_secs(1));
    };
    let user = rules.users.iter().find(|user| *user.name == *form.name).cloned();
    let Some(hash) = user.as_ref().map(|user| &user.password).or_else(|| rules.costliest()).cloned() else {
        return Tried::Wrong;
    };
    let password = form.password.clone();
    // The turn ends with the work, not with whoever waits for it: a visitor who goes away makes no room for another.
    let work = tokio::task::spawn_blocking(move || {
        let fits = hash.fits(&password);
        drop(turn);
        fits
    });
    let fits = work.await.unwrap_or(false);
    match user {
        Some(user) if fits => {
            access.door.throttle.won(&form.name, from, now);
            Tried::In(Box::new(user))
        }
        Some(_) | None => Tried::Wrong,
    }
}

/// `POST /logout`.
pub(crate) async fn leave(
    State(state): State<AppState>,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, Problem> {
    let is_safe = request.extensions().get::<Safe>().is_some_and(|Safe(is_safe)| *is_safe);
    if let (Some(caller), Some(key)) = (request.extensions().get::<Caller>(), Key::shown(&headers, is_safe))
        && caller.seal().is_some()
    {
        state.store.end_session(key.hash(), &audit::left(&caller.name, state.live.now())).await?;
        info!(user = %caller.name, "logged out");
    }
    let mut response = see("/login");
    set_cookie(&mut response, &session::forget(is_safe));
    Ok(response)
}

/// What was typed.
struct Form {
    name: String,
    password: Secret,
    next: Option<String>,
}

impl Form {
    async fn of(headers: &HeaderMap, body: Body) -> Result<Self, Problem> {
        let body = body::read(headers, body, LARGEST, "a name and a password are shorter").await?;
        let mut form = Self { name: String::new(), password: Secret::new(""), next: None };
        for (name, value) in form_urlencoded::parse(&body) {
            match &*name {
                "name" => form.name = value.trim().to_owned(),
                "password" => form.password = Secret::new(value.into_owned()),
                "next" => form.next = Some(value.into_owned()),
                // The language, for one.
                _ => {}
            }
        }
        if form.name.is_empty() && form.password.expose().is_empty() {
            let detail = "send `name` and `password` as a form (application/x-www-form-urlencoded)";
            return Err(Problem::new(Kind::BadBody, detail));
        }
        Ok(form)
    }
}

/// The path, if it is one of ours; else the beginning. What a browser would take for another machine's address (`//x`,
/// `/\x`) is none.
fn own_path(text: &str) -> String {
    let is_own = text.starts_with('/')
        && !text.starts_with("//")
        && !text.contains('\\')
        && text.bytes().all(|byte| byte.is_ascii_graphic());
    if is_own { text.to_owned() } else { "/".to_owned() }
}

fn see(path: &str) -> Response {
    let mut response = StatusCode::SEE_OTHER.into_response();
    let path = HeaderValue::from_str(path).unwrap_or(HeaderValue::from_static("/"));
    response.headers_mut().insert(LOCATION, path);
    response
}

fn set_cookie(response: &mut Response, cookie: &str) {
    // It is made of letters, digits and our own signs.
    if let Ok(cookie) = HeaderValue::from_str(cookie) {
        response.headers_mut().insert(SET_COOKIE, cookie);
    }
}

/// The way to the login, and from there back to what was asked for.
pub(super) fn way_in(next: Option<&Uri>) -> Response {
    let asked =
        next.and_then(|uri| uri.path_and_query()).map(|asked| asked.as_str()).filter(|asked| *asked != "/");
    match asked {
        None => see("/login"),
        Some(asked) => {
            let query = form_urlencoded::Serializer::new(String::new()).append_pair("next", asked).finish();
            see(&format!("/login?{query}"))
        }
    }
}

impl Access {
    /// The figures of the door, for Prometheus.
    pub(crate) fn figures(self: &Arc<Self>) -> String {
        self.door.figures()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn when_as_many_wait_at_the_door_as_may_the_next_is_sent_away_for_a_moment() {
        let access = Access::local();
        let form = Form { name: "ada".to_owned(), password: Secret::new("x"), next: None };
        let (from, now) = (IpAddr::from([127, 0, 0, 1]), Timestamp::UNIX_EPOCH);
        let places = access.door.queue.try_acquire_many(32).unwrap();
        let sent_away = tried(&access, &access.rules(), &form, from, now).await;
        assert!(matches!(sent_away, Tried::Held(wait) if wait == Duration::from_secs(1)));
        drop(places);
        assert!(matches!(tried(&access, &access.rules(), &form, from, now).await, Tried::Wrong));
    }

    #[test]
    fn only_a_path_of_ours_is_gone_back_to() {
        for path in ["/", "/drifts/ABC?x=1&y=%2F", "/login"] {
            assert_eq!(own_path(path), path);
        }
        for path in [
            "",
            "//evil.lan",
            "/\\evil.lan",
            "https://evil.lan",
            "javascript:1",
            "/a\r\nx: y",
            "/ä",
            "evil",
            "/\t/x",
        ] {
            assert_eq!(own_path(path), "/", "{path:?}");
        }
    }
}
