//! That the machine's place can be taken, on one thread and for a while.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::Timestamp;
use rand::RngCore as _;
use reqwest::Request;

use crate::network::Lost;
use crate::{Sending, Surroundings, simulate};

#[derive(Default)]
struct Counting(AtomicU64);

impl Surroundings for Counting {
    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH
    }

    fn draw(&self) -> u64 {
        self.0.fetch_add(1, Ordering::Relaxed)
    }

    fn send(&self, _: Request) -> Sending {
        let source = std::io::ErrorKind::ConnectionRefused.into();
        Box::pin(async { Err(Lost::Failed { connecting: true, source }) })
    }
}

#[test]
fn the_machine_s_place_is_taken_on_this_thread_and_given_back() {
    let before = crate::now();
    assert!(before > Timestamp::UNIX_EPOCH);
    {
        let _simulation = simulate(Arc::new(Counting::default()));
        assert_eq!(crate::now(), Timestamp::UNIX_EPOCH);
        assert_eq!((crate::random::<u64>(), crate::random::<u64>()), (0, 1));
        let mut bytes = [9; 11];
        crate::rng().fill_bytes(&mut bytes);
        assert_eq!(bytes, [2, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0]);
        let elsewhere = std::thread::spawn(crate::now).join().unwrap();
        assert!(elsewhere >= before, "another thread is asked for its own time");
    }
    assert!(crate::now() >= before);
    assert_ne!(crate::random::<u128>(), crate::random::<u128>());
}
