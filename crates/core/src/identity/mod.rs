//! Who is who: which declared host a source speaks about ([`hosts`]), which container a declared service is
//! ([`services`]), which containers belong to an app that another source shows ([`apps`]). Ambiguity is an answer of its own; nothing here guesses and nothing matches by substring.

pub mod apps;
pub mod hosts;
pub mod services;

pub use apps::without_apps;
pub use hosts::{Claim, HostIndex, HostMatch};
pub use services::{Alias, bind};

/// The form names are matched in: trimmed, lower case, first DNS label (`Box2-Media.bruce.lan` → `box2-media`).
pub fn canonical(name: &str) -> String {
    let name = name.trim();
    let label = match name.split_once('.') {
        // A dotted number is an address, not a domain name.
        Some(_) if name.parse::<std::net::IpAddr>().is_ok() => name,
        Some((label, _)) if !label.is_empty() => label,
        Some(_) | None => name,
    };
    label.to_lowercase()
}
