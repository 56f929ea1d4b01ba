//! One look at a cluster: which endpoint is asked, in which order, and what the answers prove together.
//!
//! What does not live here: what a row means (`decode`) and what is read slowly (`details`).

use std::collections::BTreeSet;
use std::sync::Arc;

use evenkeel_core::model::Survey;
use evenkeel_core::{Coverage, Gap, GapKind};
use futures_util::StreamExt;
use serde_json::Value;
use tokio::time::Instant;

use super::ProxmoxSource;
use super::client::{Client, Refusal};
use super::decode::{self, Answers, Beside};
use super::locks::Locks;
use super::rights::{self, Rights};
use super::wire::{self, GuestRow};

/// What outlives an observation.
#[derive(Debug, Default)]
pub(super) struct Memory {
    /// The rights as they were proved last, and when.
    rights: Option<(Rights, Instant)>,
    /// Guests that were listed, by number.
    known: BTreeSet<u64>,
    cluster: Option<Arc<str>>,
    speaker: Option<Speaker>,
    locks: Locks,
}

/// Who spoke last, and for which nodes.
#[derive(Debug)]
struct Speaker {
    endpoint: usize,
    nodes: BTreeSet<String>,
}

/// The answers of one endpoint.
struct Look {
    endpoint: usize,
    answers: Answers,
    /// A list did not come for a reason that another node may not have.
    lost: bool,
}

impl ProxmoxSource {
    pub(super) async fn survey(&self) -> Survey {
        let started = evenkeel_ambient::now();
        let mut memory = self.memory.lock().await;
        let look = look(&self.client).await;
        let now = Instant::now();
        if let Some(gap) = self.stranger(&mut memory, &look) {
            return Survey::blind(self.config.id.clone(), started, evenkeel_ambient::now(), gap);
        }
        if let Ok(status) = &look.answers.cluster {
            memory.cluster = status.name.as_deref().map(Arc::from);
        }
        let (rights, hidden) = self.proof(&mut memory, &look).await;
        if let Ok(list) = &look.answers.guests {
            memory.locks.observed(&list.rows, now);
            self.send_errands(&memory.locks, &look.answers, &list.rows, now);
        }
        let picture = {
            let details = self.board.details();
            decode::picture(
                &look.answers,
                &Beside {
                    asked_at: started,
                    rights: &rights,
                    cluster: memory.cluster.clone(),
                    excuse: &|row| memory.locks.excuse(row, self.config.lock_cap, now),
                    detail: &|row| details.of(row, now),
                },
            )
        };
        let mut flaws = picture.flaws;
        flaws.extend(rights.gap().cloned());
        flaws.extend(hidden);
        let coverage = coverage(&flaws, &self.client.place(look.endpoint));
        remember(&mut memory.known, &look.answers, &coverage);
        Survey {
            source: self.config.id.clone(),
            started,
            observed_at: evenkeel_ambient::now(),
            coverage,
            machines: picture.machines,
        }
    }

    /// Endpoints of two clusters under one name would, when one fails, make all of its guests absent and all of the
    /// other's new. Names of nodes tell them apart.
    fn stranger(&self, memory: &mut Memory, look: &Look) -> Option<Gap> {
        let Ok(list) = &look.answers.nodes else { return None };
        let nodes: BTreeSet<String> = list.rows.iter().map(|row| row.node.clone()).collect();
        if let Some(before) = &memory.speaker
            && before.endpoint != look.endpoint
            && before.nodes.is_disjoint(&nodes)
            && !nodes.is_empty()
        {
            self.client.stick_to(before.endpoint);
            let (first, other) = (self.client.place(before.endpoint), self.client.place(look.endpoint));
            let name = nodes.first().map_or("", String::as_str);
            let why = format!(
                "{other} speaks for {}, which {first} did not know; are these endpoints of one cluster?",
                wire::short(name)
            );
            return Some(Gap::new(GapKind::Ambiguous, why));
        }
        if !nodes.is_empty() {
            memory.speaker = Some(Speaker { endpoint: look.endpoint, nodes });
        }
        None
    }

    /// The rights, proved anew where they are old, were lacking, or something is gone; and what is gone from the list
    /// but not from the cluster.
    async fn proof(&self, memory: &mut Memory, look: &Look) -> (Rights, Option<Gap>) {
        let Ok(list) = &look.answers.guests else {
            // Nothing is concluded from lists that did not come; the cause is their own.
            let known = memory.rights.as_ref().map(|(rights, _)| rights.clone());
            let unread = Gap::new(GapKind::NotYetObserved, "the rights were not asked for yet");
            return (known.unwrap_or_else(|| Rights::unproved(&unread)), None);
        };
        let there: BTreeSet<u64> = list.rows.iter().map(|row| row.vmid).collect();
        let gone: Vec<u64> = memory.known.difference(&there).copied().collect();
        let now = Instant::now();
        let fresh = memory.rights.as_ref().filter(|(rights, since)| {
            gone.is_empty()
                && rights.gap().is_none()
                && now.duration_since(*since) < self.config.rights_interval
        });
        let rights = match fresh {
            Some((rights, _)) => rights.clone(),
            None => match self.client.get(look.endpoint, "access/permissions", &[]).await {
                Ok(reply) => {
                    let rights = rights::judge(&reply.data, self.client.login());
                    memory.rights = Some((rights.clone(), now));
                    rights
                }
                Err(refused) => {
                    memory.rights = None;
                    Rights::unproved(&refused.gap)
                }
            },
        };
        let hidden =
            if rights.gap().is_none() { hidden(&self.client, look.endpoint, &gone).await } else { None };
        (rights, hidden)
    }

