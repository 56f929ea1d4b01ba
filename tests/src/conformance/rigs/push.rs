//! A sender that speaks about two machines, over the controller's own HTTP door. Down: it sends nothing more. 403: it
//! sends about a machine that is not its own. Shrunken and empty: its lists lose what they had.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use evenkeel::face::Face;
use evenkeel::fleet::{Observer, Speaks};
use evenkeel::intake::Inbox;
use evenkeel_core::policy::Matcher;
use evenkeel_core::{Secret, SourceId, SourceKind};
use evenkeel_lab::inventory::ObjectRef;
use evenkeel_sources::push::{Config, PushSource};
use evenkeel_web::{Access, AppState, HostPolicy};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::plan;
use crate::conformance::{Fault, Rig};
use crate::stage::{Beside, Lab, Plan, Stage, Wired};

const TOKEN: &str = "a-token-of-the-tests";
const HOSTS: [&str; 2] = ["desk", "attic"];
const SERVICES: [(&str, u16); 6] = [
    ("tts", 5002),
    ("whisper", 9000),
    ("ollama", 11434),
    ("comfy", 8188),
    ("jupyter", 8888),
    ("mlflow", 5000),
];
/// After this an observation counts no more.
const MAX_AGE: Duration = Duration::from_secs(3);
/// Between two sendings.
const ROUND: Duration = Duration::from_millis(150);

/// What the sender does at this moment.
#[derive(Clone, Copy, Debug, Default)]
struct Mood {
    fault: Option<Fault>,
    /// `tts` on the desk does not run.
    stopped: bool,
}

pub(in crate::conformance) struct Push {
    stage: Stage,
    mood: Arc<Mutex<Mood>>,
    face: Arc<Face>,
    tasks: Vec<JoinHandle<()>>,
}

impl Drop for Push {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

pub(in crate::conformance) async fn rig() -> Push {
    let lab = Lab::small(&[("box", &[("web", 80)])]).await;
    let netbox = lab.netbox.netbox();
    for host in HOSTS {
        let id = netbox.add_device(host, |_| {});
        for (service, port) in SERVICES {
            netbox.add_service(ObjectRef::device(id), service, &[u32::from(port)], |_| {});
        }
    }
    let plan = Plan { beside: vec![beside(&HOSTS, MAX_AGE)], ..plan() };
    let stage = Stage::start(lab, plan).await;
    let (face, mood) = (Arc::new(Face::new().unwrap()), Arc::new(Mutex::new(Mood::default())));
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let state = AppState {
        store: stage.store().clone(),
        live: face.clone(),
        allowed_hosts: HostPolicy::bound_to(address.ip(), [""; 0]),
        access: Arc::new(Access::local()),
    };
    let serving = evenkeel_web::serve(listener, evenkeel_web::router(state), std::future::pending());
    let door = tokio::spawn(async move { serving.await.unwrap() });
    let sender = tokio::spawn(send_on(address, mood.clone()));
    Push { stage, mood, face, tasks: vec![door, sender] }
}

/// An inbox.
fn beside(hosts: &'static [&'static str], max_age: Duration) -> Beside {
    Beside::new(move || {
        let id = SourceId::new(SourceKind::Push, "scripts");
        let hosts = hosts.iter().map(|host| Matcher::glob(host)).collect();
        let source = Arc::new(PushSource::new(Config { max_age, ..Config::new(id, hosts) }));
        let observer = Observer {
            source: source.clone(),
            speaks: Speaks::Machines(Vec::new()),
            interval: Some(Duration::from_millis(200)),
        };
        let inbox = Inbox { source, token: Secret::new(TOKEN) };
        Wired { observers: vec![observer], intakes: vec![Arc::new(inbox)], ..Wired::default() }
    })
}

async fn send_on(address: SocketAddr, mood: Arc<Mutex<Mood>>) {
    // What hangs must not end by being dropped.
    let mut hanging = Vec::new();
    loop {
        let now = *mood.lock().unwrap();
        if now.fault != Some(Fault::Hang) {
            hanging.clear();
        }
        // A door that is closed for a moment is knocked at again.
        if let Ok(Some(stream)) = send(address, now).await {
            hanging.push(stream);
        }
        tokio::time::sleep(ROUND).await;
    }
}

