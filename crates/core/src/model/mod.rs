//! The entities of both truths: what NetBox declares ([`expected`]) and what sources see ([`observed`]).

pub mod expected;
pub mod lifecycle;
pub mod observed;
pub mod ports;

pub use expected::{Contradiction, Expected, ExpectedHost, ExpectedService, HostKind, Inventory};
pub use lifecycle::{Demand, HostStatus, Lifecycle};
pub use observed::{
    Health, Hints, HostFacts, HostSnapshot, HostView, Observed, ObservedService, Published, RunState,
};
pub use ports::{Port, Ports, Protocol};
