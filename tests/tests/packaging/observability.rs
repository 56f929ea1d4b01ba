//! The alarms and the dashboard: every figure they name is one that evenkeel has, every query of the dashboard shows something
//! on the demo, and every alarm does what it is tried for.

use std::collections::BTreeSet;

use evenkeel_tests::packaging::demo::Demo;
use evenkeel_tests::packaging::words::{alarms, exposed, figures, questions};
use evenkeel_tests::prometheus::{Sample, tools};
use evenkeel_tests::{repo, stage};
use serde_json::Value;

const RULES: &str = "prometheus/rules/evenkeel.yaml";
const TRIED: &str = "prometheus/rules/evenkeel_test.yaml";
const DASHBOARD: &str = "grafana/evenkeel.json";

/// Queries of the dashboard about what Prometheus knows of any target.
const OF_PROMETHEUS: &[&str] = &["(up{", "(scrape_duration_seconds{"];

fn dashboard() -> Value {
    serde_json::from_str(&repo::read(DASHBOARD)).unwrap()
}

/// The panels that show something, rows left out.
fn panels(dashboard: &Value) -> Vec<&Value> {
    let panels = dashboard["panels"].as_array().unwrap();
    panels.iter().filter(|panel| panel["type"] != "row").collect()
}

/// Every query, with the title of its panel.
fn queries(dashboard: &Value) -> Vec<(&str, &str)> {
    panels(dashboard)
        .into_iter()
        .flat_map(|panel| {
            let title = panel["title"].as_str().unwrap();
            let targets = panel["targets"].as_array().unwrap();
            targets.iter().map(move |target| (title, target["expr"].as_str().unwrap()))
        })
        .collect()
}

#[test]
fn promtool_takes_the_rules_and_every_alarm_does_what_it_must() {
    let Some(tools) = tools() else { return };
    let alarms = alarms(&repo::read(RULES)).len();
    let said = tools.check_rules(&repo::root().join(RULES)).unwrap();
    assert!(said.contains(&format!("SUCCESS: {alarms} rules found")), "{said}");
    tools.test_rules(&repo::root().join(TRIED)).unwrap();
}

#[test]
fn promtool_notices_an_alarm_that_is_silent_or_too_early() {
    let Some(tools) = tools() else { return };
    let rules = repo::read(RULES);
    for (from, to) in [
        ("min without (instance, pod) (evenkeel_store_up) == 0\n        for: 2m", "vector(0) == 1"),
        ("for: 15m", "for: 1m"),
        ("unless on () absent(evenkeel_build_info)", ""),
    ] {
        assert!(rules.contains(from), "{from}");
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("evenkeel.yaml"), rules.replacen(from, to, 1)).unwrap();
        let tried = folder.path().join("tried.yaml");
        std::fs::write(&tried, repo::read(TRIED)).unwrap();
        assert!(tools.test_rules(&tried).is_err(), "{from}");
    }
}

#[test]
fn every_alarm_is_tried_both_ways_and_says_what_to_do() {
    let (rules, tried) = (repo::read(RULES), repo::read(TRIED));
    let alarms = alarms(&rules);
    assert!(alarms.len() > 10, "{alarms:?}");
    assert_eq!(alarms.iter().collect::<BTreeSet<_>>().len(), alarms.len(), "two alarms have one name");
    for (at, alarm) in alarms.iter().enumerate() {
        let text = rules.split("- alert: ").nth(at + 1).unwrap();
        for key in ["severity: ", "summary: ", "description: "] {
            assert!(text.contains(key), "{alarm} has no {key}");
        }
        let trials: Vec<&str> = tried.split(&format!("alertname: {alarm}\n")).skip(1).collect();
        let silent = |trial: &&&str| trial.trim_start().starts_with("exp_alerts: []");
        assert!(trials.iter().any(|trial| !silent(&trial)), "{alarm} is not seen to fire");
        // The watchdog is never silent: that is what it is for.
        let quiet = trials.iter().any(|trial| silent(&trial));
        assert_eq!(quiet, *alarm != "EvenkeelWatchdog", "{alarm} is not seen to be silent");
    }
}