/// Sends once; gives back a connection that is to hang.
async fn send(address: SocketAddr, mood: Mood) -> std::io::Result<Option<TcpStream>> {
    if matches!(mood.fault, Some(Fault::Down | Fault::Controller)) {
        return Ok(None);
    }
    let body = body(mood);
    let token = if mood.fault == Some(Fault::Unauthorized) { "another-token-altogether" } else { TOKEN };
    let head = |length: usize| {
        format!(
            "POST /api/v1/observations HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\n\
             Content-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
        )
    };
    let half = &body[..body.len() / 2];
    let mut stream = TcpStream::connect(address).await?;
    match mood.fault {
        Some(Fault::Hang) => {
            stream.write_all(format!("{}{half}", head(body.len())).as_bytes()).await?;
            return Ok(Some(stream));
        }
        Some(Fault::Reset) => {
            stream.write_all(format!("{}{half}", head(body.len())).as_bytes()).await?;
            stream.set_zero_linger()?;
            return Ok(None);
        }
        Some(Fault::Truncated) => stream.write_all(format!("{}{half}", head(half.len())).as_bytes()).await?,
        Some(Fault::Slow) => {
            stream.write_all(format!("{}{half}", head(body.len())).as_bytes()).await?;
            tokio::time::sleep(Duration::from_millis(200)).await;
            stream.write_all(&body.as_bytes()[half.len()..]).await?;
        }
        _ => stream.write_all(format!("{}{body}", head(body.len())).as_bytes()).await?,
    }
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    if mood.fault == Some(Fault::Duplicate) {
        let mut again = TcpStream::connect(address).await?;
        again.write_all(format!("{}{body}", head(body.len())).as_bytes()).await?;
        again.read_to_end(&mut answer).await?;
    }
    Ok(None)
}

fn body(mood: Mood) -> String {
    if mood.fault == Some(Fault::Malformed) {
        return "<html>Sign in</html>".to_owned();
    }
    let ahead = if mood.fault == Some(Fault::ClockSkew) {
        SignedDuration::from_hours(2)
    } else {
        SignedDuration::ZERO
    };
    let observed_at = (Timestamp::now() + ahead).to_string();
    let of = |host: &str| {
        let name =
            if mood.fault == Some(Fault::Forbidden) { format!("{host}-of-others") } else { host.to_owned() };
        let snapshot = json!({"containers": rows(host, mood)});
        json!({"hostname": name, "source": "script", "observed_at": observed_at, "snapshot": snapshot})
    };
    Value::Array(HOSTS.map(of).to_vec()).to_string()
}

fn rows(host: &str, mood: Mood) -> Vec<Value> {
    let kept = match mood.fault {
        Some(Fault::Empty) => 0,
        Some(Fault::Shrunken) => 1,
        _ => SERVICES.len(),
    };
    let row = |(name, port): &(&str, u16)| {
        let state = match *name {
            "tts" if mood.stopped && host == "desk" => "exited",
            "whisper" if mood.fault == Some(Fault::UnknownWord) => "hibernating",
            _ => "running",
        };
        json!({"name": name, "state": state, "ports": [format!("{port}:{port}")]})
    };
    SERVICES.iter().take(kept).map(row).collect()
}

impl Rig for Push {
    fn stage(&self) -> &Stage {
        &self.stage
    }

    fn stage_mut(&mut self) -> &mut Stage {
        &mut self.stage
    }

    fn truths(&self) -> &'static [&'static str] {
        &["SERVICE_MISSING tts@desk"]
    }

    async fn differ(&self) {
        self.mood.lock().unwrap().stopped = true;
    }

    async fn repair(&self) {
        self.mood.lock().unwrap().stopped = false;
    }

    async fn begin(&self, fault: Fault) {
        self.mood.lock().unwrap().fault = Some(fault);
        if fault == Fault::Restart {
            // It is away for less than its observations count.
            self.mood.lock().unwrap().fault = Some(Fault::Down);
            tokio::time::sleep(MAX_AGE / 3).await;
            self.mood.lock().unwrap().fault = None;
        }
    }

    async fn end(&self, _: Fault) {
        self.mood.lock().unwrap().fault = None;
    }

    async fn started(&self) {
        self.face.show(self.stage.hub().clone());
    }

    /// An inbox is not asked: whether it was looked into shows in nothing but time.
    async fn looks(&self, times: usize) {
        self.stage.looks_but(times, &["push/scripts"]).await;
        let aged = u32::try_from(times).unwrap() * MAX_AGE / 2;
        tokio::time::sleep(aged).await;
        self.stage.idle().await;
    }
}
