//! `evenkeel silence` and `evenkeel ack`: what is not to be told for a while. Lists are read from the store; the controller
//! that runs makes and ends silences, see [`super::ask`].

use std::process::ExitCode;

use evenkeel_core::policy::MadeSilence;
use evenkeel_core::policy::silence::Stands;
use evenkeel_store::SilenceFilter;
use serde_json::{Value, json};

use super::args::{
    AckOptions, Args, MakeOptions, SilenceCommand, SilenceOptions, SilencesOptions, TextOrJson,
};
use super::ask::{As, Controller};
use super::failure::Failure;
use super::{Done, history, output};
use crate::config::Config;
use crate::render;

const SILENCES: &str = "/api/v1/silences";

pub(super) async fn run(args: &Args, options: &SilenceOptions) -> Done {
    let config = output::config(args)?;
    match &options.command {
        Some(SilenceCommand::List(options)) => list(&config, options).await,
        Some(SilenceCommand::End { name, reason }) => {
            let path = format!("{SILENCES}/{}/end", segment(name)?);
            let ended =
                Controller::of(&config, As::Caller)?.send(&path, &json!({ "reason": reason })).await?;
            output::line(&render::silences::ended(&ended));
            Ok(ExitCode::SUCCESS)
        }
        None => make(&config, &wish(&options.make)).await,
    }
}

pub(super) async fn ack(args: &Args, options: &AckOptions) -> Done {
    let AckOptions { drift, reason } = options;
    let wish = json!({ "drift": drift, "until_resolved": true, "reason": reason });
    make(&output::config(args)?, &wish).await
}

fn wish(options: &MakeOptions) -> Value {
    let MakeOptions { drift, hosts, services, types, lasts, until, reason } = options;
    let types: Vec<&str> = types.iter().map(|kind| kind.code()).collect();
    json!({
        "drift": drift, "hosts": hosts, "services": services, "types": types, "for": lasts, "ends": until,
        "reason": reason,
    })
}

async fn make(config: &Config, wish: &Value) -> Done {
    let made = Controller::of(config, As::Caller)?.send(SILENCES, wish).await?;
    output::line(&render::silences::made(&made));
    Ok(ExitCode::SUCCESS)
}

async fn list(config: &Config, options: &SilencesOptions) -> Done {
    let store = history::open(config).await?;
    let now = crate::collect::now();
    let page = store.silences(&SilenceFilter::default(), None, options.limit).await?;
    let is_shown = |silence: &&MadeSilence| options.all || silence.stands(now) != Stands::Over;
    let silences: Vec<&MadeSilence> = page.rows.iter().rev().filter(is_shown).collect();
    match options.output {
        TextOrJson::Table if silences.is_empty() => {
            anstream::eprintln!(
                "nothing is silenced at run time; `--all` lists what was, the configuration may silence more"
            );
        }
        TextOrJson::Table => output::text(&render::silences::list(&silences, now)),
        TextOrJson::Json => output::line(&render::repairs::json(&silences)?),
    }
    Ok(ExitCode::SUCCESS)
}

/// A name, which is letters and digits; anything else would be another address.
fn segment(name: &str) -> Result<&str, Failure> {
    match !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        true => Ok(name),
        false => Err(Failure::new(
            anyhow::anyhow!("`{name}` is no silence's name; one has eight letters and digits"),
            Some("`evenkeel silence list` shows them; those of the configuration are ended there"),
        )),
    }
}
