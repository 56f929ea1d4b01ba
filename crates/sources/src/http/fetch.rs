//! One read: sent, repeated where repeating helps, body collected up to a limit.
//!
//! What does not live here: what the status or the body means, except that 429 and 5xx are worth another try.

use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use bytes::{Bytes, BytesMut};
use evenkeel_ambient::network::{self, Lost};
use evenkeel_core::{Gap, GapKind};
use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::{Request, StatusCode};

use super::failure::{gap_of, is_passing, without_userinfo};

/// The most one answer may weigh. The heaviest page known (1,000 virtual machines, untrimmed) is below 4 MiB.
pub const MAX_BODY: usize = 64 * 1024 * 1024;

/// How a read is repeated. Only lost connections, 429 and 5xx are; a timeout is not, since waiting again would
/// multiply it, and a refused connection is an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry {
    /// How often at most, after the first try.
    pub times: usize,
    /// The first wait; it doubles, with jitter.
    pub first: Duration,
    /// No wait is longer, and a `Retry-After` beyond it ends the attempts: the next observation is as good.
    pub longest: Duration,
}

impl Default for Retry {
    fn default() -> Self {
        Self { times: 3, first: Duration::from_millis(250), longest: Duration::from_secs(10) }
    }
}

impl Retry {
    /// One try only.
    pub fn never() -> Self {
        Self { times: 0, ..Self::default() }
    }
}

/// A whole answer, whatever its status.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, complete.
    pub body: Bytes,
    /// How many requests it took.
    pub requests: u32,
}

/// Sends a request without a body and reads the answer. A status is not an error here: only the caller knows what
/// its system means by one. After the last try a 5xx or 429 is returned as the answer it is.
pub async fn fetch(
    client: &reqwest::Client,
    request: &Request,
    retry: &Retry,
    limit: usize,
) -> Result<Answer, Gap> {
    let requests = std::sync::atomic::AtomicU32::new(0);
    let once = || async {
        requests.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        attempt(client, request, limit).await
    };
    let schedule = ExponentialBuilder::default()
        .with_min_delay(retry.first)
        .with_max_delay(retry.longest)
        .with_max_times(retry.times)
        .with_jitter();
    let outcome = once
        .retry(schedule)
        .when(Attempt::is_passing)
        .adjust(|failed, wait| wait.and_then(|wait| failed.wait(wait, retry.longest)))
        .await;
    let requests = requests.into_inner();
    match outcome {
        Ok(answer) => Ok(Answer { requests, ..answer }),
        Err(Attempt::Busy(answer)) => Ok(Answer { requests, ..*answer }),
        Err(Attempt::Lost(gap) | Attempt::Final(gap)) => Err(gap),
    }
}

/// Collects a body, at most `limit` bytes of it. `what` names the request in the gap.
pub async fn read_body(response: reqwest::Response, limit: usize, what: &str) -> Result<Bytes, Gap> {
    collect(response, limit, what).await.map_err(|attempt| match attempt {
        Attempt::Lost(gap) | Attempt::Final(gap) => gap,
        Attempt::Busy(answer) => Gap::new(GapKind::Unreachable, format!("{what}: {}", answer.status)),
    })
}

/// How one try can fail.
enum Attempt {
    /// The connection was lost.
    Lost(Gap),
    /// The server says "later".
    Busy(Box<Answer>),
    /// Trying again changes nothing.
    Final(Gap),
}

impl Attempt {
    fn is_passing(&self) -> bool {
        match self {
            Self::Lost(_) | Self::Busy(_) => true,
            Self::Final(_) => false,
        }
    }

    /// The server's own wish goes before our schedule, within bounds.
    fn wait(&self, planned: Duration, longest: Duration) -> Option<Duration> {
        let wish = match self {
            Self::Busy(answer) => retry_after(&answer.headers),
            Self::Lost(_) | Self::Final(_) => None,
        };
        match wish {
            None => Some(planned),
            Some(wish) if wish <= longest => Some(wish.max(planned)),
            Some(_) => None,
        }
    }
}

async fn attempt(client: &reqwest::Client, request: &Request, limit: usize) -> Result<Answer, Attempt> {
    let what = format!("{} {}", request.method(), without_userinfo(request.url()));
    // A request without a body can always be cloned; the fallback keeps the type honest.
    let Some(request) = request.try_clone() else {
        return Err(Attempt::Final(Gap::new(GapKind::Unreachable, format!("{what}: cannot be repeated"))));
    };
    let response = network::send(client, request).await.map_err(|error| failed(&what, &error))?;
    let status = response.status();
    let headers = response.headers().clone();
    let body = collect(response, limit, &what).await?;
    let answer = Answer { status, headers, body, requests: 1 };
    if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
        return Err(Attempt::Busy(Box::new(answer)));
    }
    Ok(answer)
}

async fn collect(mut response: reqwest::Response, limit: usize, what: &str) -> Result<Bytes, Attempt> {
    let too_big = || {
        let why = format!("{what}: the answer is larger than {} MiB", limit / (1024 * 1024));
        Attempt::Final(Gap::new(GapKind::Malformed, why))
    };
    let announced = response.content_length().and_then(|n| usize::try_from(n).ok()).unwrap_or(0);
    if announced > limit {
        return Err(too_big());
    }
    let mut body = BytesMut::with_capacity(announced);
    while let Some(chunk) = response.chunk().await.map_err(|error| failed(what, &error.into()))? {
        if body.len() + chunk.len() > limit {
            return Err(too_big());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

fn failed(what: &str, error: &Lost) -> Attempt {
    let gap = gap_of(what, error);
    if is_passing(error) { Attempt::Lost(gap) } else { Attempt::Final(gap) }
}

/// Seconds only: the date form would need a clock, and no system we ask sends it.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok().map(Duration::from_secs)
}
