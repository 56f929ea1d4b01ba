//! A TrueNAS on loopback: JSON-RPC over a real websocket under TLS, REST, `/api/versions` and `midclt`, as the releases
//! 24.04 to 26 have them; with state one can change, pushes to whoever subscribed, keys with roles, and faults on demand
//! (by method: `app.query`, `auth.login_ex`; or `/api/versions`).
//!
//! `version` · `state` (what it holds) · `desk` (logins and rights) · `render` (how answers look) · `serve` (TLS and HTTP)
//! · `socket` (JSON-RPC) · `shell` (`midclt`). As the real one, it revokes a key at once that arrives unencrypted.
//! What does not live here: running anything.

mod desk;
mod render;
mod serve;
mod shell;
mod socket;
mod state;
mod version;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpSocket};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::{CancellationToken, DropGuard};

pub use state::{Alert, App, AppState, Guest, KeyState, Pool, State};
pub use version::TruenasVersion;

use self::desk::{Desk, Update};
use crate::fault::Faults;
use crate::inventory::{Host, Inventory};

const BACKLOG: u32 = 128;

/// A running TrueNAS; it ends when this is dropped.
#[derive(Debug)]
pub struct TruenasLab {
    desk: Arc<Desk>,
    address: SocketAddr,
    shell: SocketAddr,
    tls: Tls,
    up: Mutex<Option<Up>>,
    _shell: DropGuard,
}

#[derive(Clone)]
struct Tls {
    acceptor: TlsAcceptor,
    certificate: CertificateDer<'static>,
    pem: String,
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tls").finish_non_exhaustive()
    }
}

#[derive(Debug)]
struct Up {
    end: CancellationToken,
    accepting: tokio::task::JoinHandle<()>,
}

impl Drop for Up {
    fn drop(&mut self) {
        self.end.cancel();
    }
}

impl TruenasLab {
    /// An empty one of this release, on a free port.
    pub async fn start(version: TruenasVersion) -> io::Result<Self> {
        let tls = certificate().map_err(io::Error::other)?;
        let desk = Arc::new(Desk::new(State::new(version)));
        let listener = listen((Ipv4Addr::LOCALHOST, 0).into())?;
        let address = listener.local_addr()?;
        let shells = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let shell = shells.local_addr()?;
        let end = CancellationToken::new();
        tokio::spawn(accept_shells(shells, Arc::clone(&desk), end.clone()));
        let up = Mutex::new(Some(Up::new(listener, &tls, &desk)));
        Ok(Self { desk, address, shell, tls, up, _shell: end.drop_guard() })
    }

    /// The TrueNAS of the reference inventory, in sync with it: its services as running apps, its virtual machines
    /// running, one healthy pool.
    pub async fn of_reference(version: TruenasVersion) -> io::Result<Self> {
        Self::of(version, &Inventory::reference(), "TrueNAS").await
    }

    /// The TrueNAS that this device of an inventory is. Its own web interface is no app.
    pub async fn of(version: TruenasVersion, inventory: &Inventory, device: &str) -> io::Result<Self> {
        let lab = Self::start(version).await?;
        let Some(host) = inventory.devices.iter().find(|host| host.name.as_deref() == Some(device)) else {
            return Ok(lab);
        };
        {
            let mut state = lab.desk.state();
            state.hostname = device.to_lowercase();
            for service in &inventory.services {
                let on_it = service.parent.kind == "dcim.device" && service.parent.id == host.id;
                if on_it && !service.ports.contains(&443) {
                    let ports: Vec<u16> =
                        service.ports.iter().filter_map(|port| u16::try_from(*port).ok()).collect();
                    let app = App::new(&format!("lab/{}:1.0", service.name), &ports);
                    state.apps.insert(service.name.clone(), app);
                }
            }
            for vm in inventory.vms.iter().filter(|vm| vm.device == Some(host.id)) {
                if let Some(name) = &vm.name {
                    state.vms.insert(name.clone(), guest(inventory, vm));
                }
            }
            let pool = Pool { status: "ONLINE".into(), healthy: true, size: 16 << 40, allocated: 4 << 40 };
            state.pools.insert("tank".to_owned(), pool);
        }
        Ok(lab)
    }

