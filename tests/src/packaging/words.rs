//! What a text of rules, or a dashboard, speaks of.

use std::collections::BTreeSet;

/// The figures of ours that a text names, as Prometheus calls them: a histogram's parts are the histogram.
pub fn figures(text: &str) -> BTreeSet<String> {
    let is_of_a_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.split(|c: char| !is_of_a_name(c))
        .filter(|word| word.starts_with("evenkeel_"))
        .map(|word| {
            let part = ["_bucket", "_sum", "_count"].iter().find_map(|end| word.strip_suffix(end));
            part.unwrap_or(word).to_owned()
        })
        .collect()
}

/// The figures of an exposition in text form: those that say what they are.
pub fn exposed(exposition: &str) -> BTreeSet<String> {
    exposition
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE "))
        .filter_map(|line| line.split_whitespace().next())
        .map(str::to_owned)
        .collect()
}

/// What follows `- alert:` in a text of rules, in its order.
pub fn alarms(rules: &str) -> Vec<&str> {
    rules.lines().filter_map(|line| line.trim_start().strip_prefix("- alert: ")).map(str::trim).collect()
}

/// What each alarm of a text of rules asks, on one line, in their order.
pub fn questions(rules: &str) -> Vec<String> {
    let asks = |rule: &str| -> Option<String> {
        let (_, after) = rule.split_once("expr: ")?;
        let (first, rest) = after.split_once('\n')?;
        if first.trim() != ">-" {
            return Some(first.trim().to_owned());
        }
        // Folded: what is indented further than the key.
        let folded = rest.lines().take_while(|line| line.starts_with("          ")).map(str::trim);
        Some(folded.collect::<Vec<_>>().join(" "))
    };
    rules.split("- alert: ").skip(1).filter_map(asks).collect()
}
