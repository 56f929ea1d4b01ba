//! What answers and bodies look like. The words come from the code that writes them; the shapes are held against real answers
//! by tests. Core knows no such thing as a schema, so these stand here and are not derived there. Every object is closed:
//! what it does not name does not come. Not here: which operation answers what.

use evenkeel_core::remediation::{Effect, Mode, Phase, Reason, State as ProposalState};
use evenkeel_core::{EventType, Severity, SourceKind};
use evenkeel_store::JournalKind;
use serde_json::{Map, Value, json};

use super::schema;
use super::shape::{flag, framed, list, moment, number, object, or_null, text, uuid, with_some, word};
use crate::problem::Kind;

/// Every schema, by name.
pub(super) fn all() -> Value {
    let mut all = Map::new();
    for part in [basics(), drifts(), hosts(), outbox(), super::silences::shapes(), repairs(), doors()] {
        for (name, shape) in part {
            all.insert(name.to_owned(), shape);
        }
    }
    Value::Object(all)
}

type Shapes = Vec<(&'static str, Value)>;

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

fn types() -> Value {
    word(EventType::ALL.map(EventType::code))
}

fn severities() -> Value {
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
                ("expected_services", number()),
                ("required_services", number()),
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
                ("age_seconds", or_null(number())),
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

/// The keys of a proposal.
fn proposal() -> Value {
    object([
        ("key", text()),
        ("handle", text()),
        ("number", number()),
        ("drift_id", text()),
        ("drift_handle", text()),
        ("host", or_null(text())),
        ("service", or_null(text())),
        ("event_type", types()),
        ("severity", severities()),
        ("action", text()),
        ("effect", word(Effect::ALL.map(Effect::as_str))),
        ("rule", text()),
        ("mode", word(Mode::ALL.map(Mode::as_str))),
        ("params", json!({ "type": "object" })),
        ("state", word(ProposalState::WORDS)),
        ("phase", word(Phase::ALL.map(Phase::as_str))),
        ("created_at", moment()),
        ("expires_at", moment()),
        ("approved_by", or_null(text())),
        ("approved_at", or_null(moment())),
        ("dispatched_at", or_null(moment())),
        ("answer", or_null(word(["succeeded", "failed", "timed_out"]))),
        ("output", or_null(text())),
        ("since", or_null(moment())),
        ("why", or_null(text())),
    ])
}

fn repairs() -> Shapes {
    let halt = object([("by", text()), ("reason", text()), ("at", moment())]);
    let engaged = object([
        ("since", moment()),
        ("why", json!({ "description": "What set it." })),
        ("calm_since", or_null(moment())),
    ]);
    let brake = object([
        ("engaged", or_null(engaged)),
        ("released_at", or_null(moment())),
        ("forgiven_at", or_null(moment())),
    ]);
    let held = object([
        ("drift_id", text()),
        ("drift_handle", text()),
        ("proposal", or_null(text())),
        ("action", or_null(text())),
        ("reason", word(Reason::WORDS)),
        ("why", text()),
    ]);
    vec![
        ("Proposal", proposal()),
        ("ProposalDetail", framed(proposal())),
        ("Halt", or_null(halt)),
        ("Brake", brake),
        ("Held", held),
        ("Switched", object([("changed", flag()), ("halt", schema("Halt")), ("brake", schema("Brake"))])),
        (
            "Rehearsal",
            object([
                ("at", moment()),
                ("enabled", flag()),
                ("halt", schema("Halt")),
                ("brake", schema("Brake")),
                ("propose", list(schema("Proposal"))),
                ("dispatch", list(schema("Proposal"))),
                ("held", list(schema("Held"))),
            ]),
        ),
        ("Reason", with_some([], [("reason", text())])),
        (
            "Claim",
            with_some(
                [("result", word(["succeeded", "failed"]))],
                [("output", json!({ "description": "Whatever the receiver has to say." }))],
            ),
        ),
        ("Answered", object([("proposal", text()), ("state", text()), ("known", flag())])),
    ]
}

fn doors() -> Shapes {
    let row = json!({ "type": "object", "required": ["name"], "properties": {
        "name": text(), "ports": list(json!({})), "state": text() } });
    let snapshot = json!({ "type": "object",
        "properties": { "containers": list(row.clone()), "services": list(row), "complete": flag() } });
    let blind = object([
        ("source", text()),
        ("host", or_null(text())),
        ("gap", schema("Gap")),
        ("since", or_null(moment())),
    ]);
    vec![
        (
            "Observation",
            json!({ "type": "object", "required": ["hostname", "source", "observed_at", "snapshot"],
            "properties": { "hostname": text(), "source": text(), "observed_at": moment(), "snapshot": snapshot } }),
        ),
        (
            "Receipt",
            object([
                ("accepted", number()),
                ("duplicates", number()),
                ("partial", list(schema("Remark"))),
                ("refused", list(schema("Remark"))),
            ]),
        ),
        (
            "Ready",
            with_some(
                [
                    ("ready", flag()),
                    ("role", word(["leader", "follower", "waiting"])),
                    ("reasons", list(text())),
                    ("store_ok", flag()),
                    ("intent_read", flag()),
                    ("unanswered", list(text())),
                    ("blind", list(blind)),
                ],
                [("leader", text()), ("status_age_seconds", or_null(number()))],
            ),
        ),
    ]
}
