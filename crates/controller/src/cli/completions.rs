//! `evenkeel completions SHELL`.

use std::process::ExitCode;

use clap::CommandFactory;
use clap_complete::Shell;

use super::Done;
use super::args::Args;

pub(super) fn run(shell: Shell) -> Done {
    clap_complete::generate(shell, &mut Args::command(), "evenkeel", &mut std::io::stdout());
    Ok(ExitCode::SUCCESS)
}
