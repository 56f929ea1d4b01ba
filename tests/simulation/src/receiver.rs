//! Who is told: an idempotent receiver of webhooks that keeps everything it got, and misbehaves on command.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use evenkeel_core::Event;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::DuplexStream;

/// How it answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Manner {
    /// 204.
    #[default]
    Well,
    /// This status, and it kept nothing.
    Status(u16),
    /// It keeps what it got and says nothing, for ever.
    Mute,
}

/// The receiver.
#[derive(Default)]
pub struct Receiver {
    manner: Mutex<Manner>,
    kept: Mutex<Vec<(String, Event)>>,
}

impl Receiver {
    /// From now on it answers so.
    pub fn set(&self, manner: Manner) {
        *self.manner.lock().unwrap_or_else(PoisonError::into_inner) = manner;
    }

    /// Everything it got: the id it came under, and the event.
    pub fn kept(&self) -> MutexGuard<'_, Vec<(String, Event)>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Speaks on this connection until it ends.
    pub async fn serve(self: Arc<Self>, stream: DuplexStream) {
        let service = service_fn(move |request| {
            let receiver = self.clone();
            async move { Ok::<_, Infallible>(receiver.answer(request).await) }
        });
        // A connection that ends badly is what some faults are for.
        let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
    }

    async fn answer(&self, request: http::Request<Incoming>) -> http::Response<String> {
        let id = request
            .headers()
            .get("webhook-id")
            .and_then(|id| id.to_str().ok())
            .unwrap_or_default()
            .to_owned();
        let body = http::Response::new(reqwest::Body::wrap(request.into_body()));
        // What broke off on the way is no event.
        let body = reqwest::Response::from(body).bytes().await.unwrap_or_default();
        let manner = *self.manner.lock().unwrap_or_else(PoisonError::into_inner);
        let status = match manner {
            Manner::Status(status) => status,
            Manner::Well | Manner::Mute => match serde_json::from_slice(&body) {
                Ok(event) => {
                    self.kept().push((id, event));
                    204
                }
                Err(_) => 400,
            },
        };
        if manner == Manner::Mute {
            std::future::pending::<()>().await;
        }
        let mut answer = http::Response::new(String::new());
        *answer.status_mut() =
            http::StatusCode::from_u16(status).unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR);
        answer
    }
}
