//! The `evenkeel` binary: hands the arguments to the command line and its answer to the shell.

use std::process::ExitCode;

use mimalloc::MiMalloc;

/// What a burst took goes back to the system: the C library's own allocator keeps it in pieces. It serves SQLite as well
/// (`override`), and asks for no huge pages (`no_thp`), of which a few bytes would hold two megabytes.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    evenkeel::cli::main()
}
