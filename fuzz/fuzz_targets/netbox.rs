//! NetBox's seven lists, as the version that the first byte names sends them.
#![no_main]

use evenkeel_fuzz::mutate;
use evenkeel_sources::fuzz;

libfuzzer_sys::fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    mutate::json(data, size, max_size, seed)
});

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    if let [version, rest @ ..] = data {
        fuzz::netbox(*version, fuzz::bodies(rest));
    }
});
