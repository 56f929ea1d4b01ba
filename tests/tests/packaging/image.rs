//! The container image: built with the versions of this repository, and its last stage proved on a real engine.

use std::process::Command;

use evenkeel_tests::{program, provided, repo, tool};

/// The instructions of the Dockerfile, each in one line.
fn instructions() -> Vec<String> {
    let text = repo::read("Dockerfile").replace("\\\n", " ");
    text.lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect()
}

/// What follows this word, of each instruction that begins with it.
fn all(word: &str) -> Vec<String> {
    let word = format!("{word} ");
    instructions().iter().filter_map(|line| line.strip_prefix(&word)).map(str::to_owned).collect()
}

#[test]
fn the_image_is_built_with_the_toolchain_and_the_version_of_this_repository() {
    let toolchain = repo::read("rust-toolchain.toml");
    let channel = toolchain.lines().find_map(|line| line.strip_prefix("channel = \"")).unwrap();
    let channel = channel.trim_end_matches('"');
    assert_eq!(all("FROM"), [format!("rust:{channel}-slim-bookworm AS build"), "scratch".to_owned()]);
    assert!(all("ENV").contains(&format!("RUSTUP_TOOLCHAIN={channel}")));
    let version = env!("CARGO_PKG_VERSION");
    assert!(all("ARG").contains(&format!("VERSION={version}")));
    assert!(repo::read("docker-bake.hcl").contains(&format!("\"VERSION\" {{ default = \"{version}\" }}")));
    let build = all("RUN").into_iter().find(|run| run.contains("cargo build")).unwrap();
    assert!(build.contains("--locked") && build.contains("packaging/rootfs.sh"), "{build}");
}

#[test]
fn the_image_runs_as_nobody_in_particular_and_asks_itself_whether_it_lives() {
    assert_eq!(all("USER"), ["65532:65532"]);
    assert_eq!(all("ENTRYPOINT"), ["[\"/usr/local/bin/evenkeel\"]"]);
    let check = all("HEALTHCHECK").pop().unwrap();
    assert!(check.ends_with("CMD [\"/usr/local/bin/evenkeel\", \"health\"]"), "{check}");
    let labels = all("LABEL").join(" ");
    for label in ["title", "description", "source", "licenses", "version", "revision", "created"] {
        assert!(labels.contains(&format!("org.opencontainers.image.{label}=")), "{label}");
    }
}

#[test]
fn the_builder_is_given_every_member_of_the_workspace() {
    let manifest = repo::read("Cargo.toml");
    let members = manifest.lines().find_map(|line| line.strip_prefix("members = [")).unwrap();
    let given = repo::read(".dockerignore");
    let given: Vec<&str> = given.lines().filter_map(|line| line.strip_prefix('!')).collect();
    for member in members.split('"').skip(1).step_by(2) {
        let folder = member.split('/').next().unwrap();
        assert!(given.contains(&folder), "{folder} is not in .dockerignore");
    }
    for file in given {
        assert!(repo::root().join(file).exists(), "{file} is in .dockerignore and nowhere else");
    }
}

#[test]
fn the_last_stage_runs_the_demo_without_root_without_writing_and_finds_itself_alive() {
    let Some(engine) = provided("EVENKEEL_TEST_DOCKER") else { return };
    let Some(docker) = tool("EVENKEEL_TEST_DOCKER_CLI", "docker") else { return };
    let folder = docker.parent().unwrap().display().to_string();
    let path = format!("{folder}:{}", std::env::var("PATH").unwrap());
    let proof = Command::new("sh")
        .arg(repo::root().join("packaging/prove-image.sh"))
        .arg(program::path())
        // A binary for tests is not small; its incidents are played elsewhere.
        .envs([
            ("LIMIT", "0"),
            ("DEMO", "--quiet"),
            ("DOCKER_HOST", engine.as_str()),
            ("PATH", path.as_str()),
        ])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&proof.stdout);
    assert!(proof.status.success(), "{said}\n{}", String::from_utf8_lossy(&proof.stderr));
    for wanted in ["0 differences.", "health:           healthy", "root read-only: true", "exit code 0"] {
        assert!(said.contains(wanted), "no {wanted:?} in {said}");
    }
}
