//! The operator's rules: which drift asks for which action, and who may approve it. What does not live here: whether it
//! may run now; that is [`super::guard`].

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use crate::event::Severity;
use crate::id::DriftId;
use crate::policy::{Labels, Matcher};

/// What a rule does with the drift it selects.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Nothing is proposed: an exception before a wider rule.
    #[default]
    Off,
    /// A proposal is made and listed, and nobody is asked. It runs if a person approves it.
    Propose,
    /// As `Propose`, and people are asked: that it waits for approval is announced.
    Approve,
    /// The rule itself approves it.
    Auto,
}

impl Mode {
    /// Every mode, from the most careful on.
    pub const ALL: [Self; 4] = [Self::Off, Self::Propose, Self::Approve, Self::Auto];

    /// The lower-case word used in configuration and the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Propose => "propose",
            Self::Approve => "approve",
            Self::Auto => "auto",
        }
    }

    /// Reads the word back.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.as_str() == text)
    }
}

/// What an action is meant to achieve, and so when it has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Effect {
    /// It makes the drift go away; an observation says whether it did.
    #[default]
    Repair,
    /// It tells somebody or writes a ticket; its own answer is all there is to know. Once per opening of a drift.
    Tell,
}

impl Effect {
    /// Every effect.
    pub const ALL: [Self; 2] = [Self::Repair, Self::Tell];

    /// The lower-case word used in configuration and the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Repair => "repair",
            Self::Tell => "tell",
        }
    }

    /// Reads the word back.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|effect| effect.as_str() == text)
    }
}

/// A parameter an action can be given. The names are fixed: what they mean is decided here, not in a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Param {
    /// The host's name in NetBox.
    Host,
    /// The service's name in NetBox.
    Service,
    /// The drift's short handle.
    Handle,
    /// The drift's id, in its text form.
    DriftId,
    /// The code of the event type.
    EventType,
    /// The severity.
    Severity,
    /// The container's name, as the engine spells it.
    Container,
    /// Proxmox's number of the guest.
    Vmid,
    /// The hypervisor node that carries the guest.
    Node,
    /// The lowest declared port.
    Port,
    /// The host's address.
    Ip,
    /// The configured source that saw the drift (`docker/box2-media`).
    Source,
}

impl Param {
    /// Every parameter.
    pub const ALL: [Self; 12] = [
        Self::Host,
        Self::Service,
        Self::Handle,
        Self::DriftId,
        Self::EventType,
        Self::Severity,
        Self::Container,
        Self::Vmid,
        Self::Node,
        Self::Port,
        Self::Ip,
        Self::Source,
    ];

    /// The word used in configuration and as the key of the request.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::Service => "service",
            Self::Handle => "handle",
            Self::DriftId => "drift_id",
            Self::EventType => "event_type",
            Self::Severity => "severity",
            Self::Container => "container",
            Self::Vmid => "vmid",
            Self::Node => "node",
            Self::Port => "port",
            Self::Ip => "ip",
            Self::Source => "source",
        }
    }

    /// Reads the word back.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|param| param.as_str() == text)
    }
}

/// Parameters with their values.
pub type Params = BTreeMap<Param, Arc<str>>;

/// The most bytes a value may have: longer than any name a system of this kind allows.
const LONGEST: usize = 255;

/// Whether a value can be handed to a workflow: not empty, not long, without control characters.
fn usable(value: &str) -> bool {
    !value.is_empty() && value.len() <= LONGEST && !value.chars().any(char::is_control)
}

/// Something a rule may ask for: one entry of the allow-list. Where it is sent and how it is signed is the shell's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Action {
    /// Its name.
    pub name: Arc<str>,
    /// What it is meant to achieve.
    pub effect: Effect,
    /// What it must be told. A drift for which one of them is not known gets no proposal.
    pub params: Vec<Param>,
    /// At most this many of it run at once; `None` = only the overall bound holds.
    pub concurrency: Option<u32>,
    /// How long its answer may take, from dispatch on.
    pub answer_within: SignedDuration,
    /// How long its effect may take to be seen, from its answer on.
    pub verify_within: SignedDuration,
}

impl Action {
    /// A repair of this name that is told host and service, with the default patience: ten minutes to answer, five to
    /// be seen.
    pub fn new(name: impl AsRef<str>) -> Self {
        Self {
            name: Arc::from(name.as_ref()),
            effect: Effect::Repair,
            params: Vec::new(),
            concurrency: None,
            answer_within: SignedDuration::from_mins(10),
            verify_within: SignedDuration::from_mins(5),
        }
    }

