//! `evenkeel backup`: a consistent copy of the database, made while the controller runs. Restoring is putting the file in
//! place of the old one, see docs/operations.md.

use std::path::Path;
use std::process::ExitCode;

use evenkeel_core::drift::size_words;
use evenkeel_store::Stats;
use evenkeel_store::sqlite::backup::{Backup, Error, backup};

use super::args::{Args, BackupOptions};
use super::failure::Failure;
use super::{Done, output};
use crate::config::Place;

pub(super) async fn run(args: &Args, options: &BackupOptions) -> Done {
    let config = output::config(args)?;
    output::log(args, "warn", config.log.format);
    let path = match &config.store.place {
        Place::Sqlite { path, synchronous: _ } => path,
        Place::Postgres(_) => {
            return Err(Failure::new(
                anyhow::anyhow!("the state is in PostgreSQL, which has a backup of its own"),
                Some("pg_dump --format=custom --file=evenkeel.dump, with the address of `store.url`"),
            ));
        }
    };
    let made = backup(path, &options.file).await.map_err(failed)?;
    output::line(&report(&options.file, &made));
    Ok(ExitCode::SUCCESS)
}

fn report(file: &Path, made: &Backup) -> String {
    let Backup { bytes, schema, stats } = made;
    let Stats {
        subjects,
        drifts_pending: _,
        drifts_open,
        drifts_resolved: _,
        events,
        last_seq,
        deliveries,
        observed_snapshots,
        expected_snapshots,
        journal,
        proposals,
        notices: _,
        bytes: _,
    } = stats;
    format!(
        "{}: {}, schema {schema}, sound\n  {subjects} subjects with {drifts_open} open drifts, {events} events up to number \
         {last_seq}, {deliveries} deliveries,\n  {observed_snapshots} observed and {expected_snapshots} expected snapshots, \
         {journal} journal rows, {proposals} proposals",
        file.display(),
        size_words(*bytes)
    )
}

fn failed(error: Error) -> Failure {
    let hint = match &error {
        Error::Exists(_) => "name a new file, for example with the date in it",
        Error::Io { .. } => "its folder must exist and be writable, and have room for the whole database",
        Error::Store(_) => "`store.path` in the configuration says where the database is",
        Error::Unsound { .. } => {
            "`evenkeel doctor` looks at the database itself; an older backup may be sound"
        }
    };
    Failure::new(error.into(), Some(hint))
}
