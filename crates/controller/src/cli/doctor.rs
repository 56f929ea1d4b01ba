//! `evenkeel doctor`: tries everything the configuration names, and says what it found and what to do.

mod docker;
mod netbox;
mod proxmox;
mod sinks;
mod store;

use std::process::ExitCode;

use futures_util::future::join_all;

use super::args::Args;
use super::{Done, output};
use crate::config::LogFormat;
use crate::render::doctor::{self, Status};

pub(super) async fn run(args: &Args) -> Done {
    let config = output::config(args)?;
    output::log(args, "off", LogFormat::Text);
    let engines = join_all(config.docker.iter().map(docker::checks));
    let clusters = join_all(config.proxmox.iter().map(proxmox::checks));
    let sinks = join_all(config.sinks.iter().map(sinks::checks));
    let (store, netbox, engines, clusters, sinks) =
        tokio::join!(store::checks(&config), netbox::checks(&config.netbox), engines, clusters, sinks);
    let checks: Vec<_> = store
        .into_iter()
        .chain(netbox)
        .chain(engines.into_iter().flatten())
        .chain(clusters.into_iter().flatten())
        .chain(sinks.into_iter().flatten())
        .collect();
    output::text(&doctor::render(&checks, output::width()));
    Ok(match doctor::worst(&checks) {
        Status::Ok | Status::Warn => ExitCode::SUCCESS,
        Status::Fail => ExitCode::from(2),
    })
}
