//! What a proxy in front says: whom it speaks for, how it is called, who is logged in there. Only proxies that are named are
//! believed; from everybody else it is taken away before anything sees it. Not here: what somebody who is logged in there
//! may do.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::{FORWARDED, HOST};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use ipnet::IpNet;

use super::Access;
use super::caller::{Level, Peer};

const FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const CALLED: HeaderName = HeaderName::from_static("x-forwarded-host");
/// What else proxies say of the same kind; nothing here reads it.
const UNREAD: [HeaderName; 4] = [
    FORWARDED,
    HeaderName::from_static("x-real-ip"),
    HeaderName::from_static("x-forwarded-port"),
    HeaderName::from_static("x-forwarded-server"),
];

/// A longer name is nobody's.
const LONGEST_NAME: usize = 128;

/// A proxy that logs people in and says who they are.
#[derive(Clone, Debug)]
pub struct Proxy {
    /// From where it connects.
    pub from: Vec<IpNet>,
    /// The header with the name.
    pub user_header: HeaderName,
    /// The header with the groups, if they count.
    pub groups_header: Option<HeaderName>,
    /// What the members of a group may do; the most counts.
    pub roles: Vec<(String, Level)>,
    /// What everybody else may do whom it logs in; nothing, or this.
    pub default_role: Option<Level>,
}

/// Whom the proxy vouches for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Vouched {
    /// This one, with what they may do, if anything.
    Somebody(Arc<str>, Option<Level>),
    /// What it says cannot be right.
    Unclear(&'static str),
}

/// Whether nobody reads along between the browser and whoever it is connected to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Safe(pub(super) bool);

/// Takes what proxies say out of the request, and what is believed of it over.
pub(crate) async fn forwarded(
    State(access): State<Arc<Access>>,
    mut request: Request,
    next: Next,
) -> Response {
    let rules = access.rules();
    let peer = request.extensions().get::<Peer>().map(|Peer(address)| *address);
    let is_among =
        |networks: &[IpNet]| peer.is_some_and(|peer| networks.iter().any(|network| network.contains(&peer)));
    let mut vouched = None;
    if let Some(proxy) = &rules.proxy {
        vouched = is_among(&proxy.from).then(|| vouches(proxy, request.headers())).flatten();
        request.headers_mut().remove(&proxy.user_header);
        if let Some(groups) = &proxy.groups_header {
            request.headers_mut().remove(groups);
        }
    }
    let mut is_safe = false;
    if let Some(peer) = peer.filter(|_| is_among(&rules.trusted_proxies)) {
        let client = client(request.headers(), peer, &rules.trusted_proxies);
        is_safe = only(request.headers(), &PROTO).is_some_and(|proto| proto == "https");
        let called = only(request.headers(), &CALLED).cloned();
        request.extensions_mut().insert(Peer(client));
        if let Some(called) = called {
            request.headers_mut().insert(HOST, called);
        }
    }
    for name in [FOR, PROTO, CALLED].into_iter().chain(UNREAD) {
        request.headers_mut().remove(name);
    }
    request.extensions_mut().insert(Safe(is_safe));
    if let Some(vouched) = vouched {
        request.extensions_mut().insert(vouched);
    }
    next.run(request).await
}

/// The one value of a header. Of several, nobody knows which the proxy meant.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a HeaderValue> {
    let mut values = headers.get_all(name).iter();
    let (first, second) = (values.next()?, values.next());
    (second.is_none() && !first.as_bytes().contains(&b',')).then_some(first)
}

/// Whom the request comes from: the last address that a proxy we trust has written and that is not such a proxy itself.
/// What stands before it, anybody may have written.
fn client(headers: &HeaderMap, peer: IpAddr, trusted: &[IpNet]) -> IpAddr {
    let lines: Vec<&str> = headers.get_all(FOR).iter().map(|line| line.to_str().unwrap_or("?")).collect();
    let mut nearest = peer;
    for written in lines.iter().rev().flat_map(|line| line.rsplit(',')) {
        // What is no address was written by somebody who is trusted, and is no address: whoever wrote it is as far as
        // can be seen.
        let Some(address) = address(written.trim()) else { return nearest };
        nearest = address;
        if !trusted.iter().any(|network| network.contains(&address)) {
            return address;
        }
    }
    nearest
}

/// An address as proxies write it, some with a port.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    let with_port = || text.parse::<SocketAddr>().ok().map(|address| address.ip());
    bare.parse().ok().or_else(with_port).map(|address: IpAddr| address.to_canonical())
}

