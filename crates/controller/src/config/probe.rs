//! `[probe]`: which declared services are tried over the network, and how hard.

use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use evenkeel_core::{SourceId, SourceKind};
use evenkeel_sources::probe::{AddressRule, Config, HttpCheck, HttpRule, Reference, Scheme, Selection};

use super::key::{Key, Section};
use super::table::{Table, Value};
use super::trust::{self, CA_FILE};
use super::value::{Read, at_least, some_time, word};

/// The probe, and what it is to try.
#[derive(Clone, Debug)]
pub struct ProbeConfig {
    /// How it tries.
    pub source: Config,
    /// What it tries, beside what NetBox declares to be observed by a probe.
    pub selection: Selection,
    /// Between two looks.
    pub interval: Duration,
}

const NAME: Key =
    Key::with_default("name", "text", "\"main\"", "What it is called in events and metrics (`probe/main`).");
const TAG: Key = Key::with_default(
    "tag",
    "text",
    "\"probe\"",
    "The slug of the NetBox tag that asks for a probe, on a service or, for all its services, on a host. So does \
     `observed_by` with `probe`.",
);
const HOSTS: Key =
    Key::with_default("hosts", "list of globs", "[]", "Hosts all of whose services are probed.");
const SERVICES: Key =
    Key::with_default("services", "list of globs", "[]", "Services that are probed on whichever host.");
const REACHABILITY: Key = Key::with_default(
    "reachability",
    "list of globs",
    "[]",
    "Hosts that are asked whether they answer, and nothing else; a declared port that refuses is an answer, too.",
);
const HTTP: Key = Key::optional(
    "http",
    "list of tables",
    "a service is there if it takes a connection",
    "See `[[probe.http]]`.",
);
const ADDRESS: Key = Key::optional(
    "address",
    "list of tables",
    "hosts are tried at their addresses in NetBox",
    "See `[[probe.address]]`.",
);
const INTERVAL: Key =
    Key::with_default("interval", "duration", "\"60s\"", "Between two looks at everything.");
const TIMEOUT: Key = Key::with_default(
    "timeout",
    "duration",
    "\"3s\"",
    "How long one connection may take, and one answer of a web server.",
);
const TRIES: Key =
    Key::with_default("tries", "number", "2", "How often a port is tried before it is said not to answer.");
const PAUSE: Key = Key::with_default(
    "pause",
    "duration",
    "\"1s\"",
    "Between two tries of a port, at least; up to half as much is added by chance.",
);
const CONCURRENCY: Key =
    Key::with_default("concurrency", "number", "32", "How many connections may be open at once.");
const PER_HOST: Key = Key::with_default("per_host", "number", "2", "How many of them to one host.");
const PER_SECOND: Key =
    Key::with_default("per_second", "number", "50", "How many connections are begun per second at most.");
const SPACING: Key =
    Key::with_default("spacing", "duration", "\"50ms\"", "Between two connections to one host.");
const ICMP: Key = Key::with_default(
    "icmp",
    "true or false",
    "true",
    "Whether a host none of whose ports answers is asked by ICMP echo. It takes no privileges where \
     `net.ipv4.ping_group_range` covers evenkeel's group, and is not used elsewhere.",
);
const REFERENCE: Key = Key::with_default(
    "reference",
    "list of addresses",
    "[]",
    "Addresses of evenkeel's own network, such as the gateway's (`192.168.2.1`, `192.168.2.1:53`). If nothing answers, \
     and they do not either, evenkeel's own network is gone: everything is unknown then, and nothing is down. Without \
     them, that is assumed whenever two hosts or more are probed and none answers.",
);
const VANTAGE: Key = Key::optional(
    "vantage",
    "text",
    "the name of this machine",
    "From where it looks, for people: a port may be open from here and closed from there.",
);

