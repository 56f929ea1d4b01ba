//! Secrets planted wherever the binary meets some, and looked for wherever it writes anything: none leaves.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a panic in a test is the failed assertion itself")]

use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use evenkeel_lab::docker::Container;
use evenkeel_lab::fault::Fault;
use evenkeel_lab::ntfy::Ntfy;
use evenkeel_lab::proxmox::{Cluster, Guest, ProxmoxLab, PveVersion};
use evenkeel_lab::receiver::{Mode, Receiver};
use evenkeel_lab::truenas::{App, TruenasLab, TruenasVersion};
use evenkeel_sources::http::Fingerprint;
use evenkeel_tests::canary::Canaries;
use evenkeel_tests::program::{Home, PASSWORD, Program, passwd};
use evenkeel_tests::stage::plan::SIGNING_SECRET;
use evenkeel_tests::stage::{Lab, soon};
use evenkeel_tests::workshop::Workshop;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::Sha512;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What is planted as it stands: its name, and its text.
const PLANTED: [(&str, &str); 23] = [
    ("a container's environment", ENVIRONMENT),
    ("a container's command line", ARGUMENT),
    ("a container's label", LABEL),
    ("a custom field", FIELD),
    ("the configuration context", CONTEXT),
    ("the address of a declared engine", ENGINE),
    ("a field of what was sent", SENT),
    ("the signing secret", "c3RhZ2Utc2lnbmluZy1zZWNyZXQtb2YtdGhlLXRlc3Rz"),
    ("a webhook's header", HEADER),
    ("a webhook's address", ADDRESS),
    ("the chat's address", CHAT),
    ("the token of ntfy", NTFY),
    ("the password of ntfy", PAGER),
    ("the token of NATS", NATS),
    ("what NetBox signs with", HOOK),
    ("the token of a sender", PUSH),
    ("a wrong token", WRONG),
    ("a wrong password", MISTYPED),
    ("a token in an address", QUERY),
    ("a wrong callback", CALLBACK),
    ("an approver's token", "workshop-approver-token"),
    ("a user's password", PASSWORD),
    ("the key of TrueNAS", "0123456789abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMN"),
];

const ENVIRONMENT: &str = "canary-of-the-environment-6f2a91";
const ARGUMENT: &str = "canary-of-the-command-line-77b0c4";
const LABEL: &str = "canary-of-a-label-19e3d5";
const FIELD: &str = "canary-of-a-custom-field-52f6b8";
const CONTEXT: &str = "canary-of-the-context-d2a4c1";
const ENGINE: &str = "canary-of-an-endpoint-8e1f30";
const SENT: &str = "canary-of-an-observation-31aa07";
const HEADER: &str = "canary-of-the-header-c0ffee12";
const ADDRESS: &str = "canary-of-the-address-0badcafe";
const CHAT: &str = "canary-of-the-chat-77aa1b2c";
const NTFY: &str = "tk_canaryofntfy5b7e9d1c";
const PAGER: &str = "canary-of-the-pager-44d0e2";
const NATS: &str = "canary-of-the-bus-90c1d2";
const HOOK: &str = "canary-of-the-hook-a1b2c3d4";
const PUSH: &str = "canary-of-the-sender-e5f60718";
const WRONG: &str = "evk_canaryofnobodycanaryofnobody";
const MISTYPED: &str = "canary of a mistyped password 3c";
const QUERY: &str = "canary-in-a-query-b7c8d9";
const CALLBACK: &str = "canary-of-a-callback-f0e1d2";

fn indiscreet(name: &str, port: u16) -> Container {
    Container::compose("box", name)
        .named(name)
        .publish(port, port)
        .env("DB_PASSWORD", ENVIRONMENT)
        .command(["serve", "--password", ARGUMENT])
        .label("org.example.basic-auth", LABEL)
}

/// Everything that is watched and told.
struct World {
    shop: Workshop,
    pve: ProxmoxLab,
    nas: TruenasLab,
    webhook: Receiver,
    chat: Receiver,
    phone: Ntfy,
    pager: Ntfy,
    bus: Bus,
    /// What the API is asked with.
    token: String,
    canaries: Canaries,
}

