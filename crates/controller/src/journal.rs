//! What the controller notes in the journal: what it decided or did that a person would look for. What does not live
//! here: what is logged, and events.

use evenkeel_core::policy::MadeSilence;
use evenkeel_core::policy::silence::{Pattern, Target};
use evenkeel_core::remediation::JournalEntry;
use evenkeel_sinks::Carries;
use evenkeel_store::{Claimed, JournalKind, JournalRow, Pruned, Store};
use jiff::Timestamp;
use serde_json::{Value, json};
use tracing::error;

/// Who notes these.
const ACTOR: &str = "evenkeel";

/// Keeps a row. That it could not be kept is said and stops nothing: the journal tells what was done, it is not what is
/// done.
pub async fn note(store: &dyn Store, row: JournalRow) {
    if let Err(error) = store.note(std::slice::from_ref(&row)).await {
        error!(%error, note = row.text, "this could not be noted in the journal");
    }
}

/// A controller began. The last sign of life of the one before it, which may have been killed, says how long that lasted at
/// least.
pub fn started(at: Timestamp, last_sign: Option<Timestamp>) -> JournalRow {
    let version = env!("CARGO_PKG_VERSION");
    let text = format!("The controller started (evenkeel {version}).");
    let data = json!({ "what": "started", "version": version, "last_sign": last_sign });
    row(JournalKind::Action, at, text, data)
}

/// A controller ended as it was told to.
pub fn stopped(at: Timestamp) -> JournalRow {
    row(JournalKind::Action, at, "The controller stopped.".to_owned(), json!({ "what": "stopped" }))
}

/// A changed configuration was taken.
pub fn configured(path: &std::path::Path, at: Timestamp) -> JournalRow {
    let path = path.display().to_string();
    let text = format!("The configuration was read again and taken ({path}).");
    row(JournalKind::Decision, at, text, json!({ "what": "configured", "path": path }))
}

/// This process leads from now on.
pub fn leads(who: &str, epoch: u64, at: Timestamp) -> JournalRow {
    let text = format!("{who} leads.");
    row(JournalKind::Decision, at, text, json!({ "what": "leads", "who": who, "epoch": epoch }))
}

/// Retention removed rows.
pub fn pruned(pruned: &Pruned, at: Timestamp) -> JournalRow {
    let Pruned { events, snapshots, deliveries, journal, proposals, notices, silences } = pruned;
    let parts = [
        (*events, "events"),
        (*snapshots, "snapshots"),
        (*deliveries, "deliveries"),
        (*journal, "journal rows"),
        (*proposals, "proposals"),
        (*notices, "notices"),
        (*silences, "silences"),
    ];
    let gone: Vec<String> =
        parts.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}")).collect();
    let text = format!("Retention removed {}.", gone.join(", "));
    let data = json!({
        "what": "pruned", "events": events, "snapshots": snapshots, "deliveries": deliveries, "journal": journal,
        "proposals": proposals, "notices": notices, "silences": silences,
    });
    row(JournalKind::Action, at, text, data)
}

/// A delivery was given up.
pub fn died(claim: &Claimed, why: &str, at: Timestamp) -> JournalRow {
    let attempts = claim.ticket.attempt;
    let sink = &claim.sink;
    let text = format!("The delivery to {sink} was given up after {attempts} attempts: {why}");
    // The id of a notice is no event's, and what keeps it in order no drift's.
    let (event, drift_key) = match Carries::of(&claim.payload) {
        Ok(Carries::Notice { code: _, drift_id }) => (None, drift_id),
        Ok(Carries::Event { .. }) | Err(_) => (Some(claim.event), Some(claim.drift_key.clone())),
    };
    let subject = drift_key.as_deref().and_then(evenkeel_core::DriftId::parse).map(|id| id.subject);
    let data =
        json!({ "what": "dead", "sink": sink, "attempts": attempts, "delivery": claim.ticket.delivery });
    JournalRow { event, drift_key, subject, ..row(JournalKind::Decision, at, text, data) }
}

/// What happened to a proposal, or to all of them.
pub fn repair(entry: &JournalEntry) -> JournalRow {
    let JournalEntry { code, at, drift, proposal, actor, text, announce: _ } = entry;
    JournalRow {
        kind: code.kind(),
        at: *at,
        subject: drift.as_ref().map(|drift| drift.subject.clone()),
        event: None,
        drift_key: drift.as_ref().map(ToString::to_string),
        actor: actor.to_string(),
        text: text.clone(),
        data: json!({ "what": code.as_str(), "proposal": proposal }),
    }
}

/// Somebody made a silence.
pub fn silenced(silence: &MadeSilence) -> JournalRow {
    let MadeSilence { name, target, reason, owner, made_at, starts, ends, until_resolved, ended: _ } =
        silence;
    let until = if *until_resolved {
        format!("until it is resolved, at most until {ends}")
    } else {
        format!("until {ends}")
    };
    let text = format!("{owner} silenced {}, {until}: {reason}", whom(target));
    let data = json!({ "what": "silenced", "silence": name, "starts": starts, "ends": ends });
    about(target, owner, row(JournalKind::Decision, *made_at, text, data))
}

/// Somebody ended a silence before its time.
pub fn unsilenced(silence: &MadeSilence) -> JournalRow {
    let by = silence.ended.as_ref().map_or(ACTOR, |ended| &*ended.by);
    let why = silence.ended.as_ref().map(|ended| &*ended.reason).filter(|why| !why.is_empty());
    let why = why.map(|why| format!(": {why}")).unwrap_or_default();
    let text = format!("{by} ended the silence {} of {}{why}", silence.name, whom(&silence.target));
    let data = json!({ "what": "unsilenced", "silence": silence.name });
    about(&silence.target, by, row(JournalKind::Decision, silence.over_at(), text, data))
}

fn whom(target: &Target) -> String {
    match target {
        Target::Drift(drift) => format!("drift {}", drift.handle()),
        Target::Pattern(Pattern { hosts, services, types }) => {
            let lists = [
                ("hosts", hosts.join(", ")),
                ("services", services.join(", ")),
                ("types", types.iter().map(|kind| kind.code()).collect::<Vec<_>>().join(", ")),
            ];
            let said = lists.iter().filter(|(_, list)| !list.is_empty());
            said.map(|(of, list)| format!("{of} {list}")).collect::<Vec<_>>().join(" with ")
        }
    }
}

fn about(target: &Target, actor: &str, row: JournalRow) -> JournalRow {
    let drift = match target {
        Target::Drift(drift) => Some(drift),
        Target::Pattern(_) => None,
    };
    JournalRow {
        subject: drift.map(|drift| drift.subject.clone()),
        drift_key: drift.map(ToString::to_string),
        actor: actor.to_owned(),
        ..row
    }
}

fn row(kind: JournalKind, at: Timestamp, text: String, data: Value) -> JournalRow {
    JournalRow { kind, at, subject: None, event: None, drift_key: None, actor: ACTOR.to_owned(), text, data }
}
