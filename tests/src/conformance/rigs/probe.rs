//! The probe: a machine without an interface to ask, and a gateway by which the probe knows that its own network is
//! there. Down: nothing answers any more, the gateway included.

use std::sync::Arc;
use std::time::Duration;

use evenkeel::fleet::{Observer, Probe as Aimed, Speaks};
use evenkeel_core::{SourceId, SourceKind};
use evenkeel_lab::inventory::ObjectRef;
use evenkeel_lab::listener::{Behaviour, Machine};
use evenkeel_sources::probe::{Config, ProbeSource, Reference, Selection};

use super::plan;
use crate::conformance::{Fault, Rig};
use crate::stage::{Beside, Lab, Plan, Stage, Wired};

pub(in crate::conformance) struct Probe {
    stage: Stage,
    desk: Arc<Machine>,
    gateway: Arc<Machine>,
    /// `tts`, `whisper` on the desk; the gateway's.
    ports: [u16; 3],
}

pub(in crate::conformance) async fn rig() -> Probe {
    let lab = Lab::small(&[("box", &[("web", 80)])]).await;
    let (desk, gateway) = (Arc::new(Machine::start()), Arc::new(Machine::start()));
    let tts = desk.open(Behaviour::Open).await.unwrap();
    let whisper = desk.open(Behaviour::Open).await.unwrap();
    let door = gateway.open(Behaviour::Closed).await.unwrap();
    declare(&lab, "desk", &desk, &[("tts", tts), ("whisper", whisper)]);
    let reference = vec![Reference { address: gateway.address(), port: Some(door) }];
    let plan = Plan { beside: vec![beside(reference)], ..plan() };
    Probe { stage: Stage::start(lab, plan).await, desk, gateway, ports: [tts, whisper, door] }
}

/// Declares a machine that is to be probed.
pub fn declare(lab: &Lab, name: &str, machine: &Machine, services: &[(&str, u16)]) {
    let netbox = lab.netbox.netbox();
    let tag = netbox.tag("probe").unwrap_or_else(|| netbox.add_tag("probe"));
    let id = netbox.add_device(name, |host| host.tags = vec![tag]);
    let interface = netbox.add_interface(&ObjectRef::device(id), "eth0");
    let ip = netbox.add_ip(&format!("{}/8", machine.address()), Some(interface), |_| {});
    assert!(netbox.edit_device(id, |host| host.primary_ip4 = Some(ip)));
    for (service, port) in services {
        netbox.add_service(ObjectRef::device(id), service, &[u32::from(*port)], |_| {});
    }
}

/// A probe with these addresses of its own network.
pub fn beside(reference: Vec<Reference>) -> Beside {
    Beside::new(move || {
        let config = Config {
            vantage: Some("the-lab".into()),
            timeout: Duration::from_millis(700),
            pause: Duration::from_millis(100),
            spacing: Duration::ZERO,
            per_second: 10_000,
            icmp: false,
            reference: reference.clone(),
            ..Config::new(SourceId::new(SourceKind::Probe, "main"))
        };
        let source = Arc::new(ProbeSource::new(config).unwrap());
        let observer = Observer {
            source: source.clone(),
            speaks: Speaks::Machines(Vec::new()),
            interval: Some(Duration::from_millis(300)),
        };
        let probe = Aimed { source, selection: Selection::default() };
        Wired { observers: vec![observer], probes: vec![probe], ..Wired::default() }
    })
}

impl Rig for Probe {
    fn stage(&self) -> &Stage {
        &self.stage
    }

    fn stage_mut(&mut self) -> &mut Stage {
        &mut self.stage
    }

    fn truths(&self) -> &'static [&'static str] {
        &["SERVICE_MISSING tts@desk"]
    }

    async fn differ(&self) {
        self.desk.set(self.ports[0], Behaviour::Closed).await.unwrap();
    }

    async fn repair(&self) {
        self.desk.set(self.ports[0], Behaviour::Open).await.unwrap();
    }

    async fn begin(&self, fault: Fault) {
        let [tts, whisper, door] = self.ports;
        match fault {
            // In this order every moment in between is one at which nothing else is wrong.
            Fault::Down | Fault::Controller => {
                self.gateway.set(door, Behaviour::Filtered).await.unwrap();
                self.desk.set(tts, Behaviour::Filtered).await.unwrap();
                self.desk.set(whisper, Behaviour::Filtered).await.unwrap();
            }
            Fault::Slow => {
                let slow = Behaviour::SlowHttp(200, Duration::from_millis(100));
                self.desk.set(whisper, slow).await.unwrap();
            }
            Fault::Malformed => self.desk.set(whisper, Behaviour::Garbage).await.unwrap(),
            Fault::Reset => self.desk.set(whisper, Behaviour::Reset).await.unwrap(),
            Fault::Restart => {
                for _ in 0..3 {
                    self.desk.set(whisper, Behaviour::Open).await.unwrap();
                    self.stage.looks(1).await;
                }
            }
            Fault::Hang
            | Fault::Unauthorized
            | Fault::Forbidden
            | Fault::Empty
            | Fault::Shrunken
            | Fault::Truncated
            | Fault::UnknownWord
            | Fault::Duplicate
            | Fault::ClockSkew => {}
        }
    }

    async fn end(&self, _: Fault) {
        let [tts, whisper, door] = self.ports;
        self.desk.set(whisper, Behaviour::Open).await.unwrap();
        self.desk.set(tts, Behaviour::Closed).await.unwrap();
        self.gateway.set(door, Behaviour::Closed).await.unwrap();
    }
}
