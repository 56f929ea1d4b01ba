//! The reference of the configuration, printed from the lists the reader uses. What does not live here: any sentence about
//! a particular key.

use std::fmt::Write;

use super::file::SECTIONS;
use super::key::{Absent, Key, Section};
use super::secret;

const INTRODUCTION: &str = "\
# Configuration reference

<!-- Printed from the code: `UPDATE=1 cargo test -p evenkeel --test config reference` writes this file anew. -->

evenkeel reads one TOML file. `evenkeel check` reads it and says everything that is wrong with it at once, each mistake
with its line; a key that is not listed here is refused. Relative paths start at the folder of the file.

- A **duration** has units: `\"30s\"`, `\"5m\"`, `\"1h30m\"`, `\"7d\"` (ms, s, m, h, d, w).
- A **glob** knows `*` and `?` and ignores case. Where a list is wanted, a single text will do.
- A **date** (`2026-12-31`) is taken in UTC, a **moment** has a time zone (`2026-12-31T18:00:00Z`).
- An **event type** is one of `SERVICE_MISSING`, `SERVICE_UNEXPECTED`, `PORT_MISMATCH`, `VM_DOWN`, `VM_UNDECLARED`,
  `DOCKER_UNREACHABLE`, `NODE_UNREACHABLE`, `CONFIG_DRIFT`, `SNAPSHOT_ERROR`, `RESOURCE_EXCEEDED`, `RESTART_LOOP`.
";

/// The reference, as Markdown.
pub fn reference() -> String {
    let mut out = String::from(INTRODUCTION);
    let _ = write!(out, "\n## Secrets\n\n{}\n", secret::SECTION.doc);
    for section in SECTIONS {
        write_section(&mut out, section);
    }
    out
}

fn write_section(out: &mut String, section: &Section) {
    let _ = write!(out, "\n## `{}`\n\n{}\n\n", section.header, section.doc);
    out.push_str("| key | value | without it |\n| --- | --- | --- |\n");
    for key in section.keys {
        let _ = writeln!(out, "| `{}` | {} | {} |", key.name, key.form, without(key));
    }
    out.push('\n');
    for key in section.keys {
        let _ = writeln!(out, "- `{}`: {}", key.name, key.doc);
    }
}

fn without(key: &Key) -> String {
    match key.absent {
        Absent::Required => "**must be written**".to_owned(),
        Absent::Default(text) => format!("`{text}`"),
        Absent::Means(words) => words.to_owned(),
    }
}