/// A NATS server that lets nobody in, and what it heard.
struct Bus {
    url: String,
    heard: Arc<Mutex<Vec<u8>>>,
}

impl Bus {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (url, heard) =
            (format!("nats://{}", listener.local_addr().unwrap()), Arc::<Mutex<Vec<u8>>>::default());
        let kept = heard.clone();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let info = "INFO {\"server_id\":\"LAB\",\"server_name\":\"lab\",\"version\":\"2.10.0\",\"proto\":1,\
                            \"host\":\"127.0.0.1\",\"port\":4222,\"headers\":true,\"auth_required\":true,\
                            \"max_payload\":1048576}\r\n";
                let mut said = vec![0; 4096];
                if stream.write_all(info.as_bytes()).await.is_ok()
                    && let Ok(length) = stream.read(&mut said).await
                {
                    kept.lock().unwrap().extend_from_slice(&said[..length]);
                    // Whoever is refused may be gone already.
                    let _ = stream.write_all(b"-ERR 'Authorization Violation'\r\n").await;
                }
            }
        });
        Self { url, heard }
    }

    fn heard(&self, text: &str) -> bool {
        String::from_utf8_lossy(&self.heard.lock().unwrap()).contains(text)
    }
}

async fn lab() -> Lab {
    let lab = Lab::small(&[("box", &[])]).await;
    for (name, port) in [("web", 80), ("db", 5432), ("cache", 6379)] {
        lab.declare("box", name, port);
        lab.engine("box").run(indiscreet(name, port));
    }
    let netbox = lab.netbox.netbox();
    for host in ["pve1", "nas"] {
        netbox.add_device(host, |_| {});
    }
    netbox.add_vm("docs", |_| {});
    netbox.edit_host("box", |host| {
        host.custom_fields.insert("root_password".to_owned(), FIELD.into());
        host.config_context.insert("snmp_community".to_owned(), CONTEXT.into());
    });
    // Somebody writes a password where an address stands.
    lab.declare_endpoint("docs", Some(&format!("tcp://admin:{ENGINE}@127.0.0.1:2375")));
    lab
}

impl World {
    async fn make() -> Self {
        let cluster = Cluster::new("home", PveVersion::V9, &["pve1"]).with(Guest::vm(100, "pve1", "docs"));
        let basic = format!("Basic {}", STANDARD.encode(format!("pager:{PAGER}")));
        let nas = TruenasLab::start(TruenasVersion::V25_10).await.unwrap();
        nas.edit(|state| {
            state.hostname = "nas".to_owned();
            state.apps.insert("plex".to_owned(), App::new("lab/app:1.0", &[32400]));
        });
        let mut world = Self {
            pve: ProxmoxLab::start(cluster).await.unwrap(),
            nas,
            webhook: Receiver::start(SIGNING_SECRET).await.unwrap(),
            chat: Receiver::start_unsigned().await.unwrap(),
            phone: Ntfy::start_closed(&format!("Bearer {NTFY}")).await.unwrap(),
            pager: Ntfy::start_closed(&basic).await.unwrap(),
            bus: Bus::start().await,
            // Last: it looks for a port that nobody has.
            shop: Workshop::around(lab().await, "approve", "").await,
            token: String::new(),
            canaries: Canaries::default(),
        };
        world.chat.set_mode(Mode::status(200));
        world.write().await;
        world
    }

