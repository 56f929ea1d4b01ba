//! Tests of the words.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use axum::http::header::ACCEPT_LANGUAGE;
use axum::http::{HeaderMap, HeaderValue};
use evenkeel_core::heartbeat::Beat;
use evenkeel_core::remediation::{Phase, State as ProposalState};
use evenkeel_core::{EventType, Field, GapKind, JournalKind, Severity};
use fluent_bundle::FluentResource;

use super::{Lang, Words};
use crate::page::act::Done;
use crate::page::fleet::Order;
use crate::page::past::Reach;
use crate::page::verdict::HostStand;
use crate::silences::RuleKind;

/// The keys of a language with the names of what belongs into each.
fn keys(lang: Lang) -> BTreeMap<String, BTreeSet<String>> {
    assert!(FluentResource::try_new(lang.text().to_owned()).is_ok(), "{lang:?} cannot be read");
    let mut keys: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut current = String::new();
    for line in lang.text().lines().filter(|line| !line.starts_with('#')) {
        if let Some((key, _)) = line.split_once(" =").filter(|_| !line.starts_with(' ')) {
            assert!(!keys.contains_key(key), "{lang:?} has {key} twice");
            current = key.to_owned();
            keys.entry(current.clone()).or_default();
        }
        for part in line.split('$').skip(1) {
            let name: String = part.chars().take_while(char::is_ascii_alphanumeric).collect();
            keys.entry(current.clone()).or_default().insert(name);
        }
    }
    keys
}

/// Every word in quotation marks that looks like a key, in the code of the pages.
fn used() -> BTreeSet<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/page");
    let mut used = BTreeSet::new();
    for file in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if file.extension().is_some_and(|ending| ending == "rs") {
            let text = std::fs::read_to_string(file).unwrap();
            used.extend(text.split('"').skip(1).step_by(2).map(str::to_owned));
        }
    }
    used
}

/// Keys that are put together from the words of types.
fn composed() -> BTreeSet<String> {
    let family = |name: &str, words: &[&str]| {
        let key = |word: &&str| format!("{name}-{}", word.replace('_', "-").to_lowercase());
        words.iter().map(key).collect::<Vec<_>>()
    };
    let stands = HostStand::ALL.map(HostStand::as_str);
    [
        family("type", &EventType::ALL.map(EventType::code)),
        family("severity", &Severity::ALL.map(Severity::as_str)),
        family("field", &Field::ALL.map(Field::as_str)),
        family("journal", &JournalKind::ALL.map(JournalKind::as_str)),
        family("phase", &Phase::ALL.map(Phase::as_str)),
        family("proposal", &ProposalState::WORDS),
        family("stand", &stands),
        family("figure", &stands[..6]),
        family("transition", &["opened", "reopened", "changed", "resolved", "reminder"]),
        family("delivery", &["pending", "delivered", "dead"]),
        family("drift-state", &["pending", "open", "resolved"]),
        family("role", &["leader", "follower", "waiting"]),
        family("verdict", &["unknown-why", "blind-why", "drift-why", "unwatched-why", "in-sync-why"]),
        family("mark", &["flapping-title", "baseline-title", "flapping", "baseline"]),
        family("col", &Order::ALL.map(Order::as_str)),
        family("level", &["viewer", "operator", "approver", "admin"]),
        family("reach", &Reach::ALL.map(Reach::as_str)),
        family("bars", &Reach::ALL.map(Reach::as_str)),
        family("trend", &Reach::ALL.map(Reach::as_str)),
        family("beat", &Beat::ALL.map(Beat::as_str)),
        family("gap", &GapKind::ALL.map(GapKind::as_str)),
        family("group-no", &["site", "cluster", "tenant"]),
        family("view", &["table", "tiles"]),
        family("filter", &["cluster", "watch", "group"]),
        family(
            "filter",
            &["q", "state", "site", "tenant", "severity", "type", "transition", "host", "service"],
        ),
        family("level", &["viewer", "operator", "approver", "admin"]),
        family("rule", &RuleKind::ALL.map(RuleKind::as_str)),
        family("done", &Done::ALL.map(Done::as_str)),
        family("accept", &["1d", "7d", "30d", "90d", "resolved"]),
        family("filter", &["kind", "sight", "sink", "phase", "handle"]),
    ]
    .concat()
    .into_iter()
    .collect()
}

