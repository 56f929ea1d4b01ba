//! What every connection of a simulated TrueNAS shares: state, logins, rights. What does not live here: transports.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicUsize;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::sync::broadcast;

use super::render;
use super::state::{KeyState, State};
use crate::fault::Faults;

/// The user of the key.
pub(super) const USER: &str = "evenkeel";
/// The key.
pub(super) const KEY: &str = "1-lab0123456789abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMN";
/// So many calls of one method without a login, from one address, in a window.
const MOST_STRANGERS: usize = 20;
const WINDOW: Duration = Duration::from_secs(60);

/// Something that changed, for whoever subscribed to it.
#[derive(Clone, Debug)]
pub(super) struct Update {
    pub(super) collection: &'static str,
    pub(super) message: Value,
}

#[derive(Debug)]
pub(super) struct Desk {
    pub(super) state: Mutex<State>,
    pub(super) faults: Faults,
    pub(super) asked: Mutex<BTreeMap<String, usize>>,
    pub(super) logins: AtomicUsize,
    pub(super) updates: broadcast::Sender<Update>,
    pub(super) strangers: Mutex<BTreeMap<String, Vec<Instant>>>,
}

/// What a method came to.
#[derive(Clone, Debug)]
pub(super) enum Outcome {
    Result(Value),
    Error(Failure),
}

/// An error, with all that its forms need.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    pub(super) code: i64,
    pub(super) errno: u64,
    pub(super) errname: &'static str,
    pub(super) reason: String,
    pub(super) status: u16,
}

impl Failure {
    fn new(errno: u64, errname: &'static str, reason: &str, status: u16) -> Self {
        Self { code: -32001, errno, errname, reason: format!("[{errname}] {reason}"), status }
    }

    pub(super) fn no_method(method: &str) -> Self {
        Self { code: -32601, ..Self::new(2, "ENOMETHOD", &format!("Method {method} does not exist"), 404) }
    }

    pub(super) fn logged_out() -> Self {
        Self::new(201, "ENOTAUTHENTICATED", "Not authenticated", 401)
    }

    pub(super) fn of_status(status: u16) -> Self {
        match status {
            401 => Self::logged_out(),
            403 => Self::new(13, "EACCES", "Not authorized", 403),
            404 => Self::no_method("simulated"),
            status => Self::new(14, "EFAULT", "simulated failure", status),
        }
    }

    /// As JSON-RPC has it, with a trace that nobody should repeat.
    pub(super) fn rpc(&self) -> Value {
        if self.code == -32601 {
            return json!({"code": self.code, "message": "Method does not exist", "data": null});
        }
        json!({
            "code": self.code,
            "message": "Method call error",
            "data": {
                "error": self.errno,
                "errname": self.errname,
                "reason": self.reason,
                "trace": {"class": "CallError", "frames": [{"locals": {"api_key": KEY}}], "formatted": KEY},
                "extra": null,
            },
        })
    }
}

impl Desk {
    pub(super) fn new(state: State) -> Self {
        Self {
            state: Mutex::new(state),
            faults: Faults::default(),
            asked: Mutex::new(BTreeMap::new()),
            logins: AtomicUsize::new(0),
            updates: broadcast::Sender::new(256),
            strangers: Mutex::new(BTreeMap::new()),
        }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn count(&self, what: &str) {
        *self.asked.lock().unwrap_or_else(PoisonError::into_inner).entry(what.to_owned()).or_default() += 1;
    }

    /// Answers a method for somebody who is logged in.
    pub(super) fn call(&self, method: &str, params: &[Value]) -> Outcome {
        let state = self.state();
        if !state.version.has(method) {
            return Outcome::Error(Failure::no_method(method));
        }
        if !state.allows(method) {
            return Outcome::Error(Failure::of_status(403));
        }
        Outcome::Result(render::answer(&state, method, params))
    }

    /// A login by key. Over an unencrypted connection the right key is revoked at once.
    pub(super) fn log_in(&self, user: Option<&str>, key: &str, encrypted: bool) -> &'static str {
        self.logins.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        if key != KEY || user.is_some_and(|user| user != USER) {
            return "AUTH_ERR";
        }
        let mut state = self.state();
        if !encrypted {
            state.key = KeyState::Revoked;
        }
        match state.key {
            KeyState::Valid => "SUCCESS",
            KeyState::Revoked => "AUTH_ERR",
            KeyState::Expired => "EXPIRED",
            KeyState::OtpRequired => "OTP_REQUIRED",
            KeyState::Redirect => "REDIRECT",
            KeyState::Denied => "DENIED",
        }
    }

    /// Whether a call without a login is one too many.
    pub(super) fn is_too_many(&self, method: &str) -> Option<Failure> {
        let mut strangers = self.strangers.lock().unwrap_or_else(PoisonError::into_inner);
        let calls = strangers.entry(method.to_owned()).or_default();
        calls.retain(|at| at.elapsed() < WINDOW);
        calls.push(Instant::now());
        (calls.len() > MOST_STRANGERS).then(|| Failure::new(16, "EBUSY", "Rate Limit Exceeded", 429))
    }
}
