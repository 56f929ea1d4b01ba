//! How drifts and gaps are said in a few words: the two sides, the name, what follows. What does not live here: where the
//! words stand, and colour.

use evenkeel_core::drift::{Difference, size_words};
use evenkeel_core::model::Ports;
use evenkeel_core::{Drift, DriftId, Gap, Subject};

use super::text::{clean, count};

/// Both sides of a difference: what should be, what is. Clean.
pub(super) fn sides(difference: &Difference) -> (String, String) {
    match difference {
        Difference::Missing { ports, role: _, state } => {
            let expected = if ports.is_empty() { "running".to_owned() } else { ports.to_string() };
            (expected, state.map_or("nothing", |state| state.as_str()).to_owned())
        }
        Difference::Unexpected { retired, ports, state, image } => {
            let mut observed = state.as_str().to_owned();
            if let Some(ports) = ports.as_ref().filter(|ports| !ports.is_empty()) {
                observed.push_str(&format!(" {ports}"));
            }
            if let Some(image) = image {
                observed.push_str(&format!(" ({})", clean(image)));
            }
            (if *retired { "retired" } else { "nothing" }.to_owned(), observed)
        }
        Difference::PortMismatch { expected, observed } => {
            let open = open_ports(&observed.open, &observed.loopback);
            (expected.to_string(), open)
        }
        Difference::PortClosed { expected, open, seen_by: _, probed_by } => {
            let open = if open.is_empty() { "none".to_owned() } else { open.to_string() };
            (expected.to_string(), format!("{open} answering {}", clean(&probed_by.to_string())))
        }
        Difference::VmDown { state } => {
            ("running".to_owned(), state.map_or("no such machine", |state| state.as_str()).to_owned())
        }
        Difference::VmUndeclared { kind, key, node } => {
            let on = node.as_ref().map_or_else(String::new, |node| format!(" on {}", clean(node)));
            ("nothing".to_owned(), format!("running {} {}{on}", kind.as_str(), clean(key)))
        }
        Difference::Exceeded { percent, limit } => (format!("at most {limit} %"), format!("{percent} %")),
        Difference::TooLarge { at: _, bytes, limit } => {
            (format!("at most {}", size_words(*limit)), size_words(*bytes))
        }
        Difference::Blind { gap, unknown_services: _ } => ("observable".to_owned(), gap_words(gap)),
        Difference::RestartLoop { restarts, state } => {
            let observed = match restarts {
                Some(n) => format!("{}, {}", state.as_str(), count(*n as usize, "restart", "restarts")),
                None => format!("{} again and again", state.as_str()),
            };
            ("running".to_owned(), observed)
        }
        Difference::Config { expected, observed } => {
            let side = |side: &Option<std::sync::Arc<str>>, none: &str| {
                side.as_deref().map_or_else(|| none.to_owned(), |value| clean(value).into_owned())
            };
            (side(expected, "not declared"), side(observed, "ambiguous"))
        }
    }
}

fn open_ports(open: &Ports, loopback: &Ports) -> String {
    match (open.is_empty(), loopback.is_empty()) {
        (_, true) => open.to_string(),
        (true, false) => format!("{loopback} on loopback only"),
        (false, false) => format!("{open}, {loopback} on loopback only"),
    }
}

/// Both sides in one line, the attribute first where there is one.
pub(super) fn change(drift: &Drift) -> String {
    let (expected, observed) = sides(&drift.difference);
    match drift.id.field {
        Some(field) => format!("{field}: {expected} → {observed}"),
        None => format!("{expected} → {observed}"),
    }
}

/// What a drift is about within its host: the service, or the host itself.
pub(super) fn about(id: &DriftId) -> String {
    match &id.service {
        Some(service) => clean(service.as_str()).into_owned(),
        None => "(host)".to_owned(),
    }
}

/// What a pass was about, as a heading.
pub(super) fn heading(subject: &Subject) -> String {
    match subject {
        Subject::Host(host) => clean(host.as_str()).into_owned(),
        Subject::Source(source) => clean(&source.to_string()).into_owned(),
    }
}

/// A gap in words: its kind, and why where that says more.
pub(super) fn gap_words(gap: &Gap) -> String {
    clean(&gap.to_string()).into_owned()
}

/// What follows from a root: `2 follow from it: PORT_MISMATCH sonarr, CONFIG_DRIFT health sonarr`.
pub(super) fn folded(folded: &[Drift]) -> Option<String> {
    let first = folded.iter().take(5).map(|drift| kind_and_name(&drift.id));
    let mut said = first.collect::<Vec<_>>().join(", ");
    if folded.len() > 5 {
        said.push_str(&format!(" and {} more", folded.len() - 5));
    }
    (!folded.is_empty()).then(|| {
        let n = count(folded.len(), "drift follows", "drifts follow");
        format!("{n} from it: {said}")
    })
}

/// `PORT_MISMATCH sonarr`, `CONFIG_DRIFT ip`.
pub(super) fn kind_and_name(id: &DriftId) -> String {
    let mut said = id.event_type.code().to_owned();
    if let Some(field) = id.field {
        said.push_str(&format!(" {field}"));
    }
    if let Some(service) = &id.service {
        said.push_str(&format!(" {}", clean(service.as_str())));
    }
    said
}
