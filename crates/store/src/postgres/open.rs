//! Opening: where the server is, how it is trusted, and the connections.

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions, PgSslMode};
use sqlx::{ConnectOptions, Connection};

use super::Options;
use crate::error::{Error, Result};

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
    let (connect, at) = connect_options(options)?;
    let schema = quoted(&options.schema, &at)?;
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
        begin_writing: Arc::from(format!("BEGIN{preamble}")),
        channel: Arc::from(channel(&options.schema)),
    })
}

fn connect_options(options: &Options) -> Result<(PgConnectOptions, String)> {
    let Options { url, password, ca_file, schema, transaction_pooler: _, plaintext, connections: _ } =
        options;
    let mut connect = PgConnectOptions::from_str(url.expose()).map_err(|_| Error::Denied {
        at: "postgresql".to_owned(),
        // The driver's own words may repeat the address, and with it a password.
        why: "its address cannot be read: it looks like postgres://user@host:5432/database".to_owned(),
        source: None,
    })?;
    if let Some(password) = password {
        connect = connect.password(password.expose());
    }
    let at = spelled(&connect, schema);
    let is_local = connect.get_socket().is_some() || is_loopback(connect.get_host());
    let verified = if is_local || *plaintext { PgSslMode::Prefer } else { PgSslMode::VerifyFull };
    let wanted = connect.get_ssl_mode();
    connect = connect.ssl_mode(match wanted {
        PgSslMode::VerifyFull => PgSslMode::VerifyFull,
        PgSslMode::VerifyCa => PgSslMode::VerifyCa,
        PgSslMode::Disable if is_local || *plaintext => PgSslMode::Disable,
        // Encrypted without knowing by whom protects from nobody.
        PgSslMode::Disable | PgSslMode::Allow | PgSslMode::Prefer | PgSslMode::Require => verified,
    });
    if let Some(file) = ca_file {
        connect = connect.ssl_root_cert(file).ssl_mode(PgSslMode::VerifyFull);
    }
    Ok((connect.application_name("evenkeel").disable_statement_logging(), at))
}

fn is_loopback(host: &str) -> bool {
    let address = host.trim_matches(['[', ']']).parse::<std::net::IpAddr>();
    host.eq_ignore_ascii_case("localhost") || address.is_ok_and(|ip| ip.is_loopback())
}

/// The database in words: no password.
fn spelled(connect: &PgConnectOptions, schema: &str) -> String {
    let user = connect.get_username();
    let database = connect.get_database().unwrap_or(user);
    let place = match connect.get_socket() {
        Some(socket) => socket.display().to_string(),
        None => format!("{}:{}", connect.get_host(), connect.get_port()),
    };
    let schema = if schema == "public" { String::new() } else { format!(", schema {schema}") };
    format!("postgresql {user}@{place}/{database}{schema}")
}

/// A schema's name as SQL takes it. What needs more than letters, digits and underscores is refused: it is spliced into
/// statements and settings.
fn quoted(schema: &str, at: &str) -> Result<String> {
    let plain = schema.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if plain && (1..=63).contains(&schema.len()) {
        return Ok(format!("\"{schema}\""));
    }
    Err(Error::Denied {
        at: at.to_owned(),
        why: format!("{schema:?} is no schema's name: letters, digits and underscores, at most 63"),
        source: None,
    })
}

/// A channel's name, which has less room than a schema's. Two that share one hear each other's hints, no more.
fn channel(schema: &str) -> String {
    let name = format!("evenkeel_{schema}");
    name.chars().take(63).collect()
}
