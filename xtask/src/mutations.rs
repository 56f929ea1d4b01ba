//! `cargo xtask mutations`: breaks one promise of the product at a time, in a copy of the tree, and sees that the
//! simulation notices. Not part of the normal tests: it builds the controller once per line of [`MUTATIONS`].

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context as _, bail};
use xtask::say::say;

use crate::cargo::{ROOT, succeed};

/// One line of the product, and what it is for a moment.
struct Mutation {
    /// Which promise it breaks.
    breaks: &'static str,
    file: &'static str,
    from: &'static str,
    to: &'static str,
}

/// Each `from` is in its file exactly once; a test says so before a run does.
const MUTATIONS: &[Mutation] = &[
    Mutation {
        breaks: "U1: what a blind engine does not show is missing",
        file: "crates/core/src/model/observed.rs",
        from: "            Coverage::Complete => Lookup::Absent,\n            Coverage::Partial(gap) => Lookup::Unknown(gap),",
        to: "            Coverage::Complete | Coverage::Partial(_) => Lookup::Absent,",
    },
    Mutation {
        breaks: "U2: a NetBox that was read in part declares only that part",
        file: "crates/controller/src/world/intent.rs",
        from: "            return inventory.coverage.clone();",
        to: "            return Coverage::Complete;",
    },
    Mutation {
        breaks: "U3: what nobody can see is resolved",
        file: "crates/core/src/ledger/advance.rs",
        from: "        entry.clean_since = None;\n    }\n\n    /// The operator accepts it.",
        to: "        self.resolve(id, None);\n    }\n\n    /// The operator accepts it.",
    },
    Mutation {
        breaks: "U3: after a restart, a machine whose cluster is silent is as declared",
        file: "crates/controller/src/world/sites/memory.rs",
        from: "|| (self.complete_at.is_none() && self.knew(name, intent)",
        to: "|| (self.complete_at.is_some() && self.knew(name, intent)",
    },
    Mutation {
        breaks: "F1: what is wrong inside a machine that is off stands for itself",
        file: "crates/core/src/ledger/open.rs",
        from: "outer.first().or(open.cause(&e.id, e.blind.is_some())).cloned()",
        to: "open.cause(&e.id, false).filter(|_| outer.len() > 99).cloned()",
    },
    Mutation {
        breaks: "Q1: a subject is handed out while it is worked on",
        file: "crates/controller/src/queue/mod.rs",
        from: "        slot.state = State::Running;\n        self.runs.begin(key, now);",
        to: "        slot.state = State::Idle;\n        self.runs.begin(key, now);",
    },
    Mutation {
        breaks: "Q2: what changes during a pass causes no other",
        file: "crates/controller/src/queue/mod.rs",
        from: "                slot.state = State::RunningAgain;\n                Added::AfterRun",
        to: "                slot.state = State::Running;\n                Added::AfterRun",
    },
    Mutation {
        breaks: "E1: after a lost answer the ledger is not read again",
        file: "crates/controller/src/pass.rs",
        from: "hub.book.put(subject, Record::loaded(loaded.ledger, loaded.revision, now));",
        to: "drop(loaded);",
    },
    Mutation {
        breaks: "E1: a machine that vanished while nobody looked is open for ever",
        file: "crates/controller/src/hub.rs",
        from: "        touched.extend(self.keys(&forgotten));",
        to: "        drop(forgotten);",
    },
    Mutation {
        breaks: "E1: what a source said puts nobody on the queue",
        file: "crates/controller/src/hub.rs",
        from: "        self.queue.add_all(touched, self.schedule.debounce);",
        to: "        drop(touched);",
    },
    Mutation {
        breaks: "O1: an event is kept without its delivery",
        file: "crates/controller/src/pass.rs",
        from: "        let deliveries = hub.deliveries(subject, &advance.events, &record.ledger);",
        to: "        let deliveries: Vec<NewDelivery> = Vec::new();",
    },
    Mutation {
        breaks: "O1: each attempt has an id of its own",
        file: "crates/controller/src/deliver/mod.rs",
        from: "        id: format!(\"{}\", claim.event),",
        to: "        id: format!(\"{}-{}\", claim.event, claim.ticket.attempt),",
    },
    Mutation {
        breaks: "O2: whatever the receiver says, it is delivered",
        file: "crates/controller/src/deliver/mod.rs",
        from: "        let Err(error) = answer else {",
        to: "        let Err(error) = answer.or(Ok::<(), SinkError>(())) else {",
    },
    Mutation {
        breaks: "what was told to begin is not told to end",
        file: "crates/core/src/ledger/advance.rs",
        from: "        self.record(id, Transition::Resolved, announced, rule);",
        to: "        self.record(id, Transition::Resolved, announced && rule.is_some(), rule);",
    },
    Mutation {
        breaks: "a container that ended runs",
        file: "crates/sources/src/docker/decode.rs",
        from: "    (\"exited\", RunState::Exited),",
        to: "    (\"exited\", RunState::Running),",
    },
];

