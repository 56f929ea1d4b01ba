//! `evenkeel check`: the configuration, and nothing but the configuration.

use std::process::ExitCode;

use super::args::Args;
use super::{Done, output};
use crate::config::Config;

pub(super) fn run(args: &Args) -> Done {
    let config = output::config(args)?;
    output::line(&summary(&config));
    Ok(ExitCode::SUCCESS)
}

fn summary(config: &Config) -> String {
    let count = |n: usize, one: &str, many: &str| format!("{n} {}", if n == 1 { one } else { many });
    let mut parts = vec![count(config.docker.len(), "docker engine", "docker engines")];
    let others = [
        (config.proxmox.len(), "proxmox cluster", "proxmox clusters"),
        (config.truenas.len(), "truenas", "truenas"),
        (usize::from(config.probe.is_some()), "probe", "probes"),
        (config.push.len(), "sender", "senders"),
    ];
    parts.extend(others.iter().filter(|(n, ..)| *n > 0).map(|(n, one, many)| count(*n, one, many)));
    parts.push(count(config.sinks.len(), "sink", "sinks"));
    parts.push(count(config.policy.ignore.len(), "ignore rule", "ignore rules"));
    format!("{} is fine: {}, {}", config.path.display(), config.netbox.url, parts.join(", "))
}
