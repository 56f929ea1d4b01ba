//! `evenkeel health`: whether the evenkeel of this machine lives, for whoever starts it anew when it does not: a container
//! engine, an orchestrator. What does not live here: whether it is ready, and what is missing; that is `/readyz`.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use toml::de::DeTable;

use super::args::{Args, HealthOptions};
use super::failure::{Failure, OrFail};
use super::{Done, ask, output};

/// Where evenkeel listens if nothing says otherwise.
const USUAL: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 9797);

/// Shorter than whoever asks waits, which is five seconds in the container image.
const PATIENCE: Duration = Duration::from_secs(4);

/// What a check of the kind that container engines make says of something that does not live; 2 is theirs.
const DEAD: u8 = 1;

pub(super) async fn run(args: &Args, options: &HealthOptions) -> Done {
    let listens = match options.at {
        Some(at) => at,
        None => configured(args)?,
    };
    let address = ask::reachable(listens);
    match alive(&ask::client(PATIENCE)?, address).await {
        Ok(()) => {
            output::line(&format!("evenkeel lives at {address}"));
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => {
            let _ = Failure::new(error, Some("is it running? `[http] listen` or --at says where")).show();
            Ok(ExitCode::from(DEAD))
        }
    }
}

/// Where the configuration has it listen; without one, where it listens anyway. Nothing else of the configuration is read:
/// one that was broken after the start says nothing about what runs.
fn configured(args: &Args) -> Result<SocketAddr, Failure> {
    let Some(path) = output::config_place(args) else { return Ok(USUAL) };
    let text = std::fs::read_to_string(&path)
        .with_context(|| format!("{} cannot be read", path.display()))
        .or_fail("name the configuration with --config, or the address with --at")?;
    listen_of(&text).or_fail("write it as \"127.0.0.1:9797\", or name the address with --at")
}

/// `[http] listen` of a configuration, whatever else is in it.
fn listen_of(text: &str) -> anyhow::Result<SocketAddr> {
    // What is left open in another part would swallow this one.
    let is_whole = DeTable::parse(text).is_ok();
    let part = if is_whole { text.to_owned() } else { http_part(text) };
    let (table, _mistakes) = DeTable::parse_recoverable(&part);
    let http = table.get_ref().get("http").and_then(|http| http.get_ref().as_table());
    match http.and_then(|http| http.get("listen")).map(|listen| listen.get_ref().as_str()) {
        None => Ok(USUAL),
        Some(Some(listen)) => {
            listen.parse::<SocketAddr>().with_context(|| format!("`http.listen` is {listen:?}"))
        }
        Some(None) => anyhow::bail!("`http.listen` is not a text"),
    }
}

/// The lines from `[http]` to the next table.
fn http_part(text: &str) -> String {
    let is_head = |line: &&str| line.split('#').next().is_some_and(|line| line.trim() == "[http]");
    let mut lines = text.lines().skip_while(|line| !is_head(line));
    let head = lines.next().into_iter();
    let lines: Vec<&str> = head.chain(lines.take_while(|line| !line.trim_start().starts_with('['))).collect();
    lines.join("\n")
}

async fn alive(http: &reqwest::Client, address: SocketAddr) -> anyhow::Result<()> {
    let answer = http
        .get(format!("http://{address}/healthz"))
        .send()
        .await
        .map_err(reqwest::Error::without_url)
        .with_context(|| format!("nobody answers at {address}"))?;
    if !answer.status().is_success() {
        anyhow::bail!("{address} answers {}, which evenkeel does not", answer.status());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    #[test]
    fn without_a_word_it_is_looked_for_where_it_listens_by_default() {
        let text = include_str!("../../../../examples/minimal.toml");
        let env = |_: &str| Some("0123456789abcdef".to_owned());
        let now = jiff::Timestamp::UNIX_EPOCH;
        let config = Config::parse(std::path::Path::new("evenkeel.toml"), text, &env, now).unwrap();
        assert_eq!(config.http.listen, USUAL);
        assert_eq!(listen_of(text).unwrap(), USUAL);
        assert_eq!(listen_of("[http]\nbase_path = \"/evenkeel\"").unwrap(), USUAL);
    }

    #[test]
    fn what_is_wrong_elsewhere_in_the_configuration_does_not_matter() {
        let there: SocketAddr = "192.0.2.1:80".parse().unwrap();
        let broken = "[netbox]\nurl = 5\ntoken = [\n\n[http]\nlisten = \"192.0.2.1:80\"\nunknown = true\n";
        assert_eq!(listen_of(broken).unwrap(), there);
        assert!(listen_of("[http]\nlisten = \"here\"").is_err());
        assert!(listen_of("[http]\nlisten = 9797").is_err());
    }
}
