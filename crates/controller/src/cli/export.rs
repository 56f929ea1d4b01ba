//! `evenkeel export`: events and snapshots as JSON Lines, without holding them in memory.

use std::io::{BufWriter, Write};
use std::process::ExitCode;

use futures_util::StreamExt;

use super::args::{Args, ExportOptions};
use super::{Done, history, output};

pub(super) async fn run(args: &Args, options: &ExportOptions) -> Done {
    let store = history::open(&output::config(args)?).await?;
    let mut lines = store.export(options.since);
    let mut out = BufWriter::new(std::io::stdout().lock());
    while let Some(line) = lines.next().await {
        if let Err(error) = writeln!(out, "{}", line?.json) {
            return ended(error);
        }
    }
    match out.flush() {
        Ok(()) => Ok(ExitCode::SUCCESS),
        Err(error) => ended(error),
    }
}

/// A reader that has seen enough is no failure.
fn ended(error: std::io::Error) -> Done {
    if error.kind() == std::io::ErrorKind::BrokenPipe { Ok(ExitCode::SUCCESS) } else { Err(error.into()) }
}
