//! What `doctor` wants to know of the probe: from where it looks, what it may do, whether its own network answers. What
//! does not live here: how it is shown, and probing the fleet.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use super::config::Reference;
use super::icmp;
use super::round::Prober;

/// The findings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// From where it looks.
    pub vantage: Arc<str>,
    /// Whether ICMP echo may be used; `None`: it is switched off.
    pub icmp: Option<Result<(), String>>,
    /// The addresses of the own network, and whether each answers.
    pub reference: Vec<(Reference, bool)>,
}

pub(super) async fn check(prober: &Prober, vantage: &Arc<str>) -> Check {
    let config = prober.config();
    let mut reference = Vec::new();
    for address in &config.reference {
        reference.push((*address, prober.reference_answers(address).await));
    }
    let icmp = config.icmp.then(|| icmp::allowed(IpAddr::V4(Ipv4Addr::LOCALHOST)));
    Check { vantage: Arc::clone(vantage), icmp, reference }
}
