//! The workflows that check and release, as far as they can be held from here: nothing runs that is not pinned, no job may
//! do more than it needs, what is released is what docs/releasing.md says, and the scripts they call work.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Output};

use evenkeel_tests::repo::{self, File, in_backticks, section};
use toml::Table;

const PAGE: &str = "docs/releasing.md";

fn workflows() -> Vec<File> {
    let found: Vec<File> = repo::files()
        .into_iter()
        .filter(|file| file.path.starts_with(".github/workflows/") && file.path.ends_with(".yml"))
        .collect();
    assert!(found.len() >= 2);
    found
}

/// What may be written, beyond reading the source, and by whom.
const MAY: &[(&str, &[&str])] = &[
    ("build", &["attestations: write", "id-token: write"]),
    ("image", &["packages: write"]),
    ("container", &["attestations: write", "id-token: write", "packages: write"]),
    ("draft", &["contents: write", "id-token: write"]),
];

/// The jobs of a workflow: each line of its own, by name.
fn jobs(workflow: &str) -> BTreeMap<String, Vec<String>> {
    let mut jobs: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut job: Option<String> = None;
    for line in workflow.split_once("\njobs:\n").expect("jobs").1.lines() {
        let depth = line.len() - line.trim_start().len();
        match line.trim_end().strip_suffix(':') {
            Some(name) if depth == 2 && !name.trim_start().starts_with('#') => {
                job = Some(name.trim_start().to_owned());
                jobs.entry(name.trim_start().to_owned()).or_default();
            }
            Some(_) | None => {
                if let Some(lines) = job.as_ref().and_then(|job| jobs.get_mut(job)) {
                    lines.push(line.to_owned());
                }
            }
        }
    }
    jobs
}

#[test]
fn whatever_others_wrote_is_pinned_to_a_commit_whose_version_is_said() {
    let mut commits: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for file in workflows() {
        for line in
            file.text.lines().filter_map(|line| line.trim().trim_start_matches("- ").strip_prefix("uses: "))
        {
            let place = format!("{}: {line}", file.path);
            let (action, rest) = line.split_once('@').expect(&place);
            let (commit, version) = rest.split_once(" # v").expect(&place);
            assert!(commit.len() == 40 && commit.chars().all(|c| c.is_ascii_hexdigit()), "{place}");
            assert!(version.split('.').count() == 3, "{place}: which version is that?");
            commits.entry(action.to_owned()).or_default().insert(rest.to_owned());
        }
        for line in file.text.lines().filter(|line| line.contains("cargo install ")) {
            assert!(line.contains(" --version ") && line.contains(" --locked"), "{}: {line}", file.path);
        }
        for line in file.text.lines().filter_map(|line| line.trim().strip_prefix("image: ")) {
            assert!(line.contains("@sha256:"), "{}: {line}", file.path);
        }
    }
    let twice: Vec<_> = commits.iter().filter(|(_, versions)| versions.len() > 1).collect();
    assert!(twice.is_empty(), "one version of each: {twice:?}");
    assert!(commits.len() >= 5);
}

#[test]
fn no_job_may_do_more_than_it_needs_or_run_for_hours() {
    for file in workflows() {
        assert!(file.text.contains("\npermissions: {}\n"), "{}: nothing is allowed to everybody", file.path);
        for (name, lines) in jobs(&file.text) {
            let place = format!("{}: {name}", file.path);
            let text = lines.join("\n");
            assert!(text.contains("\n    permissions:\n"), "{place} says what it may do");
            assert!(text.contains("\n    timeout-minutes: "), "{place} ends");
            let writes: BTreeSet<&str> = lines
                .iter()
                .filter_map(|line| line.split(" #").next())
                .map(str::trim)
                .filter(|line| line.ends_with(": write"))
                .collect();
            let releases = file.path.ends_with("/release.yml");
            let may =
                MAY.iter().filter(|(job, _)| releases && *job == name).flat_map(|(_, may)| *may).copied();
            assert_eq!(writes, may.collect::<BTreeSet<_>>(), "{place}");
            assert_eq!(
                text.matches("uses: actions/checkout@").count(),
                text.matches("persist-credentials: false").count(),
                "{place}: what is checked out holds no token"
            );
            assert!(!text.contains("${{ secrets."), "{place}: there is no secret to lose");
            for run in scripts(&lines) {
                assert!(!run.contains("${{"), "{place}: what is put into a script is code; use env: {run}");
            }
        }
    }
}

