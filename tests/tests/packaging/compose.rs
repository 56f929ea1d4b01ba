//! The stacks of `compose/`: accepted by Compose, bounded, without a secret, explained, and their configurations good.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use evenkeel::config::Config;
use evenkeel_tests::packaging::compose::{
    FOLDER, STACKS, compose, from_yaml, mounts, rendered, secrets, services, settings, variables,
};
use evenkeel_tests::{program, repo};
use jiff::Timestamp;
use serde_json::Value;

/// Services whose root is not read-only, and why.
const WRITES: &[(&str, &str)] = &[
    ("netbox", "nobody says of its image that it works without writing to its root"),
    ("netbox-worker", "the same image"),
];

fn text(file: &str) -> String {
    repo::read(&format!("{FOLDER}/{file}"))
}

fn files() -> BTreeSet<&'static str> {
    STACKS.iter().flat_map(|(_, files)| files.iter().copied()).collect()
}

/// What must hold of a service, and does not.
fn lacking(name: &str, service: &Value) -> Vec<String> {
    let mut lacking = Vec::new();
    let mut expect = |holds: bool, what: &str| {
        if !holds {
            lacking.push(format!("{name}: {what}"));
        }
    };
    let has = |key: &str, wanted: &str| {
        let words = service[key].as_array().into_iter().flatten();
        words.filter_map(Value::as_str).any(|word| word.starts_with(wanted))
    };
    expect(service["healthcheck"]["test"].as_array().is_some_and(|test| test.len() > 1), "no health check");
    for bound in ["mem_limit", "cpus", "pids_limit"] {
        expect(!service[bound].is_null(), &format!("no {bound}"));
    }
    expect(has("cap_drop", "ALL"), "keeps its capabilities");
    expect(has("security_opt", "no-new-privileges"), "may gain privileges");
    expect(service["privileged"].is_null() && service["cap_add"].is_null(), "is given more than others");
    expect(service["restart"] == "unless-stopped", "does not come back");
    let read_only = service["read_only"] == true;
    let writes = WRITES.iter().any(|(writer, _)| *writer == name);
    expect(read_only != writes, if read_only { "need not be in WRITES" } else { "may write to its root" });
    lacking
}

