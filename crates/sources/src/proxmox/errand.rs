//! Reading one guest slowly: configuration, then whoever knows its addresses. A silent agent takes 3 s to say so, which
//! is why nobody waits for this. What lives here: the requests and the task that makes them. What does not: when
//! (`details`).

use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use evenkeel_core::{Fact, Gap, GapKind};
use futures_util::StreamExt;
use serde_json::Value;
use tokio::sync::Notify;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::Instant;

use super::client::{Client, Refusal};
use super::details::{Ask, Details, Found};
use super::guest_config::{self, GuestConfig};
use super::wire::{GuestKind, short};

/// Of the cluster's four calls; the others stay free for the lists.
const PARALLEL: usize = 2;

/// What the task that reads slowly shares with the source.
#[derive(Debug)]
pub(super) struct Board {
    pub(super) client: Arc<Client>,
    details: Mutex<Details>,
    news: Mutex<Option<String>>,
    bell: Notify,
    idle: Notify,
}

impl Board {
    pub(super) fn new(client: Arc<Client>, details: Details) -> Self {
        Self {
            client,
            details: Mutex::new(details),
            news: Mutex::new(None),
            bell: Notify::new(),
            idle: Notify::new(),
        }
    }

    pub(super) fn details(&self) -> MutexGuard<'_, Details> {
        self.details.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Completes when details brought news.
    pub(super) async fn news(&self) -> String {
        loop {
            if let Some(news) = self.news.lock().unwrap_or_else(PoisonError::into_inner).take() {
                return news;
            }
            self.bell.notified().await;
        }
    }

    /// Completes when no errand is under way.
    pub(super) async fn idle(&self) {
        loop {
            let idle = self.idle.notified();
            if self.details().under_way() == 0 {
                return;
            }
            idle.await;
        }
    }

    fn ring(&self, news: String) {
        *self.news.lock().unwrap_or_else(PoisonError::into_inner) = Some(news);
        self.bell.notify_one();
    }
}

/// Runs errands until nobody sends any more.
pub(super) async fn run(board: Arc<Board>, mut errands: UnboundedReceiver<Vec<Ask>>) {
    while let Some(batch) = errands.recv().await {
        let mut answers = futures_util::stream::iter(batch)
            .map(|ask| {
                let client = Arc::clone(&board.client);
                async move {
                    let found = read(&client, &ask).await;
                    (ask, found)
                }
            })
            .buffer_unordered(PARALLEL);
        let mut told: Vec<String> = Vec::new();
        while let Some((ask, found)) = answers.next().await {
            if board.details().take(&ask, found, Instant::now()) {
                told.push(ask.key);
            }
        }
        if let Some(first) = told.first() {
            let more = if told.len() > 1 { format!(" and {} more", told.len() - 1) } else { String::new() };
            board.ring(format!("details of {first}{more}"));
        }
        board.idle.notify_waiters();
    }
}

async fn read(client: &Client, ask: &Ask) -> Found {
    let path = match path(ask) {
        Ok(path) => path,
        Err(gap) => return Found { addresses: Some(Fact::Unknown(gap.clone())), config: Err(gap) },
    };
    let endpoint = client.current();
    let current: &[(&str, &str)] = match ask.kind {
        // Without it Proxmox shows what the guest will be after its next start.
        GuestKind::Qemu => &[("current", "1")],
        GuestKind::Lxc => &[],
    };
    let config = match client.get(endpoint, &format!("{path}/config"), current).await {
        Ok(reply) => match reply.data.as_object() {
            Some(data) => Ok(guest_config::read(ask.kind, data)),
            None => Err(Gap::new(GapKind::Malformed, format!("{path}/config is no object"))),
        },
        Err(refused) => Err(refused.gap),
    };
    let addresses = if ask.running { addresses(client, endpoint, &path, ask, &config).await } else { None };
    Found { config, addresses }
}

fn path(ask: &Ask) -> Result<String, Gap> {
    let harmless = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    if ask.node.is_empty() || ask.node.starts_with('.') || !ask.node.bytes().all(harmless) {
        let why = format!("`{}` is no name of a node", short(&ask.node));
        return Err(Gap::new(GapKind::Malformed, why));
    }
    Ok(format!("nodes/{}/{}/{}", ask.node, ask.kind.as_str(), ask.vmid))
}

