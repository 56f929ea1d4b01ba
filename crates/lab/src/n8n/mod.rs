//! A simulated n8n that runs workflows: over real HTTP it is asked for an action, answers as n8n 1.123 was recorded to
//! answer, acts, and calls back.
//!
//! What lives here: starting, telling it how to behave, asking what ran. `workflow` says what a workflow is, `answer` what
//! a request is answered, `run` what happens then. What does not: n8n's own answers, which are the
//! [`receiver`](crate::receiver)'s.

mod answer;
mod run;
#[cfg(test)]
mod tests;
mod workflow;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::AbortOnDropHandle;

use crate::receiver::serve;
pub use workflow::{Done, Workflow};

/// A request, as evenkeel sends it and workflows read it. Both are held to it.
pub const REQUEST: &str = include_str!("request.json");

/// How n8n, or the workflow that is asked, behaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Conduct {
    /// All is well.
    #[default]
    Well,
    /// n8n listens and its webhooks are not there yet: 404.
    Starting,
    /// The workflow dies before its Respond node: 200 and nothing else. Nothing is done.
    Crashed,
    /// It answers and acts, and says nothing about it.
    Silent,
    /// It says that it acted, and did not.
    Pretends,
    /// It does not act, and says that it failed.
    Fails,
    /// It acts, and says so twice.
    SaysTwice,
    /// It acts, and says so this much later.
    SaysLate(Duration),
}

/// What became of an execution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// It crashed before it answered.
    Crashed,
    /// The signature was wrong, or too old.
    Refused,
    /// Its key was known: accepted, and nothing done.
    Repeated,
    /// It waits or acts.
    Running,
    /// It acted; this is what it came to.
    Acted(Done),
    /// It did nothing and claims this.
    Claimed(Done),
}

/// One run of a workflow. n8n runs one for every request it takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Execution {
    /// From 1 on.
    pub number: usize,
    /// The workflow.
    pub path: String,
    /// The request's `idempotency_key`; empty if it says none.
    pub key: String,
    /// The request's `attempt`; 0 if it says none.
    pub attempt: u64,
    /// When the request had been read.
    pub at: Timestamp,
    /// The request's body.
    pub request: Value,
    /// What became of it.
    pub what: What,
    /// Every time it called back.
    pub callbacks: Vec<Callback>,
    /// Nothing more comes of it.
    pub ended: bool,
}

/// One call back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Callback {
    /// What it said: `succeeded` or `failed`.
    pub result: String,
    /// The status it was answered with, or why there was no answer.
    pub answer: Result<u16, String>,
    /// The answer's body; null if it was none.
    pub body: Value,
}

/// The server; it ends when dropped, and what it runs with it.
#[derive(Debug)]
pub struct N8n {
    address: SocketAddr,
    shared: Arc<Shared>,
    server: Mutex<Option<AbortOnDropHandle<()>>>,
    _end: DropGuard,
}

/// What connections, executions and the owner see.
#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    /// Rings with every change of an execution.
    changed: watch::Sender<u64>,
    client: reqwest::Client,
    gone: CancellationToken,
}

#[derive(Debug, Default)]
struct State {
    workflows: BTreeMap<String, Workflow>,
    inactive: BTreeSet<String>,
    standing: Conduct,
    once: VecDeque<Conduct>,
    /// Path and key of what was taken on.
    known: BTreeSet<(String, String)>,
    executions: Vec<Execution>,
    again: Again,
}

/// How often a callback that was not taken is repeated, as `retryOnFail` does.
#[derive(Clone, Copy, Debug)]
struct Again {
    tries: usize,
    wait: Duration,
}

impl Default for Again {
    /// As often as the workflows that evenkeel ships, a hundred times faster.
    fn default() -> Self {
        Self { tries: 5, wait: Duration::from_millis(50) }
    }
}

impl N8n {
    /// Starts on a free port of loopback, without a workflow.
    pub async fn start() -> io::Result<Self> {
        // Whoever set one before has set one that will do.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client =
            reqwest::Client::builder().no_proxy().tls_certs_only([]).timeout(Duration::from_secs(10));
        let gone = CancellationToken::new();
        let shared = Arc::new(Shared {
            state: Mutex::default(),
            changed: watch::Sender::new(0),
            client: client.build().map_err(io::Error::other)?,
            gone: gone.clone(),
        });
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let server = Mutex::new(Some(serve::spawn(listener, Arc::clone(&shared))));
        Ok(Self { address, shared, server, _end: gone.drop_guard() })
    }

    /// Imports a workflow and activates it; one of the same path is replaced.
    pub fn register(&self, workflow: Workflow) {
        let mut state = self.shared.state();
        state.inactive.remove(&workflow.path);
        state.workflows.insert(workflow.path.clone(), workflow);
    }

    /// Switches a workflow off, or on again: what is inactive is a 404.
    pub fn set_active(&self, path: &str, active: bool) {
        let mut state = self.shared.state();
        if active {
            state.inactive.remove(path);
        } else {
            state.inactive.insert(path.to_owned());
        }
    }

    /// The address of a workflow's webhook.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}/webhook/{path}", self.address)
    }

    /// From now on it behaves like this.
    pub fn set(&self, conduct: Conduct) {
        self.shared.state().standing = conduct;
    }

    /// The next request to a workflow (after those already scripted) meets this.
    pub fn once(&self, conduct: Conduct) {
        self.shared.state().once.push_back(conduct);
    }

    /// How often a callback that is not taken is repeated, and how long it waits in between.
    pub fn set_callback_tries(&self, tries: usize, wait: Duration) {
        self.shared.state().again = Again { tries, wait };
    }

    /// Connections are refused from now on. What runs is finished, as n8n does when it is told to stop.
    pub async fn go_away(&self) {
        let server = self.server.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(server) = server {
            server.abort();
            // Cancelled is what it should be.
            let _ = server.await;
        }
    }

    /// Listens on the same port again.
    pub async fn come_back(&self) -> io::Result<()> {
        self.go_away().await;
        let listener = TcpListener::bind(self.address).await?;
        let server = serve::spawn(listener, Arc::clone(&self.shared));
        *self.server.lock().unwrap_or_else(PoisonError::into_inner) = Some(server);
        Ok(())
    }

    /// Everything that ran so far, in order.
    pub fn executions(&self) -> Vec<Execution> {
        self.shared.state().executions.clone()
    }

    /// How often something was really done for this key.
    pub fn acted(&self, key: &str) -> usize {
        let acted = |run: &&Execution| run.key == key && matches!(run.what, What::Acted(_));
        self.shared.state().executions.iter().filter(acted).count()
    }

    /// Waits until what ran is as asked.
    pub async fn until(&self, wanted: impl Fn(&[Execution]) -> bool) -> Vec<Execution> {
        let mut changed = self.shared.changed.subscribe();
        loop {
            // Marked as seen before looking, so that nothing falls in between.
            changed.borrow_and_update();
            let executions = self.executions();
            if wanted(&executions) {
                return executions;
            }
            // It is alive as long as we hold it.
            let _ = changed.changed().await;
        }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes one execution, and tells those who wait.
    fn note(&self, number: usize, change: impl FnOnce(&mut Execution)) {
        if let Some(run) = self.state().executions.get_mut(number.saturating_sub(1)) {
            change(run);
        }
        self.changed.send_modify(|n| *n += 1);
    }
}
