//! The chart: it renders, Kubernetes would take what comes out, and what cannot work is refused before anything is installed.

use std::collections::BTreeSet;
use std::fs;

use evenkeel::config::Config;
use evenkeel_tests::packaging::chart::{self, FOLDER, Rendering, SETS, render, render_all};
use evenkeel_tests::repo;
use serde_json::{Value, json};

/// The group of the Prometheus operator's resources, which Kubernetes itself does not know.
const OPERATOR: &str = "monitoring.coreos.com/v1";

/// From which severity on `helm lint` complains; below it recommends.
const WARNING: u64 = 2;

fn is_of_the_operator(json: &Value) -> bool {
    json["apiVersion"] == OPERATOR
}

/// What a key of labels or the like holds in all these.
fn contains(all: &Value, some: &Value) -> bool {
    some.as_object().unwrap().iter().all(|(key, value)| all[key] == *value)
}

#[test]
fn every_set_of_values_renders_what_kubernetes_takes() {
    let Some(all) = render_all() else { return };
    for set in SETS {
        let rendering = &all[set];
        assert_eq!(rendering.error, None, "{set}");
        let complaints: Vec<_> = rendering.lint.iter().filter(|(severity, _)| *severity >= WARNING).collect();
        assert!(complaints.is_empty(), "{set}: {complaints:?}");
        for object in &rendering.objects {
            let known = !is_of_the_operator(&object.json);
            assert!(object.problems.is_empty() || !known, "{set}: {}: {:#?}", object.path, object.problems);
            // What has no schema is said, not passed over: otherwise a misspelt kind would be good.
            assert_eq!(object.problems.is_empty(), known, "{set}: {}", object.path);
        }
        assert!(rendering.notes.contains("helm --namespace watch test keel"), "{set}: {}", rendering.notes);
    }
}

#[test]
fn each_set_of_values_makes_the_objects_it_asks_for_and_no_others() {
    let Some(all) = render_all() else { return };
    let kinds = |rendering: &Rendering| -> Vec<String> {
        let name = |json: &Value| json["kind"].as_str().unwrap().to_owned();
        let mut kinds: Vec<String> = rendering.objects.iter().map(|object| name(&object.json)).collect();
        kinds.sort_unstable();
        kinds
    };
    let always = ["ConfigMap", "Deployment", "Pod", "Pod", "Service", "ServiceAccount"];
    for (set, more) in [
        ("minimal", &["PersistentVolumeClaim", "Secret"][..]),
        ("ingress", &["Ingress"]),
        ("postgresql", &["PodDisruptionBudget"]),
        (
            "everything",
            &[
                "ConfigMap",
                "Ingress",
                "NetworkPolicy",
                "PodDisruptionBudget",
                "PrometheusRule",
                "Secret",
                "ServiceMonitor",
            ],
        ),
    ] {
        let mut wanted: Vec<&str> = always.iter().chain(more).copied().collect();
        wanted.sort_unstable();
        assert_eq!(kinds(&all[set]), wanted, "{set}");
    }
}

#[test]
fn what_kubernetes_would_refuse_is_found() {
    let Some(chart) = render(&[("minimal", json!({ "resources": { "limits": 1, "limit": {} } }))]) else {
        return;
    };
    let rendering = &chart.renderings[0];
    let problems: Vec<&String> = rendering.objects.iter().flat_map(|object| &object.problems).collect();
    assert!(problems.iter().any(|problem| problem.contains("'limit' was unexpected")), "{problems:#?}");
    assert!(problems.iter().any(|problem| problem.contains("limits: 1 is not of type")), "{problems:#?}");
    assert!(chart.helm.starts_with("v4."), "{}", chart.helm);
}

