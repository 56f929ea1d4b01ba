//! A whole reconcile of what an engine sent: read the bytes, normalise, bind to the declaration, compare, decide in the
//! ledger. The floor is serde's typed parse of the same bytes into the fields that are needed, and nothing else: once as
//! one writes it (owned text, labels as a map), once as lean as it gets (borrowed text, only the labels that count).

use std::collections::HashMap;
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use evenkeel::pass;
use evenkeel::world::World;
use evenkeel_core::ledger::Ledger;
use evenkeel_core::model::{HostFacts, HostSnapshot};
use evenkeel_core::policy::Policy;
use evenkeel_core::{Coverage, EventId, Subject};
use evenkeel_sources::docker;
use jiff::Timestamp;
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::fleet::{self, Shape};
use crate::{Result, Row, in_turns, payload};

const SHAPE: Shape = Shape { hosts: 40, services: 50, one_in: 0 };
const ROUNDS: u32 = 30;

/// What is needed of a container, as serde derives it.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(dead_code, reason = "only the parse is measured")]
struct Typed {
    id: String,
    names: Vec<String>,
    image: String,
    created: i64,
    ports: Vec<TypedPort>,
    labels: HashMap<String, String>,
    state: String,
    status: String,
    host_config: TypedConfig,
    network_settings: TypedNetworks,
}

#[derive(Deserialize)]
#[allow(dead_code, reason = "only the parse is measured")]
struct TypedPort {
    #[serde(rename = "IP")]
    ip: Option<String>,
    #[serde(rename = "PublicPort")]
    public: Option<u16>,
    #[serde(rename = "Type")]
    kind: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(dead_code, reason = "only the parse is measured")]
struct TypedConfig {
    network_mode: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(dead_code, reason = "only the parse is measured")]
struct TypedNetworks {
    networks: HashMap<String, IgnoredAny>,
}

/// The same as lean as it gets; no escapes occur, so every text can be borrowed.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(dead_code, reason = "only the parse is measured")]
struct Lean<'a> {
    id: &'a str,
    #[serde(borrow)]
    names: Vec<&'a str>,
    image: &'a str,
    created: i64,
    #[serde(borrow)]
    ports: Vec<LeanPort<'a>>,
    #[serde(borrow)]
    labels: LeanLabels<'a>,
    state: &'a str,
    status: &'a str,
    #[serde(borrow)]
    host_config: LeanConfig<'a>,
    #[serde(borrow)]
    network_settings: LeanNetworks<'a>,
}

#[derive(Deserialize)]
#[allow(dead_code, reason = "only the parse is measured")]
struct LeanPort<'a> {
    #[serde(rename = "IP")]
    ip: Option<&'a str>,
    #[serde(rename = "PublicPort")]
    public: Option<u16>,
    #[serde(rename = "Type")]
    kind: &'a str,
}

#[derive(Deserialize)]
#[allow(dead_code, reason = "only the parse is measured")]
struct LeanLabels<'a> {
    #[serde(rename = "com.docker.compose.project")]
    project: Option<&'a str>,
    #[serde(rename = "com.docker.compose.service")]
    service: Option<&'a str>,
    #[serde(rename = "com.docker.compose.oneoff")]
    oneoff: Option<&'a str>,
    #[serde(rename = "com.docker.swarm.service.name")]
    swarm: Option<&'a str>,
    #[serde(rename = "evenkeel.service")]
    name: Option<&'a str>,
    #[serde(rename = "evenkeel.role")]
    role: Option<&'a str>,
    #[serde(rename = "evenkeel.ignore")]
    ignore: Option<&'a str>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(dead_code, reason = "only the parse is measured")]
struct LeanConfig<'a> {
    network_mode: &'a str,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(dead_code, reason = "only the parse is measured")]
struct LeanNetworks<'a> {
    #[serde(borrow)]
    networks: HashMap<&'a str, IgnoredAny>,
}

