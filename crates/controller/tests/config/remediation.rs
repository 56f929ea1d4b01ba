//! `[remediation]`: what is understood, and what is said about mistakes.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a panic in a test is the failed assertion itself")]

use std::path::Path;
use std::time::Duration;

use evenkeel::config::{Config, RemediationConfig};
use evenkeel_core::remediation::{Effect, Guards, Mode, Param, Sense};
use evenkeel_core::{EventType, Secret, Severity};
use jiff::SignedDuration;
use jiff::civil::{Weekday, time};

const SECRET: &str = "0123456789abcdef0123456789abcdef";

const ACTION: &str = "[[remediation.action]]\nname = \"restart\"\nurl = \"https://n8n.lan/webhook/r\"\n\
                      secrets = [{ env = \"N8N_SECRET\" }]\n";
const RULE: &str =
    "[[remediation.rule]]\nname = \"all\"\nhosts = [\"*\"]\naction = \"restart\"\nmode = \"approve\"\n";
const ON: &str = "[remediation]\nenabled = true\ncallback_url = \"https://evenkeel.lan\"\n";

fn env(name: &str) -> Option<String> {
    match name {
        "NETBOX_TOKEN" => Some("0123456789abcdef".to_owned()),
        "N8N_SECRET" => Some(SECRET.to_owned()),
        "TOKEN_A" => Some("the-token-of-ada".to_owned()),
        "TOKEN_B" => Some("the-token-of-bob".to_owned()),
        "SHORT" => Some("sh0rt".to_owned()),
        _ => None,
    }
}

fn parse(remediation: &str) -> Result<Config, String> {
    let text = format!(
        "[netbox]\nurl = \"https://netbox.lan\"\ntoken = {{ env = \"NETBOX_TOKEN\" }}\n{remediation}"
    );
    let now = "2026-06-01T12:00:00Z".parse().unwrap();
    Config::parse(Path::new("/etc/evenkeel.toml"), &text, &env, now).map_err(|errors| errors.to_string())
}

fn read(remediation: &str) -> RemediationConfig {
    parse(remediation).unwrap_or_else(|errors| panic!("{errors}")).remediation
}

fn mistakes(remediation: &str) -> String {
    match parse(remediation) {
        Ok(config) => panic!("understood: {:?}", config.remediation),
        Err(text) => {
            assert!(!text.contains(SECRET), "{text}");
            text
        }
    }
}

