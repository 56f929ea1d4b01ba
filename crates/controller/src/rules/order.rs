//! What persons ask of the keeper, and what it answers. What does not live here: the answer.

use async_trait::async_trait;
use evenkeel_core::policy::MadeSilence;
use evenkeel_core::policy::silence::Wish;
use evenkeel_web::{SilenceTrouble, Silences};
use tokio::sync::{mpsc, oneshot};

/// How many may wait for their answer.
const WAITING: usize = 64;

/// One question, and where its answer goes.
pub enum Order {
    /// A silence is to be made.
    Make {
        /// Which.
        wish: Wish,
        /// Who wishes it.
        by: String,
        /// Where the answer goes.
        reply: Reply,
    },
    /// A silence is to be ended.
    End {
        /// Which.
        name: String,
        /// Who wishes it.
        by: String,
        /// Why; may be empty.
        reason: String,
        /// Where the answer goes.
        reply: Reply,
    },
}

/// Where an answer goes. Nobody waiting for it any more is no error.
pub(super) type Reply = oneshot::Sender<Result<MadeSilence, SilenceTrouble>>;

/// Where orders are given.
#[derive(Clone)]
pub struct Desk(mpsc::Sender<Order>);

impl Desk {
    /// A desk, and the other side of it.
    pub fn new() -> (Self, mpsc::Receiver<Order>) {
        let (orders, received) = mpsc::channel(WAITING);
        (Self(orders), received)
    }

    async fn ask(&self, order: impl FnOnce(Reply) -> Order) -> Result<MadeSilence, SilenceTrouble> {
        let stopping = || SilenceTrouble::Away("the controller is stopping".to_owned());
        let (reply, answer) = oneshot::channel();
        if self.0.send(order(reply)).await.is_err() {
            return Err(stopping());
        }
        answer.await.unwrap_or_else(|_| Err(stopping()))
    }
}

#[async_trait]
impl Silences for Desk {
    async fn make(&self, wish: Wish, by: &str) -> Result<MadeSilence, SilenceTrouble> {
        let by = by.to_owned();
        self.ask(|reply| Order::Make { wish, by, reply }).await
    }

    async fn end(&self, name: &str, by: &str, reason: &str) -> Result<MadeSilence, SilenceTrouble> {
        let (name, by, reason) = (name.to_owned(), by.to_owned(), reason.to_owned());
        self.ask(|reply| Order::End { name, by, reason, reply }).await
    }
}
