//! Where the server is and how it is trusted: the address as the operator wrote it, read strictly, and what it takes to
//! believe that the other side is the right one.

use std::path::{Path, PathBuf};
use std::str::FromStr as _;

use evenkeel_core::Secret;
use sqlx::ConnectOptions as _;
use sqlx::postgres::{PgConnectOptions, PgSslMode};

use crate::error::{Error, Result};

/// Where the server is and how to speak with it.
#[derive(Clone, Debug)]
pub struct Options {
    /// `postgres://user@host:5432/database`. It may hold a password.
    pub url: Secret,
    /// The password, if the address holds none.
    pub password: Option<Secret>,
    /// PEM file of authorities to trust beside the platform's; with it the server is always verified.
    pub ca_file: Option<PathBuf>,
    /// The schema that holds the tables; made if it is missing.
    pub schema: String,
    /// A pooler in between lends connections for one transaction at a time (Supabase's port 6543, pgbouncer in
    /// transaction mode).
    pub transaction_pooler: bool,
    /// Consent to speak without TLS with another machine.
    pub plaintext: bool,
    /// How many connections at most, beside the one that leads and the one that listens.
    pub connections: u32,
}

/// What may follow the `?`. The driver ignores everything else, and logs it with its value: it could be a password.
const PARAMETERS: &[&str] = &[
    "sslmode",
    "ssl-mode",
    "sslrootcert",
    "ssl-root-cert",
    "ssl-ca",
    "sslcert",
    "ssl-cert",
    "sslkey",
    "ssl-key",
    "host",
    "hostaddr",
    "port",
    "dbname",
    "user",
    "password",
    "application_name",
    "options",
];

/// Reads the address and decides on trust. Also says the database in words, without a password.
pub(super) fn read(options: &Options) -> Result<(PgConnectOptions, String)> {
    let Options { url, password, ca_file, schema, transaction_pooler: _, plaintext, connections: _ } =
        options;
    let mut connect = parse(url.expose())?;
    if let Some(password) = password {
        connect = connect.password(password.expose());
    }
    if let Some(bare) = connect.get_host().strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        let bare = bare.to_owned();
        connect = connect.host(&bare);
    }
    let at = spelled(&connect, schema);
    let is_local = connect.get_socket().is_some() || is_loopback(connect.get_host());
    let mut mode = trust(connect.get_ssl_mode(), is_local || *plaintext);
    if let Some(file) = ca_file {
        check_authorities(file, &at)?;
        connect = connect.ssl_root_cert(file);
        mode = PgSslMode::VerifyFull;
    }
    let connect = connect.ssl_mode(mode).application_name("evenkeel").disable_statement_logging();
    Ok((connect, at))
}

/// What the connection must prove. Encrypted without knowing by whom protects from nobody, so another machine is always
/// verified, whatever the address asks for less, unless the operator consents to plaintext.
fn trust(wanted: PgSslMode, consented: bool) -> PgSslMode {
    match wanted {
        PgSslMode::VerifyFull => PgSslMode::VerifyFull,
        PgSslMode::VerifyCa => PgSslMode::VerifyCa,
        PgSslMode::Disable | PgSslMode::Require if consented => wanted,
        PgSslMode::Allow | PgSslMode::Prefer if consented => PgSslMode::Prefer,
        PgSslMode::Disable | PgSslMode::Allow | PgSslMode::Prefer | PgSslMode::Require => {
            PgSslMode::VerifyFull
        }
    }
}

