//! PostgreSQL's errors in the store's words.

use crate::error::Error;

#[expect(clippy::wildcard_enum_match_arm, reason = "sqlx's list of errors is open")]
/// Says what an error of the driver means for the database at this place.
pub(super) fn explain(at: &str, error: sqlx::Error) -> Error {
    let at = at.to_owned();
    match error {
        sqlx::Error::Database(error) => by_state(at, error),
        sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed => unavailable(at, "it is closed", error),
        sqlx::Error::PoolTimedOut => {
            unavailable(at, "every connection is busy, or none can be made in time", error)
        }
        sqlx::Error::Tls(_) => unavailable(
            at,
            "the server's certificate is not trusted, or it speaks no tls: name its authority in `store.ca_file`",
            error,
        ),
        sqlx::Error::Io(_) => unavailable(at, "it cannot be reached", error),
        sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => Error::corrupt(&at, "a column", error),
        error => unavailable(at, "the database refused", error),
    }
}

/// By the SQLSTATE, of which the first two characters are the class.
fn by_state(at: String, error: Box<dyn sqlx::error::DatabaseError>) -> Error {
    let code = error.code().map(|code| code.into_owned()).unwrap_or_default();
    let message = error.message().to_owned();
    let error = sqlx::Error::Database(error);
    let denied =
        |why: String, error: sqlx::Error| Error::Denied { at: at.clone(), why, source: Some(error.into()) };
    match code.as_str() {
        "28P01" | "28000" => denied("user or password are wrong, or it may not log in from here".to_owned(), error),
        "3D000" => denied("there is no such database".to_owned(), error),
        "42501" => denied(format!("its rights do not suffice ({message})"), error),
        "25006" => Error::ReadOnly { at, why: "the server is a standby, or the role only reads".to_owned() },
        "53100" => Error::Full { at },
        // What a pooler does to statements that were prepared on another connection.
        "26000" | "42P05" | "08P01" => denied(
            "prepared statements do not survive on it: behind a pooler in transaction mode, set `store.transaction_pooler`"
                .to_owned(),
            error,
        ),
        "55P03" => unavailable(at, "somebody else holds a lock for too long", error),
        "57014" => unavailable(at, "a statement took too long", error),
        code if code.starts_with("23") => Error::Refused { at, why: message },
        _ => unavailable(at, "the database refused", error),
    }
}

fn unavailable(at: String, why: &str, error: sqlx::Error) -> Error {
    Error::Unavailable { at, why: why.to_owned(), source: Some(error.into()) }
}
