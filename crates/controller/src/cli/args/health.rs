//! The arguments of `health`.

#[derive(Debug, clap::Args)]
pub(crate) struct HealthOptions {
    /// Where it listens [default: what `[http] listen` of the configuration says, otherwise 127.0.0.1:9797]
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) at: Option<std::net::SocketAddr>,
}
