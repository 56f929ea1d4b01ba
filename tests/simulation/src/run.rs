//! One seed: a world, a controller, and everything that happens to both until nothing more does.

use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use evenkeel::controller::{self, Running};
use evenkeel_ambient::Surroundings as _;
use evenkeel_core::{SourceId, SourceKind};
use evenkeel_store::sqlite::{Options, Synchronous};
use evenkeel_store::{ProposalFilter, SqliteStore, Store};
use evenkeel_tests::load::Random;
use evenkeel_tests::moody::MoodyStore;
use evenkeel_web::{Decision, Repairs as _, Switch};
use futures_executor::block_on;
use jiff::SignedDuration;

use crate::faults::Wrong;
use crate::network::Network;
use crate::oracle::Oracle;
use crate::outcome::Outcome;
use crate::setup::setup;
use crate::surroundings::Simulated;
use crate::watch::{Death, Watch};
use crate::workshop::Workshop;
use crate::world::World;

/// How many steps a seed has at least.
const STEPS: u64 = 20;
/// How long everything may take to become quiet once the world is left alone.
const PATIENCE: Duration = Duration::from_secs(45 * 60);
/// How often the oracle is asked.
const GLANCE: Duration = Duration::from_secs(3);
/// How long what went wrong may echo.
const ECHO: Duration = Duration::from_secs(120);
/// How long it must stay so.
const QUIET: Duration = Duration::from_secs(150);

/// Runs one seed to its end.
///
/// # Errors
/// When the machine under the simulation fails: no socket, no runtime.
pub fn run(seed: u64) -> std::io::Result<Outcome> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build()?;
    // The retries inside a read draw from here.
    fastrand::seed(seed);
    runtime.block_on(async {
        let network = Arc::new(Network::new(seed));
        let surroundings = Arc::new(Simulated::new(seed, network.clone()));
        let _simulation = evenkeel_ambient::simulate(surroundings.clone());
        let mut random = Random::of(seed);
        let machines = 1 + random.below(3) as usize;
        let world = Arc::new(World::new(machines, network).await?);
        world.connect();
        let workshop = Arc::new(Workshop::new(seed));
        workshop.connect(&world);
        // Nothing waits for a disk that is none.
        let options = Options { synchronous: Synchronous::Normal, ..Options::default() };
        let inner: Arc<dyn Store> =
            Arc::new(block_on(SqliteStore::in_memory(options)).map_err(std::io::Error::other)?);
        let lazy = random.below(2) == 0;
        let scene = Scene {
            world,
            inner,
            watch: Arc::new(Watch::new(seed)),
            surroundings,
            random,
            lazy,
            jumps: seed.is_multiple_of(3),
            running: None,
            wrongs: Vec::new(),
            oracle: Oracle::default(),
            workshop,
            approved: BTreeSet::new(),
            halted: None,
            timeline: Vec::new(),
        };
        Ok(scene.play(seed).await)
    })
}

/// A world at rest.
struct Calm {
    since: Duration,
    transitions: usize,
    truth: BTreeSet<String>,
}

struct Scene {
    world: Arc<World>,
    inner: Arc<dyn Store>,
    watch: Arc<Watch>,
    surroundings: Arc<Simulated>,
    random: Random,
    /// Nothing is compared again just to be sure, so that a lost trigger shows.
    lazy: bool,
    /// Whether the wall clock jumps.
    jumps: bool,
    running: Option<Running>,
    /// What is wrong, and until when.
    wrongs: Vec<(Duration, Wrong)>,
    oracle: Oracle,
    workshop: Arc<Workshop>,
    /// What a person approved, and since when a person said that nothing is to be repaired.
    approved: BTreeSet<String>,
    halted: Option<Duration>,
    timeline: Vec<String>,
}

impl Scene {
    async fn play(mut self, seed: u64) -> Outcome {
        let broken = self.acts().await.err();
        if let Some(running) = self.running.take() {
            running.abandon().await;
        }
        self.world.network.close();
        Outcome { seed, timeline: std::mem::take(&mut self.timeline), broken }
    }

    async fn acts(&mut self) -> Result<(), String> {
        self.say(format!("{} machines, lazy: {}", self.world.engines.len(), self.lazy));
        self.start().await;
        let steps = STEPS + self.random.below(STEPS);
        for _ in 0..steps {
            let wait = match self.random.below(8) {
                0 => 60_000 + self.random.below(120_000),
                1..=3 => 5_000 + self.random.below(30_000),
                _ => 50 + self.random.below(8_000),
            };
            self.pass(Duration::from_millis(wait)).await?;
            self.act().await;
            self.look()?;
        }
        self.say("the world is left alone");
        self.watch.die(None);
        for (_, wrong) in std::mem::take(&mut self.wrongs) {
            self.over(&wrong);
        }
        self.settle().await?;
        self.oracle.verdict(&self.world, &*self.inner)?;
        match self.watch.unexplained_conflicts() {
            0 => Ok(()),
            conflicts => Err(format!("Q1: {conflicts} passes met another of the same subject")),
        }
    }

