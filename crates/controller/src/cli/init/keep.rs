//! Files on the disk: nothing is written over unasked, nothing is there in half, and what is secret is readable for its owner
//! alone.
//!
//! What does not live here: what is in them.

use std::fs::Permissions;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::cli::failure::Failure;

/// For everybody; secrets are for their owner alone.
const OPEN: u32 = 0o644;

/// A file to be written.
#[derive(Debug)]
pub(super) struct File {
    pub(super) path: PathBuf,
    pub(super) text: String,
    pub(super) is_secret: bool,
}

/// Refuses what would write over something, before anything is asked of anybody.
pub(super) fn refuse_what_is_there(paths: &[&Path], force: bool) -> Result<(), Failure> {
    // A link to nowhere is there as well.
    match paths.iter().find(|path| path.symlink_metadata().is_ok()) {
        Some(path) if !force => Err(exists(path)),
        Some(_) | None => Ok(()),
    }
}

fn exists(path: &Path) -> Failure {
    Failure::new(
        anyhow::anyhow!("{} is there already and was not touched", path.display()),
        Some("--force replaces it, --output names another file"),
    )
}

/// Writes all of them, the last one last: whoever sees it sees everything that it names. If one cannot be written, none of
/// those that were not there before stays.
pub(super) fn keep(files: &[File], force: bool) -> Result<(), Failure> {
    // Everything is on the disk before anything has its name.
    let prepared: Vec<(&File, NamedTempFile)> =
        files.iter().map(|file| prepare(file).map(|prepared| (file, prepared))).collect::<Result<_, _>>()?;
    let mut new: Vec<&Path> = Vec::new();
    for (file, prepared) in prepared {
        let is_new = file.path.symlink_metadata().is_err();
        let done = match force {
            true => prepared.persist(&file.path),
            false => prepared.persist_noclobber(&file.path),
        };
        if let Err(error) = done {
            new.iter().for_each(|path| {
                // What cannot be taken away again is at least not what is run with.
                let _ = std::fs::remove_file(path);
            });
            let is_there = error.error.kind() == std::io::ErrorKind::AlreadyExists;
            return Err(if is_there { exists(&file.path) } else { cannot(&file.path, error.error) });
        }
        if is_new {
            new.push(&file.path);
        }
    }
    Ok(())
}

fn prepare(file: &File) -> Result<NamedTempFile, Failure> {
    let write = || {
        let folder = file.path.parent().filter(|folder| !folder.as_os_str().is_empty());
        // Readable for its owner alone from the first moment on.
        let mut prepared = NamedTempFile::new_in(folder.unwrap_or(Path::new(".")))?;
        prepared.write_all(file.text.as_bytes())?;
        if !file.is_secret {
            prepared.as_file().set_permissions(Permissions::from_mode(OPEN))?;
        }
        prepared.as_file().sync_all()?;
        Ok(prepared)
    };
    write().map_err(|error: std::io::Error| cannot(&file.path, error))
}

fn cannot(path: &Path, error: std::io::Error) -> Failure {
    let error = anyhow::Error::new(error).context(format!("{} cannot be written", path.display()));
    Failure::new(error, Some("--output names another place"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(folder: &Path) -> [File; 2] {
        let secret = File { path: folder.join("e.secret"), text: "hush".to_owned(), is_secret: true };
        [secret, File { path: folder.join("e.toml"), text: "new".to_owned(), is_secret: false }]
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(folder).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort_unstable();
        names
    }

    fn mode(path: &Path) -> u32 {
        path.metadata().unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn a_secret_is_for_its_owner_alone_and_nothing_else_is_left_beside() {
        let folder = tempfile::tempdir().unwrap();
        let files = files(folder.path());
        keep(&files, false).unwrap();
        assert_eq!((mode(&files[0].path), mode(&files[1].path)), (0o600, 0o644));
        assert_eq!(names(folder.path()), ["e.secret", "e.toml"]);
    }

    #[test]
    fn what_is_there_stays_as_it_is_and_leaves_nothing_new_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let files = files(folder.path());
        std::fs::write(&files[1].path, "old").unwrap();
        let paths: Vec<&Path> = files.iter().map(|file| file.path.as_path()).collect();
        assert!(refuse_what_is_there(&paths, false).is_err());
        assert!(keep(&files, false).is_err());
        assert_eq!(names(folder.path()), ["e.toml"]);
        assert_eq!(std::fs::read_to_string(&files[1].path).unwrap(), "old");
        refuse_what_is_there(&paths, true).unwrap();
        keep(&files, true).unwrap();
        assert_eq!(std::fs::read_to_string(&files[1].path).unwrap(), "new");
    }

    #[test]
    fn where_nothing_can_be_written_nothing_is() {
        let folder = tempfile::tempdir().unwrap();
        let mut files = files(folder.path());
        files[1].path = folder.path().join("nowhere/e.toml");
        assert!(format!("{:?}", keep(&files, true).unwrap_err()).contains("cannot be written"));
        assert_eq!(names(folder.path()), Vec::<String>::new());
    }
}
