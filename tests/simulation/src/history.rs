//! What was true when, and who could not be seen well: asked for a stretch of time, because whoever looks sees what was.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::truth::Truth;

/// How long what is hidden may need, once it is shown again, to be looked at: an open circuit, and an interval.
const RETURN: Duration = Duration::from_secs(270);

/// What was so from some moment on.
#[derive(Clone, Debug)]
struct Since {
    at: Duration,
    truth: Truth,
    drifts: BTreeSet<String>,
    /// Who could not be seen well then.
    hidden: BTreeSet<String>,
}

/// What was true since the beginning.
#[derive(Clone, Debug, Default)]
pub struct History(Vec<Since>);

impl History {
    /// From now on this is true.
    pub fn note(&mut self, at: Duration, truth: &Truth, hidden: &BTreeSet<String>) {
        if self.0.last().is_some_and(|last| last.truth == *truth && last.hidden == *hidden) {
            return;
        }
        self.0.push(Since { at, drifts: truth.drifts(), truth: truth.clone(), hidden: hidden.clone() });
    }

    /// Whether a drift was true at some moment of the stretch; what is declared may be known from before, as long as
    /// NetBox could not be read since.
    pub fn was(&self, drift: &str, from: Duration, to: Duration) -> bool {
        self.judged(from, to, |drifts| drifts.contains(drift))
    }

    /// Whether a drift was true at some moment of the stretch, with what was declared at that moment.
    pub fn was_literally(&self, drift: &str, from: Duration, to: Duration) -> bool {
        self.within(from, to).any(|since| since.drifts.contains(drift))
    }

    /// Whether a drift was not true at some moment of the stretch, in the same sense.
    pub fn was_not(&self, drift: &str, from: Duration, to: Duration) -> bool {
        self.judged(from, to, |drifts| !drifts.contains(drift))
    }

    fn judged(&self, from: Duration, to: Duration, holds: impl Fn(&BTreeSet<String>) -> bool) -> bool {
        if self.within(from, to).any(|since| holds(&since.drifts)) {
            return true;
        }
        let known_from = self.last_seen("netbox", from);
        self.within(known_from, to).any(|intent| {
            self.within(from, to).any(|real| holds(&real.truth.declared_as(&intent.truth).drifts()))
        })
    }

    /// Whether somebody could not be seen well at some moment of the stretch.
    pub fn was_hidden(&self, who: impl Fn(&str) -> bool, from: Duration, to: Duration) -> bool {
        self.within(from, to).any(|since| since.hidden.iter().any(|hidden| who(hidden)))
    }

    /// How often a drift became true.
    pub fn onsets(&self, drift: &str) -> usize {
        let truths = || self.0.iter().map(|since| since.drifts.contains(drift));
        let before = std::iter::once(false).chain(truths());
        before.zip(truths()).filter(|(before, now)| *now && !before).count()
    }

    /// From when on what is known of somebody at this moment may be.
    fn last_seen(&self, who: &str, mut from: Duration) -> Duration {
        for since in self.0.iter().rev().filter(|since| since.hidden.contains(who)) {
            let ended = self.0.iter().find(|next| next.at > since.at).map_or(Duration::MAX, |next| next.at);
            if since.at <= from && ended.saturating_add(RETURN) >= from {
                from = since.at.saturating_sub(RETURN);
            }
        }
        from
    }

    fn within(&self, from: Duration, to: Duration) -> impl Iterator<Item = &Since> {
        let ends = self.0.iter().skip(1).map(|next| next.at).chain([Duration::MAX]);
        self.0
            .iter()
            .zip(ends)
            .filter(move |(since, end)| since.at <= to && *end >= from)
            .map(|(since, _)| since)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::truth::{Container, Life, Machine};

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    /// One machine on which `web` is declared, and runs.
    fn world(declared: bool, runs: bool) -> Truth {
        let mut machine = Machine { vmid: 100, on: true, called: "vm".to_owned(), ..Machine::default() };
        if declared {
            machine.declared.insert("web".to_owned(), (80, Life::Active));
        }
        machine.boxes.insert("web".to_owned(), Container { port: 80, runs });
        Truth { machines: [("vm".to_owned(), machine)].into(), strangers: BTreeSet::new() }
    }

    #[test]
    fn a_stretch_sees_what_was_so_in_any_part_of_it() {
        let mut history = History::default();
        let missing = "SERVICE_MISSING web@vm";
        history.note(at(0), &world(true, true), &BTreeSet::new());
        history.note(at(10), &world(true, false), &["vm".to_owned()].into());
        history.note(at(20), &world(true, true), &BTreeSet::new());
        history.note(at(30), &world(true, false), &BTreeSet::new());
        assert!(!history.was(missing, at(0), at(9)));
        assert!(history.was(missing, at(0), at(10)) && history.was(missing, at(15), at(25)));
        assert!(!history.was(missing, at(21), at(29)) && history.was(missing, at(31), at(90)));
        assert!(!history.was_not(missing, at(11), at(19)) && history.was_not(missing, at(11), at(20)));
        assert!(history.was_hidden(|who| who == "vm", at(12), at(13)));
        assert!(!history.was_hidden(|who| who == "vm", at(21), at(90)));
        assert_eq!(history.onsets(missing), 2);
    }

    #[test]
    fn while_netbox_cannot_be_read_what_it_declared_before_counts() {
        let mut history = History::default();
        let missing = "SERVICE_MISSING web@vm";
        history.note(at(0), &world(true, true), &BTreeSet::new());
        history.note(at(1000), &world(true, true), &["netbox".to_owned()].into());
        history.note(at(1010), &world(false, true), &["netbox".to_owned()].into());
        history.note(at(1400), &world(false, false), &["netbox".to_owned()].into());
        assert!(history.was(missing, at(1390), at(1410)), "netbox said so before it was hidden");
        history.note(at(1500), &world(false, false), &BTreeSet::new());
        assert!(!history.was(missing, at(2000), at(2100)), "it could be read for long enough");
    }
}
