//! Which targets there are, what each needs built, and which recorded answers it begins with. What does not live here: what
//! they assert; that is in `fuzz/fuzz_targets`.

/// One target.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Target {
    /// As `fuzz/Cargo.toml` calls it.
    pub(super) name: &'static str,
    /// What it needs.
    pub(super) feature: &'static str,
    /// Inputs are not made longer than this.
    pub(super) longest: u32,
    /// Inputs made of files of this repository, beside its own in `fuzz/seeds`.
    pub(super) recorded: &'static [Recorded],
}

/// An input: the letter that tells the target what it is, then files, with the line between them that
/// `evenkeel_sources::fuzz` takes them apart at.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Recorded {
    pub(super) letter: &'static str,
    pub(super) files: &'static [&'static str],
}

const fn recorded(letter: &'static str, files: &'static [&'static str]) -> Recorded {
    Recorded { letter, files }
}

macro_rules! fixture {
    ($name:literal) => {
        concat!("crates/sources/tests/fixtures/", $name, ".json")
    };
}

macro_rules! hook {
    ($name:literal) => {
        concat!("crates/web/tests/fixtures/", $name, ".json")
    };
}

pub(super) const TARGETS: &[Target] = &[
    Target {
        name: "docker",
        feature: "decoders",
        longest: 16_384,
        recorded: &[
            recorded(
                "L",
                &[fixture!("docker/containers-all"), fixture!("docker/info"), fixture!("docker/version")],
            ),
            recorded("L", &[fixture!("docker/podman-4.3-containers-all"), fixture!("docker/info")]),
            recorded("I", &[fixture!("docker/inspect-crash")]),
            recorded("I", &[fixture!("docker/inspect-neverstarted")]),
        ],
    },
    // The recorded lists are long; `fuzz/seeds` has a few rows of each.
    Target { name: "netbox", feature: "decoders", longest: 16_384, recorded: &[] },
    Target { name: "netbox_changes", feature: "decoders", longest: 8192, recorded: &[] },
    Target {
        name: "proxmox",
        feature: "decoders",
        longest: 16_384,
        recorded: &[
            recorded(
                "L",
                &[
                    fixture!("proxmox/wire-cluster-resources-node"),
                    fixture!("proxmox/wire-cluster-resources-vm"),
                    fixture!("proxmox/wire-cluster-resources-storage"),
                ],
            ),
            recorded(
                "L",
                &[
                    fixture!("proxmox/sim-cluster-resources-node"),
                    fixture!("proxmox/sim-cluster-resources-vm"),
                    fixture!("proxmox/sim-cluster-resources-storage"),
                ],
            ),
        ],
    },
    Target {
        name: "truenas",
        feature: "decoders",
        longest: 8192,
        recorded: &[
            recorded("M", &[fixture!("truenas/app.query.response")]),
            recorded("M", &[fixture!("truenas/app.query.collection_update")]),
            recorded("M", &[fixture!("truenas/error.not-authenticated")]),
        ],
    },
    Target {
        name: "push",
        feature: "decoders",
        longest: 8192,
        recorded: &[recorded("E", &[fixture!("push/seed")]), recorded("L", &[fixture!("push/seed")])],
    },
    Target {
        name: "config",
        feature: "config",
        longest: 16_384,
        recorded: &[
            recorded("", &["examples/minimal.toml"]),
            recorded("", &["examples/n8n.toml"]),
            recorded("", &["examples/evenkeel.toml"]),
        ],
    },
    Target { name: "api", feature: "web", longest: 4096, recorded: &[] },
    Target { name: "forms", feature: "web", longest: 4096, recorded: &[] },
    Target {
        name: "hooks",
        feature: "web",
        longest: 8192,
        recorded: &[
            recorded("N", &[hook!("netbox-4.2.9/service-created")]),
            recorded("N", &[hook!("netbox-4.6.8/service-deleted")]),
            recorded("P", &[fixture!("push/seed")]),
        ],
    },
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;
    use crate::cargo::ROOT;

    /// The names that stand in the lines of a file that begin like this.
    fn named(file: &str, begins: &str) -> BTreeSet<String> {
        let text = std::fs::read_to_string(Path::new(ROOT).join(file)).unwrap();
        let names = text.lines().filter_map(|line| line.strip_prefix(begins)?.strip_suffix('"'));
        names.map(str::to_owned).collect()
    }

    #[test]
    fn the_targets_are_those_of_the_fuzz_workspace_and_every_recorded_file_is_there() {
        let programs: BTreeSet<String> = named("fuzz/Cargo.toml", "path = \"fuzz_targets/")
            .iter()
            .map(|file| file.replace(".rs", ""))
            .collect();
        assert_eq!(programs, TARGETS.iter().map(|target| target.name.to_owned()).collect());
        for target in TARGETS {
            let seeds = Path::new(ROOT).join("fuzz/seeds").join(target.name);
            assert!(seeds.is_dir() || !target.recorded.is_empty(), "{} begins with nothing", target.name);
            for file in target.recorded.iter().flat_map(|recorded| recorded.files) {
                assert!(Path::new(ROOT).join(file).is_file(), "{file}");
            }
        }
    }
}
