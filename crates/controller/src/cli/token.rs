//! `evenkeel token`: a token for a program, shown once, and the lines of the configuration with its hash.

use std::process::ExitCode;

use evenkeel_web::{TokenDigest, token_of};
use jiff::Timestamp;

use super::args::TokenOptions;
use super::failure::{Failure, OrFail};
use super::{Done, output};

pub(super) fn run(options: &TokenOptions) -> Done {
    let TokenOptions { name, role, scopes, expires } = options;
    if let Some(beyond) = scopes.iter().find(|scope| scope.level() > *role) {
        let (scope, needed) = (beyond.as_str(), beyond.level().as_str());
        let error = anyhow::anyhow!(
            "the scope {scope} takes the role {needed}, and the token would be a {}",
            role.as_str()
        );
        return Err(Failure::new(error, Some("give it another --role, or another --scope")));
    }
    let token = token_of(rand::random());
    let mut lines = format!(
        "[[access.token]]\nname = {}\nrole = \"{}\"\n",
        serde_json::Value::from(name.as_str()),
        role.as_str()
    );
    if !scopes.is_empty() {
        let scopes: Vec<String> = scopes.iter().map(|scope| format!("\"{}\"", scope.as_str())).collect();
        lines.push_str(&format!("scopes = [{}]\n", scopes.join(", ")));
    }
    lines.push_str(&format!("hash = \"{}\"\n", TokenDigest::of(token.expose())));
    if let Some(after) = expires {
        let end = Timestamp::now().checked_add(*after).or_fail("name a shorter time")?;
        lines.push_str(&format!("expires = {end:.0}\n"));
    }
    let bold = anstyle::Style::new().bold();
    anstream::eprintln!("{bold}The token, which is shown only now:{bold:#}\n{}\n", token.expose());
    anstream::eprintln!("{bold}The lines for the configuration:{bold:#}");
    output::text(&lines);
    Ok(ExitCode::SUCCESS)
}
