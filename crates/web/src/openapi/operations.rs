//! Which operations the API has. Not here: how one is written down, and what answers look like in detail.

use evenkeel_core::policy::silence::Stands;
use evenkeel_core::remediation::{Phase, State as ProposalState};
use evenkeel_core::{EventType, Severity};
use evenkeel_store::JournalKind;
use serde_json::json;

use super::operation::{Body, Needs, Operation, Param, Place, moment, query, text, uuid, words};
use super::schema;
use crate::access::Level;
use crate::silences::RuleKind;

fn types() -> Param {
    let codes = EventType::ALL.map(EventType::code);
    words(
        "type",
        "Of any of these types.",
        codes.into_iter().chain(["VM_NOT_RUNNING", "HOST_NOT_RESPONDING"]),
    )
}

fn severities() -> Param {
    words("severity", "Of any of these severities.", Severity::ALL.map(Severity::as_str))
}

fn of_events() -> Vec<Param> {
    vec![
        types(),
        severities(),
        text("host", "On this host."),
        text("service", "About this service."),
        words("transition", "Any of these.", ["opened", "reopened", "changed", "resolved", "reminder"]),
        text("handle", "About the drift with this handle."),
        moment("since", "Not before."),
        moment("until", "Before; later than `since`."),
    ]
}

/// Every operation, in the order in which people read about them.
pub(crate) fn operations() -> Vec<Operation> {
    let mut all = world();
    all.extend(history());
    all.extend(silences());
    all.extend(repairs());
    all.extend(doors());
    all.extend(health());
    all
}

fn world() -> Vec<Operation> {
    let drifts = Operation::list("drifts", "/api/v1/drifts", "listDrifts", "What differs.", "Drift").takes([
        types(),
        severities(),
        text("host", "On this host."),
        text("service", "About this service."),
        words("state", "In any of these states; `open` unless given.", ["pending", "open", "resolved"]),
        query("folded", "Only consequences of another drift, or only roots.", json!({ "type": "boolean" })),
    ]);
    vec![
        drifts,
        Operation::get(
            "drifts",
            "/api/v1/drifts/{handle}",
            "getDrift",
            "One drift, its evidence, its newest events.",
            schema("DriftDetail"),
        ),
        Operation::list("hosts", "/api/v1/hosts", "listHosts", "Machines, declared or seen.", "Host"),
        Operation::get(
            "hosts",
            "/api/v1/hosts/{name}",
            "getHost",
            "One machine, its sources, its open drifts.",
            schema("HostDetail"),
        ),
        Operation::list(
            "sources",
            "/api/v1/sources",
            "listSources",
            "Who is asked, who answers, how old the answers are.",
            "Source",
        ),
    ]
}

fn history() -> Vec<Operation> {
    let mut export = Operation::get(
        "events",
        "/api/v1/events/export",
        "exportEvents",
        "All events that fit, newest first, as a file.",
        json!({}),
    )
    .untagged()
    .takes(of_events())
    .takes([query(
        "format",
        "JSON Lines unless given.",
        json!({ "type": "string", "enum": ["jsonl", "csv"] }),
    )]);
    export.answer = Body {
        forms: [Body::text("application/jsonl").forms, Body::text("text/csv").forms].concat(),
        required: true,
    };
    let mut stream = Operation::get(
        "events",
        "/api/v1/stream",
        "stream",
        "What happens, as it happens (server-sent events).",
        json!({}),
    )
    .untagged()
    .takes([types(), severities(), text("host", "On this host.")])
    .takes([
        query(
            "after",
            "Behind this event; where `Last-Event-ID` is sent, that counts.",
            json!({ "type": "integer", "minimum": 0, "format": "int64" }),
        ),
        Param {
            name: "Last-Event-ID",
            place: Place::Header,
            what: "The last `id` that was read.",
            schema: json!({ "type": "integer", "minimum": 0, "format": "int64" }),
        },
    ]);
    stream.answer = Body::text("text/event-stream");
    let resend = |path, id, what| {
        Operation::post("deliveries", path, id, what, schema("Resent")).needs(Needs::Role(Level::Operator))
    };
    vec![
        Operation::list("events", "/api/v1/events", "listEvents", "The history, newest first.", "Event")
            .takes(of_events()),
        export,
        Operation::get("events", "/api/v1/events/{id}", "getEvent", "One event.", schema("Event")),
        resend("/api/v1/events/{id}/resend", "resendEvent", "Sends again what was given up of this event."),
        stream,
        Operation::list(
            "deliveries",
            "/api/v1/deliveries",
            "listDeliveries",
            "What was, is being or could not be sent.",
            "Delivery",
        )
        .takes([
            words("state", "In any of these states.", ["pending", "delivered", "dead"]),
            text("sink", "To this sink."),
            uuid("event", "Of this event."),
        ]),
        resend(
            "/api/v1/deliveries/{id}/resend",
            "resendDelivery",
            "Sends a delivery again that was given up.",
        ),
        Operation::list(
            "journal",
            "/api/v1/journal",
            "listJournal",
            "What was decided and done, newest first.",
            "JournalRow",
        )
        .takes([
            words("kind", "Of any of these kinds.", JournalKind::ALL.map(JournalKind::as_str)),
            text("host", "About this host."),
            text("handle", "About the drift with this handle."),
            uuid("event", "About this event."),
            moment("since", "Not before."),
        ]),
    ]
}

