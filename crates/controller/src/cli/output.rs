//! What every command shares: finding the configuration, starting the log, writing lines.

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};

use super::args::Args;
use super::failure::Failure;
use crate::config::{Config, LogFormat};

/// Where a configuration is looked for if none is named.
const PLACES: [&str; 2] = ["evenkeel.toml", "/etc/evenkeel/evenkeel.toml"];

/// Reads the configuration; says its warnings on standard error.
pub(super) fn config(args: &Args) -> Result<Config, Failure> {
    config_at(&config_path(args)?)
}

/// Reads the configuration that is there.
pub(super) fn config_at(path: &Path) -> Result<Config, Failure> {
    let env = |name: &str| std::env::var(name).ok();
    let config = Config::load(path, &env).map_err(|errors| {
        Failure::new(
            anyhow::anyhow!("{errors}"),
            Some("every key is described in docs/reference/configuration.md"),
        )
    })?;
    let yellow = anstyle::AnsiColor::Yellow.on_default().bold();
    for warning in &config.warnings {
        anstream::eprintln!("{yellow}warning:{yellow:#} {warning}");
    }
    Ok(config)
}

/// The configuration's path.
pub(super) fn config_path(args: &Args) -> Result<PathBuf, Failure> {
    config_place(args).ok_or_else(|| {
        Failure::new(
            anyhow::anyhow!("no configuration: neither {} nor {} exists", PLACES[0], PLACES[1]),
            Some(
                "copy examples/minimal.toml to evenkeel.toml, name one with --config, or try `evenkeel demo`",
            ),
        )
    })
}

/// Where a configuration is, if one is named or lies where it is looked for.
pub(super) fn config_place(args: &Args) -> Option<PathBuf> {
    args.config.clone().or_else(|| PLACES.iter().map(PathBuf::from).find(|path| path.exists()))
}

/// Starts the log at the level the arguments ask for, `quiet` if they ask for none.
pub(super) fn log(args: &Args, quiet: &str, format: LogFormat) {
    let level = match args.verbose {
        0 => quiet,
        1 => "info,evenkeel=debug,evenkeel_sources=debug,evenkeel_store=debug,evenkeel_sinks=debug",
        _ => "debug,evenkeel=trace,evenkeel_sources=trace,evenkeel_store=trace,evenkeel_sinks=trace",
    };
    crate::logging::start(level, format);
}

/// Writes one line of data. A reader that went away (`| head`) ends the output, not the program.
pub(super) fn line(text: &str) {
    let _ = writeln!(anstream::stdout(), "{text}");
}

/// Writes data as it is.
pub(super) fn text(text: &str) {
    let _ = write!(anstream::stdout(), "{text}");
}

/// How wide the terminal is; 100 columns where there is none.
pub(super) fn width() -> usize {
    let from_env = std::env::var("COLUMNS").ok().and_then(|c| c.parse().ok());
    if std::io::stdout().is_terminal() { terminal_width().or(from_env) } else { from_env }.unwrap_or(100)
}

fn terminal_width() -> Option<usize> {
    terminal_size::terminal_size().map(|(terminal_size::Width(w), _)| usize::from(w))
}
