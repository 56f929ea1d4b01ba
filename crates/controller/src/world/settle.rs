//! What follows from a change: whom each source speaks about now, and whose look is new.

use evenkeel_core::fingerprint;
use evenkeel_core::identity::HostMatch;
use evenkeel_core::{Coverage, Evidence, Gap, GapKind, SourceId, Subject};
use jiff::Timestamp;

use super::observations::Observation;
use super::{Touched, World};
use crate::queue::Key;

/// Before every answer: what is looked at from here has not grown old.
const NOTHING_IS_STALE: Timestamp = Timestamp::UNIX_EPOCH;

impl World {
    /// Decides anew whom a source speaks about and binds its services. Returns whose slice that may have changed.
    pub(super) fn resettle(&mut self, id: &SourceId) -> Touched {
        let mut touched = Touched::new();
        let Some(observation) = self.observations.get_mut(id) else { return touched };
        let old = observation.subject.clone();
        let found = self.intent.index().resolve(&observation.claim());
        let new = match found {
            HostMatch::Declared(host) => {
                observation.remembered = self.intent.index().reference(&host).or(observation.remembered);
                observation.unmatched = None;
                Subject::Host(host)
            }
            HostMatch::Undeclared(host) => {
                observation.unmatched = None;
                Subject::Host(host)
            }
            HostMatch::Ambiguous(gap) => {
                observation.unmatched = Some(gap);
                Subject::Source(id.clone())
            }
            HostMatch::Unnamed => {
                observation.unmatched = Some(Gap::new(GapKind::Ambiguous, "the source names no host"));
                Subject::Source(id.clone())
            }
        };
        let host = match &new {
            Subject::Host(name) => self.intent.host(name),
            Subject::Source(_) => None,
        };
        observation.bind(host, &self.policy);
        observation.subject = new.clone();
        if old != new {
            self.unlink(&old, id);
            touched.insert(old);
        }
        self.by_subject.entry(new.clone()).or_default().insert(id.clone());
        touched.insert(new);
        touched
    }

    /// After a change of intent: a source is bound anew if its host changed, or if it might now be another host.
    pub(super) fn rebind_all(&mut self, touched: &mut Touched) {
        let concerned =
            |o: &Observation| touched.contains(&o.subject) || !self.intent.is_declared(&o.subject);
        let ids: Vec<SourceId> =
            self.observations.values().filter(|o| concerned(o)).map(|o| o.id.clone()).collect();
        for id in ids {
            touched.extend(self.resettle(&id));
        }
        if touched.iter().any(|subject| subject.host().is_some()) {
            for site in self.sites.values_mut() {
                touched.extend(site.subjects().cloned());
                site.settle(&self.intent, &self.policy);
                touched.extend(site.subjects().cloned());
            }
        }
    }

    pub(super) fn unlink(&mut self, subject: &Subject, id: &SourceId) {
        if let Some(sources) = self.by_subject.get_mut(subject) {
            sources.remove(id);
            if sources.is_empty() {
                self.by_subject.remove(subject);
            }
        }
    }

    /// The subjects whose stamp changed; remembers the new stamps. Once per change: a second call would find nothing
    /// new.
    pub(super) fn restamp(&mut self, mut touched: Touched) -> Vec<Key> {
        self.add_dependents(&mut touched);
        touched.into_iter().filter_map(|subject| self.stamp_again(&subject)).collect()
    }

    fn stamp_again(&mut self, subject: &Subject) -> Option<Key> {
        let new = match subject {
            Subject::Host(host) => {
                let observed = self.observed(subject, NOTHING_IS_STALE);
                let outer = self.beyond(subject, NOTHING_IS_STALE).outer;
                fingerprint::of_host(&self.intent.expected(host), &observed, &outer)
            }
            // Rare and cheap: always worth a pass.
            Subject::Source(_) => return Some(self.stamps.key(subject)),
        };
        self.stamps.observe(subject, new)
    }

    /// How far a source of observation reaches as a whole. One that is blind for its own host is told there.
    pub(super) fn source_state(&self, source: &SourceId, now: Timestamp) -> (Coverage, Evidence) {
        let host = self.observations.get(source);
        let site = self.sites.get(source);
        let is_blind =
            |o: &Observation| !o.identity_coverage().is_complete() || o.is_stale(now, self.stale_after);
        let told_elsewhere = host.filter(|o| o.subject.host().is_some()).filter(|o| is_blind(o));
        match (site, host) {
            (Some(site), _) if site.is_silent(&self.intent) => {
                let gap = Gap::new(GapKind::NotYetObserved, format!("nothing was heard of {source} yet"));
                (Coverage::Partial(gap), site.evidence())
            }
            (Some(site), _) => match (site.coverage_at(now), told_elsewhere) {
                (Coverage::Partial(gap), Some(_)) => {
                    (Coverage::Partial(Gap::new(GapKind::NotYetObserved, &*gap.why)), site.evidence())
                }
                (coverage, _) => (coverage, site.evidence()),
            },
            (None, Some(observation)) => (observation.identity_coverage(), observation.evidence()),
            (None, None) => (Coverage::Complete, Evidence { source: source.clone(), observed_at: now }),
        }
    }
}