/// `[probe]`.
pub(super) const SECTION: Section = Section {
    header: "[probe]",
    doc: "Tries declared TCP ports over the network: for machines that have no interface to ask, and for the container \
          that runs while its port is closed. Without this table nothing is probed. Only declared ports are tried, and \
          only on hosts that must run or may.",
    keys: &[
        &NAME,
        &TAG,
        &HOSTS,
        &SERVICES,
        &REACHABILITY,
        &HTTP,
        &ADDRESS,
        &INTERVAL,
        &TIMEOUT,
        &TRIES,
        &PAUSE,
        &CONCURRENCY,
        &PER_HOST,
        &PER_SECOND,
        &SPACING,
        &ICMP,
        &REFERENCE,
        &VANTAGE,
        &CA_FILE,
    ],
    inherits: &[],
};

const RULE_HOSTS: Key = Key::with_default("hosts", "list of globs", "[]", "Which hosts; empty: all.");
const RULE_SERVICES: Key =
    Key::with_default("services", "list of globs", "[]", "Which services; empty: all.");
const SCHEME: Key = Key::with_default("scheme", "`http` or `https`", "\"http\"", "In the clear or over TLS.");
const PATH: Key = Key::with_default("path", "text", "\"/\"", "The path, with its query.");
const EXPECT: Key = Key::with_default(
    "expect",
    "status or range of them",
    "\"200-399\"",
    "The statuses that are as they should be. Redirects are not followed; another status makes the service unhealthy.",
);
const VERIFY_TLS: Key = Key::with_default(
    "verify_tls",
    "true or false",
    "true",
    "Whether a certificate nobody vouches for makes the service unhealthy. Nothing secret is sent either way.",
);
const SERVER_NAME: Key = Key::optional(
    "server_name",
    "text",
    "the address is asked for",
    "The name to ask for, in `Host` and in TLS, for servers with several.",
);
const PORT: Key = Key::optional(
    "port",
    "number",
    "all of the service's ports are asked so",
    "The one port that is a web server; the others are tried by a connection.",
);

/// `[[probe.http]]`.
pub(super) const HTTP_SECTION: Section = Section {
    header: "[[probe.http]]",
    doc: "Services that must answer as web servers, not only take connections. The first rule that matches decides. It \
          does not ask for a probe by itself.",
    keys: &[&RULE_HOSTS, &RULE_SERVICES, &SCHEME, &PATH, &EXPECT, &VERIFY_TLS, &SERVER_NAME, &PORT],
    inherits: &[],
};

const PLACED_HOSTS: Key = Key::required("hosts", "list of globs", "Which hosts.");
const PLACE: Key = Key::required("address", "address", "Where they are reached from here, without a port.");

/// `[[probe.address]]`.
pub(super) const ADDRESS_SECTION: Section = Section {
    header: "[[probe.address]]",
    doc: "Hosts that are reached from here at another address than NetBox has for them: through a VPN, or on another \
          network. The first rule that matches decides.",
    keys: &[&PLACED_HOSTS, &PLACE],
    inherits: &[],
};

struct Place(IpAddr);

impl Read for Place {
    fn read(value: &Value<'_>) -> Option<Self> {
        let text = String::read(value)?;
        match text.trim().parse() {
            Ok(address) => Some(Self(address)),
            Err(_) => value.wrong(format!("`{text}` is not an address; write \"10.8.0.33\"")),
        }
    }
}

impl Read for Reference {
    fn read(value: &Value<'_>) -> Option<Self> {
        let text = String::read(value)?;
        match Self::parse(&text) {
            Some(reference) => Some(reference),
            None => value.wrong(format!(
                "`{text}` is not an address; write \"192.168.2.1\", or \"192.168.2.1:53\" to try that port"
            )),
        }
    }
}

impl Read for Scheme {
    fn read(value: &Value<'_>) -> Option<Self> {
        word(value, "a scheme", &[("http", Self::Http), ("https", Self::Https)])
    }
}

/// One status (`204`), or the first and the last (`200-399`).
struct Statuses(RangeInclusive<u16>);