    /// Something happens.
    async fn act(&mut self) {
        match self.random.below(100) {
            0..=54 => {
                let said = self.world.change(&mut self.random);
                self.say(said);
            }
            55..=74 => self.go_wrong(),
            75..=80 => self.approve().await,
            81 | 82 => self.switch().await,
            83..=88 => {
                let death = Death { writes: self.random.below(4), after: self.random.below(2) == 0 };
                self.say(format!("the process is to die {death:?}"));
                self.watch.die(Some(death));
            }
            89 | 90 => {
                self.say("the process is killed");
                self.restart(true).await;
            }
            91 => {
                self.say("the process is stopped");
                self.restart(false).await;
            }
            92..=95 => self.hint(),
            _ if self.jumps => self.jump(),
            _ => {}
        }
    }

    fn go_wrong(&mut self) {
        let wrong = Wrong::chosen(&self.world, &mut self.random);
        // One of a kind: the end of one would be the end of both.
        if self.wrongs.len() >= 3 || self.wrongs.iter().any(|(_, other)| other.touches(&wrong)) {
            return;
        }
        // Who never saw a declaration cannot miss it: what NetBox shows first is believed (docs/promises.md).
        if wrong.forgets_declarations() && !self.knows_declarations() {
            return;
        }
        self.say(format!("{} for {:?}", wrong.what, wrong.lasts));
        wrong.begin(&self.world, &self.watch);
        self.wrongs.push((self.world.elapsed() + wrong.lasts, wrong));
    }

    fn knows_declarations(&self) -> bool {
        let netbox = SourceId::new(SourceKind::Netbox, "main");
        block_on(self.inner.last_inventory(&netbox)).is_ok_and(|kept| kept.is_some())
    }

    fn end_what_is_over(&mut self) {
        let now = self.world.elapsed();
        for (end, wrong) in std::mem::take(&mut self.wrongs) {
            match end <= now {
                true => self.over(&wrong),
                false => self.wrongs.push((end, wrong)),
            }
        }
    }

    fn over(&mut self, wrong: &Wrong) {
        self.say(format!("over: {}", wrong.what));
        wrong.end(&self.world, &self.watch);
    }

    /// Somebody rings without a reason, more than once, or the ringing is lost.
    fn hint(&mut self) {
        let hosts: Vec<String> = self.world.engines.keys().cloned().collect();
        let host = &hosts[self.random.below(hosts.len() as u64) as usize];
        if self.random.below(2) == 0 {
            self.world.network.cut(&self.world.address_of(host));
            self.say(format!("the event stream of {host} breaks"));
            return;
        }
        if let Some(running) = &self.running {
            let bells = running.hub.rechecks.lock().unwrap_or_else(PoisonError::into_inner);
            let mut ids: Vec<_> = bells.keys().cloned().collect();
            ids.sort();
            ids.iter().filter_map(|id| bells.get(id)).for_each(|bell| bell.wish(tokio::time::Instant::now()));
        }
        self.say("every bell rings");
    }

    /// A person approves whatever is proposed.
    async fn approve(&mut self) {
        let Some(desk) = self.running.as_ref().map(|running| running.hub.repairs.clone()) else { return };
        let Ok(page) = block_on(self.inner.proposals(&ProposalFilter::default(), None, 100)) else { return };
        for row in page.rows.iter().filter(|row| row.proposal.state().as_str() == "proposed") {
            let key = row.proposal.key.to_string();
            // Before it is said: that it was heard may be lost.
            self.approved.insert(key.clone());
            let decided = desk.decide(&key, Decision::Approve, "ada", "");
            let heard = tokio::time::timeout(Duration::from_secs(10), decided).await;
            self.say(format!("{key} is approved: {}", matches!(heard, Ok(Ok(_)))));
        }
    }

    /// A person stops all repairs, or lets them go on.
    async fn switch(&mut self) {
        let Some(desk) = self.running.as_ref().map(|running| running.hub.repairs.clone()) else { return };
        let switch = if self.halted.is_some() { Switch::Resume } else { Switch::Halt };
        // From the moment it is asked for; halted only counts once it was heard.
        self.halted = None;
        let heard = tokio::time::timeout(Duration::from_secs(10), desk.switch(switch, "ada", "")).await;
        if matches!(heard, Ok(Ok(_))) && switch == Switch::Halt {
            self.halted = Some(self.world.elapsed());
        }
        self.say(format!("{switch:?} of repairs: {}", matches!(heard, Ok(Ok(_)))));
    }

