//! A Docker engine. Down: killed, with what it ran. Restart: asked to end, and back before its containers are.

use std::time::Duration;

use evenkeel_lab::docker::DockerLab;
use serde_json::json;

use super::{plan, wire};
use crate::conformance::{Fault, Rig};
use crate::stage::{Lab, Plan, Stage, container};

const SERVICES: [(&str, u16); 9] = [
    ("web", 80),
    ("db", 5432),
    ("cache", 6379),
    ("mail", 25),
    ("wiki", 8080),
    ("git", 3000),
    ("ci", 8000),
    ("chat", 8065),
    ("search", 9200),
];

pub(in crate::conformance) struct Docker(Stage);

pub(in crate::conformance) async fn rig() -> Docker {
    let lab = Lab::small(&[("box", &SERVICES)]).await;
    let plan = Plan { settle: Duration::from_secs(3), ..plan() };
    Docker(Stage::start(lab, plan).await)
}

impl Docker {
    fn engine(&self) -> &DockerLab {
        self.0.engine("box")
    }
}

impl Rig for Docker {
    fn stage(&self) -> &Stage {
        &self.0
    }

    fn stage_mut(&mut self) -> &mut Stage {
        &mut self.0
    }

    fn truths(&self) -> &'static [&'static str] {
        &["SERVICE_MISSING db@box", "SERVICE_UNEXPECTED guest@box"]
    }

    async fn differ(&self) {
        self.engine().stop("db").unwrap();
        self.engine().run(container("box", "guest", 7000));
    }

    async fn repair(&self) {
        self.engine().start_container("db").unwrap();
        self.engine().remove("guest").unwrap();
    }

    async fn begin(&self, fault: Fault) {
        let engine = self.engine();
        match fault {
            Fault::Down | Fault::Controller => engine.kill_daemon().await.unwrap(),
            Fault::Restart => engine.stop_daemon().await.unwrap(),
            Fault::Shrunken => engine.hide(&["web", "cache", "mail", "wiki", "git", "ci", "chat"]),
            Fault::UnknownWord => engine.tamper("web", "State", json!("hibernating")).unwrap(),
            Fault::ClockSkew => engine.set_clock(7200),
            Fault::Slow
            | Fault::Hang
            | Fault::Unauthorized
            | Fault::Forbidden
            | Fault::Empty
            | Fault::Truncated
            | Fault::Malformed
            | Fault::Duplicate
            | Fault::Reset => engine.faults().set("", wire(fault).unwrap()),
        }
    }

    async fn end(&self, fault: Fault) {
        let engine = self.engine();
        match fault {
            Fault::Down | Fault::Controller => {
                engine.start_daemon().await.unwrap();
                engine.resume();
            }
            Fault::Restart => {
                engine.start_daemon().await.unwrap();
                // What it is to run comes up one look later.
                tokio::time::sleep(Duration::from_millis(500)).await;
                engine.resume();
            }
            Fault::Shrunken => engine.hide(&[]),
            Fault::UnknownWord => engine.tamper("web", "State", json!("running")).unwrap(),
            Fault::ClockSkew => engine.set_clock(0),
            Fault::Slow
            | Fault::Hang
            | Fault::Unauthorized
            | Fault::Forbidden
            | Fault::Empty
            | Fault::Truncated
            | Fault::Malformed
            | Fault::Duplicate
            | Fault::Reset => engine.faults().clear_all(),
        }
    }
}
