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
        (Ok(version), Some(true)) => {
            Check::ok(group, format!("{address} is TrueNAS {version}, asked by {way}"))
        }
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
            Ok(Some(rows)) if method.method.ends_with(".query") => {
                Some(format!("{rows} by {}", method.method))
            }
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

#[cfg(test)]
mod tests {
    use evenkeel_core::{Secret, SourceId, SourceKind};
    use evenkeel_lab::truenas::{KeyState, TruenasLab, TruenasVersion};
    use evenkeel_sources::http::{Fingerprint, Trust};
    use evenkeel_sources::truenas::Address;

    use super::*;
    use crate::render::doctor::Status;

    async fn said(lab: &TruenasLab, trust: Trust) -> Vec<Check> {
        let id = SourceId::new(SourceKind::Truenas, "nas");
        checks(&Config {
            user: Some(lab.user().to_owned()),
            api_key: Some(Secret::new(lab.key())),
            trust,
            ..Config::new(id, Address::parse(&lab.url()).unwrap())
        })
        .await
    }

    fn pinned(lab: &TruenasLab) -> Trust {
        Trust { pin: Some(Fingerprint::of(lab.certificate())), ..Trust::default() }
    }

    fn worst(checks: &[Check]) -> Vec<&Check> {
        checks.iter().filter(|check| check.status != Status::Ok).collect()
    }

    #[tokio::test]
    async fn nothing_is_wrong_with_a_key_that_may_read_whatever_the_release() {
        for version in TruenasVersion::ALL {
            let lab = TruenasLab::of_reference(version).await.unwrap();
            let checks = said(&lab, pinned(&lab)).await;
            assert_eq!(worst(&checks), Vec::<&Check>::new(), "{version:?}");
            let said: Vec<&str> = checks.iter().map(|check| check.sentence.as_str()).collect();
            assert!(said.iter().any(|sentence| sentence.contains(version.release())), "{said:?}");
            assert!(said.iter().any(|sentence| sentence.contains("3 by ")), "{said:?}");
        }
    }

    #[tokio::test]
    async fn what_is_wrong_is_said_with_what_to_do() {
        let lab = TruenasLab::of_reference(TruenasVersion::V25_10).await.unwrap();
        let checks = said(&lab, Trust::default()).await;
        let print = Fingerprint::of(lab.certificate()).to_string();
        assert!(checks[0].sentence.contains(&print), "{checks:?}");
        assert!(checks.last().unwrap().sentence.contains("pin it"), "{checks:?}");

        lab.edit(|state| {
            state.roles = Some(["SYSTEM_GENERAL_READ", "VM_READ"].map(str::to_owned).into());
            state.clock = jiff::SignedDuration::from_mins(10);
        });
        let checks = said(&lab, pinned(&lab)).await;
        let hint =
            |text: &str| checks.iter().find(|check| check.hint.as_deref().is_some_and(|h| h.contains(text)));
        assert_eq!(hint("APPS_READ").map(|check| check.status), Some(Status::Fail), "{checks:?}");
        assert_eq!(hint("ALERT_LIST_READ").map(|check| check.status), Some(Status::Warn));
        assert!(hint("same time server").is_some());

        lab.edit(|state| state.key = KeyState::Expired);
        let checks = said(&lab, pinned(&lab)).await;
        assert!(checks.last().unwrap().sentence.contains("has expired"), "{checks:?}");
    }
}