#[test]
fn what_the_operator_gets_is_what_it_takes() {
    let Some(all) = render_all() else { return };
    let rendering = &all["everything"];
    let ours: Vec<&Value> =
        rendering.objects.iter().map(|object| &object.json).filter(|json| is_of_the_operator(json)).collect();
    assert_eq!(ours.len(), 2);
    let Some(refused) = chart::refused_by_the_operator(&ours) else { return };
    assert!(refused.is_empty(), "{refused:#?}");
    let mut broken = rendering.one("ServiceMonitor").clone();
    broken["spec"]["endpoints"][0]["interval"] = json!("now and then");
    assert_eq!(chart::refused_by_the_operator(&[&broken]).unwrap().len(), 1);

    let endpoint = &rendering.one("ServiceMonitor")["spec"]["endpoints"][0];
    let credentials = &endpoint["authorization"]["credentials"];
    assert_eq!((&endpoint["port"], &endpoint["path"]), (&json!("http"), &json!("/metrics")));
    assert_eq!(credentials, &json!({ "name": "evenkeel-metrics", "key": "token" }));
    // The models pass over a key they do not know.
    let known: BTreeSet<&str> = BTreeSet::from([
        "authorization",
        "interval",
        "metricRelabelings",
        "path",
        "port",
        "relabelings",
        "scrapeTimeout",
    ]);
    let keys: BTreeSet<&str> = endpoint.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(keys, known);
}

#[test]
fn values_that_cannot_work_are_refused_with_what_to_do() {
    let minimal = |over: Value| ("minimal", over);
    let config = |text: &str| json!({ "config": text });
    let cases = [
        (minimal(json!({ "replicaCount": 3 })), &["/replicaCount", "maximum: got 3, want 1"][..]),
        (minimal(json!({ "replicas": 3 })), &["additional properties 'replicas' not allowed"]),
        (minimal(json!({ "store": { "kind": "mysql" } })), &["/store/kind"]),
        (minimal(json!({ "store": { "kind": "postgresql" } })), &["/store/postgresql/url", "minLength"]),
        (minimal(json!({ "secret": { "existingSecret": "there" } })), &["/secret/data", "maxProperties"]),
        (minimal(json!({ "ingress": { "enabled": true } })), &["/ingress/hosts", "minItems"]),
        (minimal(json!({ "http": { "port": 80 } })), &["/http/port"]),
        (minimal(config("")), &["config: is empty", "[netbox]", "[[access.user]]"]),
        (
            minimal(config("[docker_defaults]\n# [netbox]\n[[access.userless]]\n")),
            &["config: has no [netbox]", "config: nobody may look", "`evenkeel passwd NAME --role admin`"],
        ),
        (
            minimal(config("[netbox]\n[access.proxy]\n[http]\n  [ store ]\n[store.retention]\n")),
            &["the table [http] is written by the chart", "the table [store] is written by the chart"],
        ),
        (
            minimal(json!({ "secret": { "data": { "NETBOX_TOKEN": null } } })),
            &["takes NETBOX_TOKEN from the environment, and neither secret.data nor env has it"],
        ),
        (
            minimal(json!({ "serviceMonitor": { "enabled": true } })),
            &["serviceMonitor.authorization.secretName", "`open_metrics = true`"],
        ),
        (
            ("postgresql", json!({ "store": { "postgresql": { "url": "postgres://u:hunter2@db/x" } } })),
            &["store.postgresql.url: holds a password", "store.postgresql.passwordKey"],
        ),
        (
            ("postgresql", json!({ "store": { "postgresql": { "url": "mysql://db/x" } } })),
            &["store.postgresql.url: does not begin with postgres://"],
        ),
    ];
    let questions: Vec<(&str, Value)> = cases.iter().map(|(question, _)| question.clone()).collect();
    let Some(chart) = render(&questions) else { return };
    for (rendering, ((_, over), words)) in chart.renderings.iter().zip(&cases) {
        let error = rendering.error.as_deref().unwrap_or_else(|| panic!("{over} is accepted"));
        for word in *words {
            assert!(error.contains(word), "{over}: {error}");
        }
        assert!(!error.contains("hunter2"), "{over}: a password is repeated: {error}");
    }
}

#[test]
fn what_could_be_refused_by_mistake_is_not() {
    let token =
        "[netbox]\nurl = \"https://n\"\ntoken = { env = \"NETBOX_TOKEN\" } # or { env = \"OTHER\" }\n";
    let cases = [
        ("minimal", json!({ "config": format!("{token}[access.proxy]\nfrom = [\"10.0.0.1\"]\n") })),
        (
            "minimal",
            json!({ "config": format!("{token}[[ access . token ]]\n# [http]\n[store.retention]\n") }),
        ),
        ("minimal", json!({ "config": format!("{token}[[remediation.approver]]\n") })),
        ("postgresql", json!({ "replicaCount": 1 })),
        ("postgresql", json!({ "store": { "postgresql": { "url": "postgresql://[::1]:5432/x" } } })),
        ("minimal", json!({ "replicaCount": 0, "persistence": { "existingClaim": "there" } })),
    ];
    let Some(chart) = render(&cases) else { return };
    for (rendering, (_, over)) in chart.renderings.iter().zip(&cases) {
        assert_eq!(rendering.error, None, "{over}");
    }
    let last = &chart.renderings[cases.len() - 1];
    assert!(last.of("PersistentVolumeClaim").is_empty());
}

