//! A TrueNAS: the apps on it, and the machines it looks after. Restart: it comes back before it is ready.

use std::sync::Arc;
use std::time::Duration;

use evenkeel::wiring;
use evenkeel_core::{HostName, Secret, SourceId, SourceKind};
use evenkeel_lab::inventory::ObjectRef;
use evenkeel_lab::truenas::{App, AppState, Guest, Pool, TruenasLab, TruenasVersion};
use evenkeel_sources::http::{Fingerprint, Trust};
use evenkeel_sources::truenas::{Address, Config, Transport};
use jiff::SignedDuration;

use super::{PATIENCE, plan, wire};
use crate::conformance::{Fault, Rig, System};
use crate::stage::{Beside, Lab, Plan, Stage, Wired};

const APPS: [(&str, u16); 6] = [
    ("plex", 32400),
    ("immich", 2283),
    ("syncthing", 8384),
    ("gitea", 3000),
    ("frigate", 5000),
    ("kavita", 5001),
];
const MACHINES: [&str; 6] = ["minecraft", "valheim", "factorio", "terraria", "satisfactory", "quake"];
/// The lists of a source's own machine, and of the machines it looks after.
const LISTS: [&str; 2] = ["app.query", "vm.query"];

pub(in crate::conformance) struct Truenas {
    stage: Stage,
    lab: Arc<TruenasLab>,
}

pub(in crate::conformance) async fn rig(system: System) -> Truenas {
    let (version, transport) = if system == System::TruenasRest {
        (TruenasVersion::V24_10, Transport::Rest)
    } else {
        (TruenasVersion::V25_10, Transport::Websocket)
    };
    let lab = Lab::small(&[("box", &[("web", 80)])]).await;
    let nas = Arc::new(TruenasLab::start(version).await.unwrap());
    let netbox = lab.netbox.netbox();
    let device = netbox.add_device("nas", |_| {});
    for (app, port) in APPS {
        netbox.add_service(ObjectRef::device(device), app, &[u32::from(port)], |_| {});
        nas.edit(|state| state.apps.insert(app.to_owned(), App::new("lab/app:1.0", &[port])));
    }
    for (id, name) in (1..).zip(MACHINES) {
        netbox.add_vm(name, |vm| vm.device = Some(device));
        nas.edit(|state| state.vms.insert(name.to_owned(), guest(id)));
    }
    nas.edit(|state| {
        state.hostname = "nas".to_owned();
        let pool = Pool { status: "ONLINE".into(), healthy: true, size: 16 << 40, allocated: 4 << 40 };
        state.pools.insert("tank".to_owned(), pool);
    });
    let plan = Plan { beside: vec![beside(&nas, transport)], ..plan() };
    Truenas { stage: Stage::start(lab, plan).await, lab: nas }
}

fn guest(id: u64) -> Guest {
    Guest {
        id,
        state: "RUNNING".to_owned(),
        vcpus: 2,
        memory: 2048,
        mac: format!("00:a0:98:00:00:{id:02x}"),
        address: format!("192.0.2.{id}"),
    }
}

fn beside(lab: &Arc<TruenasLab>, transport: Transport) -> Beside {
    let lab = Arc::clone(lab);
    Beside::new(move || {
        let id = SourceId::new(SourceKind::Truenas, "nas");
        let config = Config {
            host: Some(HostName::new("nas")),
            transport,
            user: Some(lab.user().to_owned()),
            api_key: Some(Secret::new(lab.key())),
            trust: Trust { pin: Some(Fingerprint::of(lab.certificate())), ..Trust::default() },
            interval: Duration::from_millis(300),
            timeout: PATIENCE,
            debounce: Duration::from_millis(20),
            ..Config::new(id, Address::parse(&lab.url()).unwrap())
        };
        Wired { observers: vec![wiring::appliance(&config).unwrap()], ..Wired::default() }
    })
}

impl Rig for Truenas {
    fn stage(&self) -> &Stage {
        &self.stage
    }

    fn stage_mut(&mut self) -> &mut Stage {
        &mut self.stage
    }

    fn truths(&self) -> &'static [&'static str] {
        &["SERVICE_MISSING plex@nas", "VM_DOWN minecraft", "VM_UNDECLARED stray"]
    }

    async fn differ(&self) {
        assert!(self.lab.set_app("plex", AppState::Stopped));
        assert!(self.lab.set_vm("minecraft", "STOPPED"));
        self.lab.edit(|state| state.vms.insert("stray".to_owned(), guest(99)));
    }

    async fn repair(&self) {
        assert!(self.lab.set_app("plex", AppState::Running));
        assert!(self.lab.set_vm("minecraft", "RUNNING"));
        self.lab.edit(|state| state.vms.remove("stray"));
    }

    async fn begin(&self, fault: Fault) {
        let lab = &self.lab;
        match fault {
            Fault::Down | Fault::Restart | Fault::Controller => lab.stop().await,
            Fault::Shrunken => lab.edit(|state| {
                state.shortened = LISTS.iter().map(|list| ((*list).to_owned(), 5)).collect();
            }),
            Fault::UnknownWord => {
                assert!(lab.set_app("immich", AppState::Odd));
                assert!(lab.set_vm("valheim", "HIBERNATED"));
            }
            Fault::ClockSkew => lab.edit(|state| state.clock = SignedDuration::from_hours(-3)),
            Fault::Unauthorized | Fault::Forbidden | Fault::Empty | Fault::Duplicate => {
                for list in LISTS {
                    lab.faults().set(list, wire(fault).unwrap());
                }
            }
            Fault::Slow | Fault::Hang | Fault::Truncated | Fault::Malformed | Fault::Reset => {
                lab.faults().set("", wire(fault).unwrap());
            }
        }
    }

    async fn end(&self, fault: Fault) {
        let lab = &self.lab;
        match fault {
            Fault::Down | Fault::Controller => lab.resume().unwrap(),
            Fault::Restart => {
                lab.edit(|state| {
                    state.system = "BOOTING".to_owned();
                    state.docker_status = "INITIALIZING".to_owned();
                    state.docker_runs = false;
                });
                lab.resume().unwrap();
                self.stage.looks(2).await;
                lab.edit(|state| {
                    state.system = "READY".to_owned();
                    state.docker_status = "RUNNING".to_owned();
                    state.docker_runs = true;
                });
            }
            Fault::Shrunken => lab.edit(|state| state.shortened.clear()),
            Fault::UnknownWord => {
                assert!(lab.set_app("immich", AppState::Running));
                assert!(lab.set_vm("valheim", "RUNNING"));
            }
            Fault::ClockSkew => lab.edit(|state| state.clock = SignedDuration::ZERO),
            Fault::Slow
            | Fault::Hang
            | Fault::Unauthorized
            | Fault::Forbidden
            | Fault::Empty
            | Fault::Truncated
            | Fault::Malformed
            | Fault::Duplicate
            | Fault::Reset => lab.faults().clear_all(),
        }
    }
}
