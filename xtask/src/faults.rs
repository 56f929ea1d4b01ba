//! `cargo xtask faults`: real faults on the real binary, as many rounds as one likes; `cargo xtask test` makes a few. What
//! the faults are, and what is asked after each, is in `tests/tests/faults`.

use anyhow::{Context as _, bail};
use xtask::real::{Options, Rig};
use xtask::say::{loud, say};

use crate::cargo::cargo;
use crate::test::counted;

/// How many rounds a fault gets if nobody says.
const ROUNDS: u32 = 200;

pub(crate) fn run(args: &[String]) -> anyhow::Result<()> {
    let (options, rest) = Options::parse(args);
    let (rounds, names) = parse(rest)?;
    let rig = Rig::start(options);
    say(format!("{rounds} rounds of each fault, one fault after another"));
    let mut command = cargo(&["test", "-p", "evenkeel-tests", "--test", "faults", "--"]);
    command.args(["--nocapture", "--test-threads=1"]).args(names);
    command.envs(rig.variables().iter().map(|(name, value)| (name, value)));
    command.env("EVENKEEL_TEST_ROUNDS", rounds.to_string());
    let (total, status) = counted(&mut command)?;
    if !rig.missing().is_empty() {
        loud(format!("what needs these said SKIPPED:\n{}", rig.missing().join("\n")));
    }
    drop(rig);
    if !status.success() || !total.is_good() {
        bail!("not every fault was survived, or none was made: {total}; {status}");
    }
    Ok(())
}

/// How many rounds, and of which faults: parts of their tests' names; none stands for all.
fn parse(args: &[String]) -> anyhow::Result<(u32, &[String])> {
    match args {
        [option, number, names @ ..] if option == "--rounds" => {
            let rounds = number.parse().with_context(|| format!("--rounds {number} is no number"))?;
            Ok((rounds, names))
        }
        [option, ..] if option.starts_with("--") => {
            bail!("there is no option {option}; --rounds N comes first")
        }
        names => Ok((ROUNDS, names)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_and_names_are_told_apart_and_a_mistake_is_named() {
        let args = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        let given = args("--rounds 7 kill disk");
        assert_eq!(parse(&given).unwrap(), (7, &args("kill disk")[..]));
        assert_eq!(parse(&args("kill")).unwrap(), (ROUNDS, &args("kill")[..]));
        assert!(parse(&args("--rounds many")).unwrap_err().to_string().contains("--rounds many"));
        assert!(parse(&args("--round 7")).unwrap_err().to_string().contains("--round"));
    }
}
