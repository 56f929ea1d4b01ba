//! The configuration: read twice it says the same, a mistake has its place and its remedy, and what came out of the
//! environment as a secret is in none of it.
#![no_main]

use std::path::Path;

use evenkeel::config::Config;
use jiff::Timestamp;

/// Is in every secret of the environment, and in no seed.
const CANARY: &str = "s3cr3t-0f-th3-3nv1r0nm3nt";

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if text.contains(CANARY) {
        return;
    }
    let read = || Config::parse(Path::new("/nowhere/evenkeel.toml"), text, &env, Timestamp::UNIX_EPOCH);
    match (read(), read()) {
        (Ok(one), Ok(other)) => {
            assert_eq!(one.warnings, other.warnings);
            let shown = format!("{one:?}");
            assert!(!shown.contains(CANARY), "a secret is shown: {shown}");
        }
        (Err(one), Err(other)) => {
            assert_eq!(one, other);
            assert!(!one.problems().is_empty());
            for problem in one.problems() {
                assert!(!problem.what.is_empty() && !problem.what.contains('\n'), "{problem}");
                assert!(!problem.to_string().contains(CANARY), "a secret is told: {problem}");
                let last = text.lines().count() + 1;
                assert!(problem.line.is_none_or(|line| (1..=last).contains(&line)), "{problem}");
            }
        }
        (one, other) => assert_eq!(one.is_ok(), other.is_ok(), "read twice, it is right once"),
    }
});

/// Variables of a few forms; nothing is read of the real environment.
fn env(name: &str) -> Option<String> {
    if name.ends_with("URL") {
        Some(format!("https://user:{CANARY}@hook.lan/{CANARY}?key={CANARY}"))
    } else if name.ends_with("ADDRESS") {
        Some(format!("postgres://evenkeel:{CANARY}@db.lan/evenkeel"))
    } else if name.ends_with("HASH") {
        Some(format!("sha256:{CANARY}"))
    } else if name.len() > 2 {
        Some(format!("whsec_{CANARY}"))
    } else {
        None
    }
}
