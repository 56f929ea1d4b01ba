//! One drift in a sentence, and what can be done about it: repair what is, or complete NetBox. Nothing is done here.

use evenkeel_core::drift::{Difference, size_words};
use evenkeel_core::ledger::Entry;
use evenkeel_core::model::RunState;
use evenkeel_core::{DriftId, EventType, Field, Gap, Subject};
use fluent_bundle::FluentValue;
use maud::{Markup, html};

use super::text::clean;
use super::words::Words;

/// A text from the world, for a sentence.
fn word(text: &str) -> FluentValue<'static> {
    FluentValue::from(clean(text).into_owned())
}

/// What a drift is about, as a name: the host, or the source itself.
pub(super) fn subject(id: &DriftId) -> String {
    match &id.subject {
        Subject::Host(host) => clean(host.as_str()).into_owned(),
        Subject::Source(source) => clean(&source.to_string()).into_owned(),
    }
}

/// A gap in words: its kind, and why where that says more.
pub(super) fn gap(words: Words, gap: &Gap) -> String {
    let kind = words.word("state", gap.kind.as_str());
    if gap.why.is_empty() { kind } else { format!("{kind}: {}", clean(&gap.why)) }
}

/// The difference in one sentence.
pub(super) fn sentence(words: Words, id: &DriftId, difference: &Difference) -> String {
    let host = || ("host", FluentValue::from(subject(id)));
    let service = || ("service", id.service.as_ref().map_or_else(|| word(""), |name| word(name.as_str())));
    let state = |state: &str| ("state", FluentValue::from(words.word("state", state)));
    let text = |name: &'static str, text: String| (name, word(&text));
    match difference {
        Difference::Missing { state: None, .. } => words.with("said-missing", [service(), host()]),
        Difference::Missing { state: Some(RunState::Closed), .. } => {
            words.with("said-missing-closed", [service(), host()])
        }
        Difference::Missing { state: Some(is), .. } => {
            words.with("said-missing-state", [service(), host(), state(is.as_str())])
        }
        Difference::Unexpected { retired: true, .. } => words.with("said-retired", [service(), host()]),
        Difference::Unexpected { retired: false, .. } => words.with("said-unexpected", [service(), host()]),
        Difference::PortMismatch { expected, observed } => {
            let real = observed.open.union(&observed.loopback).to_string();
            let both = [text("expected", expected.to_string()), text("observed", real)];
            let [expected, observed] = both;
            words.with("said-ports", [service(), host(), expected, observed])
        }
        Difference::PortClosed { expected, open, seen_by, probed_by } => words.with(
            "said-port-closed",
            [
                service(),
                host(),
                text("expected", expected.to_string()),
                text("open", open.to_string()),
                text("seen", seen_by.to_string()),
                text("probe", probed_by.to_string()),
            ],
        ),
        Difference::VmDown { state: Some(is) } => words.with("said-vm-down", [host(), state(is.as_str())]),
        Difference::VmDown { state: None } => words.with("said-vm-gone", [host()]),
        Difference::VmUndeclared { kind: _, key, node: _ } => {
            words.with("said-vm-undeclared", [host(), ("key", word(key))])
        }
        Difference::Exceeded { percent, limit } => words.with(
            "said-exceeded",
            [
                host(),
                text("what", measured(words, id)),
                ("percent", (*percent).into()),
                ("limit", (*limit).into()),
            ],
        ),
        Difference::TooLarge { at, bytes, limit } => words.with(
            "said-too-large",
            [("at", word(at)), text("size", size_words(*bytes)), text("limit", size_words(*limit))],
        ),
        Difference::Blind { gap: cause, unknown_services } => blind(words, id, cause, *unknown_services),
        Difference::RestartLoop { restarts: Some(n), .. } => {
            words.with("said-restarts", [service(), host(), ("n", (*n).into())])
        }
        Difference::RestartLoop { restarts: None, .. } => words.with("said-restarting", [service(), host()]),
        Difference::Config { expected, observed } => {
            config(words, id, expected.as_deref(), observed.as_deref())
        }
    }
}

fn measured(words: Words, id: &DriftId) -> String {
    let field = id.field.map(|field| words.word("field", field.as_str()));
    let volume = id.service.as_ref().map(|name| clean(name.as_str()).into_owned());
    field.into_iter().chain(volume).collect::<Vec<_>>().join(" ")
}

fn blind(words: Words, id: &DriftId, cause: &Gap, unknown: u32) -> String {
    let host = ("host", FluentValue::from(subject(id)));
    let why = ("why", FluentValue::from(gap(words, cause)));
    if id.event_type == EventType::NodeUnreachable {
        return words.with("said-unreachable", [host, why]);
    }
    let source = id.source.as_ref().map_or_else(|| subject(id), |source| source.to_string());
    let said = words.with("said-blind", [host, why, ("source", word(&source))]);
    match unknown {
        0 => said,
        n => format!("{said} {}", words.count("said-blind-services", n as usize)),
    }
}