    /// Where it is: `https://127.0.0.1:…`. The same port speaks plain HTTP, too, to whoever is careless enough.
    pub fn url(&self) -> String {
        format!("https://{}", self.address)
    }

    /// Where it is, as an address.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The port to which a stand-in for `ssh` sends command lines.
    pub fn shell(&self) -> SocketAddr {
        self.shell
    }

    /// The user of the key.
    pub fn user(&self) -> &'static str {
        desk::USER
    }

    /// The key.
    pub fn key(&self) -> &'static str {
        desk::KEY
    }

    /// The certificate it shows: signed by itself, as TrueNAS ships.
    pub fn certificate(&self) -> &CertificateDer<'static> {
        &self.tls.certificate
    }

    /// The same as PEM.
    pub fn certificate_pem(&self) -> &str {
        &self.tls.pem
    }

    /// What goes wrong, by method, or `/api/versions`; `""` is everything.
    pub fn faults(&self) -> &Faults {
        &self.desk.faults
    }

    /// How often these methods were called, by the beginning of their name.
    pub fn calls(&self, prefix: &str) -> usize {
        let asked = self.desk.asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked.iter().filter(|(name, _)| name.starts_with(prefix)).map(|(_, count)| count).sum()
    }

    /// How many logins there were, successful or not.
    pub fn logins(&self) -> usize {
        self.desk.logins.load(Ordering::Relaxed)
    }

    /// What it holds.
    pub fn state(&self) -> State {
        self.desk.state().clone()
    }

    /// Changes what it holds, and tells whoever subscribed to what changed.
    pub fn edit<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let (before, after, result) = {
            let mut state = self.desk.state();
            let before = state.clone();
            let result = change(&mut state);
            (before, state.clone(), result)
        };
        for update in updates(&before, &after) {
            // Nobody may listen.
            let _ = self.desk.updates.send(update);
        }
        result
    }

    /// An app does something else from now on. `false`: there is none of this name.
    pub fn set_app(&self, name: &str, app: AppState) -> bool {
        self.edit(|state| state.apps.get_mut(name).map(|found| found.state = app).is_some())
    }

    /// A virtual machine is in another state from now on. `false`: there is none of this name.
    pub fn set_vm(&self, name: &str, word: &str) -> bool {
        self.edit(|state| state.vms.get_mut(name).map(|found| found.state = word.to_owned()).is_some())
    }

    /// It goes away: nobody listens, and every connection is broken off.
    pub async fn stop(&self) {
        let up = self.up().take();
        if let Some(mut up) = up {
            up.end.cancel();
            // The port is free when the task that listens has ended.
            let _ = (&mut up.accepting).await;
        }
    }

    /// It comes back, on the same port.
    pub fn resume(&self) -> io::Result<()> {
        let mut up = self.up();
        if up.is_none() {
            *up = Some(Up::new(listen(self.address)?, &self.tls, &self.desk));
        }
        Ok(())
    }

    fn up(&self) -> MutexGuard<'_, Option<Up>> {
        self.up.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Up {
    fn new(listener: TcpListener, tls: &Tls, desk: &Arc<Desk>) -> Self {
        let end = CancellationToken::new();
        let (ended, acceptor, desk) = (end.clone(), tls.acceptor.clone(), Arc::clone(desk));
        let accepting = tokio::spawn(async move {
            loop {
                let accepted = tokio::select! {
                    () = ended.cancelled() => return,
                    accepted = listener.accept() => accepted,
                };
                let Ok((stream, _)) = accepted else { continue };
                // Small answers must not wait for an acknowledgement; where that cannot be had they are only slower.
                let _ = stream.set_nodelay(true);
                let (ended, acceptor, desk) = (ended.clone(), acceptor.clone(), Arc::clone(&desk));
                tokio::spawn(async move {
                    tokio::select! {
                        () = ended.cancelled() => {}
                        () = serve::connection(stream, acceptor, desk) => {}
                    }
                });
            }
        });
        Self { end, accepting }
    }
}

