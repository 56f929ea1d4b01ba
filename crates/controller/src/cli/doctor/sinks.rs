//! Can a destination be built and reached? Nothing is sent: a test message is an event nobody asked for
//! (`evenkeel sink test NAME` sends one).

use std::time::Duration;

use evenkeel_sinks::SinkError;
use evenkeel_sinks::netbox::Ready;
use evenkeel_sources::http::peer_fingerprint;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::config::{SinkConfig, SinkKind};
use crate::render::doctor::Check;
use crate::wiring;

const PATIENCE: Duration = Duration::from_secs(5);

pub(super) async fn checks(config: &SinkConfig) -> Vec<Check> {
    let group = format!("sink/{}", config.name);
    if let Err(error) = wiring::destination(config) {
        return vec![Check::fail(
            group,
            super::super::failure::chain(&error),
            "`[[sink]]` in the configuration",
        )];
    }
    match &config.kind {
        SinkKind::Webhook(webhook) => reach(&group, &webhook.place(), webhook.address()).await,
        SinkKind::Ntfy(ntfy) => reach(&group, &ntfy.place(), ntfy.address()).await,
        SinkKind::Chat(chat) => reach(&group, &chat.place(), chat.address()).await,
        SinkKind::Alertmanager(alertmanager) => {
            let mut checks = Vec::new();
            for (place, address) in alertmanager.places().iter().zip(alertmanager.addresses()) {
                checks.extend(reach(&group, place, address).await);
            }
            checks
        }
        SinkKind::Nats(nats) => vec![stream(&group, config, &nats.place()).await],
        SinkKind::NetboxJournal(netbox) => {
            let mut checks = reach(&group, &netbox.place(), netbox.address()).await;
            checks.push(journal(&group, config, &netbox.place()).await);
            checks
        }
    }
}

async fn reach(group: &str, place: &str, (host, port): (&str, u16)) -> Vec<Check> {
    let hint = "events are kept and retried for three days; is the receiver running?";
    // An address of version 6 stands in brackets in a URL, and without them everywhere else.
    let bare = host.trim_matches(['[', ']']);
    let mut checks = match timeout(PATIENCE, TcpStream::connect((bare, port))).await {
        Ok(Ok(_)) => vec![Check::ok(group, format!("{place} takes connections"))],
        Ok(Err(error)) => return vec![Check::warn(group, format!("{place}: {error}"), hint)],
        Err(_) => return vec![Check::warn(group, format!("{place}: no connection within 5 s"), hint)],
    };
    if place.starts_with("https://")
        && let Ok(print) = peer_fingerprint(host, port).await
    {
        checks.push(Check::ok(group, format!("its certificate's fingerprint is {print}")));
    }
    checks
}

/// NetBox says who may write without being written to.
async fn journal(group: &str, config: &SinkConfig, place: &str) -> Check {
    let Some(Ok(sink)) = wiring::netbox_journal(config) else {
        return Check::fail(group, format!("{place}: cannot be built"), "`[[sink]]` in the configuration");
    };
    match sink.look().await {
        Ok(Ready { version }) => {
            Check::ok(group, format!("{place}: NetBox {version} takes journal entries from this token"))
        }
        Err(SinkError::Rejected { why }) => {
            Check::fail(group, why, "the token of `[[sink]]`, or its user's permissions in NetBox")
        }
        Err(SinkError::Unavailable { why } | SinkError::Throttled { why, .. }) => {
            Check::warn(group, why, "events are kept and retried for three days")
        }
    }
}

/// NATS says who may come in and where a message would go without being sent one.
async fn stream(group: &str, config: &SinkConfig, place: &str) -> Check {
    let Some(Ok(sink)) = wiring::nats(config) else {
        return Check::fail(group, format!("{place}: cannot be built"), "`[[sink]]` in the configuration");
    };
    match sink.look().await {
        Ok(stream) => Check::ok(group, format!("{place}: the stream {stream} takes the events")),
        Err(SinkError::Rejected { why }) => Check::fail(group, why, "`[[sink]]` in the configuration"),
        Err(SinkError::Unavailable { why } | SinkError::Throttled { why, .. }) => {
            Check::warn(group, why, "events are kept and retried for three days")
        }
    }
}
