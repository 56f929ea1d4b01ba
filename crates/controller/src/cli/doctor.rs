//! `evenkeel doctor`: tries everything the configuration names, and says what it found and what to do.

mod docker;
pub(super) mod netbox;
mod postgres;
mod probe;
mod proxmox;
mod sinks;
mod store;
mod truenas;

use std::process::ExitCode;

use futures_util::future::join_all;

use super::args::Args;
use super::{Done, output};
use crate::config::{Config, LogFormat};
use crate::render::doctor::{self, Status};

pub(super) async fn run(args: &Args) -> Done {
    let config = output::config(args)?;
    output::log(args, "off", LogFormat::Text);
    Ok(examine(&config).await)
}

/// Tries everything in the configuration, prints what was found, and says with which code a command then ends.
pub(super) async fn examine(config: &Config) -> ExitCode {
    let engines = join_all(config.docker.iter().map(docker::checks));
    let appliances = join_all(config.truenas.iter().map(truenas::checks));
    let probes = join_all(config.probe.iter().map(probe::checks));
    let clusters = join_all(config.proxmox.iter().map(proxmox::checks));
    let sinks = join_all(config.sinks.iter().map(sinks::checks));
    let own = async { tokio::join!(store::checks(config), netbox::checks(&config.netbox)) };
    let ((store, netbox), engines, clusters, appliances, probes, sinks) =
        tokio::join!(own, engines, clusters, appliances, probes, sinks);
    let checks: Vec<_> = store
        .into_iter()
        .chain(netbox)
        .chain(engines.into_iter().flatten())
        .chain(clusters.into_iter().flatten())
        .chain(appliances.into_iter().flatten())
        .chain(probes.into_iter().flatten())
        .chain(sinks.into_iter().flatten())
        .collect();
    output::text(&doctor::render(&checks, output::width()));
    match doctor::worst(&checks) {
        Status::Ok | Status::Warn => ExitCode::SUCCESS,
        Status::Fail => ExitCode::from(2),
    }
}
