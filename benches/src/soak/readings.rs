//! When NetBox was read, as NetBox itself saw it: an edit that was undone before anybody looked twice is nobody's to tell.

use jiff::{SignedDuration, Timestamp};

use super::churn::{Change, Kind};
use super::faults::Faults;

/// Apart by more than looks that count as one (`schedule.recheck` of the soak, and a step of it).
const APART: SignedDuration = SignedDuration::from_millis(1250);
/// How long one reading may take, page by page.
const TAKES: SignedDuration = SignedDuration::from_secs(1);

/// Every step in which NetBox was asked, and answered.
#[derive(Default)]
pub(super) struct Readings(Vec<Timestamp>);

impl Readings {
    /// So many questions came since this was called last; `answers` says whether NetBox is well.
    pub(super) fn step(&mut self, questions: usize, answers: bool) {
        if questions > 0 && answers {
            self.0.push(Timestamp::now());
        }
    }

    /// Whether whoever reads NetBox had to notice. What happens at an engine has its own event and is always noticed, and an edit
    /// stands for longer than NetBox is left unread, unless it failed.
    pub(super) fn show(&self, change: &Change, faults: &Faults) -> bool {
        let ended = change.ended.unwrap_or(Timestamp::MAX);
        if change.kind != Kind::Edited || !faults.hid_netbox(change.begun, ended) {
            return true;
        }
        let whole =
            |at: &&Timestamp| at.duration_since(change.begun) > TAKES && ended.duration_since(**at) > TAKES;
        let mut seen = self.0.iter().filter(whole);
        match (seen.next(), seen.next_back()) {
            (Some(first), Some(last)) => last.duration_since(*first) >= APART,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    fn change(kind: Kind) -> Change {
        let begun = Timestamp::UNIX_EPOCH;
        let ended = Some(begun + SignedDuration::from_secs(20));
        Change { host: 0, service: 0, kind, begun, ended, in_calm: true, due: Instant::now() }
    }

    fn read_at(seconds: &[f64]) -> Readings {
        Readings(seconds.iter().copied().map(second).collect())
    }

    fn second(n: f64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_secs_f64(n)
    }

    #[test]
    fn an_edit_is_to_be_told_unless_netbox_failed_and_was_not_read_twice_beside_it() {
        let edit = change(Kind::Edited);
        let failed = Faults::of_netbox(second(-50.0), second(-12.0));
        assert!(read_at(&[3.0, 5.0]).show(&edit, &failed));
        assert!(!read_at(&[3.0, 4.0]).show(&edit, &failed), "two looks that count as one");
        assert!(!read_at(&[0.5, 3.0, 21.0]).show(&edit, &failed), "once, wholly");
        assert!(!read_at(&[3.0, 19.5]).show(&edit, &failed), "the second may have ended after it");
        assert!(read_at(&[]).show(&change(Kind::Ends), &failed));
        assert!(read_at(&[]).show(&edit, &Faults::default()), "nobody read it, though it could be read");
        assert!(read_at(&[]).show(&edit, &Faults::of_netbox(second(-90.0), second(-40.0))), "long ago");
    }
}
