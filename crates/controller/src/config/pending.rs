//! Stand-ins for the settings of sources and sinks until those crates export theirs.

/// `evenkeel_sources::docker`.
pub mod docker {
    /// Stand-in.
    #[derive(Clone, Debug)]
    pub struct Config {
        /// Which source this is.
        pub id: evenkeel_core::SourceId,
        /// The host it speaks about.
        pub host: Option<evenkeel_core::HostName>,
    }
}
/// `evenkeel_sources::netbox`.
pub mod netbox {
    /// Stand-in.
    #[derive(Clone, Debug)]
    pub struct Config {
        /// Which source this is.
        pub id: evenkeel_core::SourceId,
    }
}
/// `evenkeel_sinks::webhook`.
pub mod webhook {
    /// Stand-in.
    #[derive(Clone, Debug)]
    pub struct Config {
        /// Where to.
        pub url: String,
    }
}