/// What a namespace asks for that enforces the restricted Pod Security Standard.
fn breaches(pod: &Value) -> Vec<String> {
    let spec = &pod["spec"];
    let mut found = Vec::new();
    let mut hold = |holds: bool, what: String| {
        if !holds {
            found.push(what);
        }
    };
    for shared in ["hostNetwork", "hostPID", "hostIPC"] {
        hold(spec[shared].is_null(), shared.to_owned());
    }
    hold(spec["securityContext"]["runAsNonRoot"] == true, "runAsNonRoot".to_owned());
    hold(spec["securityContext"]["runAsUser"].as_u64().is_some_and(|id| id > 0), "runAsUser".to_owned());
    hold(spec["securityContext"]["seccompProfile"]["type"] == "RuntimeDefault", "seccompProfile".to_owned());
    let allowed = ["configMap", "emptyDir", "persistentVolumeClaim", "projected", "secret"];
    for volume in spec["volumes"].as_array().into_iter().flatten() {
        let kinds: Vec<&String> = volume.as_object().unwrap().keys().filter(|key| *key != "name").collect();
        hold(kinds.iter().all(|kind| allowed.contains(&kind.as_str())), format!("volume {volume}"));
    }
    for container in spec["containers"].as_array().unwrap() {
        let context = &container["securityContext"];
        hold(context["allowPrivilegeEscalation"] == false, "allowPrivilegeEscalation".to_owned());
        hold(context["readOnlyRootFilesystem"] == true, "readOnlyRootFilesystem".to_owned());
        hold(context["capabilities"] == json!({ "drop": ["ALL"] }), "capabilities".to_owned());
        hold(context["privileged"].is_null(), "privileged".to_owned());
        hold(container["resources"]["limits"]["memory"].is_string(), "a limit of memory".to_owned());
        let ports = container["ports"].as_array().into_iter().flatten();
        hold(ports.clone().all(|port| port["hostPort"].is_null()), "hostPort".to_owned());
    }
    // Nothing of ours asks the cluster anything.
    hold(spec["automountServiceAccountToken"] == false, "automountServiceAccountToken".to_owned());
    found
}

#[test]
fn every_pod_is_what_a_restricted_namespace_takes() {
    let Some(all) = render_all() else { return };
    for set in SETS {
        let pods = all[set].pods();
        assert_eq!(pods.len(), 3, "{set}");
        for (path, pod) in pods {
            assert_eq!(breaches(pod), [""; 0], "{set}: {path}");
        }
    }
}

#[test]
fn the_probes_the_service_and_everything_that_selects_find_the_controller_and_only_it() {
    let Some(all) = render_all() else { return };
    for set in SETS {
        let rendering = &all[set];
        let template = &rendering.one("Deployment")["spec"]["template"];
        let container = &template["spec"]["containers"][0];
        let path = |probe: &str| container[probe]["httpGet"]["path"].as_str().unwrap();
        // A store that is away must not restart anything, and must be seen.
        assert_eq!((path("livenessProbe"), path("startupProbe")), ("/healthz", "/healthz"), "{set}");
        assert_eq!(path("readinessProbe"), "/readyz", "{set}");
        for probe in ["livenessProbe", "startupProbe", "readinessProbe"] {
            assert_eq!(container[probe]["httpGet"]["port"], container["ports"][0]["name"], "{set}");
        }
        let service = rendering.one("Service");
        assert_eq!(service["spec"]["ports"][0]["targetPort"], container["ports"][0]["name"], "{set}");
        let listen = format!("listen = \"0.0.0.0:{}\"", container["ports"][0]["containerPort"]);
        assert!(rendering.configuration().contains(&listen), "{set}: {listen}");

        let mut selectors = vec![&service["spec"]["selector"]];
        let matching = [
            ("Deployment", "selector"),
            ("PodDisruptionBudget", "selector"),
            ("NetworkPolicy", "podSelector"),
        ];
        for (kind, key) in matching {
            selectors.extend(rendering.of(kind).into_iter().map(|json| &json["spec"][key]["matchLabels"]));
        }
        for selector in selectors {
            assert!(contains(&template["metadata"]["labels"], selector), "{set}: {selector}");
            for test in rendering.of("Pod") {
                assert!(!contains(&test["metadata"]["labels"], selector), "{set}: {selector} finds a test");
            }
        }
        for monitor in rendering.of("ServiceMonitor") {
            let selector = &monitor["spec"]["selector"]["matchLabels"];
            assert!(contains(&service["metadata"]["labels"], selector), "{set}: {selector}");
        }
        for ingress in rendering.of("Ingress") {
            let backend = &ingress["spec"]["rules"][0]["http"]["paths"][0]["backend"]["service"];
            assert_eq!(backend["name"], service["metadata"]["name"], "{set}");
            assert_eq!(backend["port"]["name"], service["spec"]["ports"][0]["name"], "{set}");
        }
    }
}

