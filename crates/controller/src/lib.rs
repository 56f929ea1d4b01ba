//! controller

pub mod config;
pub mod queue;
