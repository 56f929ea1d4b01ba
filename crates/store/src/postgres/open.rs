//! Opening: the connections, and what is set on each. Where the server is and how it is trusted: `address`.

use std::sync::Arc;
use std::time::Duration;

use sqlx::Connection as _;
use sqlx::postgres::{PgPool, PgPoolOptions};

use super::{Options, address};
use crate::error::Result;

/// How long a transaction may sit there with its owner doing nothing: one that hangs or was cut off must not keep the
/// next leader waiting.
const IDLE_IN_TRANSACTION: &str = "5s";
/// How long a statement may take, and how long it may wait for a lock. No statement of ours takes long on a server that
/// works.
const STATEMENT: &str = "30s";
const LOCK: &str = "10s";
/// How long to wait for a connection.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long a connection that nobody uses is taken to be there still.
const FRESH: Duration = Duration::from_secs(1);

/// A server, and everything needed to speak with it.
pub(super) struct Server {
    /// The database as the operator knows it, without a password.
    pub(super) at: Arc<str>,
    /// For everything but leading.
    pub(super) pool: PgPool,
    /// For leading, which must not wait for anything else.
    pub(super) steady: PgPool,
    /// Begins a transaction that reads.
    pub(super) begin_reading: Arc<str>,
    /// Begins a transaction that writes.
    pub(super) begin_writing: Arc<str>,
    /// What those who have the same tables tell each other on.
    pub(super) channel: Arc<str>,
}

/// Prepares the connections; none is made yet.
pub(super) fn server(options: &Options, read_only: bool) -> Result<Server> {
    let (connect, at) = address::read(options)?;
    let schema = address::quoted(&options.schema, &at)?;
    let (connect, preamble) = if options.transaction_pooler {
        // Nothing but what every pooler lets through may be said at the start; the rest is said in each transaction.
        let preamble = format!(
            "; SET LOCAL search_path TO {schema}; SET LOCAL idle_in_transaction_session_timeout TO '{IDLE_IN_TRANSACTION}'; \
                SET LOCAL statement_timeout TO '{STATEMENT}'; SET LOCAL lock_timeout TO '{LOCK}'"
        );
        (connect.extra_float_digits(None).statement_cache_capacity(0), preamble)
    } else {
        let read_only = if read_only { "on" } else { "off" };
        let settings = [
            ("search_path", schema.as_str()),
            ("idle_in_transaction_session_timeout", IDLE_IN_TRANSACTION),
            ("statement_timeout", STATEMENT),
            ("lock_timeout", LOCK),
            ("default_transaction_read_only", read_only),
        ];
        (connect.options(settings), String::new())
    };
    let pool = |size: u32| {
        PgPoolOptions::new()
            .max_connections(size.max(1))
            .acquire_timeout(PATIENCE)
            // One that was in use a moment ago is not asked whether it is still there: that would be a trip for each.
            .test_before_acquire(false)
            .before_acquire(|connection, meta| {
                Box::pin(async move {
                    if meta.idle_for > FRESH {
                        connection.ping().await?;
                    }
                    Ok(true)
                })
            })
            .connect_lazy_with(connect.clone())
    };
    Ok(Server {
        at: Arc::from(at),
        pool: pool(options.connections),
        steady: pool(1),
        begin_reading: Arc::from(format!("BEGIN READ ONLY{preamble}")),
        // Whatever a database has as its default: a migration must see what another committed while it waited.
        begin_writing: Arc::from(format!("BEGIN ISOLATION LEVEL READ COMMITTED{preamble}")),
        channel: Arc::from(channel(&options.schema)),
    })
}

/// A channel's name, which has less room than a schema's. Two that share one hear each other's hints, no more.
fn channel(schema: &str) -> String {
    let name = format!("evenkeel_{schema}");
    name.chars().take(63).collect()
}
