//! Finds out who asks, before anything is done for them, and whether the route is for them. Not here: what they can show.

use std::net::IpAddr;

use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use subtle::ConstantTimeEq;

use super::caller::{Caller, Level, Means, Peer, Scopes};
use super::needs::Need;
use super::refusal::Refusal;
use super::rules::Rules;
use super::token::{Shown, TokenDigest, shown};
use crate::state::AppState;

/// Lets those in who may come in, and says to the handler who they are.
pub(crate) async fn identified(State(state): State<AppState>, mut request: Request, next: Next) -> Response {
    let need = Need::of(request.method(), request.uri().path());
    match admitted(&state, need, &request) {
        Err(refusal) => refusal.into_response(),
        Ok(caller) => {
            if let Some(caller) = caller {
                request.extensions_mut().insert(caller);
            }
            next.run(request).await
        }
    }
}

fn admitted(state: &AppState, need: Need, request: &Request) -> Result<Option<Caller>, Refusal> {
    if matches!(need, Need::Nothing | Need::Own) {
        return Ok(None);
    }
    let rules = state.access.rules();
    let peer = request.extensions().get::<Peer>().map(|Peer(address)| *address);
    let found = found(state, &rules, peer, request.headers());
    let Some((level, scope)) = need.least() else {
        // What is open is open to whoever shows what nobody has, too; they are nobody there.
        return Ok(found.ok().flatten());
    };
    let caller = match found? {
        Some(caller) => caller,
        None if need == Need::METRICS && rules.open_metrics => return Ok(None),
        None => return Err(Refusal::unknown(state.access.how(&rules))),
    };
    if !caller.holds(scope) {
        let what = scope.map_or("its whole role".to_owned(), |scope| format!("the scope {}", scope.as_str()));
        return Err(Refusal::forbidden(format!(
            "this takes {what}, which the token {} does not have",
            caller.name
        )));
    }
    match caller.must(level) {
        Ok(()) => Ok(Some(caller)),
        Err(problem) if caller.is_named() => Err(problem.into()),
        Err(_) => Err(Refusal::unknown(state.access.how(&rules))),
    }
}

/// Who asks. `None`: they do not say.
fn found(
    state: &AppState,
    rules: &Rules,
    peer: Option<IpAddr>,
    headers: &HeaderMap,
) -> Result<Option<Caller>, Refusal> {
    match shown(headers) {
        Shown::Bearer(token) => return owner(state, rules, token).map(Some),
        Shown::Unreadable => {
            return Err(Refusal::unknown("send one token, as `Authorization: Bearer …`"));
        }
        Shown::Nothing => {}
    }
    // Whose address is not known is nobody.
    if peer.is_some_and(|peer| state.access.is_open_to(rules, peer)) {
        return Ok(Some(Caller::local()));
    }
    Ok(rules.anonymous.map(Caller::anonymous))
}

/// Whose token this is. Every token is looked at, so that the time does not tell which one was nearly right.
fn owner(state: &AppState, rules: &Rules, shown: &[u8]) -> Result<Caller, Refusal> {
    let nobodys =
        || Refusal::unknown("this token is nobody's: it is not in the configuration, or was taken out of it");
    let digest = TokenDigest::of(std::str::from_utf8(shown).map_err(|_| nobodys())?);
    let mut found = None;
    for token in &rules.tokens {
        if token.digest.is_of(&digest) {
            found = Some(token);
        }
    }
    let mut approver = None;
    for one in &rules.approvers {
        if bool::from(one.token.expose().as_bytes().ct_eq(shown)) {
            approver = Some(one);
        }
    }
    match (found, approver) {
        (Some(token), _) => match token.expires {
            Some(end) if end <= state.live.now() => {
                Err(Refusal::unknown(format!("this token ended at {end}")))
            }
            Some(_) | None => {
                Ok(Caller::named(token.name.clone(), token.level, Means::Token(token.scopes.clone())))
            }
        },
        (None, Some(approver)) => {
            let name = approver.name.as_str().into();
            Ok(Caller::named(name, Level::Approver, Means::Token(Scopes::Whole)))
        }
        (None, None) => Err(nobodys()),
    }
}
