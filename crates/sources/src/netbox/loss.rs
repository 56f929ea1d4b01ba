//! Rows that are no longer shown, and nobody deleted them.
//!
//! A permission with constraints answers 200 with fewer rows: an edit of the token's rights looks exactly like
//! deletions. So a full read that lacks rows the last one had is believed only where the changelog tells of their end.
//! What does not live here: how much drift at once is plausible (core's brake).

use evenkeel_core::{Gap, GapKind};

use super::delta::Touched;
use super::model::Model;
use super::tables::Tables;

/// The gap that unexplained losses leave. `touched` is what the changelog tells since the last read; `None` where it
/// cannot be read, and then only a large loss is held back.
pub(super) fn unexplained(
    old: &Tables,
    new: &Tables,
    touched: Option<&Touched>,
    hosts_are_filtered: bool,
) -> Option<Gap> {
    Model::ALL.into_iter().find_map(|model| {
        let lost = old.missing_in(new, model);
        let unexplained: Vec<u64> = match touched {
            Some(touched) if touched.everything.is_none() => lost
                .into_iter()
                .filter(|id| !explains(touched, model, *id, hosts_are_filtered))
                .collect(),
            Some(_) | None if lost.len() >= 4 && lost.len() * 2 > old.count(model) => lost,
            Some(_) | None => Vec::new(),
        };
        let first = unexplained.first()?;
        let why = format!(
            "{} of {} {} are no longer shown (the first is id {first}) and nothing tells of their deletion — were the \
             rights of the token changed?",
            unexplained.len(),
            old.count(model),
            model.label(),
        );
        Some(Gap::new(GapKind::Unauthorized, why))
    })
}

fn explains(touched: &Touched, model: Model, id: u64, hosts_are_filtered: bool) -> bool {
    if touched.deleted.contains(&(model, id)) {
        return true;
    }
    // An edited host can leave the filter, one whose tag or site was edited, too.
    hosts_are_filtered
        && matches!(model, Model::Devices | Model::Vms)
        && (touched.models.contains(&model)
            || touched.rows.get(&model).is_some_and(|rows| rows.contains(&id)))
}
