//! The way to an open port and an open store. A server that is away is waited for; a file that cannot be opened is not: no
//! time mends it.

use std::sync::Arc;
use std::time::Duration;

use evenkeel_store::{Error, Store};
use tokio::time::timeout;
use tracing::{error, info};

use super::signals::{Order, Signals};
use crate::cli::args::Args;
use crate::cli::failure::{Failure, OrFail};
use crate::cli::serve::Surface;
use crate::config::{Config, Place, StoreConfig};
use crate::lead::front::Front;
use crate::wiring;

/// How soon the store is tried again, at first and at the longest.
const FIRST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(5);
/// How long one try may take; migrating a large database takes a while.
const PATIENCE: Duration = Duration::from_secs(300);

/// What a command that runs stands on.
pub(super) struct Opened {
    pub(super) store: Arc<dyn Store>,
    pub(super) surface: Surface,
}

/// Opens both. `None`: it was told to stop before the store was there.
pub(super) async fn open(
    args: &Args,
    config: &mut Config,
    signals: &mut Signals,
) -> Result<Option<Opened>, Failure> {
    let front = Arc::new(Front::default());
    let hint = "`http.listen` in the configuration says where to listen";
    // Whose file it is, is said before whose port.
    if let Place::Sqlite { .. } = config.store.place {
        match wiring::store(&config.store).await {
            Ok(store) => front.reached(store),
            Err(full @ Error::Full { .. }) => front.waits(&full),
            Err(error) => return Err(error).or_fail(STORE_HINT),
        }
    }
    let surface = Surface::open(&config.http, wiring::rules(config), front.clone()).await.or_fail(hint)?;
    info!(listen = %surface.address(), "serving");
    let reached = front.is_reached() || reach(args, config, signals, &front, &surface).await?;
    if !reached {
        surface.close().await;
        return Ok(None);
    }
    Ok(Some(Opened { store: front, surface }))
}

const STORE_HINT: &str =
    "`[store]` in the configuration says where the database is; `evenkeel doctor` looks at it";

/// Tries until the store is there. `false`: it was told to stop.
async fn reach(
    args: &Args,
    config: &mut Config,
    signals: &mut Signals,
    front: &Front,
    surface: &Surface,
) -> Result<bool, Failure> {
    let mut wait = FIRST;
    let mut said: Option<String> = None;
    loop {
        let opened = tokio::select! {
            opened = timeout(PATIENCE, wiring::store(&config.store)) => opened,
            order = signals.next(args, config) => match order {
                Order::Stop => return Ok(false),
                Order::Config(new) => {
                    surface.reload(&new);
                    *config = *new;
                    continue;
                }
            },
        };
        let why = match opened {
            Ok(Ok(store)) => {
                if said.is_some() {
                    info!("the store is there");
                }
                front.reached(store);
                surface.face().wait("it is not known yet who leads");
                return Ok(true);
            }
            Ok(Err(away)) if away.is_transient() => {
                front.waits(&away);
                away.to_string()
            }
            Ok(Err(error)) => return Err(error).or_fail(STORE_HINT),
            Err(_) => format!("the store did not open within {} s", PATIENCE.as_secs()),
        };
        surface.face().wait(&why);
        if said.as_ref() != Some(&why) {
            error!(error = why, listen = %surface.address(), "waiting for the store");
            said = Some(why);
        }
        tokio::select! {
            () = tokio::time::sleep(wait) => wait = (wait * 2).min(LONGEST),
            order = signals.next(args, config) => match order {
                Order::Stop => return Ok(false),
                Order::Config(new) => {
                    surface.reload(&new);
                    *config = *new;
                }
            },
        }
    }
}

/// What this replica is called: as configured, or as its machine is. For people; the database tells replicas apart without
/// it.
pub(super) fn name(config: &StoreConfig) -> Arc<str> {
    config.replica.clone().unwrap_or_else(|| {
        let read = std::fs::read_to_string("/proc/sys/kernel/hostname").ok();
        let name = read.as_deref().map(str::trim).filter(|name| !name.is_empty());
        Arc::from(name.unwrap_or("evenkeel"))
    })
}