#[test]
fn every_object_carries_the_labels_that_charts_carry() {
    let Some(all) = render_all() else { return };
    for object in SETS.iter().flat_map(|set| &all[set].objects) {
        let labels = &object.json["metadata"]["labels"];
        let names = ["name", "instance", "version", "component", "managed-by"];
        for label in names.map(|name| format!("app.kubernetes.io/{name}")) {
            assert!(labels[&label].is_string(), "{}: {label}", object.path);
        }
        assert!(labels["helm.sh/chart"].as_str().unwrap().starts_with("evenkeel-"), "{}", object.path);
    }
}

#[test]
fn a_file_has_one_owner_and_a_database_needs_no_volume() {
    let Some(all) = render_all() else { return };
    let deployment = |set: &str| &all[set].one("Deployment")["spec"];
    let data = |set: &str| {
        let volumes = deployment(set)["template"]["spec"]["volumes"].as_array().unwrap();
        volumes.iter().find(|volume| volume["name"] == "data").cloned()
    };
    assert_eq!(deployment("minimal")["strategy"]["type"], "Recreate");
    let claim = all["minimal"].one("PersistentVolumeClaim");
    let used = data("minimal").unwrap()["persistentVolumeClaim"]["claimName"].clone();
    assert_eq!(used, claim["metadata"]["name"]);
    assert_eq!(claim["metadata"]["annotations"]["helm.sh/resource-policy"], "keep");
    assert_eq!(data("ingress").unwrap()["emptyDir"], json!({}));
    assert!(all["ingress"].notes.contains("NOTE: the state is in an emptyDir"));
    for set in ["postgresql", "everything"] {
        assert_eq!(deployment(set)["strategy"]["type"], "RollingUpdate");
        assert_eq!(data(set), None, "{set}");
    }
    assert_eq!(deployment("postgresql")["replicas"], 3);
}

#[test]
fn what_is_secret_is_in_the_secret_and_nowhere_else() {
    let secret = "a-token-that-nobody-may-read";
    let over = json!({ "secret": { "data": { "NETBOX_TOKEN": secret } } });
    let Some(chart) = render(&[("minimal", over), ("minimal", json!({}))]) else { return };
    let [with, without] = chart.renderings.as_slice() else { panic!("two were asked for") };
    assert!(with.one("Secret")["data"]["NETBOX_TOKEN"].is_string());
    for object in &with.objects {
        assert!(!object.json.to_string().contains(secret), "{}", object.path);
    }
    assert!(!with.notes.contains(secret));
    // A pod that would go on with the old one is worse than one that starts anew.
    let sum = |rendering: &Rendering| {
        let template = &rendering.one("Deployment")["spec"]["template"];
        template["metadata"]["annotations"]["checksum/secret"].clone()
    };
    assert_ne!(sum(with), sum(without));
}

