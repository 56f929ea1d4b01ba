//! Values → text: what the command line prints, and nothing else.
//!
//! What lives here: the result of one look at everything ([`Outcome`]) and its forms ([`table`], [`json`], [`markdown`],
//! [`junit`]), one drift in full ([`explain`]), the history ([`events`]), what was done ([`journal`]), the checks ([`doctor`]). Pure: no I/O, no clock.
//! Colour is always written; the caller's stream (`anstream`) drops it where it is not wanted. What does not live here:
//! asking anybody anything, and what counts as drift.
//!
//! Names come from containers and people. Every one of them passes through [`text::clean`] before it is shown, so that
//! no escape sequence in a container's name reaches a terminal.

mod accept;
mod closing;
pub mod doctor;
pub mod events;
pub mod explain;
pub mod journal;
pub mod json;
pub mod junit;
pub mod markdown;
pub mod outcome;
pub mod repairs;
pub mod silences;
pub mod table;
pub mod text;
pub mod witness;
mod words;

pub use accept::ignore_rule;
pub use evenkeel_core::Coverages;
pub use outcome::{BlindScope, Exit, Netbox, Outcome, Root, SourceLine, SubjectOutcome, Totals};
