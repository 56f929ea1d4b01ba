//! What comes in by itself: `N` NetBox's webhook, signed, and once more with a signature that is not its; `C` a receiver's
//! callback under the address that was handed out, and under another; `P` observations with the sender's token.
#![no_main]

use evenkeel_fuzz::desk::{CALLBACK, HOOK, PUSH};
use evenkeel_fuzz::house::{self, Door, House};
use evenkeel_fuzz::mutate;
use evenkeel_fuzz::request::Asked;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha512;

libfuzzer_sys::fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    mutate::json(data, size, max_size, seed)
});

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    house::with(|house| match data {
        [b'N', body @ ..] => netbox(house, body),
        [b'C', body @ ..] => callback(house, body),
        [b'P', body @ ..] => push(house, body),
        _ => {}
    });
});

fn netbox(house: &mut House, body: &[u8]) {
    let mac = Hmac::<Sha512>::new_from_slice(HOOK.as_bytes()).expect("any length will do");
    let mut signature = mac.chain_update(body).finalize().into_bytes().to_vec();
    let before = house.rings();
    let signed = |signature: &[u8]| signature.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let status = send(house, "/webhooks/netbox", ("x-hook-signature", &signed(&signature)), body);
    assert_eq!((status, house.rings()), (202, before + 1), "NetBox was not heard");
    signature[usize::from(body.first().copied().unwrap_or(0)) % 64] ^= 1;
    let status = send(house, "/webhooks/netbox", ("x-hook-signature", &signed(&signature)), body);
    assert_eq!((status, house.rings()), (401, before + 1), "somebody else was heard");
}

fn callback(house: &mut House, body: &[u8]) {
    let known = send(house, &format!("/api/v1/callbacks/{CALLBACK}"), ("x-n8n", "1"), body);
    assert!(matches!(known, 200 | 413 | 422), "{known}");
    let other = send(house, "/api/v1/callbacks/another", ("x-n8n", "1"), body);
    assert!(matches!(other, 404 | 413 | 422), "{other}");
    assert_eq!(known == 200, other == 404, "a body is read the same whoever sends it");
}

fn push(house: &mut House, body: &[u8]) {
    let known = send(house, "/api/v1/observations", ("authorization", &format!("Bearer {PUSH}")), body);
    assert!(matches!(known, 202 | 400 | 413), "{known}");
    assert_eq!(send(house, "/api/v1/observations", ("authorization", "Bearer another"), body), 401);
}

fn send(house: &mut House, path: &str, (name, value): (&str, &str), body: &[u8]) -> u16 {
    let asked = Asked {
        method: "POST".parse().expect("a method"),
        uri: path.parse().expect("an address"),
        headers: vec![(name.into(), value.into()), (b"content-type".to_vec(), b"application/json".to_vec())],
        body: body.to_vec(),
    };
    house.ask(Door::Guarded, asked.request().expect("a request")).status.as_u16()
}
