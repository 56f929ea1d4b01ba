//! Any request at all: method, address, headers, body. At the open door it is answered, never with a failure of ours; at
//! the guarded one, whoever shows nothing learns nothing and changes nothing.
#![no_main]

use axum::http::Method;
use evenkeel_fuzz::house::{self, Door};
use evenkeel_fuzz::request::Asked;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Some(asked) = Asked::of(data) else { return };
    // Two requests: one is spent.
    let (Some(open), Some(guarded)) = (asked.request(), asked.request()) else { return };
    house::with(|house| {
        house.ask(Door::Local, open);
        let answer = house.ask(Door::Guarded, guarded);
        if !answer.status.is_success() || asked.shows_something() {
            return;
        }
        let path = asked.uri.path();
        let told = matches!(path, "/healthz" | "/readyz" | "/login") || path.starts_with("/assets/");
        assert!(told && asked.method != Method::POST, "{} {path} is open to everybody", asked.method);
    });
});
