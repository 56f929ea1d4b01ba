//! Who repairs the simulated homelab: an n8n with one workflow, which starts containers, and the rule that asks for it.
//! Nothing runs before a person approves it.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use evenkeel_core::policy::Matcher;
use evenkeel_core::remediation::{Action, Guards, Mode, Param, Policy, Rule};
use evenkeel_core::{EventType, Secret};
use evenkeel_lab::homelab::Homelab;
use evenkeel_lab::n8n::{N8n, Workflow};
use evenkeel_sinks::action::ActionSink;
use evenkeel_sinks::webhook;
use jiff::SignedDuration;
use serde_json::Value;

use super::lab::{HINT, SIGNING_SECRET};
use crate::cli::failure::{Failure, OrFail};
use crate::repair::Remedies;

/// The one action there is.
const ACTION: &str = "start container";
/// The end of its address.
const PATH: &str = "start";

/// An n8n with the workflow.
pub(super) async fn open(homelab: Arc<Homelab>) -> io::Result<N8n> {
    let n8n = N8n::start().await?;
    let start = Workflow::new(PATH, move |request: Value| {
        let homelab = homelab.clone();
        async move { start(&homelab, &request["proposal"]["params"]) }
    });
    // Long enough to see that it runs.
    n8n.register(start.signed(SIGNING_SECRET)?.after(Duration::from_secs(1)));
    Ok(n8n)
}

fn start(homelab: &Homelab, params: &Value) -> Result<String, String> {
    let word = |key: &str| params[key].as_str().ok_or_else(|| format!("no {key} is named"));
    let (host, container) = (word("host")?, word("container")?);
    let engine = homelab.engine(host).ok_or_else(|| format!("there is no engine on {host}"))?;
    engine.start_container(container).map_err(|error| error.to_string())?;
    Ok(format!("{container} is started"))
}

/// What may be asked of it, and when.
pub(super) fn remedies(n8n: &N8n, api: SocketAddr) -> Result<Remedies, Failure> {
    let action = Action {
        params: vec![Param::Host, Param::Container],
        answer_within: SignedDuration::from_secs(30),
        verify_within: SignedDuration::from_secs(10),
        ..Action::new(ACTION)
    };
    let rule = Rule {
        name: "start what ended".into(),
        matcher: Matcher { types: vec![EventType::ServiceMissing], ..Matcher::default() },
        severities: Vec::new(),
        min_age: SignedDuration::ZERO,
        action: Some(ACTION.into()),
        mode: Mode::Approve,
    };
    let settings = webhook::Settings {
        secrets: vec![Secret::new(SIGNING_SECRET)],
        ..webhook::Settings::new(ACTION, n8n.url(PATH))
    };
    let config = webhook::Config::new(settings)
        .map_err(|problems| anyhow::anyhow!("the demo's workflow is refused: {problems:?}"))?;
    let receiver = Arc::new(ActionSink::new(config).or_fail(HINT)?);
    Ok(Remedies {
        policy: Policy {
            enabled: true,
            rules: vec![rule],
            actions: [(action.name.clone(), action)].into(),
            guards: Guards { cooldown: SignedDuration::from_secs(5), ..Guards::default() },
        },
        receivers: [(ACTION.into(), receiver)].into(),
        callback: Some(format!("http://{api}").parse().or_fail(HINT)?),
        ..Remedies::default()
    })
}
