//! One time of leading: the controller, anew with every configuration and after every jump of the clock, until it is stopped
//! or somebody else leads.

use std::sync::Arc;
use std::time::Duration;

use evenkeel_store::{JournalRow, Store};
use jiff::Timestamp;
use prometheus::Registry;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use tracing::{error, info};

use super::signals::{Order, Signals};
use crate::cli::args::Args;
use crate::cli::failure::{Failure, OrFail};
use crate::cli::serve::Surface;
use crate::collect::now;
use crate::config::{Config, Place};
use crate::controller::{self, Running};
use crate::gate::About;
use crate::lead::{Term, share};
use crate::{journal, wiring};

/// How long to wait before the ledgers are read again.
const AGAIN: Duration = Duration::from_secs(1);

/// How a time of leading ended.
pub(super) enum End {
    /// It was told to stop.
    Stopped,
    /// Somebody else leads, or led meanwhile.
    Lost,
}

/// One time of leading.
pub(super) struct Turn<'a> {
    pub(super) args: &'a Args,
    pub(super) config: Config,
    pub(super) store: &'a Arc<dyn Store>,
    pub(super) surface: &'a Surface,
    pub(super) term: &'a Term,
    /// Whether the journal tells of its start.
    pub(super) is_noted: bool,
}

/// Why it does not run on as it is.
enum Event {
    Order(Order),
    /// Somebody else leads.
    Lost,
    /// The wall clock jumped.
    Jumped,
}

/// What a start led to.
enum Begun {
    Running(Box<Running>),
    Ended(End),
}

impl Turn<'_> {
    /// Leads until the end.
    pub(super) async fn run(&mut self, signals: &mut Signals) -> Result<End, Failure> {
        if let Place::Postgres(_) = self.config.store.place {
            let who = super::open::name(&self.config.store);
            self.note(journal::leads(&who, self.term.epoch, now())).await;
        }
        let last_sign = self.last_sign().await;
        loop {
            let running = match self.begin(signals).await? {
                Begun::Running(running) => *running,
                Begun::Ended(end) => {
                    // What was started is stopped, even if between two configurations.
                    if self.is_noted && matches!(end, End::Stopped) {
                        self.note(journal::stopped(now())).await;
                    }
                    return Ok(end);
                }
            };
            let face = self.surface.face();
            face.show(running.hub.clone());
            // Started anew with another configuration, it is still the same controller.
            if !std::mem::replace(&mut self.is_noted, true) {
                self.note(journal::started(now(), last_sign)).await;
            }
            info!(config = %self.config.path.display(), listen = %self.surface.address(), "running");
            let shared = self.share(&running);
            let hub = running.hub.clone();
            let event = tokio::select! {
                event = self.interrupted(signals) => event,
                () = hub.gate.lost() => Event::Lost,
                () = hub.clock.jumped() => Event::Jumped,
            };
            drop(shared);
            match event {
                Event::Jumped => running.stop().await,
                Event::Order(Order::Config(new)) => {
                    info!("the configuration changed; starting anew with it");
                    self.surface.reload(&new);
                    running.stop().await;
                    self.take(*new).await;
                }
                Event::Order(Order::Stop) => {
                    info!("stopping");
                    running.stop().await;
                    self.note(journal::stopped(now())).await;
                    return Ok(End::Stopped);
                }
                Event::Lost => {
                    face.wait("another replica leads; it is not known yet which");
                    running.abandon().await;
                    return Ok(End::Lost);
                }
            }
        }
    }

    /// When an earlier run last gave a sign of life, as far as that can be read.
    async fn last_sign(&self) -> Option<Timestamp> {
        match self.store.last_sign().await {
            Ok(at) => at,
            Err(error) => {
                error!(%error, "how long the run before this one lasted cannot be read");
                None
            }
        }
    }

    /// Reads the ledgers and starts the controller. Should the database go away in between, that is waited for.
    async fn begin(&mut self, signals: &mut Signals) -> Result<Begun, Failure> {
        let mut said = false;
        loop {
            let mut setup = wiring::setup(&self.config, self.store.clone(), Registry::new()).or_fail(
                "`evenkeel check` reads the configuration, `evenkeel doctor` tries everything in it",
            )?;
            let pulse =
                wiring::pulse(&self.config).or_fail("`[heartbeat]` says whom to tell that all is well")?;
            setup.remedies.epoch = self.term.epoch;
            let started = tokio::select! {
                started = controller::start(setup) => started,
                event = self.interrupted(signals) => match self.heed(event).await {
                    Some(end) => return Ok(Begun::Ended(end)),
                    None => continue,
                },
            };
            let away = match started {
                Ok(running) => {
                    if let Some(pulse) = pulse {
                        running.beat(pulse);
                    }
                    return Ok(Begun::Running(Box::new(running)));
                }
                Err(controller::Error::Store(away)) if away.is_transient() => away,
                Err(controller::Error::Store(refused)) if About::of(&refused) == About::Leadership => {
                    return Ok(Begun::Ended(End::Lost));
                }
                Err(error) => return Err(error).or_fail("`evenkeel doctor` looks at the store"),
            };
            if !std::mem::replace(&mut said, true) {
                error!(error = %away, "the ledgers cannot be read; they are tried again");
            }
            self.surface.face().wait(format!("the ledgers cannot be read: {away}"));
            tokio::select! {
                () = tokio::time::sleep(AGAIN) => {}
                event = self.interrupted(signals) => if let Some(end) = self.heed(event).await {
                    return Ok(Begun::Ended(end));
                },
            }
        }
    }

    /// Waits for a reason not to go on as it was. May be given up at any moment: what was said is said to the next who asks.
    async fn interrupted(&self, signals: &mut Signals) -> Event {
        tokio::select! {
            () = self.term.lost() => Event::Lost,
            order = signals.next(self.args, &self.config) => Event::Order(order),
        }
    }

    /// Does what is to be done before the start; an end, if that is what it is.
    async fn heed(&mut self, event: Event) -> Option<End> {
        match event {
            Event::Order(Order::Stop) => Some(End::Stopped),
            Event::Order(Order::Config(new)) => {
                self.surface.reload(&new);
                self.take(*new).await;
                None
            }
            Event::Lost => Some(End::Lost),
            Event::Jumped => None,
        }
    }

    /// Goes on with another configuration. Before the start there is nothing to tell: it is what is started with.
    async fn take(&mut self, new: Config) {
        self.config = new;
        if self.is_noted {
            self.note(journal::configured(&self.config.path, now())).await;
        }
    }

    /// Notes it in the journal, unless that would hold anything up.
    async fn note(&self, row: JournalRow) {
        let noted = timeout(AGAIN * 3, journal::note(&**self.store, row)).await;
        if noted.is_err() {
            error!("the store does not answer: what was done could not be noted in the journal");
        }
    }

    /// Where other replicas may read it, what is shown is kept for them.
    fn share(&self, running: &Running) -> Option<AbortOnDropHandle<()>> {
        match &self.config.store.place {
            Place::Sqlite { .. } => None,
            Place::Postgres(_) => {
                let run = share::run(running.hub.clone(), CancellationToken::new());
                Some(AbortOnDropHandle::new(tokio::spawn(run)))
            }
        }
    }
}
