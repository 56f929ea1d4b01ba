//! `[[remediation.action]]` and `[[remediation.rule]]`: what may be asked for, of whom, and for which drift. What does not
//! live here: the bounds it keeps within, see [`super::remediation`].

use std::collections::BTreeSet;
use std::sync::Arc;

use evenkeel_core::Severity;
use evenkeel_core::remediation::{Action, Effect, Mode, Param, Rule};
use jiff::SignedDuration;

use super::RepairAction;
use super::key::{Key, Section, meant};
use super::remediation::span;
use super::rules;
use super::sinks::{shared, webhook};
use super::table::{Table, Value};
use super::value::{Read, at_least, word};

const NAME: Key = Key::required("name", "text", "Its name, shown with everything it does; once per kind.");
const EFFECT: Key = Key::with_default(
    "effect",
    "`repair` or `tell`",
    "\"repair\"",
    "`repair`: an observation says whether it worked. `tell`: a message or a ticket; once per opening of a drift, and \
     over when its receiver says so.",
);
const PARAMS: Key = Key::optional(
    "params",
    "list of parameters",
    "none",
    "What it is told: `host`, `service`, `handle`, `drift_id`, `event_type`, `severity`, `container`, `vmid`, `node`, \
     `port`, `ip`, `source`. A drift of which one of them is not known gets no proposal.",
);
const CONCURRENCY: Key =
    Key::optional("concurrency", "number", "only the overall bound holds", "How many of it run at once.");
const ANSWER_WITHIN: Key = Key::with_default(
    "answer_within",
    "duration",
    "\"10m\"",
    "How long it may take to say how it went, from dispatch on.",
);
const VERIFY_WITHIN: Key = Key::with_default(
    "verify_within",
    "duration",
    "\"5m\"",
    "How long its effect may take to be seen, from its answer on.",
);
const SUCCESS: Key = Key::with_default(
    "success",
    "`2xx`, `accepted` or table",
    "\"accepted\"",
    "What counts as accepted, as for a sink. n8n answers 200 with nothing if a workflow crashes; so `2xx` is rarely \
     meant here.",
);

/// `[[remediation.action]]`.
pub(super) const ACTION_SECTION: Section = Section {
    header: "[[remediation.action]]",
    doc: "Something a rule may ask for, and where it is sent. What is not listed cannot be asked for. Requests carry a \
          signature (`secrets`), a header that is compared (`header`), or both; one of them must be there.",
    keys: &[
        &NAME,
        &EFFECT,
        &PARAMS,
        &CONCURRENCY,
        &ANSWER_WITHIN,
        &VERIFY_WITHIN,
        &webhook::URL,
        &webhook::SECRETS,
        &shared::HEADER,
        &SUCCESS,
        &shared::TIMEOUT,
        &super::trust::CA_FILE,
        &shared::ALLOW_LINK_LOCAL,
    ],
    inherits: &[],
};

const ACTION: Key = Key::optional(
    "action",
    "text",
    "only where the mode is `off`",
    "The name of the action it asks for, from `[[remediation.action]]`.",
);
const MODE: Key = Key::required(
    "mode",
    "`off`, `propose`, `approve` or `auto`",
    "`off`: nothing is proposed, an exception before a wider rule. `propose`: a proposal is listed, and a person may \
     approve it. `approve`: as `propose`, and a notice asks for approval. `auto`: the rule approves it.",
);
const SEVERITIES: Key = Key::optional("severities", "list of severities", "any", "Severities.");
const MIN_AGE: Key = Key::with_default(
    "min_age",
    "duration",
    "\"0s\"",
    "How long a drift must have been open. A younger one waits for this rule and does not fall through to the next.",
);

/// `[[remediation.rule]]`.
pub(super) const RULE_SECTION: Section = Section {
    header: "[[remediation.rule]]",
    doc: "Which drift asks for which action, and who may approve it. The first rule that selects a drift decides. Within \
          one list any entry suffices; all lists that are written must match. A rule must name at least one of types, \
          hosts, services, tags and tenants.",
    keys: &[
        &NAME,
        &ACTION,
        &MODE,
        &rules::TYPES,
        &rules::HOSTS,
        &rules::SERVICES,
        &rules::TAGS,
        &rules::TENANTS,
        &SEVERITIES,
        &MIN_AGE,
    ],
    inherits: &[],
};

impl Read for Effect {
    fn read(value: &Value<'_>) -> Option<Self> {
        word(value, "an effect", &Self::ALL.map(|effect| (effect.as_str(), effect)))
    }
}

