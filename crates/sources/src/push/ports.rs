//! Ports as people and scripts write them: `8096:8096` (host, then container), with `/udp` behind and an address in
//! front where they matter; or the host's port alone. Pure.

use std::net::IpAddr;

use evenkeel_core::model::{Port, Ports, Protocol, Published};
use serde_json::Value;

/// What this list publishes, or what of it could not be understood.
pub(super) fn read(list: &Value) -> Result<Published, String> {
    let Value::Array(items) = list else {
        return Err("are not a list such as [\"8096:8096\"]".to_owned());
    };
    let (mut open, mut loopback) = (Vec::new(), Vec::new());
    for item in items {
        let (port, is_loopback) = match item {
            Value::String(text) => port(text.trim()),
            Value::Number(number) => port(&number.to_string()),
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
        }
        .ok_or_else(|| format!("have an entry that is not host:container: {}", clipped(&item.to_string())))?;
        if is_loopback { loopback.push(port) } else { open.push(port) }
    }
    let open: Ports = open.into_iter().collect();
    // A port that is also open is not a loopback port.
    Ok(Published { loopback: loopback.into_iter().filter(|port| !open.contains(*port)).collect(), open })
}

/// The host's port, and whether it is bound to loopback.
fn port(text: &str) -> Option<(Port, bool)> {
    let (rest, protocol) = match text.split_once('/') {
        Some((rest, word)) => (rest, Protocol::parse(word)?),
        None => (text, Protocol::Tcp),
    };
    let (address, mapping) = match rest.strip_prefix('[') {
        Some(bracketed) => {
            let (address, mapping) = bracketed.split_once("]:")?;
            (Some(address), mapping)
        }
        None => match rest.match_indices(':').count() {
            0 | 1 => (None, rest),
            2 => rest.split_once(':').map(|(address, mapping)| (Some(address), mapping))?,
            _ => return None,
        },
    };
    let host = match mapping.split_once(':') {
        Some((host, container)) => {
            number(container)?;
            number(host)?
        }
        None => number(mapping)?,
    };
    let loopback = match address {
        None | Some("") => false,
        Some(address) => address.parse::<IpAddr>().ok()?.to_canonical().is_loopback(),
    };
    Some((Port { number: host, protocol }, loopback))
}

fn number(text: &str) -> Option<u16> {
    Port::parse(text).filter(|_| !text.contains('/')).map(|port| port.number)
}

fn clipped(text: &str) -> String {
    text.chars().take(40).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_hosts_side_counts() {
        let published =
            read(&json!(["8096:8096", "30024:8080/tcp", "53:5353/UDP", "127.0.0.1:5432:5432", 9000]))
                .unwrap();
        assert_eq!(published.open.to_string(), "53/udp 8096/tcp 9000/tcp 30024/tcp");
        assert_eq!(published.loopback.to_string(), "5432/tcp");
    }

    #[test]
    fn addresses_of_both_families_are_told_from_loopback() {
        for (text, shown) in [
            ("0.0.0.0:80:8080", Some((80, false))),
            ("[::]:80:8080", Some((80, false))),
            ("[::1]:80:8080", Some((80, true))),
            ("127.8.0.1:80:8080/udp", Some((80, true))),
            ("8080", Some((8080, false))),
            ("80:", None),
            (":80", None),
            ("0:80", None),
            ("65536:80", None),
            ("80-90:80-90", None),
            ("0.0.0.0:80->80/tcp", None),
            ("80:80/quic", None),
            ("nowhere:80:80", None),
            ("a:b:c:d", None),
            ("+80:80", None),
            ("", None),
        ] {
            assert_eq!(port(text).map(|(port, loopback)| (port.number, loopback)), shown, "{text}");
        }
    }

    #[test]
    fn one_entry_that_is_no_port_makes_all_of_them_unknown() {
        assert!(read(&json!(["80:80", "eighty"])).unwrap_err().contains("eighty"));
        assert!(read(&json!("80:80")).is_err());
        assert_eq!(read(&json!([])).unwrap(), Published::default());
    }
}
