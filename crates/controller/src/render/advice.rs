//! What can be done about one drift: repair what is, complete NetBox, or accept it until a date. Sentences only; nothing is
//! done here.

use evenkeel_core::EventType;
use evenkeel_core::drift::Difference;
use evenkeel_core::ledger::Entry;
use evenkeel_core::model::RunState;
use jiff::{SignedDuration, Timestamp};

use super::text::{clean, is_harmful};
use super::words::{about, heading};

/// How long the proposed ignore rule lasts.
const ACCEPT_DAYS: i64 = 30;

/// How reality is repaired, and how NetBox is completed.
pub(super) fn advice(entry: &Entry) -> (Option<String>, Option<String>) {
    let host = heading(&entry.id.subject);
    let service = about(&entry.id);
    let some = |text: String| Some(text);
    match &entry.difference {
        Difference::Missing { state: Some(RunState::Closed), .. } => (
            some(format!("Make {service} listen on {host} again, or open the port in its firewall.")),
            some(format!("Or correct the ports of the service {service} in NetBox, or its life cycle.")),
        ),
        Difference::Missing { state: Some(_), .. } => (
            some(format!(
                "Start it: `docker start {service}` on {host}; `docker logs {service}` says why it ended."
            )),
            some(format!(
                "Or say in NetBox that it need not run: life cycle planned or retired, or delete the service {service}."
            )),
        ),
        Difference::Missing { state: None, .. } => (
            some(format!("Create it on {host}, for example with `docker compose up -d {service}`.")),
            some(format!(
                "Or tell NetBox its real name (custom field container_name), that it is planned or retired, or delete the service {service}."
            )),
        ),
        Difference::Unexpected { retired: true, .. } => (
            some(format!("Stop it: `docker stop {service}` on {host}.")),
            some(format!("Or take {service} back into service in NetBox: life cycle active.")),
        ),
        Difference::Unexpected { retired: false, .. } => (
            some(format!("Remove it from {host} if nobody needs it.")),
            some(format!(
                "Or declare the service {service} on {host} in NetBox, with the ports it publishes."
            )),
        ),
        Difference::PortMismatch { expected, .. } => (
            some(format!(
                "Publish {expected} on {host}: `ports` in the Compose file of {service}, then recreate it."
            )),
            some(format!("Or correct the ports of the service {service} in NetBox.")),
        ),
        Difference::PortClosed { seen_by, probed_by, .. } => (
            some(format!(
                "{} sees {service} running on {host}, {} reaches none or not all of its ports: look at its log, its \
                 port mapping and the firewall between.",
                clean(&seen_by.to_string()),
                clean(&probed_by.to_string()),
            )),
            some(format!("Or correct the ports of the service {service} in NetBox.")),
        ),
        Difference::VmDown { state: Some(_) } => (
            some(format!("Start {host} on its hypervisor; its task log says why it stopped.")),
            some(format!("Or say in NetBox that {host} is offline, if it is meant to be.")),
        ),
        Difference::VmDown { state: None } => (
            some(format!("Create {host} on its hypervisor, or restore it from a backup.")),
            some(
                "Or tell NetBox that it is planned, that it lives in another cluster, or its number (custom field \
                 proxmox_vmid) if it bears another name."
                    .to_owned()),
        ),
        Difference::VmUndeclared { .. } => (
            some(format!("Stop and remove {host} if nobody needs it.")),
            some(format!("Or declare the virtual machine {host} in NetBox, in its cluster.")),
        ),
        Difference::Exceeded { .. } => (
            some(format!("Free some, or give {host} more; what takes the most shows on {host} itself.")),
            some("Or raise the limit in `[policy.limits]`.".to_owned()),
        ),
        Difference::TooLarge { at, .. } => (
            some(format!(
                "Keep less of it: `[store.retention]`, which runs once an hour; `evenkeel backup` first, if what goes is \
                 still wanted. What {} holds, by table, is in the metric evenkeel_store_rows.",
                clean(at)
            )),
            some("Or raise `store.size_limit`, if the disk has room.".to_owned()),
        ),
        Difference::Blind { .. } if entry.id.event_type == EventType::NodeUnreachable => (
            some(format!("Look after {host}: power, network, and what its console shows.")),
            some(format!("Or say in NetBox that {host} is offline, if it is meant to be.")),
        ),
        Difference::Blind { .. } => (
            some(format!(
                "Make {} answer again; `evenkeel doctor` tries the connection step by step.",
                entry
                    .id
                    .source
                    .as_ref()
                    .map_or_else(|| host.clone(), |source| clean(&source.to_string()).into_owned())
            )),
            (entry.id.event_type == EventType::DockerUnreachable)
                .then(|| format!("Or say in NetBox that {host} is offline, if it is meant to be.")),
        ),
        Difference::RestartLoop { .. } => {
            (some(format!("Look why it ends: `docker logs --tail 100 {service}` on {host}.")), None)
        }
        Difference::Config { .. } => (
            some("Change what really is to what NetBox says.".to_owned()),
            some("Or correct it in NetBox.".to_owned()),
        ),
    }
}

/// A rule that accepts this drift for a while, as TOML for the configuration.
pub fn ignore_rule(entry: &Entry, now: Timestamp) -> String {
    let subject = match entry.id.subject.host() {
        Some(host) => host.to_string(),
        // As a matcher has it: `netbox/main`.
        None => entry.id.subject.to_string().trim_start_matches("source:").to_owned(),
    };
    let name = match &entry.id.service {
        Some(service) => format!("{} {service} on {subject}", entry.id.event_type),
        None => format!("{} on {subject}", entry.id.event_type),
    };
    let until = now.checked_add(SignedDuration::from_hours(24 * ACCEPT_DAYS)).unwrap_or(now);
    let mut rule =
        format!("[[ignore]]\nname = {}\nreason = \"say why this is accepted\"\n", toml_text(&name));
    rule.push_str(&format!("types = [\"{}\"]\nhosts = [{}]\n", entry.id.event_type, toml_text(&subject)));
    if let Some(service) = &entry.id.service {
        rule.push_str(&format!("services = [{}]\n", toml_text(service.as_str())));
    }
    if entry.id.field.is_some() {
        rule.push_str(&format!(
            "# It holds for every {} there, whatever the attribute.\n",
            entry.id.event_type
        ));
    }
    rule.push_str(&format!("expires = {}\n", until.strftime("%Y-%m-%d")));
    rule
}

/// A basic string of TOML; what must not reach a terminal is written as its number.
fn toml_text(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            c if is_harmful(c) => out.push_str(&format!("\\U{:08x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
