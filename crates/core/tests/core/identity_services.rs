//! Which observed service a declared one is: the levels, and what happens when nobody can tell.

use std::sync::Arc;

use crate::world::{Plan, at, declared, host, shown, shown_on, source, words};
use evenkeel_core::coverage::{Fact, Lookup};
use evenkeel_core::identity::{Alias, bind};
use evenkeel_core::model::{
    ExpectedHost, ExpectedService, Hints, HostFacts, HostSnapshot, HostView, ObservedService, RunState,
};
use evenkeel_core::{Coverage, GapKind, ServiceName, SourceKind};

/// A container of this Compose project and service.
fn composed(project: &str, service: &str) -> ObservedService {
    let hints = Arc::new(Hints {
        compose_project: Some(project.into()),
        compose_service: Some(service.into()),
        container_name: Some(format!("{project}-{service}-1").into()),
        label: None,
    });
    ObservedService { hints, ..shown(service, RunState::Running) }
}

fn named(container: &str) -> ObservedService {
    shown(container, RunState::Running)
}

fn labelled(container: &str, label: &str) -> ObservedService {
    let mut service = shown(container, RunState::Running);
    Arc::make_mut(&mut service.hints).label = Some(label.into());
    service
}

fn linked(name: &str, container: &str) -> ExpectedService {
    ExpectedService { container_name: Some(container.into()), ..declared(name) }
}

fn in_project(name: &str, project: &str) -> ExpectedService {
    ExpectedService { compose_project: Some(project.into()), ..declared(name) }
}

fn snapshot(services: impl IntoIterator<Item = ObservedService>) -> HostSnapshot {
    HostSnapshot {
        source: source(SourceKind::Docker),
        started: at(0),
        observed_at: at(0),
        coverage: Coverage::Complete,
        facts: HostFacts::default(),
        services: services.into_iter().collect(),
    }
}

fn bound(host: &ExpectedHost, services: impl IntoIterator<Item = ObservedService>) -> HostView {
    bind(snapshot(services), Some(host), &[])
}

/// The container that stands for a declared name.
fn container_of(view: &HostView, name: &str) -> Option<Arc<str>> {
    match view.service(&ServiceName::from(name)) {
        Lookup::Present(service) => service.hints.container_name.clone(),
        Lookup::Absent | Lookup::Unknown(_) => None,
    }
}

fn names(view: &HostView) -> Vec<&str> {
    view.services.iter().map(|s| s.name.as_str()).collect()
}

fn unclear(view: &HostView) -> Vec<&str> {
    view.ambiguous.iter().map(|(name, _)| name.as_str()).collect()
}

fn drifts(host: &ExpectedHost, services: impl IntoIterator<Item = ObservedService>) -> Vec<String> {
    Plan::new(host.clone(), [bound(host, services)]).found()
}

#[test]
fn a_declaration_finds_its_container_by_container_name() {
    let view = bound(&host([declared("jellyfin")]), [named("jellyfin")]);
    assert_eq!(container_of(&view, "jellyfin").as_deref(), Some("jellyfin"));
}

#[test]
fn a_compose_service_beats_a_container_name() {
    let host = host([declared("db")]);
    let view = bound(
        &host,
        [named("db"), composed("shop", "db")].map(|mut s| {
            s.name = format!("own-{}", s.hints.container_name.clone().unwrap()).as_str().into();
            s
        }),
    );
    assert_eq!(container_of(&view, "db").as_deref(), Some("shop-db-1"));
}

#[test]
fn the_container_name_link_beats_a_compose_service() {
    let host = host([linked("db", "postgres15")]);
    let view = bound(
        &host,
        [named("postgres15"), {
            let mut s = composed("shop", "db");
            s.name = "shop/db".into();
            s
        }],
    );
    assert_eq!(container_of(&view, "db").as_deref(), Some("postgres15"));
    assert_eq!(names(&view), ["db", "shop/db"]);
}

