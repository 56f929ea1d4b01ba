//! How often somebody may ask: a bucket per address, which fills up again as time goes. What lives here: counting
//! and saying so. What does not: what a request costs; whoever looks after evenkeel (health, figures) and whoever shows
//! a credential of its own (NetBox, receivers) is not counted.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tokio::time::Instant;

use crate::access::Peer;
use crate::problem::{Kind, Problem};

/// Requests that may come at once. A page is three, and an open one asks again at most once a second.
const BURST: u32 = 1000;
/// How long it takes until one more may come: a hundred a second, for as long as anybody likes.
const EACH: Duration = Duration::from_millis(10);
/// How many are counted apart. Beyond them the rest share one count, so that nobody fills the memory by coming from
/// everywhere.
const KNOWN: usize = 10_000;

const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const LIMIT: HeaderName = HeaderName::from_static("ratelimit");

/// Whoever is counted.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Who {
    Somebody(Option<IpAddr>),
    TheRest,
}

/// The counts.
#[derive(Clone, Default)]
pub(crate) struct Rates(Arc<Mutex<HashMap<Who, Instant>>>);

/// What a count says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Said {
    /// It may; so many more may come at once.
    Yes { left: u32 },
    /// Not before so long.
    Later(Duration),
}

impl Rates {
    /// Counts one request. A moment is kept for each: when its bucket is full again.
    fn count(&self, who: Who, now: Instant) -> Said {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= KNOWN && !known.contains_key(&who) {
            known.retain(|_, full| *full > now);
        }
        let who = if known.len() >= KNOWN && !known.contains_key(&who) { Who::TheRest } else { who };
        let full = known.get(&who).copied().filter(|full| *full > now).unwrap_or(now) + EACH;
        let used = full.duration_since(now);
        let most = EACH * BURST;
        if used > most {
            return Said::Later(used - most);
        }
        known.insert(who, full);
        let left = (most - used).as_millis() / EACH.as_millis();
        Said::Yes { left: u32::try_from(left).unwrap_or(BURST) }
    }
}

/// Addresses of one household come from one block.
fn block(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(six) => IpAddr::V6((six.to_bits() & (u128::MAX << 64)).into()),
    }
}

/// Paths that are not counted.
fn is_free(path: &str) -> bool {
    matches!(path, "/healthz" | "/readyz" | "/metrics" | "/webhooks/netbox")
        || path.starts_with("/api/v1/callbacks/")
        || path.starts_with("/assets/")
}

/// Refuses those who ask too often.
pub(crate) async fn limited(State(rates): State<Rates>, request: Request, next: Next) -> Response {
    if is_free(request.uri().path()) {
        return next.run(request).await;
    }
    let peer = request.extensions().get::<Peer>().map(|Peer(address)| block(*address));
    let (mut response, left, wait) = match rates.count(Who::Somebody(peer), Instant::now()) {
        Said::Yes { left } => (next.run(request).await, left, 0),
        Said::Later(wait) => {
            let seconds = wait.as_secs() + 1;
            let detail = format!(
                "more than {BURST} requests at once or {} a second; try again in {seconds} s",
                1000 / EACH.as_millis()
            );
            (Problem::new(Kind::TooOften, detail).into_response(), 0, seconds)
        }
    };
    let headers = response.headers_mut();
    let window = (EACH * BURST).as_secs();
    headers.insert(POLICY, text(format!("\"requests\";q={BURST};w={window}")));
    headers.insert(LIMIT, text(format!("\"requests\";r={left};t={}", wait.max(1))));
    if wait > 0 {
        headers.insert(RETRY_AFTER, HeaderValue::from(wait));
    }
    response
}

fn text(text: String) -> HeaderValue {
    // Digits and quotes only.
    HeaderValue::try_from(text).unwrap_or_else(|_| HeaderValue::from_static(""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn who(n: u32) -> Who {
        Who::Somebody(Some(IpAddr::V4(n.into())))
    }

    #[test]
    fn a_burst_may_come_at_once_and_then_as_many_as_time_allows() {
        let (rates, now) = (Rates::default(), Instant::now());
        for n in 0..BURST {
            assert_eq!(rates.count(who(1), now), Said::Yes { left: BURST - 1 - n });
        }
        assert_eq!(rates.count(who(1), now), Said::Later(EACH));
        assert_eq!(rates.count(who(2), now), Said::Yes { left: BURST - 1 }, "others are counted apart");
        assert_eq!(rates.count(who(1), now + EACH), Said::Yes { left: 0 });
        assert_eq!(rates.count(who(1), now + EACH * BURST * 2), Said::Yes { left: BURST - 1 });
    }

    #[test]
    fn however_many_come_the_memory_is_bounded_and_nobody_known_is_forgotten() {
        let (rates, now) = (Rates::default(), Instant::now());
        let most = u32::try_from(KNOWN).unwrap();
        for n in 0..most * 2 {
            rates.count(who(n), now);
        }
        assert!(rates.0.lock().unwrap().len() <= KNOWN + 1);
        assert_eq!(rates.count(who(0), now), Said::Yes { left: BURST - 2 });
        assert!(matches!(rates.count(who(most * 3), now), Said::Later(_)), "the rest share a count");
        rates.count(who(most * 3), now + EACH * BURST * 2);
        assert_eq!(rates.0.lock().unwrap().len(), 1, "what is full again is no longer kept");
    }

    #[test]
    fn a_household_is_counted_as_one() {
        let one: IpAddr = "2001:db8:1:2:aaaa::1".parse().unwrap();
        let other: IpAddr = "2001:db8:1:2:bbbb::2".parse().unwrap();
        let stranger: IpAddr = "2001:db8:1:3::1".parse().unwrap();
        assert_eq!(block(one), block(other));
        assert_ne!(block(one), block(stranger));
    }
}
