//! The part of the developer tool that tests use as well: real systems, started for a test and gone after it.
//!
//! What lives here: finding and installing programs, a Docker engine in namespaces of its own, PostgreSQL, PgBouncer,
//! words for the terminal.
//! What does not: the commands (see `main.rs`), anything the product needs. Standard library and `anyhow` only, so that
//! the first command on a fresh checkout starts within seconds.

pub mod real;
pub mod say;