/// Whom the proxy vouches for. `None`: it says nothing.
fn vouches(proxy: &Proxy, headers: &HeaderMap) -> Option<Vouched> {
    let mut values = headers.get_all(&proxy.user_header).iter();
    let (first, second) = (values.next()?, values.next());
    if second.is_some() {
        return Some(Vouched::Unclear(
            "the proxy names several users: it must overwrite the header, not add to it",
        ));
    }
    let name = std::str::from_utf8(first.as_bytes()).map_or("", str::trim);
    if name.is_empty() {
        return None;
    }
    if name.chars().count() > LONGEST_NAME || name.chars().any(char::is_control) {
        return Some(Vouched::Unclear("what the proxy calls the user is no name"));
    }
    let mut level = proxy.default_role;
    if let Some(header) = &proxy.groups_header {
        let mut values = headers.get_all(header).iter();
        let (first, second) = (values.next(), values.next());
        if second.is_some() {
            return Some(Vouched::Unclear(
                "the proxy sends several lists of groups: it must overwrite the header",
            ));
        }
        let groups = first.map_or("", |groups| std::str::from_utf8(groups.as_bytes()).unwrap_or(""));
        // Authentik separates them by `|`, the others by commas.
        for group in groups.split([',', '|']).map(str::trim) {
            let given = proxy.roles.iter().filter(|(name, _)| name == group).map(|(_, level)| *level).max();
            level = level.max(given);
        }
    }
    Some(Vouched::Somebody(name.into(), level))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nets(texts: &[&str]) -> Vec<IpNet> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        headers
    }

    #[test]
    fn the_client_is_the_last_that_no_trusted_proxy_is() {
        let trusted = nets(&["10.0.0.0/8", "192.168.2.5/32"]);
        let peer = IpAddr::from([192, 168, 2, 5]);
        let from = |lines: &[&'static str]| {
            let pairs: Vec<_> = lines.iter().map(|line| ("x-forwarded-for", *line)).collect();
            client(&headers(&pairs), peer, &trusted).to_string()
        };
        assert_eq!(from(&[]), "192.168.2.5");
        assert_eq!(from(&["203.0.113.9"]), "203.0.113.9");
        assert_eq!(from(&["127.0.0.1, 203.0.113.9, 10.1.2.3"]), "203.0.113.9");
        assert_eq!(from(&["127.0.0.1", "203.0.113.9"]), "203.0.113.9", "two lines are one list");
        assert_eq!(from(&["10.9.9.9, 10.1.2.3"]), "10.9.9.9", "nobody else is in it");
        assert_eq!(from(&["127.0.0.1, unknown, 10.1.2.3"]), "10.1.2.3");
        assert_eq!(from(&["203.0.113.9:5123"]), "203.0.113.9");
        assert_eq!(from(&["[2001:db8::1]:443"]), "2001:db8::1");
        assert_eq!(from(&["::ffff:203.0.113.9"]), "203.0.113.9");
    }

    #[test]
    fn a_role_is_the_most_that_any_group_gives() {
        let proxy = Proxy {
            from: nets(&["127.0.0.1/32"]),
            user_header: HeaderName::from_static("remote-user"),
            groups_header: Some(HeaderName::from_static("remote-groups")),
            roles: vec![("ops".to_owned(), Level::Operator), ("admins".to_owned(), Level::Admin)],
            default_role: None,
        };
        let of = |pairs: &[(&'static str, &'static str)]| vouches(&proxy, &headers(pairs));
        let ada = |level| Some(Vouched::Somebody("ada".into(), level));
        assert_eq!(
            of(&[("remote-user", "ada"), ("remote-groups", "staff,ops, admins")]),
            ada(Some(Level::Admin))
        );
        assert_eq!(of(&[("remote-user", "ada"), ("remote-groups", "ops|staff")]), ada(Some(Level::Operator)));
        assert_eq!(of(&[("remote-user", "ada"), ("remote-groups", "Admins,admins2")]), ada(None));
        assert_eq!(of(&[("remote-user", " ")]), None);
        assert_eq!(of(&[("remote-groups", "admins")]), None);
        for twice in [
            [("remote-user", "ada"), ("remote-user", "eve"), ("remote-groups", "admins")],
            [("remote-user", "ada"), ("remote-groups", "admins"), ("remote-groups", "ops")],
        ] {
            assert!(matches!(of(&twice), Some(Vouched::Unclear(_))), "{twice:?}");
        }
    }
}