/// Measures a fleet of stacks.
pub fn run() -> Result<Vec<Row>> {
    let bodies: Vec<Vec<u8>> =
        (0..SHAPE.hosts).map(|h| payload::list(h, SHAPE.services)).collect::<Result<_>>()?;
    let bytes: usize = bodies.iter().map(Vec::len).sum();
    let mut scene = Scene::new();
    // Everything must be as it should before it is measured how quickly that is found.
    for (h, body) in bodies.iter().enumerate() {
        serde_json::from_slice::<Vec<Typed>>(body)?;
        serde_json::from_slice::<Vec<Lean<'_>>>(body)?;
        if scene.reconcile(h, body) != 0 {
            return Err("the fleet differs from its declaration".into());
        }
    }
    let floor = || {
        for body in &bodies {
            black_box(serde_json::from_slice::<Vec<Typed>>(body).ok());
        }
    };
    let row = |name: &str, ours: &mut dyn FnMut()| {
        let times = in_turns(ROUNDS, SHAPE.total(), ours, floor);
        Row::new(name, "ns/service", times)
    };
    let mut rows = vec![
        row("bytes to services", &mut || {
            for body in &bodies {
                black_box(docker::decode_list(body).ok());
            }
        }),
        row("bytes to decision, all compared", &mut || {
            for (h, body) in bodies.iter().enumerate() {
                black_box(scene.reconcile(h, body));
            }
        }),
        row("bytes to decision, confirmed by stamp", &mut || {
            for (h, body) in bodies.iter().enumerate() {
                black_box(scene.observe(h, body));
            }
        }),
    ];
    let lean = || {
        for body in &bodies {
            black_box(serde_json::from_slice::<Vec<Lean<'_>>>(body).ok());
        }
    };
    let all_compared = || {
        for (h, body) in bodies.iter().enumerate() {
            black_box(scene.reconcile(h, body));
        }
    };
    let times = in_turns(ROUNDS, SHAPE.total(), all_compared, lean);
    rows.push(Row::new("bytes to decision, all compared, beside the leanest parse", "ns/service", times));
    rows.push(speed("bytes to decision, all compared", bytes, &mut scene, &bodies));
    Ok(rows)
}

/// Megabytes a second, the way parsers are compared.
fn speed(name: &str, bytes: usize, scene: &mut Scene, bodies: &[Vec<u8>]) -> Row {
    let mut best = (Duration::MAX, Duration::MAX);
    for _ in 0..ROUNDS {
        let start = Instant::now();
        for (h, body) in bodies.iter().enumerate() {
            black_box(scene.reconcile(h, body));
        }
        best.0 = best.0.min(start.elapsed());
        let start = Instant::now();
        for body in bodies {
            black_box(serde_json::from_slice::<Vec<Typed>>(body).ok());
        }
        best.1 = best.1.min(start.elapsed());
    }
    let rate = |time: Duration| bytes as f64 / 1e6 / time.as_secs_f64();
    let per = bytes / SHAPE.total();
    Row::new(format!("{name}, {per} bytes each"), "MB/s", (rate(best.0), rate(best.1)))
}

/// A world that has heard everything once, and its ledgers.
struct Scene {
    world: World,
    policy: Arc<Policy>,
    ledgers: Vec<Ledger>,
    subjects: Vec<Subject>,
}

impl Scene {
    fn new() -> Self {
        let policy = Arc::new(Policy::default());
        let mut world = World::new(fleet::netbox(), policy.clone(), Duration::from_secs(120));
        world.replace_inventory(fleet::inventory(SHAPE), Timestamp::now());
        for h in 0..SHAPE.hosts {
            world.add_source(fleet::engine(h), Some(fleet::host_name(h)), None);
        }
        let subjects: Vec<Subject> = (0..SHAPE.hosts).map(|h| Subject::Host(fleet::host_name(h))).collect();
        let ledgers = subjects.iter().cloned().map(Ledger::new).collect();
        Self { world, policy, ledgers, subjects }
    }

    /// Takes an answer of an engine; how many subjects look otherwise than before.
    fn observe(&mut self, h: usize, body: &[u8]) -> usize {
        let now = Timestamp::now();
        let Ok(services) = docker::decode_list(body) else {
            return usize::MAX;
        };
        let snapshot = HostSnapshot {
            source: fleet::engine(h),
            started: now,
            observed_at: now,
            coverage: Coverage::Complete,
            facts: HostFacts::default(),
            services,
        };
        self.world.replace_host(snapshot, now).len()
    }

    /// Takes an answer and decides, whatever the stamp says; how many drifts there are.
    fn reconcile(&mut self, h: usize, body: &[u8]) -> usize {
        self.observe(h, body);
        let now = Timestamp::now();
        let (subject, ledger) = (&self.subjects[h], &self.ledgers[h]);
        let slice = self.world.slice(subject, now);
        let mut ids = || EventId::new(now, [7; 10]);
        let decision = pass::decide(subject, &slice, ledger, &self.policy, now, &mut ids);
        self.ledgers[h] = decision.advance.ledger;
        decision.report.drifted.len()
    }
}