fn silences() -> Vec<Operation> {
    let change = |path, id, what, body, required| {
        Operation::post("silences", path, id, what, schema("Silence"))
            .sends(Body { required, ..Body::json(schema(body)) })
            .needs(Needs::Role(Level::Operator))
    };
    let mut make = change("/api/v1/silences", "makeSilence", "Makes a silence.", "NewSilence", true);
    make.status = 201;
    let mut rules = Operation::list(
        "silences",
        "/api/v1/rules",
        "listRules",
        "Every rule that was decided, in the configuration or at run time.",
        "Rule",
    );
    rules.params = vec![words("kind", "Of any of these kinds.", RuleKind::ALL.map(RuleKind::as_str))];
    vec![
        rules,
        Operation::list(
            "silences",
            "/api/v1/silences",
            "listSilences",
            "Silences made at run time, newest first.",
            "Silence",
        )
        .takes([
            query(
                "state",
                "That stand so.",
                json!({ "type": "string", "enum": Stands::ALL.map(Stands::as_str) }),
            ),
            text("drift", "About the drift with this id."),
            text("owner", "Made by them."),
        ]),
        make,
        Operation::get(
            "silences",
            "/api/v1/silences/{name}",
            "getSilence",
            "One silence.",
            schema("SilenceDetail"),
        ),
        change(
            "/api/v1/silences/{name}/end",
            "endSilence",
            "Ends a silence before its time.",
            "Reason",
            false,
        ),
    ]
}

fn repairs() -> Vec<Operation> {
    let decides = |path, id, what, answer: &str| {
        let body = Body { required: false, ..Body::json(schema("Reason")) };
        Operation::post("repairs", path, id, what, schema(answer))
            .sends(body)
            .needs(Needs::Role(Level::Approver))
    };
    vec![
        Operation::list(
            "repairs",
            "/api/v1/proposals",
            "listProposals",
            "What is proposed, and what became of it.",
            "Proposal",
        )
        .takes([
            words("state", "In any of these states.", ProposalState::WORDS),
            words("phase", "In any of these phases.", Phase::ALL.map(Phase::as_str)),
            text("host", "About this host."),
            text("drift", "About the drift with this id."),
            text("action", "That asks for this."),
        ]),
        with(
            Operation::get(
                "repairs",
                "/api/v1/proposals/{key}",
                "getProposal",
                "One proposal.",
                schema("ProposalDetail"),
            ),
            409,
        ),
        decides("/api/v1/proposals/{key}/approve", "approveProposal", "A person consents.", "Proposal"),
        decides("/api/v1/proposals/{key}/reject", "rejectProposal", "A person declines.", "Proposal"),
        with(
            Operation::get(
                "repairs",
                "/api/v1/repairs",
                "rehearse",
                "What would run now, and what holds the rest back.",
                schema("Rehearsal"),
            )
            .untagged(),
            409,
        ),
        decides("/api/v1/repairs/halt", "halt", "Nothing is dispatched from now on.", "Switched"),
        decides("/api/v1/repairs/resume", "resume", "It goes on.", "Switched"),
        decides("/api/v1/repairs/release", "release", "The brake is released.", "Switched"),
        Operation::post(
            "repairs",
            "/api/v1/callbacks/{token}",
            "callback",
            "A receiver says how an action went.",
            schema("Answered"),
        )
        .sends(Body::json(schema("Claim")))
        .needs(Needs::Nothing),
    ]
}

fn with(mut operation: Operation, problem: u16) -> Operation {
    operation.problems.push(problem);
    operation
}

fn doors() -> Vec<Operation> {
    let mut observations = Operation::post("doors", "/api/v1/observations", "observe", "Takes in what scripts and collectors see.", schema("Receipt"))
        .sends(Body { forms: vec![
            ("application/json", json!({ "anyOf": [schema("Observation"), { "type": "array", "minItems": 1, "items": schema("Observation") }] })),
            ("application/jsonl", json!({ "type": "string" })),
        ], required: true })
        .needs(Needs::Credential("push"));
    observations.status = 202;
    let mut netbox = Operation::post(
        "doors",
        "/webhooks/netbox",
        "netboxEdited",
        "NetBox says that something was edited.",
        json!({}),
    )
    .sends(Body::json(json!({ "type": "object" })))
    .needs(Needs::Credential("netbox"));
    netbox.status = 202;
    netbox.answer = Body { forms: Vec::new(), required: false };
    vec![
        observations,
        netbox,
        Operation::get("doors", super::PATH, "openapi", "This document.", json!({ "type": "object" })),
    ]
}

fn health() -> Vec<Operation> {
    let free = |path, id, what, answer| {
        Operation::get("health", path, id, what, answer).untagged().needs(Needs::Nothing)
    };
    let mut alive = free("/healthz", "alive", "The process lives.", json!({}));
    alive.answer = Body::text("text/plain");
    let mut metrics =
        Operation::get("health", "/metrics", "metrics", "Figures for Prometheus.", json!({})).untagged();
    metrics.answer = Body::text("text/plain");
    vec![
        alive,
        free(
            "/readyz",
            "ready",
            "What is shown can be relied on; 503 with the reasons if not.",
            schema("Ready"),
        ),
        metrics,
    ]
}
