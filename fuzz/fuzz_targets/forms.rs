//! The forms of the pages: the first byte says which, the second which drift, proposal, rule or delivery is meant; the
//! rest is the form. It is sent to the open door, to the guarded one with an administrator's token, and to that by
//! somebody who shows nothing and changes nothing.
#![no_main]

use evenkeel_fuzz::house::{self, ADMIN, Door};
use evenkeel_fuzz::request::Asked;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let [which, whom, form @ ..] = data else { return };
    house::with(|house| {
        let handles = house.handles();
        let handle = &handles[usize::from(*whom) % handles.len()];
        let path = match which % 8 {
            0 => format!("/drifts/{handle}/accept"),
            1 => "/deliveries".to_owned(),
            2 => format!("/deliveries/{whom}"),
            3 => "/actions".to_owned(),
            4 => format!("/actions/{handle}"),
            5 => "/rules/QUIET000/end".to_owned(),
            6 => "/api/v1/silences".to_owned(),
            _ => "/api/v1/repairs/halt".to_owned(),
        };
        let kind: &[u8] = match which % 8 {
            0..6 => b"application/x-www-form-urlencoded",
            _ => b"application/json",
        };
        let mut asked = Asked {
            method: "POST".parse().expect("a method"),
            uri: path.parse().expect("an address"),
            headers: vec![
                (b"content-type".to_vec(), kind.to_vec()),
                (b"accept".to_vec(), if which & 0x80 == 0 { b"text/html".to_vec() } else { b"*/*".to_vec() }),
            ],
            body: form.to_vec(),
        };
        let (Some(open), Some(guarded)) = (asked.request(), asked.request()) else { return };
        house.ask(Door::Local, open);
        let status = house.ask(Door::Guarded, guarded).status;
        assert!(!status.is_success(), "{path} was done for nobody: {status}");
        asked.headers.push((b"authorization".to_vec(), ADMIN.into()));
        if let Some(known) = asked.request() {
            house.ask(Door::Guarded, known);
        }
    });
});