#[test]
fn the_label_beats_every_other_name_of_its_container() {
    let host = host([declared("db"), declared("search")]);
    // The container is called db, but its owner says that it is search.
    let view = bound(&host, [labelled("db", "search")]);
    assert_eq!(container_of(&view, "search").as_deref(), Some("db"));
    assert_eq!(container_of(&view, "db"), None);
    assert!(unclear(&view).is_empty());
}

#[test]
fn a_label_nobody_declared_does_not_let_the_container_pass_for_another() {
    let host = host([declared("db")]);
    assert_eq!(
        drifts(&host, [labelled("db", "scratch")]),
        ["SERVICE_MISSING db", "SERVICE_UNEXPECTED scratch"]
    );
}

#[test]
fn the_compose_project_narrows_which_of_two_is_meant() {
    let host = host([in_project("web", "shop")]);
    let pair = || {
        ["blog", "shop"].map(|p| {
            let mut s = composed(p, "web");
            s.name = format!("{p}/web").as_str().into();
            s
        })
    };
    let view = bound(&host, pair());
    assert_eq!(container_of(&view, "web").as_deref(), Some("shop-web-1"));
    assert_eq!(drifts(&host, pair()), ["SERVICE_UNEXPECTED blog/web"]);
}

#[test]
fn a_container_of_another_project_is_not_the_declared_one() {
    let host = host([in_project("web", "shop")]);
    // Alone on its engine, the source has no reason to call it anything but `web`.
    assert_eq!(
        drifts(&host, [composed("blog", "web")]),
        ["SERVICE_MISSING web", "SERVICE_UNEXPECTED blog/web"]
    );
}

#[test]
fn two_compose_projects_with_one_service_name_are_ambiguous_and_nothing_else() {
    let host = host([declared("web")]);
    let pair = || {
        ["blog", "shop"].map(|p| {
            let mut s = composed(p, "web");
            s.name = format!("{p}/web").as_str().into();
            s
        })
    };
    assert_eq!(unclear(&bound(&host, pair())), ["web"]);
    // One of the two is the declared one: neither may be called unexpected, and the declared one not missing.
    assert_eq!(drifts(&host, pair()), ["CONFIG_DRIFT web identity"]);
}

#[test]
fn two_declarations_that_claim_one_container_are_ambiguous_and_nothing_else() {
    let host = host([linked("front", "nginx"), linked("proxy", "nginx")]);
    assert_eq!(unclear(&bound(&host, [named("nginx")])), ["front", "proxy"]);
    assert_eq!(
        drifts(&host, [named("nginx")]),
        ["CONFIG_DRIFT front identity", "CONFIG_DRIFT proxy identity"]
    );
}

#[test]
fn what_is_claimed_at_a_better_level_is_not_available_at_a_weaker_one() {
    let host = host([linked("front", "nginx"), declared("nginx")]);
    assert_eq!(drifts(&host, [named("nginx")]), ["SERVICE_MISSING nginx"]);
}

#[test]
fn an_alias_is_the_last_resort_and_may_hold_on_one_host_only() {
    let alias =
        |on: Option<&str>| Alias { host: on.map(Into::into), service: "rss".into(), also: "freshrss".into() };
    let host = host([declared("rss")]);
    let found = |aliases: &[Alias]| {
        let view = bind(snapshot([named("freshrss")]), Some(&host), aliases);
        container_of(&view, "rss").is_some()
    };
    assert!(found(&[alias(None)]));
    assert!(found(&[alias(Some(crate::world::HOST))]));
    assert!(!found(&[alias(Some("elsewhere"))]));
    assert!(!found(&[]));
    let view = bind(snapshot([named("freshrss"), named("rss")]), Some(&host), &[alias(None)]);
    assert_eq!(container_of(&view, "rss").as_deref(), Some("rss"));
}

