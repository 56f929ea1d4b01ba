//! `evenkeel demo`: the real controller on a simulated homelab. The lab speaks the real protocols on loopback; nothing
//! outside this process is contacted.

mod lab;
mod saved;
mod script;
mod show;
mod workshop;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use evenkeel_core::{Event, EventType, Subject, Transition};
use evenkeel_lab::homelab::Homelab;
use evenkeel_lab::incidents::{INCIDENTS, Incident, LEFT};
use evenkeel_lab::netbox::NetboxVersion;
use evenkeel_lab::receiver::Receiver;
use evenkeel_store::{SqliteStore, Store};
use evenkeel_web::{Level, Repairs as _, Rules, Switch};
use tokio::sync::broadcast;
use tokio::time::{Instant, timeout};
use tokio_util::task::AbortOnDropHandle;

use super::args::{Args, DemoOptions};
use super::failure::{Failure, OrFail};
use super::serve::Surface;
use super::{Done, output};
use crate::config::LogFormat;
use crate::controller::{self, Running, Setup};
use crate::hub::Hub;
use crate::journal;
use crate::lead::Seat;

/// How long an incident may take to show.
const PATIENCE: Duration = Duration::from_secs(25);
/// How long it must be quiet before the next incident.
const QUIET: Duration = Duration::from_millis(700);

