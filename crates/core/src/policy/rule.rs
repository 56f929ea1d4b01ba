//! Rules of the operator: whom they match, and what they do.

use std::sync::Arc;

use jiff::Timestamp;
use wildmatch::WildMatch;

use crate::coverage::Lookup;
use crate::event::{EventType, Severity};
use crate::id::DriftId;
use crate::model::Expected;

/// What a rule applies to. Within one list any entry suffices; all lists that are not empty must match. A matcher with
/// no list at all matches nothing: an empty selector is a mistake, never "everything".
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Matcher {
    /// Event types.
    pub types: Vec<EventType>,
    /// Globs (`*`, `?`, any case) on the host's name; for a source that belongs to no host, on `kind/name`.
    pub hosts: Vec<WildMatch>,
    /// Globs on the service's name.
    pub services: Vec<WildMatch>,
    /// Globs on tag slugs, of the host or of the service.
    pub tags: Vec<WildMatch>,
    /// Globs on the tenant's slug.
    pub tenants: Vec<WildMatch>,
}

impl Matcher {
    /// A glob that ignores case.
    pub fn glob(pattern: &str) -> WildMatch {
        WildMatch::new_case_insensitive(pattern)
    }

    /// Whether nothing is selected.
    pub fn is_empty(&self) -> bool {
        let Self { types, hosts, services, tags, tenants } = self;
        types.is_empty() && hosts.is_empty() && services.is_empty() && tags.is_empty() && tenants.is_empty()
    }

    /// Whether the rule applies to this drift.
    pub fn matches(&self, id: &DriftId, labels: Labels<'_>) -> bool {
        let Self { types, hosts, services, tags, tenants } = self;
        let any = |globs: &[WildMatch], text: Option<&str>| {
            globs.is_empty() || text.is_some_and(|text| globs.iter().any(|glob| glob.matches(text)))
        };
        let subject = match &id.subject {
            crate::id::Subject::Host(host) => host.to_string(),
            crate::id::Subject::Source(source) => source.to_string(),
        };
        !self.is_empty()
            && (types.is_empty() || types.contains(&id.event_type))
            && any(hosts, Some(&subject))
            && any(services, id.service.as_ref().map(|s| s.as_str()))
            && (tags.is_empty() || labels.tags().any(|tag| tags.iter().any(|glob| glob.matches(tag))))
            && any(tenants, labels.tenant)
    }
}

/// What NetBox says about the host and service a drift concerns, for matching.
#[derive(Clone, Copy, Debug, Default)]
pub struct Labels<'a> {
    host_tags: &'a [Arc<str>],
    service_tags: &'a [Arc<str>],
    tenant: Option<&'a str>,
}

impl<'a> Labels<'a> {
    /// These tags and this tenant, from wherever they were kept.
    pub fn new(tags: &'a [Arc<str>], tenant: Option<&'a str>) -> Self {
        Self { host_tags: tags, service_tags: &[], tenant }
    }

    /// Looks the drift's host and service up. What is not declared has no tags.
    pub fn of(expected: &'a Expected, id: &DriftId) -> Self {
        match expected.host() {
            Lookup::Present(host) => {
                let service = id.service.as_ref().and_then(|name| host.service(name));
                Self {
                    host_tags: &host.tags,
                    service_tags: service.map(|service| service.tags.as_slice()).unwrap_or(&[]),
                    tenant: host.tenant.as_deref(),
                }
            }
            Lookup::Absent | Lookup::Unknown(_) => Self::default(),
        }
    }

    /// The tags' slugs, of the host and of the service.
    pub fn tags(self) -> impl Iterator<Item = &'a str> {
        self.host_tags.iter().chain(self.service_tags).map(|tag| &**tag)
    }

    /// The tenant's slug.
    pub fn tenant(self) -> Option<&'a str> {
        self.tenant
    }
}

/// A difference the operator accepts.
#[derive(Clone, Debug, PartialEq)]
pub struct IgnoreRule {
    /// Its name, shown where it hits.
    pub name: Arc<str>,
    /// Whom it concerns.
    pub matcher: Matcher,
    /// Why, in the operator's words.
    pub reason: Arc<str>,
    /// Who decided it.
    pub owner: Option<Arc<str>>,
    /// When it ends; `None` = never.
    pub expires: Option<Timestamp>,
}

impl IgnoreRule {
    /// Whether it holds at this moment.
    pub fn in_force(&self, now: Timestamp) -> bool {
        self.expires.is_none_or(|end| now < end)
    }
}

/// A severity of the operator's own. The first rule that matches decides.
#[derive(Clone, Debug, PartialEq)]
pub struct SeverityRule {
    /// Whom it concerns.
    pub matcher: Matcher,
    /// The severity instead of the type's.
    pub severity: Severity,
}
