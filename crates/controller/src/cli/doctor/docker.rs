//! Can an engine be reached, and does it show what is needed?

use evenkeel_core::{Gap, GapKind};
use evenkeel_sources::docker::{Check as Found, Config, DockerSource};

use crate::render::doctor::Check;

pub(super) async fn checks(config: &Config) -> Vec<Check> {
    let group = config.id.to_string();
    let quiet = Config { events: false, ..config.clone() };
    match DockerSource::new(quiet) {
        Ok(source) => describe(&group, config, &source.check().await),
        Err(error) => vec![Check::fail(group, error.to_string(), "`[[docker]]` in the configuration")],
    }
}

fn describe(group: &str, config: &Config, found: &Found) -> Vec<Check> {
    let mut checks = Vec::new();
    if let Some(Ok(print)) = &found.fingerprint {
        checks.push(Check::ok(group, format!("its certificate's fingerprint is {print}")));
    }
    if let Err(gap) = &found.reach {
        checks.push(Check::fail(group, format!("{} cannot be asked: {gap}", config.endpoint), advice(gap)));
        return checks;
    }
    let word = |said: &Result<std::sync::Arc<str>, Gap>| {
        said.as_ref().map_or("unknown".to_owned(), ToString::to_string)
    };
    checks.push(Check::ok(
        group,
        format!("engine {} answers, API {}", word(&found.engine_version), word(&found.api_version)),
    ));
    checks.push(match &found.containers {
        Ok(count) => Check::ok(group, format!("it lists {count} containers")),
        Err(gap) => Check::fail(group, format!("its containers cannot be listed: {gap}"), advice(gap)),
    });
    checks.extend(name(group, config, found));
    if let Some(Err(gap)) = &found.inspect {
        checks.push(Check::warn(
            group,
            format!("containers cannot be inspected: {gap}"),
            "restarts are counted from events alone; allow GET /containers/*/json for an exact count",
        ));
    }
    checks.push(match &found.events {
        Ok(()) => Check::ok(group, "its events can be heard: changes are noticed at once"),
        Err(gap) => Check::warn(
            group,
            format!("its events cannot be heard: {gap}"),
            "changes are noticed at the next look; allow GET /events for at once",
        ),
    });
    checks
}

fn name(group: &str, config: &Config, found: &Found) -> Option<Check> {
    match (&config.host, &found.engine_name) {
        (Some(host), Ok(name)) => Some(Check::ok(group, format!("it is {host}, and calls itself {name}"))),
        (None, Ok(name)) => {
            Some(Check::ok(group, format!("it calls itself {name}, which must be its name in NetBox")))
        }
        (None, Err(gap)) => Some(Check::warn(
            group,
            format!("it does not say its name: {gap}"),
            "name the host: `host = \"…\"` in its [[docker]] table",
        )),
        (Some(_), Err(_)) => None,
    }
}

fn advice(gap: &Gap) -> &'static str {
    match gap.kind {
        GapKind::Unauthorized => {
            "behind a socket proxy allow CONTAINERS=1; on a socket the user must be in the docker group"
        }
        GapKind::Unreachable | GapKind::TimedOut => {
            "is the endpoint right, does the engine run, does a firewall stand between?"
        }
        GapKind::NotYetObserved
        | GapKind::Uncovered
        | GapKind::Malformed
        | GapKind::Truncated
        | GapKind::Stale
        | GapKind::Implausible
        | GapKind::Ambiguous => "something answers there that is not a Docker engine; is the endpoint right?",
    }
}
