//! What evenkeel is built from: few parts, each with a reason, one version of each, under licences that allow it. The
//! rules are those of deny.toml; here they are held even where cargo-deny is not installed.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a panic in a test is the failed assertion itself"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use evenkeel_tests::repo::{self, in_backticks};
use toml::{Table, Value};

/// Everything the core may name. It computes; it does not wait, log, read the clock or open anything.
const CORE: &[&str] = &["jiff", "serde", "smallvec", "thiserror", "uuid", "wildmatch", "xxhash-rust"];

/// A package in the tree.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Package {
    name: String,
    version: String,
    license: String,
}

/// Everything that is built on Linux, for the product, its tests and its tools.
fn tree() -> BTreeSet<Package> {
    packages(&["--workspace", "--edges", "normal,build,dev", "--target", "x86_64-unknown-linux-gnu"])
}

/// What becomes part of the program on Linux.
fn shipped() -> BTreeSet<Package> {
    let targets = ["--target", "x86_64-unknown-linux-gnu", "--target", "aarch64-unknown-linux-gnu"];
    let mut packages = packages(&[&["--package", "evenkeel", "--edges", "normal"], &targets[..]].concat());
    packages.retain(|package| !package.name.starts_with("evenkeel"));
    packages
}

fn packages(of: &[&str]) -> BTreeSet<Package> {
    let output = Command::new(std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned()))
        .args(["tree", "--locked", "--prefix", "none", "--format", "{p}|{l}"])
        .args(of)
        .current_dir(repo::root())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .filter_map(|line| {
            let (package, license) = line.trim_end_matches(" (*)").split_once('|')?;
            let mut words = package.split(' ');
            let (name, version) =
                (words.next()?.to_owned(), words.next()?.trim_start_matches('v').to_owned());
            Some(Package { name, version, license: license.trim_end_matches(" (*)").to_owned() })
        })
        .collect()
}

fn table(path: &str) -> Table {
    repo::read(path).parse().unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn texts(value: &Value) -> Vec<&str> {
    value.as_array().unwrap().iter().map(|item| item.as_str().unwrap()).collect()
}

/// The `crate` of every item, all of which must have a reason.
fn reasoned<'a>(deny: &'a Table, list: &str) -> Vec<&'a str> {
    deny["bans"][list]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| {
            assert!(item["reason"].as_str().is_some_and(|reason| reason.len() > 5), "no reason: {item}");
            item["crate"].as_str().unwrap()
        })
        .collect()
}

#[test]
fn the_core_depends_on_nothing_that_could_make_it_impure() {
    let manifest = table("crates/core/Cargo.toml");
    let named: Vec<&str> = manifest["dependencies"].as_table().unwrap().keys().map(String::as_str).collect();
    let impure: Vec<_> = named.iter().filter(|name| !CORE.contains(name)).collect();
    assert!(impure.is_empty(), "{impure:?}");
}

#[test]
fn dependencies_point_at_the_core() {
    let ours = |krate: &str| -> BTreeSet<String> {
        let manifest = table(&format!("crates/{krate}/Cargo.toml"));
        let names = manifest["dependencies"].as_table().unwrap().keys();
        names.filter(|name| name.starts_with("evenkeel")).cloned().collect()
    };
    for (krate, may) in [
        ("ambient", &[][..]),
        ("store", &["evenkeel-core"]),
        ("sources", &["evenkeel-ambient", "evenkeel-core"]),
        ("sinks", &["evenkeel-ambient", "evenkeel-core"]),
        ("lab", &["evenkeel-ambient", "evenkeel-core"]),
    ] {
        let may: BTreeSet<String> = may.iter().map(|name| (*name).to_owned()).collect();
        assert_eq!(ours(krate), may, "{krate}");
    }
    let web = BTreeSet::from(["evenkeel-core".to_owned(), "evenkeel-store".to_owned()]);
    assert!(ours("web").is_subset(&web), "{:?}", ours("web"));
    for krate in repo::folders("crates") {
        assert!(!ours(&krate).contains("evenkeel"), "{krate} depends on the controller");
    }
}

