//! How often a password may be tried: a few times at once, then ever more slowly, by account and by address. Nobody is kept
//! out for good, and whoever got in from an address before is not held up there by what others do to their account. Time is
//! an argument. Not here: whether a password fits.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

/// So many may fail before there is a delay: people mistype.
const FREE: u32 = 5;
/// The first delay; each failure doubles it …
const FIRST: Duration = Duration::from_secs(1);
/// … up to this for an account, which whoever owns it must be able to sit out …
const LONGEST_ACCOUNT: Duration = Duration::from_secs(30);
/// … and up to this for an address.
const LONGEST_ADDRESS: Duration = Duration::from_secs(300);
/// After so long without a failure everything is forgotten.
const FORGOTTEN: Duration = Duration::from_hours(1);
/// How many accounts and addresses are remembered; beyond that, those that failed longest ago are forgotten.
const MOST: usize = 4096;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Who {
    Account(String),
    Address(IpAddr),
}

#[derive(Clone, Copy, Debug)]
struct Tries {
    failed: u32,
    last: Timestamp,
    until: Timestamp,
}

#[derive(Default)]
struct Memory {
    tries: HashMap<Who, Tries>,
    /// Who got in from where.
    welcome: HashMap<(String, IpAddr), Timestamp>,
}

/// Who tried how often.
#[derive(Default)]
pub(super) struct Throttle(Mutex<Memory>);

impl Throttle {
    /// Begins a try, which counts as failed until it is [`Throttle::won`]: a thousand at the same moment are a thousand.
    ///
    /// # Errors
    /// How long to wait, where it is too early. Nothing is counted then.
    pub(super) fn begin(&self, account: &str, from: IpAddr, now: Timestamp) -> Result<(), Duration> {
        let (account, from) = (account.to_lowercase(), network(from));
        let mut memory = self.memory();
        let is_welcome = memory.welcome.contains_key(&(account.clone(), from));
        let account = Who::Account(account);
        let wait = |who: &Who| {
            let until = memory.tries.get(who).map_or(now, |tries| tries.until);
            until.duration_since(now).try_into().unwrap_or(Duration::ZERO)
        };
        let by_account = if is_welcome { Duration::ZERO } else { wait(&account) };
        let wait = by_account.max(wait(&Who::Address(from)));
        if !wait.is_zero() {
            return Err(wait);
        }
        memory.count(account, LONGEST_ACCOUNT, now);
        memory.count(Who::Address(from), LONGEST_ADDRESS, now);
        Ok(())
    }

    /// The try was right. The address keeps what else failed there: whoever has one account must not try others for free.
    pub(super) fn won(&self, account: &str, from: IpAddr, now: Timestamp) {
        let (account, from) = (account.to_lowercase(), network(from));
        let mut memory = self.memory();
        memory.tries.remove(&Who::Account(account.clone()));
        if let Some(tries) = memory.tries.get_mut(&Who::Address(from)) {
            tries.failed = tries.failed.saturating_sub(1);
            tries.until = now;
        }
        make_room(&mut memory.welcome, |at| *at);
        memory.welcome.insert((account, from), now);
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Memory {
    fn count(&mut self, who: Who, longest: Duration, now: Timestamp) {
        let before =
            self.tries.get(&who).filter(|tries| now.duration_since(tries.last).unsigned_abs() < FORGOTTEN);
        let failed = before.map_or(0, |tries| tries.failed).saturating_add(1);
        let delay = match failed.checked_sub(FREE) {
            None | Some(0) => Duration::ZERO,
            Some(n) => FIRST.saturating_mul(1 << (n - 1).min(16)).min(longest),
        };
        if !self.tries.contains_key(&who) {
            make_room(&mut self.tries, |tries| tries.last);
        }
        let until = now.checked_add(delay).unwrap_or(now);
        self.tries.insert(who, Tries { failed, last: now, until });
    }
}

/// Forgets the oldest where there is no room for one more.
fn make_room<K: Clone + Eq + std::hash::Hash, V>(map: &mut HashMap<K, V>, age: impl Fn(&V) -> Timestamp) {
    if map.len() < MOST {
        return;
    }
    let oldest = map.iter().min_by_key(|(_, value)| age(value)).map(|(key, _)| key.clone());
    if let Some(oldest) = oldest {
        map.remove(&oldest);
    }
}

/// The address, or what one customer has of them.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(four) => IpAddr::V4(four),
        IpAddr::V6(six) => {
            let [a, b, c, d, ..] = six.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_000_000 + seconds).unwrap()
    }

    fn address(last: u8) -> IpAddr {
        IpAddr::from([192, 168, 2, last])
    }

    #[test]
    fn a_few_tries_are_free_and_then_each_takes_longer_up_to_a_bound() {
        let throttle = Throttle::default();
        let (mut now, mut waits) = (0, Vec::new());
        for n in 0..30 {
            // From another address each time: only the account counts here.
            let from = address(n);
            while let Err(wait) = throttle.begin("ada", from, at(now)) {
                waits.push(wait.as_secs());
                now += i64::try_from(wait.as_secs()).unwrap();
            }
        }
        assert_eq!(&waits[..7], [1, 2, 4, 8, 16, 30, 30]);
        assert!(waits.iter().all(|wait| *wait <= 30), "never for good: {waits:?}");
        assert_eq!(throttle.begin("ada", address(1), at(now + 3600)), Ok(()), "forgotten after an hour");
    }

    #[test]
    fn a_thousand_at_once_are_a_thousand() {
        let throttle = Throttle::default();
        let through = (0..1000).filter(|_| throttle.begin("ada", address(1), at(0)).is_ok()).count();
        assert_eq!(through, FREE as usize + 1);
    }

    #[test]
    fn whoever_got_in_from_there_before_is_not_held_up_by_others() {
        let throttle = Throttle::default();
        throttle.begin("ada", address(1), at(0)).unwrap();
        throttle.won("ada", address(1), at(0));
        for n in 0..20 {
            let _ = throttle.begin("Ada", address(100 + n), at(1));
        }
        assert!(throttle.begin("ada", address(9), at(1)).is_err());
        assert_eq!(throttle.begin("ada", address(1), at(1)), Ok(()));
    }

    #[test]
    fn whoever_has_one_account_does_not_try_others_for_free() {
        let throttle = Throttle::default();
        let mut held = false;
        for n in 0..40 {
            let account = format!("user{n}");
            held |= throttle.begin(&account, address(1), at(0)).is_err();
            if throttle.begin("mallory", address(1), at(0)).is_ok() {
                throttle.won("mallory", address(1), at(0));
            }
        }
        assert!(held);
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let throttle = Throttle::default();
        for n in 0..3 * MOST {
            let from =
                IpAddr::from(Ipv6Addr::new(0x2001, 0xdb8, u16::try_from(n % 65536).unwrap(), 0, 0, 0, 0, 1));
            let _ = throttle.begin(&format!("user{n}"), from, at(i64::try_from(n).unwrap()));
        }
        assert!(throttle.memory().tries.len() <= MOST);
    }

    #[test]
    fn a_customer_with_a_network_of_version_six_is_one() {
        let throttle = Throttle::default();
        let from = |n: u16| IpAddr::from(Ipv6Addr::new(0x2001, 0xdb8, 1, 1, n, 2, 3, 4));
        let through = (0..100).filter(|n| throttle.begin(&format!("u{n}"), from(*n), at(0)).is_ok()).count();
        assert_eq!(through, FREE as usize + 1);
    }
}
