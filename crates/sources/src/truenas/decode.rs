//! Apps → services, pure. What lives here: what an app's words mean and what may be said about it. What does not:
//! reading JSON (`wire`), machines and pools (`machines`), how far the whole answer reaches (`look`).

use std::sync::Arc;

use evenkeel_core::model::{Health, Hints, ObservedService, Published, RunState};
use evenkeel_core::{Fact, Gap, GapKind, ServiceName};

use super::ports;
use super::wire::{App, clipped};

/// The services behind these apps, sorted by name. `held` says why an app that is down is not taken to be down.
pub(super) fn services(apps: &[App], held: Option<&Gap>) -> Vec<ObservedService> {
    let mut services: Vec<ObservedService> = apps.iter().map(|app| service(app, held)).collect();
    services.sort_by(|a, b| a.name.cmp(&b.name));
    services
}

fn service(app: &App, held: Option<&Gap>) -> ObservedService {
    let state = state(app, held);
    ObservedService {
        name: ServiceName::new(&app.name),
        hints: Arc::new(Hints {
            label: None,
            // TrueNAS runs every app as a Compose project of this name; a Docker engine shows the same one.
            compose_project: Some(Arc::from(format!("ix-{}", app.name))),
            compose_service: None,
            container_name: Some(Arc::from(app.name.as_str())),
        }),
        ports: ports_of(app, &state),
        health: health_of(app, &state),
        image: image(app).map(Arc::from),
        role: None,
        restarts: Fact::unknown(GapKind::Uncovered, "TrueNAS does not count restarts"),
        replicas: app.replicas.and_then(|n| u32::try_from(n).ok()).unwrap_or(1).max(1),
        state,
    }
}

/// What the app does.
fn state(app: &App, held: Option<&Gap>) -> Fact<RunState> {
    let name = &app.name;
    if app.doubtful {
        return Fact::unknown(GapKind::Truncated, format!("app {name} is listed twice, in two states"));
    }
    let word = match app.state.as_deref() {
        Some(word) => word.to_ascii_uppercase(),
        None => return Fact::unknown(GapKind::Malformed, format!("the state of app {name} is not told")),
    };
    match (word.as_str(), held) {
        // The second is 24.04's.
        ("RUNNING" | "ACTIVE", _) => Fact::Known(RunState::Running),
        ("DEPLOYING", _) => deploying(app),
        ("STOPPED" | "STOPPING" | "CRASHED", Some(gap)) => Fact::Unknown(gap.clone()),
        // A crashed app has a container that ended with an error.
        ("STOPPED" | "STOPPING" | "CRASHED", None) => Fact::Known(RunState::Exited),
        (word, _) => {
            let why = format!("app {name} is in the unknown state `{}`", clipped(word));
            Fact::unknown(GapKind::Malformed, why)
        }
    }
}

/// TrueNAS says so of an app that is being started, and also of one that runs and whose health check does not pass,
/// for as long as it does not. Its containers tell the two apart.
fn deploying(app: &App) -> Fact<RunState> {
    let words = || app.containers.iter().map(|container| container.state.as_deref().unwrap_or_default());
    let up = |word: &str| matches!(word, "running" | "starting");
    if words().any(up) && words().all(|word| up(word) || word == "exited") {
        return Fact::Known(RunState::Running);
    }
    Fact::unknown(GapKind::NotYetObserved, format!("app {} is being deployed", app.name))
}

fn ports_of(app: &App, state: &Fact<RunState>) -> Fact<Published> {
    let name = &app.name;
    match state {
        Fact::Known(RunState::Running) => {}
        Fact::Known(
            RunState::Restarting | RunState::Paused | RunState::Created | RunState::Exited | RunState::Closed,
        ) => return Fact::unknown(GapKind::NotYetObserved, "an app that is down publishes nothing"),
        Fact::Unknown(gap) => return Fact::Unknown(gap.clone()),
    }
    let bindings = match &app.ports {
        Ok(bindings) => bindings,
        Err(why) => return Fact::unknown(GapKind::Malformed, format!("ports of app {name}: {why}")),
    };
    // On the host network an app has no published port, and TrueNAS does not say which network it uses.
    if bindings.is_empty() {
        let why = format!("TrueNAS knows of no published port of app {name}, which may use the host network");
        return Fact::unknown(GapKind::Uncovered, why);
    }
    if let Some(port) = app.portals.iter().find(|port| bindings.iter().all(|b| b.number != **port)) {
        let why = format!("app {name} offers an address on port {port}, which it does not publish");
        return Fact::unknown(GapKind::Uncovered, why);
    }
    match ports::published(bindings) {
        Ok(published) => Fact::Known(published),
        Err(why) => Fact::unknown(GapKind::Malformed, format!("ports of app {name}: {why}")),
    }
}

fn health_of(app: &App, state: &Fact<RunState>) -> Fact<Health> {
    match state {
        Fact::Known(RunState::Running) => {}
        Fact::Known(
            RunState::Restarting | RunState::Paused | RunState::Created | RunState::Exited | RunState::Closed,
        ) => return Fact::unknown(GapKind::NotYetObserved, "only a running app has a health"),
        Fact::Unknown(gap) => return Fact::Unknown(gap.clone()),
    }
    if app.containers.iter().any(|container| container.state.as_deref() == Some("starting")) {
        let why =
            format!("a health check of app {} does not pass, or not yet; TrueNAS tells no more", app.name);
        return Fact::unknown(GapKind::NotYetObserved, why);
    }
    // A container whose check does not pass is not called running.
    Fact::Known(Health::Healthy)
}

/// The image of the container that bears the app's name, or the only one there is.
fn image(app: &App) -> Option<&str> {
    let named =
        app.containers.iter().find(|container| container.service.as_deref() == Some(app.name.as_str()));
    let image = match (named.and_then(|container| container.image.as_deref()), app.images.as_slice()) {
        (Some(image), _) => image,
        (None, [only]) => only,
        (None, _) => return None,
    };
    let bare = image.split('@').next().unwrap_or_default().trim();
    (!bare.is_empty() && !bare.starts_with("sha256:")).then_some(bare)
}