    /// A configuration full of secrets, and the canaries that are only known now.
    async fn write(&mut self) {
        let netbox = &self.shop.lab.netbox;
        let (token_id, token) = (self.pve.token_id(), self.pve.token().split_once('=').unwrap().1.to_owned());
        let (login, password) = self.pve.login();
        let (user, realm) = login.split_once('@').unwrap();
        for (name, text) in PLANTED {
            self.canaries.plant(name, text);
        }
        for (name, text) in [
            ("NetBox's token v1", netbox.token_v1()),
            ("NetBox's token v2", netbox.token_v2()),
            ("the journal's token", netbox.writer_v2()),
            ("the token of Proxmox", token.as_str()),
            ("the password of Proxmox", password),
        ] {
            self.canaries.plant(name, text);
        }
        let output = self.shop.home.command(&["token", "program", "--role", "admin"]).await;
        let said = String::from_utf8(output.stderr).unwrap();
        self.token = said.lines().find(|line| line.starts_with("evk_")).unwrap().to_owned();
        self.canaries.plant("a program's token", &self.token);
        let own = [String::from_utf8(output.stdout).unwrap(), passwd("grace", "approver").await].concat();
        let hash = own.split('"').find(|text| text.starts_with("$argon2id")).unwrap();
        self.canaries.plant("the hash of a password", hash.rsplit('$').next().unwrap());

        let (pve, nas) = (self.pve.urls().remove(0), self.nas.url());
        let pin = Fingerprint::of(self.nas.certificate());
        let nas_user = self.nas.user();
        let (phone, pager, bus) = (self.phone.url(), self.pager.url(), &self.bus.url);
        let home = &mut self.shop.home;
        for (name, text) in [
            ("LAB_HOOK", HOOK),
            ("LAB_PVE_TOKEN", &token),
            ("LAB_PVE_PASSWORD", password),
            ("LAB_NAS_KEY", self.nas.key()),
            ("LAB_PUSH", PUSH),
            ("LAB_WEBHOOK", &format!("{}?key={ADDRESS}", self.webhook.url())),
            ("LAB_HEADER", HEADER),
            ("LAB_CHAT", &format!("{}?chat={CHAT}", self.chat.url())),
            ("LAB_NTFY", NTFY),
            ("LAB_PAGER", PAGER),
            ("LAB_NATS", NATS),
            ("LAB_JOURNAL", netbox.writer_v2()),
        ] {
            home.secrets.push((name.to_owned(), text.to_owned()));
        }
        home.edit(
            "probe_interval = \"100ms\"",
            "probe_interval = \"100ms\"\nread_config_context = true\nwebhook_secret = { env = \"LAB_HOOK\" }",
        );
        let more = format!(
            r#"
[[proxmox]]
name = "by-token"
endpoints = ["{pve}"]
token_id = "{token_id}"
token = {{ env = "LAB_PVE_TOKEN" }}
interval = "1s"

[[proxmox]]
name = "by-password"
endpoints = ["{pve}"]
user = "{user}"
realm = "{realm}"
password = {{ env = "LAB_PVE_PASSWORD" }}
interval = "1s"

[[truenas]]
name = "nas"
host = "nas"
url = "{nas}"
user = "{nas_user}"
api_key = {{ env = "LAB_NAS_KEY" }}
pin = "{pin}"
interval = "1s"

[[push]]
name = "scripts"
token = {{ env = "LAB_PUSH" }}
hosts = ["pve*"]

[[sink]]
name = "webhook"
url = {{ env = "LAB_WEBHOOK" }}
secrets = [{{ env = "LAB_SIGNING_SECRET" }}]
success = "accepted"
header = {{ name = "X-Token", value = {{ env = "LAB_HEADER" }} }}

[[sink]]
name = "chat"
kind = "chat"
url = {{ env = "LAB_CHAT" }}
format = "mattermost"

[[sink]]
name = "phone"
kind = "ntfy"
url = "{phone}"
topic = "drift"
token = {{ env = "LAB_NTFY" }}
group_wait = "1s"

[[sink]]
name = "pager"
kind = "ntfy"
url = "{pager}"
topic = "drift"
user = "pager"
password = {{ env = "LAB_PAGER" }}
group_wait = "1s"

[[sink]]
name = "bus"
kind = "nats"
servers = ["{bus}"]
token = {{ env = "LAB_NATS" }}

[[sink]]
name = "journal"
kind = "netbox_journal"
token = {{ env = "LAB_JOURNAL" }}

{own}
"#
        );
        home.write(&format!("{}{more}", home.read()));
    }