#[test]
fn evenkeel_takes_the_configuration_that_the_chart_writes() {
    let Some(all) = render_all() else { return };
    let hash =
        "$argon2id$v=19$m=19456,t=2,p=1$BDpxh3TFcr2KJa2+sb/NXA$ZcdMFaaGGHu2u/mVj0lPxrgAaANKZZqa1EmRsIxY8tI";
    let env = |name: &str| match name {
        "ADA_HASH" => Some(hash.to_owned()),
        name if name.ends_with("_URL") => Some("https://hooks.example.org/4711".to_owned()),
        "NETBOX_TOKEN" | "DATABASE_PASSWORD" | "EVENKEEL_STORE_PASSWORD" => {
            Some("0123456789abcdef".to_owned())
        }
        _ => None,
    };
    for set in SETS {
        let rendering = &all[set];
        let folder = tempfile::tempdir().unwrap();
        let map = &rendering.of("ConfigMap")[0]["data"];
        for (name, text) in map.as_object().unwrap() {
            fs::write(folder.path().join(name), text.as_str().unwrap()).unwrap();
        }
        // What a pod has from a Secret of its own.
        let mounted = folder.path().join("signing");
        fs::write(&mounted, "0123456789abcdef0123456789abcdef\n").unwrap();
        let text = rendering.configuration().replace("/run/secrets/n8n/signing", mounted.to_str().unwrap());
        let now = "2026-06-01T12:00:00Z".parse().unwrap();
        let config = Config::parse(&folder.path().join("evenkeel.toml"), &text, &env, now)
            .unwrap_or_else(|errors| panic!("{set}: {errors}"));
        let container = &rendering.one("Deployment")["spec"]["template"]["spec"]["containers"][0];
        let port = container["ports"][0]["containerPort"].as_u64();
        assert_eq!(port, Some(u64::from(config.http.listen.port())), "{set}");
    }
}

#[test]
fn the_readme_lists_every_value() {
    let Some(chart) = render(&[]) else { return };
    let readme = repo::read(&format!("{FOLDER}/README.md"));
    let listed: BTreeSet<&str> =
        readme.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect();
    let mut keys = BTreeSet::new();
    leaves(&chart.defaults, "", &mut keys);
    let keys: BTreeSet<&str> = keys.iter().map(String::as_str).collect();
    let missing: Vec<_> = keys.difference(&listed).collect();
    let gone: Vec<_> = listed.difference(&keys).collect();
    assert!(
        missing.is_empty() && gone.is_empty(),
        "the table lacks {missing:?} and has without need {gone:?}"
    );
}

/// The names of values, down to what is not a table, or is one that the operator fills.
fn leaves(json: &Value, prefix: &str, found: &mut BTreeSet<String>) {
    // Tables that are handed to Kubernetes as they are.
    let whole = ["resources", "podSecurityContext", "securityContext", "dashboard.labels"];
    match json.as_object() {
        Some(table) if !table.is_empty() && !whole.contains(&prefix) => {
            for (key, value) in table {
                let name = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
                leaves(value, &name, found);
            }
        }
        _ => {
            found.insert(prefix.to_owned());
        }
    }
}

#[test]
fn the_chart_carries_the_rules_and_the_dashboard_as_they_are() {
    // A chart cannot read beyond its own folder.
    for (copy, original) in
        [("rules.yaml", "prometheus/rules/evenkeel.yaml"), ("dashboard.json", "grafana/evenkeel.json")]
    {
        let (copy, original) = (format!("{FOLDER}/files/{copy}"), original.to_owned());
        assert!(repo::read(&copy) == repo::read(&original), "cp {original} {copy}");
    }
    let Some(all) = render_all() else { return };
    let rules = all["everything"].one("PrometheusRule");
    let alarms = rules["spec"]["groups"].as_array().unwrap().iter().flat_map(|group| {
        let rules = group["rules"].as_array().unwrap();
        rules.iter().map(|rule| rule["alert"].as_str().unwrap())
    });
    let text = repo::read("prometheus/rules/evenkeel.yaml");
    assert_eq!(alarms.collect::<Vec<_>>(), evenkeel_tests::packaging::words::alarms(&text));
    let boards =
        all["everything"].of("ConfigMap").into_iter().filter_map(|map| map["data"]["evenkeel.json"].as_str());
    let boards: Vec<Value> = boards.map(|text| serde_json::from_str(text).unwrap()).collect();
    let original: Value = serde_json::from_str(&repo::read("grafana/evenkeel.json")).unwrap();
    assert_eq!(boards, [original]);
}

#[test]
fn the_chart_installs_the_version_it_lies_beside() {
    let chart = repo::read(&format!("{FOLDER}/Chart.yaml"));
    assert!(chart.lines().any(|line| line == format!("appVersion: \"{}\"", env!("CARGO_PKG_VERSION"))));
}