#[test]
fn every_direct_dependency_is_used_and_has_its_reason() {
    let documented = repo::read("docs/dependencies.md");
    let documented: BTreeSet<&str> = documented
        .lines()
        .filter_map(|line| line.strip_prefix("| `"))
        .filter_map(|line| line.split_once('`'))
        .map(|(name, _)| name)
        .collect();
    let root = table("Cargo.toml");
    let mut direct: BTreeSet<String> =
        root["workspace"]["dependencies"].as_table().unwrap().keys().cloned().collect();
    let mut used = BTreeSet::new();
    for file in repo::files() {
        if !file.path.ends_with("/Cargo.toml") {
            continue;
        }
        let manifest: Table = file.text.parse().unwrap();
        for kind in ["dependencies", "dev-dependencies", "build-dependencies"] {
            let Some(list) = manifest.get(kind).and_then(Value::as_table) else {
                continue;
            };
            used.extend(list.keys().cloned());
            direct.extend(list.keys().cloned());
        }
    }
    let is_ours = |name: &&str| name.starts_with("evenkeel") || *name == "xtask";
    let direct: BTreeSet<&str> = direct.iter().map(String::as_str).filter(|name| !is_ours(name)).collect();
    let undocumented: Vec<_> = direct.difference(&documented).collect();
    let gone: Vec<_> = documented.difference(&direct).collect();
    let unused: Vec<_> = direct.iter().filter(|name| !used.contains(**name)).collect();
    assert!(
        undocumented.is_empty() && gone.is_empty(),
        "docs/dependencies.md: no reason for {undocumented:?}; a reason for what is not there: {gone:?}"
    );
    assert!(unused.is_empty(), "in the root manifest, but no crate uses it: {unused:?}");
}

#[test]
fn every_dependency_named_by_a_crate_occurs_in_its_code() {
    let files = repo::files();
    let mut found = Vec::new();
    for manifest in files.iter().filter(|file| file.path.ends_with("/Cargo.toml")) {
        let folder = manifest.path.trim_end_matches("Cargo.toml");
        let table: Table = manifest.text.parse().unwrap();
        for kind in ["dependencies", "dev-dependencies"] {
            let Some(list) = table.get(kind).and_then(Value::as_table) else {
                continue;
            };
            for name in list.keys() {
                let ident = name.replace('-', "_");
                let mentions = |text: &str| {
                    [format!("{ident}::"), format!("use {ident};"), format!("use {ident} as")]
                        .iter()
                        .any(|form| text.contains(form.as_str()))
                };
                let of_this = |path: &str| path.starts_with(folder) && path.ends_with(".rs");
                if !files.iter().any(|file| of_this(&file.path) && mentions(&file.text)) {
                    found.push(format!("{}: {name}", manifest.path));
                }
            }
        }
    }
    let excused = feature_carriers();
    found.retain(|entry| !excused.contains(entry.as_str()));
    assert!(found.is_empty(), "named but not used:\n  {}", found.join("\n  "));
}

/// Dependencies that are named for a feature they switch on, or to get themselves into the tests.
fn feature_carriers() -> BTreeSet<&'static str> {
    BTreeSet::from(["crates/store/Cargo.toml: evenkeel-store"])
}

#[test]
fn licences_are_permissive() {
    let deny = table("deny.toml");
    let allowed: BTreeSet<&str> = texts(&deny["licenses"]["allow"]).into_iter().collect();
    let found: Vec<Package> = tree().into_iter().filter(|p| !permitted(&p.license, &allowed)).collect();
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn what_writes_the_texts_of_licences_accepts_the_same() {
    let (deny, about) = (table("deny.toml"), table("about.toml"));
    assert_eq!(texts(&about["accepted"]), texts(&deny["licenses"]["allow"]));
}

#[test]
fn the_list_of_licences_names_every_part_of_the_program() {
    let mut page = "# Licences\n\n\
        <!-- Printed from Cargo.lock: `UPDATE=1 cargo test -p evenkeel-tests --test dependencies` writes this file anew. -->\n\n\
        evenkeel is under the [Apache License 2.0](../LICENSE). What becomes part of the program on Linux, and what each part is\n\
        under; the texts lie beside the program in every release. Why the direct ones are there: [dependencies](dependencies.md).\n\n\
        | part | version | licence |\n| --- | --- | --- |\n"
        .to_owned();
    for Package { name, version, license } in shipped() {
        page.push_str(&format!("| {name} | {version} | {license} |\n"));
    }
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(repo::root().join("docs/licences.md"), &page).unwrap();
    }
    let wrong = "run UPDATE=1 cargo test -p evenkeel-tests --test dependencies";
    assert!(repo::read("docs/licences.md") == page, "docs/licences.md is not what is built: {wrong}");
}

#[test]
fn nothing_that_is_banned_is_in_the_tree_and_nothing_comes_from_elsewhere() {
    let deny = table("deny.toml");
    let banned = reasoned(&deny, "deny");
    let found: Vec<Package> = tree().into_iter().filter(|p| banned.contains(&p.name.as_str())).collect();
    assert!(found.is_empty(), "{found:#?}");
    let lock = table("Cargo.lock");
    for package in lock["package"].as_array().unwrap() {
        let source = package.get("source").map_or("", |source| source.as_str().unwrap());
        assert!(source.is_empty() || source.starts_with("registry+"), "{package}");
    }
}