    /// R1: only what was approved was asked for. R2: nothing new while repairs are halted.
    fn look_at_repairs(&self) -> Result<(), String> {
        for (key, asked) in self.workshop.asked() {
            if !self.approved.contains(&key) {
                return Err(format!("R1: {key} was asked for, and nobody approved it"));
            }
            if self.halted.is_some_and(|since| asked.at > since + Duration::from_secs(6)) {
                return Err(format!("R2: {key} was asked for while repairs were halted"));
            }
        }
        Ok(())
    }

    /// The wall clock jumps.
    fn jump(&mut self) {
        let minutes = [-1440, -60, -2, 2, 60, 1440][self.random.below(6) as usize];
        self.surroundings.jump(SignedDuration::from_mins(minutes));
        self.world.hide("everybody", true);
        self.world.hide("everybody", false);
        self.say(format!("the wall clock jumps by {minutes} minutes"));
    }

    /// Time passes; what was to end in it ends.
    async fn pass(&mut self, wait: Duration) -> Result<(), String> {
        let until = self.world.elapsed() + wait;
        while self.world.elapsed() < until {
            let next = self.wrongs.iter().map(|(end, _)| *end).chain([until]).min().unwrap_or(until);
            let left = next.saturating_sub(self.world.elapsed()).min(GLANCE);
            let watch = self.watch.clone();
            let jumped = async {
                match &self.running {
                    Some(running) => running.jumped().await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                () = watch.died.notified() => {
                    self.say("the process dies");
                    self.restart(true).await;
                }
                () = jumped => {
                    self.say("the process starts anew");
                    self.restart(false).await;
                }
                () = tokio::time::sleep(left) => {}
            }
            self.end_what_is_over();
            self.look()?;
        }
        Ok(())
    }

    fn look(&mut self) -> Result<(), String> {
        let said = self.oracle.step(&self.world, &*self.inner)?;
        said.into_iter().for_each(|said| self.say(format!("    {said}")));
        self.look_at_repairs()
    }

    /// Until the ledger is the truth and nothing is left to do, and then for a while.
    async fn settle(&mut self) -> Result<(), String> {
        let until = self.world.elapsed() + PATIENCE;
        // Who was asked while something was wrong may answer yet.
        self.pass(ECHO).await?;
        let mut calm: Option<Calm> = None;
        loop {
            self.pass(Duration::from_secs(15)).await?;
            let (now, truth) = (self.world.elapsed(), self.world.drifts());
            // A repair that was asked for before may change the world yet.
            calm = calm.filter(|calm| calm.truth == truth);
            match (self.oracle.unsettled(&self.world, &*self.inner), &calm) {
                (None, None) => {
                    self.say("the ledger is the truth");
                    calm = Some(Calm { since: now, transitions: self.oracle.transitions(), truth });
                }
                (None, Some(calm)) if self.oracle.transitions() > calm.transitions => {
                    return Err("E1: something happened in a world at rest".to_owned());
                }
                (None, Some(calm)) if now >= calm.since + QUIET => return Ok(()),
                (Some(why), Some(_)) => return Err(format!("it was settled, and is no longer: {why}")),
                (Some(why), None) if now > until => return Err(why),
                (None, Some(_)) | (Some(_), None) => {}
            }
        }
    }

    async fn restart(&mut self, dies: bool) {
        if let Some(running) = self.running.take() {
            match dies {
                true => running.abandon().await,
                false => running.stop().await,
            }
        }
        self.world.hide("everybody", true);
        let away = Duration::from_millis(self.random.below(40_000));
        tokio::time::sleep(away).await;
        self.start().await;
        self.world.hide("everybody", false);
    }

    /// Starts, as often as it takes: the store may be away, or the process die again.
    async fn start(&mut self) {
        loop {
            let store: Arc<dyn Store> =
                Arc::new(MoodyStore::watched_by(self.inner.clone(), self.watch.clone()));
            let setup = match setup(&self.world, store, self.lazy) {
                Ok(setup) => setup,
                Err(error) => return self.say(format!("no setup: {error}")),
            };
            let watch = self.watch.clone();
            let started = tokio::select! {
                biased;
                () = watch.died.notified() => None,
                started = controller::start(setup) => started.ok(),
            };
            if let Some(running) = started {
                self.running = Some(running);
                return self.say("the process runs");
            }
            tokio::time::sleep(Duration::from_secs(5)).await;
            self.end_what_is_over();
        }
    }

    fn say(&mut self, what: impl Into<String>) {
        let at = self.world.elapsed();
        let wall = self.surroundings.now().strftime("%d %H:%M:%S").to_string();
        self.timeline.push(format!("{:>9.3} s  {wall}  {}", at.as_secs_f64(), what.into()));
    }
}
