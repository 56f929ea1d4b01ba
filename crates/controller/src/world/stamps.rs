//! Two stamps per subject, side by side in columns: what the world looks like, and what the ledger was last settled
//! against. Equal stamps mean nothing to do, so an unchanged fleet is confirmed by comparing two arrays.

use std::collections::HashMap;

use evenkeel_core::Subject;
use evenkeel_core::fingerprint::Fingerprint;

/// The stamps of every subject. Places are never reused; a subject that is gone keeps its 100 bytes until a restart.
#[derive(Debug, Default)]
pub struct Stamps {
    places: HashMap<Subject, u32>,
    subjects: Vec<Subject>,
    world: Vec<Fingerprint>,
    settled: Vec<Fingerprint>,
}

impl Stamps {
    /// Notes what a subject looks like now. Whether that is news.
    pub fn observe(&mut self, subject: &Subject, stamp: Fingerprint) -> bool {
        let place = self.place(subject);
        std::mem::replace(&mut self.world[place], stamp) != stamp
    }

    /// Notes that the ledger has taken this look into account and waits for nothing.
    pub fn settle(&mut self, subject: &Subject, stamp: Fingerprint) {
        let place = self.place(subject);
        self.settled[place] = stamp;
    }

    /// Notes that the ledger waits for something, whatever the world looks like.
    pub fn unsettle(&mut self, subject: &Subject) {
        self.settle(subject, Fingerprint::default());
    }

    /// The subjects whose ledger does not match what they look like.
    pub fn unsettled(&self) -> impl Iterator<Item = &Subject> {
        let pairs = self.world.iter().zip(&self.settled).enumerate();
        pairs.filter(|(_, (world, settled))| world != settled).map(|(place, _)| &self.subjects[place])
    }

    fn place(&mut self, subject: &Subject) -> usize {
        if let Some(place) = self.places.get(subject) {
            return *place as usize;
        }
        let place = self.subjects.len();
        self.places.insert(subject.clone(), u32::try_from(place).unwrap_or(u32::MAX));
        self.subjects.push(subject.clone());
        self.world.push(Fingerprint::default());
        self.settled.push(Fingerprint::default());
        place
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(name: &str) -> Subject {
        Subject::Host(name.into())
    }

    #[test]
    fn only_what_changed_since_it_was_settled_is_unsettled() {
        let mut stamps = Stamps::default();
        assert!(stamps.observe(&host("a"), Fingerprint(1)));
        assert!(stamps.observe(&host("b"), Fingerprint(2)));
        assert!(!stamps.observe(&host("a"), Fingerprint(1)));
        stamps.settle(&host("a"), Fingerprint(1));
        assert_eq!(stamps.unsettled().collect::<Vec<_>>(), [&host("b")]);
        stamps.settle(&host("b"), Fingerprint(2));
        assert_eq!(stamps.unsettled().count(), 0);
        stamps.observe(&host("a"), Fingerprint(3));
        assert_eq!(stamps.unsettled().collect::<Vec<_>>(), [&host("a")]);
        stamps.settle(&host("a"), Fingerprint(3));
        stamps.unsettle(&host("b"));
        assert_eq!(stamps.unsettled().collect::<Vec<_>>(), [&host("b")]);
    }
}
