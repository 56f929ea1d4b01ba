//! What a TrueNAS answers, over REST and JSON-RPC alike: `L` its lists; `M` a message on its websocket.
#![no_main]

use evenkeel_fuzz::mutate;
use evenkeel_sources::fuzz;

libfuzzer_sys::fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    mutate::json(data, size, max_size, seed)
});

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    match data {
        [b'L', rest @ ..] => fuzz::truenas(fuzz::bodies(rest)),
        [b'M', rest @ ..] => fuzz::truenas_message(rest),
        _ => {}
    }
});