async fn accept_shells(listener: TcpListener, desk: Arc<Desk>, end: CancellationToken) {
    loop {
        let accepted = tokio::select! {
            () = end.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        let Ok((stream, _)) = accepted else { continue };
        let (end, desk) = (end.clone(), Arc::clone(&desk));
        tokio::spawn(async move {
            tokio::select! {
                () = end.cancelled() => {}
                () = shell::connection(stream, desk) => {}
            }
        });
    }
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = TcpSocket::new_v4()?;
    // Its own last connections linger on the port.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// A certificate that signs itself and calls itself an authority, as appliances make them.
fn certificate() -> Result<Tls, Box<dyn std::error::Error + Send + Sync>> {
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::new(vec!["localhost".to_owned(), "127.0.0.1".to_owned()])?;
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let made = params.self_signed(&key)?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![made.der().clone()], PrivatePkcs8KeyDer::from(key.serialize_der()).into())?;
    Ok(Tls {
        acceptor: TlsAcceptor::from(Arc::new(config)),
        certificate: made.der().clone(),
        pem: made.pem(),
    })
}

fn guest(inventory: &Inventory, vm: &Host) -> Guest {
    let interface = inventory.vm_interfaces.iter().find(|interface| interface.host == vm.id);
    let mac = interface.and_then(|interface| {
        let ours = |mac: &&crate::inventory::Mac| {
            mac.interface.as_ref().is_some_and(|at| at.kind.ends_with("vminterface") && at.id == interface.id)
        };
        inventory.macs.iter().find(ours)
    });
    let address = inventory.ips.iter().find(|ip| Some(ip.id) == vm.primary_ip4);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a handful of processors")]
    let vcpus = vm.vcpus.unwrap_or(1.0) as u64;
    Guest {
        id: vm.id,
        state: "RUNNING".to_owned(),
        vcpus,
        memory: vm.memory.unwrap_or(1024),
        mac: mac
            .map_or_else(|| format!("00:a0:98:00:00:{:02x}", vm.id % 256), |mac| mac.address.to_lowercase()),
        address: address.map_or_else(
            || "192.0.2.1".to_owned(),
            |ip| ip.address.split('/').next().unwrap_or_default().to_owned(),
        ),
    }
}

/// What subscribers are told of a change.
fn updates(before: &State, after: &State) -> Vec<Update> {
    let mut updates = Vec::new();
    differences("app.query", &before.apps, &after.apps, &mut updates);
    differences("vm.query", &before.vms, &after.vms, &mut updates);
    let containers =
        if after.version == TruenasVersion::V26 { "container.query" } else { "virt.instance.query" };
    differences(containers, &before.containers, &after.containers, &mut updates);
    differences("pool.query", &before.pools, &after.pools, &mut updates);
    if before.alerts != after.alerts {
        updates.push(update("alert.list", "changed", json!(1)));
    }
    if before.docker_status != after.docker_status || before.apps_pool != after.apps_pool {
        updates.push(update("docker.state", "changed", Value::Null));
    }
    updates
}

fn differences<T: PartialEq>(
    collection: &'static str,
    before: &std::collections::BTreeMap<String, T>,
    after: &std::collections::BTreeMap<String, T>,
    updates: &mut Vec<Update>,
) {
    for (name, now) in after {
        match before.get(name) {
            None => updates.push(update(collection, "added", json!(name))),
            Some(then) if then != now => updates.push(update(collection, "changed", json!(name))),
            Some(_) => {}
        }
    }
    for name in before.keys().filter(|name| !after.contains_key(*name)) {
        updates.push(update(collection, "removed", json!(name)));
    }
}

fn update(collection: &'static str, msg: &str, id: Value) -> Update {
    Update { collection, message: json!({"msg": msg, "collection": collection, "id": id, "fields": {}}) }
}
