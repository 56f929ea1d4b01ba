//! The simulated surroundings of one seed: its clock, its chance, its network.

use std::sync::{Arc, Mutex, PoisonError};

use evenkeel_ambient::{Sending, Surroundings};
use evenkeel_tests::load::Random;
use jiff::{SignedDuration, Timestamp};
use reqwest::Request;
use tokio::time::Instant;

use crate::network::Network;

/// When every simulation begins, in seconds since 1970.
const BEGIN: i64 = 1_780_000_000;

/// What surrounds the controller.
pub struct Simulated {
    begun: Instant,
    /// How far the wall clock is from where it would be.
    jumped: Mutex<SignedDuration>,
    chance: Mutex<Random>,
    /// What carries requests.
    pub network: Arc<Network>,
}

impl Simulated {
    /// The surroundings of this seed.
    pub fn new(seed: u64, network: Arc<Network>) -> Self {
        Self {
            begun: Instant::now(),
            jumped: Mutex::new(SignedDuration::ZERO),
            chance: Mutex::new(Random::of(seed ^ 0xc4a9_ce00)),
            network,
        }
    }

    /// From now on the wall clock is further by so much.
    pub fn jump(&self, by: SignedDuration) {
        *self.jumped.lock().unwrap_or_else(PoisonError::into_inner) += by;
    }
}

impl Surroundings for Simulated {
    fn now(&self) -> Timestamp {
        self.elsewhere() + *self.jumped.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn elsewhere(&self) -> Timestamp {
        let elapsed = i64::try_from(self.begun.elapsed().as_nanos()).unwrap_or(i64::MAX);
        let begin = Timestamp::from_second(BEGIN).unwrap_or(Timestamp::UNIX_EPOCH);
        begin + SignedDuration::from_nanos(elapsed)
    }

    fn draw(&self) -> u64 {
        self.chance.lock().unwrap_or_else(PoisonError::into_inner).draw()
    }

    fn send(&self, request: Request) -> Sending {
        let network = self.network.clone();
        Box::pin(async move { network.carry(request).await })
    }
}
