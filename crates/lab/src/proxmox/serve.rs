//! The simulated cluster's HTTP: logins, rights, routes, faults. What does not live here: what the answers say
//! (`render`) and who may see what (`access`).

use std::io;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use hyper::body::Incoming;
use hyper::ext::ReasonPhrase;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, COOKIE, DATE};
use hyper::{Method, Request, Response, StatusCode};
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::cluster::{Agent, Cluster, Guest, PveVersion, Standing};
use super::edit::State;
use super::{Desk, PASSWORD, TOKEN, TOKEN_SECRET, USER, render};
use crate::fault::Fault;
use crate::query::pairs;

/// What is answered, before faults.
pub(super) struct Reply {
    status: u16,
    /// What is wrong, in Proxmox's own words.
    message: String,
    errors: Option<Value>,
    data: Value,
    /// How long it takes to say so.
    after: Duration,
}

impl Reply {
    fn data(data: Value) -> Self {
        Self { status: 200, message: String::new(), errors: None, data, after: Duration::ZERO }
    }

    fn error(status: u16, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), ..Self::data(Value::Null) }
    }

    fn forbidden(path: &str, privilege: &str) -> Self {
        Self::error(403, format!("Permission check failed ({path}, {privilege})"))
    }

    fn body(&self, version: PveVersion) -> Value {
        let mut body = json!({"data": self.data});
        if let Some(errors) = &self.errors {
            body["errors"] = errors.clone();
        }
        if self.status != 200 && version >= PveVersion::V9 {
            body["message"] = json!(format!("{}\n", self.message));
        }
        body
    }
}

/// Answers one request. An error closes the connection without an answer.
pub(super) async fn answer(
    desk: Arc<Desk>,
    endpoint: usize,
    request: Request<Incoming>,
) -> Result<Response<Body>, io::Error> {
    let target = request.uri().path_and_query().map(ToString::to_string).unwrap_or_default();
    let target = target.strip_prefix("/api2/json").unwrap_or(&target).to_owned();
    desk.log.lock().unwrap_or_else(PoisonError::into_inner).push((endpoint, target.clone()));
    let _busy = Busy::new(&desk);
    let own = desk.endpoints.get(endpoint).and_then(|endpoint| endpoint.faults.of(&target));
    let fault = own.or_else(|| desk.faults.of(&target));
    match &fault {
        Some(Fault::Reset) => return Err(io::Error::from(io::ErrorKind::ConnectionReset)),
        Some(Fault::Hang) => std::future::pending::<()>().await,
        Some(Fault::Slow(wait)) => tokio::time::sleep(*wait).await,
        Some(
            Fault::Status(_)
            | Fault::EmptyList
            | Fault::Truncated
            | Fault::Malformed
            | Fault::DuplicateRow
            | Fault::ResetMidStream,
        )
        | None => {}
    }
    let mut reply = match fault {
        Some(Fault::Status(401)) => refused(&desk),
        Some(Fault::Status(status)) => Reply::error(status, format!("simulated status {status}")),
        _ => reply(&desk, endpoint, request, &target).await,
    };
    tokio::time::sleep(reply.after).await;
    match (&fault, &mut reply.data) {
        (Some(Fault::EmptyList), Value::Array(rows)) => rows.clear(),
        (Some(Fault::DuplicateRow), Value::Array(rows)) => {
            let first = rows.first().cloned();
            rows.extend(first);
        }
        _ => {}
    }
    let version = desk.pve.lock().cluster.version;
    respond(&desk, &reply, fault.as_ref(), version)
}

/// Counts how many are answered at the same time.
struct Busy<'a>(&'a Desk);

impl<'a> Busy<'a> {
    fn new(desk: &'a Desk) -> Self {
        let now = desk.busy.fetch_add(1, Ordering::SeqCst) + 1;
        desk.busiest.fetch_max(now, Ordering::SeqCst);
        Self(desk)
    }
}

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.0.busy.fetch_sub(1, Ordering::SeqCst);
    }
}

