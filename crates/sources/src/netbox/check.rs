//! What `doctor` wants to know of a NetBox: version, token, rights per model, clock.
//!
//! What does not live here: printing it.

use evenkeel_core::Gap;
use jiff::SignedDuration;

use super::NetboxSource;
use super::client::TokenKind;
use super::delta;
use super::model::{Model, Version};
use super::walk::{self, List};
use super::wire::Status;

/// What was found. Nothing in it is a secret.
#[derive(Clone, Debug)]
pub struct Report {
    /// The address that is asked.
    pub address: String,
    /// Which kind of token is configured.
    pub token: TokenKind,
    /// The version NetBox names, with its patch level, or why it could not be asked.
    pub version: Result<String, Gap>,
    /// Whether that version is one that is read.
    pub supported: bool,
    /// NetBox's workers for webhooks; 0 means that none are sent.
    pub workers: Option<u64>,
    /// NetBox's clock minus ours, to the second.
    pub clock_skew: Option<SignedDuration>,
    /// Every model that is read: how many rows this token is shown, or why none.
    pub models: Vec<ModelReport>,
    /// Whether the changelog can be read. Without it there are no hints, and every read is a full one.
    pub changelog: Result<(), Gap>,
}

/// Whether one model can be read.
#[derive(Clone, Debug)]
pub struct ModelReport {
    /// What people call it.
    pub name: &'static str,
    /// The permission it needs.
    pub permission: String,
    /// How many rows, or why none.
    pub rows: Result<u64, Gap>,
}

impl Report {
    /// Whether an observation can be complete.
    pub fn is_good(&self) -> bool {
        self.supported && self.version.is_ok() && self.models.iter().all(|model| model.rows.is_ok())
    }
}

impl NetboxSource {
    /// Asks NetBox everything an observation depends on. Every question is asked, whatever the others answer, except
    /// that without a version nothing else makes sense.
    pub async fn check(&self) -> Report {
        let mut report = Report {
            address: self.client.place(""),
            token: self.client.token(),
            version: Ok(String::new()),
            supported: false,
            workers: None,
            clock_skew: None,
            models: Vec::new(),
            changelog: Ok(()),
        };
        let version = match self.status(&mut report).await {
            Ok(version) => version,
            Err(gap) => {
                report.changelog = Err(gap.clone());
                report.version = Err(gap);
                return report;
            }
        };
        report.supported = version >= Version::OLDEST;
        for model in Model::of(version) {
            let list = List {
                path: model.path(),
                permission: model.permission(),
                fields: "id",
                query: model.filters(&self.settings.filters),
                page_size: 1,
            };
            report.models.push(ModelReport {
                name: model.label(),
                permission: model.permission(),
                rows: walk::count(&self.client, &list).await,
            });
        }
        report.changelog = delta::newest(&self.client, version).await.map(|_| ());
        report
    }

    async fn status(&self, report: &mut Report) -> Result<Version, Gap> {
        let reply = self.client.get("status/", &[], None).await?;
        report.clock_skew = reply.date.map(|theirs| {
            let skew = theirs.duration_since(evenkeel_ambient::now());
            SignedDuration::from_secs(skew.as_secs())
        });
        let malformed = |why: String| {
            Gap::new(
                evenkeel_core::GapKind::Malformed,
                format!("GET {}: {why}", self.client.place("status/")),
            )
        };
        let status: Status = serde_json::from_slice(&reply.body)
            .map_err(|error| malformed(format!("not netbox's status: {error}")))?;
        let version = Version::parse(&status.version)
            .ok_or_else(|| malformed(format!("`{}` is not a version", status.version)))?;
        report.workers = status.workers;
        report.version = Ok(status.version);
        Ok(version)
    }
}
