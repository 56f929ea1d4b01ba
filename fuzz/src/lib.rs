//! What the targets share. For those that read JSON: changes that leave it JSON. For those that speak HTTP: a server in this
//! process, a request made of bytes, and what every answer must keep; the world behind it is the one that the tests of
//! `crates/web` use.

#![allow(clippy::unwrap_used, reason = "a panic is what a fuzzer looks for")]

#[cfg(feature = "web")]
pub mod answer;
#[cfg(feature = "web")]
#[path = "../../crates/web/tests/http/client.rs"]
#[allow(dead_code, reason = "the tests of the API use the rest of it")]
mod client;
#[cfg(feature = "web")]
pub mod desk;
#[cfg(feature = "web")]
pub mod house;
#[cfg(feature = "json")]
pub mod mutate;
#[cfg(feature = "web")]
pub mod request;
#[cfg(feature = "web")]
#[path = "../../crates/web/tests/pages/site.rs"]
#[allow(dead_code, reason = "the tests of the pages use the rest of it")]
mod site;
