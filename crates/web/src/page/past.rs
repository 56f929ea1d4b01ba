//! What happened before, as far as it is kept: when drifts opened and ended, and when evenkeel ran. Read from the store
//! once, and from then on only what is new. Not here: how it is drawn.

use std::collections::HashMap;

use evenkeel_core::heartbeat::{self, Bar, Standing, Turn};
use evenkeel_core::{HostName, Subject, Transition};
use evenkeel_store::{Cursor, JournalFilter, JournalKind, JournalRow, Result, Store, TurnRow};
use jiff::{SignedDuration, Timestamp};
use xxhash_rust::xxh3::xxh3_64;

use super::now::{Now, is_blindness};
use crate::state::AppState;

/// How many turns are held at most: of a fleet that changes more, less far back is known.
const MOST: u32 = 100_000;
/// How far back anything is shown.
const LONGEST: SignedDuration = SignedDuration::from_hours(30 * 24);
/// How often it is looked whether a controller started or stopped: with this one, none does.
const RUNS_COUNT: SignedDuration = SignedDuration::from_secs(60);
/// Rows of the journal at a time, and how often at most.
const JOURNAL: (u32, usize) = (1000, 5);

/// How far back a picture reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    Day,
    Week,
    Month,
}

impl Reach {
    /// Every one.
    pub(super) const ALL: [Self; 3] = [Self::Day, Self::Week, Self::Month];

    /// The word in addresses and keys.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Day => "24h",
            Self::Week => "7d",
            Self::Month => "30d",
        }
    }

    /// Reads the word back.
    pub(super) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reach| reach.as_str() == text)
    }

    /// How many pieces it is cut into: of half an hour, four hours, half a day.
    fn pieces(self) -> usize {
        match self {
            Self::Day => 48,
            Self::Week => 42,
            Self::Month => 60,
        }
    }

    fn from(self, to: Timestamp) -> Timestamp {
        let hours = match self {
            Self::Day => 24,
            Self::Week => 7 * 24,
            Self::Month => 30 * 24,
        };
        to.checked_sub(SignedDuration::from_hours(hours)).unwrap_or(Timestamp::MIN)
    }
}

/// One moment of a trend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sample {
    /// The beginning of the piece of time it stands for.
    pub(super) from: Timestamp,
    /// The most that were open in it, and the most that could not be seen; `None`: not known.
    pub(super) most: Option<(usize, usize)>,
}

/// How many drifts were open over time.
pub(super) struct Trend {
    /// Oldest first.
    pub(super) samples: Vec<Sample>,
}

/// What is known of what happened.
#[derive(Default)]
pub(super) struct Past {
    newest: u64,
    turns: HashMap<Subject, Vec<Turn>>,
    /// The same of all subjects, oldest first.
    all: Vec<Turn>,
    /// Before this, turns are not known.
    horizon: Option<Timestamp>,
    runs: Vec<(Timestamp, Option<Timestamp>)>,
    /// Since when runs are known, and when that was read.
    runs_since: Option<(Timestamp, Timestamp)>,
}

impl Past {
    /// Reads what is new.
    pub(super) async fn read(&mut self, state: &AppState) -> Result<()> {
        let now = state.live.now();
        let since = now.checked_sub(LONGEST).unwrap_or(Timestamp::MIN);
        let store = state.store.as_ref();
        let rows = store.turns(self.newest, since, MOST).await?;
        if rows.len() == MOST as usize || self.all.len() + rows.len() > 2 * MOST as usize {
            // Too much to add: what is held begins anew with the newest.
            let rows = if self.newest == 0 { rows } else { store.turns(0, since, MOST).await? };
            self.turns.clear();
            self.all.clear();
            self.horizon = (rows.len() == MOST as usize).then(|| rows.last().map(|row| row.at)).flatten();
            self.take(&rows);
        } else {
            self.take(&rows);
        }
        if self.runs_since.is_none_or(|(_, read)| now.duration_since(read).abs() >= RUNS_COUNT) {
            let (rows, all) = starts(store, since).await?;
            let first = rows.last().map_or(since, |row| row.at);
            self.runs = runs(&rows, since);
            self.runs_since = Some((if all { since } else { first }, now));
        }
        Ok(())
    }

