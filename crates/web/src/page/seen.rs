//! What sources last showed of a host, read back from the store for people. Not here: what is concluded from it.

use evenkeel_store::ObservedRow;
use maud::{Markup, html};
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::asked::Asked;
use super::row;
use super::text::{clean, name};
use super::time::moment;
use super::verdict::sees_services;

/// The part of a stored snapshot that is shown. Null is "not known", an empty list is "none".
#[derive(Deserialize)]
struct Body {
    containers: Vec<Container>,
    coverage: Reach,
    machine: Option<IgnoredAny>,
}

/// How far it reaches: a word, or the gap.
#[derive(Deserialize)]
#[serde(untagged)]
enum Reach {
    Whole(String),
    Partly { gap: String, why: String },
}

/// What a snapshot says about services.
enum Services {
    /// These run there, and no others.
    All(Vec<Container>),
    /// These at least.
    Some { shown: Vec<Container>, gap: String, why: String },
    /// It looks at the machine from outside: about services it says nothing.
    Silent,
}

#[derive(Deserialize)]
struct Container {
    name: String,
    state: Option<String>,
    ports: Option<Vec<String>>,
    image: Option<String>,
    ambiguous: Option<String>,
}

/// How many services run there; `None` where the source does not speak about them, `Some(None)` where that is not known.
pub(super) fn running(row: &ObservedRow) -> Option<Option<usize>> {
    match read(row) {
        Some(Services::All(shown)) => {
            let states: Option<Vec<String>> = shown.into_iter().map(|container| container.state).collect();
            Some(states.map(|states| states.iter().filter(|state| state.as_str() == "running").count()))
        }
        Some(Services::Some { .. }) | None => Some(None),
        Some(Services::Silent) => None,
    }
}

fn read(row: &ObservedRow) -> Option<Services> {
    let Body { containers, coverage, machine } = serde_json::from_str(&row.snapshot).ok()?;
    if containers.is_empty() && (machine.is_some() || !sees_services(row.source.kind)) {
        return Some(Services::Silent);
    }
    match coverage {
        Reach::Whole(word) if word == "complete" => Some(Services::All(containers)),
        Reach::Whole(_) => None,
        Reach::Partly { gap, why } => Some(Services::Some { shown: containers, gap, why }),
    }
}

/// What one source shows.
pub(super) fn view(asked: &Asked, row: &ObservedRow) -> Markup {
    let words = asked.words;
    html! {
        h3 { (row::source(asked, &row.source)) " " span.quiet { (words.say("seen-last")) " " (moment(words, row.observed_at, asked.now)) } }
        @match read(row) {
            None => p.bad { (words.say("seen-unreadable")) },
            Some(Services::Silent) => p.quiet { (words.say("seen-outside")) },
            Some(Services::All(shown)) if shown.is_empty() => p.quiet { (words.say("seen-none")) },
            Some(Services::All(shown)) => (table(asked, &shown)),
            Some(Services::Some { shown, gap, why }) => {
                p { span.mark.blind { (words.say("seen-partly")) " " (words.word("state", &gap)) } " " (clean(&why)) }
                @if !shown.is_empty() { (table(asked, &shown)) }
            }
        }
    }
}

fn table(asked: &Asked, containers: &[Container]) -> Markup {
    let words = asked.words;
    let columns = ["col-service", "col-state", "col-ports", "col-image"].map(|key| words.say(key));
    let [c_service, c_state, c_ports, c_image] = &columns;
    let unknown = words.say("not-known");
    html! {
        table.rows.seen {
            thead { tr { @for column in &columns { th scope="col" { (column) } } } }
            tbody {
                @for Container { name: of, state, ports, image, ambiguous } in containers {
                    tr {
                        td data-label=(c_service) { (name(of)) }
                        td data-label=(c_state) {
                            @match (ambiguous, state) {
                                (Some(why), _) => span.mark.blind title=(clean(why)) { (words.word("state", "ambiguous")) },
                                (None, Some(state)) => (words.word("state", state)),
                                (None, None) => span.quiet { (unknown) },
                            }
                        }
                        td data-label=(c_ports) {
                            @match ports {
                                None => span.quiet { (unknown) },
                                Some(ports) if ports.is_empty() => span.quiet { (words.say("none")) },
                                Some(ports) => (name(&ports.join(" "))),
                            }
                        }
                        td data-label=(c_image) { @match image { Some(image) => (name(image)), None => span.quiet { "–" } } }
                    }
                }
            }
        }
    }
}
