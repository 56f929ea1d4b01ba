//! `[store]`: which database keeps the state. What does not live here: how long things are kept (`[store.retention]`, in
//! [`super::system`]), and opening anything.

use std::path::PathBuf;
use std::sync::Arc;

use evenkeel_core::Secret;
use evenkeel_store::RetentionPolicy;
use url::Url;

use super::key::{Key, Section};
use super::retention::{self, SIZE_LIMIT, SizeLimit};
use super::table::{Table, Value};
use super::trust::CA_FILE;
use super::value::{Read, at_least, word};

/// Where state is kept, and for how long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreConfig {
    /// Which database.
    pub place: Place,
    /// What this process is called among those that share the database; `None`: as its machine is.
    pub replica: Option<Arc<str>>,
    /// Over how many bytes the database is a drift; `None`: however large.
    pub size_limit: Option<u64>,
    /// How long things are kept, and how many.
    pub retention: RetentionPolicy,
}

/// Which database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A file that belongs to one process.
    Sqlite {
        /// The file.
        path: PathBuf,
        /// How hard a commit is pressed onto the disk.
        synchronous: Synchronous,
    },
    /// A server that several processes may share.
    Postgres(Postgres),
}

/// SQLite's promise on a power cut.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Synchronous {
    /// Nothing that was committed is lost.
    #[default]
    Full,
    /// The file stays sound; the last commits before a power cut may be gone.
    Normal,
}

/// A PostgreSQL server and how it is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Postgres {
    /// Its address, which may hold the password.
    pub url: Secret,
    /// The password, where the address does not hold it.
    pub password: Option<Secret>,
    /// The authority its certificate is checked against; `None`: those of the system.
    pub ca_file: Option<PathBuf>,
    /// Where the tables are.
    pub schema: String,
    /// Whether a pooler in between hands each transaction to another connection.
    pub transaction_pooler: bool,
    /// Consent to speak to another machine without TLS.
    pub plaintext: bool,
    /// How many connections are used.
    pub connections: u32,
}

const PATH: Key = Key::with_default(
    "path",
    "path",
    "\"evenkeel.db\"",
    "The SQLite file. Its folder must exist and be writable.",
);
const SYNCHRONOUS: Key = Key::with_default(
    "synchronous",
    "`full` or `normal`",
    "\"full\"",
    "SQLite only. `full`: nothing that was committed is lost, not even by a power cut. `normal`: one flush less per \
     commit; the file stays sound, but the last commits before a power cut may be gone, and an event that was sent may \
     be sent again.",
);
const URL: Key = Key::optional(
    "url",
    "address or secret",
    "the state is kept in a SQLite file",
    "A PostgreSQL database (13 to 17, Supabase among them) in place of `path`: `postgres://evenkeel@db.lan/evenkeel`. An \
     address that holds a password is written as a secret. Several evenkeel may share one: see docs/replicas.md.",
);
const PASSWORD: Key = Key::optional(
    "password",
    "secret",
    "the address holds it, or none is needed",
    "PostgreSQL only. The password that goes with `url`.",
);
const SCHEMA: Key =
    Key::with_default("schema", "text", "\"public\"", "PostgreSQL only. The schema that holds the tables.");
const TRANSACTION_POOLER: Key = Key::with_default(
    "transaction_pooler",
    "true or false",
    "false",
    "PostgreSQL only. A pooler stands in between that hands each transaction to another connection (PgBouncer's \
     `pool_mode = transaction`, port 6543 of Supabase): nothing is then prepared on a connection.",
);
const INSECURE_PLAINTEXT: Key = Key::with_default(
    "insecure_plaintext",
    "true or false",
    "false",
    "PostgreSQL only. Consent to speak to another machine without TLS. To this machine, and through a socket in the \
     file system, none is needed.",
);
const CONNECTIONS: Key = Key::with_default(
    "connections",
    "number",
    "8",
    "PostgreSQL only. How many connections are used, at most.",
);
const REPLICA: Key = Key::optional(
    "replica",
    "text",
    "the machine's name",
    "What this evenkeel is called among those that share the database.",
);
const RETENTION: Key = Key::optional("retention", "table", "its defaults", "See `[store.retention]`.");

