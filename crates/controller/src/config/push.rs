//! `[[push]]`: who may send observations, about which hosts, and how long they count.

use std::sync::Arc;

use evenkeel_core::{Secret, SourceId, SourceKind};
use evenkeel_sources::push::Config;
use wildmatch::WildMatch;

use super::key::{Key, Section};
use super::table::Table;
use super::value::some_time;

/// One sender.
#[derive(Clone, Debug)]
pub struct PushConfig {
    /// Its inbox.
    pub source: Config,
    /// What it shows to be let in.
    pub token: Secret,
}

/// Shorter ones can be guessed over a network.
const SHORTEST_TOKEN: usize = 16;

pub(super) const NAME: Key =
    Key::required("name", "text", "What it is called in events and metrics (`push/scripts`); once per file.");
const TOKEN: Key = Key::required(
    "token",
    "secret",
    "What the sender shows as `Authorization: Bearer …`: at least 16 characters, and no other sender's \
     (`openssl rand -hex 32`).",
);
const HOSTS: Key = Key::required(
    "hosts",
    "list of globs",
    "The hosts it may speak about; anything else it sends is refused.",
);
const MAX_AGE: Key = Key::with_default(
    "max_age",
    "duration",
    "\"15m\"",
    "After how long an observation no longer counts; then the services it showed are unknown. Give it two or three of \
     the sender's rounds.",
);
const MAX_SKEW: Key = Key::with_default(
    "max_skew",
    "duration",
    "\"5m\"",
    "How far the sender's clock may be ahead; what comes from further ahead is refused.",
);

/// `[[push]]`.
pub(super) const SECTION: Section = Section {
    header: "[[push]]",
    doc: "A script or collector of your own that sends what it sees to `POST /api/v1/observations` (docs/reference/api.md). \
          One per collector: what one does not mention would be gone for another.",
    keys: &[&NAME, &TOKEN, &HOSTS, &MAX_AGE, &MAX_SKEW],
    inherits: &[],
};

/// Reads every `[[push]]`: each on its own, then what must differ between them.
pub(super) fn read_all(tables: &[Table<'_>]) -> Option<Vec<PushConfig>> {
    let read: Vec<Option<PushConfig>> = tables.iter().map(read).collect();
    for (i, (table, config)) in tables.iter().zip(&read).enumerate() {
        let Some(config) = config else { continue };
        if let Some(other) = read[..i].iter().flatten().find(|other| other.token == config.token) {
            let what = format!(
                "is the token of {} as well; each sender needs its own, or nobody can tell them apart",
                other.source.id
            );
            table.wrong(&TOKEN, what);
        }
    }
    read.into_iter().collect()
}

/// Whether a token cannot be guessed and can travel in a header.
pub(super) fn sound_token(token: &Secret) -> Result<(), String> {
    if token.expose().chars().count() < SHORTEST_TOKEN {
        return Err(format!("is shorter than {SHORTEST_TOKEN} characters; `openssl rand -hex 32` makes one"));
    }
    match token.expose().bytes().all(|byte| byte.is_ascii_graphic()) {
        true => Ok(()),
        false => Err("must be letters, digits and signs, without a blank".to_owned()),
    }
}

fn read(table: &Table<'_>) -> Option<PushConfig> {
    let name: Option<Arc<str>> = table.get(&NAME);
    let token = table.checked(&TOKEN, sound_token);
    let hosts: Option<Vec<WildMatch>> = table.get(&HOSTS);
    if table.is_empty_list(&HOSTS) {
        table.wrong(&HOSTS, "names no host; write \"*\" if it may speak about all of them");
    }
    let max_age = table.checked(&MAX_AGE, some_time);
    let max_skew = table.get(&MAX_SKEW);
    let source = Config {
        id: SourceId::new(SourceKind::Push, name?),
        hosts: hosts?,
        max_age: max_age?,
        max_skew: max_skew?,
    };
    Some(PushConfig { source, token: token? })
}
