//! Sessions: what a browser shows, what is kept of it, and when one is over. Not here: who may begin one.

use std::fmt;
use std::time::Duration;

use axum::http::HeaderMap;
use axum::http::header::COOKIE;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use evenkeel_store::{JournalRow, SessionRow, Store, TokenHash};
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use tracing::warn;

use super::audit;
use super::caller::{Caller, Means};
use super::refusal::Refusal;
use super::rules::{Rules, User};
use super::token::from_hex;
use crate::problem::Problem;

/// Over a connection that nobody reads along on. The prefix has browsers refuse one that a neighbour's page set.
const SAFE: &str = "__Host-evenkeel";
/// Over one that can be read along on: on this machine, or in a network without TLS.
const PLAIN: &str = "evenkeel-session";

/// How often it is kept that somebody was seen.
const SEEN_EVERY: Duration = Duration::from_secs(60);

/// How long sessions last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sessions {
    /// So long without a request.
    pub idle: Duration,
    /// So long in any case.
    pub longest: Duration,
}

impl Default for Sessions {
    fn default() -> Self {
        Self { idle: Duration::from_hours(12), longest: Duration::from_hours(7 * 24) }
    }
}

/// What a browser shows: 256 random bits.
pub(super) struct Key([u8; 32]);

impl Key {
    /// One that nobody has.
    pub(super) fn new() -> Self {
        Self(rand::random())
    }

    /// The one this request shows, over a connection that is safe or not: the cookie of the other kind counts for nothing.
    /// Of two there is none: one of them was put there by somebody else.
    pub(super) fn shown(headers: &HeaderMap, is_safe: bool) -> Option<Self> {
        let name = if is_safe { SAFE } else { PLAIN };
        let lines = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
        let mut found = lines
            .flat_map(|line| line.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .filter_map(|(key, value)| (key == name).then_some(value));
        let (first, second) = (found.next()?, found.next());
        let bytes = second.is_none().then(|| from_hex(first.as_bytes())).flatten()?;
        Some(Self(bytes.try_into().ok()?))
    }

    /// What is kept of it.
    pub(super) fn hash(&self) -> TokenHash {
        TokenHash(Sha256::digest(self.0).into())
    }

    /// The cookie that makes a browser show it.
    pub(super) fn cookie(&self, is_safe: bool, longest: Duration) -> String {
        let digits: String = self.0.iter().map(|byte| format!("{byte:02x}")).collect();
        cookie(is_safe, &digits, longest.as_secs())
    }

    fn seal(&self) -> Seal {
        // A key of any length will do, so this cannot fail.
        let mac = Hmac::<Sha256>::new_from_slice(&self.0).map(|mac| mac.chain_update(b"evenkeel form"));
        Seal(mac.map_or([0; 32], |mac| mac.finalize().into_bytes().into()))
    }
}

/// The cookie that makes a browser forget.
pub(super) fn forget(is_safe: bool) -> String {
    cookie(is_safe, "", 0)
}

fn cookie(is_safe: bool, value: &str, seconds: u64) -> String {
    let (name, secure) = if is_safe { (SAFE, "; Secure") } else { (PLAIN, "") };
    format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={seconds}{secure}")
}

/// What a form of somebody who is logged in carries. It follows from what their browser shows, and shows nothing of it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Seal([u8; 32]);

impl Seal {
    /// For one form. It is another text each time: answers are compressed, and what stays the same beside what somebody
    /// may choose could be guessed from their lengths.
    pub(crate) fn masked(&self) -> String {
        let mask: [u8; 32] = rand::random();
        let veiled = mask.iter().zip(self.0).map(|(mask, byte)| mask ^ byte);
        let both: Vec<u8> = mask.iter().copied().chain(veiled).collect();
        URL_SAFE_NO_PAD.encode(both)
    }

