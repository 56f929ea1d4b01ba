//! Rules and silences: their operations, and what their answers look like.

use evenkeel_core::policy::silence::Stands;
use evenkeel_core::{EventType, Severity};
use serde_json::{Value, json};

use super::operation::{Body, Needs, Operation, query, text as named, words};
use super::schema;
use super::shape::{flag, framed, list, moment, number, object, or_null, text, with_some, word};
use crate::access::Level;
use crate::silences::RuleKind;

/// What can be asked.
pub(super) fn operations() -> Vec<Operation> {
    let stands = Stands::ALL.map(Stands::as_str);
    let mut make =
        Operation::post("silences", "/api/v1/silences", "makeSilence", "Makes a silence.", schema("Silence"))
            .sends(Body::json(schema("Wish")))
            .needs(Needs::Role(Level::Operator));
    make.status = 201;
    let reason = Body { required: false, ..Body::json(schema("Reason")) };
    let rules = Operation::whole(
        "silences",
        "/api/v1/rules",
        "listRules",
        "What was decided, and what it covers.",
        "Rule",
    );
    let silences = Operation::list(
        "silences",
        "/api/v1/silences",
        "listSilences",
        "Made at run time, newest first.",
        "Silence",
    );
    vec![
        rules.takes([words("kind", "Of any of these kinds.", RuleKind::ALL.map(RuleKind::as_str))]),
        silences.takes([
            query("state", "That stand like this now.", json!({ "type": "string", "enum": stands })),
            named("drift", "Of exactly the drift with this id."),
            named("owner", "Made by whoever acts under this name."),
        ]),
        make,
        Operation::get(
            "silences",
            "/api/v1/silences/{name}",
            "getSilence",
            "One silence.",
            schema("SilenceDetail"),
        ),
        Operation::post(
            "silences",
            "/api/v1/silences/{name}/end",
            "endSilence",
            "Ends a silence before its time.",
            schema("Silence"),
        )
        .sends(reason)
        .needs(Needs::Role(Level::Operator)),
    ]
}

/// What the answers look like.
pub(super) fn shapes() -> Vec<(&'static str, Value)> {
    let selects = object([
        ("drift_id", or_null(text())),
        ("drift_handle", or_null(text())),
        ("types", list(word(EventType::ALL.map(EventType::code)))),
        ("hosts", list(text())),
        ("services", list(text())),
        ("tags", list(text())),
        ("tenants", list(text())),
    ]);
    let rule = object([
        ("kind", word(RuleKind::ALL.map(RuleKind::as_str))),
        ("origin", word(["configuration", "made"])),
        ("name", or_null(text())),
        ("reason", or_null(text())),
        ("owner", or_null(text())),
        ("severity", or_null(word(Severity::ALL.map(Severity::as_str)))),
        ("selects", selects),
        ("starts", or_null(moment())),
        ("ends", or_null(moment())),
        ("until_resolved", flag()),
        ("hits", number()),
        ("state", word(Stands::ALL.map(Stands::as_str))),
    ]);
    let said = json!({ "type": "string", "minLength": 1, "maxLength": 1000, "pattern": "\\S" });
    let wish = with_some(
        [("reason", said)],
        [
            ("drift", or_null(text())),
            ("hosts", list(text())),
            ("services", list(text())),
            ("types", list(text())),
            ("starts", or_null(moment())),
            ("ends", or_null(moment())),
            ("for", or_null(text())),
            ("until_resolved", flag()),
        ],
    );
    vec![("Rule", rule), ("Silence", silence()), ("SilenceDetail", framed(silence())), ("Wish", wish)]
}

fn silence() -> Value {
    let ended = object([("at", moment()), ("by", text()), ("reason", text())]);
    object([
        ("name", text()),
        ("state", word(Stands::ALL.map(Stands::as_str))),
        ("drift_id", or_null(text())),
        ("drift_handle", or_null(text())),
        ("hosts", list(text())),
        ("services", list(text())),
        ("types", list(word(EventType::ALL.map(EventType::code)))),
        ("reason", text()),
        ("owner", text()),
        ("made_at", moment()),
        ("starts", moment()),
        ("ends", moment()),
        ("until_resolved", flag()),
        ("ended", or_null(ended)),
    ])
}
