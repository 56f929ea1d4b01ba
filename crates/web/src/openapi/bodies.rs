//! What repairs, the doors for machines and health send and answer. Not here: what pages show as well (`schemas`).

use evenkeel_core::policy::silence::Stands;
use evenkeel_core::remediation::{Effect, Mode, Phase, Reason, State as ProposalState};
use serde_json::Value;
use serde_json::json;

use super::schema;
use super::schemas::{Shapes, severities, types};
use super::shape::{flag, framed, list, moment, number, object, or_null, text, with_some, word};

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

pub(super) fn repairs() -> Shapes {
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

pub(super) fn doors() -> Shapes {
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

/// The keys of a silence.
fn silence() -> Value {
    let ended = object([("at", moment()), ("by", text()), ("reason", text())]);
    object([
        ("name", text()),
        ("state", word(Stands::ALL.map(Stands::as_str))),
        ("drift_id", or_null(text())),
        ("drift_handle", or_null(text())),
        ("hosts", list(text())),
        ("services", list(text())),
        ("types", list(types())),
        ("reason", text()),
        ("owner", text()),
        ("made_at", moment()),
        ("starts", moment()),
        ("ends", moment()),
        ("until_resolved", flag()),
        ("ended", or_null(ended)),
    ])
}

pub(super) fn silences() -> Shapes {
    let new = with_some(
        [],
        [
            ("drift", text()),
            ("hosts", list(text())),
            ("services", list(text())),
            ("types", list(text())),
            ("reason", text()),
            ("starts", or_null(moment())),
            ("ends", or_null(moment())),
            ("for", or_null(text())),
            ("until_resolved", flag()),
        ],
    );
    // What a rule selects differs from kind to kind.
    let rule = json!({ "type": "object", "required": ["kind", "origin", "selects", "state"] });
    vec![("Silence", silence()), ("SilenceDetail", framed(silence())), ("NewSilence", new), ("Rule", rule)]
}
