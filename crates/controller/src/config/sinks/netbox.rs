//! `[[sink]]` of kind `netbox_journal`, and what is left of `[sink.filter]` for it.

use evenkeel_core::{EventType, Secret, Transition};
use evenkeel_sinks::netbox::{Config, Settings};
use evenkeel_sources::http::Trust;
use evenkeel_sources::netbox::Config as NetboxConfig;
use url::Url;
use wildmatch::WildMatch;

use super::super::SinkFilter;
use super::super::key::{Key, Section};
use super::super::netbox::{INSECURE_HTTP, is_loopback};
use super::super::table::Table;
use super::super::trust::{self, CA_FILE, CLIENT_CERT, CLIENT_KEY, PIN};
use super::TYPES;
use super::shared::{ALLOW_LINK_LOCAL, Address, CLICK, TIMEOUT, checked, timeout};

const URL: Key = Key::optional(
    "url",
    "address or secret",
    "the NetBox of `[netbox]`, trusted as it is there",
    "The base address of NetBox.",
);
const TOKEN: Key = Key::required(
    "token",
    "secret",
    "A token that may write, of a user who may add journal entries (`extras.add_journalentry`) and see them, devices and \
     virtual machines. Not the one of `[netbox]`, which only has to read and is never used here.",
);

pub(in super::super) const SECTION: Section = Section {
    header: "[[sink]] kind = \"netbox_journal\"",
    doc: "The journal of the device or virtual machine that an event is about, in NetBox: one entry when a drift opens, one \
          when it is over. Nothing else is written there. Without a filter it gets what opened, opened again and was \
          resolved on hosts; a `VM_UNDECLARED` has no journal.",
    keys: &[
        &URL,
        &TOKEN,
        &CLICK,
        &INSECURE_HTTP,
        &TIMEOUT,
        &CA_FILE,
        &PIN,
        &CLIENT_CERT,
        &CLIENT_KEY,
        &ALLOW_LINK_LOCAL,
    ],
    inherits: &[],
};

/// Reads the keys of this kind. `netbox` is what `[netbox]` says, where that is right.
pub(super) fn read(table: &Table<'_>, name: Option<&str>, netbox: Option<&NetboxConfig>) -> Option<Config> {
    let url = match table.has(&URL) {
        true => table.get::<Address>(&URL).map(|Address(url)| url),
        false => netbox.map(|netbox| Secret::new(netbox.url.as_str())),
    };
    let token: Option<Secret> = table.get(&TOKEN);
    if let (Some(token), Some(netbox)) = (&token, netbox)
        && token.expose() == netbox.token.expose()
    {
        table.reader().warn(
            &table.place_of(&TOKEN),
            "is the token of [netbox]: what reads intent should not be able to write; make a second one",
        );
    }
    let consent = table.get::<bool>(&INSECURE_HTTP);
    if let (Some(url), Some(false)) = (&url, consent)
        && is_plain_and_far(url)
    {
        table.wrong(
            &URL,
            "is plain http to another machine: whoever reads along has the token; use https, or say insecure_http = true",
        );
    }
    let usable = url.is_some() && token.is_some() && consent.is_some();
    let settings = Settings {
        name: name.unwrap_or("?").to_owned(),
        // Where something is wrong already, the rest is checked all the same, with a stand-in for what is not there.
        url: url.unwrap_or_else(|| Secret::new("https://example.invalid/")),
        token: token.unwrap_or_else(|| Secret::new("token")),
        click: table.get(&CLICK),
        timeout: timeout(table),
        allow_link_local: table.get(&ALLOW_LINK_LOCAL).unwrap_or_default(),
    };
    checked(table, &SECTION, Config::new(settings)).filter(|_| usable)
}

/// Whom to trust: what is written here, or where neither that nor an address is, what `[netbox]` says.
pub(super) fn trust(table: &Table<'_>, netbox: Option<&NetboxConfig>) -> Trust {
    let own = trust::read(table);
    let is_written = [&URL, &CA_FILE, &PIN, &CLIENT_CERT, &CLIENT_KEY].into_iter().any(|key| table.has(key));
    match netbox {
        Some(netbox) if !is_written => netbox.trust.clone(),
        Some(_) | None => own,
    }
}

/// What can stand in a journal: what is about a host that NetBox may know, and by default no more than began or ended.
pub(super) fn narrowed(table: &Table<'_>, mut filter: SinkFilter) -> SinkFilter {
    if filter.types.contains(&EventType::VmUndeclared) {
        table.wrong(&TYPES, "has VM_UNDECLARED, which is about what NetBox does not know: it has no journal");
    }
    if filter.types.is_empty() {
        filter.types = EventType::ALL.into_iter().filter(|kind| *kind != EventType::VmUndeclared).collect();
    }
    if filter.transitions.is_empty() {
        // Without the middle one a journal would say twice that it is over.
        filter.transitions = vec![Transition::Opened, Transition::Reopened, Transition::Resolved];
    }
    if filter.hosts.is_empty() {
        // Any, but one: sources and evenkeel's own database are no hosts.
        filter.hosts = vec![WildMatch::new("*")];
    }
    filter
}

fn is_plain_and_far(url: &Secret) -> bool {
    Url::parse(url.expose().trim()).is_ok_and(|url| url.scheme() == "http" && !is_loopback(&url))
}
