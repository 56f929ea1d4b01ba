//! Finds out who asks, before anything is done for them, and whether the route is for them. Not here: what they can show.

use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Uri};
use axum::middleware::Next;
use axum::response::Response;

use super::caller::{Caller, Level, Means, Peer, Scopes};
use super::forwarded::{Safe, Vouched};
use super::needs::{Need, is_safe};
use super::refusal::Refusal;
use super::rules::Rules;
use super::session::{self, Key};
use super::token::TokenDigest;
use super::{around, origin};
use crate::state::AppState;
use crate::token::{Shown, is_shown, shown, whose};

/// Lets those in who may come in, and says to the handler who they are.
pub(crate) async fn identified(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let need = Need::of(request.method(), request.uri().path());
    if matches!(need, Need::Nothing | Need::Own) {
        return next.run(request).await;
    }
    let (uri, headers) = (request.uri().clone(), request.headers().clone());
    let changes = !is_safe(request.method());
    match admitted(&state, need, request).await {
        Err(refusal) => refused(&state, refusal, (!changes).then_some(&uri), &uri, &headers),
        Ok((caller, request)) => around(caller, next.run(request)).await,
    }
}

async fn admitted(
    state: &AppState,
    need: Need,
    request: Request,
) -> Result<(Option<Caller>, Request), Refusal> {
    let rules = state.access.rules();
    let (parts, body) = request.into_parts();
    let found = found(state, &rules, need, &parts).await;
    let mut request = Request::from_parts(parts, body);
    let caller = match need.least() {
        // What is open is open to whoever shows what nobody has, too; they are nobody there.
        None => found.ok().flatten(),
        Some((level, scope)) => match found? {
            Some(caller) => Some(enough(state, &rules, caller, level, scope)?),
            None if need == Need::METRICS && rules.open_metrics => None,
            None => return Err(Refusal::unknown(state.access.how(&rules))),
        },
    };
    if !is_safe(request.method()) && !caller.as_ref().is_some_and(Caller::shows_a_token) {
        origin::is_ours(request.headers())?;
        if need != Need::Login
            && let Some(seal) = caller.as_ref().and_then(Caller::seal)
        {
            request = origin::sealed(request, &seal).await?;
        }
    }
    if let Some(caller) = &caller {
        request.extensions_mut().insert(caller.clone());
    }
    Ok((caller, request))
}

/// The caller, if what the route takes is theirs.
fn enough(
    state: &AppState,
    rules: &Rules,
    caller: Caller,
    level: Level,
    scope: Option<super::Scope>,
) -> Result<Caller, Refusal> {
    if !caller.holds(scope) {
        let what = scope.map_or("its whole role".to_owned(), |scope| format!("the scope {}", scope.as_str()));
        let detail = format!("this takes {what}, which the token {} does not have", caller.name);
        return Err(Refusal::forbidden(detail));
    }
    // Of whoever has not said who they are, deciding is asked by the handler: it knows whether anybody could, and says
    // with what.
    let level = if caller.is_named() { level } else { level.min(Level::Operator) };
    match caller.must(level) {
        Ok(()) => Ok(caller),
        Err(problem) if caller.is_named() || caller.is_local() => Err(problem.into()),
        Err(_) => Err(Refusal::unknown(state.access.how(rules))),
    }
}

/// Who asks. `None`: they do not say.
async fn found(
    state: &AppState,
    rules: &Rules,
    need: Need,
    parts: &Parts,
) -> Result<Option<Caller>, Refusal> {
    let Parts { headers, extensions, .. } = parts;
    match shown(headers) {
        Shown::Bearer(token) => return owner(state, rules, token).map(Some),
        Shown::Unreadable => {
            return Err(Refusal::unknown("send one token, as `Authorization: Bearer …`"));
        }
        Shown::Nothing => {}
    }
    match extensions.get::<Vouched>() {
        Some(Vouched::Unclear(why)) => return Err(Refusal::unknown(*why)),
        Some(Vouched::Somebody(name, Some(level))) => {
            return Ok(Some(Caller::named(name.clone(), *level, Means::Proxy)));
        }
        Some(Vouched::Somebody(name, None)) => {
            let detail = format!(
                "{name} is logged in, and has no role here: none of their groups is in access.proxy.roles"
            );
            return Err(Refusal::forbidden(detail));
        }
        None => {}
    }
    let is_safe = extensions.get::<Safe>().is_some_and(|Safe(is_safe)| *is_safe);
    // Whether evenkeel is ready must be told while the store is away, and takes nobody's session.
    if need != Need::READY
        && !rules.users.is_empty()
        && let Some(key) = Key::shown(headers, is_safe)
        && let Some(caller) = session::found(state.store.as_ref(), rules, &key, state.live.now()).await?
    {
        return Ok(Some(caller));
    }
    // Whose address is not known is nobody.
    let peer = extensions.get::<Peer>().map(|Peer(address)| *address);
    if peer.is_some_and(|peer| state.access.is_open_to(rules, peer)) {
        return Ok(Some(Caller::local(rules.local)));
    }
    Ok(rules.anonymous.filter(|_| rules.names_somebody()).map(Caller::anonymous))
}

/// Whose token this is.
fn owner(state: &AppState, rules: &Rules, shown: &[u8]) -> Result<Caller, Refusal> {
    let nobodys =
        || Refusal::unknown("this token is nobody's: it is not in the configuration, or was taken out of it");
    let digest = TokenDigest::of(std::str::from_utf8(shown).map_err(|_| nobodys())?);
    let found = whose(&rules.tokens, |token| token.digest.is_of(&digest));
    let approver = whose(&rules.approvers, |approver| is_shown(&approver.token, shown));
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

/// The answer to whoever may not come in: a way in or a page for people, a problem for programs. `back`: where to go once
/// they are in.
fn refused(
    state: &AppState,
    refusal: Refusal,
    back: Option<&Uri>,
    uri: &Uri,
    headers: &HeaderMap,
) -> Response {
    let is_person = crate::page::is_for_people(uri, headers);
    if is_person && refusal.is_unknown() && !state.access.rules().users.is_empty() {
        return super::login::way_in(back);
    }
    refusal.answer(|problem| crate::page::told(state, uri, headers, problem))
}
