//! Whoever decides about repairs, listens to NetBox and takes observations in, behind the server: they remember nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use evenkeel_core::remediation::ProposalLine;
use evenkeel_core::{HostName, Secret, SourceId, SourceKind};
use evenkeel_store::conformance::repairs_sample;
use evenkeel_web::{
    Answered, Claimed, Decision, HostStatus, Intake, Live, NetboxHook, Receipt, Rehearsal, Rejection,
    RepairTrouble, Repairs, RuleLine, ServiceStatus, Silences, SourceStatus, Switch, Switched,
};
use jiff::Timestamp;

use crate::client::World;
use crate::site::{Keeper, rules_of};

/// What NetBox signs with.
pub const HOOK: &str = "the-secret-of-the-hook";
/// The token of the one who sends observations.
pub const PUSH: &str = "the-token-of-the-sender";
/// The one callback that was handed out.
pub const CALLBACK: &str = "the-callback-that-was-handed-out";

/// NetBox's bell.
pub struct Bell {
    secret: Secret,
    /// How often it rang.
    pub rings: AtomicU64,
}

impl NetboxHook for Bell {
    fn secret(&self) -> &Secret {
        &self.secret
    }

    fn ring(&self) {
        self.rings.fetch_add(1, Ordering::SeqCst);
    }
}

struct Inbox(SourceId, Secret);

impl Intake for Inbox {
    fn source(&self) -> &SourceId {
        &self.0
    }

    fn token(&self) -> &Secret {
        &self.1
    }

    fn accept(&self, body: &[u8], _: bool, _: Timestamp) -> Result<Receipt, Rejection> {
        match serde_json::from_slice::<serde_json::Value>(body) {
            Ok(_) => Ok(Receipt { accepted: 1, ..Receipt::default() }),
            Err(error) => Err(Rejection::NotJson(format!("line {}", error.line()))),
        }
    }
}

struct Desk(crate::site::Desk);

#[async_trait]
impl Repairs for Desk {
    async fn decide(
        &self,
        which: &str,
        _: Decision,
        _: &str,
        _: &str,
    ) -> Result<ProposalLine, RepairTrouble> {
        Err(RepairTrouble::Unknown(format!("there is no proposal {which}")))
    }

    async fn switch(&self, switch: Switch, by: &str, reason: &str) -> Result<Switched, RepairTrouble> {
        match switch {
            Switch::Halt => {
                let controls = repairs_sample::halted(&format!("{by}: {reason}"));
                Ok(Switched { changed: true, controls })
            }
            Switch::Resume | Switch::Release => Err(RepairTrouble::Refused("nothing is halted".to_owned())),
        }
    }

    async fn answered(&self, claimed: Claimed) -> Result<Answered, RepairTrouble> {
        if claimed.token.expose() == CALLBACK {
            return Ok(Answered { proposal: "P".to_owned(), state: "verifying", known: false });
        }
        Err(RepairTrouble::Unknown("this callback was never handed out".to_owned()))
    }

    async fn rehearse(&self) -> Result<Rehearsal, RepairTrouble> {
        self.0.rehearse().await
    }
}

/// A world in which everything can be asked for.
pub struct Everything {
    world: World,
    keeper: Arc<Keeper>,
    desk: Arc<Desk>,
    rules: Vec<RuleLine>,
    /// NetBox's bell.
    pub bell: Arc<Bell>,
    inbox: Arc<Inbox>,
}

impl Everything {
    /// The world of the tests, with this text wherever a person can write one.
    pub(crate) fn of(world: World, text: &str) -> Self {
        Self {
            world,
            keeper: Arc::new(Keeper::default()),
            desk: Arc::new(Desk(crate::site::Desk(text.to_owned()))),
            rules: rules_of(text),
            bell: Arc::new(Bell { secret: Secret::new(HOOK), rings: AtomicU64::new(0) }),
            inbox: Arc::new(Inbox(SourceId::new(SourceKind::Push, "scripts"), Secret::new(PUSH))),
        }
    }
}

impl Live for Everything {
    fn hosts(&self) -> Vec<HostStatus> {
        self.world.hosts()
    }

    fn host(&self, name: &HostName) -> Option<HostStatus> {
        self.world.host(name)
    }

    fn sources(&self) -> Vec<SourceStatus> {
        self.world.sources()
    }

    fn services(&self, host: &HostName) -> Option<Vec<ServiceStatus>> {
        self.world.services(host)
    }

    fn metrics(&self) -> String {
        self.world.metrics()
    }

    fn intakes(&self) -> Vec<Arc<dyn Intake>> {
        vec![self.inbox.clone()]
    }

    fn netbox_hook(&self) -> Option<Arc<dyn NetboxHook>> {
        Some(self.bell.clone())
    }

    fn repairs(&self) -> Option<Arc<dyn Repairs>> {
        Some(self.desk.clone())
    }

    fn silences(&self) -> Option<Arc<dyn Silences>> {
        Some(self.keeper.clone())
    }

    fn rules(&self) -> Option<Vec<RuleLine>> {
        Some(self.rules.clone())
    }

    fn now(&self) -> Timestamp {
        self.world.now()
    }
}
