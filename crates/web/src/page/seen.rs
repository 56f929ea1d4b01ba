//! What sources last showed of a host, read back from the store for people. Not here: what is concluded from it.

use evenkeel_store::ObservedRow;
use maud::{Markup, html};
use serde::Deserialize;

use super::asked::Asked;
use super::row;
use super::text::{clean, name};
use super::time::moment;

/// The part of a stored snapshot that is shown. Null is "not known", an empty list is "none".
#[derive(Deserialize)]
struct Body {
    containers: Vec<Container>,
}

#[derive(Deserialize)]
struct Container {
    name: String,
    state: Option<String>,
    ports: Option<Vec<String>>,
    image: Option<String>,
    ambiguous: Option<String>,
}

/// How many services of a snapshot run; `None` where it cannot be read, or not of all of them.
pub(super) fn running(row: &ObservedRow) -> Option<usize> {
    let Body { containers } = read(row)?;
    let states: Option<Vec<String>> = containers.into_iter().map(|container| container.state).collect();
    Some(states?.iter().filter(|state| state.as_str() == "running").count())
}

fn read(row: &ObservedRow) -> Option<Body> {
    serde_json::from_str(&row.snapshot).ok()
}

/// What one source shows.
pub(super) fn view(asked: &Asked, row: &ObservedRow) -> Markup {
    let words = asked.words;
    html! {
        h3 { (row::source(asked, &row.source)) " " span.quiet { (words.say("seen-last")) " " (moment(words, row.observed_at, asked.now)) } }
        @match read(row) {
            None => p.bad { (words.say("seen-unreadable")) },
            Some(Body { containers }) if containers.is_empty() => p.quiet { (words.say("seen-none")) },
            Some(Body { containers }) => (table(asked, &containers)),
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