    /// Whether this came from one of our forms.
    pub(super) fn fits(&self, text: &str) -> bool {
        let Ok(both) = URL_SAFE_NO_PAD.decode(text) else { return false };
        let Some((mask, veiled)) = both.split_at_checked(32) else { return false };
        let shown: Vec<u8> = mask.iter().zip(veiled).map(|(mask, byte)| mask ^ byte).collect();
        veiled.len() == 32 && bool::from(shown.ct_eq(&self.0))
    }
}

impl fmt::Debug for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// A new session of this user, and what is kept of it.
pub(super) fn of(user: &User, sessions: Sessions, now: Timestamp) -> (Key, SessionRow) {
    let key = Key::new();
    let row = SessionRow {
        token: key.hash(),
        name: user.name.to_string(),
        credential: user.password.credential(),
        created_at: now,
        seen_at: now,
        ends_at: now.checked_add(sessions.longest).unwrap_or(Timestamp::MAX),
    };
    (key, row)
}

/// Whose session this request shows. One that is over is ended for good: what ends it may be taken back.
pub(super) async fn found(
    store: &dyn Store,
    rules: &Rules,
    key: &Key,
    now: Timestamp,
) -> Result<Option<Caller>, Refusal> {
    let Some(row) = store.session(key.hash()).await.map_err(Problem::from)? else {
        return Ok(None);
    };
    let user = match standing(rules, &row, now) {
        Ok(user) => user,
        Err(why) => {
            end(store, &row, &audit::over(&row.name, why, now)).await;
            return Ok(None);
        }
    };
    let seen = now.duration_since(row.seen_at).unsigned_abs();
    if seen >= SEEN_EVERY.min(rules.sessions.idle / 4)
        && let Err(error) = store.touch_session(row.token, now).await
    {
        warn!(%error, "it could not be kept that somebody was seen; their session may end early");
    }
    Ok(Some(Caller::named(user.name.clone(), user.level, Means::Session(key.seal()))))
}

/// Whose it is, unless it is over, and then why.
fn standing<'a>(rules: &'a Rules, row: &SessionRow, now: Timestamp) -> Result<&'a User, &'static str> {
    let since = |from: Timestamp| now.duration_since(from).unsigned_abs();
    let user = rules.users.iter().find(|user| *user.name == row.name).ok_or("the user was taken out")?;
    if user.password.credential() != row.credential {
        Err("the password was changed")
    } else if now >= row.ends_at || since(row.created_at) >= rules.sessions.longest {
        Err("its time was up")
    } else if since(row.seen_at) >= rules.sessions.idle {
        Err("nobody used it")
    } else {
        Ok(user)
    }
}

async fn end(store: &dyn Store, row: &SessionRow, note: &JournalRow) {
    if let Err(error) = store.end_session(row.token, note).await {
        warn!(%error, "a session that is over could not be removed; it opens nothing");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(cookies: &[&'static str]) -> HeaderMap {
        cookies.iter().map(|cookie| (COOKIE, axum::http::HeaderValue::from_static(cookie))).collect()
    }

    const A: &str = "evenkeel-session=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    const SAFE_A: &str = "__Host-evenkeel=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

    #[test]
    fn a_cookie_counts_for_its_own_kind_of_connection_and_only_alone() {
        assert!(Key::shown(&with(&["x=1; y", A]), false).is_some());
        assert!(Key::shown(&with(&[SAFE_A]), true).is_some());
        assert!(Key::shown(&with(&[A]), true).is_none());
        assert!(Key::shown(&with(&[SAFE_A]), false).is_none());
        assert!(Key::shown(&with(&[A, A]), false).is_none());
        assert!(Key::shown(&with(&["evenkeel-session=aa"]), false).is_none());
        assert!(Key::shown(&with(&[]), false).is_none());
    }

    #[test]
    fn a_seal_looks_different_each_time_and_fits_only_its_own_session() {
        let (seal, other) = (Key([1; 32]).seal(), Key([2; 32]).seal());
        let (one, two) = (seal.masked(), seal.masked());
        assert_ne!(one, two);
        assert!(seal.fits(&one) && seal.fits(&two));
        assert!(!other.fits(&one));
        for text in ["", "AAAA", &one[1..], &"A".repeat(86), &one.replace('_', "/")[..85]] {
            assert!(!seal.fits(text), "{text}");
        }
    }
}
