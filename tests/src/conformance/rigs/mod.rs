//! Each source with its simulated system, and what each fault is there.

pub(super) mod docker;
pub(super) mod netbox;
pub mod probe;
pub mod proxmox;
pub(super) mod push;
pub(super) mod truenas;

use std::time::Duration;

use evenkeel_lab::fault::Fault as Wire;

use super::Fault;
use crate::stage::Plan;

/// Within what is waited for.
const SLOW: Duration = Duration::from_millis(60);
/// How long is waited for an answer: on a machine that does many things at once, nothing that answers may be late.
pub(super) const PATIENCE: Duration = Duration::from_millis(2500);

/// Believes everything at once, and asks often.
pub(super) fn plan() -> Plan {
    Plan { docker_timeout: PATIENCE, netbox_timeout: PATIENCE, ..Plan::believing() }
}

/// The fault as the wire has it, where it is one of the wire.
fn wire(fault: Fault) -> Option<Wire> {
    Some(match fault {
        Fault::Slow => Wire::Slow(SLOW),
        Fault::Hang => Wire::Hang,
        Fault::Unauthorized => Wire::Status(401),
        Fault::Forbidden => Wire::Status(403),
        Fault::Empty => Wire::EmptyList,
        Fault::Truncated => Wire::Truncated,
        Fault::Malformed => Wire::Malformed,
        Fault::Duplicate => Wire::DuplicateRow,
        Fault::Reset => Wire::Reset,
        Fault::Down
        | Fault::Shrunken
        | Fault::UnknownWord
        | Fault::Restart
        | Fault::ClockSkew
        | Fault::Controller => return None,
    })
}
