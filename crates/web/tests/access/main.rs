//! Who gets in, over a real socket: with a real store in memory, passwords that are really hashed, and a clock in the hand.

#[cfg(test)]
#[path = "../http/client.rs"]
#[allow(dead_code, reason = "the tests of the API use the rest of it")]
mod client;
#[cfg(test)]
mod forms;
#[cfg(test)]
mod house;
#[cfg(test)]
mod proxies;
#[cfg(test)]
mod roles;
#[cfg(test)]
mod sessions;
#[cfg(test)]
mod tries;
