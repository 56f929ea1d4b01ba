//! `evenkeel init` as somebody runs it who has a NetBox and nothing else: through options, on a terminal, and with every
//! mistake that leaves nothing behind.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a panic in a test is the failed assertion itself"
)]

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Output, Stdio};
use std::time::Duration;

use evenkeel_lab::inventory::{Inventory, ObjectRef};
use evenkeel_lab::netbox::{NetboxLab, NetboxVersion};
use evenkeel_tests::stage::Lab;
use evenkeel_tests::{program, repo, skip};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Command;

/// How long a command or an answer may take.
const PATIENCE: Duration = Duration::from_secs(20);
/// What holds NetBox's token.
const TOKEN: &str = "EVENKEEL_NETBOX_TOKEN";

/// An empty folder.
struct Desk(TempDir);

impl Desk {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.file(name)).unwrap()
    }

    fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.0.path()).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort_unstable();
        names
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(program::path());
        command.args(args).current_dir(self.0.path()).stdin(Stdio::null()).kill_on_drop(true);
        command.env_remove(TOKEN).env_remove("EVENKEEL_CONFIG");
        command
    }

    async fn run(&self, args: &[&str], token: Option<&str>) -> (i32, String) {
        let mut command = self.command(args);
        command.envs(token.map(|token| (TOKEN, token)));
        let output = tokio::time::timeout(PATIENCE, command.output()).await.expect("it ends").unwrap();
        (output.status.code().unwrap(), text(&output))
    }
}

/// Everything it wrote, in one line: where lines end is the terminal's business.
fn text(output: &Output) -> String {
    let both = [output.stdout.as_slice(), &output.stderr].concat();
    String::from_utf8_lossy(&both).split_whitespace().collect::<Vec<_>>().join(" ")
}

fn has(text: &str, words: &[&str]) {
    for word in words {
        assert!(text.contains(word), "no {word:?} in {text}");
    }
}

