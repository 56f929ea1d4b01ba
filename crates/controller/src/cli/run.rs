//! `evenkeel run`: the controller, until it is told to stop.

use std::process::ExitCode;
use std::sync::Arc;

use evenkeel_store::Store;
use prometheus::Registry;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing::{error, info, warn};

use super::args::Args;
use super::failure::OrFail;
use super::serve::Surface;
use super::{Done, output};
use crate::collect::now;
use crate::config::Config;
use crate::controller::{self, Running};
use crate::{journal, wiring};

pub(super) async fn run(args: &Args) -> Done {
    let mut config = output::config(args)?;
    output::log(args, &config.log.level, config.log.format);
    let store: Arc<dyn Store> = Arc::new(
        wiring::store(&config.store)
            .await
            .or_fail("`store.path` in the configuration says where the database is")?,
    );
    let surface = Surface::open(&config.http, store.clone())
        .await
        .or_fail("`http.listen` in the configuration says where to listen")?;
    let mut signals = Signals::new()?;
    journal::note(&*store, journal::started(now())).await;
    let exit = loop {
        let running = begin(&config, &store).await?;
        surface.show(running.hub.clone());
        info!(config = %config.path.display(), listen = %surface.address(), "running");
        match signals.next_config(args, &config).await {
            Some(new) => {
                info!("the configuration changed; starting anew with it");
                running.stop().await;
                config = *new;
                journal::note(&*store, journal::configured(&config.path, now())).await;
            }
            None => break running,
        }
    };
    info!("stopping");
    exit.stop().await;
    journal::note(&*store, journal::stopped(now())).await;
    surface.close().await;
    store.close().await;
    Ok(ExitCode::SUCCESS)
}

async fn begin(config: &Config, store: &Arc<dyn Store>) -> Result<Running, super::failure::Failure> {
    let setup = wiring::setup(config, store.clone(), Registry::new())
        .or_fail("`evenkeel check` reads the configuration, `evenkeel doctor` tries everything in it")?;
    controller::start(setup).await.or_fail("`evenkeel doctor` looks at the store")
}

/// What the operating system says.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
}

impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    /// Waits for a configuration to change to, or for the end (`None`). A configuration with mistakes is said and not
    /// taken: what runs goes on as it is.
    async fn next_config(&mut self, args: &Args, old: &Config) -> Option<Box<Config>> {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => return None,
                _ = self.interrupt.recv() => return None,
                _ = self.hang_up.recv() => {}
            }
            let path = output::config_path(args).unwrap_or_else(|_| old.path.clone());
            match Config::load(&path, &|name| std::env::var(name).ok()) {
                Ok(new) => {
                    warn_of_restart(old, &new);
                    return Some(Box::new(new));
                }
                Err(errors) => error!("the new configuration is not taken, the old one goes on: {errors}"),
            }
        }
    }
}

/// What a reload cannot change.
fn warn_of_restart(old: &Config, new: &Config) {
    if old.store.path != new.store.path || old.store.synchronous != new.store.synchronous {
        warn!("`store` changed; that takes a restart");
    }
    if old.http != new.http {
        warn!("`http` changed; that takes a restart");
    }
    if old.log != new.log {
        warn!("`log` changed; that takes a restart");
    }
}
