//! The part of the developer tool that tests use as well: real systems, started for a test and gone after it.
//!
//! What lives here: finding and installing programs, a Docker engine in namespaces of its own, PostgreSQL, PgBouncer,
//! words for the terminal.
//! What does not: the commands (see `main.rs`), anything the product needs. Standard library and `anyhow` only, so that
//! the first command on a fresh checkout starts within seconds.

pub mod real;
pub mod say;

/// Takes from a command what cargo tells those it runs about their own package: build scripts of others would run anew
/// because of it, and minutes of compiling with them.
pub fn forget_package(command: &mut std::process::Command) {
    let told = |name: &str| name.starts_with("CARGO_PKG") || name.starts_with("CARGO_MANIFEST");
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(told) {
            command.env_remove(name);
        }
    }
}
