//! What the operating system says to a running command.

use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing::{error, warn};

use crate::cli::args::Args;
use crate::cli::output;
use crate::config::Config;

/// What is to be done.
pub(super) enum Order {
    /// Go on with this configuration.
    Config(Box<Config>),
    /// Stop.
    Stop,
}

/// What the operating system says.
pub(super) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
}

impl Signals {
    pub(super) fn new() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    /// Waits for a configuration to change to, or for the end. A configuration with mistakes is said and not taken: what
    /// runs goes on as it is. Nothing that was said is lost if nobody waits for a while.
    pub(super) async fn next(&mut self, args: &Args, old: &Config) -> Order {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => return Order::Stop,
                _ = self.interrupt.recv() => return Order::Stop,
                _ = self.hang_up.recv() => {}
            }
            let path = output::config_path(args).unwrap_or_else(|_| old.path.clone());
            match Config::load(&path, &|name| std::env::var(name).ok()) {
                Ok(new) => {
                    warn_of_restart(old, &new);
                    return Order::Config(Box::new(new));
                }
                Err(errors) => error!("the new configuration is not taken, the old one goes on: {errors}"),
            }
        }
    }
}

/// What a reload cannot change.
fn warn_of_restart(old: &Config, new: &Config) {
    if old.store.place != new.store.place || old.store.replica != new.store.replica {
        warn!("`store` changed; that takes a restart");
    }
    let lasting = |config: &Config| (config.http.listen, config.http.names.clone());
    if lasting(old) != lasting(new) {
        warn!("`http.listen` or `http.names` changed; that takes a restart");
    }
    if old.log != new.log {
        warn!("`log` changed; that takes a restart");
    }
}
