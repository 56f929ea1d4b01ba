//! One controller per database file: an advisory lock on a file beside it.
//!
//! The operating system lets go of it when the process ends, however it ends, so there is nothing to clean up.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// Held as long as this value lives.
#[derive(Debug)]
pub(super) struct FileLock(File);

impl Drop for FileLock {
    fn drop(&mut self) {
        // Closing alone leaves it with whoever has the file as well, as a program does that is being started at this moment.
        if let Err(error) = self.0.unlock() {
            tracing::debug!(%error, "the lock file is let go of by closing it alone");
        }
    }
}

impl FileLock {
    /// Takes the lock of a database, or says who has it.
    pub(super) fn take(database: &Path) -> Result<Self> {
        let path = beside(database);
        let at = database.display().to_string();
        let opened = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
        let mut file = opened.map_err(|error| failed(&at, &path, error))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(Error::Locked { at, holder: holder(&mut file) });
            }
            Err(TryLockError::Error(error)) => return Err(failed(&at, &path, error)),
        }
        // Who holds it is a courtesy to the next reader; the lock holds without it.
        let note = format!("{}\n", std::process::id());
        let noted = file.set_len(0).and_then(|()| file.write_all(note.as_bytes()));
        if let Err(error) = noted {
            tracing::debug!(path = %path.display(), %error, "could not note the holder in the lock file");
        }
        Ok(Self(file))
    }
}

fn beside(database: &Path) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(".lock");
    PathBuf::from(name)
}

fn holder(file: &mut File) -> String {
    let mut text = String::new();
    let read = file.seek(SeekFrom::Start(0)).and_then(|_| file.take(32).read_to_string(&mut text));
    match (read, text.trim()) {
        (Ok(_), pid) if !pid.is_empty() => format!("pid {pid}"),
        (Ok(_) | Err(_), _) => "pid unknown".to_owned(),
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the list of I/O errors is open")]
fn failed(at: &str, path: &Path, error: std::io::Error) -> Error {
    let why = match error.kind() {
        std::io::ErrorKind::NotFound => "its directory does not exist".to_owned(),
        std::io::ErrorKind::PermissionDenied | std::io::ErrorKind::ReadOnlyFilesystem => {
            return Error::ReadOnly {
                at: at.to_owned(),
                why: format!(
                    "{} cannot be created: the directory is read-only for this user",
                    path.display()
                ),
            };
        }
        _ => format!("{} cannot be locked", path.display()),
    };
    Error::Unavailable { at: at.to_owned(), why, source: Some(error.into()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_lets_go_lets_go_though_a_child_has_the_file_open_as_well() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("evenkeel.db");
        let lock = FileLock::take(&database).unwrap();
        let _inherited = lock.0.try_clone().unwrap();
        assert!(matches!(FileLock::take(&database), Err(Error::Locked { .. })));
        drop(lock);
        FileLock::take(&database).unwrap();
    }
}
