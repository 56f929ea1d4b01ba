//! How long a key that failed waits before it is tried again (B1). Pure: the random bits are an argument.

use std::time::Duration;

/// Exponential back-off: the n-th failure in a row waits between `base · 2^(n-1)` and `base · 2^n`, never longer
/// than the cap, never shorter than the base.
///
/// Half of each step is fixed and half is random: full jitter would allow a retry at once, which is no back-off,
/// and none would let a hundred hosts behind one dead hypervisor come back in the same instant for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    base: Duration,
    cap: Duration,
}

impl Backoff {
    /// Back-off between `base` and `cap`. A cap below the base counts as the base; a base of zero as a millisecond.
    pub fn new(base: Duration, cap: Duration) -> Self {
        let base = base.max(Duration::from_millis(1));
        Self { base, cap: cap.max(base) }
    }

    /// The shortest delay.
    pub fn base(&self) -> Duration {
        self.base
    }

    /// The longest delay.
    pub fn cap(&self) -> Duration {
        self.cap
    }

    /// The delay after this many failures in a row (1 = the first), with 64 random bits.
    pub fn delay(&self, failures: u32, random: u64) -> Duration {
        let (base, cap) = (nanos(self.base), nanos(self.cap));
        let ceiling = 1u128
            .checked_shl(failures)
            .and_then(|factor| factor.checked_mul(u128::from(base)))
            .map_or(cap, |ceiling| u64::try_from(ceiling).unwrap_or(u64::MAX).min(cap));
        let floor = (ceiling / 2).max(base);
        // The product of two 64-bit numbers fits 128 bits, and its upper half is below the span: no overflow, no bias
        // worth naming.
        let share = (u128::from(random) * u128::from(ceiling - floor + 1)) >> 64;
        Duration::from_nanos(floor + u64::try_from(share).unwrap_or(0))
    }
}

impl Default for Backoff {
    /// One second to five minutes: a daemon that restarts is back within seconds, a host that is off for the night is
    /// asked 12 times an hour.
    fn default() -> Self {
        Self::new(Duration::from_secs(1), Duration::from_secs(300))
    }
}

/// At most half of what fits, so that sums cannot overflow.
fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX).min(u64::MAX / 2)
}
