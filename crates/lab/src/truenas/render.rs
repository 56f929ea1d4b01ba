//! How the lab's answers look: the fields that middleware sends, in its own form. What does not live here: filters of
//! rights and transports (`desk`).

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::state::{App, AppState, Guest, State};
use super::version::TruenasVersion;

/// The answer to a method that this version has.
pub(super) fn answer(state: &State, method: &str, params: &[Value]) -> Value {
    let rows = match method {
        "system.info" => return info(state),
        "system.state" => return json!(state.system),
        "docker.status" => return docker_status(state),
        "kubernetes.config" => {
            return json!({"id": 1, "pool": state.apps_pool, "dataset": null, "node_ip": "0.0.0.0"});
        }
        "virt.global.config" => {
            return json!({"id": 1, "pool": "tank", "state": state.incus, "dataset": "tank/.ix-virt"});
        }
        "core.ping" => return json!("pong"),
        "app.query" => apps(state).map(|(name, app)| self::app(name, app)).collect(),
        "chart.release.query" => apps(state).map(|(name, app)| chart(name, app)).collect(),
        "docker.network.query" => networks(state),
        "vm.query" => state.vms.iter().map(|(name, vm)| libvirt(state, name, vm)).collect(),
        "container.query" => {
            state.containers.iter().map(|(name, guest)| libvirt(state, name, guest)).collect()
        }
        "virt.instance.query" => instances(state),
        "pool.query" => pools(state),
        "alert.list" => alerts(state),
        _ => Vec::new(),
    };
    listed(state, method, params, rows)
}

/// Counting and selecting, as the query options say.
fn listed(state: &State, method: &str, params: &[Value], mut rows: Vec<Value>) -> Value {
    let options = params.get(1).unwrap_or(&Value::Null);
    if options.get("count") == Some(&json!(true)) {
        return json!(rows.len());
    }
    let kept = rows.len().saturating_sub(state.shortened.get(method).copied().unwrap_or(0));
    rows.truncate(kept);
    if let Some(select) = options.get("select").and_then(Value::as_array) {
        let names: Vec<&str> = select.iter().filter_map(Value::as_str).collect();
        for row in &mut rows {
            if let Some(fields) = row.as_object_mut() {
                fields.retain(|name, _| names.contains(&name.as_str()));
            }
        }
    }
    Value::Array(rows)
}

/// Nothing while Docker does not run, and never one whose metadata cannot be read.
fn apps(state: &State) -> impl Iterator<Item = (&String, &App)> {
    let runs = state.docker_runs && state.apps_pool.is_some();
    state.apps.iter().filter(move |(_, app)| runs && !app.unreadable)
}

fn docker_status(state: &State) -> Value {
    let word = if state.apps_pool.is_none() { "UNCONFIGURED" } else { &state.docker_status };
    json!({"status": word, "description": format!("Application(s) are {}", word.to_lowercase())})
}

fn info(state: &State) -> Value {
    let clock = evenkeel_ambient::elsewhere().checked_add(state.clock).unwrap_or(Timestamp::UNIX_EPOCH);
    json!({
        "version": state.version.release(),
        "buildtime": {"$date": 1_700_000_000_000_i64},
        "hostname": state.hostname,
        "physmem": 33_554_432_000_u64,
        "model": "Simulated CPU",
        "cores": 8,
        "physical_cores": 4,
        "loadavg": [0.1, 0.2, 0.3],
        "uptime": "1 day, 0:00:00",
        "uptime_seconds": 86400.5,
        "system_serial": null,
        "system_product": null,
        "license": null,
        "boottime": {"$date": clock.as_millisecond() - 86_400_500},
        "datetime": {"$date": clock.as_millisecond()},
        "timezone": "Europe/Berlin",
        "ecc_memory": false,
    })
}

fn app_word(state: AppState) -> &'static str {
    match state {
        AppState::Running => "RUNNING",
        AppState::Deploying | AppState::Unhealthy => "DEPLOYING",
        AppState::Stopped => "STOPPED",
        AppState::Stopping => "STOPPING",
        AppState::Crashed => "CRASHED",
        AppState::Odd => "HIBERNATING",
    }
}

