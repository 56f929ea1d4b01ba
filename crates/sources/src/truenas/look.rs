//! One observation: the order of questions, and how far the answers reach. What does not live here: how a question
//! travels (`client`) and what an answer means (`decode`, `machines`).
//!
//! Two methods answer with an empty list when what they ask in turn does not run: `app.query` without Docker, and
//! `virt.instance.query` without Incus. An empty list counts only between two proofs that it runs.

mod apps;
mod guests;

use std::sync::Arc;

use evenkeel_core::model::{HostFacts, HostSnapshot, Survey};
use evenkeel_core::{Coverage, Fact, Gap, GapKind};
use jiff::Timestamp;
use serde_json::Value;

pub(super) use self::apps::Apps;
pub(super) use self::guests::{Found, survey};
use super::client::{Client, Open};
use super::config::Config;
use super::question::{Guests, Question};
use super::refusal::Refused;
use super::wire::{self, Info};
use super::{decode, machines};

/// What one TrueNAS said in one go.
pub(super) struct Look {
    pub(super) survey: Survey,
    pub(super) host: HostSnapshot,
}

impl Look {
    /// Whether everything was answered.
    pub(super) fn is_whole(&self) -> bool {
        self.survey.coverage.is_complete() && self.host.coverage.is_complete()
    }

    /// Whether one part was answered in full and the other met with silence.
    pub(super) fn is_half_silent(&self) -> bool {
        let silent = |coverage: &Coverage| {
            coverage.gap().is_some_and(|gap| matches!(gap.kind, GapKind::Unreachable | GapKind::TimedOut))
        };
        let (survey, host) = (&self.survey.coverage, &self.host.coverage);
        (survey.is_complete() && silent(host)) || (host.is_complete() && silent(survey))
    }
}

/// Asks everything. `known_as` is the name it gave itself before.
pub(super) async fn look(
    client: &Client,
    config: &Config,
    started: Timestamp,
    known_as: Option<Arc<str>>,
) -> Look {
    match client.open().await {
        Ok(open) => asked(client, &open, config, started, known_as).await,
        Err(gap) => blind(config, started, gap),
    }
}

fn blind(config: &Config, started: Timestamp, gap: Gap) -> Look {
    let now = evenkeel_ambient::now();
    Look {
        survey: Survey::blind(config.id.clone(), started, now, gap.clone()),
        host: HostSnapshot::blind(config.id.clone(), started, now, gap),
    }
}

async fn asked(
    client: &Client,
    open: &Open<'_>,
    config: &Config,
    started: Timestamp,
    known_as: Option<Arc<str>>,
) -> Look {
    let [vms, instances, containers] = Guests::ALL.map(|kind| guests::find(client, open, kind));
    let (info, state, apps, vms, instances, containers, pools, alerts) = tokio::join!(
        client.ask(open, Question::Info),
        client.ask(open, Question::State),
        apps::find(client, open),
        vms,
        instances,
        containers,
        client.rows(open, Question::Pools),
        client.ask(open, Question::Alerts),
    );
    if let Some(gap) = Client::lost(open) {
        return blind(config, started, gap);
    }
    let found = [vms, instances, containers];
    // Nobody answered anything: it may be off.
    if let (Err(gap), Err(_), true) =
        (&info, &apps, found.iter().all(|found| matches!(found, Found::Unknown(_))))
    {
        return blind(config, started, gap.gap().clone());
    }
    let info = info.map(|answer| Info::read(&answer)).map_err(|refused| refused.gap().clone());
    let pools = pools.map_err(|refused| refused.gap().clone());
    let alerts = alerts.map_err(|refused| refused.gap().clone()).and_then(|answer| wire::alerts(&answer));
    let passing = passing(client.place(), &state);
    let name = match &info {
        Ok(info) => machines::hostname(info),
        Err(gap) => Fact::Unknown(gap.clone()),
    };
    let node = match &name {
        Fact::Known(name) => Some(Arc::clone(name)),
        Fact::Unknown(_) => known_as,
    };
    let (machines, coverage) = survey(client.place(), &found, node.as_ref(), passing.as_ref());
    let (apps, host_coverage) = hosted(apps, passing);
    let facts = HostFacts {
        name: Some(name),
        machine: Some(Box::new(machines::system(&info, &pools, &alerts))),
        ..HostFacts::default()
    };
    let now = evenkeel_ambient::now();
    Look {
        survey: Survey { source: config.id.clone(), started, observed_at: now, coverage, machines },
        host: HostSnapshot {
            source: config.id.clone(),
            started,
            observed_at: now,
            coverage: host_coverage,
            facts,
            services: apps,
        },
    }
}

/// The services, and how far they reach. While the system or its apps service starts or ends, what is down proves
/// nothing.
pub(super) fn hosted(
    apps: Result<Apps, Gap>,
    passing: Option<Gap>,
) -> (Vec<evenkeel_core::model::ObservedService>, Coverage) {
    match apps {
        Ok(Apps { rows, gap, held }) => {
            let held = passing.or(held);
            let services = decode::services(&rows, held.as_ref());
            let coverage = match gap.or(held) {
                None => Coverage::Complete,
                Some(gap) => Coverage::Partial(gap),
            };
            (services, coverage)
        }
        Err(gap) => (Vec::new(), Coverage::Partial(gap)),
    }
}

/// Whether the system is on its way up or down. A key that may not ask this is none the wiser.
fn passing(place: &str, state: &Result<Value, Refused>) -> Option<Gap> {
    let word = state.as_ref().ok()?.as_str()?;
    let why = match word {
        "BOOTING" => "the system is booting",
        "SHUTTING_DOWN" => "the system is shutting down",
        _ => return None,
    };
    Some(Gap::new(GapKind::NotYetObserved, format!("{place}: {why}")))
}