/// Every line that a shell runs.
fn scripts(lines: &[String]) -> Vec<&str> {
    let (mut found, mut below): (Vec<&str>, Option<usize>) = (Vec::new(), None);
    for line in lines {
        let depth = line.len() - line.trim_start().len();
        if below.is_some_and(|start| depth > start) {
            found.push(line.trim());
            continue;
        }
        below = None;
        let key = line.trim_start().trim_start_matches("- ");
        match key.strip_prefix("run: ") {
            Some("|") => below = Some(depth),
            Some(script) => found.push(script),
            None => {}
        }
    }
    found
}

#[test]
fn what_the_workflows_call_is_there_and_may_be_run() {
    let mut called = BTreeSet::new();
    for file in workflows() {
        let words = file.text.split(|c: char| c.is_whitespace() || "\"()$".contains(c));
        called.extend(words.filter(|word| word.starts_with(".ci/")).map(str::to_owned));
    }
    assert!(called.len() >= 5, "{called:?}");
    for script in called.iter().filter(|word| !word.ends_with('.')) {
        let mode = fs::metadata(repo::root().join(script)).expect(script).permissions().mode();
        assert!(mode & 0o111 != 0, "{script} cannot be run");
    }
}

#[test]
fn what_is_built_is_what_is_checked_and_what_the_page_says() {
    let targets = |path: &str| -> BTreeSet<String> {
        let text = repo::read(path);
        let of_line = |line: &str| {
            line.split_once("target: ").map(|(_, rest)| rest.trim_end_matches([' ', '}']).to_owned())
        };
        text.lines().filter(|line| line.contains("runner: ")).filter_map(of_line).collect()
    };
    let built = targets(".github/workflows/release.yml");
    assert_eq!(built, targets(".github/workflows/ci.yml"));
    let page = repo::read(PAGE);
    let row =
        section(&page, "## What a release has").lines().find(|line| line.contains("-TARGET.tar.gz")).unwrap();
    let said: BTreeSet<String> = in_backticks(row).into_iter().skip(1).map(str::to_owned).collect();
    assert_eq!(said, built);
    let about: Table = repo::read("about.toml").parse().unwrap();
    let of_licences: BTreeSet<String> = about["targets"]
        .as_array()
        .unwrap()
        .iter()
        .map(|target| target.as_str().unwrap().to_owned())
        .collect();
    assert_eq!(of_licences, built);
}

fn run(script: &str, args: &[&str], with: &[(&str, &str)]) -> Output {
    Command::new(repo::root().join(script)).args(args).envs(with.iter().copied()).output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn the_version_is_the_workspaces_and_only_a_version_with_a_section_has_notes() {
    let workspace: Table = repo::read("Cargo.toml").parse().unwrap();
    let version = workspace["workspace"]["package"]["version"].as_str().unwrap();
    assert_eq!(said(&run(".ci/version", &[], &[])).trim(), version);

    let notes = run(".ci/notes", &["Unreleased"], &[]);
    assert!(notes.status.success());
    let told = said(&notes);
    assert!(told.contains("### Added") && !told.contains("\n## ["), "{told}");
    let nothing = run(".ci/notes", &["0.0.0"], &[]);
    assert!(!nothing.status.success() && said(&nothing).is_empty());
}

#[test]
fn a_package_has_everything_is_the_same_each_time_and_is_of_the_version_it_says() {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("program");
    let script = "#!/bin/sh\ncase $1 in --version) echo 'evenkeel 1.2.3';; \
                  man) mkdir -p \"$2\" && echo page >\"$2/evenkeel.1\";; *) echo \"$2\";; esac\n";
    fs::write(&program, script).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let program = program.to_str().unwrap();
    let dist = folder.path().join("dist");
    let package = |version: &str| {
        run(".ci/package", &[version, "a-target", program], &[("DIST", dist.to_str().unwrap())])
    };
    let archive = dist.join("evenkeel-1.2.3-a-target.tar.gz");

    let first = package("1.2.3");
    assert!(first.status.success(), "{}", String::from_utf8_lossy(&first.stderr));
    let bytes = fs::read(&archive).unwrap();
    let listed = Command::new("tar").arg("-tzf").arg(&archive).output().unwrap();
    let listed = said(&listed);
    let documents = ["LICENSE", "CHANGELOG.md", "examples/evenkeel.toml"];
    let for_shells = ["completions/evenkeel.fish", "man/man1/evenkeel.1"];
    for name in ["evenkeel"].into_iter().chain(documents).chain(for_shells) {
        let path = format!("evenkeel-1.2.3-a-target/{name}");
        assert!(listed.lines().any(|line| line == path), "{path} is not in {listed}");
    }
    assert!(package("1.2.3").status.success());
    assert!(fs::read(&archive).unwrap() == bytes, "another time, other bytes");

    let other = package("1.2.4");
    assert!(!other.status.success() && !dist.join("evenkeel-1.2.4-a-target.tar.gz").exists());
}
