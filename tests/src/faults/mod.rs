//! What tests of faults share: a world that keeps changing, a receiver that acts once per id, the questions asked after
//! every fault, and how long it took until their answers were right.
//!
//! What does not live here: the faults themselves (`tests/faults`), systems to break (`xtask::real`).

mod inbox;
mod oracle;
mod world;

use std::time::Duration;

use xtask::say::say;

pub use inbox::Inbox;
pub use oracle::{Books, Oracle};
pub use world::{HOSTS, World};

/// How many rounds: what `EVENKEEL_TEST_ROUNDS` says, or as few as show that the way is right.
pub fn rounds(few: u32) -> u32 {
    let given = std::env::var("EVENKEEL_TEST_ROUNDS").ok().filter(|rounds| !rounds.is_empty());
    given.map_or(few, |rounds| rounds.parse().expect("EVENKEEL_TEST_ROUNDS is a number"))
}

/// How long it took after each fault until everything was as if there had been none.
#[derive(Debug)]
pub struct Figures {
    fault: String,
    times: Vec<Duration>,
}

impl Figures {
    /// For this fault.
    pub fn of(fault: impl Into<String>) -> Self {
        Self { fault: fault.into(), times: Vec::new() }
    }

    /// One more round.
    pub fn add(&mut self, time: Duration) {
        self.times.push(time);
    }

    /// Says the figures. Past `print!`, which is not shown for tests that pass.
    pub fn tell(mut self) {
        self.times.sort_unstable();
        let (Some(least), Some(most)) = (self.times.first(), self.times.last()) else { return };
        let median = self.times[self.times.len() / 2];
        say(format!(
            "{}: {} rounds, recovered after {} / {} / {} ms (least, median, most)",
            self.fault,
            self.times.len(),
            least.as_millis(),
            median.as_millis(),
            most.as_millis()
        ));
    }
}
