//! `[access.proxy]` and `http.trusted_proxies`: proxies in front, and what of their word counts. What does not live here:
//! what they say; that is `evenkeel_web`.

use std::net::IpAddr;

use evenkeel_web::{HeaderName, Level, Proxy};
use ipnet::IpNet;

use super::key::{Key, Section};
use super::table::{Table, Value};
use super::value::Read;

const FROM: Key = Key::required(
    "from",
    "list of addresses or networks",
    "From where the proxy connects, as `\"192.168.2.5\"` or `\"10.0.0.0/8\"`. From everybody else its headers are taken \
     away unread.",
);
const USER_HEADER: Key = Key::with_default(
    "user_header",
    "name of a header",
    "\"Remote-User\"",
    "The header in which it says who is logged in. Authelia: `Remote-User`; Authentik: `X-authentik-username`; \
     oauth2-proxy: `X-Auth-Request-User` or `X-Forwarded-User`.",
);
const GROUPS_HEADER: Key = Key::optional(
    "groups_header",
    "name of a header",
    "groups do not count",
    "The header with their groups, separated by commas or `|`.",
);
const ROLES: Key = Key::optional(
    "roles",
    "table of roles by group",
    "groups do not count",
    "What the members of a group may do, as `{ admins = \"admin\", family = \"viewer\" }`; of several the most.",
);
const DEFAULT_ROLE: Key = Key::optional(
    "default_role",
    "`viewer`, `operator`, `approver` or `admin`",
    "nothing",
    "What everybody else may do whom it logs in.",
);

/// `[access.proxy]`.
pub(super) const SECTION: Section = Section {
    header: "[access.proxy]",
    doc: "A proxy in front that logs people in and says in a header who they are (Authelia, Authentik, oauth2-proxy). It must \
          overwrite the header, whatever the visitor sent.",
    keys: &[&FROM, &USER_HEADER, &GROUPS_HEADER, &ROLES, &DEFAULT_ROLE],
    inherits: &[],
};

impl Read for IpNet {
    fn read(value: &Value<'_>) -> Option<Self> {
        let text = String::read(value)?;
        let address = || text.parse::<IpAddr>().ok().map(|address| Self::from(address.to_canonical()));
        match text.parse::<Self>().ok().or_else(address) {
            Some(network) if network.prefix_len() == 0 => {
                value.wrong(format!("`{text}` is everybody; name the proxy's own address or network"))
            }
            Some(network) => Some(network.trunc()),
            None => value.wrong(format!(
                "`{text}` is neither an address (192.168.2.5) nor a network (10.0.0.0/8); names are not looked up"
            )),
        }
    }
}

impl Read for HeaderName {
    fn read(value: &Value<'_>) -> Option<Self> {
        let text = String::read(value)?;
        match text.parse::<Self>() {
            Ok(name) if TAKEN.contains(&name.as_str()) => {
                value.wrong(format!("`{text}` has a meaning of its own; have the proxy use another header"))
            }
            Ok(name) => Some(name),
            Err(_) => value.wrong(format!("`{text}` is not the name of a header")),
        }
    }
}

/// Headers that visitors send for other reasons.
const TAKEN: [&str; 6] = ["authorization", "cookie", "host", "origin", "accept", "content-type"];

/// Reads the table.
pub(super) fn read(table: &Table<'_>) -> Option<Proxy> {
    let from = table.get::<Vec<IpNet>>(&FROM);
    if table.is_empty_list(&FROM) {
        table.wrong(&FROM, "names nobody; write from where the proxy connects");
    }
    let (user_header, groups_header) = (table.get(&USER_HEADER), table.get::<HeaderName>(&GROUPS_HEADER));
    let roles: Vec<Option<(String, Level)>> =
        table.entries(&ROLES).iter().map(|(group, role)| Some((group.clone(), Level::read(role)?))).collect();
    let default_role = table.get::<Level>(&DEFAULT_ROLE);
    if table.has(&ROLES) && !table.has(&GROUPS_HEADER) {
        table.wrong(&ROLES, "counts for nothing without `groups_header`; name the header with the groups");
    }
    if !table.has(&ROLES) && !table.has(&DEFAULT_ROLE) {
        table.wrong(
            &ROLES,
            "is missing, and `default_role` as well: nobody could do anything; write one of the two",
        );
    }
    if groups_header.is_none() && table.has(&GROUPS_HEADER)
        || default_role.is_none() && table.has(&DEFAULT_ROLE)
    {
        return None;
    }
    let roles = roles.into_iter().collect::<Option<_>>();
    Some(Proxy { from: from?, user_header: user_header?, groups_header, roles: roles?, default_role })
}
