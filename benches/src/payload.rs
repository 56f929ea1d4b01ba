//! The bytes of `GET /containers/json` as a current engine sends them for a Compose stack: about 2.7 KB a container, of
//! which a tenth is read.

use serde_json::{Value, json};

use crate::Result;

/// The list of a host with so many containers; services of the fleet's names and ports, running.
pub fn list(host: usize, containers: usize) -> Result<Vec<u8>> {
    let containers: Vec<Value> = (0..containers).map(|s| container(host, s)).collect();
    Ok(serde_json::to_vec(&containers)?)
}

fn container(host: usize, s: usize) -> Value {
    let base = 8000 + s % 1000 * 3;
    let id = format!("{:032x}{:032x}", host * 7919 + 1, s * 104_729 + 1);
    let service = format!("service-{s:04}");
    let port =
        |ip: &str, port: usize| json!({ "IP": ip, "PrivatePort": port, "PublicPort": port, "Type": "tcp" });
    let ports: Vec<Value> = (base..base + 3).flat_map(|n| [port("0.0.0.0", n), port("::", n)]).collect();
    json!({
        "Id": id,
        "Names": [format!("/stack-{service}-1")],
        "Image": "registry/image:1.0",
        "ImageID": format!("sha256:{id}"),
        "Command": "/usr/bin/entrypoint --config /etc/service/config.yaml --listen 0.0.0.0",
        "Created": 1_795_000_000 + s,
        "Ports": ports,
        "Labels": labels(&service, &id),
        "State": "running",
        "Status": "Up 5 days",
        "HostConfig": { "NetworkMode": "stack_default" },
        "NetworkSettings": { "Networks": { "stack_default": network(&id, s) } },
        "Mounts": [mount("config"), mount("data"), mount("cache")],
    })
}

fn labels(service: &str, id: &str) -> Value {
    json!({
        "com.docker.compose.config-hash": id,
        "com.docker.compose.container-number": "1",
        "com.docker.compose.depends_on": "database:service_healthy:false,cache:service_started:false",
        "com.docker.compose.image": format!("sha256:{id}"),
        "com.docker.compose.oneoff": "False",
        "com.docker.compose.project": "stack",
        "com.docker.compose.project.config_files": "/srv/stacks/stack/compose.yaml",
        "com.docker.compose.project.working_dir": "/srv/stacks/stack",
        "com.docker.compose.service": service,
        "com.docker.compose.version": "2.29.7",
        "evenkeel.role": "role",
        "org.opencontainers.image.authors": "The authors of the service <authors@service.example>",
        "org.opencontainers.image.created": "2026-11-01T08:00:00.000000000Z",
        "org.opencontainers.image.description": "A service that does what services do, in a container of its own",
        "org.opencontainers.image.licenses": "AGPL-3.0-only",
        "org.opencontainers.image.revision": &id[..40],
        "org.opencontainers.image.source": "https://git.service.example/service/service",
        "org.opencontainers.image.title": service,
        "org.opencontainers.image.url": "https://service.example/documentation/installation",
        "org.opencontainers.image.version": "1.0",
        "traefik.enable": "true",
        "traefik.http.routers.service.rule": format!("Host(`{service}.lan.example`)"),
        "traefik.http.routers.service.tls.certresolver": "internal",
    })
}

fn network(id: &str, s: usize) -> Value {
    json!({
        "IPAMConfig": null,
        "Links": null,
        "Aliases": null,
        "MacAddress": "02:42:ac:12:00:02",
        "DriverOpts": null,
        "NetworkID": id,
        "EndpointID": id,
        "Gateway": "172.18.0.1",
        "IPAddress": format!("172.18.{}.{}", s / 250, s % 250 + 2),
        "IPPrefixLen": 16,
        "IPv6Gateway": "",
        "GlobalIPv6Address": "",
        "GlobalIPv6PrefixLen": 0,
        "DNSNames": null,
    })
}

fn mount(name: &str) -> Value {
    json!({
        "Type": "bind",
        "Source": format!("/srv/stacks/stack/{name}"),
        "Destination": format!("/var/lib/service/{name}"),
        "Mode": "rw",
        "RW": true,
        "Propagation": "rprivate",
    })
}