#[test]
fn there_is_one_version_of_everything_but_of_what_deny_toml_excuses() {
    let deny = table("deny.toml");
    let excused = reasoned(&deny, "skip");
    let mut versions: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for package in tree() {
        versions.entry(package.name).or_default().push(package.version);
    }
    let covers = |excuse: &str, name: &str, version: &str| {
        excuse
            .split_once('@')
            .is_some_and(|(n, v)| n == name && (version == v || version.starts_with(&format!("{v}."))))
    };
    let mut needless: BTreeSet<&str> = excused.iter().copied().collect();
    let mut found = Vec::new();
    for (name, versions) in versions.iter_mut().filter(|(_, versions)| versions.len() > 1) {
        versions.retain(|version| {
            let excuse = excused.iter().find(|excuse| covers(excuse, name, version));
            let _ = excuse.map(|excuse| needless.remove(excuse));
            excuse.is_none()
        });
        if versions.len() > 1 {
            found.push(format!("{name} {}", versions.join(", ")));
        }
    }
    assert!(found.is_empty(), "more than one version of {found:?}: align them, or excuse one in deny.toml");
    assert!(needless.is_empty(), "no longer needed in deny.toml: {needless:?}");
}

/// What only the fuzzer needs.
const OF_THE_FUZZER: [&str; 4] = ["arbitrary", "evenkeel-fuzz", "jobserver", "libfuzzer-sys"];

#[test]
fn what_is_fuzzed_is_built_from_the_same_parts() {
    let tree = Command::new(std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned()))
        .args(["tree", "--quiet", "--locked", "--all-features", "--manifest-path", "fuzz/Cargo.toml"])
        .current_dir(repo::root())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&tree.stderr);
    assert!(tree.status.success(), "`cargo metadata --manifest-path fuzz/Cargo.toml` mends it: {said}");
    let parts = |path: &str| -> BTreeSet<(String, String)> {
        let lock = table(path);
        let packages = lock["package"].as_array().unwrap().iter();
        let text = |package: &Value, key: &str| package[key].as_str().unwrap().to_owned();
        packages.map(|package| (text(package, "name"), text(package, "version"))).collect()
    };
    let known = parts("Cargo.lock");
    let other: Vec<_> = parts("fuzz/Cargo.lock")
        .into_iter()
        .filter(|part| !known.contains(part) && !OF_THE_FUZZER.contains(&part.0.as_str()))
        .collect();
    assert!(other.is_empty(), "only in fuzz/Cargo.lock: {other:?}");
}

/// Whether an SPDX expression can be satisfied with these licences. `/` is how old manifests write OR.
fn permitted(expression: &str, allowed: &BTreeSet<&str>) -> bool {
    let spaced =
        expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ").replace(" WITH ", "\u{1}");
    let words: Vec<String> = spaced.split_whitespace().map(|word| word.replace('\u{1}', " WITH ")).collect();
    let mut rest = words.as_slice();
    let good = any_of(&mut rest, allowed);
    good && rest.is_empty()
}

fn any_of(rest: &mut &[String], allowed: &BTreeSet<&str>) -> bool {
    let mut good = all_of(rest, allowed);
    while rest.first().is_some_and(|word| word == "OR") {
        *rest = &rest[1..];
        good |= all_of(rest, allowed);
    }
    good
}

fn all_of(rest: &mut &[String], allowed: &BTreeSet<&str>) -> bool {
    let mut good = one(rest, allowed);
    while rest.first().is_some_and(|word| word == "AND") {
        *rest = &rest[1..];
        good &= one(rest, allowed);
    }
    good
}

fn one(rest: &mut &[String], allowed: &BTreeSet<&str>) -> bool {
    let Some((word, more)) = rest.split_first() else {
        return false;
    };
    *rest = more;
    if word != "(" {
        return allowed.contains(word.as_str());
    }
    let good = any_of(rest, allowed);
    *rest = rest.get(1..).unwrap_or_default();
    good
}

#[test]
fn licence_expressions_are_understood() {
    let allowed = BTreeSet::from(["MIT", "Apache-2.0", "Apache-2.0 WITH LLVM-exception", "Unicode-3.0"]);
    for (expression, good) in [
        ("MIT", true),
        ("GPL-3.0", false),
        ("MIT OR GPL-3.0", true),
        ("MIT/Apache-2.0", true),
        ("Apache-2.0 / MIT", true),
        ("MIT AND GPL-3.0", false),
        ("(MIT OR Apache-2.0) AND Unicode-3.0", true),
        ("(MIT OR Apache-2.0) AND OpenSSL", false),
        ("Apache-2.0 WITH LLVM-exception OR GPL-3.0", true),
        ("", false),
    ] {
        assert_eq!(permitted(expression, &allowed), good, "{expression}");
    }
    // What is in backticks is what the documents name.
    assert_eq!(in_backticks("a `b` c `d`"), ["b", "d"]);
}
