//! Chance: jitter, ids, tokens. The system's own randomness, through the thread's generator.

use rand::distr::{Distribution, StandardUniform};
use rand::rngs::ThreadRng;
use rand::{Rng as _, RngCore};

use crate::simulated;

/// Where chance comes from on this thread.
#[derive(Clone, Debug)]
pub enum Chance {
    /// The system.
    Thread(ThreadRng),
    /// The seed of a simulation.
    Simulated,
}

/// A source of chance.
pub fn rng() -> Chance {
    match simulated::place() {
        Some(_) => Chance::Simulated,
        None => Chance::Thread(rand::rng()),
    }
}

/// Any value.
pub fn random<T>() -> T
where
    StandardUniform: Distribution<T>,
{
    rng().random()
}

impl RngCore for Chance {
    fn next_u32(&mut self) -> u32 {
        match self {
            Self::Thread(rng) => rng.next_u32(),
            // The upper half: the better one of most generators.
            Self::Simulated => (drawn() >> 32) as u32,
        }
    }

    fn next_u64(&mut self) -> u64 {
        match self {
            Self::Thread(rng) => rng.next_u64(),
            Self::Simulated => drawn(),
        }
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        match self {
            Self::Thread(rng) => rng.fill_bytes(bytes),
            Self::Simulated => {
                for chunk in bytes.chunks_mut(8) {
                    chunk.copy_from_slice(&drawn().to_le_bytes()[..chunk.len()]);
                }
            }
        }
    }
}

/// The next number of the simulation; the thread's own where the simulation ended in between.
fn drawn() -> u64 {
    simulated::place().map_or_else(rand::random, |place| place.draw())
}
