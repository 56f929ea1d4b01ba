//! Small pictures drawn on the server. Each has a shape of its own, so that colour is never all there is. Not here: the
//! icon of the site, which is a file.

use maud::{Markup, html};

use super::verdict::{HostStand, Stand};

/// The mark of the house.
pub(super) fn keel() -> Markup {
    html! {
        svg.keel viewBox="0 0 32 32" aria-hidden="true" {
            path d="M4 13h24c-1 7-6 10-12 10S5 20 4 13z" fill="currentColor" {}
            path d="M16 23v5M9 7h14" stroke="currentColor" stroke-width="3" stroke-linecap="round" {}
        }
    }
}

fn stroked(path: &str) -> Markup {
    html! {
        svg.icon viewBox="0 0 24 24" aria-hidden="true" fill="none" stroke="currentColor" stroke-width="2.4"
            stroke-linecap="round" stroke-linejoin="round" { path d=(path) {} }
    }
}

const TICK: &str = "M21 12a9 9 0 1 1-18 0 9 9 0 0 1 18 0zM8 12.5l2.8 2.8L16 9.5";
const UNEQUAL: &str = "M12 2.5 21.5 12 12 21.5 2.5 12zM8.5 10.3h7M8.5 13.7h7M14 7.8l-4 8.4";
const EYE_OFF: &str = "M3 3l18 18M10 5.3A9.6 9.6 0 0 1 12 5c6 0 9.5 7 9.5 7a16 16 0 0 1-2.6 3.5M6.2 6.8A15.6 15.6 0 0 0 2.5 12S6 19 12 19a9 9 0 0 0 4.2-1.1M10 10a2.8 2.8 0 0 0 4 4";
const QUESTION: &str =
    "M21 12a9 9 0 1 1-18 0 9 9 0 0 1 18 0zM9.3 9.3a2.7 2.7 0 1 1 3.9 2.6c-.8.4-1.2.9-1.2 1.8M12 16.8v.1";
const RING: &str = "M21 12a9 9 0 1 1-18 0 9 9 0 0 1 18 0zM8 12h8";
const PLUS: &str = "M4 4h16v16H4zM12 8v8M8 12h8";

/// How everything stands.
pub(super) fn stand(stand: Stand) -> Markup {
    stroked(match stand {
        Stand::Unknown => QUESTION,
        Stand::Blind => EYE_OFF,
        Stand::Drift => UNEQUAL,
        Stand::Unwatched => RING,
        Stand::InSync => TICK,
    })
}

/// How one host stands.
pub(super) fn host(stand: HostStand) -> Markup {
    stroked(outline(stand))
}

/// Whether a source sees everything.
pub(super) fn sight(sees: bool) -> Markup {
    stroked(if sees { TICK } else { EYE_OFF })
}

/// Something differs.
pub(super) fn differs() -> Markup {
    stroked(UNEQUAL)
}

/// Nobody looks, or nothing is asked.
pub(super) fn unwatched() -> Markup {
    stroked(RING)
}

/// It is there and not declared.
pub(super) fn undeclared() -> Markup {
    stroked(PLUS)
}

/// The same shapes for drawings that have a frame of their own.
pub(super) fn outline(stand: HostStand) -> &'static str {
    match stand {
        HostStand::Blind => EYE_OFF,
        HostStand::Drift => UNEQUAL,
        HostStand::Unknown => QUESTION,
        HostStand::Unwatched | HostStand::Idle => RING,
        HostStand::Undeclared => PLUS,
        HostStand::InSync => TICK,
    }
}