async fn reference(version: NetboxVersion) -> NetboxLab {
    NetboxLab::start(Inventory::reference(), version).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn from_an_address_and_a_token_to_a_configuration_that_every_command_takes() {
    for version in NetboxVersion::ALL {
        let media = Lab::reference(&["box2-media"]).await;
        let (netbox, desk) = (reference(version).await, Desk::new());
        let engine = format!("box2-media={}", media.engine("box2-media").url());
        let args = ["init", "--netbox", &netbox.url(), "--docker", &engine, "--no-look", "--no-probe"];
        let (code, said) = desk.run(&args, Some(netbox.token_v1())).await;
        assert_eq!(code, 0, "{version:?}: {said}");
        has(
            &said,
            &[
                "59 services, 14 virtual machines",
                "Docker engines 9",
                "as you say",
                "Proxmox VE 2 · box2-cluster https://192.168.2.11:8006 needs a token",
                "TrueNAS 1 · TrueNAS https://192.168.2.183 needs a key",
                "Services that only a probe sees 7",
                "pveum user token add",
                "docker/box2-media ok engine",
                "all well.",
                "Next evenkeel diff",
            ],
        );
        assert!(!said.contains(netbox.token_v1()));
        let config = desk.read("evenkeel.toml");
        assert!(!config.contains(netbox.token_v1()), "the token is beside the configuration, not in it");
        assert_eq!(desk.read("evenkeel.netbox.secret").trim(), netbox.token_v1());
        let mode = desk.file("evenkeel.netbox.secret").metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let (code, said) = desk.run(&["check"], None).await;
        assert_eq!(code, 0, "{said}");
        has(&said, &["is fine", "1 docker engine"]);
        let (code, said) = desk.run(&["doctor"], None).await;
        assert_eq!(code, 0, "{said}");
        media.engine("box2-media").stop("jellyfin").unwrap();
        let (code, said) = desk.run(&["diff", "box2-media", "-o", "jsonl"], None).await;
        assert_eq!(code, 1, "{said}");
        has(&said, &["SERVICE_MISSING", "jellyfin"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_token_a_right_that_is_missing_and_a_wrong_address_leave_nothing_behind() {
    let desk = Desk::new();
    for version in NetboxVersion::ALL {
        let netbox = reference(version).await;
        let args = ["init", "--netbox", &netbox.url(), "--no-look"];
        let (code, said) = desk.run(&args, Some(&"f".repeat(40))).await;
        assert_eq!(code, 2, "{said}");
        has(&said, &["unauthorized", "netbox.token", "nothing was written"]);
        assert!(!said.contains(&"f".repeat(40)), "{said}");
        netbox.netbox().deny("ipam.service");
        let (code, said) = desk.run(&args, Some(netbox.token_v1())).await;
        assert_eq!(code, 2, "{said}");
        has(&said, &["permission ipam.view_service", "nothing was written"]);
    }
    let (code, said) = desk.run(&["init", "--netbox", "http://127.0.0.1:1"], Some("abc")).await;
    assert_eq!(code, 2, "{said}");
    has(&said, &["connection refused", "nothing was written"]);
    assert_eq!(desk.names(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_may_not_see_clusters_gets_the_same_configuration_and_is_told() {
    let (netbox, desk) = (reference(NetboxVersion::V4_5).await, Desk::new());
    let config = |name: &'static str| {
        let (url, desk, netbox) = (netbox.url(), &desk, &netbox);
        async move {
            let args = ["init", "--netbox", &url, "--no-look", "--output", name];
            let (code, said) = desk.run(&args, Some(netbox.token_v1())).await;
            assert_eq!(code, 0, "{said}");
            (said, desk.read(name))
        }
    };
    let (said, with) = config("with.toml").await;
    assert!(!said.contains("guessed"), "{said}");
    netbox.netbox().deny("virtualization.cluster");
    let (said, without) = config("without.toml").await;
    has(&said, &["virtualization.view_cluster", "guessed"]);
    let settings = |text: &str, stem: &str| -> Vec<String> {
        let lines = text.lines().filter(|line| !line.starts_with("# ")).map(|line| line.replace(stem, ""));
        lines.collect()
    };
    assert_eq!(settings(&with, "with."), settings(&without, "without."));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_terminal_everything_that_is_missing_is_named_at_once_and_nobody_is_asked() {
    let (netbox, desk) = (reference(NetboxVersion::V4_5).await, Desk::new());
    let (code, said) = desk.run(&["init"], None).await;
    assert_eq!(code, 2, "{said}");
    has(&said, &["--netbox URL", "--token-file FILE", TOKEN]);
    let (code, said) = desk.run(&["init", "--netbox", &netbox.url()], None).await;
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("--token-file FILE") && !said.contains("--netbox URL"), "{said}");
    let args = ["init", "--netbox", &netbox.url(), "--docker", "ghost=ssh://ghost", "--no-look"];
    let before = netbox.requests();
    assert_eq!(before, 0, "nothing is asked before everything is known");
    let (code, said) = desk.run(&args, Some(netbox.token_v1())).await;
    assert_eq!(code, 2, "{said}");
    has(&said, &["no machine called ghost", "nothing was written"]);
    assert_eq!(desk.names(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_there_is_not_touched_unless_somebody_says_so() {
    let (netbox, desk) = (reference(NetboxVersion::V4_5).await, Desk::new());
    let url = netbox.url();
    for there in ["evenkeel.toml", "evenkeel.netbox.secret", "evenkeel.socket-proxy.yaml"] {
        std::fs::write(desk.file(there), "mine").unwrap();
        let (code, said) = desk.run(&["init", "--netbox", &url], Some(netbox.token_v1())).await;
        assert_eq!(code, 2, "{said}");
        has(&said, &[there, "--force"]);
        assert_eq!((desk.read(there).as_str(), desk.names().len()), ("mine", 1));
        std::fs::remove_file(desk.file(there)).unwrap();
    }
    assert_eq!(netbox.requests(), 0, "that is said before anybody is asked");
    std::fs::write(desk.file("evenkeel.toml"), "mine").unwrap();
    let args = ["init", "--netbox", &url, "--no-look", "--force"];
    let (code, said) = desk.run(&args, Some(netbox.token_v1())).await;
    assert_eq!(code, 0, "{said}");
    assert!(desk.read("evenkeel.toml").contains(&format!("url = \"{url}")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_comes_from_a_file_that_stays_or_from_standard_input() {
    let (netbox, desk) = (reference(NetboxVersion::V4_5).await, Desk::new());
    let kept = desk.file("the token");
    std::fs::write(&kept, netbox.token_v1()).unwrap();
    let args = ["init", "--netbox", &netbox.url(), "--no-look", "--token-file", kept.to_str().unwrap()];
    let (code, said) = desk.run(&args, None).await;
    assert_eq!(code, 0, "{said}");
    assert!(desk.read("evenkeel.toml").contains(&format!("file = \"{}\"", kept.display())));
    assert!(!desk.names().contains(&"evenkeel.netbox.secret".to_owned()));

    let args =
        ["init", "--netbox", &netbox.url(), "--no-look", "--token-file", "-", "--output", "sub/e.toml"];
    std::fs::create_dir(desk.file("sub")).unwrap();
    let mut child = desk.command(&args).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(format!("{}\n", netbox.token_v1()).as_bytes()).await.unwrap();
    drop(input);
    let output = child.wait_with_output().await.unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    has(&text(&output), &["cat > sub/e.box2-cluster.secret", "evenkeel diff -c sub/e.toml"]);
    assert_eq!(desk.read("sub/e.netbox.secret").trim(), netbox.token_v1());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_that_answers_where_a_door_would_be_is_watched_at_once() {
    let media = Lab::reference(&["box2-media"]).await;
    let Ok(door) = TcpListener::bind("127.0.0.16:2375").await else {
        return skip("127.0.0.16:2375 is taken, or no address of this machine");
    };
    let engine = media.engine("box2-media").url();
    let to = engine.split("://").nth(1).unwrap().trim_end_matches('/').to_owned();
    tokio::spawn(async move {
        while let Ok((mut from, _)) = door.accept().await {
            let to = to.clone();
            tokio::spawn(async move {
                let mut to = TcpStream::connect(to).await.unwrap();
                tokio::io::copy_bidirectional(&mut from, &mut to).await
            });
        }
    });
    let netbox = NetboxLab::start(Inventory::default(), NetboxVersion::V4_5).await.unwrap();
    let edit = netbox.netbox();
    for (name, address) in [("box2-media", "127.0.0.16/8"), ("silent", "127.0.0.17/8")] {
        let vm = edit.add_vm(name, |_| {});
        let interface = edit.add_interface(&ObjectRef::vm(vm), "eth0");
        let ip = edit.add_ip(address, Some(interface), |_| {});
        assert!(edit.edit_vm(vm, |vm| vm.primary_ip4 = Some(ip)));
        edit.add_service(ObjectRef::vm(vm), "jellyfin", &[8096], |service| {
            service.custom_fields.insert("container_name".to_owned(), "jellyfin".into());
        });
    }
    let desk = Desk::new();
    let (code, said) = desk.run(&["init", "--netbox", &netbox.url()], Some(netbox.token_v1())).await;
    assert_eq!(code, 0, "{said}");
    has(
        &said,
        &[
            "✓ box2-media http://127.0.0.16:2375 lists",
            "· silent http://127.0.0.17:2375 does not answer yet",
            "docker/box2-media ok engine",
        ],
    );
    let (_, said) = desk.run(&["check"], None).await;
    has(&said, &["1 docker engine,"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_terminal_it_asks_for_what_no_option_says_and_shows_no_token() {
    let Some(script) = xtask::real::find("script") else {
        return skip("there is no `script` to make a terminal with (Debian package util-linux)");
    };
    let (netbox, desk) = (reference(NetboxVersion::V4_5).await, Desk::new());
    let command = format!("{} init --no-look", program::path().display());
    let mut child = Command::new(script)
        .args(["--quiet", "--return", "--command", &command, "/dev/null"])
        .current_dir(desk.0.path())
        .env_remove(TOKEN)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let (mut input, mut shown) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let mut all = String::new();
    for (question, answer) in [
        ("Where is NetBox?", netbox.url()),
        ("(not shown):", netbox.token_v1().to_owned()),
        ("these 7 machines", "n".to_owned()),
        ("Write the configuration?", String::new()),
    ] {
        until(&mut shown, &mut all, question).await;
        input.write_all(format!("{answer}\n").as_bytes()).await.unwrap();
    }
    until(&mut shown, &mut all, "evenkeel run").await;
    let ended = tokio::time::timeout(PATIENCE, child.wait()).await.expect("it ends").unwrap();
    assert_eq!(ended.code(), Some(0), "{all}");
    assert!(!all.contains(netbox.token_v1()), "{all}");
    assert!(desk.read("evenkeel.toml").contains("\n#[probe]\n"));
    assert_eq!(desk.read("evenkeel.netbox.secret").trim(), netbox.token_v1());
}

/// Reads until these words were shown.
async fn until(shown: &mut (impl AsyncReadExt + Unpin), all: &mut String, words: &str) {
    let begin = all.len();
    let mut piece = [0; 4096];
    while !all[begin..].contains(words) {
        let read = tokio::time::timeout(PATIENCE, shown.read(&mut piece)).await;
        match read.unwrap_or_else(|_| panic!("no {words:?} in {all}")).unwrap_or(0) {
            0 => panic!("no {words:?} in {all}"),
            n => all.push_str(&String::from_utf8_lossy(&piece[..n])),
        }
    }
}

#[test]
fn the_door_is_the_one_of_the_stack_for_homelabs_and_the_commands_are_those_of_the_book() {
    let door = repo::read("crates/controller/src/cli/init/socket-proxy.yaml");
    let stack = repo::read("compose/homelab.yaml");
    let told: Vec<&str> = door
        .lines()
        .map(str::trim)
        .filter(|line| line.starts_with("image:") || line.starts_with("- \"-") || line.starts_with("user:"))
        .filter(|line| !line.contains("allowfrom"))
        .collect();
    assert!(told.len() >= 8, "{told:?}");
    for line in told {
        assert!(stack.lines().any(|other| other.trim() == line), "compose/homelab.yaml lacks {line}");
    }
    let (code, page) =
        (repo::read("crates/controller/src/cli/init/recipes.rs"), repo::read("docs/how-to/proxmox.md"));
    let commands: Vec<String> = code
        .lines()
        .filter_map(|line| line.trim().strip_prefix("\"pveum"))
        .map(|line| format!("pveum{}", line.trim_end_matches("\",").replace("\\\"", "\"")))
        .collect();
    assert_eq!(commands.len(), 3);
    for command in commands {
        assert!(page.lines().any(|line| line == command), "docs/how-to/proxmox.md lacks {command}");
    }
}
