//! What became of a seed, for people and for tests.

use std::fmt::Write as _;

/// What became of a seed.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Which.
    pub seed: u64,
    /// What happened, one line each.
    pub timeline: Vec<String>,
    /// Which promise was broken; `None`: none.
    pub broken: Option<String>,
}

impl Outcome {
    /// For people.
    pub fn report(&self) -> String {
        let mut text = self.timeline.join("\n");
        if let Some(broken) = &self.broken {
            // Writing to a text cannot fail.
            let _ = write!(
                text,
                "\n\nseed {}: {broken}\nreplay: cargo run -p evenkeel-simulation -- --seed {}",
                self.seed, self.seed
            );
        }
        text
    }
}
