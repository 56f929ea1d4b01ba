//! `evenkeel repairs`: what is proposed, what a person decides about it, and what would run now. Lists are read from the
//! store; decisions are taken by the controller that runs, see [`super::ask`].

use std::process::ExitCode;

use evenkeel_core::remediation::{Phase, ProposalLine};
use evenkeel_core::{HostName, Subject};
use evenkeel_store::ProposalFilter;
use serde_json::{Value, json};

use super::args::{Args, ProposalsOptions, RepairsCommand, TextOrJson, Word};
use super::ask::{As, Controller};
use super::failure::Failure;
use super::{Done, history, output};
use crate::config::Config;
use crate::render;

pub(super) async fn run(args: &Args, command: &RepairsCommand) -> Done {
    let config = output::config(args)?;
    match command {
        RepairsCommand::List(options) => list(&config, options).await,
        RepairsCommand::Show { proposal, output } => show(&config, proposal, *output).await,
        RepairsCommand::Rehearse { output } => {
            let rehearsal = Controller::of(&config, As::Anybody)?.get("/api/v1/repairs").await?;
            match output {
                TextOrJson::Table => output::text(&render::repairs::rehearsal(&rehearsal, output::width())),
                TextOrJson::Json => output::line(&render::repairs::json(&rehearsal)?),
            }
            Ok(ExitCode::SUCCESS)
        }
        RepairsCommand::Approve { proposal, word } => {
            let path = format!("/api/v1/proposals/{}/approve", segment(proposal)?);
            said(&decide(&config, &path, word).await?)
        }
        RepairsCommand::Reject { proposal, word } => {
            reasoned(word)?;
            let path = format!("/api/v1/proposals/{}/reject", segment(proposal)?);
            said(&decide(&config, &path, word).await?)
        }
        RepairsCommand::Halt(word) => switch(&config, "halt", word).await,
        RepairsCommand::Resume(word) => switch(&config, "resume", word).await,
        RepairsCommand::Release(word) => switch(&config, "release", word).await,
    }
}

async fn list(config: &Config, options: &ProposalsOptions) -> Done {
    let store = history::open(config).await?;
    let phases = match options.all {
        true => Vec::new(),
        false => Phase::ALL.into_iter().filter(|phase| *phase != Phase::Over).collect(),
    };
    let subject = options.host.as_deref().map(|host| Subject::Host(HostName::new(host)).to_string());
    let filter = ProposalFilter { phases, subject, ..ProposalFilter::default() };
    let page = store.proposals(&filter, None, options.limit).await?;
    let lines: Vec<ProposalLine> =
        page.rows.iter().rev().map(|row| ProposalLine::from(&row.proposal)).collect();
    match options.output {
        TextOrJson::Table if lines.is_empty() => {
            anstream::eprintln!(
                "nothing is proposed; `--all` lists what is over, `rehearse` says what waits and why"
            );
        }
        TextOrJson::Table => output::text(&render::repairs::list(&lines, output::width())),
        TextOrJson::Json => output::line(&render::repairs::json(&lines)?),
    }
    Ok(ExitCode::SUCCESS)
}

async fn show(config: &Config, proposal: &str, form: TextOrJson) -> Done {
    let store = history::open(config).await?;
    let filter = ProposalFilter { key: Some(segment(proposal)?), ..ProposalFilter::default() };
    let rows = store.proposals(&filter, None, 2).await?.rows;
    let [row] = rows.as_slice() else {
        let error = match rows.is_empty() {
            true => anyhow::anyhow!("there is no proposal {proposal}"),
            false => anyhow::anyhow!("{proposal} begins the keys of several proposals; give the whole key"),
        };
        return Err(Failure::new(error, Some("`evenkeel repairs list --all` has all of them")));
    };
    let line = ProposalLine::from(&row.proposal);
    match form {
        TextOrJson::Table => output::text(&render::repairs::show(&line)),
        TextOrJson::Json => output::line(&render::repairs::json(&line)?),
    }
    Ok(ExitCode::SUCCESS)
}

async fn decide(config: &Config, path: &str, word: &Word) -> Result<Value, Failure> {
    let wanted = As::Approver(word.who.as_deref());
    Controller::of(config, wanted)?.send(path, &json!({ "reason": word.reason })).await
}

async fn switch(config: &Config, way: &str, word: &Word) -> Done {
    reasoned(word)?;
    let switched = decide(config, &format!("/api/v1/repairs/{way}"), word).await?;
    let changed = switched.get("changed").and_then(Value::as_bool).unwrap_or(false);
    output::line(match (way, changed) {
        ("halt", true) => "all repairs are stopped; what runs is not recalled",
        ("halt", false) => "all repairs were stopped already",
        ("resume", true) => "repairs go on",
        ("resume", false) => "repairs were not stopped",
        (_, true) => "the brake is released",
        (_, false) => "the brake was not on",
    });
    Ok(ExitCode::SUCCESS)
}

fn said(line: &Value) -> Done {
    output::text(&render::repairs::decided(line));
    Ok(ExitCode::SUCCESS)
}

fn reasoned(word: &Word) -> Result<(), Failure> {
    match word.reason.trim().is_empty() {
        false => Ok(()),
        true => Err(Failure::new(anyhow::anyhow!("say why"), Some("--reason \"…\"; the journal keeps it"))),
    }
}

/// A key or handle, which are letters and digits; anything else would be another address.
fn segment(proposal: &str) -> Result<String, Failure> {
    let proposal = proposal.trim().to_ascii_uppercase();
    match proposal.len() >= 4 && proposal.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        true => Ok(proposal),
        false => Err(Failure::new(
            anyhow::anyhow!("`{proposal}` is no proposal's handle; one has eight letters and digits"),
            Some("`evenkeel repairs list` shows them"),
        )),
    }
}
