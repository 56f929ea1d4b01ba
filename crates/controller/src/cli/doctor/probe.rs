//! From where does the probe look, what may it do, and does its own network answer? Nothing of the fleet is probed.

use evenkeel_sources::probe::{Check as Found, ProbeSource};

use crate::config::ProbeConfig;
use crate::render::doctor::Check;

pub(super) async fn checks(config: &ProbeConfig) -> Vec<Check> {
    let group = config.source.id.to_string();
    match ProbeSource::new(config.source.clone()) {
        Ok(source) => describe(&group, &source.check().await),
        Err(error) => {
            vec![Check::fail(group, super::super::failure::chain(&error), "`[probe]` in the configuration")]
        }
    }
}

fn describe(group: &str, found: &Found) -> Vec<Check> {
    let mut checks = vec![Check::ok(group, format!("it looks from {}", found.vantage))];
    match &found.icmp {
        Some(Ok(())) => checks.push(Check::ok(group, "icmp echo may be used")),
        Some(Err(why)) => checks.push(Check::warn(
            group,
            format!("icmp echo cannot be used: {why}"),
            "hosts without a port that answers are unreachable then; `sysctl net.ipv4.ping_group_range` allows it, and \
             `icmp = false` says that it is not wanted",
        )),
        None => {}
    }
    for (address, answers) in &found.reference {
        checks.push(if *answers {
            Check::ok(group, format!("{address} answers"))
        } else {
            Check::fail(
                group,
                format!("{address} does not answer"),
                "is it an address of this network? `probe.reference` names what always answers; a port can be added",
            )
        });
    }
    if found.reference.is_empty() {
        checks.push(Check::warn(
            group,
            "no address of its own network is known",
            "name the gateway in `probe.reference`: otherwise two hosts that are down at once look like no network",
        ));
    }
    checks
}