    /// From now on NetBox is read with this token.
    fn reads_netbox_with(&mut self, token: &str) {
        let secrets = &mut self.shop.home.secrets;
        secrets.retain(|(name, _)| name != "LAB_NETBOX_TOKEN");
        secrets.push(("LAB_NETBOX_TOKEN".to_owned(), token.to_owned()));
    }

    /// One request with these header lines: status, head, body.
    async fn ask(&self, program: &Program, what: &str, lines: &[&str], body: &str) -> (u16, String, String) {
        let address = program.address().await;
        let mut stream = TcpStream::connect(&address).await.unwrap();
        let lines: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
        let length = body.len();
        let request = format!(
            "{what} HTTP/1.1\r\nHost: {address}\r\n{lines}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer to {what}"));
        (head.split(' ').nth(1).unwrap().parse().unwrap(), head.to_owned(), body.to_owned())
    }

    /// The same as a program that shows its token.
    async fn read(&self, program: &Program, path: &str) -> String {
        let own = format!("Authorization: Bearer {}", self.token);
        let (status, head, body) = self
            .ask(program, &format!("GET {path}"), &[&own, "Accept: text/html, application/json"], "")
            .await;
        assert!(status < 400, "{path}: {status} {body}");
        head + &body
    }

    async fn json(&self, program: &Program, path: &str) -> Value {
        let own = format!("Authorization: Bearer {}", self.token);
        let (_, _, body) = self.ask(program, &format!("GET {path}"), &[&own], "").await;
        serde_json::from_str(&body).unwrap_or_else(|error| panic!("{path}: {error}: {body}"))
    }

    /// The sources that are blind.
    async fn blind(&self, program: &Program) -> Vec<String> {
        let sources = self.json(program, "/api/v1/sources").await;
        let Some(rows) = sources["items"].as_array() else { return vec![sources.to_string()] };
        let rows = rows.iter().filter(|row| row["up"] == false);
        rows.map(|row| row["source"].as_str().unwrap().to_owned()).collect()
    }
}

