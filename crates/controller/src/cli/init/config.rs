//! The configuration as text. What counts at once is written plainly; what waits for somebody begins with `#` and no space,
//! so that taking that away is all there is to do.
//!
//! Pure. What does not live here: what counts (`plan`), and what is printed (`tell`).

use std::fmt::Write;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;

use evenkeel_sources::docker::Endpoint;
use evenkeel_sources::http::{ClientIdentity, Trust};
use serde_json::Value;
use url::Url;

use super::find::{Appliance, Engine, Hypervisor, Node};
use super::plan::{Answer, Door, Login, Plan, SOCKET};
use super::recipes;
use crate::render::text::clean;

/// Stands where NetBox has no address.
const NO_ADDRESS: &str = "ADDRESS";

/// How NetBox is reached, as far as the configuration has to say it.
#[derive(Clone, Debug)]
pub(super) struct Netbox<'a> {
    pub(super) url: &'a Url,
    pub(super) version: &'a str,
    /// The file with the token, as the configuration names it.
    pub(super) token_file: &'a Path,
    pub(super) trust: &'a Trust,
    pub(super) insecure_http: bool,
}

/// The files beside the configuration: `evenkeel.box2.secret` is that of `box2`.
pub(super) fn secret_file(stem: &str, name: &str) -> String {
    format!("{stem}.{name}.secret")
}

/// The whole text. `stem` is what the names of the files beside it begin with.
pub(super) fn text(netbox: &Netbox<'_>, plan: &Plan, stem: &str) -> String {
    let mut text = format!(
        "# evenkeel's configuration, begun by `evenkeel init` with what NetBox {} declares.\n\
         #\n\
         # A line that begins with # and a space explains. A line that begins with # alone is a setting that waits for\n\
         # somebody: do what is said above it, take its # away, and ask `evenkeel doctor`. Everything else counts already.\n\
         # Every setting there is: docs/reference/configuration.md, examples/evenkeel.toml\n",
        clean(netbox.version)
    );
    netbox_table(&mut text, netbox);
    text.push_str(
        "\n[policy]\n\
         # What is there at the first look is shown and told to nobody; whatever changes from then on is.\n\
         first_run = \"baseline\"\n",
    );
    engines(&mut text, plan, stem);
    plan.hypervisors.iter().for_each(|(found, login)| hypervisor(&mut text, found, login, stem));
    plan.appliances.iter().for_each(|(found, login)| appliance(&mut text, found, login, stem));
    probe(&mut text, plan);
    text.push_str(
        "\n\n# --- Who is told ---\n\
         # A phone, for example, through ntfy: put a topic that nobody guesses into the file, subscribe to it in the app. Others\n\
         # (n8n, chat, Alertmanager, NATS): docs/sinks.md\n",
    );
    waiting(
        &mut text,
        &format!(
            "[[sink]]\nname = \"phone\"\nkind = \"ntfy\"\nurl = \"https://ntfy.sh\"\ntopic = {}\n",
            secret(stem, "ntfy")
        ),
    );
    text
}

fn netbox_table(text: &mut String, netbox: &Netbox<'_>) {
    let Netbox { url, version: _, token_file, trust, insecure_http } = netbox;
    put(text, format_args!("\n[netbox]\nurl = {}\n", quoted(url.as_str())));
    put(
        text,
        format_args!("token = {{ file = {} }} # it reads, and never needs to write\n", path(token_file)),
    );
    let Trust { ca_file, pin, client_identity } = trust;
    if let Some(pin) = pin {
        put(text, format_args!("pin = \"{pin}\"\n"));
    }
    if let Some(file) = ca_file {
        put(text, format_args!("ca_file = {}\n", path(file)));
    }
    if let Some(ClientIdentity { cert, key }) = client_identity {
        put(text, format_args!("client_cert = {}\nclient_key = {}\n", path(cert), path(key)));
    }
    if *insecure_http {
        text.push_str("insecure_http = true # the token travels in the clear: you consented\n");
    }
}

