//! `POST /webhooks/netbox`: NetBox says that something was edited. What lives here: whether it really is NetBox, and the
//! answer. What does not: what was edited. A webhook may be replayed, arrive before what it tells of is committed, or tell
//! of what never was: it rings a bell, and whoever hears it reads NetBox.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use evenkeel_core::Secret;
use hmac::{Hmac, KeyInit, Mac};
use serde::Deserialize;
use sha2::Sha512;
use tracing::{debug, warn};

use crate::access::from_hex;
use crate::body;
use crate::problem::{Kind, Problem};
use crate::routes::Routes;
use crate::state::AppState;

const PATH: &str = "/webhooks/netbox";

/// The header NetBox signs in: the hexadecimal HMAC-SHA512 of the body.
const SIGNATURE: &str = "x-hook-signature";

/// The largest body that is read, in bytes. Recorded ones have 4 to 8 kB.
pub const LARGEST_HOOK: usize = 256 * 1024;

/// Whom a webhook of NetBox wakes.
pub trait NetboxHook: Send + Sync {
    /// What NetBox signs with.
    fn secret(&self) -> &Secret;

    /// NetBox has to be read: something was edited.
    fn ring(&self);
}

/// The one route, which takes nothing but `POST`.
pub(crate) fn routes() -> Routes {
    Routes::new().route(PATH, post(take).fallback(only_post))
}

async fn take(State(state): State<AppState>, request: Request) -> Result<Response, Problem> {
    state.live.role().takes()?;
    let Some(hook) = state.live.netbox_hook() else {
        let detail = "NetBox is not listened to here: the configuration has no netbox.webhook_secret";
        return Err(Problem::new(Kind::NotFound, detail));
    };
    let (parts, body) = request.into_parts();
    // Before a byte of the body is read: whoever does not even try gets no memory.
    let Some(signature) = signature(&parts.headers) else {
        return Err(unsigned(
            "it is not signed: give the webhook in NetBox the secret of netbox.webhook_secret",
        ));
    };
    let advice = "NetBox sends far less";
    let body = body::read(&parts.headers, body, LARGEST_HOOK, advice).await?;
    if !is_signed(&body, &signature, hook.secret()) {
        warn!("a webhook came with a signature that is not netbox's");
        return Err(unsigned("its signature is not made with the secret of netbox.webhook_secret"));
    }
    match serde_json::from_slice::<Notice>(&body) {
        Ok(notice) => {
            debug!(event = ?notice.event, object = ?notice.object_type.or(notice.model), "netbox was edited")
        }
        // Whatever it says, it is NetBox that says it.
        Err(error) => debug!(%error, "netbox sent something that cannot be read"),
    }
    hook.ring();
    Ok(StatusCode::ACCEPTED.into_response())
}

/// What is worth a line in the log.
#[derive(Deserialize)]
struct Notice {
    event: Option<String>,
    /// From 4.4 on.
    object_type: Option<String>,
    /// Up to 4.4.
    model: Option<String>,
}

fn unsigned(detail: &'static str) -> Problem {
    Problem::new(Kind::Unauthorized, detail)
}

/// The one signature, as bytes.
fn signature(headers: &HeaderMap) -> Option<Vec<u8>> {
    let mut values = headers.get_all(SIGNATURE).iter();
    let (first, second) = (values.next()?, values.next());
    second.is_none().then(|| from_hex(first.as_bytes())).flatten()
}

/// Whether the body was signed with the secret, in a time that does not tell how much of the signature is right.
fn is_signed(body: &[u8], signature: &[u8], secret: &Secret) -> bool {
    Hmac::<Sha512>::new_from_slice(secret.expose().as_bytes())
        .is_ok_and(|mac| mac.chain_update(body).verify_slice(signature).is_ok())
}

async fn only_post(method: Method) -> Response {
    body::only_post(PATH, "is where NetBox sends its webhooks", &method)
}
