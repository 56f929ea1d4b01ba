//! controller

pub mod queue;
