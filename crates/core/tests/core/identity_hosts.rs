//! Which declared host a source speaks about: the levels, memory, and ambiguity.

// A panic in a test's helper is the failed assertion itself, as in the test.
#![allow(clippy::unwrap_used, clippy::panic)]

use evenkeel_core::HostName;
use evenkeel_core::identity::{Claim, HostIndex, HostMatch, canonical};
use evenkeel_core::model::{ExpectedHost, HostKind};

fn machine(id: u64, name: &str) -> ExpectedHost {
    ExpectedHost { name: name.into(), netbox_id: id, ..crate::world::host([]) }
}

fn with_aliases(mut host: ExpectedHost, aliases: &[&str]) -> ExpectedHost {
    host.aliases = aliases.iter().map(|a| (*a).into()).collect();
    host
}

fn with_mac(mut host: ExpectedHost, mac: &str) -> ExpectedHost {
    host.macs.push(mac.into());
    host
}

fn with_ip(mut host: ExpectedHost, ip: &str) -> ExpectedHost {
    host.primary_ip = Some(ip.parse().unwrap());
    host
}

fn resolve(hosts: &[ExpectedHost], claim: Claim) -> HostMatch {
    HostIndex::new(hosts).resolve(&claim)
}

fn called(name: &str) -> Claim {
    Claim { name: Some(name.into()), ..Claim::default() }
}

fn declared(name: &str) -> HostMatch {
    HostMatch::Declared(HostName::from(name))
}

fn is_ambiguous(found: &HostMatch) -> bool {
    matches!(found, HostMatch::Ambiguous(_))
}

#[test]
fn the_canonical_form_is_the_first_label_in_lower_case() {
    assert_eq!(canonical(" Box2-Media.bruce.lan "), "box2-media");
    assert_eq!(canonical("192.168.2.16"), "192.168.2.16");
    assert_eq!(canonical("fe80::1"), "fe80::1");
    assert_eq!(canonical(".hidden"), ".hidden");
    assert_eq!(canonical(""), "");
}

#[test]
fn letters_of_any_script_have_a_case_and_what_only_looks_alike_is_another_name() {
    for (one, other) in [("ÉCOLE", "école"), ("ΣΟΦΙΑ.lan", "σοφια"), ("СЕРВЕР", "сервер"), ("ÇAĞ", "çağ")]
    {
        assert_eq!(canonical(one), canonical(other));
    }
    // Latin and Cyrillic, one letter and two signs, a letter and its spelling out, a mark nobody sees: no guess is made.
    for (one, other) in
        [("box", "b\u{43e}x"), ("\u{e9}cole", "e\u{301}cole"), ("straße", "strasse"), ("box", "bo\u{200b}x")]
    {
        assert_ne!(canonical(one), canonical(other), "{one} and {other}");
    }
}

#[test]
fn a_name_matches_in_any_case_and_with_its_domain() {
    let hosts = [machine(1, "box2-media")];
    for name in ["box2-media", "BOX2-Media", "box2-media.bruce.lan", " box2-media "] {
        assert_eq!(resolve(&hosts, called(name)), declared("box2-media"), "{name}");
    }
    assert_eq!(resolve(&hosts, called("box2")), HostMatch::Undeclared("box2".into()));
    assert_eq!(resolve(&hosts, called("box2-media-old")), HostMatch::Undeclared("box2-media-old".into()));
}

#[test]
fn an_alias_is_as_good_as_a_name() {
    let hosts = [with_aliases(machine(1, "nas"), &["truenas.bruce.lan"]), machine(2, "web")];
    assert_eq!(resolve(&hosts, called("truenas.bruce.lan")), declared("nas"));
    assert_eq!(resolve(&hosts, called("TrueNAS")), declared("nas"));
}

#[test]
fn a_name_beats_a_mac_and_a_mac_beats_an_ip() {
    let mac = "aa:bb:cc:00:11:22";
    let hosts =
        [machine(1, "one"), with_mac(machine(2, "two"), mac), with_ip(machine(3, "three"), "10.0.0.3")];
    let all = Claim { macs: vec![mac.into()], addresses: vec!["10.0.0.3".parse().unwrap()], ..called("one") };
    assert_eq!(resolve(&hosts, all.clone()), declared("one"));
    assert_eq!(resolve(&hosts, Claim { name: Some("stranger".into()), ..all.clone() }), declared("two"));
    assert_eq!(resolve(&hosts, Claim { name: None, macs: Vec::new(), ..all }), declared("three"));
}

