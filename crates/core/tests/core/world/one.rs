//! The smallest world: one host with one service, which runs, does not, or is not seen.

use evenkeel_core::model::{ExpectedHost, RunState};
use evenkeel_core::{GapKind, SourceKind};

use super::{Plan, blind, declared, docker, host, shown};

pub fn web() -> ExpectedHost {
    host([declared("web")])
}

pub fn up() -> Plan {
    Plan::new(web(), [docker([shown("web", RunState::Running)])])
}

pub fn down() -> Plan {
    Plan::new(web(), [docker([])])
}

pub fn unseen() -> Plan {
    Plan::new(web(), [blind(SourceKind::Docker, GapKind::TimedOut)])
}
