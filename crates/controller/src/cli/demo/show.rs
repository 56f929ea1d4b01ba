//! What the demo prints.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use evenkeel_core::{Event, Severity, Subject, Transition};
use evenkeel_lab::homelab::{Homelab, SCRIPTED, TRUENAS};
use evenkeel_lab::incidents::Incident;
use evenkeel_lab::netbox::NetboxVersion;
use evenkeel_lab::receiver::Receiver;
use tokio::time::Instant;

use super::Played;
use crate::cli::output::line;
use crate::hub::Hub;

const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();

pub(super) fn opening(homelab: &Homelab, version: NetboxVersion, api: SocketAddr) {
    line(&format!("{BOLD}evenkeel on a simulated homelab{BOLD:#}"));
    line(&format!("  NetBox {}  {}", version.full(), homelab.netbox.url()));
    let engines: Vec<&str> = homelab.engines().map(|(name, _)| name).collect();
    line(&format!("  Docker        {} engines: {}", engines.len(), engines.join(", ")));
    for (node, cluster) in homelab.clusters() {
        line(&format!("  Proxmox VE    {node:<12} {}", cluster.urls().join(" ")));
    }
    line(&format!("  TrueNAS       {:<12} {}/", TRUENAS, homelab.truenas.url()));
    match homelab.machines() {
        Ok(machines) => {
            let places: Vec<String> =
                machines.map(|(name, machine)| format!("{name} at {}", machine.address())).collect();
            line(&format!("  Probe         {}", places.join(", ")));
        }
        Err(error) => line(&format!("  Probe         left out: no ports of its own to try here ({error})")),
    }
    line(&format!("  Push          a script on {} reports every 5 s", SCRIPTED.0));
    line(&format!("  Page          {BOLD}http://{api}/{BOLD:#}"));
    if !api.ip().is_loopback() {
        line("                whoever reaches this address may look and decide: nothing here is real");
    }
    line(&format!("  API, metrics  http://{api}/api/v1/drifts  http://{api}/metrics"));
    line("");
}

pub(super) fn saved(path: &std::path::Path) {
    line(&format!("  Configuration {0}  (evenkeel --config {0} diff)", path.display()));
    line("");
}

pub(super) fn waiting_for_first_look() {
    line(&format!("{DIM}Nothing is known yet, so nothing is missing. Asking everybody …{DIM:#}"));
}

pub(super) fn first_verdict(hub: &Hub) {
    let (hosts, services) = hub.see(|world| {
        let hosts: Vec<_> = world.declared().collect();
        (hosts.len(), hosts.iter().map(|host| host.services.len()).sum::<usize>())
    });
    let open = hub.book.entries().len();
    line(&format!("{} hosts and {services} services declared; {open} differences.", hosts));
}

pub(super) fn incident(n: usize, of: usize, incident: &Incident) {
    line("");
    line(&format!("{BOLD}{n:>2}/{of} {}{BOLD:#}", incident.story));
}

pub(super) fn skipped() {
    line(&format!("      {DIM}left out: it needs a probe{DIM:#}"));
}

pub(super) fn missed(words: &str) {
    let style = AnsiColor::Magenta.on_default().bold();
    line(&format!("      {style}✗ {words} did not come{style:#}"));
}

pub(super) fn event(event: &Event, after: Duration, expected: bool) {
    let style = style(event);
    let place = match (&event.hostname, &event.service) {
        (Some(host), Some(service)) => format!("{host} › {service}"),
        (Some(host), None) => host.to_string(),
        (None, _) => match event.drift.as_ref().map(|id| &id.subject) {
            Some(Subject::Source(source)) => source.to_string(),
            Some(Subject::Host(_)) | None => event.source.to_string(),
        },
    };
    line(&format!(
        "      {style}{:<9}{style:#} {:<19} {:<9} {place}  {DIM}after {:.1} s{DIM:#}",
        event.transition.to_string(),
        event.event_type.to_string(),
        event.severity.to_string(),
        after.as_secs_f64(),
    ));
    line(&format!("      {DIM}{}{DIM:#}", event.details));
    if event.folded_count > 0 && event.transition != Transition::Resolved {
        let (first, rest) = event.folded.split_at(event.folded.len().min(3));
        let more = if rest.is_empty() { "" } else { ", …" };
        line(&format!("      {DIM}explains {}: {}{more}{DIM:#}", event.folded_count, first.join(", ")));
    }
    if !expected {
        let style = AnsiColor::Magenta.on_default().bold();
        line(&format!("      {style}✗ nobody expected this{style:#}"));
    }
}

pub(super) fn lesson(incident: &Incident) {
    line(&format!("      {DIM}↳ {}{DIM:#}", incident.lesson));
}

/// The count that matters: every announced event arrived at the receiver, once, signed. Returns how much was not as it
/// should be.
pub(super) async fn closing(hub: &Hub, receiver: &Receiver, played: &Played) -> usize {
    let announced = played.events.iter().filter(|event| event.announce).count();
    let deadline = Instant::now() + Duration::from_secs(5);
    while receiver.arrived().len() < announced && Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let arrived = receiver.arrived();
    let ids: BTreeSet<&str> = arrived.iter().map(|a| a.id.as_str()).collect();
    let verified = arrived.iter().filter(|a| a.verified).count();
    line("");
    line(&format!(
        "{BOLD}{} events{BOLD:#}, {announced} of them sent; {} arrived at the webhook ({verified} with a valid signature, \
         {} twice); {} drifts open.",
        played.events.len(),
        ids.len(),
        arrived.len() - ids.len(),
        played.open(),
    ));
    let false_missing = played.events.iter().filter(|e| e.details.contains("unknown, not missing")).count();
    line(&format!(
        "{} times a source went blind; no service was called missing because of it.",
        false_missing.max(blindness(played))
    ));
    match played.surprises {
        0 => line("Every event was the one that was to be expected, and no other came."),
        n => line(&format!("{n} events were not as they should be: see ✗ above.")),
    }
    let still: Vec<_> = hub.book.entries().into_iter().filter(|entry| entry.is_open()).collect();
    for entry in &still {
        line(&format!("  still open: {}", entry.difference.details(&entry.id)));
    }
    played.surprises + still.len() + announced.abs_diff(ids.len())
}

pub(super) fn released() {
    line("");
    line(
        "With so much drift at once the brake went on: nothing is repaired until somebody looks. It is released now.",
    );
}

pub(super) fn leaving() {
    line("");
    line("Once more, for you to look at:");
}

pub(super) fn staying(api: SocketAddr) {
    line("");
    line(&format!("Staying. The page is at {BOLD}http://{api}/{BOLD:#}; Ctrl-C ends it."));
}

fn blindness(played: &Played) -> usize {
    played.events.iter().filter(|e| e.event_type.is_blindness() && e.transition == Transition::Opened).count()
}

fn style(event: &Event) -> Style {
    if event.transition == Transition::Resolved {
        return AnsiColor::Green.on_default();
    }
    match event.severity {
        Severity::Critical | Severity::High => AnsiColor::Red.on_default().bold(),
        Severity::Medium => AnsiColor::Yellow.on_default(),
        Severity::Low | Severity::Info => AnsiColor::Cyan.on_default(),
    }
}