fn parse(url: &str) -> Result<PgConnectOptions> {
    // The driver's own words may repeat the address, and with it a password: none of them is passed on.
    let unreadable = || {
        denied("postgresql", "its address cannot be read: it looks like postgres://user@host:5432/database")
    };
    if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
        return Err(unreadable());
    }
    let parameters = url.split_once('?').map_or("", |(_, query)| query);
    for parameter in parameters.split('&').filter(|parameter| !parameter.is_empty()) {
        let Some((key, _)) = parameter.split_once('=') else { return Err(unreadable()) };
        if key == "pgbouncer" {
            return Err(denied(
                "postgresql",
                "its address says `pgbouncer`: set `store.transaction_pooler` instead",
            ));
        }
        if !PARAMETERS.contains(&key) {
            return Err(denied(
                "postgresql",
                format!(
                    "nobody knows the parameter {key:?} of its address: known are {}",
                    PARAMETERS.join(", ")
                ),
            ));
        }
    }
    PgConnectOptions::from_str(url).map_err(|_| unreadable())
}

/// A file that cannot be read would otherwise show only as a server that cannot be trusted.
fn check_authorities(file: &Path, at: &str) -> Result<()> {
    let pem = std::fs::read_to_string(file)
        .map_err(|error| denied(at, format!("`store.ca_file` {} cannot be read: {error}", file.display())))?;
    if !pem.contains("-----BEGIN CERTIFICATE-----") {
        return Err(denied(
            at,
            format!("`store.ca_file` {} holds no certificate in PEM form", file.display()),
        ));
    }
    Ok(())
}

fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// The database in words: no password.
fn spelled(connect: &PgConnectOptions, schema: &str) -> String {
    let user = connect.get_username();
    let database = connect.get_database().unwrap_or(user);
    let place = match connect.get_socket() {
        Some(socket) => socket.display().to_string(),
        None if connect.get_host().contains(':') => {
            format!("[{}]:{}", connect.get_host(), connect.get_port())
        }
        None => format!("{}:{}", connect.get_host(), connect.get_port()),
    };
    let schema = if schema == "public" { String::new() } else { format!(", schema {schema}") };
    format!("postgresql {user}@{place}/{database}{schema}")
}

/// A schema's name as SQL takes it. What needs more than letters, digits and underscores is refused: it is spliced into
/// statements and settings.
pub(super) fn quoted(schema: &str, at: &str) -> Result<String> {
    let plain = schema.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if plain && (1..=63).contains(&schema.len()) {
        return Ok(format!("\"{schema}\""));
    }
    Err(denied(at, format!("{schema:?} is no schema's name: letters, digits and underscores, at most 63")))
}

fn denied(at: &str, why: impl Into<String>) -> Error {
    Error::Denied { at: at.to_owned(), why: why.into(), source: None }
}

#[cfg(test)]
mod tests {
    use super::{PgSslMode, is_loopback, trust};

    #[test]
    fn another_machine_is_verified_whatever_the_address_says() {
        for wanted in ["disable", "allow", "prefer", "require", "verify-full"] {
            let wanted: PgSslMode = wanted.parse().unwrap();
            assert!(matches!(trust(wanted, false), PgSslMode::VerifyFull), "{wanted:?}");
        }
        assert!(matches!(trust(PgSslMode::VerifyCa, false), PgSslMode::VerifyCa));
    }

    #[test]
    fn this_machine_may_be_spoken_to_in_the_clear_but_what_was_demanded_counts() {
        assert!(matches!(trust(PgSslMode::Disable, true), PgSslMode::Disable));
        assert!(matches!(trust(PgSslMode::Prefer, true), PgSslMode::Prefer));
        assert!(matches!(trust(PgSslMode::Require, true), PgSslMode::Require));
        assert!(matches!(trust(PgSslMode::VerifyFull, true), PgSslMode::VerifyFull));
    }

    #[test]
    fn only_this_machine_is_this_machine() {
        for host in ["localhost", "LOCALHOST", "127.0.0.1", "127.8.8.8", "::1"] {
            assert!(is_loopback(host), "{host}");
        }
        for host in
            ["db.example", "localhost.example", "192.168.2.206", "0.0.0.0", "127.0.0.1.example", "::2"]
        {
            assert!(!is_loopback(host), "{host}");
        }
    }
}
