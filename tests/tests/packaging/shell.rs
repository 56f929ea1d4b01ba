//! Manual pages and completions: each is taken by what will read it, and knows every command.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use evenkeel_tests::{program, tool};

/// The commands that the program names in its help.
fn commands() -> Vec<String> {
    let help = said(&evenkeel(&["--help"]));
    let listed = help.split("Commands:").nth(1).unwrap().split("Options:").next().unwrap();
    let names = listed.lines().filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    let names = names.filter_map(|line| line.split_whitespace().next()).filter(|name| *name != "help");
    let names: Vec<String> = names.map(str::to_owned).collect();
    assert!(names.len() > 15 && names.contains(&"init".to_owned()), "{names:?}");
    names
}

fn evenkeel(args: &[&str]) -> Output {
    let output = Command::new(program::path()).args(args).env_remove("EVENKEEL_CONFIG").output().unwrap();
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    output
}

fn said(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// A program's complaints; nothing, if it has none.
fn complaints(program: &Path, args: &[&str], file: &Path) -> String {
    let output = Command::new(program).args(args).arg(file).env("LC_ALL", "C.UTF-8").output().unwrap();
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.success() || !words.is_empty() { words } else { output.status.to_string() }
}

#[test]
fn every_command_has_a_manual_page_that_is_well_formed() {
    let folder = tempfile::tempdir().unwrap();
    evenkeel(&["man", folder.path().to_str().unwrap()]);
    let pages = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path());
    let pages: BTreeSet<_> = pages.collect();
    for command in commands() {
        assert!(
            pages.contains(&folder.path().join(format!("evenkeel-{command}.1"))),
            "no page for {command}"
        );
    }
    assert!(pages.contains(&folder.path().join("evenkeel.1")));
    let Some(groff) = tool("EVENKEEL_TEST_GROFF", "groff") else { return };
    let check = ["-man", "-ww", "-z", "-Tutf8", "-k"];
    for page in &pages {
        assert_eq!(complaints(&groff, &check, page), "", "{}", page.display());
    }
    // What is wrong would be noticed.
    let broken = folder.path().join("broken.1");
    fs::write(&broken, ".TH broken 1\n.SH NAME\n.no_such_thing\n").unwrap();
    assert!(complaints(&groff, &check, &broken).contains("no_such_thing"));
}

#[test]
fn every_shell_that_is_there_takes_its_completions_and_they_know_every_command() {
    let folder = tempfile::tempdir().unwrap();
    for (shell, variable) in
        [("bash", "EVENKEEL_TEST_BASH"), ("zsh", "EVENKEEL_TEST_ZSH"), ("fish", "EVENKEEL_TEST_FISH")]
    {
        let script = said(&evenkeel(&["completions", shell]));
        for command in commands() {
            assert!(script.contains(&command), "{shell}: no {command}");
        }
        let Some(program) = tool(variable, shell) else { continue };
        let file = folder.path().join(shell);
        fs::write(&file, &script).unwrap();
        assert_eq!(complaints(&program, &["-n"], &file), "", "{shell}");
        let broken = folder.path().join("broken");
        fs::write(&broken, script + "\nif true\n(").unwrap();
        assert_ne!(complaints(&program, &["-n"], &broken), "", "{shell} takes anything");
    }
}

#[test]
fn bash_completes_commands_and_options() {
    let Some(bash) = tool("EVENKEEL_TEST_BASH", "bash") else { return };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("evenkeel.bash");
    fs::write(&file, said(&evenkeel(&["completions", "bash"]))).unwrap();
    let complete = |words: &str| {
        let script = format!(
            ". {}; COMP_WORDS=({words}); COMP_CWORD=$(( ${{#COMP_WORDS[@]}} - 1 )); \
             _evenkeel evenkeel \"${{COMP_WORDS[-1]}}\" \"${{COMP_WORDS[-2]}}\"; echo \"${{COMPREPLY[@]}}\"",
            file.display()
        );
        let output = Command::new(&bash).args(["--norc", "-c", &script]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        said(&output).trim().to_owned()
    };
    assert_eq!(complete("evenkeel ini"), "init");
    assert_eq!(complete("evenkeel init --token"), "--token-file");
}