#[test]
fn compose_accepts_every_stack_and_every_service_is_watched_and_bounded() {
    let Some(compose) = compose() else { return };
    let mut wrong = Vec::new();
    for (stack, files) in STACKS {
        let rendered = rendered(&compose, files).unwrap();
        let before = wrong.len();
        let mut count = 0;
        for (name, service) in services(&rendered) {
            wrong.extend(lacking(name, service));
            count += 1;
        }
        assert!(count > 0, "{stack} has no services");
        wrong[before..].iter_mut().for_each(|what| what.insert_str(0, &format!("{stack}: ")));
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn whatever_a_stack_mounts_exists_and_what_it_publishes_only_this_machine_reaches() {
    let Some(compose) = compose() else { return };
    for (stack, files) in STACKS {
        let rendered = rendered(&compose, files).unwrap();
        for (name, service) in services(&rendered) {
            for (source, _) in mounts(service) {
                let is_the_engine = source == Path::new("/var/run/docker.sock");
                assert!(is_the_engine || source.exists(), "{stack}: {name}: {}", source.display());
            }
            for port in service["ports"].as_array().into_iter().flatten() {
                let host = port.as_str().or(port["host_ip"].as_str()).unwrap();
                assert!(host.starts_with("127.0.0.1"), "{stack}: {name}: {port}");
            }
        }
    }
}

#[test]
fn a_configuration_names_the_secrets_that_its_container_is_given_and_no_other() {
    let Some(compose) = compose() else { return };
    for (stack, files) in &STACKS[1..] {
        let rendered = rendered(&compose, files).unwrap();
        let service = &rendered["services"]["evenkeel"];
        let (source, _) = mounts(service)
            .into_iter()
            .find(|(_, target)| target == "/etc/evenkeel/evenkeel.toml")
            .unwrap_or_else(|| panic!("{stack} mounts no configuration"));
        let config = fs::read_to_string(source).unwrap();
        let settings = config.lines().filter(|line| !line.starts_with('#'));
        let named: BTreeSet<String> = settings
            .flat_map(|line| line.split("/run/secrets/").skip(1))
            .map(|rest| rest.split('"').next().unwrap().to_owned())
            .collect();
        assert_eq!(named, secrets(service).into_iter().collect::<BTreeSet<_>>(), "{stack}");
    }
}

#[test]
fn every_image_has_an_exact_version_and_ours_is_the_one_of_this_repository() {
    let ours = format!("ghcr.io/evenkeel/evenkeel:{}", env!("CARGO_PKG_VERSION"));
    let mut found = 0;
    for file in files() {
        for line in text(file).lines() {
            let Some(image) = line.trim().strip_prefix("image: ") else { continue };
            found += 1;
            let (name, tag) = image.rsplit_once(':').unwrap_or_else(|| panic!("{file}: {image} has no tag"));
            let version = tag.trim_start_matches('v').split('-').next().unwrap();
            let numbers = version.split('.').filter(|part| part.parse::<u32>().is_ok()).count();
            assert!(numbers >= 2 && numbers == version.split('.').count(), "{file}: {image}");
            if name.ends_with("/evenkeel") {
                assert_eq!(image, ours, "{file}");
            }
        }
    }
    assert!(found >= 11, "{found} images");
    assert!(text("secrets.sh").contains(&format!("image={ours}\n")), "secrets.sh uses another image");
}

#[test]
fn every_variable_is_explained_with_the_value_that_holds_without_it() {
    let mut used: BTreeMap<String, Option<String>> = BTreeMap::new();
    for file in files() {
        for (name, default) in variables(&text(file)) {
            let before = used.insert(name.clone(), default.clone());
            assert!(before.is_none_or(|before| before == default), "{name} has two defaults");
        }
    }
    let settings = settings(&text(".env.example"));
    for (name, default) in &used {
        let Some((value, is_explained)) = settings.get(name) else { panic!("{name} is not in .env.example") };
        assert_eq!(Some(value), default.as_ref(), "{name}");
        assert!(*is_explained, "{name} has no word above it in .env.example");
    }
    for (name, (_, is_explained)) in &settings {
        // Compose's own need not stand in a file.
        assert!(used.contains_key(name) || name.starts_with("COMPOSE_"), "{name} is used nowhere");
        assert!(*is_explained, "{name} has no word above it in .env.example");
    }
    assert!(used.len() > 10);
}

/// Runs the script that makes secrets, into this folder.
fn make_secrets(folder: &Path, stack: &str, token: Option<&str>) -> Output {
    let mut command = Command::new("sh");
    command.arg(repo::root().join(FOLDER).join("secrets.sh")).arg(stack);
    command.env("SECRETS", folder).env("EVENKEEL", program::path()).env_remove("NETBOX_TOKEN");
    command.envs(token.map(|token| ("NETBOX_TOKEN", token))).output().unwrap()
}

#[test]
fn the_secrets_that_the_script_makes_are_those_of_the_stacks_and_the_configurations_pass_with_them() {
    let folder = tempfile::tempdir().unwrap();
    let made = make_secrets(folder.path(), "full", None);
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap_or_default();
    for file in files() {
        let text = text(file);
        for name in text.split("file: ./secrets/").skip(1).map(|rest| rest.split(' ').next().unwrap()) {
            assert!(!read(name).trim().is_empty(), "{file}: nothing makes {name}");
        }
    }
    for name in ["homelab.toml", "full.toml"] {
        let inside = folder.path().display().to_string();
        let config = text(&format!("evenkeel/{name}")).replace("/run/secrets", &inside);
        let path = folder.path().join("evenkeel.toml");
        match Config::parse(&path, &config, &|_: &str| None, Timestamp::now()) {
            Ok(config) => assert!(config.warnings.is_empty(), "{name}: {:?}", config.warnings),
            Err(errors) => panic!("{name}: {errors}"),
        }
    }
    let before = (read("evenkeel-admin-password"), read("netbox-token"), read("n8n-webhook-secret"));
    assert!(make_secrets(folder.path(), "full", Some("another")).status.success());
    assert_eq!(before, (read("evenkeel-admin-password"), read("netbox-token"), read("n8n-webhook-secret")));
}

#[test]
fn a_homelab_has_to_say_which_token_opens_its_netbox() {
    let folder = tempfile::tempdir().unwrap();
    let refused = make_secrets(folder.path(), "homelab", None);
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("NETBOX_TOKEN="));
    assert!(make_secrets(folder.path(), "homelab", Some("nbt_a.b")).status.success());
    assert_eq!(fs::read_to_string(folder.path().join("netbox-token")).unwrap(), "nbt_a.b\n");
}

#[test]
fn kong_asks_for_a_key_before_netbox_and_knows_only_services_of_the_stack() {
    let Some(compose) = compose() else { return };
    let stack = rendered(&compose, STACKS[2].1).unwrap();
    let text = text("kong/kong.yaml");
    let kong = from_yaml(text.as_bytes()).unwrap();
    assert_eq!(kong["_format_version"], "3.0");
    for service in kong["services"].as_array().unwrap() {
        let url: reqwest::Url = service["url"].as_str().unwrap().parse().unwrap();
        assert!(stack["services"].get(url.host_str().unwrap()).is_some(), "{url}");
        let paths: Vec<&str> =
            service["routes"][0]["paths"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        let plugins = service["plugins"].as_array().into_iter().flatten();
        let plugins: BTreeSet<&str> = plugins.filter_map(|plugin| plugin["name"].as_str()).collect();
        match service["name"].as_str().unwrap() {
            "netbox" => {
                assert_eq!(paths, ["/api/netbox"]);
                assert_eq!(url.path(), "/api");
                assert_eq!(plugins, BTreeSet::from(["key-auth", "rate-limiting"]));
            }
            "evenkeel" => assert_eq!(paths, ["/evenkeel"]),
            other => panic!("{other} is not known here"),
        }
    }
    assert_eq!(kong["consumers"][0]["keyauth_credentials"][0]["key"], "@NETBOX_KEY@");
    // Whose word evenkeel believes is the address that Kong has.
    let kong = stack["services"]["kong"]["networks"]["gate"]["ipv4_address"].as_str().unwrap();
    assert!(self::text("evenkeel/full.toml").contains(&format!("trusted_proxies = [\"{kong}\"]")), "{kong}");
}

#[test]
fn prometheus_takes_its_configuration() {
    let Some(promtool) = evenkeel_tests::tool("EVENKEEL_TEST_PROMTOOL", "promtool") else { return };
    let file = repo::root().join(FOLDER).join("prometheus/prometheus.yaml");
    let checked =
        Command::new(promtool).args(["check", "config", "--syntax-only"]).arg(file).output().unwrap();
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
}

/// What stands in for n8n: it notes how it is called, and keeps what it is given to import.
const N8N: &str = r#"#!/bin/sh
echo "$@" >>"$HOME/calls"
for word in "$@"; do case $word in --input=*) cp "${word#--input=}" "$HOME/given" ;; esac; done
"#;

#[test]
fn n8n_gets_the_workflows_once_with_the_secret_in_them_and_then_starts() {
    let home = tempfile::tempdir().unwrap();
    let at = |name: &str| home.path().join(name);
    for folder in ["bin", "secrets", "given", ".n8n"] {
        fs::create_dir(at(folder)).unwrap();
    }
    for name in ["n8n-encryption-key", "n8n-webhook-secret", "n8n-header-token"] {
        fs::write(at("secrets").join(name), format!("whsec_{name}/+=\n")).unwrap();
    }
    fs::write(at("bin").join("n8n"), N8N).unwrap();
    assert!(Command::new("chmod").arg("755").arg(at("bin").join("n8n")).status().unwrap().success());
    let workflows = repo::root().join(FOLDER).join("n8n");
    let copied = Command::new("cp").arg("-r").arg(workflows).arg(at("n8n")).status().unwrap();
    assert!(copied.success());
    let script = text("n8n/start.sh").replace("/run/secrets", &at("secrets").display().to_string());
    fs::write(at("n8n").join("start.sh"), script).unwrap();
    let path = format!("{}:{}", at("bin").display(), std::env::var("PATH").unwrap());
    for _ in 0..2 {
        let mut start = Command::new("sh");
        start.arg(at("n8n").join("start.sh")).env("HOME", home.path()).env("PATH", &path);
        assert!(start.status().unwrap().success());
    }
    let calls = fs::read_to_string(at("calls")).unwrap();
    let calls: Vec<&str> = calls.lines().map(|call| call.split(" --").next().unwrap()).collect();
    let (imports, starts) = calls.split_at(5);
    assert_eq!(imports[0], "import:credentials");
    assert!(imports[1..].iter().all(|call| *call == "import:workflow"), "{calls:?}");
    assert_eq!(starts, ["start", "start"]);

    let given = at("given").join("credentials.json");
    let credentials: Value = serde_json::from_slice(&fs::read(&given).unwrap()).unwrap();
    fs::remove_file(given).unwrap();
    let credential = credentials[0]["id"].as_str().unwrap();
    let mut count = 0;
    for entry in fs::read_dir(at("given")).unwrap() {
        let workflow = fs::read_to_string(entry.unwrap().path()).unwrap();
        let read: Value = serde_json::from_str(&workflow).unwrap();
        let node = &read[0]["nodes"][0]["credentials"]["httpHeaderAuth"];
        assert_eq!(node["id"], credential);
        assert!(
            workflow.contains("whsec_n8n-webhook-secret/+=") && !workflow.contains("['whsec_REPLACE_ME']")
        );
        count += 1;
    }
    assert_eq!(count, 4);
}
