//! What a leader shows, as text that another replica reads back and shows in its place. The shapes are those of the API.
//! Not here: when it is kept, and where.

use std::borrow::Cow;

use evenkeel_core::model::MachineKind;
use evenkeel_core::{Coverage, Coverages, Gap, HostName, SourceId};
use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize};

use crate::silences::RuleLine;
use crate::state::{Asking, HostStatus, MachineStatus, SourceStatus};

/// The form of the text. Replicas of two versions may share a database for a while; what is of another form is not
/// guessed at.
const FORM: u32 = 2;

/// Everything a leader shows of the world at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WorldStatus {
    /// Every host.
    pub hosts: Vec<HostStatus>,
    /// Every source, NetBox first.
    pub sources: Vec<SourceStatus>,
    /// How much of each truth the other one confirms, all hosts together.
    pub coverages: Coverages,
    /// Every rule that was decided.
    pub rules: Vec<RuleLine>,
}

/// Why a status cannot be read back.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It is no status.
    #[error("the leader's status cannot be read")]
    Unreadable(#[from] serde_json::Error),
    /// Another version of evenkeel wrote it.
    #[error("the leader's status is of form {found}, this evenkeel reads {FORM}: another version leads")]
    Form {
        /// The form it has.
        found: u32,
    },
}

#[derive(Serialize)]
struct Written<'a> {
    form: u32,
    hosts: &'a [HostStatus],
    sources: &'a [SourceStatus],
    coverages: &'a Coverages,
    rules: &'a [RuleLine],
}

#[derive(Deserialize)]
struct Form {
    form: u32,
}

#[derive(Deserialize)]
struct Read {
    hosts: Vec<HostStatus>,
    sources: Vec<SourceStatus>,
    coverages: Coverages,
    /// A leader that is older says nothing of them.
    #[serde(default)]
    rules: Vec<RuleLine>,
}

impl WorldStatus {
    /// As text.
    ///
    /// # Errors
    /// Never for what a controller shows; the types do not promise it.
    pub fn to_text(&self) -> Result<String, Error> {
        let Self { hosts, sources, coverages, rules } = self;
        Ok(serde_json::to_string(&Written { form: FORM, hosts, sources, coverages, rules })?)
    }

    /// Reads the text back.
    ///
    /// # Errors
    /// Where it is no status, or one of another form.
    pub fn from_text(text: &str) -> Result<Self, Error> {
        let Form { form } = serde_json::from_str(text)?;
        if form != FORM {
            return Err(Error::Form { found: form });
        }
        let Read { hosts, sources, coverages, rules } = serde_json::from_str(text)?;
        Ok(Self { hosts, sources, coverages, rules })
    }

    /// The same without every moment, which passes by itself: what is left differs only if something happened.
    #[must_use]
    pub fn timeless(&self) -> Self {
        let Self { hosts, sources, coverages, rules } = self;
        let machine =
            |machine: &MachineStatus| MachineStatus { observed_at: Timestamp::UNIX_EPOCH, ..machine.clone() };
        let host = |host: &HostStatus| HostStatus {
            machines: host.machines.iter().map(machine).collect(),
            ..host.clone()
        };
        let heard = |at: Option<Timestamp>| at.map(|_| Timestamp::UNIX_EPOCH);
        let source = |source: &SourceStatus| SourceStatus {
            answered_at: heard(source.answered_at),
            complete_at: heard(source.complete_at),
            // How it is asked passes like time, but for how often it was asked in vain.
            asking: source.asking.as_ref().map(|asking| Asking {
                took_ms: 0,
                next_at: Timestamp::UNIX_EPOCH,
                ..asking.clone()
            }),
            ..source.clone()
        };
        Self {
            hosts: hosts.iter().map(host).collect(),
            sources: sources.iter().map(source).collect(),
            coverages: *coverages,
            rules: rules.clone(),
        }
    }
}

#[derive(Deserialize)]
struct ToldSource {
    source: String,
    host: Option<HostName>,
    gap: Option<Gap>,
    answered_at: Option<Timestamp>,
    complete_at: Option<Timestamp>,
    blind_since: Option<Timestamp>,
    objects: usize,
    asking: Option<Asking>,
}

impl<'de> Deserialize<'de> for SourceStatus {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let ToldSource { source, host, gap, answered_at, complete_at, blind_since, objects, asking } =
            ToldSource::deserialize(deserializer)?;
        Ok(Self {
            source: id(&source)?,
            host,
            coverage: gap.map_or(Coverage::Complete, Coverage::Partial),
            answered_at,
            complete_at,
            blind_since,
            objects,
            asking,
        })
    }
}

