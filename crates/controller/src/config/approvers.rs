//! `[[remediation.approver]]`: who may approve, reject, stop and release.

use std::collections::BTreeSet;

use evenkeel_core::Secret;

use super::key::{Key, Section};
use super::push::sound_token;
use super::table::Table;

/// A person or program that may decide about repairs.
#[derive(Clone, Debug)]
pub struct ApproverConfig {
    /// The name the journal has for what they decide.
    pub name: String,
    /// What they show.
    pub token: Secret,
}

const NAME: Key = Key::required("name", "text", "Who it is; the journal has it with everything they decide.");
const TOKEN: Key = Key::required(
    "token",
    "secret",
    "What they show: at least 16 characters, and nobody else's (`openssl rand -hex 32`). `evenkeel repairs` takes it \
     from here.",
);

/// `[[remediation.approver]]`.
pub(super) const SECTION: Section = Section {
    header: "[[remediation.approver]]",
    doc: "Who may approve and reject proposals, stop all repairs and release the brake, through the API and `evenkeel \
          repairs`. With none, nobody can: only rules of mode `auto` approve.",
    keys: &[&NAME, &TOKEN],
    inherits: &[],
};

/// Reads all of them.
pub(super) fn read_all(tables: &[Table<'_>]) -> Option<Vec<ApproverConfig>> {
    let mut names = BTreeSet::new();
    let read: Vec<Option<ApproverConfig>> = tables
        .iter()
        .map(|table| {
            if table.written_text(&NAME).is_some_and(|name| !names.insert(name.trim().to_owned())) {
                table.wrong(&NAME, "is taken by another approver; give each their own name");
            }
            let (name, token) = (table.get(&NAME), table.checked(&TOKEN, sound_token));
            Some(ApproverConfig { name: name?, token: token? })
        })
        .collect();
    for (i, (table, approver)) in tables.iter().zip(&read).enumerate() {
        let Some(approver) = approver else { continue };
        if let Some(other) = read[..i].iter().flatten().find(|other| other.token == approver.token) {
            let what = format!("is the token of {} as well; nobody could tell them apart", other.name);
            table.wrong(&TOKEN, what);
            return None;
        }
    }
    read.into_iter().collect()
}