    fn take(&mut self, rows: &[TurnRow]) {
        for TurnRow { seq, at, subject, handle, event_type, transition } in rows.iter().rev() {
            let begins = match transition {
                Transition::Opened | Transition::Reopened => true,
                Transition::Resolved => false,
                Transition::Changed | Transition::Reminder => continue,
            };
            let turn = Turn { at: *at, drift: number(handle), begins, blind: is_blindness(*event_type) };
            self.turns.entry(subject.clone()).or_default().push(turn);
            self.newest = self.newest.max(*seq);
            self.all.push(turn);
        }
    }

    /// From when on everything is known that is kept: nothing of it is too old or was too much.
    fn floor(&self, state: &AppState) -> Timestamp {
        let now = state.live.now();
        let kept = |age: Option<std::time::Duration>| {
            age.and_then(|age| now.checked_sub(SignedDuration::try_from(age).ok()?).ok())
        };
        let retention = state.live.retention();
        let ages = retention.map(|policy| [kept(policy.events.age), kept(policy.journal.age)]);
        let runs = self.runs_since.map(|(since, _)| since);
        let all = ages.into_iter().flatten().chain([self.horizon, runs]);
        all.flatten().max().unwrap_or(Timestamp::MIN)
    }

    /// When evenkeel ran, from this moment on.
    fn looked(&self, from: Timestamp, to: Timestamp) -> Vec<(Timestamp, Timestamp)> {
        let run = |(began, ended): &(Timestamp, Option<Timestamp>)| ((*began).max(from), ended.unwrap_or(to));
        self.runs.iter().map(run).filter(|(began, ended)| began < ended).collect()
    }

    /// How each host stood, in each of these reaches. With each host: since when it has been judged.
    pub(super) fn of_hosts(
        &self,
        state: &AppState,
        now: &Now,
        hosts: &[(&HostName, Option<Timestamp>)],
        reaches: &[Reach],
    ) -> Vec<Vec<Vec<Bar>>> {
        let mut standing: HashMap<&HostName, Vec<Standing>> =
            hosts.iter().map(|(host, _)| (*host, Vec::new())).collect();
        for entry in now.open() {
            if let Some(open) = entry.id.subject.host().and_then(|host| standing.get_mut(host)) {
                open.push(Standing {
                    drift: number(&entry.id.handle()),
                    since: entry.opened_at,
                    blind: is_blindness(entry.id.event_type),
                });
            }
        }
        let (to, floor) = (state.live.now(), self.floor(state));
        let of = |(host, judged): &(&HostName, Option<Timestamp>)| {
            let turns = self.turns.get(&Subject::Host((*host).clone())).map_or(&[][..], Vec::as_slice);
            let open = standing.get(host).map_or(&[][..], Vec::as_slice);
            // Before it was judged for the first time, nothing was known of it.
            let looked = judged.map(|since| self.looked(floor.max(since), to)).unwrap_or_default();
            let bars =
                |reach: &Reach| heartbeat::bars(turns, open, &looked, reach.from(to), to, reach.pieces());
            reaches.iter().map(bars).collect()
        };
        hosts.iter().map(of).collect()
    }

    /// How many drifts were open, all hosts and sources together: counted back from those that are open now.
    pub(super) fn trend(&self, state: &AppState, now: &Now, reach: Reach) -> Trend {
        let to = state.live.now();
        let (from, floor) = (reach.from(to), self.floor(state));
        let mut turns = self.all.iter().rev().peekable();
        let blind = now.open().filter(|entry| is_blindness(entry.id.event_type)).count();
        let mut open = (now.open().count() - blind, blind);
        let looked = self.looked(floor, to);
        // Whose pieces these are matters not: only when somebody looked.
        let pieces = heartbeat::bars(&[], &[], &looked, from, to, reach.pieces());
        let mut samples: Vec<Sample> = Vec::with_capacity(pieces.len());
        for piece in pieces.iter().rev() {
            let mut most = open;
            while let Some(turn) = turns.next_if(|turn| turn.at >= piece.from) {
                let count = if turn.blind { &mut open.1 } else { &mut open.0 };
                *count = if turn.begins { count.saturating_sub(1) } else { *count + 1 };
                most = (most.0.max(open.0), most.1.max(open.1));
            }
            // With no turns to fill it, what is not unknown was looked at.
            let known = piece.part(heartbeat::Beat::InSync) > 0;
            samples.push(Sample { from: piece.from, most: known.then_some(most) });
        }
        samples.reverse();
        Trend { samples }
    }
}