#[test]
fn an_ambiguous_level_ends_the_search() {
    let mac = "aa:bb:cc:00:11:22";
    let hosts = [with_mac(machine(1, "one"), mac), with_ip(with_mac(machine(2, "two"), mac), "10.0.0.2")];
    let claim = Claim { macs: vec![mac.into()], addresses: vec!["10.0.0.2".parse().unwrap()], ..called("x") };
    let found = resolve(&hosts, claim);
    // The IP belongs to `two` alone, but a weaker clue must not decide between two stronger ones.
    let HostMatch::Ambiguous(gap) = &found else { panic!("{found:?}") };
    assert_eq!(&*gap.why, "the MAC address belongs to one and two");
}

#[test]
fn one_address_of_two_hosts_is_reported_not_resolved() {
    let hosts = [
        with_ip(machine(1, "supabase"), "192.168.2.230"),
        with_ip(machine(2, "mcp-gateway"), "192.168.2.230"),
    ];
    let claim = Claim { addresses: vec!["192.168.2.230".parse().unwrap()], ..Claim::default() };
    assert!(is_ambiguous(&resolve(&hosts, claim)));
}

#[test]
fn a_short_name_of_two_sites_is_ambiguous_and_a_full_one_is_not() {
    let hosts = [machine(1, "web.north"), machine(2, "web.south")];
    assert!(is_ambiguous(&resolve(&hosts, called("web"))));
    assert!(is_ambiguous(&resolve(&hosts, called("web.east"))));
    assert_eq!(resolve(&hosts, called("WEB.south")), declared("web.south"));
}

#[test]
fn an_exact_name_is_not_made_ambiguous_by_anothers_domain_name() {
    let hosts = [machine(1, "web"), machine(2, "web.dmz")];
    assert_eq!(resolve(&hosts, called("web")), declared("web"));
    assert_eq!(resolve(&hosts, called("web.dmz")), declared("web.dmz"));
}

#[test]
fn a_rename_in_netbox_stays_a_rename() {
    let remembered = Some((HostKind::VirtualMachine, 7));
    let hosts = [machine(7, "media")];
    let claim = Claim { remembered, ..called("box2-media") };
    assert_eq!(resolve(&hosts, claim), declared("media"));
    // Also when the source was configured under the old name.
    let claim = Claim { configured: Some("box2-media".into()), remembered, ..Claim::default() };
    assert_eq!(resolve(&hosts, claim), declared("media"));
}

#[test]
fn what_is_configured_anew_outweighs_what_is_remembered() {
    let hosts = [machine(7, "media"), machine(8, "docs")];
    let remembered = Some((HostKind::VirtualMachine, 7));
    let claim = Claim { configured: Some("docs".into()), remembered, ..Claim::default() };
    assert_eq!(resolve(&hosts, claim), declared("docs"));
}

#[test]
fn a_machine_that_renames_itself_stays_the_remembered_one_unless_another_bears_the_name() {
    let hosts = [machine(7, "media"), machine(8, "docs")];
    let remembered = Some((HostKind::VirtualMachine, 7));
    assert_eq!(resolve(&hosts, Claim { remembered, ..called("crate") }), declared("media"));
    assert_eq!(resolve(&hosts, Claim { remembered, ..called("docs") }), declared("docs"));
}

#[test]
fn memory_of_a_deleted_host_counts_for_nothing() {
    let hosts = [machine(8, "docs")];
    let claim = Claim { remembered: Some((HostKind::VirtualMachine, 7)), ..called("docs") };
    assert_eq!(resolve(&hosts, claim), declared("docs"));
    // The same number of the other model is another machine.
    let claim = Claim { remembered: Some((HostKind::Device, 8)), ..called("stranger") };
    assert_eq!(resolve(&hosts, claim), HostMatch::Undeclared("stranger".into()));
}

#[test]
fn a_configured_host_that_is_not_declared_is_undeclared_whatever_the_machine_says() {
    let hosts = [machine(8, "docs")];
    let claim = Claim { configured: Some("lab".into()), ..called("docs") };
    assert_eq!(resolve(&hosts, claim), HostMatch::Undeclared("lab".into()));
}

#[test]
fn a_source_that_says_nothing_is_unnamed() {
    assert_eq!(resolve(&[machine(1, "one")], Claim::default()), HostMatch::Unnamed);
}

#[test]
fn the_reference_of_a_host_leads_back_to_it() {
    let hosts = [machine(7, "media"), machine(8, "docs")];
    let index = HostIndex::new(&hosts);
    assert_eq!(index.reference(&"docs".into()), Some((HostKind::VirtualMachine, 8)));
    assert_eq!(index.reference(&"none".into()), None);
}
