//! Who we are, request by request: a token's header, or a ticket that is asked for, kept and renewed. What does not
//! live here: sending anything.

use std::time::Duration;

use evenkeel_core::{Gap, GapKind, Secret};
use reqwest::header::{AUTHORIZATION, COOKIE, HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;
use tokio::time::Instant;

use super::config::Login;

/// A ticket lives two hours; it is renewed well before.
pub(super) const RENEW_AFTER: Duration = Duration::from_secs(3600);
/// After this long it is not worth showing any more.
pub(super) const LIFETIME: Duration = Duration::from_secs(2 * 3600 - 300);

/// A ticket and when it was given, by this machine's own clock: that of the cluster may be off.
#[derive(Clone, Debug)]
pub(super) struct Ticket {
    pub(super) text: Secret,
    pub(super) since: Instant,
}

impl Ticket {
    /// Whether it is to be exchanged for a new one.
    pub(super) fn is_old(&self, now: Instant) -> bool {
        now.duration_since(self.since) >= RENEW_AFTER
    }

    /// Whether it can still be exchanged.
    pub(super) fn is_over(&self, now: Instant) -> bool {
        now.duration_since(self.since) >= LIFETIME
    }

    /// The header that shows it. A reading request needs no prevention token.
    pub(super) fn header(&self) -> Option<(HeaderName, HeaderValue)> {
        let mut value = HeaderValue::from_str(&format!("PVEAuthCookie={}", self.text.expose())).ok()?;
        value.set_sensitive(true);
        Some((COOKIE, value))
    }

    /// Reads the answer to a login. Accounts with a second factor are given half a ticket, which opens nothing.
    pub(super) fn of_answer(data: &Value, what: &str, now: Instant) -> Result<Self, Gap> {
        if data.get("NeedTFA").is_some_and(|flag| !matches!(flag, Value::Null | Value::Bool(false))) {
            let why = format!("{what}: the account wants a second factor; use an api token");
            return Err(Gap::new(GapKind::Unauthorized, why));
        }
        match data.get("ticket").and_then(Value::as_str) {
            Some(text) if !text.is_empty() => Ok(Self { text: Secret::new(text), since: now }),
            Some(_) | None => {
                Err(Gap::new(GapKind::Malformed, format!("{what}: the answer holds no ticket")))
            }
        }
    }
}

/// The header of a token; `None` for other logins and for a token that no header can carry.
pub(super) fn token_header(login: &Login) -> Option<(HeaderName, HeaderValue)> {
    match login {
        Login::Token { id, secret } => {
            let mut value = HeaderValue::from_str(&format!("PVEAPIToken={id}={}", secret.expose())).ok()?;
            value.set_sensitive(true);
            Some((AUTHORIZATION, value))
        }
        Login::Password { .. } => None,
    }
}

/// The text without what must not be shown: a proxy's error page may repeat what it was sent.
pub(super) fn redacted(text: &str, secrets: &[&Secret]) -> String {
    let mut text = text.to_owned();
    for secret in secrets {
        // What is shorter is no secret but a word, and would only tear holes into the text.
        if secret.expose().len() >= 8 && text.contains(secret.expose()) {
            text = text.replace(secret.expose(), "***");
        }
    }
    text
}

/// Puts a header on a request's headers.
pub(super) fn show(headers: &mut HeaderMap, header: Option<(HeaderName, HeaderValue)>) {
    if let Some((name, value)) = header {
        headers.insert(name, value);
    }
}

/// The form of a login.
pub(super) fn form(user: &str, password: &Secret) -> String {
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    form.append_pair("username", user).append_pair("password", password.expose());
    form.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_a_ticket_is_none() {
        let now = Instant::now();
        let half = serde_json::json!({"ticket": "PVE:!tfa!x", "NeedTFA": 1});
        assert_eq!(Ticket::of_answer(&half, "x", now).unwrap_err().kind, GapKind::Unauthorized);
        let none = serde_json::json!({"username": "root@pam"});
        assert_eq!(Ticket::of_answer(&none, "x", now).unwrap_err().kind, GapKind::Malformed);
    }

    #[test]
    fn a_ticket_is_renewed_before_it_ends() {
        let ticket = Ticket { text: Secret::new("t"), since: Instant::now() };
        for (minutes, old, over) in
            [(0, false, false), (59, false, false), (61, true, false), (119, true, true)]
        {
            let now = ticket.since + Duration::from_secs(minutes * 60);
            assert_eq!((ticket.is_old(now), ticket.is_over(now)), (old, over), "{minutes}");
        }
    }

    #[test]
    fn a_secret_that_comes_back_is_not_passed_on() {
        let secret = Secret::new("12345678-1234");
        assert_eq!(redacted("bad: 12345678-1234!", &[&secret]), "bad: ***!");
    }
}
