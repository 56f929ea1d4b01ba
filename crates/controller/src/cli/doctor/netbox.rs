//! Can NetBox be reached, and does the token show everything that is needed?

use std::time::Duration;

use evenkeel_core::{Gap, GapKind};
use evenkeel_sources::http::peer_fingerprint;
use evenkeel_sources::netbox::{Config, NetboxSource, Report, TokenKind};

use crate::render::doctor::Check;

/// Clocks further apart than this make the changelog's overlap unsafe.
const SKEW: i64 = 120;

pub(super) async fn checks(config: &Config) -> Vec<Check> {
    let group = config.id.to_string();
    let source = match NetboxSource::new(config.clone()) {
        Ok(source) => source,
        Err(error) => return vec![Check::fail(group, error.to_string(), "`[netbox]` in the configuration")],
    };
    describe(config, &source.check().await).await
}

/// What was found, in words.
pub(in crate::cli) async fn describe(config: &Config, report: &Report) -> Vec<Check> {
    let group = config.id.to_string();
    let mut checks = reach(&group, report);
    checks.extend(fingerprint(&group, config).await);
    if report.version.is_ok() {
        checks.extend(rights(&group, report));
        checks.extend(clock(&group, report));
        checks.push(changelog(&group, report));
    }
    checks
}

fn reach(group: &str, report: &Report) -> Vec<Check> {
    let address = &report.address;
    match &report.version {
        Ok(version) if report.supported => {
            let token = match report.token {
                TokenKind::V1 => "v1",
                TokenKind::V2 => "v2",
            };
            vec![Check::ok(group, format!("{address} is NetBox {version} and takes the {token} token"))]
        }
        Ok(version) => vec![Check::fail(
            group,
            format!("{address} is NetBox {version}, which is too old"),
            "evenkeel reads NetBox 4.0 and later",
        )],
        Err(gap) => vec![Check::fail(group, gap.to_string(), advice(gap))],
    }
}

fn rights(group: &str, report: &Report) -> Vec<Check> {
    let readable: Vec<String> = report
        .models
        .iter()
        .filter_map(|m| m.rows.as_ref().ok().map(|n| format!("{n} {}", m.name)))
        .collect();
    let refused = report.models.iter().filter_map(|model| {
        let gap = model.rows.as_ref().err()?;
        let hint = format!("give the token's user the permission {}", model.permission);
        Some(Check::fail(group, format!("{} cannot be read: {gap}", model.name), hint))
    });
    let shown =
        (!readable.is_empty()).then(|| Check::ok(group, format!("the token shows {}", readable.join(", "))));
    shown.into_iter().chain(refused).collect()
}

fn clock(group: &str, report: &Report) -> Option<Check> {
    let skew = report.clock_skew?.as_secs();
    (skew.abs() > SKEW).then(|| {
        Check::warn(
            group,
            format!("its clock is {skew} s away from this machine's"),
            "let both follow the same time server",
        )
    })
}

fn changelog(group: &str, report: &Report) -> Check {
    match &report.changelog {
        Ok(()) => Check::ok(group, "the changelog can be read: edits are noticed within seconds"),
        Err(gap) => Check::warn(
            group,
            format!("the changelog cannot be read: {gap}"),
            "edits are noticed at the next full read; the permission core.view_objectchange makes it seconds",
        ),
    }
}

/// What to pin, and whether anybody vouches for it.
async fn fingerprint(group: &str, config: &Config) -> Option<Check> {
    if config.url.scheme() != "https" {
        return None;
    }
    let host = config.url.host_str()?;
    let port = config.url.port_or_known_default()?;
    let asked = tokio::time::timeout(Duration::from_secs(10), peer_fingerprint(host, port)).await.ok()?;
    asked.ok().map(|print| Check::ok(group, format!("its certificate's fingerprint is {print}")))
}

fn advice(gap: &Gap) -> &'static str {
    match gap.kind {
        GapKind::Unauthorized => {
            "`netbox.token`: the token must exist, be enabled and be allowed from this address"
        }
        GapKind::Unreachable | GapKind::TimedOut => {
            "`netbox.url`: is the address right, and does NetBox run?"
        }
        GapKind::NotYetObserved
        | GapKind::Uncovered
        | GapKind::Malformed
        | GapKind::Truncated
        | GapKind::Stale
        | GapKind::Implausible
        | GapKind::Ambiguous => {
            "`netbox.url` must be the address of NetBox itself, with the path it is installed below"
        }
    }
}
