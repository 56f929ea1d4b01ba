//! What `init` prints for whoever runs it: what was found, what was written, what only they can do, what comes next.
//!
//! Pure. What does not live here: the configuration's text (`config`).

use std::net::IpAddr;
use std::path::Path;

use evenkeel_sources::netbox::{ModelReport, Report};

use super::config::{appliance_url, hypervisor_urls, secret_file};
use super::find::Engine;
use super::keep::File;
use super::plan::{Answer, Door, Plan, SOCKET};
use super::recipes;
use crate::render::text::{BOLD, DIM, GOOD, WARN, clean, count, cut, fit, styled, width};

/// A name is shown up to here.
const NAME: usize = 28;

/// A line of the list: what, where, how it stands, and what says so.
struct Line {
    what: String,
    place: String,
    is_open: bool,
    state: String,
}

/// Which NetBox it is, and what it shows.
pub(super) fn netbox(report: &Report, version: &str) -> String {
    let shown = |model: &ModelReport| model.rows.as_ref().ok().map(|rows| format!("{rows} {}", model.name));
    let shown: Vec<String> = report.models.iter().filter_map(shown).collect();
    let line = format!("{} is NetBox {} and shows {}.", report.address, clean(version), shown.join(", "));
    format!("{line}\n\n")
}

/// Everything that was found, by kind.
pub(super) fn found(plan: &Plan, columns: usize) -> String {
    let mut text = String::new();
    let engines = plan.engines.iter().map(|(engine, door)| engine_line(engine, door));
    section(&mut text, "Docker engines", &engines.collect::<Vec<_>>(), columns);
    let clusters = plan.hypervisors.iter().map(|(found, _)| Line {
        what: found.name.to_string(),
        place: or_nowhere(hypervisor_urls(found).join(" ")),
        is_open: false,
        state: format!("needs a token; {}", found.why),
    });
    section(&mut text, "Proxmox VE", &clusters.collect::<Vec<_>>(), columns);
    let appliances = plan.appliances.iter().map(|(found, _)| Line {
        what: found.host.to_string(),
        place: appliance_url(found),
        is_open: false,
        state: format!("needs a key; {}", found.why),
    });
    section(&mut text, "TrueNAS", &appliances.collect::<Vec<_>>(), columns);
    let unseen = plan.unseen.iter().map(|unseen| Line {
        what: unseen.host.to_string(),
        place: unseen.address.map_or_else(|| or_nowhere(String::new()), |ip| ip.to_string()),
        is_open: plan.probes && unseen.address.is_some(),
        state: unseen.services.join(", "),
    });
    section(&mut text, "Services that only a probe sees", &unseen.collect::<Vec<_>>(), columns);
    if text.is_empty() {
        return "NetBox declares nothing yet that could be watched. Declare it there; this can be run again with --force.\n\n"
            .to_owned();
    }
    let legend = format!(
        "{} ({} is watched at once, {} waits for somebody)\n\n",
        styled(BOLD, "What NetBox declares, and where it would be asked"),
        styled(GOOD, "✓"),
        styled(WARN, "·")
    );
    legend + &text
}

fn section(text: &mut String, title: &str, lines: &[Line], columns: usize) {
    if lines.is_empty() {
        return;
    }
    text.push_str(&format!("{} {}\n", styled(BOLD, title), styled(DIM, &lines.len().to_string())));
    let widest = |part: fn(&Line) -> &str, most: usize| {
        lines.iter().map(|line| width(&clean(part(line)))).max().unwrap_or(0).min(most)
    };
    let (names, places) = (widest(|line| &line.what, NAME), widest(|line| &line.place, 46));
    for line in lines {
        let mark = if line.is_open { styled(GOOD, "✓") } else { styled(WARN, "·") };
        let left = format!("{}  {}", fit(&clean(&line.what), names), fit(&clean(&line.place), places));
        let rest = columns.saturating_sub(width(&left) + 6).max(20);
        text.push_str(&format!("  {mark} {left}  {}\n", styled(DIM, &cut(&clean(&line.state), rest))));
    }
    text.push('\n');
}

fn engine_line(engine: &Engine, door: &Door) -> Line {
    let (place, state) = match door {
        Door::Given(endpoint) => (endpoint.to_string(), "as you say".to_owned()),
        Door::Declared(endpoint) => (endpoint.to_string(), "as NetBox says".to_owned()),
        Door::Here => (SOCKET.to_owned(), "the engine of this machine".to_owned()),
        Door::Proxy(at, Answer::Containers(n)) => {
            (format!("http://{at}"), format!("lists {}", count(*n, "container", "containers")))
        }
        Door::Proxy(at, Answer::Silent(_)) => (format!("http://{at}"), "does not answer yet".to_owned()),
        Door::Proxy(at, Answer::NotAsked) => (format!("http://{at}"), "not asked".to_owned()),
        Door::Nowhere => (or_nowhere(String::new()), "where is it?".to_owned()),
    };
    let state = format!("{state}; {}, {}", engine.why, engine.status);
    Line { what: engine.host.to_string(), place, is_open: door.is_open(), state }
}

