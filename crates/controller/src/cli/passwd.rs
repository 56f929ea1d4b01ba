//! `evenkeel passwd`: from a password to the lines of the configuration. The password is shown nowhere and kept nowhere.

use std::io::{IsTerminal, stdin};
use std::process::ExitCode;

use evenkeel_core::Secret;
use evenkeel_web::PasswordHash;

use super::args::PasswdOptions;
use super::failure::{Failure, OrFail};
use super::{Done, hidden, output};

pub(super) fn run(options: &PasswdOptions) -> Done {
    let password = if stdin().is_terminal() { asked(&options.name)? } else { piped()? };
    let hash = PasswordHash::of(&password, rand::random()).or_fail("choose another password")?;
    output::text(&lines(&options.name, options.role.as_str(), &hash.line()));
    Ok(ExitCode::SUCCESS)
}

/// Asked for twice, and not shown.
fn asked(name: &str) -> Result<Secret, Failure> {
    let ask = |what: &str| hidden::ask(what).map(Secret::new).or_fail("pipe the password in");
    let (once, twice) = (ask(&format!("Password of {name}: "))?, ask("Again: ")?);
    match once == twice {
        true => Ok(once),
        false => Err(Failure::new(anyhow::anyhow!("the two are not the same"), Some("try again"))),
    }
}

/// The first line of what is piped in.
fn piped() -> Result<Secret, Failure> {
    let mut line = String::new();
    stdin().read_line(&mut line).or_fail("pipe the password in as one line")?;
    Ok(Secret::new(line.trim_end_matches(['\r', '\n'])))
}

fn lines(name: &str, role: &str, hash: &str) -> String {
    let name = serde_json::Value::from(name);
    format!("[[access.user]]\nname = {name}\nrole = \"{role}\"\npassword_hash = \"{hash}\"\n")
}
