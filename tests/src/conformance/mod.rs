//! The conformance suite: every source against its simulated system, with every fault, under a real controller that
//! believes everything at once. Whatever the fault, nothing may open or resolve that the true state does not justify; a
//! source that is blinded is told blind exactly once and recovers by itself; what truly differed stays open meanwhile.
//!
//! `fault` (what goes wrong) · `expect` (what is held to come of it) · `rigs` (each source with its system) · `table`
//! (the outcome as Markdown). What does not live here: how systems fail (crate `lab`).

pub mod expect;
pub mod fault;
pub mod rigs;
pub mod table;

use std::collections::BTreeSet;

use crate::stage::{Stage, soon};

pub use expect::{Expected, System, expected};
pub use fault::Fault;

/// What came of a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The source was told blind, once, and nothing else happened.
    Blind,
    /// Nothing happened.
    Unaffected,
}

impl Outcome {
    /// In the table's words.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Blind => "told blind, nothing else",
            Self::Unaffected => "unaffected",
        }
    }
}

/// A source, its simulated system, and a controller that watches it.
pub(crate) trait Rig {
    /// The systems and the controller.
    fn stage(&self) -> &Stage;

    /// The same, to be restarted.
    fn stage_mut(&mut self) -> &mut Stage;

    /// What differs after [`Rig::differ`], in words.
    fn truths(&self) -> &'static [&'static str];

    /// Makes something differ that the source sees.
    async fn differ(&self);

    /// Makes it true again.
    async fn repair(&self);

    /// The fault begins.
    async fn begin(&self, fault: Fault);

    /// It ends.
    async fn end(&self, fault: Fault);

    /// A controller was started.
    async fn started(&self) {}

    /// Waits until the controller has looked so many more times.
    async fn looks(&self, times: usize) {
        self.stage().looks(times).await;
    }
}

/// Puts one source through one fault. Panics, with the history, at whatever is not as it must be.
pub async fn run(system: System, fault: Fault) -> Outcome {
    match system {
        System::Netbox => through(rigs::netbox::rig().await, system, fault).await,
        System::Docker => through(rigs::docker::rig().await, system, fault).await,
        System::Proxmox8 | System::Proxmox9 => through(rigs::proxmox::rig(system).await, system, fault).await,
        System::TruenasRest | System::TruenasSocket => {
            through(rigs::truenas::rig(system).await, system, fault).await
        }
        System::Probe => through(rigs::probe::rig().await, system, fault).await,
        System::Push => through(rigs::push::rig().await, system, fault).await,
    }
}

async fn through(mut rig: impl Rig, system: System, fault: Fault) -> Outcome {
    let what = format!("{} {}", system.title(), fault.title());
    let told = match expected(system, fault) {
        Expected::Blind(drift) => Some(drift),
        Expected::Unaffected => None,
        Expected::Senseless(why) => panic!("{what} makes no sense: {why}"),
    };
    rig.started().await;
    rig.stage().until(&[]).await;
    rig.differ().await;
    rig.stage().until(rig.truths()).await;
    rig.stage().idle().await;

    // Just after an answer: a fault that begins in the middle of an observation is seen in half first.
    rig.stage().looks_but(1, &["push/scripts"]).await;
    let before = rig.stage().history().await.len();
    rig.begin(fault).await;
    if let Some(drift) = told {
        let opened = soon(|| async { held(rig.stage()).contains(drift) }).await;
        assert!(opened, "{what}: no {drift} after {:#?}", rig.stage().history().await);
    }
    if fault == Fault::Controller {
        rig.stage_mut().restart().await;
        rig.started().await;
    }
    rig.looks(3).await;
    // What waits for no trigger of its own is compared again as well.
    rig.stage().hub().resync();
    rig.stage().idle().await;
    let news = rig.stage().history().await.split_off(before);
    let outcome = match (told, news.as_slice()) {
        (None, []) => Outcome::Unaffected,
        (Some(drift), [only]) if *only == format!("opened {drift}") => Outcome::Blind,
        (_, news) => panic!("{what}: during the fault {news:#?}, {:#?}", details(rig.stage()).await),
    };
    let held = held(rig.stage());
    let kept = rig.truths().iter().all(|truth| held.contains(*truth));
    assert!(kept, "{what}: {:?} is to stay open, but open is {held:?}", rig.truths());

    let before = before + news.len();
    rig.end(fault).await;
    rig.stage().until(rig.truths()).await;
    rig.looks(2).await;
    let news = rig.stage().history().await.split_off(before);
    let recovered: Vec<String> = told.iter().map(|drift| format!("resolved {drift}")).collect();
    assert_eq!(news, recovered, "{what}: after the fault, {:#?}", details(rig.stage()).await);

    let before = before + news.len();
    rig.repair().await;
    rig.stage().until(&[]).await;
    let news: BTreeSet<String> = rig.stage().history().await.split_off(before).into_iter().collect();
    let resolved: BTreeSet<String> = rig.truths().iter().map(|truth| format!("resolved {truth}")).collect();
    assert_eq!(news, resolved, "{what}: after the repair");
    outcome
}

/// The events' own words, for a failed assertion.
async fn details(stage: &Stage) -> Vec<String> {
    stage.events().await.iter().map(|event| event.details.clone()).collect()
}

/// What is open, for itself or under another.
fn held(stage: &Stage) -> BTreeSet<String> {
    stage.open().into_iter().chain(stage.folded()).collect()
}
