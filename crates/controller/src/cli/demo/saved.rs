//! A configuration file for the simulated homelab, so that the other commands can be tried on it.

use std::fmt::Write;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use evenkeel_lab::homelab::{Homelab, SCRIPTED, TRUENAS};
use evenkeel_sources::http::Fingerprint;

use super::lab;

/// Writes it, and every secret in a file beside it.
pub(super) fn save(path: &Path, homelab: &Homelab, api: SocketAddr, store: Option<&Path>) -> io::Result<()> {
    let mut text = String::new();
    let netbox = secret(path, "netbox", homelab.netbox.token_v1())?;
    let write = written(&mut text, path, homelab, &netbox)?;
    write.map_err(io::Error::other)?;
    if let Some(listen) = from_here(api) {
        text += &format!("\n[http]\nlisten = \"{listen}\"\n");
    }
    if let Some(store) = store {
        text += &format!("\n[store]\npath = \"{}\"\n", std::path::absolute(store)?.display());
    }
    std::fs::write(path, text)
}

fn written(text: &mut String, path: &Path, homelab: &Homelab, netbox: &str) -> io::Result<std::fmt::Result> {
    let mut all = writeln!(text, "[netbox]\nurl = \"{}\"\ntoken = {netbox}", homelab.netbox.url());
    for (host, engine) in homelab.engines() {
        let url = engine.url();
        all = all.and(writeln!(text, "\n[[docker]]\nname = \"{host}\"\nendpoint = \"{url}\""));
    }
    for (node, cluster) in homelab.clusters() {
        let name = node.to_lowercase();
        let token = secret(path, &name, &cluster.token())?;
        let urls = cluster.urls();
        all = all
            .and(writeln!(text, "\n[[proxmox]]\nname = \"{name}\"\nendpoints = {urls:?}\ntoken = {token}"));
    }
    let nas = &homelab.truenas;
    let (url, user, pin) = (nas.url(), nas.user(), Fingerprint::of(nas.certificate()));
    let key = secret(path, "nas", nas.key())?;
    all = all.and(writeln!(
        text,
        "\n[[truenas]]\nname = \"nas\"\nurl = \"{url}\"\nhost = \"{TRUENAS}\"\nuser = \"{user}\"\napi_key = {key}\n\
         pin = \"{pin}\"\nclusters = [\"{}\"]",
        lab::TRUENAS_CLUSTER
    ));
    if let Ok(machines) = homelab.machines() {
        all = all.and(writeln!(
            text,
            "\n[probe]\nhosts = {:?}\nservices = {:?}\nicmp = false",
            lab::PROBED_HOSTS,
            lab::PROBED_SERVICES
        ));
        for (host, machine) in machines {
            let address = machine.address();
            all = all.and(writeln!(text, "\n[[probe.address]]\nhosts = \"{host}\"\naddress = \"{address}\""));
        }
    }
    let token = secret(path, lab::SCRIPT, lab::SCRIPT_TOKEN)?;
    Ok(all.and(writeln!(
        text,
        "\n[[push]]\nname = \"{}\"\ntoken = {token}\nhosts = \"{}\"",
        lab::SCRIPT,
        SCRIPTED.0
    )))
}

/// Where commands on this machine find the demo. A configuration may not name what others reach, as nobody has a name.
fn from_here(api: SocketAddr) -> Option<SocketAddr> {
    match api.ip() {
        ip if ip.is_loopback() => Some(api),
        ip if ip.is_unspecified() => Some((Ipv4Addr::LOCALHOST, api.port()).into()),
        _ => None,
    }
}

/// Keeps a secret in a file beside the configuration; how the configuration names it.
fn secret(path: &Path, of: &str, value: &str) -> io::Result<String> {
    let file = path.with_extension(format!("{of}.secret"));
    std::fs::write(&file, value)?;
    Ok(format!("{{ file = \"{}\" }}", file.file_name().unwrap_or_default().to_string_lossy()))
}
