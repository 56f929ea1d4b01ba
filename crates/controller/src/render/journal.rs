//! The journal for people: one line per row.

use evenkeel_core::Subject;
use evenkeel_store::{JournalLine, JournalRow};

use super::text::{DIM, clean, cut, fit, harmless_json, moment, styled, width};

/// Rows as lines, in the order given; empty text for no row.
pub fn render(rows: &[JournalRow], columns: usize) -> String {
    let columns = columns.clamp(40, 200);
    let who = rows.iter().map(|row| width(&clean(&row.actor))).max().unwrap_or(0).min(16);
    let mut out = String::new();
    for row in rows {
        // The moment, the kind, who, and two spaces between them.
        let used = 20 + 2 + 8 + 2 + who + 2;
        let head = format!(
            "{}  {}  {}",
            styled(DIM, &moment(row.at)),
            fit(row.kind.as_str(), 8),
            fit(&clean(&row.actor), who)
        );
        out.push_str(&head);
        let said = said(row);
        match columns.saturating_sub(used) {
            room @ 30.. => out.push_str(&format!("  {}", cut(&said, room))),
            _ => out.push_str(&format!("\n    {}", cut(&said, columns.saturating_sub(4)))),
        }
        out.push('\n');
    }
    out
}

/// Rows as JSON Lines, in the form of the API.
pub fn render_lines(rows: &[JournalRow]) -> Result<String, serde_json::Error> {
    let mut out = String::new();
    for row in rows {
        out.push_str(&harmless_json(&serde_json::to_string(&row.line())?));
        out.push('\n');
    }
    Ok(out)
}

/// Rows as one JSON list, in the form of the API.
pub fn render_json(rows: &[JournalRow]) -> Result<String, serde_json::Error> {
    let lines: Vec<JournalLine<'_>> = rows.iter().map(JournalRow::line).collect();
    serde_json::to_string_pretty(&lines).map(|text| harmless_json(&text))
}

/// The sentence, with the handle and whom it is about in front where there is one.
fn said(row: &JournalRow) -> String {
    let about = match &row.subject {
        Some(Subject::Host(host)) => format!("{}: ", clean(host.as_str())),
        Some(Subject::Source(source)) => format!("{}: ", clean(&source.to_string())),
        None => String::new(),
    };
    let handle = row.handle().map_or_else(String::new, |handle| format!("{handle} "));
    format!("{handle}{about}{}", clean(&row.text))
}
