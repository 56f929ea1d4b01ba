//! The outcome as Markdown.

use super::{Expected, Fault, Outcome, System, expected};

/// The file that holds it, below the repository's root.
pub const DOCUMENT: &str = "docs/conformance.md";
/// Where the table stands in the document.
const BEGIN: &str = "<!-- printed by `cargo conformance`; a test compares it -->\n";
const END: &str = "<!-- end -->\n";

/// The table with its footnotes. `outcome`: what came of a fault that makes sense, in words.
pub fn render(outcome: impl Fn(System, Fault) -> &'static str) -> String {
    let mut notes: Vec<&'static str> = Vec::new();
    let mut text = String::from("| fault |");
    for system in System::ALL {
        text += &format!(" {} |", system.title());
    }
    text += "\n| --- |";
    text += &" --- |".repeat(System::ALL.len());
    text += "\n";
    for fault in Fault::ALL {
        text += &format!("| {} |", fault.title());
        for system in System::ALL {
            let cell = match expected(system, fault) {
                Expected::Senseless(why) => format!("– [{}]", number(&mut notes, why)),
                Expected::Blind(_) | Expected::Unaffected => outcome(system, fault).to_owned(),
            };
            text += &format!(" {cell} |");
        }
        text += "\n";
    }
    if !notes.is_empty() {
        text += "\n";
    }
    for (i, note) in notes.iter().enumerate() {
        text += &format!("- [{}] {note}.\n", i + 1);
    }
    text
}

/// The table as the tests hold it to be.
pub fn as_expected() -> String {
    render(|system, fault| match expected(system, fault) {
        Expected::Blind(_) => Outcome::Blind.as_str(),
        Expected::Unaffected | Expected::Senseless(_) => Outcome::Unaffected.as_str(),
    })
}

/// The document with this table in it; `None` where it has no place for one.
pub fn put_into(document: &str, table: &str) -> Option<String> {
    let (before, rest) = document.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}{table}{END}{after}"))
}

fn number(notes: &mut Vec<&'static str>, note: &'static str) -> usize {
    let place = notes.iter().position(|known| *known == note).unwrap_or_else(|| {
        notes.push(note);
        notes.len() - 1
    });
    place + 1
}
