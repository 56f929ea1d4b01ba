//! The configuration: what it means, what is wrong with it, and what is said of that.

#[cfg(test)]
mod access;
#[cfg(test)]
mod examples;
#[cfg(test)]
mod mistakes;
#[cfg(test)]
mod probe_push;
#[cfg(test)]
mod proxmox;
#[cfg(test)]
mod reference;
#[cfg(test)]
mod remediation;
#[cfg(test)]
mod retention;
#[cfg(test)]
mod store;
#[cfg(test)]
mod truenas;