async fn addresses(
    client: &Client,
    endpoint: usize,
    path: &str,
    ask: &Ask,
    config: &Result<GuestConfig, Gap>,
) -> Option<Fact<Vec<IpAddr>>> {
    let question = match (ask.kind, config) {
        (GuestKind::Lxc, _) => "interfaces",
        (GuestKind::Qemu, Ok(config)) if !config.agent => {
            return Some(Fact::unknown(GapKind::Uncovered, "no guest agent is configured"));
        }
        (GuestKind::Qemu, Ok(_)) => "agent/network-get-interfaces",
        (GuestKind::Qemu, Err(_)) => return None,
    };
    if ask.young {
        return Some(Fact::unknown(GapKind::NotYetObserved, "the guest was started just now"));
    }
    match client.get(endpoint, &format!("{path}/{question}"), &[]).await {
        Ok(reply) => Some(told(&reply.data, ask.vmid)),
        // Nobody answered at all: what is known stays, until it is too old.
        Err(Refusal { status: None, .. }) => None,
        Err(refused) => Some(Fact::Unknown(refused.gap)),
    }
}

/// The addresses in an agent's or a container's answer. None at all is taken for "not yet": nothing is compared with
/// it, and a machine without any address is not what anybody declares.
pub(super) fn told(data: &Value, vmid: u64) -> Fact<Vec<IpAddr>> {
    let malformed =
        || Fact::unknown(GapKind::Malformed, format!("the interfaces of guest {vmid} are no list"));
    // An agent's answer is wrapped once more.
    let Some(interfaces) = data.get("result").unwrap_or(data).as_array() else {
        return malformed();
    };
    let mut found = Vec::new();
    for interface in interfaces {
        for address in interface.get("ip-addresses").and_then(Value::as_array).into_iter().flatten() {
            found.extend(address.get("ip-address").and_then(Value::as_str).and_then(address_of));
        }
        for key in ["inet", "inet6"] {
            found.extend(interface.get(key).and_then(Value::as_str).and_then(address_of));
        }
    }
    found.sort();
    found.dedup();
    if found.is_empty() {
        return Fact::unknown(GapKind::NotYetObserved, "the guest tells no address");
    }
    Fact::Known(found)
}

/// `192.0.2.5`, `192.0.2.5/24`, `fe80::1%eth0`; nothing that stays within the machine or on its link.
fn address_of(text: &str) -> Option<IpAddr> {
    let text = text.split(['/', '%']).next()?.trim();
    let address: IpAddr = text.parse().ok()?;
    let wide = match address {
        IpAddr::V4(v4) => !(v4.is_loopback() || v4.is_link_local() || v4.is_unspecified()),
        IpAddr::V6(v6) => !(v6.is_loopback() || v6.is_unicast_link_local() || v6.is_unspecified()),
    };
    wide.then_some(address)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_agent_and_a_container_tell_their_addresses_each_in_its_own_way() {
        let agent = json!({"result": [
            {"name": "lo", "ip-addresses": [{"ip-address": "127.0.0.1"}, {"ip-address": "::1"}]},
            {"name": "eth0", "hardware-address": "bc:24:11:00:02:71", "ip-addresses": [
                {"ip-address": "192.168.2.113", "ip-address-type": "ipv4", "prefix": 24},
                {"ip-address": "fe80::be24:11ff:fe00:271%eth0", "ip-address-type": "ipv6", "prefix": 64},
                {"ip-address": "2001:db8::113", "ip-address-type": "ipv6", "prefix": 64}]},
            {"name": "wg0"}
        ]});
        let told_by_agent = ["192.168.2.113", "2001:db8::113"].map(|ip| ip.parse().unwrap()).to_vec();
        assert_eq!(told(&agent, 100), Fact::Known(told_by_agent));
        let old = json!([{"name": "eth0", "hwaddr": "x", "inet": "192.0.2.5/24", "inet6": "fe80::1/64"}]);
        assert_eq!(told(&old, 200), Fact::Known(vec!["192.0.2.5".parse().unwrap()]));
    }

    #[test]
    fn no_address_is_not_yet_an_address_and_never_none() {
        for data in
            [json!([]), json!({"result": []}), json!({"result": [{"ip-addresses": [{"ip-address": 3}]}]})]
        {
            assert_eq!(told(&data, 1).known().unwrap_err().kind, GapKind::NotYetObserved, "{data}");
        }
        for data in [json!(null), json!({"result": "x"}), json!("up")] {
            assert_eq!(told(&data, 1).known().unwrap_err().kind, GapKind::Malformed, "{data}");
        }
    }
}
