//! A short list of things that go wrong in a homelab, and right again, to be played on a running one.

use std::io;

use serde_json::Value;

use crate::docker::{Container, DockerLab};
use crate::fault::Fault;
use crate::homelab::Homelab;

/// One thing that happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Incident {
    /// What happens, in the words of somebody who is there.
    pub story: &'static str,
    /// What the controller should make of it.
    pub lesson: &'static str,
    what: What,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Stop,
    Start,
    Republish,
    Undeclared,
    Declare,
    CrashLoop,
    Recover,
    EngineAway,
    EngineBack,
    NetboxAway,
    NetboxBack,
    NetboxForgets,
    NetboxRemembers,
}

/// The list, in the order it is played.
pub const INCIDENTS: [Incident; 13] = [
    Incident {
        story: "somebody stops sonarr on box2-media",
        lesson: "a declared service does not run: SERVICE_MISSING",
        what: What::Stop,
    },
    Incident { story: "sonarr is started again", lesson: "the drift resolves", what: What::Start },
    Incident {
        story: "freshrss is recreated on another port",
        lesson: "it runs, but not where it is declared: PORT_MISMATCH",
        what: What::Republish,
    },
    Incident {
        story: "somebody tries out jellyseerr on box2-media without telling NetBox",
        lesson: "it runs and nobody declared it: SERVICE_UNEXPECTED",
        what: What::Undeclared,
    },
    Incident {
        story: "jellyseerr and freshrss's new port are written into NetBox",
        lesson: "intent follows reality, and both drifts resolve",
        what: What::Declare,
    },
    Incident {
        story: "grafana's sibling kong on supabase begins to crash and restart",
        lesson: "one RESTART_LOOP, not a stream of missing and back",
        what: What::CrashLoop,
    },
    Incident { story: "kong is repaired", lesson: "the loop resolves", what: What::Recover },
    Incident {
        story: "the engine on box2-media dies, with its eight containers",
        lesson: "one DOCKER_UNREACHABLE; the services are unknown, not missing",
        what: What::EngineAway,
    },
    Incident { story: "the engine is back", lesson: "everything is known again", what: What::EngineBack },
    Incident {
        story: "NetBox stops answering",
        lesson: "the last declaration stays in force; nothing becomes undeclared",
        what: What::NetboxAway,
    },
    Incident { story: "NetBox answers again", lesson: "and the gap closes", what: What::NetboxBack },
    Incident {
        story: "an edit of permissions hides every VM from the token; NetBox still says 200",
        lesson: "implausible: held back, reported, and no service becomes undeclared",
        what: What::NetboxForgets,
    },
    Incident { story: "the permissions are put right", lesson: "in sync", what: What::NetboxRemembers },
];

impl Incident {
    /// Lets it happen.
    pub async fn play(&self, lab: &Homelab) -> io::Result<()> {
        match self.what {
            What::Stop => engine(lab, "box2-media")?.stop("sonarr").map_err(io::Error::other),
            What::Start => engine(lab, "box2-media")?.start_container("sonarr").map_err(io::Error::other),
            What::Republish => republish(engine(lab, "box2-daily")?),
            What::Undeclared => {
                engine(lab, "box2-media")?.run(
                    Container::compose("box2-media", "jellyseerr").named("jellyseerr").publish(5055, 5055),
                );
                Ok(())
            }
            What::Declare => {
                let netbox = lab.netbox.netbox();
                netbox.set_ports("box2-daily", "freshrss", &[8031]);
                if let Some(vm) = netbox.vm("box2-media") {
                    netbox.add_service(
                        crate::inventory::ObjectRef::vm(vm),
                        "jellyseerr",
                        &[5055],
                        |service| {
                            service.custom_fields.insert("lifecycle".to_owned(), Value::from("active"));
                        },
                    );
                }
                Ok(())
            }
            What::CrashLoop => engine(lab, "supabase")?.crash_loop("kong", 6).map_err(io::Error::other),
            What::Recover => {
                let engine = engine(lab, "supabase")?;
                engine.remove("kong").map_err(io::Error::other)?;
                engine.run(
                    Container::compose("supabase", "kong")
                        .named("kong")
                        .publish(8000, 8000)
                        .publish(8443, 8443),
                );
                Ok(())
            }
            What::EngineAway => engine(lab, "box2-media")?.kill_daemon().await,
            What::EngineBack => {
                let engine = engine(lab, "box2-media")?;
                engine.start_daemon().await?;
                engine.resume();
                Ok(())
            }
            What::NetboxAway => {
                lab.netbox.faults().set("", Fault::Status(502));
                Ok(())
            }
            What::NetboxBack => {
                lab.netbox.faults().clear("");
                Ok(())
            }
            What::NetboxForgets => {
                for content_type in ["virtualization.virtualmachine", "ipam.service"] {
                    for id in lab.netbox.netbox().ids(content_type) {
                        lab.netbox.netbox().hide(content_type, id);
                    }
                }
                Ok(())
            }
            What::NetboxRemembers => {
                lab.netbox.netbox().allow_all();
                Ok(())
            }
        }
    }
}

fn engine<'a>(lab: &'a Homelab, host: &str) -> io::Result<&'a DockerLab> {
    lab.engine(host).ok_or_else(|| io::Error::other(format!("{host} has no engine")))
}

fn republish(engine: &DockerLab) -> io::Result<()> {
    engine.remove("freshrss").map_err(io::Error::other)?;
    engine.run(Container::compose("box2-daily", "freshrss").named("freshrss").publish(8031, 80));
    Ok(())
}