fn engines(text: &mut String, plan: &Plan, stem: &str) {
    if plan.engines.is_empty() {
        return;
    }
    text.push_str("\n\n# --- Docker engines: what runs on each machine ---\n");
    if plan.engines.iter().any(|(_, door)| !door.is_open()) {
        put(
            text,
            format_args!(
                "# One that waits wants a door that only reads: {stem}.{} beside this file is one, and\n\
                 # says how it is started. ssh does as well: endpoint = \"ssh://USER@ADDRESS\".\n",
                recipes::PROXY_SUFFIX
            ),
        );
    }
    for (engine, door) in &plan.engines {
        text.push('\n');
        one_engine(text, engine, door);
    }
}

fn one_engine(text: &mut String, engine: &Engine, door: &Door) {
    let host = clean(engine.host.as_str());
    let table = |endpoint: &str, exposed: bool| {
        let name = quoted(engine.host.as_str());
        let consent =
            if exposed { "insecure_http = true # plain HTTP, on a network you trust\n" } else { "" };
        format!("[[docker]]\nname = {name}\nhost = {name}\nendpoint = {}\n{consent}", quoted(endpoint))
    };
    put(text, format_args!("# {host} ({}, {})", clean(&engine.why), engine.status));
    match door {
        Door::Given(endpoint) => {
            text.push('\n');
            text.push_str(&table(&endpoint.to_string(), endpoint.is_exposed()));
        }
        Door::Declared(endpoint) => {
            put(
                text,
                format_args!(": NetBox says where it is, {}; nothing is needed here.\n", clean(endpoint)),
            );
        }
        Door::Here => {
            text.push_str(
                ": the engine of this machine. Its socket is as good as root; a proxy is narrower.\n",
            );
            text.push_str(&table(SOCKET, false));
        }
        Door::Proxy(at, Answer::Containers(containers)) => {
            put(
                text,
                format_args!(
                    ": answers there and lists {containers} containers. It should answer nobody but evenkeel.\n"
                ),
            );
            text.push_str(&table(&format!("http://{at}"), exposed(*at)));
        }
        Door::Proxy(at, answer) => {
            match answer {
                Answer::Silent(gap) => put(text, format_args!(": {}.\n", clean(&gap.to_string()))),
                Answer::NotAsked | Answer::Containers(_) => text.push_str(": not asked yet.\n"),
            }
            waiting(text, &table(&format!("http://{at}"), exposed(*at)));
        }
        Door::Nowhere => {
            put(text, format_args!(": NetBox has no address of it; put it in the place of {NO_ADDRESS}.\n"));
            waiting(text, &table(&format!("http://{NO_ADDRESS}:2375"), true));
        }
    }
}

fn exposed(at: SocketAddr) -> bool {
    Endpoint::parse(&format!("http://{at}")).is_ok_and(|endpoint| endpoint.is_exposed())
}

fn hypervisor(text: &mut String, found: &Hypervisor, login: &Login, stem: &str) {
    let file = secret_file(stem, &login.name);
    put(
        text,
        format_args!(
            "\n\n# --- Proxmox VE: {} ({}) ---\n\
             # A user who may only read, and a token. On any of its nodes, as root:\n",
            clean(&found.name),
            clean(&found.why)
        ),
    );
    recipes::PVEUM.iter().for_each(|line| put(text, format_args!("#     {line}\n")));
    put(
        text,
        format_args!(
            "# The second line prints the secret, once: put it, and nothing else, into {file} beside this file\n\
             # (chmod 600).\n"
        ),
    );
    let endpoints: Vec<String> = match found.nodes.as_slice() {
        [] => vec![quoted(&format!("https://{NO_ADDRESS}:8006"))],
        nodes => nodes.iter().map(|node| quoted(&node_url(node))).collect(),
    };
    let clusters = match found.is_cluster {
        true => format!("clusters = [{}] # its name in NetBox\n", quoted(&found.name)),
        false => String::new(),
    };
    let trust = match (&login.pin, found.nodes.len()) {
        (Some(pin), _) => format!("pin = \"{pin}\" # what it showed just now; `pvenode cert info` shows it as well\n"),
        (None, 0 | 1) => "#pin = \"…\" # what `evenkeel doctor` prints, unless a public authority signed it\n".to_owned(),
        (None, _) => "#ca_file = \"pve-root-ca.pem\" # a copy of /etc/pve/pve-root-ca.pem, which vouches for every node\n".to_owned(),
    };
    let table = format!(
        "[[proxmox]]\nname = {}\nendpoints = [{}]\n{clusters}token_id = \"{}\"\ntoken = {}\n{trust}",
        quoted(&login.name),
        endpoints.join(", "),
        recipes::PVE_TOKEN,
        secret(stem, &login.name)
    );
    waiting(text, &table);
}

