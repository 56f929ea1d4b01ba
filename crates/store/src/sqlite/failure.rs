//! SQLite's errors in the store's words.

use crate::error::Error;

/// SQLite's primary result codes that mean something to us.
mod code {
    pub(super) const BUSY: u32 = 5;
    pub(super) const LOCKED: u32 = 6;
    pub(super) const READONLY: u32 = 8;
    pub(super) const IOERR: u32 = 10;
    pub(super) const CORRUPT: u32 = 11;
    pub(super) const FULL: u32 = 13;
    pub(super) const CANTOPEN: u32 = 14;
    pub(super) const CONSTRAINT: u32 = 19;
    pub(super) const NOTADB: u32 = 26;
}

#[expect(clippy::wildcard_enum_match_arm, reason = "sqlx's list of errors is open")]
/// Says what an error of the driver means for the database at this place.
pub(super) fn explain(at: &str, error: sqlx::Error) -> Error {
    let at = at.to_owned();
    let unavailable =
        |why: &str, error| Error::Unavailable { at: at.clone(), why: why.to_owned(), source: Some(error) };
    match primary_code(&error) {
        Some(code::FULL) => Error::Full { at },
        Some(code::READONLY) => {
            Error::ReadOnly { at, why: "the file or its directory is read-only for this user".to_owned() }
        }
        Some(code::CONSTRAINT) => Error::Refused { at, why: database_message(&error) },
        Some(code::CORRUPT) => Error::corrupt(&at, "the database file", error),
        Some(code::NOTADB) => Error::corrupt(&at, "the file (it is no SQLite database)", error),
        Some(code::BUSY | code::LOCKED) => {
            unavailable("another program holds a lock on the file for too long", error.into())
        }
        Some(code::CANTOPEN) => unavailable(
            "the file cannot be opened: check that its directory exists and is writable for this user",
            error.into(),
        ),
        Some(code::IOERR) => unavailable("the disk failed", error.into()),
        Some(_) | None => match error {
            sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed => unavailable("it is closed", error.into()),
            error @ (sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_)) => {
                Error::corrupt(&at, "a column", error)
            }
            error => unavailable("the database refused", error.into()),
        },
    }
}

fn primary_code(error: &sqlx::Error) -> Option<u32> {
    let extended: u32 = error.as_database_error()?.code()?.parse().ok()?;
    Some(extended & 0xff)
}

fn database_message(error: &sqlx::Error) -> String {
    error.as_database_error().map_or_else(String::new, |e| e.message().to_lowercase())
}
