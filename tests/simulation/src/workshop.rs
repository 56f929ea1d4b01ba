//! Who repairs: a receiver of requests that acts once per key, or does not, and says so or does not. Only observation can
//! tell what it did.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use evenkeel::repair::Remedies;
use evenkeel_core::Secret;
use evenkeel_core::remediation::Mode;
use evenkeel_sinks::webhook;
use evenkeel_tests::load::Random;
use evenkeel_tests::remedy;
use evenkeel_tests::stage::plan::SIGNING_SECRET;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::io::DuplexStream;

use crate::world::World;

/// Where requests are sent.
pub const WORKSHOP: &str = "workshop.lan:80";

/// A key that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// When it first was.
    pub at: Duration,
    /// How often.
    pub times: u32,
    /// Whether somebody acted.
    pub acted: bool,
}

/// The receiver.
pub struct Workshop {
    random: Mutex<Random>,
    asked: Mutex<BTreeMap<String, Asked>>,
}

impl Workshop {
    /// Nobody asked yet.
    pub fn new(seed: u64) -> Self {
        Self { random: Mutex::new(Random::of(seed ^ 0x776f_726b)), asked: Mutex::default() }
    }

    /// The keys that were asked for.
    pub fn asked(&self) -> BTreeMap<String, Asked> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Connects it to the world's network.
    pub fn connect(self: &Arc<Self>, world: &Arc<World>) {
        let (workshop, world) = (self.clone(), world.clone());
        let network = world.network.clone();
        network.serve(WORKSHOP, move |stream| workshop.clone().serve(world.clone(), stream));
    }

    async fn serve(self: Arc<Self>, world: Arc<World>, stream: DuplexStream) {
        let service = service_fn(move |request| {
            let (workshop, world) = (self.clone(), world.clone());
            async move { Ok::<_, Infallible>(workshop.answer(&world, request).await) }
        });
        // A connection that ends badly is what some faults are for.
        let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
    }

    async fn answer(&self, world: &World, request: http::Request<Incoming>) -> http::Response<String> {
        let body = http::Response::new(reqwest::Body::wrap(request.into_body()));
        let body = reqwest::Response::from(body).bytes().await.unwrap_or_default();
        let request: Value = serde_json::from_slice(&body).unwrap_or_default();
        let word = |at: &str| request.pointer(at).and_then(Value::as_str).unwrap_or_default().to_owned();
        let chance = self.random.lock().unwrap_or_else(PoisonError::into_inner).below(8);
        if chance == 0 {
            return answer(503);
        }
        let key = word("/idempotency_key");
        let first = {
            let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
            let fresh = Asked { at: world.elapsed(), times: 0, acted: false };
            let asked = asked.entry(key).or_insert(fresh);
            asked.times += 1;
            // One in eight says it will, and does not.
            let acts = asked.times == 1 && chance != 1;
            asked.acted |= acts;
            acts
        };
        if first {
            world.repair(&word("/proposal/params/host"), &word("/proposal/params/container"));
        }
        if chance == 2 {
            // It did what it was asked, and nobody hears of it.
            std::future::pending::<()>().await;
        }
        answer(200)
    }
}

fn answer(status: u16) -> http::Response<String> {
    let mut answer = http::Response::new(String::new());
    *answer.status_mut() =
        http::StatusCode::from_u16(status).unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR);
    answer
}

/// What is missing is started again, once a person says so.
///
/// # Errors
/// When the receiver's settings are wrong.
pub fn remedies() -> Result<Remedies, Box<dyn std::error::Error>> {
    let settings = webhook::Settings {
        secrets: vec![Secret::new(SIGNING_SECRET)],
        timeout: Duration::from_secs(5),
        ..webhook::Settings::new("restart", format!("http://{WORKSHOP}/restart"))
    };
    // Nobody calls back: what was done, observation tells.
    remedy::restart(Mode::Approve, settings, "http://evenkeel.lan")
}
