//! Where the log goes: standard error, as text for people or JSON for machines; and what is in no log, however loud.

use std::io::IsTerminal;

use tracing::{Level, Metadata};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::config::LogFormat;

/// Libraries that write down whole messages below `info`, and with them the key that opens a session. Nobody can have
/// that, whatever `RUST_LOG` says.
const INDISCREET: [&str; 2] = ["tungstenite", "tokio_tungstenite"];

/// What the database's driver says of its connections is said by the store, once, and in its own words; who names the
/// driver in the level hears it all.
fn with_drivers_quiet(level: &str) -> String {
    if level.contains("sqlx") { level.to_owned() } else { format!("{level},sqlx=error") }
}

/// Whether it may be written at all.
fn is_discreet(metadata: &Metadata<'_>) -> bool {
    *metadata.level() <= Level::INFO || !is_indiscreet(metadata.target())
}

fn is_indiscreet(target: &str) -> bool {
    INDISCREET.iter().any(|library| {
        target.strip_prefix(library).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
    })
}

/// Starts logging. `RUST_LOG` overrides the level. A second call changes nothing.
pub fn start(level: &str, format: LogFormat) {
    let filter = EnvFilter::try_from_default_env()
        .or_else(|_| EnvFilter::try_new(with_drivers_quiet(level)))
        .unwrap_or_else(|_| EnvFilter::new("info"));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // Both fail only if logging has been started before.
    let _ = match format {
        LogFormat::Json => {
            builder.json().flatten_event(true).finish().with(filter_fn(is_discreet)).try_init()
        }
        LogFormat::Text => {
            let ansi = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
            let builder = builder.with_ansi(ansi).with_target(false);
            builder.finish().with(filter_fn(is_discreet)).try_init()
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_library_is_meant_with_everything_below_it_and_no_other() {
        for target in ["tungstenite", "tungstenite::protocol::frame", "tokio_tungstenite::compat"] {
            assert!(is_indiscreet(target), "{target}");
        }
        for target in ["evenkeel", "tungstenites", "evenkeel::tungstenite", "hyper::proto"] {
            assert!(!is_indiscreet(target), "{target}");
        }
    }
}
