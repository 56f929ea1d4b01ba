//! Where the log goes: standard error, as text for people or JSON for machines.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

use crate::config::LogFormat;

/// What the database's driver says of its connections is said by the store, once, and in its own words; who names the
/// driver in the level hears it all.
fn with_drivers_quiet(level: &str) -> String {
    if level.contains("sqlx") { level.to_owned() } else { format!("{level},sqlx=error") }
}

/// Starts logging. `RUST_LOG` overrides the level. A second call changes nothing.
pub fn start(level: &str, format: LogFormat) {
    let filter = EnvFilter::try_from_default_env()
        .or_else(|_| EnvFilter::try_new(with_drivers_quiet(level)))
        .unwrap_or_else(|_| EnvFilter::new("info"));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // Both fail only if logging has been started before.
    let _ = match format {
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
        LogFormat::Text => {
            let ansi = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
            builder.with_ansi(ansi).with_target(false).try_init()
        }
    };
}
