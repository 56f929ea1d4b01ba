//! How a failed request reads: the kind of gap, and a phrase with place and cause.
//!
//! What does not live here: what a status or a body of a particular system means.

use std::io;

use evenkeel_ambient::network::Lost;
use evenkeel_core::{Gap, GapKind};
use url::Url;

/// The gap that this failure leaves. `what` says what was asked (`GET https://netbox.lan/api/status/`).
/// Credentials in addresses are dropped.
pub fn gap_of(what: &str, error: &Lost) -> Gap {
    let cause = cause_of(error);
    let (kind, words) = if error.is_timeout() || cause.io == Some(io::ErrorKind::TimedOut) {
        let missing = if error.is_connect() { "connection" } else { "answer" };
        (GapKind::TimedOut, format!("no {missing} within the time allowed"))
    } else if error.is_body() {
        (GapKind::Truncated, format!("the answer ended early ({})", cause.words))
    } else {
        (GapKind::Unreachable, cause.words)
    };
    Gap::new(kind, format!("{what}: {words}"))
}

/// Whether the connection was lost under a request that may well succeed on a fresh one: the server closed a kept
/// connection, or reset this one. A refused connection is not of this kind: nobody is there, and that is an answer.
pub(super) fn is_passing(error: &Lost) -> bool {
    if error.is_timeout() {
        return false;
    }
    let cause = cause_of(error);
    cause.incomplete
        || matches!(
            cause.io,
            Some(
                io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted | io::ErrorKind::BrokenPipe
            ) | Some(io::ErrorKind::UnexpectedEof)
        )
}

/// Host and port of an address, for phrases: `netbox.lan:8000`, `netbox.lan`.
pub fn place_of(url: &Url) -> String {
    let host = url.host_str().unwrap_or("?");
    match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

/// The address without user and password, and without the query, which can carry credentials, too.
pub fn without_userinfo(url: &Url) -> String {
    let mut url = url.clone();
    // Both fail only for addresses that cannot have user information; then there is none to drop.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_query(None);
    url.set_fragment(None);
    url.into()
}

struct Cause {
    words: String,
    io: Option<io::ErrorKind>,
    incomplete: bool,
}

/// The innermost cause, which is the one that tells something; the outer ones only say which layer passed it on.
fn cause_of(error: &Lost) -> Cause {
    let mut cause = Cause { words: String::new(), io: None, incomplete: false };
    for current in error.causes() {
        let text = current.to_string();
        cause.incomplete |=
            text.contains("before message completed") || text.contains("unexpected end of file");
        if let Some(io) = current.downcast_ref::<io::Error>() {
            cause.io = Some(io.kind());
            if let Some(tls) = tls_inside(io) {
                cause.words = tls_words(tls);
                return cause;
            }
        }
        if let Some(tls) = current.downcast_ref::<rustls::Error>() {
            cause.words = tls_words(tls);
            return cause;
        }
        cause.words = text;
    }
    cause.words = match cause.io {
        Some(io::ErrorKind::ConnectionRefused) => "connection refused".to_owned(),
        Some(io::ErrorKind::ConnectionReset) => "connection reset".to_owned(),
        Some(io::ErrorKind::HostUnreachable) => "no route to host".to_owned(),
        Some(io::ErrorKind::NetworkUnreachable) => "network unreachable".to_owned(),
        _ if cause.words.contains("before message completed") => {
            "connection closed without an answer".to_owned()
        }
        _ if cause.words.is_empty() => "request failed".to_owned(),
        _ => dns_words(&cause.words),
    };
    cause
}

/// An I/O error does not name what it wraps among its sources, and TLS failures come wrapped once or twice.
fn tls_inside(error: &io::Error) -> Option<&rustls::Error> {
    let inner = error.get_ref()?;
    inner.downcast_ref::<rustls::Error>().or_else(|| tls_inside(inner.downcast_ref::<io::Error>()?))
}

fn dns_words(words: &str) -> String {
    if words.contains("failed to lookup address") || words.contains("dns error") {
        return "the host name does not resolve".to_owned();
    }
    let mut chars = words.chars();
    match chars.next() {
        Some(first) => first.to_lowercase().chain(chars).collect(),
        None => String::new(),
    }
}

fn tls_words(error: &rustls::Error) -> String {
    use rustls::{CertificateError as C, Error as E};
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "rustls's errors are not ours; the rest prints itself"
    )]
    match error {
        E::InvalidCertificate(C::UnknownIssuer) => {
            "certificate: unknown issuer — pin it with `pin`, or name its authority with `ca_file`".to_owned()
        }
        E::InvalidCertificate(C::Expired | C::ExpiredContext { .. }) => "certificate: expired".to_owned(),
        E::InvalidCertificate(C::NotValidYet | C::NotValidYetContext { .. }) => {
            "certificate: not valid yet — is the clock right?".to_owned()
        }
        E::InvalidCertificate(C::NotValidForName | C::NotValidForNameContext { .. }) => {
            "certificate: issued for another name — use that name in the address, or pin it with `pin`"
                .to_owned()
        }
        E::InvalidCertificate(C::Other(other)) if other.to_string().contains("CaUsedAsEndEntity") => {
            "certificate: self-signed as an authority — pin it with `pin`".to_owned()
        }
        E::InvalidCertificate(other) => format!("certificate: {other}"),
        E::General(text) => format!("certificate: {text}"),
        E::InvalidMessage(_) => "the server does not speak tls — is the address http://?".to_owned(),
        E::AlertReceived(alert) => {
            format!("the server refuses the tls handshake ({alert:?}) — does it want a client certificate?")
        }
        other => format!("tls: {other}"),
    }
}

#[cfg(test)]
mod tests {
    use evenkeel_ambient::network;

    use super::*;

    #[test]
    fn an_address_is_shown_without_credentials() {
        let url = Url::parse("https://admin:hunter2@netbox.lan:8443/netbox/api/?token=abc#x").unwrap();
        assert_eq!(without_userinfo(&url), "https://netbox.lan:8443/netbox/api/");
        assert_eq!(place_of(&url), "netbox.lan:8443");
    }

    #[tokio::test]
    async fn a_refused_connection_says_so_with_the_address_and_without_the_password() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let url = Url::parse(&format!("http://me:hunter2@127.0.0.1:{port}/api/")).unwrap();
        let client = super::super::client(&Default::default(), &Default::default()).unwrap();
        let error = network::send(&client, client.get(url.clone()).build().unwrap()).await.unwrap_err();
        let gap = gap_of(&format!("GET {}", without_userinfo(&url)), &error);
        assert_eq!(gap.kind, GapKind::Unreachable);
        assert_eq!(&*gap.why, format!("GET http://127.0.0.1:{port}/api/: connection refused"));
    }
}
