//! TrueNAS: what was recorded of real ones, and the lab's.

#[cfg(test)]
mod conformance;
#[cfg(test)]
mod lab;
#[cfg(test)]
mod source;
#[cfg(test)]
mod support;
#[cfg(test)]
mod transports;
