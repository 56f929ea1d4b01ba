//! The unit for systemd: systemd itself has nothing to say against it, and finds little that it leaves open.

use std::fs;
use std::path::Path;
use std::process::Command;

use evenkeel_tests::{repo, tool};

/// How much systemd may find open, in tenths of its scale from 0 (nothing) to 10.
const MOST_EXPOSED: u32 = 15;

fn analyze() -> Option<std::path::PathBuf> {
    tool("EVENKEEL_TEST_SYSTEMD_ANALYZE", "systemd-analyze")
}

/// The unit in a folder of its own; the binary it starts is there on every machine.
fn unit(folder: &Path) -> std::path::PathBuf {
    let text = repo::read("packaging/systemd/evenkeel.service");
    assert!(text.contains("\nExecStart=/usr/local/bin/evenkeel "));
    let unit = folder.join("evenkeel.service");
    fs::write(&unit, text.replace("=/usr/local/bin/evenkeel ", "=/bin/true ")).unwrap();
    unit
}

#[test]
fn systemd_understands_every_line_of_the_unit() {
    let Some(analyze) = analyze() else { return };
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(analyze).arg("verify").arg(unit(folder.path())).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    // A line that it does not know is a warning, and the unit would start without it.
    assert!(output.status.success() && !said.contains("evenkeel.service"), "{said}");
}

#[test]
fn systemd_finds_little_that_the_unit_leaves_open() {
    let Some(analyze) = analyze() else { return };
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(analyze)
        .args(["security", "--offline=true", "--no-pager", &format!("--threshold={MOST_EXPOSED}")])
        .arg(unit(folder.path()))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("Overall exposure level"), "{said}");
}
