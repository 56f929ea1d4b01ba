//! The files of the repository, as the tests of its order see them.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Folders that hold nothing anybody wrote.
const SKIPPED: &[&str] = &["target", ".git", "node_modules", "dist"];

/// The repository's root.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a parent").to_owned()
}

/// One text file.
#[derive(Clone, Debug)]
pub struct File {
    /// Its path from the root, with `/`.
    pub path: String,
    /// What it says.
    pub text: String,
}

/// Every text file of the repository, sorted by path.
pub fn files() -> Vec<File> {
    let mut files = Vec::new();
    walk(&root(), "", &mut files);
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}

/// One file's text.
pub fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The folders directly within this one that somebody wrote something in; hidden ones do not count.
pub fn folders(within: &str) -> BTreeSet<String> {
    fs::read_dir(root().join(within))
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|name| !name.starts_with('.') && !SKIPPED.contains(&name.as_str()))
        .collect()
}

/// The part of a Markdown text under this heading, up to the next heading of its level or above.
pub fn section<'a>(markdown: &'a str, heading: &str) -> &'a str {
    let start = markdown
        .match_indices(heading)
        .find(|(at, _)| {
            let after = &markdown[at + heading.len()..];
            (*at == 0 || markdown[..*at].ends_with('\n')) && (after.is_empty() || after.starts_with('\n'))
        })
        .unwrap_or_else(|| panic!("no heading `{heading}`"))
        .0
        + heading.len();
    let level = heading.chars().take_while(|c| *c == '#').count();
    let rest = &markdown[start..];
    let end = (1..=level)
        .filter_map(|level| rest.find(&format!("\n{} ", "#".repeat(level))))
        .min()
        .unwrap_or(rest.len());
    &rest[..end]
}

/// The texts in backticks of a line.
pub fn in_backticks(line: &str) -> Vec<&str> {
    line.split('`').skip(1).step_by(2).collect()
}

fn walk(folder: &Path, prefix: &str, files: &mut Vec<File>) {
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = format!("{prefix}{name}");
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            if !SKIPPED.contains(&name.as_str()) {
                walk(&entry.path(), &format!("{path}/"), files);
            }
        } else if kind.is_file() && !SKIPPED.contains(&name.as_str()) {
            // A second worktree has a file `.git`. What is not text has no lines to look at.
            if let Ok(text) = fs::read_to_string(entry.path()) {
                files.push(File { path, text });
            }
        }
    }
}
