//! Can a destination be built and reached? Nothing is sent: a test message is an event nobody asked for.

use std::time::Duration;

use evenkeel_sinks::webhook;
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
            "`[[webhook]]` in the configuration",
        )];
    }
    match &config.kind {
        SinkKind::Webhook(webhook) => vec![reach(&group, webhook).await],
    }
}

async fn reach(group: &str, webhook: &webhook::Config) -> Check {
    let (host, port) = webhook.address();
    let hint = "events are kept and retried for three days; is the receiver running?";
    match timeout(PATIENCE, TcpStream::connect((host, port))).await {
        Ok(Ok(_)) => Check::ok(group, format!("{} takes connections", webhook.place())),
        Ok(Err(error)) => Check::warn(group, format!("{}: {error}", webhook.place()), hint),
        Err(_) => Check::warn(group, format!("{}: no connection within 5 s", webhook.place()), hint),
    }
}
