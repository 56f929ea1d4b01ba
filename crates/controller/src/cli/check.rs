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
    format!(
        "{} is fine: {}, {}, {}, {}",
        config.path.display(),
        config.netbox.url,
        count(config.docker.len(), "docker engine", "docker engines"),
        count(config.sinks.len(), "sink", "sinks"),
        count(config.policy.ignore.len(), "ignore rule", "ignore rules"),
    )
}