fn config(words: Words, id: &DriftId, expected: Option<&str>, observed: Option<&str>) -> String {
    let field = id.field.map_or_else(String::new, |field: Field| words.word("field", field.as_str()));
    let what = match &id.service {
        Some(service) => format!("{} › {}", subject(id), clean(service.as_str())),
        None => subject(id),
    };
    let about = || [("field", FluentValue::from(field.clone())), ("what", FluentValue::from(what.clone()))];
    let [field, what] = about();
    match (expected, observed) {
        (Some(e), Some(o)) => {
            words.with("said-config", [field, what, ("expected", word(e)), ("observed", word(o))])
        }
        (Some(e), None) => words.with("said-config-ambiguous", [field, what, ("expected", word(e))]),
        (None, Some(o)) => words.with("said-config-undeclared", [field, what, ("observed", word(o))]),
        (None, None) => words.with("said-config-unknown", [field, what]),
    }
}

/// A sentence of ours with its commands marked as such.
pub(super) fn marked(sentence: &str) -> Markup {
    html! {
        @for (n, part) in sentence.split('`').enumerate() {
            @if n % 2 == 0 { (part) } @else { code { (part) } }
        }
    }
}

/// How reality is repaired, and how NetBox is completed.
pub(super) fn advice(words: Words, entry: &Entry) -> (String, Option<String>) {
    let (repair, netbox) = advice_keys(&entry.id, &entry.difference);
    let host = || ("host", FluentValue::from(subject(&entry.id)));
    let service = || {
        let name = entry.id.service.as_ref().map_or_else(|| subject(&entry.id), |name| name.to_string());
        ("service", word(&name))
    };
    // Whoever is blind is who is to answer again; it may not be who saw the rest.
    let asked = entry.id.source.as_ref().unwrap_or(&entry.evidence.source);
    let source = || ("source", word(&asked.to_string()));
    let (ports, seen, probe) = match &entry.difference {
        Difference::PortMismatch { expected, .. } => (expected.to_string(), String::new(), String::new()),
        Difference::PortClosed { expected, seen_by, probed_by, .. } => {
            (expected.to_string(), seen_by.to_string(), probed_by.to_string())
        }
        Difference::Missing { .. }
        | Difference::Unexpected { .. }
        | Difference::VmDown { .. }
        | Difference::VmUndeclared { .. }
        | Difference::Exceeded { .. }
        | Difference::TooLarge { .. }
        | Difference::Blind { .. }
        | Difference::RestartLoop { .. }
        | Difference::Config { .. } => Default::default(),
    };
    let more = || [("ports", word(&ports)), ("seen", word(&seen)), ("probe", word(&probe))];
    let say = |key: &str| {
        let [ports, seen, probe] = more();
        words.with(key, [host(), service(), source(), ports, seen, probe])
    };
    (say(repair), netbox.map(say))
}

fn advice_keys(id: &DriftId, difference: &Difference) -> (&'static str, Option<&'static str>) {
    match difference {
        Difference::Missing { state: Some(RunState::Closed), .. } => ("do-closed", Some("netbox-ports")),
        Difference::Missing { state: Some(_), .. } => ("do-stopped", Some("netbox-stopped")),
        Difference::Missing { state: None, .. } => ("do-missing", Some("netbox-missing")),
        Difference::Unexpected { retired: true, .. } => ("do-retired", Some("netbox-retired")),
        Difference::Unexpected { retired: false, .. } => ("do-unexpected", Some("netbox-unexpected")),
        Difference::PortMismatch { .. } => ("do-ports", Some("netbox-ports")),
        Difference::PortClosed { .. } => ("do-port-closed", Some("netbox-ports")),
        Difference::VmDown { state: Some(_) } => ("do-vm-down", Some("netbox-offline")),
        Difference::VmDown { state: None } => ("do-vm-gone", Some("netbox-vm-gone")),
        Difference::VmUndeclared { .. } => ("do-vm-undeclared", Some("netbox-vm-undeclared")),
        Difference::Exceeded { .. } => ("do-exceeded", Some("netbox-exceeded")),
        Difference::TooLarge { .. } => ("do-too-large", Some("netbox-too-large")),
        Difference::Blind { .. } if id.event_type == EventType::NodeUnreachable => {
            ("do-unreachable", Some("netbox-offline"))
        }
        Difference::Blind { .. } if id.event_type == EventType::DockerUnreachable => {
            ("do-blind", Some("netbox-offline"))
        }
        Difference::Blind { .. } => ("do-blind", None),
        Difference::RestartLoop { .. } => ("do-restart", None),
        Difference::Config { .. } => ("do-config", Some("netbox-config")),
    }
}
