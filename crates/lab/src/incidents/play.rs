//! How incidents happen.

use std::io;

use futures_util::future::try_join_all;
use serde_json::Value;

use super::{Incident, What};
use crate::docker::{Container, DockerLab};
use crate::fault::Fault;
use crate::homelab::{Homelab, TRUENAS};
use crate::inventory::ObjectRef;
use crate::listener::Behaviour;
use crate::proxmox::{Guest, ProxmoxLab};
use crate::truenas::AppState;

/// The virtual machines of Box2 with an engine.
const ON_BOX2: [&str; 5] = ["box2-docs", "box2-edge", "box2-daily", "box2-media", "box2-observability"];
/// The pool of the TrueNAS.
const POOL: &str = "tank";
/// Proxmox's numbers.
const MEDIA: u64 = 116;
const GATEWAY: u64 = 230;
const SCRATCH: u64 = 150;

impl Incident {
    /// Whether it needs machines whose ports can be tried; see [`Homelab::machines`].
    pub fn needs_ports(&self) -> bool {
        let them = [What::PortClosed, What::PortOpen, What::NodeAway, What::NodeBack];
        them.contains(&self.what)
    }

    /// Lets it happen.
    pub async fn play(&self, lab: &Homelab) -> io::Result<()> {
        match self.what {
            What::Stop => engine(lab, "box2-media")?.stop("sonarr").map_err(io::Error::other),
            What::Start => engine(lab, "box2-media")?.start_container("sonarr").map_err(io::Error::other),
            What::Republish => republish(engine(lab, "box2-daily")?),
            What::Undeclared => try_out(engine(lab, "box2-media")?),
            What::Declare => declare(lab),
            What::CrashLoop => engine(lab, "supabase")?.crash_loop("kong", 6).map_err(io::Error::other),
            What::Recover => recover(engine(lab, "supabase")?),
            What::EngineAway(host) => engine(lab, host)?.kill_daemon().await,
            What::EngineBack(host) => back(engine(lab, host)?).await,
            What::AppCrash => app(lab, AppState::Crashed),
            What::AppBack => app(lab, AppState::Running),
            What::PoolFull => fill(lab, 15),
            What::PoolFreed => fill(lab, 4),
            What::PortClosed => lab.port("box2-media", 30024, Behaviour::Closed).await,
            What::PortOpen => lab.port("box2-media", 30024, Behaviour::Open).await,
            What::Stray => {
                let guest = Guest::vm(SCRATCH, "Box2", "scratch").at(&["192.168.2.150"]);
                cluster(lab, "Box2").map(|box2| box2.pve().add_guest(guest))
            }
            What::StrayGone => cluster(lab, "Box2").map(|box2| box2.pve().remove_guest(SCRATCH)),
            What::Rename => rename(lab, "llm-gateway"),
            What::RenameBack => rename(lab, "mcp-gateway"),
            What::VmStop => {
                lab.silence("box2-media").await?;
                cluster(lab, "Box2").map(|box2| box2.pve().stop_guest(MEDIA))
            }
            What::VmStart => {
                cluster(lab, "Box2")?.pve().start_guest(MEDIA);
                lab.revive("box2-media").await
            }
            What::NodeAway => node_away(lab).await,
            What::NodeBack => node_back(lab).await,
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
            What::CableOut => cable_out(lab).await,
            What::CableIn => cable_in(lab).await,
        }
    }
}

fn rename(lab: &Homelab, name: &str) -> io::Result<()> {
    cluster(lab, "Proxmox-Box").map(|box1| box1.pve().rename(GATEWAY, name))
}

/// The only node of its cluster: the cluster's interface goes with it.
async fn node_away(lab: &Homelab) -> io::Result<()> {
    // The machine first: power leaves all of it at once, and must not seem to leave the guests before the node.
    lab.behave("Box2", Behaviour::Filtered).await?;
    cluster(lab, "Box2")?.down(0).await;
    for host in ON_BOX2 {
        lab.silence(host).await?;
    }
    Ok(())
}