impl Read for Statuses {
    fn read(value: &Value<'_>) -> Option<Self> {
        let text = match value.raw().as_integer() {
            Some(number) => number.as_str().to_owned(),
            None => String::read(value)?,
        };
        let status = |text: &str| text.trim().parse::<u16>().ok().filter(|n| (100..=599).contains(n));
        let (first, last) = text.split_once('-').unwrap_or((&text, &text));
        match (status(first), status(last)) {
            (Some(first), Some(last)) if first <= last => Some(Self(first..=last)),
            (Some(_) | None, Some(_) | None) => value
                .wrong(format!("`{text}` is not a status or a range of them; write \"204\" or \"200-399\"")),
        }
    }
}

/// Reads `[probe]`.
pub(super) fn read(table: &Table<'_>) -> Option<ProbeConfig> {
    let name: Option<Arc<str>> = table.get(&NAME);
    let rules: Vec<Option<HttpRule>> = table.tables(&HTTP, &HTTP_SECTION).iter().map(rule).collect();
    let rules: Option<Vec<HttpRule>> = rules.into_iter().collect();
    let places: Vec<Option<AddressRule>> =
        table.tables(&ADDRESS, &ADDRESS_SECTION).iter().map(place).collect();
    let places: Option<Vec<AddressRule>> = places.into_iter().collect();
    let tag = table.get(&TAG);
    let (hosts, services) = (table.get(&HOSTS), table.get(&SERVICES));
    let reachability = table.get(&REACHABILITY);
    let (interval, timeout) = (table.checked(&INTERVAL, some_time), table.checked(&TIMEOUT, some_time));
    let (pause, spacing) = (table.get(&PAUSE), table.get(&SPACING));
    let number = |key: &Key| table.checked::<u32>(key, at_least(1));
    let (tries, per_second) = (number(&TRIES), number(&PER_SECOND));
    let (concurrency, per_host) = (number(&CONCURRENCY), number(&PER_HOST));
    let (icmp, reference) = (table.get(&ICMP), table.get(&REFERENCE));
    let vantage = table.get(&VANTAGE);
    let trust = trust::read(table);
    let many = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
    Some(ProbeConfig {
        source: Config {
            id: SourceId::new(SourceKind::Probe, name?),
            vantage,
            timeout: timeout?,
            tries: tries?,
            pause: pause?,
            concurrency: many(concurrency?),
            per_host: many(per_host?),
            spacing: spacing?,
            per_second: per_second?,
            icmp: icmp?,
            reference: reference?,
            trust,
        },
        selection: Selection {
            tag: tag?,
            hosts: hosts?,
            services: services?,
            reachability: reachability?,
            http: rules?,
            addresses: places?,
        },
        interval: interval?,
    })
}

fn place(table: &Table<'_>) -> Option<AddressRule> {
    let (hosts, address) = (table.get(&PLACED_HOSTS), table.get::<Place>(&PLACE));
    Some(AddressRule { hosts: hosts?, address: address?.0 })
}

fn rule(table: &Table<'_>) -> Option<HttpRule> {
    let (hosts, services) = (table.get(&RULE_HOSTS), table.get(&RULE_SERVICES));
    let scheme = table.get(&SCHEME);
    let path: Option<Arc<str>> = table.checked(&PATH, |path: &Arc<str>| match path.starts_with('/') {
        true if !path.contains(char::is_whitespace) => Ok(()),
        true | false => Err("must begin with / and hold no blank".to_owned()),
    });
    let expect = table.get::<Statuses>(&EXPECT);
    let verify_tls = table.get(&VERIFY_TLS);
    let server_name = table.checked::<Arc<str>>(&SERVER_NAME, |name| {
        let odd = |c: char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'));
        if name.contains(odd) { Err("must be a host name, without a port".to_owned()) } else { Ok(()) }
    });
    let port = table.checked::<u32>(&PORT, |port| match u16::try_from(*port) {
        Ok(1..) => Ok(()),
        Ok(0) | Err(_) => Err("must be a port, from 1 to 65535".to_owned()),
    });
    Some(HttpRule {
        hosts: hosts?,
        services: services?,
        check: HttpCheck {
            scheme: scheme?,
            path: path?,
            expect: expect?.0,
            verify_tls: verify_tls?,
            server_name,
            port: port.and_then(|port| u16::try_from(port).ok()),
        },
    })
}
