//! The rules of the operator: `[[alias]]`, `[[ignore]]`, `[[severity]]`, `[[silence]]`. What does not live here: how a
//! rule is applied; that is [`evenkeel_core::policy`].

use std::collections::BTreeSet;
use std::sync::Arc;

use evenkeel_core::identity::Alias;
use evenkeel_core::policy::{Covers, IgnoreRule, Matcher, SeverityRule, Silence};
use evenkeel_core::{HostName, ServiceName, Severity};
use jiff::Timestamp;

use super::key::{Key, Section};
use super::table::Table;
use super::value::Moment;

const HOST: Key =
    Key::optional("host", "text", "it holds on every host", "The host it holds on, by its name in NetBox.");
const SERVICE: Key = Key::required("service", "text", "The service, by its name in NetBox.");
const ALSO: Key = Key::required("also", "text", "The container or Compose service it also answers to.");

/// `[[alias]]`.
pub(super) const ALIAS_SECTION: Section = Section {
    header: "[[alias]]",
    doc: "Another name of a declared service, where neither a label nor NetBox's `container_name` says it.",
    keys: &[&HOST, &SERVICE, &ALSO],
    inherits: &[],
};

pub(super) const TYPES: Key = Key::optional(
    "types",
    "list of event types",
    "any",
    "Event types. The older names `VM_NOT_RUNNING` and `HOST_NOT_RESPONDING` are understood.",
);
pub(super) const HOSTS: Key = Key::optional(
    "hosts",
    "list of globs",
    "any",
    "Host names, with `*` and `?`; a source that belongs to no host is matched as `netbox/main`.",
);
pub(super) const SERVICES: Key = Key::optional("services", "list of globs", "any", "Service names.");
pub(super) const TAGS: Key =
    Key::optional("tags", "list of globs", "any", "Slugs of tags, of the host or of the service.");
pub(super) const TENANTS: Key = Key::optional("tenants", "list of globs", "any", "Slugs of tenants.");

const NAME: Key = Key::required("name", "text", "Its name, shown where it hits; once per kind of rule.");
const REASON: Key =
    Key::required("reason", "text", "Why, in your words: whoever reads the list next year wants to know.");
const OWNER: Key = Key::optional("owner", "text", "nobody is named", "Who decided it.");
const EXPIRES: Key = Key::optional(
    "expires",
    "date or moment",
    "it never ends",
    "When it ends. A date counts in full, in UTC.",
);

/// `[[ignore]]`.
pub(super) const IGNORE_SECTION: Section = Section {
    header: "[[ignore]]",
    doc: "A difference you accept: it is counted and shown as ignored, and is no drift. Within one list any entry \
          suffices; all lists that are written must match. A rule without any list is refused.",
    keys: &[&NAME, &REASON, &OWNER, &EXPIRES, &TYPES, &HOSTS, &SERVICES, &TAGS, &TENANTS],
    inherits: &[],
};

const SEVERITY: Key = Key::required(
    "severity",
    "severity",
    "`info`, `low`, `medium`, `high` or `critical`, instead of the type's own.",
);

/// `[[severity]]`.
pub(super) const SEVERITY_SECTION: Section = Section {
    header: "[[severity]]",
    doc: "How much something matters here. The first rule that matches decides.",
    keys: &[&SEVERITY, &TYPES, &HOSTS, &SERVICES, &TAGS, &TENANTS],
    inherits: &[],
};

const STARTS: Key = Key::optional("starts", "date or moment", "at once", "When it begins.");
const ENDS: Key = Key::required(
    "ends",
    "date or moment",
    "When it ends. A silence always ends; for good, use `[[ignore]]`. A date counts in full, in UTC.",
);

/// `[[silence]]`.
pub(super) const SILENCE_SECTION: Section = Section {
    header: "[[silence]]",
    doc: "A time during which drift is kept and shown, but sent to nobody: maintenance.",
    keys: &[&NAME, &REASON, &OWNER, &STARTS, &ENDS, &TYPES, &HOSTS, &SERVICES, &TAGS, &TENANTS],
    inherits: &[],
};