/// How many seeds are tried at most before a mutation counts as unnoticed.
const SEEDS: &str = "2000";

pub(crate) fn run(args: &[String]) -> anyhow::Result<()> {
    let copy = Copy::make()?;
    let mut unnoticed = 0;
    for mutation in MUTATIONS.iter().filter(|mutation| args.iter().all(|word| mutation.breaks.contains(word)))
    {
        let started = Instant::now();
        let noticed = copy.mutated(mutation)?;
        unnoticed += u32::from(noticed.is_none());
        let words = noticed.unwrap_or_else(|| format!("NOT NOTICED in {SEEDS} seeds"));
        say(format!(
            "{} ({})\n    {words} ({} s)",
            mutation.breaks,
            mutation.file,
            started.elapsed().as_secs()
        ));
    }
    if unnoticed > 0 {
        bail!("{unnoticed} mutations were not noticed");
    }
    Ok(())
}

/// A copy of what git knows, with a target folder of its own.
struct Copy(PathBuf);

impl Copy {
    fn make() -> anyhow::Result<Self> {
        let folder = PathBuf::from(ROOT).join("target/mutations");
        std::fs::create_dir_all(&folder).with_context(|| format!("make {}", folder.display()))?;
        let files =
            Command::new("git").args(["ls-files", "-z"]).current_dir(ROOT).output().context("ask git")?;
        for file in String::from_utf8_lossy(&files.stdout).split('\0').filter(|file| !file.is_empty()) {
            let (from, to) = (Path::new(ROOT).join(file), folder.join(file));
            let text = std::fs::read(&from).with_context(|| format!("read {}", from.display()))?;
            // What did not change keeps its time, so that cargo builds only what a mutation touches.
            if std::fs::read(&to).ok().as_ref() != Some(&text) {
                std::fs::create_dir_all(to.parent().context("a folder")?)?;
                std::fs::write(&to, text).with_context(|| format!("write {}", to.display()))?;
            }
        }
        Ok(Self(folder))
    }

    /// What the simulation said of a mutation; `None`: nothing.
    fn mutated(&self, mutation: &Mutation) -> anyhow::Result<Option<String>> {
        let file = self.0.join(mutation.file);
        let whole = std::fs::read_to_string(&file).with_context(|| format!("read {}", file.display()))?;
        std::fs::write(&file, whole.replacen(mutation.from, mutation.to, 1))?;
        let said = self.simulated();
        std::fs::write(&file, whole)?;
        said.with_context(|| format!("{}: {}", mutation.file, mutation.breaks))
    }

    fn simulated(&self) -> anyhow::Result<Option<String>> {
        let mut build = Command::new("cargo");
        build.args(["build", "--quiet", "-p", "evenkeel-simulation"]).current_dir(&self.0);
        build.env("CARGO_TARGET_DIR", self.0.join("target"));
        xtask::forget_package(&mut build);
        succeed(&mut build)?;
        let output = Command::new(self.0.join("target/debug/simulate"))
            .args(["--seeds", SEEDS])
            .output()
            .context("run the simulation")?;
        let said = String::from_utf8_lossy(&output.stdout);
        Ok(said.lines().find(|line| line.starts_with("seed ")).map(str::to_owned))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mutation_fits_its_file_once_and_changes_it() {
        for Mutation { breaks, file, from, to } in MUTATIONS {
            let text = std::fs::read_to_string(Path::new(ROOT).join(file)).unwrap();
            assert_eq!(text.matches(from).count(), 1, "{breaks}: {file} has {from:?} not once");
            assert_ne!(from, to);
        }
    }
}
