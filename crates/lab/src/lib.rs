//! A simulated homelab on loopback: it speaks the real wire protocols, holds state one can change, and injects
//! faults. Used by `evenkeel demo`, by tests and by benches.

pub mod docker;
pub mod fault;
pub mod homelab;
pub mod incidents;
pub mod inventory;
pub mod listener;
pub mod n8n;
pub mod netbox;
pub mod ntfy;
pub mod proxmox;
mod query;
pub mod receiver;
pub mod truenas;
