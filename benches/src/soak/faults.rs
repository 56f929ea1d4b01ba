//! What goes wrong in a fleet, one after the other: engines die or are stopped and return, event streams break, NetBox fails
//! or is away, the receiver fails, hangs, cuts. What does not live here: what only changes.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use evenkeel_lab::fault::Fault;
use evenkeel_lab::receiver::Mode;
use jiff::{SignedDuration, Timestamp};

use super::churn::Churn;
use crate::Result;
use crate::apart::Yard;

/// From the beginning of one to the beginning of the next.
const EVERY: Duration = Duration::from_secs(90);
/// How long one lasts.
const LASTS: Duration = Duration::from_secs(40);
/// For so many seconds a NetBox that has failed again and again is not asked (`schedule.breaker`), and one more to ask it.
const LEFT_ALONE: SignedDuration = SignedDuration::from_secs(31);
/// How long a host is left alone whose engine is away, and comes back.
const ALONE: Duration = Duration::from_secs(180);

/// One thing that goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trouble {
    EngineKilled,
    EngineStopped,
    StreamsCut,
    NetboxFails,
    NetboxAway,
    ReceiverFails,
    ReceiverHangs,
    ReceiverCuts,
}

impl Trouble {
    /// Whether nobody can read NetBox while it lasts.
    fn hides_netbox(self) -> bool {
        matches!(self, Self::NetboxFails | Self::NetboxAway)
    }
}

/// In this order, again and again.
const ALL: [Trouble; 8] = [
    Trouble::EngineKilled,
    Trouble::ReceiverFails,
    Trouble::NetboxFails,
    Trouble::ReceiverHangs,
    Trouble::StreamsCut,
    Trouble::EngineStopped,
    Trouble::ReceiverCuts,
    Trouble::NetboxAway,
];

/// What is wrong, and was.
#[derive(Default)]
pub(super) struct Faults {
    begun: usize,
    next: Option<Instant>,
    on: Option<(Trouble, Instant, usize)>,
    /// When NetBox began to fail, and when it was well again.
    netbox: Vec<(Timestamp, Timestamp)>,
    /// Hosts whose engine was away: what is told of them is theirs.
    pub(super) struck: BTreeSet<usize>,
}

impl Faults {
    #[cfg(test)]
    pub(super) fn of_netbox(from: Timestamp, until: Timestamp) -> Self {
        Self { netbox: vec![(from, until)], ..Self::default() }
    }

    /// Whether anything is wrong.
    pub(super) fn is_on(&self) -> bool {
        self.on.is_some()
    }

    /// Whether NetBox answers.
    pub(super) fn netbox_answers(&self) -> bool {
        !self.on.is_some_and(|(trouble, ..)| trouble.hides_netbox())
    }

    /// Whether NetBox failed, or had failed so lately that it is left alone, at any moment between these.
    pub(super) fn hid_netbox(&self, begun: Timestamp, ended: Timestamp) -> bool {
        self.netbox.iter().any(|(from, until)| *from < ended && begun.duration_since(*until) < LEFT_ALONE)
    }

    /// What is wrong, in a word.
    pub(super) fn name(&self) -> String {
        self.on.map_or_else(|| "-".to_owned(), |(trouble, ..)| format!("{trouble:?}"))
    }

    /// How many there were.
    pub(super) fn count(&self) -> usize {
        self.begun
    }

    /// One begins or ends, if it is time.
    pub(super) async fn step(&mut self, yard: &Yard, churn: &mut Churn) -> Result<()> {
        let now = Instant::now();
        let next = *self.next.get_or_insert(now + EVERY);
        if let Some((_, until, _)) = self.on {
            if now >= until {
                self.heal(yard).await?;
            }
            return Ok(());
        }
        if now < next {
            return Ok(());
        }
        self.next = Some(now + EVERY);
        let trouble = ALL[self.begun % ALL.len()];
        let wish = self.begun * 131;
        let Some(host) = churn.quiet_host(wish, yard.engines.here().len(), ALONE) else { return Ok(()) };
        self.begun += 1;
        if trouble.hides_netbox() {
            self.netbox.push((Timestamp::now(), Timestamp::MAX));
        }
        self.on = Some((trouble, now + LASTS, host));
        match trouble {
            Trouble::EngineKilled => {
                self.struck.insert(host);
                yard.engines.here()[host].kill_daemon().await?;
            }
            Trouble::EngineStopped => {
                self.struck.insert(host);
                yard.engines.here()[host].stop_daemon().await?;
            }
            Trouble::StreamsCut => yard.engines.here().iter().for_each(|engine| engine.cut_streams()),
            Trouble::NetboxFails => yard.netbox.faults().set("", Fault::Status(500)),
            Trouble::NetboxAway => yard.netbox.down().await,
            Trouble::ReceiverFails => yard.receiver.set_mode(Mode::status(503)),
            Trouble::ReceiverHangs => yard.receiver.set_mode(Mode::Hang),
            Trouble::ReceiverCuts => yard.receiver.set_mode(Mode::Reset),
        }
        Ok(())
    }

    /// What is wrong ends.
    pub(super) async fn heal(&mut self, yard: &Yard) -> Result<()> {
        let Some((trouble, _, host)) = self.on.take() else { return Ok(()) };
        if let Some((_, until)) = self.netbox.last_mut() {
            *until = Timestamp::now().min(*until);
        }
        match trouble {
            Trouble::EngineKilled | Trouble::EngineStopped => {
                let engine = &yard.engines.here()[host];
                engine.start_daemon().await?;
                engine.resume();
            }
            Trouble::StreamsCut => {}
            Trouble::NetboxFails => yard.netbox.faults().clear_all(),
            Trouble::NetboxAway => yard.netbox.up()?,
            Trouble::ReceiverFails | Trouble::ReceiverHangs | Trouble::ReceiverCuts => {
                yard.receiver.set_mode(Mode::Acknowledge);
            }
        }
        Ok(())
    }
}
