//! What a target begins with: its own seeds, and recorded answers of this repository. What runs find out is kept beside
//! them, in `target/fuzz/corpus`, and used again. What does not live here: which answers (`targets`).

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::targets::{Recorded, Target};
use crate::cargo::ROOT;

/// Between two files of one input; `evenkeel_sources::fuzz` takes them apart.
const BETWEEN: &str = "\n%%\n";

/// The folder of a target's inputs.
pub(super) fn folder(target: &Target, within: &Path) -> PathBuf {
    within.join("corpus").join(target.name)
}

/// Puts everything in place that the target begins with.
pub(super) fn lay_out(target: &Target, within: &Path) -> anyhow::Result<()> {
    let folder = folder(target, within);
    fs::create_dir_all(&folder).with_context(|| format!("make {}", folder.display()))?;
    let seeds = Path::new(ROOT).join("fuzz/seeds").join(target.name);
    if seeds.is_dir() {
        for entry in fs::read_dir(&seeds).with_context(|| format!("read {}", seeds.display()))? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default();
            fs::copy(&path, folder.join(name)).with_context(|| format!("copy {}", path.display()))?;
        }
    }
    for (n, recorded) in target.recorded.iter().enumerate() {
        let bytes = input(recorded)?;
        let put = |name: String, bytes: &[u8]| {
            let path = folder.join(name);
            fs::write(&path, bytes).with_context(|| format!("write {}", path.display()))
        };
        put(format!("recorded-{n}"), &bytes)?;
        if recorded.files.iter().any(|file| file.ends_with(".toml")) {
            put(format!("recorded-{n}-in-full"), &uncommented(&bytes))?;
        }
    }
    Ok(())
}

fn input(recorded: &Recorded) -> anyhow::Result<Vec<u8>> {
    let mut bytes = recorded.letter.as_bytes().to_vec();
    for (n, file) in recorded.files.iter().enumerate() {
        if n > 0 {
            bytes.extend_from_slice(BETWEEN.as_bytes());
        }
        bytes.extend(fs::read(Path::new(ROOT).join(file)).with_context(|| format!("read {file}"))?);
    }
    Ok(bytes)
}

/// An example with what it shows in comments switched on: `# key = …` and `# [section]`.
fn uncommented(bytes: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(bytes);
    let lines = text.lines().map(|line| match line.strip_prefix("# ") {
        Some(shown) if is_code(shown) => shown,
        Some(_) | None => line,
    });
    lines.collect::<Vec<_>>().join("\n").into_bytes()
}

/// Whether a comment is a line that was switched off, and not a sentence.
fn is_code(line: &str) -> bool {
    let key = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "_.".contains(c);
    line.starts_with('[') || line.split_once(" = ").is_some_and(|(name, _)| name.chars().all(key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_example_shows_in_comments_is_switched_on_and_sentences_are_not() {
        let text =
            b"# A sentence = with a sign.\n[netbox]\n# timeout = \"30s\"\n# [[docker]]\n# name = \"a\"";
        let expected = "# A sentence = with a sign.\n[netbox]\ntimeout = \"30s\"\n[[docker]]\nname = \"a\"";
        assert_eq!(String::from_utf8(uncommented(text)).unwrap(), expected);
    }
}