/// Reads one `[[alias]]`.
pub(super) fn alias(table: &Table<'_>) -> Option<Alias> {
    let host: Option<HostName> = table.get(&HOST);
    let (service, also): (Option<ServiceName>, Option<Arc<str>>) = (table.get(&SERVICE), table.get(&ALSO));
    Some(Alias { host, service: service?, also: also? })
}

/// Reads one `[[ignore]]`.
pub(super) fn ignore(table: &Table<'_>) -> Option<IgnoreRule> {
    let (name, reason) = (table.get(&NAME), table.get(&REASON));
    let owner = table.get(&OWNER);
    let expires = table.get::<Moment>(&EXPIRES).map(Moment::end);
    let matcher = matcher(table);
    if let Some(Some(end)) = expires
        && end <= table.reader().now()
    {
        let place = table.place_of(&EXPIRES);
        table
            .reader()
            .warn(&place, format!("this rule ended on {} and does nothing; remove or extend it", day(end)));
    }
    Some(IgnoreRule { name: name?, matcher: matcher?, reason: reason?, owner, expires: expires.flatten() })
}

/// Reads one `[[severity]]`.
pub(super) fn severity(table: &Table<'_>) -> Option<SeverityRule> {
    let severity: Option<Severity> = table.get(&SEVERITY);
    let matcher = matcher(table);
    Some(SeverityRule { matcher: matcher?, severity: severity? })
}

/// Reads one `[[silence]]`.
pub(super) fn silence(table: &Table<'_>) -> Option<Silence> {
    let (name, reason) = (table.get(&NAME), table.get(&REASON));
    let owner = table.get(&OWNER);
    let starts = table.get::<Moment>(&STARTS).and_then(Moment::begin);
    let ends = table.get::<Moment>(&ENDS).and_then(Moment::end);
    let matcher = matcher(table);
    if let Some(end) = ends {
        if starts.is_some_and(|start| start >= end) {
            table.wrong(&ENDS, "lies before its start; exchange the two or correct one");
        } else if end <= table.reader().now() {
            let place = table.place_of(&ENDS);
            table
                .reader()
                .warn(&place, format!("this silence ended on {} and does nothing; remove it", day(end)));
        }
    }
    Some(Silence { name: name?, covers: Covers::Rule(matcher?), reason: reason?, owner, starts, ends: ends? })
}

/// Notes names that stand twice among these tables.
pub(super) fn unique_names(tables: &[Table<'_>]) {
    let mut seen = BTreeSet::new();
    for table in tables {
        let Some(name) = table.written_text(&NAME) else {
            continue;
        };
        if !seen.insert(name) {
            table.wrong(
                &NAME,
                format!("`{name}` is taken by another rule of this kind; give each its own name"),
            );
        }
    }
}

/// Reads whom a rule selects; a rule that selects nobody is a mistake.
pub(super) fn matcher(table: &Table<'_>) -> Option<Matcher> {
    let (types, hosts, services) = (table.get(&TYPES), table.get(&HOSTS), table.get(&SERVICES));
    let (tags, tenants) = (table.get(&TAGS), table.get(&TENANTS));
    let lists = [&TYPES, &HOSTS, &SERVICES, &TAGS, &TENANTS];
    if !lists.iter().any(|key| table.has(key)) {
        table.reader().error(
            table.place(),
            "selects nothing; name types, hosts, services, tags or tenants (hosts = [\"*\"] for everything)",
        );
        return None;
    }
    let matcher = Matcher {
        types: types.unwrap_or_default(),
        hosts: hosts.unwrap_or_default(),
        services: services.unwrap_or_default(),
        tags: tags.unwrap_or_default(),
        tenants: tenants.unwrap_or_default(),
    };
    for key in lists {
        if table.has(key) && table.is_empty_list(key) {
            table.wrong(
                key,
                "is an empty list, which would mean `any`; leave the key out or name what is meant",
            );
        }
    }
    Some(matcher)
}

/// The last day before the moment something ends.
fn day(end: Timestamp) -> String {
    let last = end.checked_sub(jiff::SignedDuration::from_secs(1)).unwrap_or(end);
    last.strftime("%Y-%m-%d").to_string()
}