fn respond(
    desk: &Desk,
    reply: &Reply,
    fault: Option<&Fault>,
    version: PveVersion,
) -> Result<Response<Body>, io::Error> {
    let text = reply.body(version).to_string();
    let status = StatusCode::from_u16(reply.status).map_err(io::Error::other)?;
    let mut response = Response::builder().status(status);
    let clock = evenkeel_ambient::elsewhere() + SignedDuration::from_secs(desk.clock.load(Ordering::Relaxed));
    let printer = jiff::fmt::rfc2822::DateTimePrinter::new();
    response = response.header(DATE, printer.timestamp_to_rfc9110_string(&clock).map_err(io::Error::other)?);
    let kind = if fault == Some(&Fault::Malformed) { "text/html" } else { "application/json;charset=UTF-8" };
    response = response.header(CONTENT_TYPE, kind);
    // A node keeps no connection on which it refused something.
    if reply.status >= 400 {
        response = response.header("connection", "close");
    }
    if let Ok(phrase) = ReasonPhrase::try_from(reply.message.as_bytes().to_vec())
        && !reply.message.is_empty()
    {
        response = response.extension(phrase);
    }
    let half = || Bytes::copy_from_slice(&text.as_bytes()[..text.len() / 2]);
    let body = match fault {
        Some(Fault::Malformed) => Body::from("<html><body>Sign in</body></html>"),
        Some(Fault::Truncated) => Body::from(half()),
        Some(Fault::ResetMidStream) => {
            let first = half();
            // Cut only once the first half is on its way; an error at once would take the headers with it.
            let cut = async {
                tokio::task::yield_now().await;
                Err::<Bytes, _>(io::Error::other("cut"))
            };
            Body::from_stream(stream::once(async { Ok(first) }).chain(stream::once(cut)))
        }
        _ => Body::from(text.clone()),
    };
    response.body(body).map_err(io::Error::other)
}

fn refused(desk: &Desk) -> Reply {
    let after = Duration::from_millis(desk.refusals_after.load(Ordering::Relaxed));
    Reply { after, ..Reply::error(401, "authentication failure") }
}

async fn reply(desk: &Desk, endpoint: usize, request: Request<Incoming>, target: &str) -> Reply {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let query = pairs(query);
    if path == "/access/ticket" && request.method() == Method::POST {
        let body = axum::body::to_bytes(Body::new(request.into_body()), 512 * 1024).await;
        let Ok(body) = body else { return Reply::error(400, "Bad Request") };
        return log_in(desk, &pairs(&String::from_utf8_lossy(&body)));
    }
    let Some(who) = who(desk, &request) else {
        return match request.headers().contains_key(AUTHORIZATION) || request.headers().contains_key(COOKIE) {
            true => refused(desk),
            false => Reply { message: "No ticket".to_owned(), ..refused(desk) },
        };
    };
    if request.method() != Method::GET {
        return Reply::error(501, format!("Method '{} {path}' not implemented", request.method()));
    }
    route(&desk.pve.lock(), endpoint, &who, path, &query)
}

/// A cookie wins over a token, as in the real one.
fn who(desk: &Desk, request: &Request<Incoming>) -> Option<String> {
    let header = |name| request.headers().get(name).and_then(|value| value.to_str().ok());
    let cookies = header(COOKIE).unwrap_or_default();
    let cookie = cookies.split(';').find_map(|cookie| cookie.trim().strip_prefix("PVEAuthCookie="));
    if let Some(ticket) = cookie {
        return desk.tickets.lock().unwrap_or_else(PoisonError::into_inner).get(ticket).cloned();
    }
    let token = header(AUTHORIZATION)?.strip_prefix("PVEAPIToken=")?;
    (token == format!("{TOKEN}={TOKEN_SECRET}")).then(|| TOKEN.to_owned())
}

fn log_in(desk: &Desk, form: &[(String, String)]) -> Reply {
    let field = |name: &str| form.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    let mut tickets = desk.tickets.lock().unwrap_or_else(PoisonError::into_inner);
    let fine = match (field("username"), field("password")) {
        (Some(USER), Some(PASSWORD)) => true,
        // A ticket is as good as the password, as long as it lives.
        (Some(user), Some(ticket)) => tickets.get(ticket).is_some_and(|owner| owner == user),
        _ => false,
    };
    if !fine {
        return refused(desk);
    }
    let number = desk.logins.fetch_add(1, Ordering::Relaxed);
    let ticket = format!("PVE:{USER}:{number:08X}::simulated-signature");
    tickets.insert(ticket.clone(), USER.to_owned());
    Reply::data(json!({
        "username": USER, "ticket": ticket, "CSRFPreventionToken": format!("{number:08X}:simulated"), "cap": {}
    }))
}

