//! Containers that belong to an app which another source shows.
//!
//! TrueNAS runs its apps as Compose projects named `ix-<app>`. Where TrueNAS itself is asked about the machine, it knows
//! whether an app runs; what its Docker engine shows of the same app would be a second report of one thing.

use std::sync::Arc;

use crate::id::SourceKind;
use crate::model::{HostView, ObservedService};

/// The views with such containers left to the source that knows their app.
pub fn without_apps(views: Vec<Arc<HostView>>) -> Vec<Arc<HostView>> {
    let knows_apps =
        |view: &Arc<HostView>| view.source.kind == SourceKind::Truenas && !view.facts.from_outside;
    if !views.iter().any(knows_apps) {
        return views;
    }
    views.into_iter().map(|view| if has_apps(&view) { Arc::new(stripped(&view)) } else { view }).collect()
}

fn has_apps(view: &HostView) -> bool {
    view.source.kind == SourceKind::Docker && view.services.iter().any(is_app)
}

fn stripped(view: &HostView) -> HostView {
    let mut view = view.clone();
    view.services.retain(|service| !is_app(service));
    view
}

fn is_app(service: &ObservedService) -> bool {
    service.hints.compose_project.as_ref().is_some_and(|project| project.starts_with("ix-"))
}
