//! What answers and bodies look like. The words come from the code that writes them; the shapes are held against real answers
//! by tests. Core knows no such thing as a schema, so these stand here and are not derived there. Every object is closed:
//! what it does not name does not come. Not here: which operation answers what.

use evenkeel_core::{EventType, Severity, SourceKind};
use evenkeel_store::JournalKind;
use serde_json::{Map, Value, json};

use super::bodies::{doors, repairs, silences};
use super::schema;
use super::shape::{flag, framed, list, moment, number, object, or_null, text, uuid, with_some, word};
use crate::problem::Kind;

/// Every schema, by name.
pub(super) fn all() -> Value {
    let mut all = Map::new();
    for part in [basics(), drifts(), hosts(), services(), outbox(), silences(), repairs(), doors()] {
        for (name, shape) in part {
            all.insert(name.to_owned(), shape);
        }
    }
    Value::Object(all)
}

pub(super) type Shapes = Vec<(&'static str, Value)>;

fn basics() -> Shapes {
    let kinds = Kind::ALL.map(|kind| format!("urn:evenkeel:problem:{}", kind.word()));
    let mut frame = json!({ "type": "object", "required": ["next", "as_of", "coverage"],
        "description": "What stands around the rows of every list." });
    frame["properties"] = json!({ "next": or_null(text()), "as_of": moment(),
        "coverage": schema("Coverage"), "follows": schema("Follows") });
    vec![
        ("Frame", frame),
        ("Coverage", object([("blind_sources", number()), ("complete", flag())])),
        ("Follows", object([("leader", text()), ("status_age_seconds", or_null(number()))])),
        ("Gap", object([("kind", word(GAPS)), ("why", text())])),
        (
            "Problem",
            with_some(
                [
                    ("type", word(kinds.iter().map(String::as_str))),
                    ("title", text()),
                    ("status", number()),
                    ("detail", text()),
                ],
                [("refused", list(schema("Remark")))],
            ),
        ),
        ("Remark", object([("line", number()), ("reason", text())])),
        (
            "Side",
            with_some(
                [],
                [
                    ("port", number()),
                    ("ports", list(text())),
                    ("role", text()),
                    ("state", text()),
                    ("image", text()),
                    ("field", text()),
                    ("value", text()),
                ],
            ),
        ),
    ]
}

const GAPS: [&str; 10] = [
    "not_yet_observed",
    "uncovered",
    "unreachable",
    "timed_out",
    "unauthorized",
    "malformed",
    "truncated",
    "stale",
    "implausible",
    "ambiguous",
];

pub(super) fn types() -> Value {
    word(EventType::ALL.map(EventType::code))
}

pub(super) fn severities() -> Value {
    word(Severity::ALL.map(Severity::as_str))
}

fn drifts() -> Shapes {
    let blind = object([("since", moment()), ("gap", schema("Gap"))]);
    let evidence = object([
        ("source", text()),
        ("observed_at", moment()),
        ("seen", number()),
        ("clean", number()),
        ("clean_since", or_null(moment())),
        ("said_at", or_null(moment())),
        ("transitions", list(moment())),
    ]);
    vec![
        (
            "Drift",
            object([
                ("handle", text()),
                ("id", text()),
                ("event_type", types()),
                ("host", or_null(text())),
                ("service", or_null(text())),
                ("field", or_null(text())),
                ("severity", severities()),
                ("state", word(["pending", "open", "resolved"])),
                ("expected", or_null(schema("Side"))),
                ("observed", or_null(schema("Side"))),
                ("details", text()),
                ("source", text()),
                ("first_seen", moment()),
                ("last_seen", moment()),
                ("opened_at", or_null(moment())),
                ("resolved_at", or_null(moment())),
                ("blind", or_null(blind)),
                ("parent", or_null(text())),
                ("folded_count", number()),
                ("flapping", flag()),
                ("silenced", or_null(text())),
                ("baseline", flag()),
                ("announced", flag()),
            ]),
        ),
        (
            "DriftDetail",
            framed(object([
                ("drift", schema("Drift")),
                ("evidence", evidence),
                ("events", list(schema("Event"))),
                ("others", list(schema("Drift"))),
            ])),
        ),
        (
            "Event",
            with_some(
                [
                    ("id", uuid()),
                    ("hostname", or_null(text())),
                    ("service", or_null(text())),
                    ("event_type", types()),
                    ("expected", or_null(schema("Side"))),
                    ("observed", or_null(schema("Side"))),
                    ("severity", severities()),
                    ("details", text()),
                    ("source", text()),
                    ("created_at", moment()),
                    ("transition", word(["opened", "reopened", "changed", "resolved", "reminder"])),
                    ("drift_id", text()),
                    ("handle", text()),
                    ("first_seen", moment()),
                    ("last_seen", moment()),
                    ("flapping", flag()),
                    ("baseline", flag()),
                    ("folded_count", number()),
                ],
                [("folded", list(text()))],
            ),
        ),
    ]
}

fn hosts() -> Shapes {
    vec![
        (
            "Host",
            object([
                ("host", text()),
                ("declared", or_null(flag())),
                ("status", or_null(text())),
                ("site", or_null(text())),
                ("tenant", or_null(text())),
                ("cluster", or_null(text())),
                ("node", or_null(text())),
                ("expected_services", number()),
                ("required_services", number()),
                ("unwatched_services", number()),
                ("judged_since", or_null(moment())),
                ("sources", list(text())),
                ("blind", list(text())),
                ("machines", list(schema("Machine"))),
            ]),
        ),
        (
            "Machine",
            object([
                ("source", text()),
                ("kind", or_null(text())),
                ("state", or_null(text())),
                ("node", or_null(text())),
                ("observed_at", moment()),
            ]),
        ),
        (
            "HostDetail",
            framed(object([
                ("host", schema("Host")),
                ("services", or_null(list(schema("Service")))),
                ("sources", list(schema("Source"))),
                ("drifts", list(schema("Drift"))),
            ])),
        ),
        (
            "Source",
            object([
                ("source", text()),
                ("kind", word(SourceKind::ALL.map(SourceKind::as_str))),
                ("host", or_null(text())),
                ("up", flag()),
                ("gap", or_null(schema("Gap"))),
                ("answered_at", or_null(moment())),
                ("complete_at", or_null(moment())),
                ("blind_since", or_null(moment())),
                ("objects", number()),
                ("asking", or_null(schema("Asking"))),
                ("age_seconds", or_null(number())),
            ]),
        ),
    ]
}

/// One service with both sides.
fn services() -> Shapes {
    let expected = object([
        ("ports", or_null(list(text()))),
        ("lifecycle", or_null(text())),
        ("image", or_null(text())),
        ("role", or_null(text())),
    ]);
    let unknown = with_some([], [("state", schema("Gap")), ("ports", schema("Gap"))]);
    let observed = object([
        ("state", or_null(text())),
        ("ports", or_null(list(text()))),
        ("loopback", or_null(list(text()))),
        ("image", or_null(text())),
        ("role", or_null(text())),
        ("unknown", unknown),
    ]);
    vec![
        (
            "Service",
            object([
                ("service", text()),
                ("declared", or_null(flag())),
                ("demand", or_null(word(["run", "may_run", "either", "not_run"]))),
                ("expected", or_null(expected)),
                ("sight", word(["present", "absent", "unknown", "unwatched"])),
                ("gap", or_null(schema("Gap"))),
                ("observed", or_null(observed)),
                ("source", or_null(text())),
                ("observed_at", or_null(moment())),
                ("differs", list(text())),
            ]),
        ),
        (
            "Asking",
            object([
                ("took_ms", or_null(number())),
                ("next_at", or_null(moment())),
                ("failures", number()),
                ("left_alone", flag()),
            ]),
        ),
    ]
}

fn outbox() -> Shapes {
    vec![
        (
            "Delivery",
            object([
                ("id", number()),
                ("sink", text()),
                ("event", uuid()),
                ("drift_id", text()),
                ("state", word(["pending", "delivered", "dead"])),
                ("attempts", number()),
                ("created_at", moment()),
                ("due_at", moment()),
                ("claimed_at", or_null(moment())),
                ("settled_at", or_null(moment())),
                ("first_error", or_null(text())),
                ("last_error", or_null(text())),
            ]),
        ),
        ("Resent", object([("resent", json!({ "type": "integer", "minimum": 1 }))])),
        (
            "JournalRow",
            object([
                ("created_at", moment()),
                ("kind", word(JournalKind::ALL.map(JournalKind::as_str))),
                ("actor", text()),
                ("text", text()),
                ("subject", or_null(text())),
                ("event", or_null(uuid())),
                ("drift_id", or_null(text())),
                ("handle", or_null(text())),
                ("data", json!({ "description": "Everything else." })),
            ]),
        ),
    ]
}
