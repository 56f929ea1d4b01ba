//! NetBox's changelog, looked at twice, and its status.
#![no_main]

use evenkeel_fuzz::mutate;
use evenkeel_sources::fuzz;

libfuzzer_sys::fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    mutate::json(data, size, max_size, seed)
});

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let [first, second, status] = fuzz::bodies(data);
    fuzz::netbox_changes(first, second, status);
});
