//! `evenkeel init`: from the address of a NetBox to a configuration that works, on one page.
//!
//! What lives here: the order of things. What each of them is: `given` (what has to be known), `ask` (asking somebody), `find`
//! (what NetBox declares), `look` (who answers), `plan` (what counts at once), `config` (the text), `recipes` (what only a
//! person can do), `tell` (what is printed), `keep` (files).

mod ask;
mod config;
mod find;
mod given;
mod keep;
mod look;
mod plan;
mod recipes;
mod tell;
#[cfg(test)]
mod tests;

use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use evenkeel_core::model::{ExpectedHost, Inventory};
use evenkeel_core::{Coverage, GapKind, Secret};
use evenkeel_sources::http::peer_fingerprint;
use evenkeel_sources::netbox::{Cluster, Config, NetboxSource};
use evenkeel_sources::{Snapshot, Source};

use self::ask::Person;
use self::given::Given;
use self::keep::File;
use self::plan::{Looked, Plan};
use super::args::{Args, InitOptions};
use super::failure::{Failure, OrFail};
use super::{Done, doctor, output};
use crate::config::LogFormat;
use crate::render::doctor::{Status, render, worst};
use crate::render::text::{WARN, clean, styled};

/// Where the configuration is looked for, if nobody says otherwise.
const OUTPUT: &str = "evenkeel.toml";

/// What NetBox said.
struct Reading {
    version: String,
    hosts: Vec<Arc<ExpectedHost>>,
    clusters: Option<Vec<Cluster>>,
}

pub(super) async fn run(args: &Args, options: &InitOptions) -> Done {
    output::log(args, "off", LogFormat::Text);
    let path = options.output.clone().or_else(|| args.config.clone()).unwrap_or_else(|| OUTPUT.into());
    let stem = path.file_stem().map_or_else(|| "evenkeel".into(), |stem| stem.to_string_lossy().into_owned());
    let secret = path.with_file_name(config::secret_file(&stem, "netbox"));
    let door = path.with_file_name(format!("{stem}.{}", recipes::PROXY_SUFFIX));
    keep::refuse_what_is_there(&[&path, &secret, &door], options.force)?;
    let mut person = Person::at_terminal(!options.no_input);
    let variable = std::env::var(given::TOKEN).ok();
    let mut given = given::gather(options, variable, person.as_mut())?;
    let reading = read(&mut given, person.as_mut()).await?;
    let plan = plan(&reading, options, person.as_mut()).await?;
    let files = files(&given, &reading, &plan, [&path, &secret, &door], &stem);
    keep::keep(&files, options.force)?;
    output::text(&tell::written(&files));
    output::text(&tell::steps(&plan, &path, &stem, towards(&plan, &given)));
    let code = examined(&path).await?;
    let is_found = options.output.is_none() && args.config.is_none() || path == Path::new(OUTPUT);
    output::text(&tell::next((!is_found).then_some(path.as_path())));
    Ok(code)
}

/// `doctor`, on what was written.
async fn examined(path: &Path) -> Done {
    let config = output::config_at(path)?;
    Ok(doctor::examine(&config).await)
}

/// Reads NetBox, and says what it is and what it shows. Whatever `doctor` calls a failure ends here, with its words.
async fn read(given: &mut Given, person: Option<&mut Person>) -> Result<Reading, Failure> {
    let hint = "`evenkeel init --help` names the options";
    let mut source = NetboxSource::new(settings(given)).or_fail(hint)?;
    let mut report = source.check().await;
    if let (Err(gap), Some(person)) = (&report.version, person)
        && gap.kind == GapKind::Unreachable
        && accepts_certificate(given, person).await?
    {
        source = NetboxSource::new(settings(given)).or_fail(hint)?;
        report = source.check().await;
    }
    let checks = doctor::netbox::describe(source.config(), &report).await;
    let version = match (worst(&checks), &report.version) {
        (Status::Ok, Ok(version)) => {
            output::text(&tell::netbox(&report, version));
            version.clone()
        }
        // What could be better is said with what to do about it.
        (Status::Warn, Ok(version)) => {
            output::text(&format!("{}\n", render(&checks, output::width())));
            version.clone()
        }
        (Status::Fail, _) | (Status::Ok | Status::Warn, Err(_)) => {
            output::text(&format!("{}\n", render(&checks, output::width())));
            return Err(refused());
        }
    };
    let hosts = hosts(source.observe().await)?;
    let clusters = match source.clusters().await {
        Ok(clusters) => Some(clusters),
        Err(gap) => {
            warn(&format!(
                "the types of clusters cannot be read ({gap}); which are Proxmox' is guessed from what their machines declare"
            ));
            None
        }
    };
    Ok(Reading { version, hosts, clusters })
}

fn refused() -> Failure {
    Failure::new(
        anyhow::anyhow!("netbox does not show what is needed; nothing was written"),
        Some("mend what is said above; --netbox, --token-file, --pin and --ca-file say how it is reached"),
    )
}

fn settings(given: &Given) -> Config {
    let Given { url, token, token_file: _, trust, insecure_http: _ } = given;
    Config { trust: trust.clone(), ..Config::new(url.clone(), token.clone()) }
}

