//! `cargo xtask systems`: the real systems by themselves, for running single tests again and again in another terminal.

use std::io::{Read as _, Write as _};

use anyhow::Context as _;
use xtask::real::{Options, Rig};
use xtask::say::say;

pub(crate) fn run(args: &[String]) -> anyhow::Result<()> {
    let (options, _) = Options::parse(args);
    let rig = Rig::start(options);
    let mut out = std::io::stdout();
    for (name, value) in rig.variables() {
        writeln!(out, "export {name}='{value}'")?;
    }
    out.flush()?;
    say("held until standard input ends (ctrl-D)");
    std::io::stdin().read_to_end(&mut Vec::new()).context("read from standard input")?;
    Ok(())
}