/// `[store]`.
pub(super) const SECTION: Section = Section {
    header: "[store]",
    doc: "Where the state is kept: in a SQLite file, which needs nothing else, or in PostgreSQL, which several replicas \
          may share.",
    keys: &[
        &PATH,
        &SYNCHRONOUS,
        &URL,
        &PASSWORD,
        &CA_FILE,
        &SCHEMA,
        &TRANSACTION_POOLER,
        &INSECURE_PLAINTEXT,
        &CONNECTIONS,
        &REPLICA,
        &SIZE_LIMIT,
        &RETENTION,
    ],
    inherits: &[],
};

impl Read for Synchronous {
    fn read(value: &Value<'_>) -> Option<Self> {
        word(value, "a way to write", &[("normal", Self::Normal), ("full", Self::Full)])
    }
}

/// The address of a server: in the file without a password, or as a secret.
struct Address(Secret);

impl Read for Address {
    fn read(value: &Value<'_>) -> Option<Self> {
        let is_written = value.as_str().is_some();
        let text = match is_written {
            true => Secret::new(String::read(value)?),
            false => Secret::read(value)?,
        };
        // The text is not repeated: it may hold a password.
        let url = match Url::parse(text.expose()) {
            Ok(url) if !matches!(url.scheme(), "postgres" | "postgresql") => {
                let instead = "write postgres://user@host/database; a SQLite file goes under `path`";
                return value.wrong(format!("`{}` is not supported; {instead}", url.scheme()));
            }
            Ok(url) => url,
            Err(error) => {
                return value.wrong(format!(
                    "is not an address: {error}; write postgres://user@host/database (what is special in a password \
                     is percent-encoded)"
                ));
            }
        };
        let has_password = url.password().is_some() || url.query_pairs().any(|(name, _)| name == "password");
        if is_written && has_password {
            return value.wrong(
                "holds a password, which is not written in the configuration; take it out and write \
                 password = { env = \"NAME\" }, or write the whole address as { env = \"NAME\" }",
            );
        }
        Some(Self(text))
    }
}

/// Reads `[store]`.
pub(super) fn read(table: &Table<'_>) -> Option<StoreConfig> {
    if table.has(&URL) && table.has(&PATH) {
        table.wrong(&PATH, "names a SQLite file, and `url` a server; the state is in one of the two");
    }
    let place = if table.has(&URL) { postgres(table) } else { sqlite(table) };
    let replica = table.get(&REPLICA);
    let size_limit = table.get::<SizeLimit>(&SIZE_LIMIT);
    let retention = retention::read(&table.table(&RETENTION, &retention::SECTION));
    Some(StoreConfig { place: place?, replica, size_limit: size_limit?.0, retention: retention? })
}

fn sqlite(table: &Table<'_>) -> Option<Place> {
    let others =
        [&PASSWORD, &CA_FILE, &SCHEMA, &TRANSACTION_POOLER, &INSECURE_PLAINTEXT, &CONNECTIONS, &REPLICA];
    foreign(table, &others, "is for PostgreSQL, and no `url` names a server");
    let (path, synchronous) = (table.get(&PATH), table.get(&SYNCHRONOUS));
    Some(Place::Sqlite { path: path?, synchronous: synchronous? })
}

fn postgres(table: &Table<'_>) -> Option<Place> {
    foreign(table, &[&SYNCHRONOUS], "is for SQLite, and `url` names a server");
    let url = table.get(&URL).map(|Address(url)| url);
    let password = table.get(&PASSWORD);
    let schema = table.checked(&SCHEMA, is_identifier);
    let transaction_pooler = table.get(&TRANSACTION_POOLER);
    let plaintext = table.get(&INSECURE_PLAINTEXT);
    // A lease is renewed and a question answered while everything else writes.
    let connections = table.checked(&CONNECTIONS, at_least(2));
    Some(Place::Postgres(Postgres {
        url: url?,
        password,
        ca_file: table.get(&CA_FILE),
        schema: schema?,
        transaction_pooler: transaction_pooler?,
        plaintext: plaintext?,
        connections: connections?,
    }))
}

fn foreign(table: &Table<'_>, keys: &[&Key], why: &str) {
    keys.iter().filter(|key| table.has(key)).for_each(|key| table.wrong(key, why));
}

/// Longer names are cut off by PostgreSQL without a word, and then two of them may be one.
#[expect(clippy::ptr_arg, reason = "what a table checks is what it read")]
fn is_identifier(name: &String) -> Result<(), String> {
    let sound = |c: char| c.is_ascii_alphanumeric() || c == '_';
    match name.len() {
        1..=63 if name.chars().all(sound) => Ok(()),
        _ => Err("must be 1 to 63 letters, digits and `_`".to_owned()),
    }
}
