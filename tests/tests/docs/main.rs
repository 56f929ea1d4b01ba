//! The documents: what they say is what is, what they tell people to type is understood, and whoever makes a release of them
//! is held to its page.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a panic in a test is the failed assertion itself"
)]

#[cfg(test)]
mod book;
#[cfg(test)]
mod commands;
#[cfg(test)]
mod reference;
#[cfg(test)]
mod release;
