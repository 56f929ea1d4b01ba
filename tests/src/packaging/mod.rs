//! What the tests of packaging share. What does not live here: the tests, and the packages themselves.

pub mod chart;
pub mod compose;
pub mod demo;
pub mod words;
