//! How far an answer of an engine reaches: whether its list is all there is. What does not live here: asking for it.

use evenkeel_core::{Coverage, Gap, GapKind};

use super::decode;
use super::wire::{Info, List};

/// A list can be short without saying so. The engine's own count is the witness; for an empty list it is demanded,
/// unless a proxy withholds it. Podman counts containers that it does not list, so there only emptiness is odd.
pub(super) fn shortfall(list: &List, info: &Result<Info, Gap>, podman: bool) -> Option<Gap> {
    let listed = list.len();
    match info {
        Ok(Info { containers: Some(counted), .. }) => {
            let expected = usize::try_from(*counted).unwrap_or(usize::MAX);
            let short = if podman { listed == 0 && expected > 0 } else { listed < expected };
            let why = format!("the engine counts {counted} containers but lists {listed}");
            short.then(|| Gap::new(GapKind::Truncated, why))
        }
        Ok(Info { containers: None, .. }) if listed == 0 => Some(Gap::new(
            GapKind::Malformed,
            "the list is empty and the engine does not say how many there are",
        )),
        Err(gap) if listed == 0 && gap.kind != GapKind::Unauthorized => Some(gap.clone()),
        Ok(_) | Err(_) => None,
    }
}

pub(super) fn coverage(list: &List, short: Option<Gap>, held: bool, place: &str) -> Coverage {
    if let Some(name) = &list.repeated {
        let why = format!("{place}: container {name} is listed twice");
        return Coverage::Partial(Gap::new(GapKind::Truncated, why));
    }
    if let Some(first) = list.odd.first() {
        let more = match list.odd.len() {
            1 => String::new(),
            n => format!(" (and {} more)", n - 1),
        };
        return Coverage::Partial(Gap::new(GapKind::Malformed, format!("{place}: {first}{more}")));
    }
    if let Some(gap) = short {
        return Coverage::Partial(gap);
    }
    if held {
        // It answers, and what it shows is on its way: nothing to be told.
        return Coverage::Partial(Gap::new(GapKind::NotYetObserved, decode::ENGINE_UNSETTLED));
    }
    Coverage::Complete
}
