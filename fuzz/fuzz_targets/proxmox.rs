//! What a Proxmox cluster answers: `L` its lists with status, permissions and version; `Q` or `C` the configuration and the
//! addresses of one virtual machine or container.
#![no_main]

use evenkeel_fuzz::mutate;
use evenkeel_sources::fuzz;

libfuzzer_sys::fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    mutate::json(data, size, max_size, seed)
});

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    match data {
        [b'L', rest @ ..] => fuzz::proxmox(fuzz::bodies(rest)),
        [kind @ (b'Q' | b'C'), rest @ ..] => {
            let [config, addresses] = fuzz::bodies(rest);
            fuzz::proxmox_guest(*kind == b'C', config, addresses);
        }
        _ => {}
    }
});
