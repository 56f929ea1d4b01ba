//! The entities of both truths: what NetBox declares ([`expected`]) and what sources see ([`observed`]).

pub mod expected;
pub mod lifecycle;
pub mod machine;
pub mod observed;
pub mod ports;

pub use expected::{Contradiction, Expected, ExpectedHost, ExpectedService, HostKind, Inventory};
pub use lifecycle::{Demand, HostStatus, Lifecycle};
pub use machine::{
    MachineKind, MachineState, ObservedMachine, Survey, Usage, Volume, VolumeHealth, VolumeKind,
};
pub use observed::{
    Health, Hints, HostFacts, HostSnapshot, HostView, Observed, ObservedService, Published, RunState,
};
pub use ports::{Port, Ports, Protocol};
