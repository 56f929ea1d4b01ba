//! Docker engines: over every transport, against recorded answers and the lab.

#[cfg(test)]
mod lab;
#[cfg(test)]
mod source;
#[cfg(test)]
mod transports;
