//! `evenkeel run`: the controller, until it is told to stop. Of several that share a database one leads; the others follow
//! it and wait for their turn.

mod files;
mod open;
mod signals;
mod turn;

use std::process::ExitCode;
use std::sync::Arc;

use evenkeel_store::Store;
use tracing::info;

use super::args::Args;
use super::failure::Failure;
use super::serve::Surface;
use super::{Done, output};
use crate::config::Config;
use crate::lead::Seat;
use open::Opened;
use signals::{Order, Signals};
use turn::{End, Turn};

pub(super) async fn run(args: &Args) -> Done {
    let mut config = output::config(args)?;
    output::log(args, &config.log.level, config.log.format);
    files::raise(&config);
    let mut signals = Signals::new()?;
    let Some(Opened { store, surface }) = open::open(args, &mut config, &mut signals).await? else {
        return Ok(ExitCode::SUCCESS);
    };
    let ended = take_turns(args, config, &mut signals, &store, &surface).await;
    surface.close().await;
    store.close().await;
    ended.map(|()| ExitCode::SUCCESS)
}

/// Follows, leads, follows again, until it is told to stop.
async fn take_turns(
    args: &Args,
    mut config: Config,
    signals: &mut Signals,
    store: &Arc<dyn Store>,
    surface: &Surface,
) -> Result<(), Failure> {
    let seat = Seat::new(store.clone(), open::name(&config.store), surface.face().clone());
    loop {
        let taken = {
            // Asked on while the configuration is read again: an answer that nobody waits for may have been a yes.
            let mut taking = Box::pin(seat.take());
            loop {
                tokio::select! {
                    term = &mut taking => break Some(term),
                    order = signals.next(args, &config) => match order {
                        Order::Config(new) => {
                            surface.reload(&new);
                            config = *new;
                        }
                        Order::Stop => break None,
                    },
                }
            }
        };
        let Some(term) = taken else {
            info!("stopping");
            return Ok(());
        };
        let mut turn = Turn { args, config, store, surface, term: &term, is_noted: false };
        let end = turn.run(signals).await;
        config = turn.config;
        match end {
            Ok(End::Lost) => seat.cede(term),
            Ok(End::Stopped) => {
                seat.resign(term).await;
                return Ok(());
            }
            Err(failure) => {
                seat.resign(term).await;
                return Err(failure);
            }
        }
    }
}