fn warnings(remediation: &str) -> String {
    let config = parse(remediation).unwrap_or_else(|errors| panic!("{errors}"));
    config.warnings.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

#[test]
fn without_a_word_nothing_runs_and_the_bounds_are_the_planners_own() {
    let config = read("");
    assert!(!config.policy.enabled && config.policy.rules.is_empty() && config.actions.is_empty());
    assert_eq!(config.policy.guards, Guards::default());
    assert!(!warnings("").contains("remediation"));
}

#[test]
fn a_rule_and_its_action_are_read_whole() {
    let config = read(&format!(
        "{ON}{ACTION}params = [\"host\", \"container\"]\nconcurrency = 1\nanswer_within = \"2m\"\neffect = \"tell\"\n{RULE}\
         types = [\"HOST_NOT_RESPONDING\"]\nseverities = [\"critical\"]\nmin_age = \"90s\"\n"
    ));
    let [sent] = config.actions.as_slice() else { panic!("{config:?}") };
    let action = &config.policy.actions["restart"];
    assert_eq!((&sent.action, sent.webhook.name()), (action, "restart"));
    assert_eq!(action.params, [Param::Host, Param::Container]);
    assert_eq!((action.concurrency, action.effect), (Some(1), Effect::Tell));
    assert_eq!(action.answer_within, SignedDuration::from_mins(2));
    assert_eq!(action.verify_within, SignedDuration::from_mins(5));
    let [rule] = config.policy.rules.as_slice() else { panic!("{config:?}") };
    assert_eq!((rule.mode, rule.action.as_deref()), (Mode::Approve, Some("restart")));
    assert_eq!(rule.matcher.types, [EventType::NodeUnreachable]);
    assert_eq!(
        (&rule.severities[..], rule.min_age),
        (&[Severity::Critical][..], SignedDuration::from_secs(90))
    );
    assert!(!format!("{config:?}").contains(SECRET));
}

#[test]
fn bounds_windows_and_the_brake_are_the_operators() {
    let guards = read(
        "[remediation]\nconcurrency = 1\nattempts = 2\ncooldown = \"1h\"\nper_hour = 4\nper_day = 5\n\
         [remediation.brake]\nshare = 0.5\nmost = 7\nwindow = \"2h\"\n\
         [[remediation.window]]\nname = \"night\"\nruns = \"only\"\ndays = [\"sat\", \"Sunday\"]\nfrom = \"22:00\"\n\
         until = 06:30:00\n",
    )
    .policy
    .guards;
    assert_eq!((guards.concurrency, guards.attempts, guards.per_hour, guards.per_day), (1, 2, 4, 5));
    assert_eq!((guards.brake.share, guards.brake.most, guards.brake.allowance), (0.5, 7, 5));
    let [window] = guards.windows.as_slice() else { panic!("{guards:?}") };
    assert_eq!((window.sense, &window.days[..]), (Sense::Only, &[Weekday::Saturday, Weekday::Sunday][..]));
    assert_eq!((window.from, window.until), (time(22, 0, 0, 0), time(6, 30, 0, 0)));
}

#[test]
fn nothing_is_looked_back_over_for_longer_than_it_is_remembered() {
    let text = mistakes(
        "[remediation]\nattempts_window = \"25h\"\ncooldown = \"2d\"\n[remediation.brake]\nwindow = \"25h\"\n",
    );
    for key in ["remediation.attempts_window", "remediation.cooldown", "remediation.brake.window"] {
        let said = format!(
            "{key}: is longer than a day, and what is older is not remembered; make it \"24h\" or less"
        );
        assert!(text.contains(&said), "not said: {said}\n{text}");
    }
    // The ledger remembers what the brake counts.
    let brake = "[remediation.brake]\nwindow = \"24h\"\n";
    let config = parse(&format!("{ON}attempts_window = \"24h\"\ncooldown = \"24h\"\n{brake}")).unwrap();
    assert_eq!(config.policy.remember, Duration::from_secs(86_400));
    assert_eq!(parse(brake).unwrap().policy.remember, Duration::ZERO);
}

#[test]
fn all_mistakes_are_said_at_once_and_each_says_what_to_do() {
    let text = mistakes(
        "[remediation]\nenabled = true\nattempts = 0\ncooldwn = \"1m\"\n\
         [remediation.brake]\nshare = 10\n\
         [[remediation.window]]\nname = \"n\"\nruns = \"sometimes\"\nfrom = \"25:00\"\nuntil = \"06:00\"\ndays = [\"moonday\"]\n\
         time_zone = \"Europe/Nowhere\"\n\
         [[remediation.action]]\nname = \"restart\"\nurl = \"https://n8n.lan/x\"\nparams = [\"password\"]\n\
         [[remediation.rule]]\nname = \"a\"\nmode = \"auto\"\naction = \"restart\"\n\
         [[remediation.rule]]\nname = \"a\"\nhosts = [\"*\"]\nmode = \"approve\"\n\
         [[remediation.rule]]\nname = \"b\"\nhosts = []\nmode = \"yes\"\n",
    );
    for said in [
        "remediation.callback_url: is missing; receivers must be able to say how an action went",
        "remediation.attempts: must be at least 1",
        "remediation.cooldwn: is not a key of [remediation]; did you mean `cooldown`?",
        "remediation.brake.share: must be from 0 to 1; 0.1 is a tenth",
        "`sometimes` is not a kind of window",
        "`25:00` is not a time of day; write \"02:00\" or \"22:30\"",
        "`moonday` is not a weekday",
        "`Europe/Nowhere` is not in this machine's time zone database",
        "`password` is not a parameter",
        "is missing; sign requests with a secret, or send a header",
        "selects nothing; name types, hosts, services, tags or tenants",
        "is taken by another one of this kind",
        "is missing; name the action this rule asks for",
        "`yes` is not a mode",
        "is an empty list",
    ] {
        assert!(text.contains(said), "not said: {said}\n{text}");
    }
}

#[test]
fn a_rule_asks_only_for_what_is_on_the_list() {
    let text = mistakes(&format!("{ON}{ACTION}{}", RULE.replace("\"restart\"", "\"restrat\"")));
    assert!(text.contains("`restrat` is not an action; did you mean `restart`?"), "{text}");
    let text = mistakes(&format!("{ON}{RULE}"));
    assert!(text.contains("`restart` is not an action; list it under [[remediation.action]]"), "{text}");
    // A rule that is off asks for nothing.
    let off = "[[remediation.rule]]\nname = \"not these\"\nservices = [\"db*\"]\nmode = \"off\"\n";
    assert_eq!(read(&format!("{ON}{off}")).policy.rules[0].action, None);
}

#[test]
fn what_is_probably_not_meant_is_a_warning() {
    let rules_alone = warnings(&format!("{ACTION}{RULE}"));
    assert!(rules_alone.contains("nothing is proposed: remediation is not switched on"), "{rules_alone}");
    assert_eq!(
        warnings(&format!("[remediation]\nenabled = false\n{ACTION}{RULE}")).find("remediation"),
        None
    );
    assert!(warnings(ON).contains("there is no rule: nothing will be proposed"));
    let untold = warnings(&format!("{ON}{ACTION}{RULE}"));
    assert!(untold.contains("remediation.enabled: no sink has `notices = true`"), "{untold}");
    let sink = "[[sink]]\nname = \"n8n\"\nurl = \"https://n8n.lan/webhook/d\"\nnotices = true\n";
    assert!(!warnings(&format!("{ON}{ACTION}{RULE}{sink}")).contains("remediation"));
}

#[test]
fn the_callback_of_a_request_stands_under_the_base_address() {
    let callback = |base: &str| {
        let config = read(&format!("[remediation]\n{base}\n"));
        let base = config.callback_url?;
        Some(evenkeel::config::callback_under(&base, &Secret::new("t0ken")).expose().to_owned())
    };
    let of = |url: &str| callback(&format!("callback_url = \"{url}\""));
    assert_eq!(of("https://ek.lan").as_deref(), Some("https://ek.lan/api/v1/callbacks/t0ken"));
    assert_eq!(
        of("http://ek.lan:8377/ops/").as_deref(),
        Some("http://ek.lan:8377/ops/api/v1/callbacks/t0ken")
    );
    assert_eq!(callback(""), None);
    for wrong in ["https://ek.lan/?to=x", "https://ek.lan/#top"] {
        let text = mistakes(&format!("[remediation]\ncallback_url = \"{wrong}\"\n"));
        assert!(text.contains("callback_url: must end before `?` and `#`"), "{text}");
    }
}

#[test]
fn whoever_may_decide_has_a_name_and_a_token_of_their_own() {
    let approver = |name: &str, token: &str| {
        format!("[[remediation.approver]]\nname = \"{name}\"\ntoken = {{ env = \"{token}\" }}\n")
    };
    let config = read(&format!("{}{}", approver("ada", "TOKEN_A"), approver("bob", "TOKEN_B")));
    let names: Vec<&str> = config.approvers.iter().map(|approver| approver.name.as_str()).collect();
    assert_eq!(names, ["ada", "bob"]);
    let text = mistakes(&format!("{}{}", approver("ada", "TOKEN_A"), approver("bob", "TOKEN_A")));
    assert!(text.contains("is the token of ada as well"), "{text}");
    let text = mistakes(&format!("{}{}", approver("ada", "TOKEN_A"), approver("ada", "TOKEN_B")));
    assert!(text.contains("is taken by another approver"), "{text}");
    let text = mistakes(&approver("ada", "SHORT"));
    assert!(text.contains("is shorter than 16 characters") && !text.contains("sh0rt"), "{text}");
}

#[test]
fn each_kind_of_sink_but_one_takes_notices_if_it_is_told_to() {
    let sinks = |notices: &str| {
        format!(
            "[[sink]]\nname = \"a\"\nurl = \"https://n8n.lan/x\"\n{notices}\n\
             [[sink]]\nname = \"b\"\nkind = \"ntfy\"\nurl = \"https://ntfy.lan\"\ntopic = \"t\"\n{notices}\n\
             [[sink]]\nname = \"c\"\nkind = \"chat\"\nurl = \"https://chat.lan\"\nformat = \"slack\"\n{notices}\n\
             [[sink]]\nname = \"d\"\nkind = \"nats\"\nservers = [\"nats://nats.lan\"]\n{notices}\n"
        )
    };
    let read = |text: &str| parse(text).unwrap_or_else(|errors| panic!("{errors}")).sinks;
    assert!(read(&sinks("")).iter().all(|sink| !sink.notices), "off, until somebody says so");
    assert!(read(&sinks("notices = true")).iter().all(|sink| sink.notices));
    let alerts =
        "[[sink]]\nname = \"e\"\nkind = \"alertmanager\"\nurls = [\"http://am.lan\"]\nnotices = true\n";
    let text = parse(alerts).map(|_| ()).unwrap_err();
    assert!(text.contains("sink[0].notices: does not fit an Alertmanager"), "{text}");
}
