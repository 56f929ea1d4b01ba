//! A short list of things that go wrong in a homelab, and right again, to be played on a running one. What lives here:
//! the stories and what must be said of each. What does not: how they happen (`play`).

mod play;

/// One thing that happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Incident {
    /// What happens, in the words of somebody who is there.
    pub story: &'static str,
    /// What the controller should make of it.
    pub lesson: &'static str,
    /// Every event there must be, and no other: `+` for an opening or `-` for its end, the type, and whom it is about
    /// (`service@host`, `host` or `kind/source`; of a `CONFIG_DRIFT` with its field in brackets).
    pub events: &'static [&'static str],
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
    EngineAway(&'static str),
    EngineBack(&'static str),
    AppCrash,
    AppBack,
    PoolFull,
    PoolFreed,
    PortClosed,
    PortOpen,
    Stray,
    StrayGone,
    Rename,
    RenameBack,
    VmStop,
    VmStart,
    NodeAway,
    NodeBack,
    NetboxAway,
    NetboxBack,
    NetboxForgets,
    NetboxRemembers,
    CableOut,
    CableIn,
}

/// What goes wrong after the list and stays so, for whoever wants to look at it.
pub const LEFT: [Incident; 4] = [
    INCIDENTS[0],
    Incident {
        story: "kong on supabase begins to crash and restart again",
        lesson: "it is the drift it was, reopened: its history goes on",
        events: &["+RESTART_LOOP kong@supabase"],
        what: What::CrashLoop,
    },
    Incident {
        story: "the virtual machine that nobody declared is back",
        lesson: "a machine is undeclared until NetBox knows it",
        events: &["+VM_UNDECLARED scratch"],
        what: What::Stray,
    },
    Incident {
        story: "the engine on FurycomAI dies",
        lesson: "what runs there is not known now, and the page says so before anything else",
        events: &["+DOCKER_UNREACHABLE FurycomAI"],
        what: What::EngineAway("FurycomAI"),
    },
];

/// The list, in the order it is played.
pub const INCIDENTS: [Incident; 29] = [
    Incident {
        story: "somebody stops sonarr on box2-media",
        lesson: "a declared service does not run: SERVICE_MISSING",
        events: &["+SERVICE_MISSING sonarr@box2-media"],
        what: What::Stop,
    },
    Incident {
        story: "sonarr is started again",
        lesson: "the drift resolves",
        events: &["-SERVICE_MISSING sonarr@box2-media"],
        what: What::Start,
    },
    Incident {
        story: "freshrss is recreated on another port",
        lesson: "it runs, but not where it is declared: PORT_MISMATCH",
        events: &["+PORT_MISMATCH freshrss@box2-daily"],
        what: What::Republish,
    },
    Incident {
        story: "somebody tries out jellyseerr on box2-media without telling NetBox",
        lesson: "it runs and nobody declared it: SERVICE_UNEXPECTED",
        events: &["+SERVICE_UNEXPECTED jellyseerr@box2-media"],
        what: What::Undeclared,
    },
    Incident {
        story: "jellyseerr and freshrss's new port are written into NetBox",
        lesson: "intent follows reality, and both drifts resolve",
        events: &["-PORT_MISMATCH freshrss@box2-daily", "-SERVICE_UNEXPECTED jellyseerr@box2-media"],
        what: What::Declare,
    },
    Incident {
        story: "grafana's sibling kong on supabase begins to crash and restart",
        lesson: "one RESTART_LOOP, not a stream of missing and back",
        events: &["+RESTART_LOOP kong@supabase"],
        what: What::CrashLoop,
    },
    Incident {
        story: "kong is repaired",
        lesson: "the loop resolves",
        events: &["-RESTART_LOOP kong@supabase"],
        what: What::Recover,
    },
    Incident {
        story: "plex crashes on the TrueNAS",
        lesson: "an app is a service like any other: SERVICE_MISSING",
        events: &["+SERVICE_MISSING plex@TrueNAS"],
        what: What::AppCrash,
    },
    Incident {
        story: "plex is started again",
        lesson: "the drift resolves",
        events: &["-SERVICE_MISSING plex@TrueNAS"],
        what: What::AppBack,
    },
    Incident {
        story: "the pool tank runs full",
        lesson: "RESOURCE_EXCEEDED, after it has lasted (five minutes in real life)",
        events: &["+RESOURCE_EXCEEDED tank@TrueNAS"],
        what: What::PoolFull,
    },
    Incident {
        story: "old snapshots are deleted",
        lesson: "well below the limit: the drift resolves",
        events: &["-RESOURCE_EXCEEDED tank@TrueNAS"],
        what: What::PoolFreed,
    },
    Incident {
        story: "a firewall closes qbittorrent's port 30024; the container runs on",
        lesson: "Docker says it is published, the probe says it is closed: PORT_MISMATCH names both",
        events: &["+PORT_MISMATCH qbittorrent@box2-media"],
        what: What::PortClosed,
    },
    Incident {
        story: "the firewall is put right",
        lesson: "the port answers again",
        events: &["-PORT_MISMATCH qbittorrent@box2-media"],
        what: What::PortOpen,
    },
    Incident {
        story: "somebody makes a virtual machine on Box2 without telling NetBox",
        lesson: "it runs and nobody declared it: VM_UNDECLARED",
        events: &["+VM_UNDECLARED scratch"],
        what: What::Stray,
    },
    Incident {
        story: "it is destroyed",
        lesson: "and nothing is left to tell",
        events: &["-VM_UNDECLARED scratch"],
        what: What::StrayGone,
    },
    Incident {
        story: "mcp-gateway is renamed in Proxmox",
        lesson: "the same machine by its number and MAC address: one CONFIG_DRIFT, neither missing nor undeclared",
        events: &["+CONFIG_DRIFT mcp-gateway (name)"],
        what: What::Rename,
    },
    Incident {
        story: "it gets its name back",
        lesson: "the drift resolves",
        events: &["-CONFIG_DRIFT mcp-gateway (name)"],
        what: What::RenameBack,
    },
    Incident {
        story: "somebody stops the virtual machine box2-media, with its eight containers",
        lesson: "one VM_DOWN; its engine's silence and its closed ports follow from it",
        events: &["+VM_DOWN box2-media"],
        what: What::VmStop,
    },
    Incident {
        story: "it is started",
        lesson: "everything is known again",
        events: &["-VM_DOWN box2-media"],
        what: What::VmStart,
    },
    Incident {
        story: "the engine on box2-daily dies, with its seven containers",
        lesson: "Proxmox vouches for the machine: one DOCKER_UNREACHABLE; the services are unknown, not missing",
        events: &["+DOCKER_UNREACHABLE box2-daily"],
        what: What::EngineAway("box2-daily"),
    },
    Incident {
        story: "the engine is back",
        lesson: "everything is known again",
        events: &["-DOCKER_UNREACHABLE box2-daily"],
        what: What::EngineBack("box2-daily"),
    },
    Incident {
        story: "Box2 loses its power, with five virtual machines and five engines",
        lesson: "one NODE_UNREACHABLE; that its cluster, its machines and their engines are silent follows from it",
        events: &["+NODE_UNREACHABLE Box2"],
        what: What::NodeAway,
    },
    Incident {
        story: "Box2 is switched on again",
        lesson: "what comes back late is given time, and nothing else is raised",
        events: &["-NODE_UNREACHABLE Box2"],
        what: What::NodeBack,
    },
    Incident {
        story: "NetBox stops answering",
        lesson: "the last declaration stays in force; nothing becomes undeclared",
        events: &["+SNAPSHOT_ERROR netbox/main"],
        what: What::NetboxAway,
    },
    Incident {
        story: "NetBox answers again",
        lesson: "and the gap closes",
        events: &["-SNAPSHOT_ERROR netbox/main"],
        what: What::NetboxBack,
    },
    Incident {
        story: "an edit of permissions hides every VM from the token; NetBox still says 200",
        lesson: "implausible: held back, reported, and no service becomes undeclared",
        events: &["+SNAPSHOT_ERROR netbox/main"],
        what: What::NetboxForgets,
    },
    Incident {
        story: "the permissions are put right",
        lesson: "in sync",
        events: &["-SNAPSHOT_ERROR netbox/main"],
        what: What::NetboxRemembers,
    },
    Incident {
        story: "somebody pulls evenkeel's own network cable",
        lesson: "every source is blind at once: one alarm each, and nothing is called missing, down or undeclared",
        events: &[
            "+SNAPSHOT_ERROR netbox/main",
            "+SNAPSHOT_ERROR proxmox/proxmox-box",
            "+SNAPSHOT_ERROR proxmox/box2",
            "+SNAPSHOT_ERROR probe/main",
            "+SNAPSHOT_ERROR TrueNAS",
            "+DOCKER_UNREACHABLE FurycomAI",
            "+DOCKER_UNREACHABLE box2-daily",
            "+DOCKER_UNREACHABLE box2-docs",
            "+DOCKER_UNREACHABLE box2-edge",
            "+DOCKER_UNREACHABLE box2-media",
            "+DOCKER_UNREACHABLE supabase",
        ],
        what: What::CableOut,
    },
    Incident {
        story: "the cable is back",
        lesson: "every source is heard again",
        events: &[
            "-SNAPSHOT_ERROR netbox/main",
            "-SNAPSHOT_ERROR proxmox/proxmox-box",
            "-SNAPSHOT_ERROR proxmox/box2",
            "-SNAPSHOT_ERROR probe/main",
            "-SNAPSHOT_ERROR TrueNAS",
            "-DOCKER_UNREACHABLE FurycomAI",
            "-DOCKER_UNREACHABLE box2-daily",
            "-DOCKER_UNREACHABLE box2-docs",
            "-DOCKER_UNREACHABLE box2-edge",
            "-DOCKER_UNREACHABLE box2-media",
            "-DOCKER_UNREACHABLE supabase",
        ],
        what: What::CableIn,
    },
];
