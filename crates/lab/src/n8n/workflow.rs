//! What a workflow is: where it listens, whom it believes, what it does. What does not live here: running one.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use standardwebhooks::Webhook;

use crate::receiver::key_of;

/// What it came to, in words: `Ok` if it worked.
pub type Done = Result<String, String>;

type Acting = Pin<Box<dyn Future<Output = Done> + Send>>;

/// One workflow: a webhook, a look at the request, an answer, an action, a callback. As the ones evenkeel ships: it acts
/// once per key, and answers before it acts.
#[derive(Clone)]
pub struct Workflow {
    pub(super) path: String,
    pub(super) keys: Vec<Arc<Webhook>>,
    pub(super) header: Option<(String, String)>,
    pub(super) once_per_key: bool,
    pub(super) delay: Duration,
    pub(super) act: Arc<dyn Fn(Value) -> Acting + Send + Sync>,
}

impl Workflow {
    /// Listens at `/webhook/{path}`; does `act` with the body of a request it believes. Until a secret or a header is
    /// given it believes nobody.
    pub fn new<F>(path: &str, act: impl Fn(Value) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Done> + Send + 'static,
    {
        Self {
            path: path.to_owned(),
            keys: Vec::new(),
            header: None,
            once_per_key: true,
            delay: Duration::ZERO,
            act: Arc::new(move |request| Box::pin(act(request))),
        }
    }

    /// Requests must be signed with this secret (`whsec_…`, or raw text), or another one that is given.
    pub fn signed(mut self, secret: &str) -> io::Result<Self> {
        self.keys.push(Arc::new(key_of(secret)?));
        Ok(self)
    }

    /// n8n compares this header before the workflow begins ("Header Auth").
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.header = Some((name.to_ascii_lowercase(), value.to_owned()));
        self
    }

    /// It remembers no keys and acts on every request, as n8n does by itself.
    pub fn forgetful(mut self) -> Self {
        self.once_per_key = false;
        self
    }

    /// It acts this long after it answered.
    pub fn after(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }
}

impl fmt::Debug for Workflow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, keys: _, header: _, once_per_key, delay, act: _ } = self;
        f.debug_struct("Workflow")
            .field("path", path)
            .field("once_per_key", once_per_key)
            .field("delay", delay)
            .finish_non_exhaustive()
    }
}
