//! Containers that belong to an app which another source shows.
//!
//! TrueNAS runs its apps as Compose projects named `ix-<app>`. Where TrueNAS itself is asked about the machine, it knows
//! whether an app runs; what its Docker engine shows of the same app would be a second report of one thing.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::id::SourceKind;
use crate::model::{HostView, ObservedService};

/// The views with such containers left to the source that knows their app. A container whose app is not shown stays:
/// something of a deleted app may still run; unless nobody can say which apps there are.
pub fn without_apps(views: Vec<Arc<HostView>>) -> Vec<Arc<HostView>> {
    let knows_apps =
        |view: &&Arc<HostView>| view.source.kind == SourceKind::Truenas && !view.facts.from_outside;
    let Some(apps) = views.iter().find(knows_apps).cloned() else { return views };
    let known: BTreeSet<&str> = apps.services.iter().filter_map(|app| project(app)).collect();
    let is_known = |service: &ObservedService| {
        project(service).is_some_and(|name| known.contains(name) || !apps.coverage.is_complete())
    };
    let strip = |view: Arc<HostView>| {
        if view.source.kind != SourceKind::Docker || !view.services.iter().any(is_known) {
            return view;
        }
        let mut view = (*view).clone();
        view.services.retain(|service| !is_known(service));
        Arc::new(view)
    };
    views.into_iter().map(strip).collect()
}

/// The Compose project, where it is one of TrueNAS's own.
fn project(service: &ObservedService) -> Option<&str> {
    service.hints.compose_project.as_deref().filter(|project| project.starts_with("ix-"))
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::coverage::{Coverage, Fact, Gap, GapKind};
    use crate::id::SourceId;
    use crate::model::{Health, Hints, HostFacts, Published, RunState};

    fn view(kind: SourceKind, coverage: Coverage, services: &[(&str, &str)]) -> Arc<HostView> {
        let service = |(name, project): &(&str, &str)| ObservedService {
            name: (*name).into(),
            hints: Arc::new(Hints { compose_project: Some(Arc::from(*project)), ..Hints::default() }),
            state: Fact::Known(RunState::Running),
            ports: Fact::Known(Published::default()),
            health: Fact::Known(Health::None),
            image: None,
            role: None,
            restarts: Fact::Known(0),
            replicas: 1,
        };
        Arc::new(HostView {
            source: SourceId::new(kind, "nas"),
            started: Timestamp::UNIX_EPOCH,
            observed_at: Timestamp::UNIX_EPOCH,
            coverage,
            facts: HostFacts::default(),
            services: services.iter().map(service).collect(),
            ambiguous: Vec::new(),
        })
    }

    fn left(apps: Arc<HostView>) -> Vec<String> {
        let engine = view(
            SourceKind::Docker,
            Coverage::Complete,
            &[("db", "ix-cloud"), ("ghost", "ix-gone"), ("web", "site")],
        );
        let views = without_apps(vec![engine, apps]);
        views[0].services.iter().map(|service| service.name.to_string()).collect()
    }

    #[test]
    fn containers_of_an_app_are_left_to_whoever_shows_the_app() {
        let nas = view(SourceKind::Truenas, Coverage::Complete, &[("nextcloud", "ix-cloud")]);
        assert_eq!(left(nas), ["ghost", "web"]);
    }

    #[test]
    fn while_nobody_can_say_which_apps_there_are_their_containers_are_nobodys() {
        let gap = Gap::new(GapKind::Unreachable, "refused");
        assert_eq!(left(view(SourceKind::Truenas, Coverage::Partial(gap), &[])), ["web"]);
        let engine = view(SourceKind::Push, Coverage::Complete, &[]);
        assert_eq!(left(engine), ["db", "ghost", "web"]);
    }
}