impl Read for Mode {
    fn read(value: &Value<'_>) -> Option<Self> {
        word(value, "a mode", &Self::ALL.map(|mode| (mode.as_str(), mode)))
    }
}

impl Read for Param {
    fn read(value: &Value<'_>) -> Option<Self> {
        word(value, "a parameter", &Self::ALL.map(|param| (param.as_str(), param)))
    }
}

/// Reads all actions.
pub(super) fn actions(tables: &[Table<'_>]) -> Option<Vec<RepairAction>> {
    unique(tables);
    let read: Vec<Option<RepairAction>> = tables.iter().map(action).collect();
    read.into_iter().collect()
}

fn action(table: &Table<'_>) -> Option<RepairAction> {
    let name: Option<Arc<str>> = table.get(&NAME);
    let effect = table.get(&EFFECT);
    let params: Option<Vec<Param>> = table.get(&PARAMS);
    let concurrency = table.checked(&CONCURRENCY, at_least(1));
    let (answer_within, verify_within) = (span(table, &ANSWER_WITHIN), span(table, &VERIFY_WITHIN));
    let receiver = webhook::read_in(table, name.as_deref(), &ACTION_SECTION, &SUCCESS);
    if !table.has(&webhook::SECRETS) && !table.has(&shared::HEADER) {
        table.wrong(
            &webhook::SECRETS,
            "is missing; sign requests with a secret, or send a header: else anybody could ask for this action",
        );
        return None;
    }
    let written_wrong = |key: &Key, read: bool| table.has(key) && !read;
    if written_wrong(&PARAMS, params.is_some()) || written_wrong(&CONCURRENCY, concurrency.is_some()) {
        return None;
    }
    let action = Action {
        name: name?,
        effect: effect?,
        params: params.into_iter().flatten().collect(),
        concurrency,
        answer_within: answer_within?,
        verify_within: verify_within?,
    };
    Some(RepairAction { action, webhook: receiver? })
}

/// Reads all rules; each must ask for an action there is. `None` for the actions: what they are could not be read.
pub(super) fn rules(tables: &[Table<'_>], actions: Option<&[RepairAction]>) -> Option<Vec<Rule>> {
    unique(tables);
    let read: Vec<Option<Rule>> = tables.iter().map(|table| rule(table, actions)).collect();
    read.into_iter().collect()
}

fn rule(table: &Table<'_>, actions: Option<&[RepairAction]>) -> Option<Rule> {
    let (name, mode) = (table.get(&NAME), table.get(&MODE));
    let action: Option<Arc<str>> = table.get(&ACTION);
    let severities: Option<Vec<Severity>> = table.get(&SEVERITIES);
    let min_age: Option<std::time::Duration> = table.get(&MIN_AGE);
    let matcher = rules::matcher(table);
    if table.is_empty_list(&SEVERITIES) {
        table.wrong(&SEVERITIES, "is an empty list, which would mean `any`; leave the key out");
    }
    match (&action, mode) {
        (None, Some(Mode::Propose | Mode::Approve | Mode::Auto)) if !table.has(&ACTION) => {
            table.wrong(&ACTION, "is missing; name the action this rule asks for");
            return None;
        }
        (Some(asked), Some(_)) => known(table, asked, actions)?,
        (None, Some(Mode::Off | Mode::Propose | Mode::Approve | Mode::Auto)) | (_, None) => {}
    }
    if severities.is_none() && table.has(&SEVERITIES) {
        return None;
    }
    let min_age = min_age.and_then(|age| SignedDuration::try_from(age).ok());
    Some(Rule {
        name: name?,
        matcher: matcher?,
        severities: severities.into_iter().flatten().collect(),
        min_age: min_age?,
        action,
        mode: mode?,
    })
}

fn known(table: &Table<'_>, asked: &str, actions: Option<&[RepairAction]>) -> Option<()> {
    let Some(actions) = actions else {
        return Some(());
    };
    let names = || actions.iter().map(|action| &*action.action.name);
    if names().any(|name| name == asked) {
        return Some(());
    }
    let hint = match meant(asked, names()) {
        Some(name) => format!("did you mean `{name}`?"),
        None => "list it under [[remediation.action]]".to_owned(),
    };
    table.wrong(&ACTION, format!("`{asked}` is not an action; {hint}"));
    None
}

fn unique(tables: &[Table<'_>]) {
    let mut seen = BTreeSet::new();
    for table in tables {
        let name = table.written_text(&NAME).map(|name| name.trim().to_owned());
        if name.is_some_and(|name| !seen.insert(name)) {
            table.wrong(&NAME, "is taken by another one of this kind; give each its own name");
        }
    }
}
