//! How many files may be open: each engine whose events are heard is a connection that stays, and shells start programs
//! with room for a thousand.

use rustix::process::{Resource, getrlimit, setrlimit};
use tracing::{debug, warn};

use crate::config::Config;

/// Beside the engines: the database, the port and whoever reads from it, questions under way, sinks.
const OTHERS: u64 = 1500;

/// Asks for as many as the system lets this process have, and says if that may not be enough.
pub(super) fn raise(config: &Config) {
    let before = getrlimit(Resource::Nofile);
    let mut wanted = before;
    wanted.current = before.maximum;
    let allowed = match setrlimit(Resource::Nofile, wanted) {
        Ok(()) => wanted.current,
        Err(error) => {
            debug!(%error, "the limit of open files stays as it is");
            before.current
        }
    };
    // `None`: as many as one likes.
    let Some(allowed) = allowed else { return };
    let needed = needed(config.docker.iter().filter(|engine| engine.events).count());
    if allowed < needed {
        warn!(
            allowed,
            needed,
            "the system lets evenkeel open fewer files than its engines may need; those that find no room are blind"
        );
    }
}

/// A stream each, and everything else.
fn needed(engines: usize) -> u64 {
    u64::try_from(engines).unwrap_or(u64::MAX).saturating_add(OTHERS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_engine_is_a_connection_that_stays() {
        assert_eq!(needed(10_000), 11_500);
        assert_eq!(needed(0), OTHERS);
    }
}