pub(super) async fn run(args: &Args, options: &DemoOptions) -> Done {
    output::log(args, "off", LogFormat::Text);
    let version = netbox_version(&options.netbox)?;
    let homelab = Homelab::start(version).await.or_fail("the demo needs to listen on 127.0.0.1")?;
    let homelab = Arc::new(homelab);
    let n8n = workshop::open(homelab.clone()).await.or_fail("the demo needs to listen on 127.0.0.1")?;
    let receiver =
        Receiver::start(lab::SIGNING_SECRET).await.or_fail("the demo needs to listen on 127.0.0.1")?;
    let store = open_store(options).await?;
    let http = lab::http(options.listen);
    let is_show = !options.listen.ip().is_loopback();
    let rules = Rules { local: Level::Approver, is_show, ..Rules::default() };
    let surface = Surface::open(&http, rules, store.clone())
        .await
        .or_fail("name another address with --listen, or 127.0.0.1:0")?;
    let seat = Seat::new(store.clone(), "demo", surface.face().clone());
    let term = seat.take().await;
    let last_sign = store.last_sign().await.or_fail("name another file with --store")?;
    let remedies = workshop::remedies(&n8n, surface.address())?;
    let mut running = controller::start(lab::setup(&homelab, &receiver, remedies, store.clone())?)
        .await
        .or_fail("please report this")?;
    surface.face().show(running.hub.clone());
    journal::note(&*store, journal::started(crate::collect::now(), last_sign)).await;
    let _script = AbortOnDropHandle::new(tokio::spawn(script::run(surface.address())));
    show::opening(&homelab, version, surface.address());
    if let Some(path) = &options.save_config {
        saved::save(path, &homelab, surface.address(), options.store.as_deref())
            .or_fail("name a file that can be written")?;
        show::saved(path);
    }
    let mut events = running.hub.events.subscribe();
    show::waiting_for_first_look();
    first_look(&running.hub).await?;
    show::first_verdict(&running.hub);
    let mut surprises = 0;
    if !options.quiet {
        let played = play(&homelab, &mut events, &INCIDENTS).await?;
        surprises = show::closing(&running.hub, &receiver, &played).await;
    }
    if options.stay && !options.quiet {
        release(&running.hub).await?;
        show::leaving();
        surprises += play(&homelab, &mut events, &LEFT).await?.surprises;
    }
    if options.stay {
        show::staying(surface.address());
        let remedies = || workshop::remedies(&n8n, surface.address());
        let again = || lab::setup(&homelab, &receiver, remedies()?, store.clone());
        running = stay(running, again, &surface).await?;
    }
    running.stop().await;
    journal::note(&*store, journal::stopped(crate::collect::now())).await;
    seat.resign(term).await;
    surface.close().await;
    store.close().await;
    Ok(if surprises == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Runs until somebody ends it, and anew whenever the clock jumps: a laptop that slept goes on with its demo.
async fn stay(
    mut running: Running,
    again: impl Fn() -> Result<Setup, Failure>,
    surface: &Surface,
) -> Result<Running, Failure> {
    loop {
        tokio::select! {
            biased;
            // Without a handler for it there is nothing to wait for; the demo then ends.
            _ = tokio::signal::ctrl_c() => return Ok(running),
            () = running.jumped() => {}
        }
        running.stop().await;
        running = controller::start(again()?).await.or_fail("please report this")?;
        surface.face().show(running.hub.clone());
    }
}

/// The cable made so much drift at once that the brake is on. Somebody looked, and lets repairs go on.
async fn release(hub: &Hub) -> Result<(), Failure> {
    let reason = "the cable was pulled; everything is back";
    let done = hub.repairs.switch(Switch::Release, "demo", reason).await.or_fail("please report this")?;
    if done.changed {
        show::released();
    }
    Ok(())
}

/// What the incidents led to.
#[derive(Debug, Default)]
struct Played {
    events: Vec<Event>,
    /// What was said and should not have been, or the other way round.
    surprises: usize,
}

impl Played {
    fn open(&self) -> usize {
        let count =
            |wanted: &[Transition]| self.events.iter().filter(|e| wanted.contains(&e.transition)).count();
        count(&[Transition::Opened, Transition::Reopened]).saturating_sub(count(&[Transition::Resolved]))
    }
}

async fn play(
    homelab: &Homelab,
    events: &mut broadcast::Receiver<Event>,
    incidents: &[Incident],
) -> Result<Played, Failure> {
    let mut played = Played::default();
    for (n, incident) in incidents.iter().enumerate() {
        show::incident(n + 1, incidents.len(), incident);
        if incident.needs_ports() && homelab.machines().is_err() {
            show::skipped();
            continue;
        }
        let begun = Instant::now();
        let mut awaited: Vec<&str> = incident.events.to_vec();
        incident.play(homelab).await.or_fail("please report this")?;
        // What is to come is waited for; then it must stay quiet for a while.
        let patience = |awaited: &[&str]| if awaited.is_empty() { QUIET } else { PATIENCE };
        while let Ok(Ok(event)) = timeout(patience(&awaited), events.recv()).await {
            let place = awaited.iter().position(|words| *words == in_short(&event));
            let expected = place.map(|place| awaited.swap_remove(place)).is_some();
            show::event(&event, begun.elapsed(), expected);
            played.surprises += usize::from(!expected);
            played.events.push(event);
        }
        awaited.iter().for_each(|words| show::missed(words));
        played.surprises += awaited.len();
        show::lesson(incident);
    }
    Ok(played)
}

/// The event as incidents name theirs.
fn in_short(event: &Event) -> String {
    let sign = match event.transition {
        Transition::Opened | Transition::Reopened => '+',
        Transition::Resolved => '-',
        Transition::Changed | Transition::Reminder => '~',
    };
    let id = event.drift.as_ref();
    let subject = match id.map(|id| &id.subject) {
        Some(Subject::Host(host)) => host.to_string(),
        Some(Subject::Source(source)) => source.to_string(),
        None => String::new(),
    };
    let service = event.service.as_ref().map(|service| format!("{service}@")).unwrap_or_default();
    let field = id.and_then(|id| id.field).filter(|_| event.event_type == EventType::ConfigDrift);
    let field = field.map(|field| format!(" ({field})")).unwrap_or_default();
    format!("{sign}{} {service}{subject}{field}", event.event_type)
}

/// Waits until every source has been heard completely.
async fn first_look(hub: &Hub) -> Result<(), Failure> {
    let deadline = Instant::now() + PATIENCE;
    while !hub.see(|world| {
        world.source_statuses(crate::collect::now()).iter().all(|status| status.coverage.is_complete())
    }) {
        if Instant::now() > deadline {
            return Err(Failure::new(
                anyhow::anyhow!("the simulated homelab did not answer in {} s", PATIENCE.as_secs()),
                Some("run it again with -v to see why"),
            ));
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}

async fn open_store(options: &DemoOptions) -> Result<Arc<dyn Store>, Failure> {
    let opened = match &options.store {
        Some(path) => SqliteStore::open(path, Default::default()).await,
        None => SqliteStore::in_memory(Default::default()).await,
    };
    Ok(Arc::new(opened.or_fail("name another file with --store, or none to keep it in memory")?))
}

fn netbox_version(text: &str) -> Result<NetboxVersion, Failure> {
    match text {
        "4.2" => Ok(NetboxVersion::V4_2),
        "4.5" => Ok(NetboxVersion::V4_5),
        "4.6" => Ok(NetboxVersion::V4_6),
        other => Err(Failure::new(
            anyhow::anyhow!("the simulated NetBox cannot speak as {other}"),
            Some("it can speak as 4.2, 4.5 and 4.6"),
        )),
    }
}
