//! Which machines there are, of each kind, and whether these are all.

use std::sync::Arc;

use evenkeel_core::model::ObservedMachine;
use evenkeel_core::{Coverage, Gap, GapKind};

use crate::truenas::client::{Client, Open};
use crate::truenas::machines;
use crate::truenas::question::{Guests, Question};
use crate::truenas::refusal::Refused;
use crate::truenas::wire::{self, Guest, Rows, clipped};

/// What one kind came to.
pub(in crate::truenas) enum Found {
    /// This version has no such machines.
    NoSuchKind,
    /// These.
    These(Guests, Rows<Guest>),
    /// It could not be read.
    Unknown(Gap),
}

pub(super) async fn find(client: &Client, open: &Open<'_>, kind: Guests) -> Found {
    match ask(client, open, kind).await {
        Ok(rows) => Found::These(kind, rows),
        Err(Refused::NoSuchMethod(_)) => Found::NoSuchKind,
        Err(Refused::Failed(gap)) => Found::Unknown(gap),
    }
}

async fn ask(client: &Client, open: &Open<'_>, kind: Guests) -> Result<Rows<Guest>, Refused> {
    let mut rows: Rows<Guest> = client.rows(open, Question::Guests(kind)).await?;
    if rows.rows.is_empty() && rows.gap.is_none() && kind == Guests::Instances {
        if !incus_runs(client, open).await? {
            return Ok(rows);
        }
        rows = client.rows(open, Question::Guests(kind)).await?;
        if !incus_runs(client, open).await? {
            let why = format!("{}: Incus stops or starts right now", client.place());
            return Err(Refused::Failed(Gap::new(GapKind::NotYetObserved, why)));
        }
    }
    if let Some(gap) = short(client, open, kind, &rows).await? {
        // A machine that was made or deleted in between explains it as well.
        rows = client.rows(open, Question::Guests(kind)).await?;
        if short(client, open, kind, &rows).await?.is_some() {
            rows.gap = rows.gap.or(Some(gap));
        }
    }
    Ok(rows)
}

/// The list against the server's own count.
async fn short(
    client: &Client,
    open: &Open<'_>,
    kind: Guests,
    rows: &Rows<Guest>,
) -> Result<Option<Gap>, Refused> {
    let answer = client.ask(open, Question::Count(kind)).await?;
    let method = Question::Guests(kind).method();
    let Some(counted) = answer.as_u64() else {
        // A server that does not count is no witness; but then an empty list has none.
        let why = format!("{}: {method}: TrueNAS lists no machine and does not count them", client.place());
        return Ok(rows.rows.is_empty().then(|| Gap::new(GapKind::Malformed, why)));
    };
    let listed = u64::try_from(rows.rows.len()).unwrap_or(u64::MAX);
    Ok((listed < counted).then(|| {
        let why =
            format!("{}: {method}: TrueNAS counts {counted} machines but lists {listed}", client.place());
        Gap::new(GapKind::Truncated, why)
    }))
}

/// Whether Incus is set up: `false` where it has no pool, so that there is nothing it could run.
async fn incus_runs(client: &Client, open: &Open<'_>) -> Result<bool, Refused> {
    let config = client.ask(open, Question::VirtGlobal).await?;
    match wire::text(&config, "state").as_deref() {
        Some("INITIALIZED") => Ok(true),
        Some("NO_POOL") => Ok(false),
        word => {
            let word = word.map_or_else(|| "unknown".to_owned(), |word| clipped(word).to_lowercase());
            let why = format!("{}: Incus does not run: its state is {word}", client.place());
            Err(Refused::Failed(Gap::new(GapKind::NotYetObserved, why)))
        }
    }
}

/// The machines of all kinds, and whether these are all. `passing` says why one that is down may not be.
pub(in crate::truenas) fn survey(
    place: &str,
    found: &[Found],
    node: Option<&Arc<str>>,
    passing: Option<&Gap>,
) -> (Vec<ObservedMachine>, Coverage) {
    let mut machines = Vec::new();
    let mut gap = None;
    let mut asked = false;
    for found in found {
        match found {
            Found::NoSuchKind => {}
            Found::These(kind, rows) => {
                asked = true;
                machines.extend(rows.rows.iter().map(|guest| machines::machine(*kind, guest, node, passing)));
                gap = gap.or_else(|| rows.gap.clone());
            }
            Found::Unknown(why) => {
                asked = true;
                gap = gap.or_else(|| Some(why.clone()));
            }
        }
    }
    let nobody =
        || Gap::new(GapKind::Uncovered, format!("{place}: this version has no method to list machines"));
    let gap = gap.or_else(|| passing.cloned()).or_else(|| (!asked).then(nobody));
    machines.sort_by(|a, b| a.key.cmp(&b.key));
    (machines, gap.map_or(Coverage::Complete, Coverage::Partial))
}