/// A number for a drift, from its handle.
fn number(handle: &str) -> u64 {
    xxh3_64(handle.as_bytes())
}

/// What the journal says of starts and stops, newest first, and whether that is all of it.
async fn starts(store: &dyn Store, since: Timestamp) -> Result<(Vec<JournalRow>, bool)> {
    let filter =
        JournalFilter { kinds: vec![JournalKind::Action], since: Some(since), ..JournalFilter::default() };
    let (mut rows, mut after): (Vec<JournalRow>, Option<Cursor>) = (Vec::new(), None);
    for _ in 0..JOURNAL.1 {
        let page = store.journal(&filter, after, JOURNAL.0).await?;
        rows.extend(page.rows);
        after = page.next;
        if after.is_none() {
            return Ok((rows, true));
        }
    }
    Ok((rows, false))
}

/// When evenkeel ran since then; `None` for the end: it still does. A run of which no end was noted lasted until its last
/// sign of life, which the next one noted; where it noted none, nobody knows that it lasted at all.
fn runs(newest_first: &[JournalRow], since: Timestamp) -> Vec<(Timestamp, Option<Timestamp>)> {
    let mut runs = Vec::new();
    // What ran before the first row ran since before all of them.
    let mut began = Some(since);
    for row in newest_first.iter().rev() {
        match row.data.get("what").and_then(serde_json::Value::as_str) {
            Some("started") => {
                let sign = row.data.get("last_sign").and_then(serde_json::Value::as_str);
                let sign: Option<Timestamp> = sign.and_then(|text| text.parse().ok());
                if let (Some(from), Some(sign)) = (began, sign) {
                    runs.push((from, Some(sign.min(row.at))));
                }
                began = Some(row.at);
            }
            Some("stopped") => {
                if let Some(from) = began.take() {
                    runs.push((from, Some(row.at)));
                }
            }
            Some(_) | None => {}
        }
    }
    runs.extend(began.map(|from| (from, None)));
    runs
}

#[cfg(test)]
mod tests {
    use evenkeel_store::conformance::sample::{at, journal};
    use serde_json::json;

    use super::*;

    fn row(what: &str, second: i64, sign: Option<i64>) -> JournalRow {
        JournalRow {
            data: json!({ "what": what, "last_sign": sign.map(at) }),
            ..journal(JournalKind::Action, what, second)
        }
    }

    fn spans(rows: &[JournalRow]) -> Vec<(Timestamp, Option<Timestamp>)> {
        let newest_first: Vec<JournalRow> = rows.iter().rev().cloned().collect();
        runs(&newest_first, at(0))
    }

    #[test]
    fn a_run_lasts_from_its_start_to_its_stop_and_the_last_one_until_now() {
        let rows = [row("started", 10, None), row("pruned", 15, None), row("stopped", 20, None)];
        assert_eq!(spans(&rows), [(at(10), Some(at(20)))]);
        let again = [rows.as_slice(), &[row("started", 30, Some(19))]].concat();
        assert_eq!(spans(&again), [(at(10), Some(at(20))), (at(30), None)]);
        assert_eq!(spans(&[row("stopped", 20, None)]), [(at(0), Some(at(20)))]);
        assert_eq!(spans(&[]), [(at(0), None)], "nothing was noted: it has not stopped since");
    }

    #[test]
    fn a_run_that_was_killed_lasted_until_its_last_sign_of_life_and_not_longer() {
        let killed = [row("started", 10, None), row("started", 50, Some(35))];
        assert_eq!(spans(&killed), [(at(10), Some(at(35))), (at(50), None)]);
        let silent = [row("started", 10, None), row("started", 50, None)];
        assert_eq!(spans(&silent), [(at(50), None)]);
    }
}
