//! The command line: one file per command. Data goes to standard output, everything else to standard error.
//!
//! Exit codes: 0 in sync and complete · 1 drift · 2 the command failed · 3 no drift seen, but a scope is blind.

mod args;
mod ask;
mod backup;
mod check;
mod completions;
mod demo;
mod diff;
mod doctor;
mod events;
mod explain;
mod export;
mod failure;
mod health;
mod hidden;
mod history;
mod init;
mod journal;
mod man;
mod once;
mod output;
mod passwd;
mod repairs;
mod run;
mod serve;
mod silence;
mod sink;
mod token;

use std::process::ExitCode;

use clap::Parser;

use args::{Args, Command};
use failure::Failure;

/// What a command ended with: the shell's exit code, or a failure that becomes 2.
type Done = Result<ExitCode, Failure>;

/// Reads the arguments, runs the command, and says what went wrong if something did.
pub fn main() -> ExitCode {
    let args = Args::parse();
    args.color.apply();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return Failure::new(error.into(), None).show(),
    };
    let done = runtime.block_on(dispatch(&args));
    // Whatever still runs (a resolver thread, an ssh child being reaped) must not hold the command up.
    runtime.shutdown_timeout(std::time::Duration::from_millis(200));
    done.unwrap_or_else(|failure| failure.show())
}

/// Why a command line would not be understood; nothing where it would be, or where it asks for help. The documents are held
/// against it.
pub fn mistake<'a>(words: impl IntoIterator<Item = &'a str>) -> Option<String> {
    match Args::try_parse_from(words) {
        Ok(_) => None,
        Err(help) if !help.use_stderr() => None,
        Err(mistake) => Some(mistake.to_string()),
    }
}

async fn dispatch(args: &Args) -> Done {
    match &args.command {
        Command::Init(options) => init::run(args, options).await,
        Command::Check => check::run(args),
        Command::Doctor => doctor::run(args).await,
        Command::Diff(options) => diff::run(args, options).await,
        Command::Run => run::run(args).await,
        Command::Demo(options) => demo::run(args, options).await,
        Command::Explain(options) => explain::run(args, options).await,
        Command::Events(options) => events::run(args, options).await,
        Command::Journal(options) => journal::run(args, options).await,
        Command::Backup(options) => backup::run(args, options).await,
        Command::Health(options) => health::run(args, options).await,
        Command::Export(options) => export::run(args, options).await,
        Command::Repairs(command) => repairs::run(args, command).await,
        Command::Silence(options) => silence::run(args, options).await,
        Command::Ack(options) => silence::ack(args, options).await,
        Command::Passwd(options) => passwd::run(options),
        Command::Token(options) => token::run(options),
        Command::Sink(command) => sink::run(args, command).await,
        Command::Completions { shell } => completions::run(*shell),
        Command::Man { folder } => man::run(folder),
    }
}
