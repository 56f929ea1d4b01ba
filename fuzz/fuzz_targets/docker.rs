//! What a Docker engine answers: `L` the list with `/info` and `/version`, `I` an inspection, `E` and a length the event
//! stream in pieces of that length.
#![no_main]

use evenkeel_fuzz::mutate;
use evenkeel_sources::fuzz;

libfuzzer_sys::fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    mutate::json(data, size, max_size, seed)
});

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    match data {
        [b'L', rest @ ..] => {
            let [list, info, version] = fuzz::bodies(rest);
            fuzz::docker(list, info, version);
        }
        [b'I', rest @ ..] => fuzz::docker_inspection(rest),
        [b'E', size, rest @ ..] => fuzz::docker_events(rest, usize::from(*size)),
        _ => {}
    }
});
