//! Which apps there are, and whether these are all.

use evenkeel_core::{Gap, GapKind};
use serde_json::Value;

use crate::truenas::client::{Client, Open};
use crate::truenas::question::Question;
use crate::truenas::refusal::Refused;
use crate::truenas::wire::{self, App, Rows, clipped};

/// The apps that could be read.
pub(in crate::truenas) struct Apps {
    pub(in crate::truenas) rows: Vec<App>,
    /// Why there may be more.
    pub(in crate::truenas) gap: Option<Gap>,
    /// Why those that are down may not be.
    pub(in crate::truenas) held: Option<Gap>,
}

pub(super) async fn find(client: &Client, open: &Open<'_>) -> Result<Apps, Gap> {
    // Networks first: an app that is being removed loses its network before it leaves the list.
    let networks = client.ask(open, Question::DockerNetworks).await;
    let (apps, status) =
        tokio::join!(client.rows(open, Question::Apps), client.ask(open, Question::DockerStatus));
    let apps: Rows<App> = match apps {
        Ok(apps) => apps,
        Err(Refused::NoSuchMethod(_)) => return charts(client, open).await,
        Err(Refused::Failed(gap)) => return Err(gap),
    };
    if apps.rows.is_empty() && apps.gap.is_none() {
        return none(client, open, status).await;
    }
    let (apps, unlisted) = with_networks(client, open, apps, &networks).await?;
    let held = match status.as_ref().map(word) {
        // Nobody has to be allowed to ask this; an app that is listed says that Docker runs.
        Ok(Some("RUNNING")) | Err(_) => None,
        Ok(word) => Some(unsettled(client.place(), word)),
    };
    Ok(Apps { gap: apps.gap.or(unlisted), rows: apps.rows, held })
}

/// Every running app has a network in Docker. One whose app is not listed shows that the list is short: TrueNAS leaves
/// out an app whose metadata it cannot read, without a word.
async fn with_networks(
    client: &Client,
    open: &Open<'_>,
    apps: Rows<App>,
    networks: &Result<Value, Refused>,
) -> Result<(Rows<App>, Option<Gap>), Gap> {
    let Some((_, projects)) = networks.as_ref().ok().and_then(wire::projects) else {
        return Ok((apps, None));
    };
    let missing = |apps: &Rows<App>| {
        projects.iter().find(|project| apps.rows.iter().all(|app| app.name != **project)).cloned()
    };
    if missing(&apps).is_none() {
        return Ok((apps, None));
    }
    // An app that was added in between explains it as well.
    let apps: Rows<App> = client.rows(open, Question::Apps).await.map_err(|refused| refused.gap().clone())?;
    let gap = missing(&apps).map(|name| {
        let why = format!(
            "{}: Docker has a network of app {}, which TrueNAS does not list",
            client.place(),
            clipped(&name)
        );
        Gap::new(GapKind::Truncated, why)
    });
    Ok((apps, gap))
}

/// An empty list: there is no app, or Docker does not run. Docker's own networks, which it always has, tell the two
/// apart, if they are there before the list and after it.
async fn none(client: &Client, open: &Open<'_>, status: Result<Value, Refused>) -> Result<Apps, Gap> {
    let nothing = |rows| Apps { rows, gap: None, held: None };
    match word(&status.map_err(|refused| refused.gap().clone())?) {
        Some("UNCONFIGURED") => return Ok(nothing(Vec::new())),
        Some("RUNNING") => {}
        word => return Err(unsettled(client.place(), word)),
    }
    docker_runs(client, open).await?;
    let again: Rows<App> =
        client.rows(open, Question::Apps).await.map_err(|refused| refused.gap().clone())?;
    docker_runs(client, open).await?;
    Ok(Apps { gap: again.gap.clone(), ..nothing(again.rows) })
}

async fn docker_runs(client: &Client, open: &Open<'_>) -> Result<(), Gap> {
    let networks =
        client.ask(open, Question::DockerNetworks).await.map_err(|refused| refused.gap().clone())?;
    let (count, projects) = wire::projects(&networks).unwrap_or_default();
    let why = match (count, projects.first()) {
        (1.., None) => return Ok(()),
        (0, _) => "TrueNAS lists no app, but Docker seems not to run".to_owned(),
        (_, Some(app)) => format!("TrueNAS lists no app, but Docker has a network of {}", clipped(app)),
    };
    Err(Gap::new(GapKind::Truncated, format!("{}: {why}", client.place())))
}

fn word(status: &Value) -> Option<&str> {
    status.get("status").and_then(Value::as_str)
}

fn unsettled(place: &str, word: Option<&str>) -> Gap {
    let word = word.map_or_else(|| "unknown".to_owned(), |word| clipped(word).to_lowercase());
    Gap::new(GapKind::NotYetObserved, format!("{place}: the apps service does not run: its state is {word}"))
}

/// 24.04. Its list is empty as well while Kubernetes does not run, and nothing that may be asked proves that it does:
/// only apps without a pool are known to be none.
async fn charts(client: &Client, open: &Open<'_>) -> Result<Apps, Gap> {
    let charts: Rows<App> = match client.rows(open, Question::Charts).await {
        Ok(charts) => charts,
        Err(refused) => return Err(refused.gap().clone()),
    };
    if !charts.rows.is_empty() || charts.gap.is_some() {
        return Ok(Apps { rows: charts.rows, gap: charts.gap, held: None });
    }
    let config = client.ask(open, Question::Kubernetes).await.map_err(|refused| refused.gap().clone())?;
    match config.get("pool") {
        Some(Value::Null) => Ok(Apps { rows: Vec::new(), gap: None, held: None }),
        Some(_) | None => {
            let why =
                format!("{}: TrueNAS lists no app, and does not say whether Kubernetes runs", client.place());
            Err(Gap::new(GapKind::Truncated, why))
        }
    }
}
