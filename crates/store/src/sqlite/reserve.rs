//! Room kept for a full disk. Deleting needs some: SQLite writes what it deletes into its log first, and the log into
//! the file. On a disk without a free block nothing could be removed any more, and so nothing could ever be written
//! again until a person makes room. So a file beside the database takes up what retention needs, and is given up to it.

use std::fs::File;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use super::Inner;
use crate::error::{Error, Result};

/// As much as the log may hold that is not in the file yet, and some for the log to grow by.
const MOST: u64 = 24 << 20;
/// A database that has just begun.
const SMALL: u64 = 2 << 20;
/// Written at a time.
const BLOCK: u64 = 1 << 20;

/// How large the file is once all of the log is in it.
const WHOLE: &str = "SELECT c.page_count * s.page_size FROM pragma_page_count() c, pragma_page_size() s";

impl Inner {
    /// Takes up the room, where it is not taken up already. A disk that is too full for it has none to spare.
    pub(super) async fn keep_reserve(&self) {
        let Some(path) = self.path.as_deref().map(beside) else { return };
        let kept = match self.size().await {
            // One that has just begun has little to move, and every one that lives will have grown by the next run.
            Ok(bytes) => {
                let blocks = if bytes < SMALL { 2 } else { MOST / BLOCK };
                let kept = tokio::task::spawn_blocking(move || keep(&path, blocks)).await;
                kept.map_err(std::io::Error::other).flatten()
            }
            Err(error) => Err(std::io::Error::other(error)),
        };
        if let Err(error) = kept {
            tracing::debug!(store = %self.at, %error, "no room could be kept for when the disk is full");
        }
    }

    /// Puts the log into the file, so that it is written from its beginning again: room, though nothing was removed. A file
    /// that has to grow for it on a disk without a free block gets the reserve, if that is enough: spent in vain it would
    /// be missed when there is something to remove.
    pub(super) async fn empty_log(&self) -> Result<()> {
        let mut tx = self.lock().await?;
        let moved = sqlx::query("PRAGMA wal_checkpoint(PASSIVE)").execute(tx.connection()).await;
        let whole = sqlx::query_scalar(WHOLE).fetch_one(tx.connection()).await;
        drop(tx);
        match moved.map_err(|error| self.explain(error)) {
            Ok(_) => return Ok(()),
            Err(Error::Full { .. }) => {}
            Err(error) => return Err(error),
        }
        let whole: i64 = whole.map_err(|error| self.explain(error))?;
        if self.reserve_takes(whole.cast_unsigned()) && self.use_reserve().await? {
            tracing::warn!(store = %self.at, "the disk is full; the log uses the room kept for that");
        }
        Ok(())
    }

    /// Whether the file can become so large with what the reserve takes up.
    fn reserve_takes(&self, whole: u64) -> bool {
        let Some(path) = self.path.as_deref() else { return false };
        let long = |path: &Path| std::fs::metadata(path).map(|meta| meta.len());
        match (long(path), long(&beside(path))) {
            (Ok(file), Ok(reserve)) => file + reserve >= whole,
            // Not there, or not to be read: nothing to spend.
            (Err(_), _) | (_, Err(_)) => false,
        }
    }

    /// Gives the room up and puts the log into the file; says whether there was any.
    pub(super) async fn use_reserve(&self) -> Result<bool> {
        let Some(path) = self.path.as_deref().map(beside) else { return Ok(false) };
        match std::fs::remove_file(&path) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
            Err(source) => {
                return Err(Error::Unavailable {
                    at: self.at.to_string(),
                    why: format!("the room kept for a full disk ({}) cannot be given up", path.display()),
                    source: Some(source.into()),
                });
            }
        }
        let mut tx = self.lock().await?;
        let done = sqlx::query("PRAGMA wal_checkpoint(RESTART)").execute(tx.connection()).await;
        done.map(|_| true).map_err(|error| self.explain(error))
    }
}

fn beside(database: &Path) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push("-reserve");
    PathBuf::from(name)
}

fn keep(path: &Path, blocks: u64) -> std::io::Result<()> {
    if std::fs::metadata(path).is_ok_and(|meta| meta.len() >= blocks * BLOCK) {
        return Ok(());
    }
    let filled = File::create(path).and_then(|mut file| fill(&mut file, blocks));
    if filled.is_err() {
        std::fs::remove_file(path)?;
    }
    filled
}

/// Nothing a file system could make smaller: zeros take no room on one that compresses.
fn fill(file: &mut File, blocks: u64) -> std::io::Result<()> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut block = vec![0_u8; 1 << 20];
    for _ in 0..blocks {
        for word in block.chunks_exact_mut(8) {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            word.copy_from_slice(&state.to_le_bytes());
        }
        file.write_all(&block)?;
    }
    file.sync_all()
}