async fn node_back(lab: &Homelab) -> io::Result<()> {
    let box2 = cluster(lab, "Box2")?;
    let guests = box2.pve().cluster().guests;
    guests.values().filter(|guest| guest.running).for_each(|guest| box2.pve().start_guest(guest.vmid));
    box2.up(0).await?;
    lab.behave("Box2", Behaviour::Open).await?;
    for host in ON_BOX2 {
        lab.revive(host).await?;
    }
    Ok(())
}

fn engine<'a>(lab: &'a Homelab, host: &str) -> io::Result<&'a DockerLab> {
    lab.engine(host).ok_or_else(|| io::Error::other(format!("{host} has no engine")))
}

fn cluster<'a>(lab: &'a Homelab, node: &str) -> io::Result<&'a ProxmoxLab> {
    lab.cluster(node).ok_or_else(|| io::Error::other(format!("{node} has no cluster")))
}

async fn back(engine: &DockerLab) -> io::Result<()> {
    engine.start_daemon().await?;
    engine.resume();
    Ok(())
}

fn republish(engine: &DockerLab) -> io::Result<()> {
    engine.remove("freshrss").map_err(io::Error::other)?;
    engine.run(Container::compose("box2-daily", "freshrss").named("freshrss").publish(8031, 80));
    Ok(())
}

fn try_out(engine: &DockerLab) -> io::Result<()> {
    engine.run(Container::compose("box2-media", "jellyseerr").named("jellyseerr").publish(5055, 5055));
    Ok(())
}

fn declare(lab: &Homelab) -> io::Result<()> {
    let netbox = lab.netbox.netbox();
    netbox.set_ports("box2-daily", "freshrss", &[8031]);
    if let Some(vm) = netbox.vm("box2-media") {
        netbox.add_service(ObjectRef::vm(vm), "jellyseerr", &[5055], |service| {
            service.custom_fields.insert("lifecycle".to_owned(), Value::from("active"));
        });
    }
    Ok(())
}

fn recover(engine: &DockerLab) -> io::Result<()> {
    engine.remove("kong").map_err(io::Error::other)?;
    engine.run(Container::compose("supabase", "kong").named("kong").publish(8000, 8000).publish(8443, 8443));
    Ok(())
}

fn app(lab: &Homelab, state: AppState) -> io::Result<()> {
    match lab.truenas.set_app("plex", state) {
        true => Ok(()),
        false => Err(io::Error::other(format!("{TRUENAS} has no plex"))),
    }
}

/// Tebibytes, of sixteen.
fn fill(lab: &Homelab, tebibytes: u64) -> io::Result<()> {
    lab.truenas.edit(|state| match state.pools.get_mut(POOL) {
        Some(pool) => {
            pool.allocated = tebibytes << 40;
            Ok(())
        }
        None => Err(io::Error::other(format!("{TRUENAS} has no {POOL}"))),
    })
}

async fn cable_out(lab: &Homelab) -> io::Result<()> {
    lab.netbox.faults().set("", Fault::Reset);
    lab.engines().for_each(|(_, engine)| engine.faults().set("", Fault::Reset));
    lab.clusters().for_each(|(_, cluster)| cluster.faults().set("", Fault::Reset));
    lab.truenas.stop().await;
    behave_all(lab, Behaviour::Filtered).await
}

async fn cable_in(lab: &Homelab) -> io::Result<()> {
    lab.netbox.faults().clear("");
    lab.engines().for_each(|(_, engine)| engine.faults().clear(""));
    lab.clusters().for_each(|(_, cluster)| cluster.faults().clear(""));
    lab.truenas.resume()?;
    behave_all(lab, Behaviour::Open).await
}

/// All machines at once, as one cable has it.
async fn behave_all(lab: &Homelab, behaviour: Behaviour) -> io::Result<()> {
    let hosts = probed(lab);
    try_join_all(hosts.iter().map(|host| lab.behave(host, behaviour.clone()))).await.map(|_| ())
}

fn probed(lab: &Homelab) -> Vec<String> {
    match lab.machines() {
        Ok(machines) => machines.map(|(name, _)| name.to_owned()).collect(),
        Err(_) => Vec::new(),
    }
}