/// What is declared. Of a part of it a configuration can be made as well, as long as somebody is told.
fn hosts(snapshot: Snapshot) -> Result<Vec<Arc<ExpectedHost>>, Failure> {
    let Snapshot::Inventory(Inventory { coverage, hosts, .. }) = snapshot else {
        return Err(Failure::new(anyhow::anyhow!("netbox answered with something else"), None));
    };
    match coverage {
        Coverage::Complete => Ok(hosts),
        Coverage::Partial(gap) if hosts.is_empty() => Err(Failure::new(
            anyhow::anyhow!("netbox cannot be read: {gap}"),
            Some("nothing was written; try again"),
        )),
        Coverage::Partial(gap) => {
            warn(&format!("not everything in NetBox could be read ({gap}); what follows is of the rest"));
            Ok(hosts)
        }
    }
}

/// A certificate that nobody vouches for: whoever sits there may know it.
async fn accepts_certificate(given: &mut Given, person: &mut Person) -> Result<bool, Failure> {
    let (Some(host), Some(port)) = (given.url.host_str(), given.url.port_or_known_default()) else {
        return Ok(false);
    };
    if given.url.scheme() != "https" || given.trust.pin.is_some() || given.trust.ca_file.is_some() {
        return Ok(false);
    }
    let Ok(print) = peer_fingerprint(host, port).await else { return Ok(false) };
    let question = format!(
        "Nobody this machine trusts vouches for the certificate of {host}. Its fingerprint (SHA-256) is\n  {print}\nIs it the right one?"
    );
    let accepted =
        person.agrees(&question, false).or_fail("--pin accepts a certificate, --ca-file an authority")?;
    if accepted {
        given.trust.pin = Some(print);
    }
    Ok(accepted)
}

/// Finds, looks around, decides, and shows it.
async fn plan(
    reading: &Reading,
    options: &InitOptions,
    person: Option<&mut Person>,
) -> Result<Plan, Failure> {
    let found = find::find(&reading.hosts, reading.clusters.as_deref());
    let looked = match options.no_look {
        true => Looked::default(),
        false => {
            anstream::eprintln!("Looking who answers; that takes a few seconds at most …\n");
            look::around(&found).await
        }
    };
    let mut plan = plan::make(found, &reading.hosts, &options.engines, &looked)
        .or_fail("--docker HOST=ENDPOINT wants the machine's name in NetBox; nothing was written")?;
    plan.probes &= !options.no_probe;
    output::text(&tell::found(&plan, output::width()));
    if let Some(person) = person {
        let hint = "nothing was written";
        let tried = plan.unseen.iter().filter(|unseen| unseen.address.is_some()).count();
        if plan.probes && tried > 0 {
            let question = format!(
                "Try the declared TCP ports of these {tried} machines over the network, every minute?"
            );
            plan.probes = person.agrees(&question, true).or_fail(hint)?;
        }
        if !person.agrees("Write the configuration?", true).or_fail(hint)? {
            return Err(Failure::new(anyhow::anyhow!("nothing was written, as you say"), None));
        }
    }
    Ok(plan)
}

/// Everything that is written: the configuration last, as it names the others.
fn files(
    given: &Given,
    reading: &Reading,
    plan: &Plan,
    [path, secret, door]: [&PathBuf; 3],
    stem: &str,
) -> Vec<File> {
    let mut files = Vec::new();
    let beside = secret.file_name().map(PathBuf::from).unwrap_or_default();
    let token_file = match &given.token_file {
        Some(file) => file,
        None => {
            files.push(secret_of(&given.token, secret));
            &beside
        }
    };
    let name = format!("{stem}.{}", recipes::PROXY_SUFFIX);
    if plan.engines.iter().any(|(_, door)| !door.is_open()) {
        let text = recipes::PROXY.replace(&format!("evenkeel.{}", recipes::PROXY_SUFFIX), &name);
        files.push(File { path: door.clone(), text, is_secret: false });
    }
    let netbox = config::Netbox {
        url: &given.url,
        version: &reading.version,
        token_file,
        trust: &given.trust,
        insecure_http: given.insecure_http,
    };
    files.push(File { path: path.clone(), text: config::text(&netbox, plan, stem), is_secret: false });
    files
}

fn secret_of(secret: &Secret, path: &Path) -> File {
    File { path: path.to_path_buf(), text: format!("{}\n", secret.expose()), is_secret: true }
}

/// The address this machine has towards the machines, or towards NetBox. Nothing is sent: the system is asked which way
/// it would go.
fn towards(plan: &Plan, given: &Given) -> Option<IpAddr> {
    let engine =
        plan.engines.iter().filter(|(_, door)| !door.is_open()).find_map(|(engine, _)| engine.address);
    let netbox = || given.url.host_str()?.parse().ok();
    let to = SocketAddr::new(engine.or_else(netbox)?, 2375);
    let any = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
    let socket = UdpSocket::bind(if to.is_ipv4() { any } else { SocketAddr::from(([0_u16; 8], 0)) }).ok()?;
    socket.connect(to).ok()?;
    socket.local_addr().ok().map(|address| address.ip()).filter(|ip| !ip.is_unspecified())
}

fn warn(text: &str) {
    anstream::eprintln!("{} {}\n", styled(WARN, "warning:"), clean(text));
}
