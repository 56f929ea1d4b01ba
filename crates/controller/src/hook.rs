//! NetBox as an ear: what its webhooks lead to. They carry nothing: NetBox is read, and what the read finds puts hosts on
//! the queue.

use std::sync::Arc;
use std::time::Duration;

use evenkeel_core::Secret;
use evenkeel_web::NetboxHook;
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::collect::Recheck;

/// A bulk edit sends a webhook per object: they are answered with one read after another, this far apart.
const APART: Duration = Duration::from_millis(100);
/// NetBox may ring before what it tells of is committed: once it is silent, it is read again.
const AFTERWARDS: Duration = Duration::from_secs(1);

/// The bell that NetBox rings.
pub struct Bell {
    secret: Secret,
    rung: Notify,
}

impl Bell {
    /// A bell for whoever signs with this.
    pub fn new(secret: Secret) -> Self {
        Self { secret, rung: Notify::new() }
    }

    /// Has NetBox read whenever it is rung, until told to stop.
    pub async fn run(self: Arc<Self>, netbox: Arc<Recheck>, stop: CancellationToken) {
        let mut again: Option<Instant> = None;
        loop {
            let later = async {
                match again {
                    Some(at) => tokio::time::sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                () = self.rung.notified() => {
                    netbox.wish(Instant::now());
                    again = Some(Instant::now() + AFTERWARDS);
                    tokio::time::sleep(APART).await;
                }
                () = later => {
                    netbox.wish(Instant::now());
                    again = None;
                }
            }
        }
    }
}

impl NetboxHook for Bell {
    fn secret(&self) -> &Secret {
        &self.secret
    }

    fn ring(&self) {
        self.rung.notify_one();
    }
}
