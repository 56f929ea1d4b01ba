//! From a request to its body and headers. Pure. The signature is the webhook's.

use bytes::Bytes;
use evenkeel_core::remediation::{Content, Proposal};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};

use super::Request;

/// For receivers that deduplicate by the header many of them know; `webhook-id` says the same.
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// The headers beside those of a webhook; `None` for a key that no header can carry.
pub(super) fn headers(key: &str) -> Option<HeaderMap> {
    let value = HeaderValue::from_str(key).ok()?;
    Some(HeaderMap::from_iter([(IDEMPOTENCY_KEY, value)]))
}

/// The body. The only place where the callback's address is written out.
pub(super) fn body(request: &Request) -> Bytes {
    let Request { key, attempt, event, proposal, callback_url, callback_expires_at } = request;
    let body = json!({
        "event": event,
        "proposal": proposal,
        "idempotency_key": key,
        "attempt": attempt,
        "callback": { "url": callback_url.expose(), "expires_at": callback_expires_at.to_string() },
    });
    Bytes::from(body.to_string())
}

/// A proposal as its receiver is told: what to do, what with, and on whose behalf. Names are those of `params` in the
/// configuration.
pub fn told(proposal: &Proposal) -> Value {
    let Proposal { id, key, content, severity, created_at, .. } = proposal;
    let Content { rule, mode, action, effect, params } = content;
    let approved_by = proposal.state().run().map(|run| run.approval.by.name());
    json!({
        "handle": key.handle(),
        "action": action,
        "effect": effect.as_str(),
        "params": params,
        "rule": rule,
        "mode": mode.as_str(),
        "approved_by": approved_by,
        "number": id.number,
        "severity": severity.as_str(),
        "created_at": created_at.to_string(),
    })
}
