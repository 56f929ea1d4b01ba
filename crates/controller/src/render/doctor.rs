//! The checks of `evenkeel doctor` for people and for machines. What does not live here: making them.

use serde::Serialize;

use super::text::{BAD, BOLD, DIM, GOOD, WARN, clean, count, harmless_json, styled, wrap};

/// One thing that was tried.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What it belongs to (`netbox/main`, `docker/box2-media`, `store`); checks of one group stand together.
    pub group: String,
    /// How it went.
    pub status: Status,
    /// One sentence saying what was found.
    pub sentence: String,
    /// What to do about it, where there is something to do.
    pub hint: Option<String>,
}

/// How a check went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// As it should be.
    Ok,
    /// It works, but not as it should.
    Warn,
    /// It does not work.
    Fail,
}

impl Check {
    /// A check that went well.
    pub fn ok(group: impl Into<String>, sentence: impl Into<String>) -> Self {
        Self { group: group.into(), status: Status::Ok, sentence: sentence.into(), hint: None }
    }

    /// A check that found something worth a look.
    pub fn warn(group: impl Into<String>, sentence: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { status: Status::Warn, hint: Some(hint.into()), ..Self::ok(group, sentence) }
    }

    /// A check that failed.
    pub fn fail(group: impl Into<String>, sentence: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { status: Status::Fail, hint: Some(hint.into()), ..Self::ok(group, sentence) }
    }
}

/// The worst of the checks; well, if there is none.
pub fn worst(checks: &[Check]) -> Status {
    checks.iter().map(|check| check.status).max().unwrap_or(Status::Ok)
}

/// The checks as text, by group in the order in which the groups first appear.
pub fn render(checks: &[Check], columns: usize) -> String {
    let columns = columns.clamp(40, 120);
    let mut groups: Vec<&str> = Vec::new();
    for check in checks {
        if !groups.contains(&check.group.as_str()) {
            groups.push(&check.group);
        }
    }
    let mut out = String::new();
    for group in groups {
        out.push_str(&format!("{}\n", styled(BOLD, &clean(group))));
        for check in checks.iter().filter(|check| check.group == group) {
            let (style, mark) = match check.status {
                Status::Ok => (GOOD, "ok  "),
                Status::Warn => (WARN, "warn"),
                Status::Fail => (BAD, "fail"),
            };
            for (i, line) in wrap(&clean(&check.sentence), columns - 8).iter().enumerate() {
                let mark = if i == 0 { styled(style, mark) } else { "    ".to_owned() };
                out.push_str(&format!("  {mark}  {line}\n"));
            }
            for line in check.hint.iter().flat_map(|hint| wrap(&format!("→ {}", clean(hint)), columns - 8))
            {
                out.push_str(&format!("        {}\n", styled(DIM, &line)));
            }
        }
        out.push('\n');
    }
    out.push_str(&last_line(checks));
    out
}

fn last_line(checks: &[Check]) -> String {
    let of = |status| checks.iter().filter(|check| check.status == status).count();
    let (warned, failed) = (of(Status::Warn), of(Status::Fail));
    let said = |style, text: &str| format!("{}\n", styled(style, text));
    let checked = count(checks.len(), "check", "checks");
    match (failed, warned) {
        (0, 0) => said(GOOD, &format!("{checked}, all well.")),
        (0, n) => said(WARN, &format!("{checked}, {}.", count(n, "warning", "warnings"))),
        (n, 0) => said(BAD, &format!("{checked}, {n} failed.")),
        (n, m) => said(BAD, &format!("{checked}, {n} failed, {}.", count(m, "warning", "warnings"))),
    }
}

/// The checks as one JSON list.
pub fn render_json(checks: &[Check]) -> Result<String, serde_json::Error> {
    serde_json::to_string_pretty(checks).map(|text| harmless_json(&text))
}