    /// Its parameters, or the first one that is not known or cannot be handed on.
    pub(super) fn filled(&self, id: &DriftId, severity: Severity, known: &Params) -> Result<Params, Param> {
        let own = |param: Param| -> Option<Arc<str>> {
            match param {
                Param::Host => id.subject.host().map(|host| host.text().clone()),
                Param::Service => id.service.as_ref().map(|service| service.text().clone()),
                Param::Handle => Some(Arc::from(id.handle())),
                Param::DriftId => Some(Arc::from(id.to_string())),
                Param::EventType => Some(Arc::from(id.event_type.code())),
                Param::Severity => Some(Arc::from(severity.as_str())),
                Param::Container | Param::Vmid | Param::Node | Param::Port | Param::Ip | Param::Source => {
                    known.get(&param).cloned()
                }
            }
        };
        let filled = |param: &Param| match own(*param).filter(|value| usable(value)) {
            Some(value) => Ok((*param, value)),
            None => Err(*param),
        };
        self.params.iter().map(filled).collect()
    }
}

/// Whom a rule selects, what it asks for, and who may approve it.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// Its name, shown with every proposal it makes.
    pub name: Arc<str>,
    /// Whom it concerns. A matcher without any list selects nothing.
    pub matcher: Matcher,
    /// The severities it concerns; empty = all.
    pub severities: Vec<Severity>,
    /// How long a drift must have been open. This is when, not whom: a younger drift waits for this rule and does not
    /// fall through to the next one.
    pub min_age: SignedDuration,
    /// The action's name. A rule that is off needs none.
    pub action: Option<Arc<str>>,
    /// Who may approve it.
    pub mode: Mode,
}

impl Rule {
    /// Whether it selects this drift, whatever its age.
    pub fn selects(&self, id: &DriftId, severity: Severity, labels: Labels<'_>) -> bool {
        (self.severities.is_empty() || self.severities.contains(&severity))
            && self.matcher.matches(id, labels)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::EventType;

    #[test]
    fn every_word_reads_back_as_what_it_is_stored_as() {
        for param in Param::ALL {
            assert_eq!(Param::parse(param.as_str()), Some(param));
            assert_eq!(serde_json::to_value(param).unwrap(), param.as_str());
        }
        for mode in Mode::ALL {
            assert_eq!(Mode::parse(mode.as_str()), Some(mode));
            assert_eq!(serde_json::to_value(mode).unwrap(), mode.as_str());
        }
        for effect in Effect::ALL {
            assert_eq!(Effect::parse(effect.as_str()), Some(effect));
            assert_eq!(serde_json::to_value(effect).unwrap(), effect.as_str());
        }
    }

    #[test]
    fn a_value_that_is_not_known_or_not_clean_is_named() {
        let action = Action { params: vec![Param::Host, Param::Container], ..Action::new("restart") };
        let id = DriftId::of_service(&"box".into(), &"web".into(), EventType::ServiceMissing);
        let with = |container: &str| Params::from([(Param::Container, Arc::from(container))]);
        assert_eq!(action.filled(&id, Severity::High, &Params::new()), Err(Param::Container));
        assert_eq!(action.filled(&id, Severity::High, &with("")), Err(Param::Container));
        assert_eq!(action.filled(&id, Severity::High, &with("web\nrm")), Err(Param::Container));
        assert_eq!(action.filled(&id, Severity::High, &with(&"x".repeat(256))), Err(Param::Container));
        let filled = action.filled(&id, Severity::High, &with("web-1")).unwrap();
        assert_eq!(filled.values().map(|v| &**v).collect::<Vec<_>>(), ["box", "web-1"]);
    }

    #[test]
    fn the_host_a_repair_is_told_is_the_drifts_own_and_nobody_elses() {
        let action = Action { params: vec![Param::Host], ..Action::new("restart") };
        let id = DriftId::of_service(&"box".into(), &"web".into(), EventType::ServiceMissing);
        let lie = Params::from([(Param::Host, Arc::from("other"))]);
        assert_eq!(&*action.filled(&id, Severity::High, &lie).unwrap()[&Param::Host], "box");
    }
}
