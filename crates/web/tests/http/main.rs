//! The routes as a client meets them: a real store in memory, a world made up for the test, one request at a time.

#[cfg(test)]
mod base;
#[cfg(test)]
mod client;
#[cfg(test)]
mod deliveries;
#[cfg(test)]
mod drifts;
#[cfg(test)]
mod events;
#[cfg(test)]
mod health;
#[cfg(test)]
mod hook;
#[cfg(test)]
mod hosts;
#[cfg(test)]
mod journal;
#[cfg(test)]
mod manners;
#[cfg(test)]
mod push;
#[cfg(test)]
mod reference;
#[cfg(test)]
mod refusals;
#[cfg(test)]
mod repairs;
#[cfg(test)]
mod resend;
#[cfg(test)]
mod role;
#[cfg(test)]
mod serving;
#[cfg(test)]
mod sources;
#[cfg(test)]
mod stream;
#[cfg(test)]
mod streaming;
