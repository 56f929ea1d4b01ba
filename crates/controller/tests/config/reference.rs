//! The committed reference is the one the code prints.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a panic in a test is the failed assertion itself")]

use std::path::Path;

use evenkeel::config::reference;

#[test]
fn the_reference_in_the_repository_is_the_one_the_code_prints() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/configuration.md");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, reference()).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == reference(),
        "docs/reference/configuration.md is not what the code prints; run \
         UPDATE=1 cargo test -p evenkeel --test config reference"
    );
}

#[test]
fn every_key_is_explained_in_a_sentence() {
    for line in reference().lines().filter(|line| line.starts_with("- `")) {
        let (_, sentence) = line.split_once("`: ").unwrap();
        assert!(sentence.len() > 5 && (sentence.ends_with(['.', '…'])), "{line}");
    }
}
