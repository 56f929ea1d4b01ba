//! Can a cluster be reached, and does the login show everything that is needed?

use evenkeel_core::{Gap, GapKind};
use evenkeel_sources::proxmox::{EndpointReport, ProxmoxSource, Report};

use crate::config::ProxmoxConfig;
use crate::render::doctor::Check;

/// Tickets are good for two hours; clocks that differ by more than this are worth a word long before.
const SKEW: i64 = 120;

pub(super) async fn checks(config: &ProxmoxConfig) -> Vec<Check> {
    let group = config.source.id.to_string();
    match ProxmoxSource::new(config.source.clone()) {
        Ok(source) => describe(&group, &source.check().await),
        Err(error) => vec![Check::fail(group, error.to_string(), "`[[proxmox]]` in the configuration")],
    }
}

fn describe(group: &str, report: &Report) -> Vec<Check> {
    let alone = report.endpoints.iter().all(|endpoint| endpoint.version.is_err());
    let mut checks: Vec<Check> =
        report.endpoints.iter().flat_map(|found| endpoint(group, found, alone)).collect();
    if alone {
        return checks;
    }
    checks.push(match (&report.cluster, report.quorate) {
        (Some(name), Some(false)) => Check::warn(
            group,
            format!("the cluster is called {name} and has lost its quorum"),
            "`pvecm status` on a node says who is missing",
        ),
        (Some(name), Some(true) | None) => Check::ok(group, format!("the cluster is called {name}")),
        (None, _) => Check::ok(group, "it is a node by itself, or does not say the name of its cluster"),
    });
    checks.extend(rights(group, report));
    checks.push(match &report.nodes {
        Ok((count, away)) if away.is_empty() => Check::ok(
            group,
            match count {
                1 => "it lists 1 node, which is online".to_owned(),
                _ => format!("it lists {count} nodes, all online"),
            },
        ),
        Ok((count, away)) => Check::warn(
            group,
            format!("it lists {count} nodes, of which {} are not online", away.join(", ")),
            "what runs there is unknown until they are back",
        ),
        Err(gap) => Check::fail(group, format!("its nodes cannot be listed: {gap}"), advice(gap)),
    });
    checks.push(match &report.guests {
        Ok(count) => Check::ok(group, format!("{} is shown {count} guests", report.who)),
        Err(gap) => Check::fail(group, format!("its guests cannot be listed: {gap}"), advice(gap)),
    });
    checks
}

/// One address. While another one answers, a silent one is a warning.
fn endpoint(group: &str, found: &EndpointReport, alone: bool) -> Vec<Check> {
    let address = &found.address;
    let mut checks = Vec::new();
    match &found.version {
        Ok(version) => {
            checks.push(Check::ok(group, format!("{address} is Proxmox VE {version} and takes the login")))
        }
        Err(gap) if alone => {
            checks.push(Check::fail(group, format!("{address} cannot be asked: {gap}"), advice(gap)));
        }
        Err(gap) => checks.push(Check::warn(group, format!("{address} cannot be asked: {gap}"), advice(gap))),
    }
    if let Some(Ok(print)) = &found.fingerprint {
        checks.push(Check::ok(group, format!("{address} shows a certificate with the fingerprint {print}")));
    }
    if let Some(skew) = found.clock_skew.filter(|skew| skew.as_secs().abs() > SKEW) {
        checks.push(Check::warn(
            group,
            format!("the clock of {address} is {} s away from this machine's", skew.as_secs()),
            "let both follow the same time server",
        ));
    }
    checks
}

fn rights(group: &str, report: &Report) -> Vec<Check> {
    let rights = match &report.rights {
        Ok(rights) => rights,
        Err(gap) => {
            return vec![Check::fail(group, format!("the rights cannot be asked for: {gap}"), advice(gap))];
        }
    };
    let one = |right: &evenkeel_sources::proxmox::RightReport| match &right.held {
        Ok(()) => Check::ok(group, format!("{} may {}", report.who, right.what)),
        Err(_) => {
            let (sentence, hint) =
                (format!("{} may not {}", report.who, right.what), format!("run on a node: {}", right.grant));
            if right.needed { Check::fail(group, sentence, hint) } else { Check::warn(group, sentence, hint) }
        }
    };
    rights.iter().map(one).collect()
}

fn advice(gap: &Gap) -> &'static str {
    match gap.kind {
        GapKind::Unauthorized => {
            "is the token written user@realm!name=uuid, does it exist, has it not expired? `pveum user token list USER`"
        }
        GapKind::Unreachable if gap.why.contains("certificate") => {
            "name the cluster's authority with `ca_file` (a copy of /etc/pve/pve-root-ca.pem), or pin the certificate"
        }
        GapKind::Unreachable | GapKind::TimedOut => {
            "is the address right, with port 8006, and does the node run? `systemctl status pveproxy`"
        }
        GapKind::NotYetObserved
        | GapKind::Uncovered
        | GapKind::Malformed
        | GapKind::Truncated
        | GapKind::Stale
        | GapKind::Implausible
        | GapKind::Ambiguous => "something answers there that is not Proxmox VE; is the address right?",
    }
}
