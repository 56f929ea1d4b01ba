//! The arguments of `init`.

use std::path::PathBuf;

use evenkeel_core::HostName;
use evenkeel_sources::docker::Endpoint;
use evenkeel_sources::http::Fingerprint;

#[derive(Debug, clap::Args)]
pub(crate) struct InitOptions {
    /// The address of NetBox, with a path where it has one, without /api/
    #[arg(long, value_name = "URL")]
    pub(crate) netbox: Option<String>,
    /// The file that holds NetBox's API token, `-` for standard input; or put the token into EVENKEEL_NETBOX_TOKEN
    #[arg(long, value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,
    /// The certificate of NetBox to accept, by its SHA-256: for one that nobody vouches for
    #[arg(long, value_name = "FINGERPRINT")]
    pub(crate) pin: Option<Fingerprint>,
    /// The authorities to trust instead of the platform's (PEM)
    #[arg(long, value_name = "FILE")]
    pub(crate) ca_file: Option<PathBuf>,
    /// Our own certificate, for a NetBox that wants one (PEM)
    #[arg(long, value_name = "FILE", requires = "client_key")]
    pub(crate) client_cert: Option<PathBuf>,
    /// The private key of --client-cert (PEM)
    #[arg(long, value_name = "FILE", requires = "client_cert")]
    pub(crate) client_key: Option<PathBuf>,
    /// Consent to send the token over plain http:// to another machine
    #[arg(long)]
    pub(crate) insecure_http: bool,
    /// Where a machine's engine is: box=ssh://me@192.168.2.16 (may be repeated)
    #[arg(long = "docker", value_name = "HOST=ENDPOINT", value_parser = engine)]
    pub(crate) engines: Vec<(HostName, Endpoint)>,
    /// Look at nothing but NetBox: do not try whether engines answer where a proxy would be, show no certificates
    #[arg(long)]
    pub(crate) no_look: bool,
    /// Leave the probe of declared ports commented out
    #[arg(long)]
    pub(crate) no_probe: bool,
    /// The configuration to write [default: what --config names, otherwise ./evenkeel.toml]
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Replace what is there
    #[arg(long)]
    pub(crate) force: bool,
    /// Ask nothing, even on a terminal
    #[arg(long)]
    pub(crate) no_input: bool,
}

/// A machine and where its engine is.
fn engine(text: &str) -> Result<(HostName, Endpoint), String> {
    let (host, endpoint) =
        text.split_once('=').ok_or("write HOST=ENDPOINT, the machine by its name in NetBox")?;
    match host.trim() {
        "" => Err("which machine? write HOST=ENDPOINT".to_owned()),
        host => Ok((HostName::new(host), Endpoint::parse(endpoint).map_err(|error| error.to_string())?)),
    }
}
