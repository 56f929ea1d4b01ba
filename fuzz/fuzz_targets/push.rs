//! What scripts send: `E` whichever form it is, `L` one value per line. The same inbox takes it twice.
#![no_main]

use evenkeel_fuzz::mutate;
use evenkeel_sources::fuzz;

libfuzzer_sys::fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    mutate::json(data, size, max_size, seed)
});

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    if let [form @ (b'E' | b'L'), rest @ ..] = data {
        fuzz::push(*form == b'L', rest);
    }
});
