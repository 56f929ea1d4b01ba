//! What is held to come of each fault of each source. `tests/conformance.rs` proves every cell.

use super::Fault;

/// A source with the release it is put through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum System {
    /// NetBox, beside an engine and a cluster that are fine.
    Netbox,
    /// A Docker engine.
    Docker,
    /// A Proxmox VE 8 cluster of two nodes.
    Proxmox8,
    /// The same with Proxmox VE 9.
    Proxmox9,
    /// A TrueNAS 24.10 over REST.
    TruenasRest,
    /// A TrueNAS 25.10 over a websocket.
    TruenasSocket,
    /// The network probe.
    Probe,
    /// A sender of observations.
    Push,
}

impl System {
    /// All of them, in the table's order.
    pub const ALL: [Self; 8] = [
        Self::Netbox,
        Self::Docker,
        Self::Proxmox8,
        Self::Proxmox9,
        Self::TruenasRest,
        Self::TruenasSocket,
        Self::Probe,
        Self::Push,
    ];

    /// In the table's words.
    pub fn title(self) -> &'static str {
        match self {
            Self::Netbox => "NetBox",
            Self::Docker => "Docker",
            Self::Proxmox8 => "Proxmox VE 8",
            Self::Proxmox9 => "Proxmox VE 9",
            Self::TruenasRest => "TrueNAS 24.10 (REST)",
            Self::TruenasSocket => "TrueNAS 25.10 (websocket)",
            Self::Probe => "probe",
            Self::Push => "push",
        }
    }
}

/// What is held to come of a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// This drift, once, and nothing else.
    Blind(&'static str),
    /// Nothing.
    Unaffected,
    /// There is no such fault of this source; why.
    Senseless(&'static str),
}

const NO_LOGIN: &str = "a probe logs in nowhere: what a web server answers is the service's health";
const NO_LIST: &str = "a probe reads no list: each declared port is tried by itself";
const OF_THE_SERVICE: &str = "a declared port behind which nothing answers is what the probe is there to tell, not a fault of the probe";
const NO_CLOCK: &str = "a probe reads no clock but its own";

/// What is held to come of this fault of this source.
pub fn expected(system: System, fault: Fault) -> Expected {
    match system {
        System::Netbox => netbox(fault),
        System::Docker => docker(fault),
        System::Proxmox8 | System::Proxmox9 => proxmox(fault),
        System::TruenasRest | System::TruenasSocket => truenas(fault),
        System::Probe => probe(fault),
        System::Push => push(fault),
    }
}

fn netbox(fault: Fault) -> Expected {
    match fault {
        Fault::Slow | Fault::UnknownWord | Fault::ClockSkew => Expected::Unaffected,
        Fault::Down
        | Fault::Hang
        | Fault::Unauthorized
        | Fault::Forbidden
        | Fault::Empty
        | Fault::Shrunken
        | Fault::Truncated
        | Fault::Malformed
        | Fault::Duplicate
        | Fault::Reset
        | Fault::Restart
        | Fault::Controller => Expected::Blind("SNAPSHOT_ERROR netbox/main"),
    }
}

fn docker(fault: Fault) -> Expected {
    match fault {
        Fault::Slow | Fault::UnknownWord | Fault::ClockSkew => Expected::Unaffected,
        Fault::Down | Fault::Hang | Fault::Reset | Fault::Restart | Fault::Controller => {
            Expected::Blind("DOCKER_UNREACHABLE box")
        }
        Fault::Unauthorized
        | Fault::Forbidden
        | Fault::Empty
        | Fault::Shrunken
        | Fault::Truncated
        | Fault::Malformed
        | Fault::Duplicate => Expected::Blind("SNAPSHOT_ERROR box"),
    }
}

fn proxmox(fault: Fault) -> Expected {
    match fault {
        Fault::Slow | Fault::UnknownWord | Fault::Restart | Fault::ClockSkew => Expected::Unaffected,
        Fault::Down
        | Fault::Hang
        | Fault::Unauthorized
        | Fault::Forbidden
        | Fault::Empty
        | Fault::Shrunken
        | Fault::Truncated
        | Fault::Malformed
        | Fault::Duplicate
        | Fault::Reset
        | Fault::Controller => Expected::Blind("SNAPSHOT_ERROR proxmox/lab"),
    }
}

fn truenas(fault: Fault) -> Expected {
    match fault {
        Fault::Slow | Fault::UnknownWord | Fault::ClockSkew => Expected::Unaffected,
        // Told on the machine it is, and not a second time on the source.
        Fault::Down
        | Fault::Hang
        | Fault::Unauthorized
        | Fault::Forbidden
        | Fault::Empty
        | Fault::Shrunken
        | Fault::Truncated
        | Fault::Malformed
        | Fault::Duplicate
        | Fault::Reset
        | Fault::Restart
        | Fault::Controller => Expected::Blind("SNAPSHOT_ERROR nas"),
    }
}

fn probe(fault: Fault) -> Expected {
    match fault {
        Fault::Down | Fault::Controller => Expected::Blind("SNAPSHOT_ERROR probe/main"),
        Fault::Slow | Fault::Malformed | Fault::Reset | Fault::Restart => Expected::Unaffected,
        Fault::Hang => Expected::Senseless(OF_THE_SERVICE),
        Fault::Unauthorized | Fault::Forbidden => Expected::Senseless(NO_LOGIN),
        Fault::Empty | Fault::Shrunken | Fault::Truncated | Fault::UnknownWord | Fault::Duplicate => {
            Expected::Senseless(NO_LIST)
        }
        Fault::ClockSkew => Expected::Senseless(NO_CLOCK),
    }
}

fn push(fault: Fault) -> Expected {
    match fault {
        Fault::Slow | Fault::UnknownWord | Fault::Duplicate | Fault::Restart => Expected::Unaffected,
        Fault::Down
        | Fault::Hang
        | Fault::Unauthorized
        | Fault::Forbidden
        | Fault::Empty
        | Fault::Shrunken
        | Fault::Truncated
        | Fault::Malformed
        | Fault::Reset
        | Fault::ClockSkew
        | Fault::Controller => Expected::Blind("SNAPSHOT_ERROR push/scripts"),
    }
}
