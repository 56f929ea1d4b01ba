//! What axe-core finds on a page: rules of WCAG 2.2 A and AA and its own best practices. The program comes from npm at
//! test time and is no part of evenkeel.

use serde_json::Value;

use super::Browser;

/// The text of axe-core; skips the test where there is none.
pub fn program() -> Option<String> {
    let path = crate::provided("EVENKEEL_TEST_AXE")?;
    Some(std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}")))
}

/// Each thing that is wrong with the open page, a line each: rule, element, and what to do about it.
pub async fn violations(browser: &Browser, axe: &str) -> Vec<String> {
    let call = "const done = arguments[arguments.length - 1];
        axe.run(document, { resultTypes: ['violations'] }).then(r => done(r.violations), e => done(String(e)));";
    let found = browser.run_async(&format!("{axe};\n{call}")).await;
    let rules = found.as_array().unwrap_or_else(|| panic!("axe failed: {found}"));
    let line = |rule: &Value, node: &Value| {
        let summary = node["failureSummary"].as_str().unwrap_or_default().replace('\n', " ");
        format!("{}: {} — {summary}", rule["id"].as_str().unwrap_or_default(), node["html"])
    };
    let nodes = |rule: &Value| {
        let nodes = rule["nodes"].as_array().cloned().unwrap_or_default();
        nodes.iter().map(|node| line(rule, node)).collect::<Vec<_>>()
    };
    rules.iter().flat_map(nodes).collect()
}