fn route(state: &State, endpoint: usize, who: &str, path: &str, query: &[(String, String)]) -> Reply {
    let State { cluster, access } = state;
    let may = |path: &str, privilege: &str| access.may(who, path, privilege, cluster.version);
    let value = |name: &str| query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    let local = cluster.nodes.get(endpoint).map_or("", |node| node.name.as_str());
    match path {
        "/version" => Reply::data(render::version(cluster.version)),
        "/cluster/resources" => Reply::data(render::resources(cluster, value("type"), &may)),
        "/cluster/status" if !may("/", "Sys.Audit") => Reply::forbidden("/", "Sys.Audit"),
        "/cluster/status" => Reply::data(render::status(cluster, local)),
        "/cluster/nextid" => next_id(cluster, value("vmid")),
        "/access/permissions" => Reply::data(permissions(state, who)),
        _ => guest_route(cluster, local, path, query, &may),
    }
}

fn permissions(state: &State, who: &str) -> Value {
    let held = state.access.all(who, state.cluster.version);
    let paths = held.into_iter().map(|(path, held)| {
        let held = held.into_iter().map(|(name, below)| (name.to_owned(), json!(u8::from(below))));
        (path, Value::Object(held.collect()))
    });
    Value::Object(paths.collect())
}

fn next_id(cluster: &Cluster, asked: Option<&str>) -> Reply {
    let Some(asked) = asked else {
        let free = (100..).find(|vmid| !cluster.guests.contains_key(vmid));
        return Reply::data(json!(free.unwrap_or(100).to_string()));
    };
    match asked.parse::<u64>() {
        Ok(vmid) if !cluster.guests.contains_key(&vmid) => Reply::data(json!(asked)),
        _ => {
            let errors = json!({"vmid": format!("VM {asked} already exists")});
            Reply { errors: Some(errors), ..Reply::error(400, "Parameter verification failed.") }
        }
    }
}

fn guest_route(
    cluster: &Cluster,
    local: &str,
    path: &str,
    query: &[(String, String)],
    may: render::May<'_>,
) -> Reply {
    let unknown = || Reply::error(501, format!("Method 'GET {path}' not implemented"));
    let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    let ["nodes", node, kind @ ("qemu" | "lxc"), vmid, rest @ ..] = parts.as_slice() else {
        return unknown();
    };
    match cluster.nodes.iter().find(|there| there.name == *node) {
        None => return Reply::error(500, format!("hostname lookup '{node}' failed")),
        // The endpoint's own node answers whatever the others think of it.
        Some(there) if there.standing != Standing::Online && there.name != local => {
            return Reply::error(595, "No route to host");
        }
        Some(_) => {}
    }
    if !may(&format!("/vms/{vmid}"), "VM.Audit") {
        return Reply::forbidden(&format!("/vms/{vmid}"), "VM.Audit");
    }
    let here = |guest: &&Guest| guest.node == *node && guest.kind() == *kind;
    let guest = vmid.parse::<u64>().ok().and_then(|vmid| cluster.guests.get(&vmid)).filter(here);
    let Some(guest) = guest else {
        let folder = if *kind == "qemu" { "qemu-server" } else { "lxc" };
        return Reply::error(
            500,
            format!("Configuration file 'nodes/{node}/{folder}/{vmid}.conf' does not exist"),
        );
    };
    match (rest, guest.container) {
        (["config"], _) => {
            let current = query.iter().any(|(key, value)| key == "current" && value == "1");
            Reply::data(render::config(guest, current))
        }
        (["agent", "network-get-interfaces"], false) => agent(cluster, guest, may),
        (["interfaces"], true) if guest.running => {
            Reply::data(render::lxc_interfaces(guest, cluster.version))
        }
        (["interfaces"], true) => Reply::data(Value::Null),
        _ => unknown(),
    }
}

fn agent(cluster: &Cluster, guest: &Guest, may: render::May<'_>) -> Reply {
    let path = format!("/vms/{}", guest.vmid);
    let privilege = match cluster.version {
        PveVersion::V8 => "VM.Monitor",
        PveVersion::V9 => "VM.GuestAgent.Audit",
    };
    if !may(&path, privilege) {
        return Reply::forbidden(&path, privilege);
    }
    match &guest.agent {
        Agent::None => Reply::error(500, "No QEMU guest agent configured"),
        _ if !guest.running => Reply::error(500, format!("VM {} is not running", guest.vmid)),
        Agent::Silent(after) => {
            Reply { after: *after, ..Reply::error(500, "QEMU guest agent is not running") }
        }
        Agent::Answers => Reply::data(render::agent_interfaces(guest)),
    }
}