#[test]
fn nothing_matches_by_substring() {
    let host = host([declared("redis")]);
    let found = drifts(&host, [named("redis-exporter"), named("my-redis"), composed("redis", "cache")]);
    assert!(found.contains(&"SERVICE_MISSING redis".to_owned()), "{found:?}");
}

#[test]
fn names_match_in_any_case_but_an_exact_one_is_better() {
    let host = host([declared("Plex")]);
    assert!(drifts(&host, [named("plex")]).is_empty());
    let view = bound(&host, [named("plex"), named("Plex")]);
    assert_eq!(container_of(&view, "Plex").as_deref(), Some("Plex"));
    assert_eq!(unclear(&bound(&host, [named("plex"), named("PLEX")])), ["Plex"]);
}

#[test]
fn what_is_equal_to_the_declaration_is_held_once() {
    let rss = ExpectedService { role: Some("rss".into()), image: Some("rss:1".into()), ..declared("rss") };
    let seen = ObservedService { role: Some("rss".into()), image: Some("rss:2".into()), ..named("RSS") };
    let host = host([rss]);
    let mut answer = snapshot([seen]);
    answer.facts.name = Some(Fact::Known(host.name.as_str().into()));
    let view = bind(answer, Some(&host), &[]);
    let (service, declared) = (&view.services[0], &host.services[0]);
    assert!(Arc::ptr_eq(service.name.text(), declared.name.text()));
    assert!(Arc::ptr_eq(service.role.as_ref().unwrap(), declared.role.as_ref().unwrap()));
    let Some(Fact::Known(name)) = &view.facts.name else { panic!("the machine named itself") };
    assert!(Arc::ptr_eq(name, host.name.text()));
    assert_eq!(service.image.as_deref(), Some("rss:2"), "what differs stays as it was seen");
}

#[test]
fn a_source_without_hints_is_taken_by_its_own_names() {
    let mut app = shown("nextcloud", RunState::Running);
    app.hints = Arc::default();
    assert!(drifts(&host([declared("nextcloud")]), [app]).is_empty());
}

#[test]
fn two_things_of_one_name_stand_for_nothing() {
    let view = bind(snapshot([named("twin"), named("twin"), named("single")]), None, &[]);
    assert_eq!((names(&view), unclear(&view)), (vec!["single"], vec!["twin"]));
    assert!(matches!(view.service(&"twin".into()), Lookup::Unknown(gap) if gap.kind == GapKind::Ambiguous));
}

#[test]
fn an_undeclared_container_that_bears_a_bound_name_makes_it_unclear() {
    // `cache` is declared and linked to the container `redis`; another container really is called `cache`.
    let view = bound(&host([linked("cache", "redis")]), [named("redis"), named("cache")]);
    assert_eq!(unclear(&view), ["cache"]);
    assert!(names(&view).is_empty());
}

#[test]
fn a_sensitive_host_keeps_names_and_states_only() {
    let mut host = host([declared("vault")]);
    host.sensitive = true;
    let mut snapshot = snapshot([ObservedService {
        image: Some("vaultwarden:1.33".into()),
        role: Some("secrets".into()),
        ..shown_on("vault", &[8080])
    }]);
    snapshot.facts.notes.insert("address".into(), "192.168.2.19".into());
    let view = bind(snapshot, Some(&host), &[]);
    let service = &view.services[0];
    assert_eq!((service.name.as_str(), &service.state), ("vault", &Fact::Known(RunState::Running)));
    assert!(service.ports.known().is_err() && service.image.is_none() && service.role.is_none());
    assert!(view.facts.notes.is_empty());
}

#[test]
fn a_sensitive_host_never_drifts_in_what_is_not_kept() {
    let mut host = host([crate::world::declared_on("vault", &[443])]);
    host.sensitive = true;
    assert!(drifts(&host, [shown_on("vault", &[8080])]).is_empty());
    assert_eq!(words(&[]), Vec::<String>::new());
}
