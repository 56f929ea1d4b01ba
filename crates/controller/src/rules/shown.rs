//! The rules as they are shown: every one that was decided, with what it covers. Not here: the paths and pages.

use std::collections::HashMap;
use std::sync::Arc;

use evenkeel_core::policy::silence::Covers;
use evenkeel_core::policy::{IgnoreRule, MadeSilence, Matcher, SeverityRule, Silence};
use evenkeel_web::{RuleKind, RuleLine, RuleOrigin, Selects};

use crate::hub::Hub;

/// Every rule, in the order in which the configuration has them and silences were made.
pub fn lines(hub: &Hub) -> Vec<RuleLine> {
    let edition = hub.rules.now();
    let mut ignored: HashMap<Arc<str>, u64> = HashMap::new();
    let mut weighed: HashMap<usize, u64> = HashMap::new();
    let mut silenced: HashMap<Arc<str>, u64> = HashMap::new();
    hub.book.visit(|record| {
        record.hits.ignored.iter().for_each(|(rule, n)| *ignored.entry(rule.clone()).or_default() += n);
        record.hits.weighed.iter().for_each(|(rule, n)| *weighed.entry(*rule).or_default() += n);
        for name in record.ledger.open().filter_map(|entry| entry.silenced.as_ref()) {
            *silenced.entry(name.clone()).or_default() += 1;
        }
    });
    let of = |hits: &HashMap<Arc<str>, u64>, name: &Arc<str>| hits.get(name).copied().unwrap_or(0);
    let policy = &edition.policy;
    let ignore = policy.ignore.iter().map(|rule| ignore(rule, of(&ignored, &rule.name)));
    let made = |silence: &Silence| edition.made.iter().find(|made| made.name == silence.name);
    let now = crate::collect::now();
    // One that was made and has ended is history; one of the configuration should be taken out of it.
    let is_shown = |s: &&Silence| matches!(s.covers, Covers::Rule(_)) || s.ends > now;
    let silences =
        policy.silences.iter().filter(is_shown).map(|s| silence(s, made(s), of(&silenced, &s.name)));
    let severity = policy.severity.iter().enumerate();
    let severity = severity.map(|(at, rule)| weigh(rule, weighed.get(&at).copied().unwrap_or(0)));
    ignore.chain(silences).chain(severity).collect()
}

fn ignore(rule: &IgnoreRule, hits: u64) -> RuleLine {
    let IgnoreRule { name, matcher, reason, owner, expires } = rule;
    RuleLine {
        name: Some(name.clone()),
        reason: Some(reason.clone()),
        owner: owner.clone(),
        ends: *expires,
        ..line(RuleKind::Ignore, selects(matcher), hits)
    }
}

fn silence(silence: &Silence, made: Option<&MadeSilence>, hits: u64) -> RuleLine {
    let Silence { name, covers, reason, owner, starts, ends } = silence;
    let (origin, selects) = match covers {
        Covers::Rule(matcher) => (RuleOrigin::Configuration, selects(matcher)),
        Covers::Pattern(matcher) => (RuleOrigin::Made, selects(matcher)),
        Covers::Drift(drift) => {
            let (drift_id, drift_handle) = (Some(drift.to_string()), Some(drift.handle()));
            (RuleOrigin::Made, Selects { drift_id, drift_handle, ..Selects::default() })
        }
    };
    RuleLine {
        origin,
        name: Some(name.clone()),
        reason: Some(reason.clone()),
        owner: owner.clone(),
        starts: *starts,
        ends: Some(*ends),
        until_resolved: made.is_some_and(|made| made.until_resolved),
        ..line(RuleKind::Silence, selects, hits)
    }
}

fn weigh(rule: &SeverityRule, hits: u64) -> RuleLine {
    let SeverityRule { matcher, severity } = rule;
    RuleLine { severity: Some(*severity), ..line(RuleKind::Severity, selects(matcher), hits) }
}

fn line(kind: RuleKind, selects: Selects, hits: u64) -> RuleLine {
    RuleLine {
        kind,
        origin: RuleOrigin::Configuration,
        name: None,
        reason: None,
        owner: None,
        severity: None,
        selects,
        starts: None,
        ends: None,
        until_resolved: false,
        hits,
    }
}

fn selects(matcher: &Matcher) -> Selects {
    let Matcher { types, hosts, services, tags, tenants } = matcher;
    let texts =
        |globs: &[wildmatch::WildMatch]| globs.iter().map(|glob| Arc::from(glob.to_string())).collect();
    Selects {
        drift_id: None,
        drift_handle: None,
        types: types.clone(),
        hosts: texts(hosts),
        services: texts(services),
        tags: texts(tags),
        tenants: texts(tenants),
    }
}