fn app(name: &str, app: &App) -> Value {
    let container = match app.state {
        AppState::Running | AppState::Stopping => Some("running"),
        AppState::Deploying => Some("created"),
        AppState::Unhealthy => Some("starting"),
        AppState::Crashed => Some("crashed"),
        AppState::Stopped | AppState::Odd => None,
    };
    let up = matches!(app.state, AppState::Running | AppState::Unhealthy | AppState::Stopping);
    let ports: Vec<Value> = if up && !app.host_network {
        let port = |port: &u16| {
            let host = |ip: &str| json!({"host_port": port, "host_ip": ip});
            json!({"container_port": port, "protocol": "tcp", "host_ports": [host("0.0.0.0"), host("::")]})
        };
        app.ports.iter().map(port).collect()
    } else {
        Vec::new()
    };
    let details: Vec<Value> = container
        .into_iter()
        .map(|word| {
            json!({
                "id": "ab".repeat(32), "service_name": name, "image": app.image, "port_config": ports,
                "state": word, "volume_mounts": [],
            })
        })
        .collect();
    let images: &[&String] = if details.is_empty() { &[] } else { &[&app.image] };
    json!({
        "name": name,
        "id": name,
        "state": app_word(app.state),
        "upgrade_available": false,
        "latest_version": "1.2.3",
        "image_updates_available": false,
        "custom_app": false,
        "migrated": false,
        "human_version": "10.10.7_1.2.3",
        "version": "1.2.3",
        "metadata": {"train": "community"},
        "active_workloads": {
            "containers": details.len(),
            "used_ports": ports,
            "used_host_ips": [],
            "container_details": details,
            "volumes": [],
            "images": images,
            "networks": [],
        },
        "notes": null,
        "portals": portals(app),
        "version_details": null,
        "config": null,
    })
}

fn portals(app: &App) -> Map<String, Value> {
    let portal = |port: &u16| ("Web UI".to_owned(), json!(format!("http://0.0.0.0:{port}/")));
    app.ports.first().map(portal).into_iter().collect()
}

fn chart(name: &str, app: &App) -> Value {
    let (word, available) = match app.state {
        AppState::Running => ("ACTIVE", 1),
        AppState::Deploying | AppState::Unhealthy | AppState::Crashed | AppState::Stopping => {
            ("DEPLOYING", 0)
        }
        AppState::Stopped => ("STOPPED", 0),
        AppState::Odd => ("HIBERNATING", 0),
    };
    let ports: Vec<Value> = if available > 0 && !app.host_network {
        app.ports.iter().map(|port| json!({"port": port, "protocol": "TCP"})).collect()
    } else {
        Vec::new()
    };
    let desired = u32::from(app.state != AppState::Stopped);
    json!({
        "name": name,
        "id": name,
        "version": 1,
        "namespace": format!("ix-{name}"),
        "status": word,
        "pod_status": {"available": available, "desired": desired},
        "used_ports": ports,
        "portals": app.ports.first().map(|port| json!({"web_portal": [format!("http://192.168.2.183:{port}")]})),
        "human_version": "10.10.7_1.2.3",
        "update_available": false,
        "catalog": "TRUENAS",
        "catalog_train": "community",
        "config": {},
    })
}

/// Docker's own three, and one for each app that runs.
fn networks(state: &State) -> Vec<Value> {
    if !state.docker_runs || state.apps_pool.is_none() {
        return Vec::new();
    }
    let network = |name: String, labels: Value| json!({"name": name, "id": "cd".repeat(32), "labels": labels, "driver": "bridge", "scope": "local"});
    let own = ["bridge", "host", "none"].map(|name| network(name.to_owned(), json!({})));
    let running = state.apps.iter().filter(|(_, app)| app.state != AppState::Stopped && !app.host_network);
    let of_apps = running.map(|(name, _)| {
        network(format!("ix-{name}_default"), json!({"com.docker.compose.project": format!("ix-{name}")}))
    });
    own.into_iter().chain(of_apps).collect()
}