#[test]
fn every_key_is_in_every_language_and_takes_the_same_there() {
    let english = keys(Lang::En);
    for lang in [Lang::Fr, Lang::Pt] {
        let other = keys(lang);
        for (key, about) in &english {
            let there = other.get(key).unwrap_or_else(|| panic!("{lang:?} lacks {key}"));
            // A language may do without the number where its form is one for all.
            let strip =
                |names: &BTreeSet<String>| names.iter().filter(|n| *n != "n").cloned().collect::<Vec<_>>();
            assert_eq!(strip(there), strip(about), "{lang:?} {key}");
        }
        let more: Vec<_> = other.keys().filter(|key| !english.contains_key(*key)).collect();
        assert!(more.is_empty(), "{lang:?} has what English lacks: {more:?}");
    }
}

#[test]
fn every_key_that_the_pages_use_is_there_and_every_one_there_is_used() {
    let (there, used, composed) = (keys(Lang::En), used(), composed());
    let lacking: Vec<_> = composed.iter().filter(|key| !there.contains_key(*key)).collect();
    assert!(lacking.is_empty(), "no words for {lacking:?}");
    let families: BTreeSet<&str> =
        there.keys().filter_map(|key| key.split_once('-')).map(|(f, _)| f).collect();
    let looks_like_a_key = |text: &String| {
        let (family, rest) = text.split_once('-').unwrap_or_default();
        families.contains(family)
            && !rest.is_empty()
            && text.chars().all(|c| c.is_ascii_lowercase() || c == '-')
    };
    // Classes and attributes that look like keys.
    let other = ["accept-language", "empty-bad", "drift-state", "col-", "sight-unknown"];
    let missing: Vec<_> = used
        .iter()
        .filter(|text| {
            looks_like_a_key(text) && !there.contains_key(*text) && !other.contains(&text.as_str())
        })
        .collect();
    assert!(missing.is_empty(), "used and not there: {missing:?}");
    // What a source says of itself is open; its family is.
    let spare: Vec<_> = there
        .keys()
        .filter(|key| !used.contains(*key) && !composed.contains(*key) && !key.starts_with("state-"))
        .collect();
    assert!(spare.is_empty(), "there and not used: {spare:?}");
}

#[test]
fn a_browser_gets_the_language_it_weighs_most() {
    for (asked, given) in [
        ("", Lang::En),
        ("de-DE,de;q=0.9", Lang::En),
        ("fr-CA,fr;q=0.9,en;q=0.8", Lang::Fr),
        ("en;q=0.2, pt-BR;q=0.9, fr;q=0.8", Lang::Pt),
        ("de, pt;q=0.5, fr;q=0.5", Lang::Pt),
        ("fr;q=0, en;q=0.1", Lang::En),
        ("fr;q=nonsense, pt", Lang::Pt),
    ] {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT_LANGUAGE, HeaderValue::from_static(asked));
        assert_eq!(Lang::wanted(&headers), given, "{asked}");
    }
}

#[test]
fn a_number_of_things_is_said_as_the_language_says_it() {
    let said = |lang, n| Words(lang).count("verdict-drifts", n);
    assert_eq!(
        [said(Lang::En, 0), said(Lang::En, 1), said(Lang::En, 2)],
        ["0 drifts", "1 drift", "2 drifts"]
    );
    assert_eq!([said(Lang::Fr, 0), said(Lang::Fr, 2)], ["0 dérive", "2 dérives"]);
    assert_eq!([said(Lang::Pt, 1), said(Lang::Pt, 2)], ["1 desvio", "2 desvios"]);
}

#[test]
fn a_word_nobody_translated_is_shown_as_it_came() {
    assert_eq!(Words(Lang::Fr).word("state", "timed_out"), "pas de réponse à temps");
    assert_eq!(Words(Lang::Fr).word("state", "hibernating\u{202e}"), "hibernating\\u{202e}");
}
