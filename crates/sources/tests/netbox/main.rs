//! NetBox: what was recorded of real ones, and the lab's.

#[cfg(test)]
mod conformance;
#[cfg(test)]
mod delta;
#[cfg(test)]
mod losses;
#[cfg(test)]
mod recorded;
#[cfg(test)]
mod support;
#[cfg(test)]
mod tls;
#[cfg(test)]
mod walk;
