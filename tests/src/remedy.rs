//! The one remedy most tests need: what is missing is started again. What does not live here: who does it.

use std::collections::BTreeMap;
use std::sync::Arc;

use evenkeel::repair::Remedies;
use evenkeel_core::EventType;
use evenkeel_core::policy::Matcher;
use evenkeel_core::remediation::{Action, Mode, Param, Policy, Rule};
use evenkeel_sinks::action::ActionSink;
use evenkeel_sinks::webhook;

/// The action `restart` for every missing service, asked for as `settings` say, answered at `callback`.
///
/// # Errors
/// When the settings or the address are wrong.
pub fn restart(
    mode: Mode,
    settings: webhook::Settings,
    callback: &str,
) -> Result<Remedies, Box<dyn std::error::Error>> {
    let name: Arc<str> = Arc::from("restart");
    let action = Action { params: vec![Param::Host, Param::Container], ..Action::new("restart") };
    let rule = Rule {
        name: Arc::from("missing"),
        matcher: Matcher { types: vec![EventType::ServiceMissing], ..Matcher::default() },
        severities: Vec::new(),
        min_age: jiff::SignedDuration::ZERO,
        action: Some(name.clone()),
        mode,
    };
    let settings = webhook::Config::new(settings).map_err(|mistakes| format!("{mistakes:?}"))?;
    Ok(Remedies {
        policy: Policy {
            enabled: true,
            rules: vec![rule],
            actions: BTreeMap::from([(name.clone(), action)]),
            ..Policy::default()
        },
        receivers: BTreeMap::from([(name, Arc::new(ActionSink::new(settings)?))]),
        callback: Some(callback.parse()?),
        ..Remedies::default()
    })
}
