//! Proxmox VE: what was recorded of real clusters, and the lab's.

#[cfg(test)]
mod conformance;
#[cfg(test)]
mod lab;
#[cfg(test)]
mod support;
#[cfg(test)]
mod survey;
#[cfg(test)]
mod transports;