fn libvirt(state: &State, name: &str, guest: &Guest) -> Value {
    let nic = if state.version < TruenasVersion::V25_04 {
        json!({"id": 1, "dtype": "NIC", "attributes": {"type": "VIRTIO", "mac": guest.mac}, "vm": guest.id})
    } else {
        json!({"id": 1, "attributes": {"dtype": "NIC", "type": "VIRTIO", "mac": guest.mac}, "vm": guest.id})
    };
    let display =
        json!({"id": 2, "attributes": {"dtype": "DISPLAY", "type": "SPICE", "password": "planted"}});
    let running = guest.state == "RUNNING";
    json!({
        "id": guest.id,
        "uuid": format!("00000000-0000-4000-8000-{:012}", guest.id),
        "name": name,
        "description": "",
        "vcpus": 1,
        "cores": guest.vcpus,
        "threads": 1,
        "memory": guest.memory,
        "autostart": true,
        "status": {
            "state": guest.state,
            "pid": running.then_some(4711),
            "domain_state": if running { "RUNNING" } else { "SHUTOFF" },
        },
        "devices": [nic, display],
    })
}

/// Nothing while Incus is not set up.
fn instances(state: &State) -> Vec<Value> {
    if state.incus != "INITIALIZED" {
        return Vec::new();
    }
    // In 25.04.0 Incus runs the virtual machines, too.
    let vms = (state.version == TruenasVersion::V25_04).then_some(&state.vms);
    let vms = vms.into_iter().flatten().map(|(name, guest)| instance(name, guest, "VM"));
    vms.chain(state.containers.iter().map(|(name, guest)| instance(name, guest, "CONTAINER"))).collect()
}

fn instance(name: &str, guest: &Guest, kind: &str) -> Value {
    let aliases = if guest.state == "RUNNING" {
        vec![
            json!({"type": "INET", "address": guest.address, "netmask": 24}),
            json!({"type": "INET6", "address": "fe80::1", "netmask": 64}),
        ]
    } else {
        Vec::new()
    };
    json!({
        "id": name,
        "name": name,
        "type": kind,
        "status": guest.state,
        "cpu": guest.vcpus.to_string(),
        "memory": guest.memory * 1024 * 1024,
        "autostart": true,
        "environment": {"DB_PASSWORD": "planted"},
        "aliases": aliases,
        "image": {"os": "Debian"},
        "raw": null,
    })
}

fn pools(state: &State) -> Vec<Value> {
    let pool = |(n, (name, pool)): (usize, (&String, &super::state::Pool))| {
        json!({
            "id": n + 1,
            "name": name,
            "guid": format!("{}", 10_000 + n),
            "status": pool.status,
            "path": format!("/mnt/{name}"),
            "scan": null,
            "healthy": pool.healthy,
            "warning": false,
            "size": pool.size,
            "allocated": pool.allocated,
            "free": pool.size.saturating_sub(pool.allocated),
        })
    };
    state.pools.iter().enumerate().map(pool).collect()
}

fn alerts(state: &State) -> Vec<Value> {
    let alert = |(n, alert): (usize, &super::state::Alert)| {
        json!({
            "uuid": format!("00000000-0000-4000-9000-{n:012}"),
            "id": format!("00000000-0000-4000-9000-{n:012}"),
            "source": "",
            "klass": alert.klass,
            "args": {},
            "node": "Controller A",
            "key": "null",
            "datetime": {"$date": 1_700_000_000_000_i64},
            "last_occurrence": {"$date": 1_700_000_000_000_i64},
            "dismissed": alert.dismissed,
            "mail": null,
            "text": alert.formatted,
            "level": alert.level,
            "formatted": alert.formatted,
            "one_shot": false,
        })
    };
    state.alerts.iter().enumerate().map(alert).collect()
}
