//! `evenkeel demo` as a user runs it: every incident leads to the events it must lead to, and to no other.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a panic in a test is the failed assertion itself")]

use evenkeel_tests::program;
use tokio::process::Command;

#[tokio::test(flavor = "multi_thread")]
async fn every_incident_of_the_demo_raises_its_own_events_and_nothing_else() {
    let output =
        Command::new(program::path()).args(["demo", "--listen", "127.0.0.1:0"]).output().await.unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}\n{errors}");
    assert!(said.contains("19 hosts and 59 services declared; 0 differences."), "{said}");
    assert!(said.contains("and no other came") && !said.contains('✗'), "{said}");
    assert!(said.contains("; 0 drifts open."), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_configuration_that_the_demo_saves_is_good_for_every_command() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("lab.toml");
    let (config, store) = (file.to_str().unwrap(), folder.path().join("lab.db"));
    let args = ["demo", "--stay", "--quiet", "--listen", "127.0.0.1:0", "--save-config", config, "--store"];
    let mut demo = Command::new(program::path())
        .args(args)
        .arg(&store)
        .kill_on_drop(true)
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    assert!(evenkeel_tests::stage::soon(|| async { file.exists() && store.exists() }).await);
    for (command, words) in [
        ("check", "2 proxmox clusters, 1 truenas, 1 probe, 1 sender"),
        ("diff", "Machines declared and running 100 % (9 of 9)"),
        ("doctor", "probe/main"),
        // These ask the demo itself, wherever it listens.
        ("silence list", ""),
        ("repairs list", ""),
    ] {
        let output = Command::new(program::path())
            .args(command.split(' '))
            .args(["-c", config])
            .output()
            .await
            .unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(0), "{command}: {said}");
        assert!(said.contains(words), "{command}: {said}");
    }
    demo.kill().await.unwrap();
}