#[test]
fn the_readme_lists_every_alarm_with_its_severity() {
    let rules = repo::read(RULES);
    let wanted: Vec<(String, String)> = rules
        .split("- alert: ")
        .skip(1)
        .map(|rule| {
            let severity = rule.split("severity: ").nth(1).unwrap().lines().next().unwrap();
            (rule.lines().next().unwrap().to_owned(), severity.to_owned())
        })
        .collect();
    let readme = repo::read("prometheus/README.md");
    let listed: Vec<(String, String)> = readme
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once("` | "))
        .map(|(alarm, rest)| (alarm.to_owned(), rest.split(" |").next().unwrap().to_owned()))
        .collect();
    assert_eq!(listed, wanted);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_figure_that_rules_and_dashboard_name_is_there_and_the_dashboard_shows_all_of_them() {
    let demo = Demo::start().await;
    let named = [RULES, DASHBOARD].map(|path| (path, figures(&repo::read(path))));
    let shown = &named[1].1;
    // A figure with labels is there from its first use on.
    let all = || async { shown.is_subset(&exposed(&demo.exposition().await)) };
    stage::soon(all).await;
    let there = exposed(&demo.exposition().await);
    assert!(there.len() > 30, "{there:?}");
    for (path, named) in &named {
        let unknown: Vec<_> = named.difference(&there).collect();
        assert!(unknown.is_empty() && !named.is_empty(), "{path} names {unknown:?}, which evenkeel has not");
    }
    let hidden: Vec<_> = there.difference(shown).collect();
    assert!(hidden.is_empty(), "evenkeel has {hidden:?}, which no panel shows");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_query_of_the_dashboard_shows_something_on_the_demo_and_every_alarm_can_be_asked() {
    let Some(tools) = tools() else { return };
    let demo = Demo::start().await;
    let server = tokio::task::block_in_place(|| tools.start(demo.address(), "/metrics")).unwrap();
    let dashboard = dashboard();
    let queries = queries(&dashboard);
    assert!(queries.len() > 40, "{}", queries.len());
    // A quantile of nothing is no number; a panel would be as empty as without a sample.
    let shows = |samples: &[Sample]| samples.iter().any(|sample| sample.value.is_finite());
    for (title, query) in queries {
        let query = query
            .replace("$job", "evenkeel")
            .replace("$instance", ".*")
            .replace("$__rate_interval", "15s")
            .replace("$__range", "1m");
        assert!(!query.contains('$'), "{title}: {query}");
        let found = tokio::task::block_in_place(|| server.until(&query, shows));
        found.unwrap_or_else(|error| panic!("{title}: {error:#}"));
    }
    // What matches several where it may match one is an error only where there is something to match.
    let rules = repo::read(RULES);
    let questions = questions(&rules);
    assert_eq!(questions.len(), alarms(&rules).len());
    for question in questions {
        let answered = tokio::task::block_in_place(|| server.query(&question));
        answered.unwrap_or_else(|error| panic!("{question}: {error:#}"));
    }
}

#[test]
fn every_query_asks_the_instances_that_were_chosen_and_only_those() {
    let dashboard = dashboard();
    let chosen = "{job=~\"$job\", instance=~\"$instance\"";
    for (title, query) in queries(&dashboard) {
        let selectors = query.matches('{').count();
        assert!(selectors > 0 && query.matches(chosen).count() == selectors, "{title}: {query}");
        let ours = query.matches("evenkeel_").count();
        let others = OF_PROMETHEUS.iter().filter(|word| query.contains(**word)).count();
        assert_eq!(ours + others, selectors, "{title}: {query}");
    }
    let names: Vec<&str> = dashboard["templating"]["list"]
        .as_array()
        .unwrap()
        .iter()
        .map(|variable| variable["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["datasource", "job", "instance"]);
}

#[test]
fn every_panel_has_a_place_of_its_own_a_word_of_explanation_and_the_chosen_source() {
    let dashboard = dashboard();
    let (mut ids, mut taken) = (BTreeSet::new(), BTreeSet::new());
    for panel in dashboard["panels"].as_array().unwrap() {
        let title = panel["title"].as_str().unwrap();
        assert!(ids.insert(panel["id"].as_u64().unwrap()), "{title}: its id is another's");
        let at = |key: &str| panel["gridPos"][key].as_u64().unwrap();
        assert!(at("x") + at("w") <= 24, "{title} is beyond the edge");
        for x in at("x")..at("x") + at("w") {
            for y in at("y")..at("y") + at("h") {
                assert!(taken.insert((x, y)), "{title} lies on another");
            }
        }
    }
    for panel in panels(&dashboard) {
        let title = panel["title"].as_str().unwrap();
        assert!(panel["description"].as_str().is_some_and(|text| text.ends_with('.')), "{title}");
        let targets = panel["targets"].as_array().unwrap();
        for source in targets.iter().map(|target| &target["datasource"]).chain([&panel["datasource"]]) {
            assert_eq!(source["uid"], "${datasource}", "{title}");
        }
    }
}