#[derive(Deserialize)]
struct ToldHost {
    host: HostName,
    declared: Option<bool>,
    status: Option<String>,
    site: Option<String>,
    tenant: Option<String>,
    cluster: Option<String>,
    node: Option<HostName>,
    expected_services: usize,
    required_services: usize,
    unwatched_services: usize,
    judged_since: Option<Timestamp>,
    sources: Vec<String>,
    blind: Vec<String>,
    machines: Vec<ToldMachine>,
}

#[derive(Deserialize)]
struct ToldMachine {
    source: String,
    kind: Option<MachineKind>,
    state: Option<String>,
    node: Option<String>,
    observed_at: Timestamp,
}

impl<'de> Deserialize<'de> for HostStatus {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let ToldHost {
            host,
            declared,
            status,
            site,
            tenant,
            cluster,
            node,
            expected_services,
            required_services,
            unwatched_services,
            judged_since,
            sources,
            blind,
            machines,
        } = ToldHost::deserialize(deserializer)?;
        let machine = |told: ToldMachine| {
            let ToldMachine { source, kind, state, node, observed_at } = told;
            MachineStatus { source, kind, state: state.map(Cow::Owned), node, observed_at }
        };
        Ok(Self {
            host,
            declared,
            status,
            site,
            tenant,
            cluster,
            node,
            expected_services,
            required_services,
            unwatched_services,
            judged_since,
            sources: sources.iter().map(|text| id(text)).collect::<Result<_, _>>()?,
            blind: blind.iter().map(|text| id(text)).collect::<Result<_, _>>()?,
            machines: machines.into_iter().map(machine).collect(),
        })
    }
}

fn id<E: serde::de::Error>(text: &str) -> Result<SourceId, E> {
    SourceId::parse(text).ok_or_else(|| E::custom(format!("{text:?} is no source")))
}

#[cfg(test)]
mod tests {
    use evenkeel_core::{GapKind, SourceKind};

    use super::*;

    fn status(second: i64) -> WorldStatus {
        let at = Timestamp::from_second(second).unwrap();
        let docker = SourceId::new(SourceKind::Docker, "box2/media");
        let machine = |state: Option<&'static str>| MachineStatus {
            source: "proxmox/box2".to_owned(),
            kind: state.map(|_| MachineKind::Vm),
            state: state.map(Cow::Borrowed),
            node: None,
            observed_at: at,
        };
        let host = HostStatus {
            host: HostName::new("Bôx2 \"media\""),
            declared: None,
            status: Some("active".to_owned()),
            site: None,
            tenant: Some("famille".to_owned()),
            cluster: Some("box2".to_owned()),
            node: None,
            expected_services: 6,
            required_services: 5,
            unwatched_services: 1,
            judged_since: Some(Timestamp::UNIX_EPOCH),
            sources: vec![docker.clone()],
            blind: vec![docker.clone()],
            machines: vec![machine(Some("running")), machine(None)],
        };
        let seen = SourceStatus {
            source: docker,
            host: Some(host.host.clone()),
            coverage: Coverage::Partial(Gap::new(GapKind::Unreachable, "refused")),
            answered_at: Some(at),
            complete_at: None,
            blind_since: Some(Timestamp::UNIX_EPOCH),
            objects: 12,
            asking: Some(Asking {
                took_ms: u64::from(second.unsigned_abs() as u32),
                next_at: at,
                failures: 2,
                left_alone: false,
            }),
        };
        let whole = SourceStatus { coverage: Coverage::Complete, complete_at: Some(at), ..seen.clone() };
        WorldStatus {
            hosts: vec![host],
            sources: vec![seen, whole],
            coverages: Coverages { declared: 3, ..Coverages::default() },
            rules: Vec::new(),
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        let status = status(1_766_376_000);
        assert_eq!(WorldStatus::from_text(&status.to_text().unwrap()).unwrap(), status);
    }

    #[test]
    fn time_that_passes_is_no_change_and_everything_else_is() {
        let (before, mut after) = (status(1_766_376_000), status(1_766_376_005));
        assert_eq!(before.timeless(), after.timeless());
        after.sources[0].objects += 1;
        assert_ne!(before.timeless(), after.timeless());
    }

    #[test]
    fn another_form_and_something_else_are_refused() {
        let other = status(0).to_text().unwrap().replacen("\"form\":2", "\"form\":3", 1);
        assert!(matches!(WorldStatus::from_text(&other), Err(Error::Form { found: 3 })));
        assert!(matches!(WorldStatus::from_text("[]"), Err(Error::Unreadable(_))));
    }
}
