//! What the operator can say about a NetBox: address, token, trust, pace, filters, names of custom fields.
//!
//! What does not live here: reading files or the environment; the controller does that and passes values.

use std::time::Duration;

use evenkeel_core::{Secret, SourceId, SourceKind};
use url::Url;

use crate::http::{self, Retry, Trust};

/// NetBox answers at most this many rows at once unless its administrator raised `MAX_PAGE_SIZE`.
const PAGE_SIZE: u32 = 1000;

/// The settings of one NetBox. [`super::NetboxSource::new`] checks them.
#[derive(Clone, Debug)]
pub struct Config {
    /// The configured name (`netbox/main`).
    pub id: SourceId,
    /// The base address, with a path where NetBox has one (`https://tools.lan/netbox/`).
    pub url: Url,
    /// The API token, v1 or v2 (`nbt_…`).
    pub token: Secret,
    /// Whom to trust.
    pub trust: Trust,
    /// How long one answer may take. A freshly started NetBox needs up to 8 s for its first.
    pub timeout: Duration,
    /// How reads are repeated.
    pub retry: Retry,
    /// Rows asked for at once. NetBox may give fewer.
    pub page_size: u32,
    /// Models read at the same time.
    pub concurrency: usize,
    /// How often the changelog is asked whether anything happened.
    pub probe_interval: Duration,
    /// How old a full read may be before everything is read again. Direct SQL, scripts and migrations leave no trace
    /// in the changelog; only a full read sees them.
    pub full_interval: Duration,
    /// Up to this many objects every observation is a full read; above, the changelog says what to read.
    pub incremental_above: usize,
    /// Which hosts concern us.
    pub filters: Filters,
    /// How the custom fields are called here.
    pub fields: FieldNames,
    /// Also look for `evenkeel.docker_endpoint` in the rendered config context.
    pub read_config_context: bool,
}

impl Config {
    /// The defaults for this address and token.
    pub fn new(url: Url, token: Secret) -> Self {
        Self {
            id: SourceId::new(SourceKind::Netbox, "main"),
            url,
            token,
            trust: Trust::default(),
            timeout: Duration::from_secs(30),
            retry: Retry::default(),
            page_size: PAGE_SIZE,
            concurrency: 4,
            probe_interval: Duration::from_secs(15),
            full_interval: Duration::from_secs(60 * 60),
            incremental_above: 2000,
            filters: Filters::default(),
            fields: FieldNames::default(),
            read_config_context: false,
        }
    }

    pub(super) fn check(&self) -> Result<(), Error> {
        if !matches!(self.url.scheme(), "http" | "https") || self.url.host_str().is_none() {
            return Err(Error::Url);
        }
        if !self.url.username().is_empty() || self.url.password().is_some() {
            return Err(Error::Userinfo);
        }
        let token = self.token.expose();
        if token.is_empty() || !token.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(Error::Token);
        }
        for (name, zero) in [
            ("page_size", self.page_size == 0),
            ("concurrency", self.concurrency == 0),
            ("timeout", self.timeout.is_zero()),
            ("probe_interval", self.probe_interval.is_zero()),
        ] {
            if zero {
                return Err(Error::Zero(name));
            }
        }
        Ok(())
    }
}

/// Why the settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Not an address NetBox can have.
    #[error("url: an http:// or https:// address is needed")]
    Url,
    /// Credentials where none belong.
    #[error("url: user and password do not belong into the address; NetBox takes a token")]
    Userinfo,
    /// Nothing, or a line break, or a pasted label.
    #[error("token: empty, or with characters that no token has")]
    Token,
    /// A number that must not be zero.
    #[error("{0}: must not be zero")]
    Zero(&'static str),
    /// TLS files.
    #[error("tls")]
    Http(#[from] http::Error),
}

/// Which hosts are read. Empty lists leave everything in. Slugs, as NetBox's own filters take them; several sites are
/// alternatives, several tags must all be there (NetBox's own meaning of a repeated `tag`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filters {
    /// Slugs of sites.
    pub sites: Vec<String>,
    /// Slugs of tenants.
    pub tenants: Vec<String>,
    /// Slugs of tags.
    pub tags: Vec<String>,
    /// Slugs of roles.
    pub roles: Vec<String>,
}

impl Filters {
    /// Whether every host concerns us.
    pub fn is_empty(&self) -> bool {
        let Self { sites, tenants, tags, roles } = self;
        sites.is_empty() && tenants.is_empty() && tags.is_empty() && roles.is_empty()
    }
}

/// The names of the custom fields that are read. None of them has to exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldNames {
    /// On services: `planned`, `active`, `retired`.
    pub lifecycle: String,
    /// On services: the container that is meant.
    pub container_name: String,
    /// On services: the Compose project the container belongs to.
    pub compose_project: String,
    /// On services: ports behind the published ones. Known, and deliberately not compared: NetBox's ports are the
    /// published ones.
    pub internal_ports: String,
    /// On services and hosts: which sources speak about it.
    pub observed_by: String,
    /// On services: the role.
    pub role: String,
    /// On services: the image.
    pub image: String,
    /// On hosts: where its Docker daemon listens.
    pub docker_endpoint: String,
    /// On virtual machines: Proxmox's number of the guest.
    pub proxmox_vmid: String,
    /// On hosts: names and states only.
    pub sensitive: String,
    /// On hosts: other names it answers to.
    pub aliases: String,
}

impl Default for FieldNames {
    fn default() -> Self {
        Self {
            lifecycle: "lifecycle".into(),
            container_name: "container_name".into(),
            compose_project: "compose_project".into(),
            internal_ports: "internal_ports".into(),
            observed_by: "observed_by".into(),
            role: "role".into(),
            image: "image".into(),
            docker_endpoint: "docker_endpoint".into(),
            proxmox_vmid: "proxmox_vmid".into(),
            sensitive: "sensitive".into(),
            aliases: "aliases".into(),
        }
    }
}