    fn send_errands(&self, locks: &Locks, answers: &Answers, rows: &[GuestRow], now: Instant) {
        let Ok(nodes) = &answers.nodes else { return };
        let online: BTreeSet<&str> = nodes
            .rows
            .iter()
            .filter(|row| row.status.as_deref() == Some("online"))
            .map(|row| row.node.as_str())
            .collect();
        let asks = self.board.details().plan(
            rows,
            |row| {
                let there = row.node.as_deref().is_some_and(|node| online.contains(node));
                there && locks.excuse(row, self.config.lock_cap, now).is_none()
            },
            now,
        );
        if !asks.is_empty() {
            // The reader ends with the source, so there is somebody to take them.
            let _ = self.errands.send(asks);
        }
    }
}

/// Asks the endpoints in turn until one answers and belongs to the part of the cluster that has the say.
async fn look(client: &Client) -> Look {
    let mut best: Option<Look> = None;
    let turn = client.turn();
    for endpoint in &turn {
        let look = ask(client, *endpoint).await;
        let quorate = !matches!(&look.answers.cluster, Ok(status) if status.quorate == Some(false));
        if !look.lost && quorate {
            client.stick_to(*endpoint);
            return look;
        }
        // A part without a quorum is better than nothing; of failures the first is told.
        if best.as_ref().is_none_or(|best| best.lost && !look.lost) {
            best = Some(look);
        }
    }
    let look = match best {
        Some(look) => look,
        // The settings name an endpoint at least.
        None => return ask(client, client.current()).await,
    };
    if !look.lost {
        client.stick_to(look.endpoint);
    }
    look
}

async fn ask(client: &Client, endpoint: usize) -> Look {
    const RESOURCES: &str = "cluster/resources";
    // The first question finds out whether anybody is there; only then are the others put.
    let nodes = client.get(endpoint, RESOURCES, &[("type", "node")]).await;
    if let Err(refused) = &nodes
        && (refused.moves_on() || refused.status == Some(401))
    {
        return Look { endpoint, answers: Answers::blind(&refused.gap), lost: refused.moves_on() };
    }
    let (guests, storages, status, version) = tokio::join!(
        client.get(endpoint, RESOURCES, &[("type", "vm")]),
        client.get(endpoint, RESOURCES, &[("type", "storage")]),
        client.get(endpoint, "cluster/status", &[]),
        client.get(endpoint, "version", &[]),
    );
    let lost = guests.as_ref().is_err_and(Refusal::moves_on);
    let answers = Answers {
        nodes: nodes.map_err(Gap::from).and_then(|reply| wire::nodes(&reply.data, "the list of nodes")),
        guests: guests.map_err(Gap::from).and_then(|reply| wire::guests(&reply.data, "the list of guests")),
        storages: storages
            .map_err(Gap::from)
            .and_then(|reply| wire::storages(&reply.data, "the list of storages")),
        cluster: status
            .map_err(Gap::from)
            .and_then(|reply| wire::cluster_status(&reply.data, "the cluster's status")),
        version: version.map_err(Gap::from).and_then(|reply| version_of(&reply.data)),
    };
    Look { endpoint, answers, lost }
}

pub(super) fn version_of(data: &Value) -> Result<String, Gap> {
    let said = data.get("version").and_then(Value::as_str).map(wire::short).filter(|text| !text.is_empty());
    said.ok_or_else(|| Gap::new(GapKind::Malformed, "the node does not say its version"))
}

impl Answers {
    /// Nothing was answered, for this reason.
    fn blind(gap: &Gap) -> Self {
        Self {
            nodes: Err(gap.clone()),
            guests: Err(gap.clone()),
            storages: Err(gap.clone()),
            cluster: Err(gap.clone()),
            version: Err(gap.clone()),
        }
    }
}

/// Whether the cluster still has a guest that its list no longer shows: somebody hid it from us, or the list was read
/// while rights were lost. Whether a number is free, everybody may ask.
async fn hidden(client: &Client, endpoint: usize, gone: &[u64]) -> Option<Gap> {
    let asked = gone.iter().map(|vmid| async move {
        let number = vmid.to_string();
        (*vmid, client.get(endpoint, "cluster/nextid", &[("vmid", number.as_str())]).await)
    });
    let asked: Vec<_> = asked.collect();
    let mut answers = futures_util::stream::iter(asked).buffer_unordered(4);
    while let Some((vmid, answer)) = answers.next().await {
        match answer {
            Ok(_) => {}
            Err(refused) if refused.said.contains("already exists") => {
                let who = client.login().who();
                let why = format!("guest {vmid} is in the cluster but is not shown to {who}");
                return Some(Gap::new(GapKind::Unauthorized, why));
            }
            Err(refused) if refused.moves_on() => return Some(refused.gap),
            // Where the question is not answered, the rights that were proved must do.
            Err(_) => {}
        }
    }
    None
}

/// Only a whole list says who is gone.
fn remember(known: &mut BTreeSet<u64>, answers: &Answers, coverage: &Coverage) {
    let Ok(list) = &answers.guests else { return };
    if coverage.is_complete() {
        known.clear();
    }
    known.extend(list.rows.iter().map(|row| row.vmid));
}

pub(super) fn coverage(flaws: &[Gap], place: &str) -> Coverage {
    let Some(first) = flaws.first() else {
        return Coverage::Complete;
    };
    let others = flaws[1..].iter().filter(|gap| *gap != first).count();
    let more = if others > 0 { format!(" (and {others} more)") } else { String::new() };
    let why = if first.why.contains(place) {
        format!("{}{more}", first.why)
    } else {
        format!("{place}: {}{more}", first.why)
    };
    Coverage::Partial(Gap::new(first.kind, why))
}
