//! What the receiver heard, held against what it was to hear. What does not live here: what changed.

use std::collections::{BTreeMap, BTreeSet};

use evenkeel_lab::receiver::Arrived;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::CALM;
use super::churn::{Change, Churn};
use super::faults::Faults;
use super::readings::Readings;
use crate::apart::{host_name, service_name};
use crate::{Result, Row, quantile};

/// Host, service, type.
type About = (String, String, String);

/// What was told, each event once.
#[derive(Default)]
pub(super) struct Arrivals {
    told: BTreeMap<About, Vec<(String, Timestamp)>>,
    accepted: BTreeMap<String, usize>,
    /// Since the last look.
    fresh: usize,
}

/// What is wrong with what was told, in words.
#[derive(Default)]
pub(super) struct Verdict {
    pub(super) lost: Vec<String>,
    /// Not told either, and undone before anybody could see it twice.
    pub(super) unseen: usize,
    pub(super) twice: Vec<String>,
    pub(super) wrong: Vec<String>,
}

impl Arrivals {
    /// One request arrived.
    pub(super) fn take(&mut self, arrived: &Arrived) -> Result<()> {
        if !arrived.verified {
            return Err(format!("a request whose signature is wrong: {}", arrived.id).into());
        }
        if !arrived.accepted {
            return Ok(());
        }
        let count = self.accepted.entry(arrived.id.clone()).or_default();
        *count += 1;
        if *count > 1 {
            return Ok(());
        }
        self.fresh += 1;
        let event: Value = serde_json::from_slice(&arrived.body)?;
        let text = |key: &str| event[key].as_str().unwrap_or_default().to_owned();
        let about = (text("hostname"), text("service"), text("event_type"));
        self.told.entry(about).or_default().push((text("transition"), arrived.at));
        Ok(())
    }

    /// How many events arrived since this was asked last.
    pub(super) fn fresh(&mut self) -> usize {
        std::mem::take(&mut self.fresh)
    }

    /// Holds it against what happened.
    pub(super) fn against(&self, churn: &Churn, faults: &Faults, readings: &Readings) -> Verdict {
        let mut verdict = Verdict::default();
        let expected = expected(churn, faults, readings);
        for (about, (must, may)) in &expected {
            let told = self.told.get(about).map(Vec::as_slice).unwrap_or_default();
            let in_turn = ["opened", "resolved"].into_iter().cycle();
            let words = told.iter().map(|(transition, _)| transition.as_str());
            let text = || {
                let words: Vec<&str> = words.clone().collect();
                format!("{about:?} was told as {words:?}, not {must} times opened and resolved")
            };
            match told.len() {
                n if n < 2 * must || n % 2 > 0 => verdict.lost.push(text()),
                n if n > 2 * may || words.clone().ne(in_turn.take(n)) => verdict.wrong.push(text()),
                n => verdict.unseen += may - n / 2,
            }
        }
        let struck: BTreeSet<String> = faults.struck.iter().map(|host| host_name(*host)).collect();
        for (about, told) in &self.told {
            let ends = told.last().is_some_and(|(transition, _)| transition == "resolved");
            let by_fault = struck.contains(&about.0) || about.0.is_empty();
            if !expected.contains_key(about) && (!by_fault || !ends) {
                verdict.wrong.push(format!("{about:?} was told as {told:?}, and nothing had happened"));
            }
        }
        let twice = self.accepted.iter().filter(|(_, count)| **count > 1);
        verdict.twice = twice.map(|(id, count)| format!("{id} was taken {count} times")).collect();
        verdict
    }

    /// How long it took from a change until it was told.
    pub(super) fn lags(&self, churn: &Churn) -> Vec<Row> {
        let mut rows = Vec::new();
        for (name, kind) in
            [("an engine's change", "SERVICE_MISSING"), ("an edit in NetBox", "PORT_MISMATCH")]
        {
            let lags = |in_calm: bool| -> Vec<f64> {
                let wanted = churn.changes.iter().filter(|change| change.in_calm == in_calm);
                wanted.filter_map(|change| self.lag(change, kind)).collect()
            };
            let (calm, trouble) = (lags(true), lags(false));
            for (word, share) in [("p50", 0.5), ("p99", 0.99), ("longest", 1.0)] {
                let figures = (quantile(&calm, share), quantile(&trouble, share));
                let name = format!("from {name} to its event, {word} (beside it: begun during a fault)");
                rows.push(Row::new(name, "s", figures));
            }
        }
        rows
    }

    fn lag(&self, change: &Change, kind: &str) -> Option<f64> {
        let about = about(change).filter(|about| about.2 == kind)?;
        // What is told later is another change of the same.
        let until = change.begun.checked_add(SignedDuration::try_from(CALM).ok()?).ok()?;
        let (_, at) = self.told.get(&about)?.iter().find(|(_, at)| (change.begun..until).contains(at))?;
        Some(at.duration_since(change.begun).as_secs_f64())
    }
}

/// How often each is to be told at least, and at most.
fn expected(churn: &Churn, faults: &Faults, readings: &Readings) -> BTreeMap<About, (usize, usize)> {
    let mut expected: BTreeMap<About, (usize, usize)> = BTreeMap::new();
    for change in &churn.changes {
        if let Some(about) = about(change) {
            let (must, may) = expected.entry(about).or_default();
            *must += usize::from(readings.show(change, faults));
            *may += 1;
        }
    }
    expected
}

fn about(change: &Change) -> Option<About> {
    let kind = change.kind.told()?;
    Some((host_name(change.host), service_name(change.service), kind.to_owned()))
}