fn or_nowhere(place: String) -> String {
    if place.is_empty() { "no address in NetBox".to_owned() } else { place }
}

/// What was written.
pub(super) fn written(files: &[File]) -> String {
    let mut text = format!("{}\n", styled(BOLD, "Written"));
    for file in files {
        let note = if file.is_secret { " (readable for you alone)" } else { "" };
        text.push_str(&format!("  {}{note}\n", clean(&file.path.display().to_string())));
    }
    text.push('\n');
    text
}

/// What only a person can do, by the configuration's path. `from` is the address this machine has towards the machines.
pub(super) fn steps(plan: &Plan, config: &Path, stem: &str, from: Option<IpAddr>) -> String {
    let beside = |file: String| typed(&config.with_file_name(file));
    let mut parts = Vec::new();
    let closed: Vec<_> = plan.engines.iter().filter(|(_, door)| !door.is_open()).collect();
    if let Some((engine, _)) = closed.iter().find(|(engine, _)| engine.address.is_some()).or(closed.first()) {
        let file = format!("{stem}.{}", recipes::PROXY_SUFFIX);
        parts.push(door_step(engine, closed.len(), (&beside(file.clone()), &file), from));
    }
    if !plan.hypervisors.is_empty() {
        let names: Vec<_> = plan.hypervisors.iter().map(|(found, _)| clean(&found.name)).collect();
        let each = if names.len() > 1 { "of each " } else { "" };
        let commands = recipes::PVEUM.map(|line| format!("       {line}\n")).concat();
        let secrets = plan.hypervisors.iter().map(|(_, login)| secret_file(stem, &login.name));
        parts.push(format!(
            "{}: a user who may only read, and a token. On a node {each}as root:\n{commands}     The second prints a secret, once. \
             Here:\n{}",
            names.join(", "),
            pasted(secrets.map(beside))
        ));
    }
    for (found, login) in &plan.appliances {
        let words = recipes::TRUENAS.map(|line| format!("       {line}\n")).concat();
        parts.push(format!(
            "{}: a user who may only read, and a key. In its web interface:\n{words}     The key is shown once. Here:\n{}",
            clean(found.host.as_str()),
            pasted([beside(secret_file(stem, &login.name))].into_iter())
        ));
    }
    if parts.is_empty() {
        return String::new();
    }
    let mut text = format!("{}\n", styled(BOLD, "What only you can do, in any order, now or later"));
    for (n, part) in parts.iter().enumerate() {
        text.push_str(&format!("  {}. {part}", n + 1));
    }
    let config = clean(&config.to_string_lossy()).into_owned();
    text.push_str(&format!(
        "  Then take the # away from the lines of that part in {config}, and run `evenkeel doctor` again.\n\n"
    ));
    text
}

fn door_step(engine: &Engine, closed: usize, (file, name): (&str, &str), from: Option<IpAddr>) -> String {
    let to = match engine.address {
        Some(ip) => ip.to_string(),
        None => "ADDRESS".to_owned(),
    };
    let from = from.map_or_else(|| "ADDRESS_OF_EVENKEEL".to_owned(), |ip| ip.to_string());
    let more = match closed {
        1 => String::new(),
        2 => ", and so for the other".to_owned(),
        n => format!(", and so for the other {}", n - 1),
    };
    format!(
        "{}: a door to its engine that only reads{more}:\n       scp {file} {to}:\n       ssh {to} 'BIND={to} EVENKEEL_FROM={from} \
         DOCKER_GID=$(stat -c %g /var/run/docker.sock) docker compose -f {} up -d'\n",
        clean(engine.host.as_str()),
        clean(name)
    )
}

/// Commands that each take a pasted secret into a file that only its owner reads.
fn pasted(files: impl Iterator<Item = String>) -> String {
    files.map(|file| format!("       (umask 077; cat > {file})   # paste it, Enter, Ctrl-D\n")).collect()
}

/// A path as a shell takes it for one word.
fn typed(path: &Path) -> String {
    let text = path.to_string_lossy();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-+@:,".contains(c);
    if text.chars().all(is_plain) {
        text.into_owned()
    } else {
        format!("'{}'", clean(&text).replace('\'', "'\\''"))
    }
}

/// What comes next.
pub(super) fn next(config: Option<&Path>) -> String {
    let option = config.map(|file| format!(" -c {}", typed(file))).unwrap_or_default();
    format!(
        "\n{}\n  evenkeel diff{option}      {}\n  evenkeel run{option}       {}\n",
        styled(BOLD, "Next"),
        styled(DIM, "one comparison; writes nothing"),
        styled(DIM, "keeps comparing; the page is at http://127.0.0.1:9797/")
    )
}
