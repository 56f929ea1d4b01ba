//! Can a TrueNAS be reached, and does the key show everything that is needed?

use evenkeel_core::{Gap, GapKind};
use evenkeel_sources::truenas::{Check as Found, Config, MethodCheck, TruenasSource};

use crate::render::doctor::Check;

/// Clocks further apart than this make certificates and one-time codes fail.
const SKEW: i64 = 120;

pub(super) async fn checks(config: &Config) -> Vec<Check> {
    let group = config.id.to_string();
    let quiet = Config { events: false, ..config.clone() };
    match TruenasSource::new(quiet) {
        Ok(source) => describe(&group, config, &source.check().await),
        Err(error) => vec![Check::fail(group, error.to_string(), "`[[truenas]]` in the configuration")],
    }
}

fn describe(group: &str, config: &Config, found: &Found) -> Vec<Check> {
    let mut checks = Vec::new();
    if let Some(Ok(print)) = &found.fingerprint {
        checks.push(Check::ok(group, format!("its certificate's fingerprint is {print}")));
    }
    if let Some(Ok(Some(versions))) = &found.api_versions
        && let (Some(first), Some(last)) = (versions.first(), versions.last())
    {
        checks.push(Check::ok(group, format!("it serves the API versions {first} to {last}")));
    }
    let way = match &found.session {
        Ok(way) => way,
        Err(gap) => {
            checks.push(Check::fail(group, format!("it cannot be asked: {gap}"), advice(gap)));
            return checks;
        }
    };
    checks.push(version(group, config, found, way));
    checks.extend(name(group, config, found));
    checks.extend(clock(group, found));
    checks.extend(rights(group, &found.methods));
    checks
}

fn version(group: &str, config: &Config, found: &Found, way: &str) -> Check {
    let address = &config.address;
    match (&found.version, found.supported) {
        (Ok(version), Some(true)) => Check::ok(group, format!("{address} is TrueNAS {version}, asked by {way}")),
        (Ok(version), Some(false) | None) => Check::warn(
            group,
            format!("{address} is TrueNAS {version}, asked by {way}"),
            "evenkeel knows the answers of 24.04 to 26; others may be misunderstood",
        ),
        (Err(gap), _) => Check::warn(
            group,
            format!("{address} answers by {way}, but does not tell its version: {gap}"),
            "grant the key's user the role SYSTEM_GENERAL_READ",
        ),
    }
}

fn name(group: &str, config: &Config, found: &Found) -> Option<Check> {
    match (&config.host, &found.name) {
        (Some(host), Ok(name)) => Some(Check::ok(group, format!("it is {host}, and calls itself {name}"))),
        (None, Ok(name)) => {
            Some(Check::ok(group, format!("it calls itself {name}, which must be its name in NetBox")))
        }
        (None, Err(gap)) => Some(Check::warn(
            group,
            format!("it does not say its name: {gap}"),
            "name the host: `host = \"…\"` in its [[truenas]] table",
        )),
        (Some(_), Err(_)) => None,
    }
}

fn clock(group: &str, found: &Found) -> Option<Check> {
    let skew = found.clock_skew?.as_secs();
    (skew.abs() > SKEW).then(|| {
        Check::warn(
            group,
            format!("its clock is {skew} s away from this machine's"),
            "let both follow the same time server",
        )
    })
}

fn rights(group: &str, methods: &[MethodCheck]) -> Vec<Check> {
    let readable: Vec<String> = methods
        .iter()
        .filter_map(|method| match &method.answer {
            Ok(Some(rows)) if method.method.ends_with(".query") => Some(format!("{rows} by {}", method.method)),
            Ok(_) | Err(_) => None,
        })
        .collect();
    let shown =
        (!readable.is_empty()).then(|| Check::ok(group, format!("the key shows {}", readable.join(", "))));
    let refused = methods.iter().filter_map(|method| {
        let gap = method.answer.as_ref().err()?;
        let sentence = format!("{} cannot be asked: {gap}", method.method);
        let hint = match gap.kind {
            GapKind::Unauthorized => format!("grant the key's user the role {}", method.role),
            GapKind::NotYetObserved
            | GapKind::Uncovered
            | GapKind::Unreachable
            | GapKind::TimedOut
            | GapKind::Malformed
            | GapKind::Truncated
            | GapKind::Stale
            | GapKind::Implausible
            | GapKind::Ambiguous => "try again; what stays is a fault of this TrueNAS".to_owned(),
        };
        Some(match method.optional {
            true => Check::warn(group, sentence, hint),
            false => Check::fail(group, sentence, hint),
        })
    });
    shown.into_iter().chain(refused).collect()
}

fn advice(gap: &Gap) -> &'static str {
    match gap.kind {
        GapKind::Unauthorized => "`user` and `api_key` of its [[truenas]] table; over ssh, its keys",
        GapKind::Unreachable | GapKind::TimedOut => {
            "is the address right, does the certificate have to be pinned, does a firewall stand between?"
        }
        GapKind::NotYetObserved
        | GapKind::Uncovered
        | GapKind::Malformed
        | GapKind::Truncated
        | GapKind::Stale
        | GapKind::Implausible
        | GapKind::Ambiguous => "something answers there that is not a TrueNAS; is the address right?",
    }
}
