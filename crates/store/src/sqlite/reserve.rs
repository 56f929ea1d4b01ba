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
