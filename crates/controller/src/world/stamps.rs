//! Two stamps per subject, side by side in columns: what the world looks like, and what the ledger was last settled
//! against. Equal stamps mean nothing to do, so an unchanged fleet is confirmed by comparing two arrays. The place in
//! the columns is the subject's number, by which it waits on the queue as well.

use std::collections::HashMap;

use evenkeel_core::Subject;
use evenkeel_core::fingerprint::Fingerprint;

use crate::queue::Key;

/// The stamps of every subject, and its number. Numbers are handed out when a subject is first heard of and never
/// reused: whoever still holds one must not mean another subject by it. A subject that is gone keeps its 100 bytes
/// here, and 18 on the queue, until a restart.
#[derive(Debug, Default)]
pub struct Stamps {
    keys: HashMap<Subject, Key>,
    subjects: Vec<Subject>,
    world: Vec<Fingerprint>,
    settled: Vec<Fingerprint>,
}

impl Stamps {
    /// Notes what a subject looks like now. Its number, if that is news.
    pub fn observe(&mut self, subject: &Subject, stamp: Fingerprint) -> Option<Key> {
        let key = self.key(subject);
        let before = std::mem::replace(&mut self.world[key.index()], stamp);
        (before != stamp).then_some(key)
    }

    /// Notes that the ledger has taken this look into account and waits for nothing.
    pub fn settle(&mut self, subject: &Subject, stamp: Fingerprint) {
        let key = self.key(subject);
        self.settled[key.index()] = stamp;
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

    /// The subject's number; a new one for a subject never heard of.
    pub fn key(&mut self, subject: &Subject) -> Key {
        if let Some(key) = self.keys.get(subject) {
            return *key;
        }
        // Four billion subjects would take 500 GB.
        let key = Key::new(u32::try_from(self.subjects.len()).unwrap_or(u32::MAX));
        self.keys.insert(subject.clone(), key);
        self.subjects.push(subject.clone());
        self.world.push(Fingerprint::default());
        self.settled.push(Fingerprint::default());
        key
    }

    /// Whose number this is.
    pub fn subject(&self, key: Key) -> &Subject {
        &self.subjects[key.index()]
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
        assert_eq!(stamps.observe(&host("a"), Fingerprint(1)), Some(Key::new(0)));
        assert_eq!(stamps.observe(&host("b"), Fingerprint(2)), Some(Key::new(1)));
        assert_eq!(stamps.observe(&host("a"), Fingerprint(1)), None);
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

    #[test]
    fn a_subject_keeps_its_number_and_shares_it_with_no_other() {
        let mut stamps = Stamps::default();
        let (a, b) = (stamps.key(&host("a")), stamps.key(&host("b")));
        assert_ne!(a, b);
        assert_eq!(stamps.key(&host("a")), a);
        assert_eq!((stamps.subject(a), stamps.subject(b)), (&host("a"), &host("b")));
    }
}