fn signed(body: &str) -> String {
    let mac = Hmac::<Sha512>::new_from_slice(HOOK.as_bytes()).unwrap().chain_update(body);
    mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Whatever was written, by where it stands.
#[derive(Default)]
struct Places(Vec<(String, Vec<u8>)>);

impl Places {
    fn put(&mut self, place: impl Into<String>, bytes: impl Into<Vec<u8>>) {
        self.0.push((place.into(), bytes.into()));
    }

    /// Every file of the binary's own, byte by byte, whatever table or log it belongs to.
    fn put_files(&mut self, home: &Home, when: &str) {
        for entry in std::fs::read_dir(home.folder()).unwrap() {
            let path = entry.unwrap().path();
            // The configuration is the operator's; it holds the hash of a password.
            if path.is_file() && path != home.config() {
                self.put(format!("{} {when}", path.display()), std::fs::read(&path).unwrap());
            }
        }
    }

    fn has(&self, end: &str, text: &str) -> bool {
        let contains = |bytes: &[u8]| bytes.windows(text.len()).any(|window| window == text.as_bytes());
        self.0.iter().any(|(place, bytes)| place.contains(end) && contains(bytes))
    }
}

/// Persons and programs come to the door, with what is right and with what is not. The session of one who got in.
async fn visited(world: &World, program: &Program, places: &mut Places) -> String {
    let own = format!("Origin: http://{}", program.address().await);
    let form = ["Content-Type: application/x-www-form-urlencoded", own.as_str(), "Accept: text/html"];
    let body = format!("name=grace&password={}", MISTYPED.replace(' ', "+"));
    let (status, head, page) = world.ask(program, "POST /login", &form, &body).await;
    assert!(status == 401 || status == 422, "{status}");
    places.put("the answer to a wrong password", head + &page);
    let body = format!("name=grace&password={}&next=%2Factions", PASSWORD.replace(' ', "+"));
    let (status, head, page) = world.ask(program, "POST /login", &form, &body).await;
    assert_eq!(status, 303, "{page}");
    let cookie = head.split("set-cookie: ").nth(1).unwrap().split(';').next().unwrap().to_owned();
    let shown = format!("Cookie: {cookie}");
    let (status, head, page) = world.ask(program, "GET /actions", &[&shown, "Accept: text/html"], "").await;
    assert_eq!(status, 200);
    places.put("a page for somebody who is logged in", head + &page);

    let wrong = format!("Authorization: Bearer {WRONG}");
    let json = "Content-Type: application/json";
    for (what, lines, body, expected) in [
        ("GET /api/v1/hosts", vec![wrong.as_str()], "", 401),
        ("POST /api/v1/observations", vec![wrong.as_str(), json], "{}", 401),
        (&format!("GET /api/v1/hosts?token={QUERY}"), vec![], "", 401),
        (&format!("POST /api/v1/callbacks/{CALLBACK}"), vec![json], "{\"result\":\"succeeded\"}", 404),
        ("POST /webhooks/netbox", vec![&format!("X-Hook-Signature: {}", "0".repeat(128)), json], "{}", 401),
    ] {
        let (status, head, answer) = world.ask(program, what, &lines, body).await;
        assert_eq!(status, expected, "{what}: {answer}");
        places
            .put(format!("the answer to {what}").replace(QUERY, "…").replace(CALLBACK, "…"), head + &answer);
    }
    let notice = r#"{"event":"updated","object_type":"dcim.device"}"#;
    let signature = format!("X-Hook-Signature: {}", signed(notice));
    assert_eq!(world.ask(program, "POST /webhooks/netbox", &[&signature, json], notice).await.0, 202);
    let seen = format!(
        r#"{{"hostname":"pve1","source":"script","observed_at":"{}","password":"{SENT}","snapshot":{{"containers":[],"token":"{SENT}"}}}}"#,
        jiff::Timestamp::now()
    );
    let sender = format!("Authorization: Bearer {PUSH}");
    let (status, _, answer) = world.ask(program, "POST /api/v1/observations", &[&sender, json], &seen).await;
    assert_eq!(status, 202, "{answer}");
    let broken = format!("{{\"password\": \"{SENT}");
    let (_, head, answer) = world.ask(program, "POST /api/v1/observations", &[&sender, json], &broken).await;
    places.put("the answer to a broken observation", head + &answer);
    cookie.split_once('=').unwrap().1.to_owned()
}

/// Every system it talks to fails in every way, and is well again.
async fn everything_fails(world: &World, program: &Program) {
    for fault in [Fault::Status(403), Fault::Malformed, Fault::Reset] {
        let all = [
            world.shop.lab.netbox.faults(),
            world.shop.lab.engine("box").faults(),
            world.pve.faults(),
            world.nas.faults(),
        ];
        all.iter().for_each(|faults| faults.set("", fault.clone()));
        let blind = || async { world.blind(program).await.len() >= 4 };
        assert!(soon(blind).await, "{fault:?}: {:?}", world.blind(program).await);
        all.iter().for_each(|faults| faults.clear_all());
        seeing(world, program).await;
    }
}

/// Waits until every source sees; only the engine whose address holds a password cannot.
async fn seeing(world: &World, program: &Program) {
    let sees = || async { world.blind(program).await.iter().all(|source| source.contains("docs")) };
    assert!(soon(sees).await, "{:?} in {}", world.blind(program).await, program.log().len());
}

/// A drift is proposed, approved, repaired and told; the token that the receiver answered with.
async fn repaired(world: &World, program: &Program) -> String {
    let engine = world.shop.lab.engine("box");
    engine.stop("db").unwrap();
    engine.run(indiscreet("guest", 7000));
    engine.crash_loop("cache", 6).unwrap();
    let proposal = async || {
        let rows = world.json(program, "/api/v1/proposals").await;
        rows["items"][0]["handle"].as_str().map(str::to_owned)
    };
    assert!(soon(|| async { proposal().await.is_some() }).await);
    world.shop.repairs(&["approve", &proposal().await.unwrap(), "--reason", "tried"]).await;
    let done = || async {
        world.shop.n8n.executions().iter().any(|run| run.callbacks.iter().any(|c| c.answer == Ok(200)))
    };
    assert!(soon(done).await, "{:#?}", world.shop.n8n.executions());
    let run = world.shop.n8n.executions().remove(0);
    let url = run.request["callback"]["url"].as_str().unwrap().to_owned();
    url.rsplit('/').next().unwrap().to_owned()
}

const COMMANDS: [&[&str]; 14] = [
    &["diff", "--output", "json"],
    &["diff"],
    &["doctor", "-vv"],
    &["check"],
    &["check", "-vv"],
    &["events"],
    &["events", "--output", "json"],
    &["journal", "-n", "500"],
    &["journal", "--output", "jsonl"],
    &["export"],
    &["repairs", "list"],
    &["repairs", "rehearse"],
    &["sink", "list"],
    &["sink", "test", "bus"],
];

const PATHS: [&str; 30] = [
    "/",
    "/hosts",
    "/hosts/box",
    "/hosts/docs",
    "/hosts/nas",
    "/map",
    "/kiosk",
    "/events",
    "/sources",
    "/deliveries",
    "/actions",
    "/rules",
    "/journal",
    "/about",
    "/api",
    "/login",
    "/healthz",
    "/readyz",
    "/metrics",
    "/api/v1/hosts",
    "/api/v1/hosts/box",
    "/api/v1/drifts",
    "/api/v1/events",
    "/api/v1/events/export",
    "/api/v1/sources",
    "/api/v1/deliveries",
    "/api/v1/journal",
    "/api/v1/proposals",
    "/api/v1/rules",
    "/api/v1/openapi.json",
];

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_in_a_log_the_database_an_answer_or_a_webhook() {
    let mut world = World::make().await;
    world.reads_netbox_with(world.shop.lab.netbox.token_v2());
    let mut places = Places::default();
    let program = world.shop.home.start_with(&[("RUST_LOG", "trace")]).await;
    program.until_logged("listen=").await;
    seeing(&world, &program).await;

    let callback = repaired(&world, &program).await;
    let session = visited(&world, &program, &mut places).await;
    world.canaries.plant("the callback of a request", &callback);
    world.canaries.plant("a session", &session);
    let world = world;
    everything_fails(&world, &program).await;
    world.webhook.set_mode(Mode::Failing);
    world.shop.lab.engine("box").stop("web").unwrap();
    program.until_logged("not delivered yet").await;

    // What was planted was met: each system let nobody in who did not show it.
    assert!(
        soon(|| async {
            !world.phone.messages("drift").is_empty() && !world.pager.messages("drift").is_empty()
        })
        .await
    );
    assert!(soon(|| async { !world.chat.arrived().is_empty() && world.bus.heard(NATS) }).await);
    assert!(soon(|| async { !world.shop.lab.netbox.netbox().journal().is_empty() }).await);
    let sent = world.webhook.arrived();
    assert!(sent.iter().all(|arrived| arrived.headers.get("x-token").is_some_and(|v| v == HEADER)));
    assert!(sent.iter().any(|arrived| arrived.verified) && world.pve.logins() > 0 && world.nas.logins() > 0);
    let engine = world.shop.lab.engine("box");
    assert!(
        engine.requests("/containers/") > engine.requests("/containers/json"),
        "what is inspected has it all"
    );
    assert!(world.shop.lab.netbox.take_log().iter().any(|line| line.contains("config_context")));

    for path in PATHS {
        places.put(path, world.read(&program, path).await);
    }
    for drift in world.json(&program, "/api/v1/drifts").await["items"].as_array().unwrap() {
        let handle = drift["handle"].as_str().unwrap();
        for path in [format!("/drifts/{handle}"), format!("/api/v1/drifts/{handle}")] {
            places.put(path.clone(), world.read(&program, &path).await);
        }
        let output = world.shop.home.command(&["explain", handle]).await;
        places.put("explain", [output.stdout, output.stderr].concat());
    }
    places.put_files(&world.shop.home, "while it runs");
    places.put("the log", program.stop().await);
    told(&world, &mut places);
    commands(world, &mut places).await;
}

/// What was told to others.
fn told(world: &World, places: &mut Places) {
    for arrived in world.webhook.arrived().iter().chain(&world.chat.arrived()) {
        places.put("a webhook", arrived.body.to_vec());
    }
    for message in world.phone.messages("drift").iter().chain(&world.pager.messages("drift")) {
        places.put("a message", message.to_string());
    }
    for entry in world.shop.lab.netbox.netbox().journal() {
        places.put("NetBox's journal", format!("{entry:?}"));
    }
    for run in world.shop.n8n.executions() {
        let mut request = run.request.clone();
        // Where it answers is said to the receiver, and to nobody else.
        request["callback"] = Value::Null;
        places.put("a request for a repair", request.to_string());
    }
}

/// Every command at its loudest, with the other of NetBox's tokens; then all that was written is searched.
async fn commands(mut world: World, places: &mut Places) {
    world.reads_netbox_with(world.shop.lab.netbox.token_v1());
    for loud in [false, true] {
        if loud {
            world.shop.home.secrets.push(("RUST_LOG".to_owned(), "trace".to_owned()));
        }
        for args in COMMANDS {
            let output = world.shop.home.command(args).await;
            assert!(output.status.code().is_some_and(|code| code < 100), "{args:?}: {:?}", output.status);
            places.put(format!("{args:?}, loud: {loud}"), [output.stdout, output.stderr].concat());
        }
    }
    places.put_files(&world.shop.home, "at the end");
    assert!(
        places.has(".db", "SERVICE_MISSING") && places.has("the log", "TRACE"),
        "everything was looked at"
    );
    assert!(places.has("[\"diff\"", "box"), "NetBox let the other token in");
    let mut found = Vec::new();
    for (place, bytes) in &places.0 {
        found.extend(
            world.canaries.found_in(bytes).into_iter().take(3).map(|what| format!("{place}: {what}")),
        );
    }
    assert!(found.is_empty(), "of {} canaries:\n{}", world.canaries.len(), found.join("\n\n"));
}

/// Wherever a secret may stand in the configuration, somebody writes it there as it is, in whatever form.
#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_is_written_into_the_configuration_is_refused_without_being_repeated() {
    let world = World::make().await;
    let home = &world.shop.home;
    let sound = home.read();
    let canary = "canary-of-the-file-5d6e7f";
    let mut canaries = Canaries::default();
    canaries.plant("what is written into the file", canary);
    let places: Vec<&str> = sound
        .split('{')
        .filter_map(|rest| rest.split_once('}'))
        .map(|(inside, _)| inside)
        .filter(|inside| inside.trim_start().starts_with("env = "))
        .collect();
    assert!(places.len() > 12, "{places:?}");
    for place in places {
        for wrong in [
            format!("\"{canary}\""),
            format!("[\"{canary}\"]"),
            format!("'''{canary}'''"),
            format!("{{ env = \"{canary}\" }}"),
            format!("{{ env = [\"{canary}\"] }}"),
            format!("{{ value = \"{canary}\" }}"),
            format!("\"{canary}"),
            canary.to_owned(),
        ] {
            home.write(&sound.replace(&format!("{{{place}}}"), &wrong));
            let output = home.command(&["check", "-vv"]).await;
            assert_eq!(output.status.code(), Some(2), "{wrong} for {place}");
            let said = [output.stdout, output.stderr].concat();
            let found = canaries.found_in(&said);
            assert!(found.is_empty(), "{wrong} for {place}: {}", found.join("\n"));
        }
    }
    let userinfo = |text: &str| text.replace("http://127.0.0.1", &format!("http://admin:{canary}@127.0.0.1"));
    let database =
        sound.replace("path = \"evenkeel.db\"", &format!("url = \"postgres://u:{canary}@127.0.0.1/x\""));
    for text in [userinfo(&sound), database.replace("synchronous = \"normal\"", "")] {
        home.write(&text);
        let output = home.command(&["check", "-vv"]).await;
        assert_eq!(output.status.code(), Some(2));
        assert!(canaries.found_in(&[output.stdout, output.stderr].concat()).is_empty());
    }
}