fn node_url(node: &Node) -> String {
    address(node.address, node.port, 0)
}

/// An address as https has it, the port left out where it is the usual one.
fn address(ip: Option<IpAddr>, port: u16, usual: u16) -> String {
    let host = match ip {
        Some(IpAddr::V4(ip)) => ip.to_string(),
        Some(IpAddr::V6(ip)) => format!("[{ip}]"),
        None => NO_ADDRESS.to_owned(),
    };
    if port == usual { format!("https://{host}") } else { format!("https://{host}:{port}") }
}

/// Where a TrueNAS is asked.
pub(super) fn appliance_url(found: &Appliance) -> String {
    address(found.address, found.port, 443)
}

/// Where a cluster is asked.
pub(super) fn hypervisor_urls(found: &Hypervisor) -> Vec<String> {
    found.nodes.iter().map(node_url).collect()
}

fn appliance(text: &mut String, found: &Appliance, login: &Login, stem: &str) {
    put(
        text,
        format_args!(
            "\n\n# --- TrueNAS: {} ({}) ---\n# {}\n# The key is shown once: put it, and nothing else, into {} beside this file \
             (chmod 600).\n",
            clean(found.host.as_str()),
            clean(&found.why),
            recipes::TRUENAS.join("\n# "),
            secret_file(stem, &login.name)
        ),
    );
    let pin = match &login.pin {
        Some(pin) => format!("pin = \"{pin}\" # the certificate it showed just now\n"),
        None => {
            "#pin = \"…\" # what `evenkeel doctor` prints, unless a public authority signed it\n".to_owned()
        }
    };
    let clusters: Vec<String> = found.clusters.iter().map(|name| quoted(name)).collect();
    let clusters = match clusters.as_slice() {
        [] => String::new(),
        names => format!("clusters = [{}] # whose machines run on it\n", names.join(", ")),
    };
    let table = format!(
        "[[truenas]]\nname = {}\nhost = {}\nurl = {}\nuser = \"evenkeel\"\napi_key = {}\n{clusters}{pin}",
        quoted(&login.name),
        quoted(found.host.as_str()),
        quoted(&appliance_url(found)),
        secret(stem, &login.name)
    );
    waiting(text, &table);
}

fn probe(text: &mut String, plan: &Plan) {
    let tried: Vec<String> = plan
        .unseen
        .iter()
        .filter(|unseen| unseen.address.is_some())
        .map(|unseen| quoted(unseen.host.as_str()))
        .collect();
    if tried.is_empty() {
        return;
    }
    text.push_str(
        "\n\n# --- The probe: machines whose services nobody else sees ---\n\
         # Their declared TCP ports are tried over the network, and nothing else. It takes no rights.\n",
    );
    let table = format!("[probe]\nhosts = [\n    {},\n]\n", tried.join(",\n    "));
    match plan.probes {
        true => text.push_str(&table),
        false => waiting(text, &table),
    }
    text.push_str(
        "# Something of evenkeel's own network that always answers: your gateway, in the place of 192.0.2.1. If it is silent,\n\
         # too, the fault is here and nobody is down.\n#reference = [\"192.0.2.1\"]\n",
    );
}

/// Settings that wait for somebody. What begins with `#` in them already is a word beside them, and stays one.
fn waiting(text: &mut String, settings: &str) {
    for line in settings.lines().map(str::trim_start) {
        match line.strip_prefix('#') {
            Some(word) => put(text, format_args!("# {}\n", word.trim_start())),
            None => put(text, format_args!("#{line}\n")),
        }
    }
}

fn secret(stem: &str, name: &str) -> String {
    format!("{{ file = {} }}", quoted(&secret_file(stem, name)))
}

fn path(path: &Path) -> String {
    quoted(&path.to_string_lossy())
}

/// As TOML quotes it. That is JSON's way, but for DEL.
fn quoted(text: &str) -> String {
    Value::from(text).to_string().replace('\u{7f}', "\\u007f")
}

fn put(text: &mut String, what: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _ = text.write_fmt(what);
}
