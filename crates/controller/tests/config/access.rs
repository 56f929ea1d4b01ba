//! `[access]` and who may listen beyond this machine: what is read, and which mistakes are said.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a panic in a test is the failed assertion itself")]

use std::path::Path;

use evenkeel::config::{Config, Errors};
use evenkeel_web::{Level, Scope, Scopes, TokenDigest};
use jiff::Timestamp;

const SALT: &str = "AwMDAwMDAwMDAwMDAwMDAw";
const OUT: &str = "c29tZWhhc2hzb21laGFzaHNvbWVoYXNoc29tZWhhc2g";

fn hash(head: &str) -> String {
    format!("$argon2id$v=19${head}${SALT}${OUT}")
}

fn parse(text: &str) -> Result<Config, Errors> {
    let env = |name: &str| match name {
        "TOKEN" => Some("0123456789abcdef".to_owned()),
        "HASH" => Some(format!("{}\n", hash("m=19456,t=2,p=1"))),
        _ => None,
    };
    let netbox = "[netbox]\nurl = \"https://netbox.lan\"\ntoken = { env = \"TOKEN\" }\n";
    let now: Timestamp = "2026-06-01T12:00:00Z".parse().unwrap();
    Config::parse(Path::new("evenkeel.toml"), &format!("{netbox}{text}"), &env, now)
}

fn read(text: &str) -> Config {
    parse(text).unwrap_or_else(|errors| panic!("{errors}"))
}

fn mistakes(text: &str) -> String {
    match parse(text) {
        Ok(_) => panic!("no mistake was found"),
        Err(errors) => errors.to_string(),
    }
}

fn user(name: &str, role: &str) -> String {
    format!(
        "[[access.user]]\nname = \"{name}\"\nrole = \"{role}\"\npassword_hash = \"{}\"\n",
        hash("m=19456,t=2,p=1")
    )
}

fn token(name: &str, more: &str) -> String {
    let digest = TokenDigest::of(name);
    format!("[[access.token]]\nname = \"{name}\"\nrole = \"operator\"\nhash = \"{digest}\"\n{more}\n")
}

#[test]
fn nobody_is_named_unless_it_is_written() {
    let access = read("").access;
    assert!(!access.names_somebody() && access.anonymous.is_none() && !access.open_metrics);
}

#[test]
fn users_tokens_and_a_proxy_are_read() {
    let proxy = "[access.proxy]\nfrom = [\"192.168.2.5\", \"10.1.2.3/8\"]\ngroups_header = \"Remote-Groups\"\n\
                 roles = { admins = \"admin\" }\ndefault_role = \"viewer\"\n";
    let elsewhere =
        "[[access.user]]\nname = \"grace\"\nrole = \"admin\"\npassword_hash = { env = \"HASH\" }\n";
    let tokens = token("ci", "scopes = [\"read\", \"resend\"]\nexpires = 2026-12-31") + &token("all", "");
    let access = read(&format!("{}{elsewhere}{tokens}{proxy}", user("ada", "approver"))).access;
    assert_eq!(
        access.users.iter().map(|user| (&*user.name, user.level)).collect::<Vec<_>>(),
        [("ada", Level::Approver), ("grace", Level::Admin)]
    );
    assert_eq!(access.tokens[0].scopes, Scopes::Only([Scope::Read, Scope::Resend].into()));
    assert_eq!(
        access.tokens[0].expires,
        Some("2027-01-01T00:00:00Z".parse().unwrap()),
        "a day counts in full"
    );
    assert_eq!((&access.tokens[1].scopes, access.tokens[1].expires), (&Scopes::Whole, None));
    let proxy = access.proxy.unwrap();
    assert_eq!(
        proxy.from.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["192.168.2.5/32", "10.0.0.0/8"]
    );
    assert_eq!((proxy.user_header.as_str(), proxy.default_role), ("remote-user", Some(Level::Viewer)));
}

#[test]
fn beyond_this_machine_somebody_has_to_be_named() {
    for listen in ["0.0.0.0:9797", "[::]:9797", "192.168.2.20:9797"] {
        let http = format!("[http]\nlisten = \"{listen}\"\n");
        let said = mistakes(&http);
        assert!(said.contains("listen on 127.0.0.1, or name users, tokens or a proxy in [access]"), "{said}");
        assert!(mistakes(&format!("{http}[access]\nanonymous = \"viewer\"\n")).contains("[access]"));
        read(&format!("{http}{}", user("ada", "viewer")));
        read(&format!("{http}{}", token("ci", "")));
        read(&format!("{http}[access.proxy]\nfrom = \"192.168.2.5\"\ndefault_role = \"viewer\"\n"));
    }
    for listen in ["127.0.0.1:1", "[::1]:1", "[::ffff:127.0.0.1]:1", "127.9.9.9:1"] {
        read(&format!("[http]\nlisten = \"{listen}\"\n"));
    }
    let said = mistakes("[http]\nallow_remote = true\n");
    assert!(said.contains("takes a user, a token or a proxy in [access]"), "{said}");
}

#[test]
fn every_mistake_is_said_and_nothing_secret_is_repeated() {
    let weak = user("weak", "viewer").replace("m=19456,t=2", "m=4096,t=3");
    let plain = user("plain", "viewer").replace(&hash("m=19456,t=2,p=1"), "hunter2hunter2");
    let text = [
        weak,
        plain,
        user("local", "viewer"),
        user("ada", "boss"),
        user("ada", "viewer"),
        token("Ada", ""),
        token("beyond", "scopes = [\"decide\"]"),
        token("empty", "scopes = []"),
        token("bad", "").replace("sha256:", "md5:"),
        token("one", "") + &token("two", "").replace(&TokenDigest::of("two").to_string(), &TokenDigest::of("one").to_string()),
        "[access]\nsession_idle = \"2h\"\nsession_longest = \"1h\"\nanonymous = \"operator\"\n".to_owned(),
        "[access.proxy]\nfrom = [\"0.0.0.0/0\", \"proxy.lan\"]\nuser_header = \"Cookie\"\nroles = { x = \"king\" }\n".to_owned(),
    ];
    let said = mistakes(&text.concat());
    assert!(!said.contains("hunter2"), "{said}");
    for part in [
        "too weak",
        "is not a hash of the form",
        "`local` is what the journal calls whoever has no name",
        "`boss` is not a role",
        "`ada` is the name of another user or token",
        "`Ada` is the name of another user or token",
        "`decide` takes the role approver",
        "is an empty list: the token could do nothing",
        "must begin with `sha256:`",
        "is the hash of one as well",
        "is shorter than session_idle",
        "`operator` is not a choice",
        "`0.0.0.0/0` is everybody",
        "`proxy.lan` is neither an address",
        "`Cookie` has a meaning of its own",
        "`king` is not a role",
        "counts for nothing without `groups_header`",
    ] {
        assert!(said.contains(part), "{part} in\n{said}");
    }
}

#[test]
fn a_token_that_is_over_is_warned_of() {
    let config = read(&token("old", "expires = 2026-05-31T12:00:00Z"));
    let said: Vec<String> = config.warnings.iter().map(ToString::to_string).collect();
    assert!(said.iter().any(|warning| warning.contains("opens nothing any more")), "{said:?}");
}
