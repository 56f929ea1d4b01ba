//! Both sides of a difference, attribute by attribute, and in a few words. Not here: the sentence about it.

use evenkeel_core::{EventType, Side};
use maud::{Markup, html};

use super::text::{clean, cut};
use super::words::Words;

/// How long a side may be where it is one of many on a line.
const BRIEF: usize = 60;

/// One attribute of both sides. `None`: that side says nothing about it.
struct Line {
    label: String,
    expected: Option<String>,
    observed: Option<String>,
}

/// Both sides as a table, with what differs marked.
pub(super) fn table(
    words: Words,
    kind: EventType,
    expected: Option<&Side>,
    observed: Option<&Side>,
) -> Markup {
    html! {
        table.sides {
            thead { tr {
                td {}
                th scope="col" { (words.say("side-expected")) }
                th scope="col" { (words.say("side-observed")) }
            } }
            tbody {
                @for line in lines(words, expected, observed) {
                    @let differs = line.expected != line.observed && line.expected.is_some();
                    tr.differs[differs] {
                        th scope="row" {
                            (line.label)
                            @if differs { " " span.differ title=(words.say("side-differs")) { "≠" } }
                        }
                        (cell(line.expected, expected.is_none(), &none(words, kind, true)))
                        (cell(line.observed, observed.is_none(), &none(words, kind, false)))
                    }
                }
            }
        }
    }
}

fn cell(value: Option<String>, is_absent: bool, absent: &str) -> Markup {
    html! {
        td {
            @match value {
                Some(value) => bdi { (value) },
                None if is_absent => em.none { (absent) },
                None => span.quiet { "–" },
            }
        }
    }
}

/// What is said of a side that is not there.
fn none(words: Words, kind: EventType, expected: bool) -> String {
    words.say(match (kind, expected) {
        (EventType::ConfigDrift, false) => "side-undecided",
        (_, true) => "side-none-expected",
        (_, false) => "side-none-observed",
    })
}

fn lines(words: Words, expected: Option<&Side>, observed: Option<&Side>) -> Vec<Line> {
    let pick = |read: &dyn Fn(&Side) -> Option<String>| (expected.and_then(read), observed.and_then(read));
    let field = expected.or(observed).and_then(|side| side.field.as_deref());
    let value = field.map_or_else(|| words.say("side-value"), |field| words.word("field", field));
    let all: [(String, (Option<String>, Option<String>)); 5] = [
        (words.say("side-state"), pick(&|side| side.state.as_deref().map(|s| words.word("state", s)))),
        (words.say("side-ports"), pick(&|side| ports(side))),
        (words.say("side-role"), pick(&|side| side.role.as_deref().map(|r| clean(r).into_owned()))),
        (words.say("side-image"), pick(&|side| side.image.as_deref().map(|i| clean(i).into_owned()))),
        (value, pick(&|side| side.value.as_deref().map(|v| clean(v).into_owned()))),
    ];
    let line = |(label, (expected, observed))| Line { label, expected, observed };
    all.into_iter().map(line).filter(|line| line.expected.is_some() || line.observed.is_some()).collect()
}

fn ports(side: &Side) -> Option<String> {
    let ports: Vec<String> = side.ports.iter().map(ToString::to_string).collect();
    (!ports.is_empty()).then(|| ports.join(" "))
}

/// Both sides on one line.
pub(super) fn brief(
    words: Words,
    kind: EventType,
    expected: Option<&Side>,
    observed: Option<&Side>,
) -> Markup {
    let (expected, observed) = (
        expected.map_or_else(|| none(words, kind, true), |side| in_short(words, side)),
        observed.map_or_else(|| none(words, kind, false), |side| in_short(words, side)),
    );
    html! {
        span.brief {
            bdi.want title=(words.say("side-expected")) { (cut(&expected, BRIEF)) }
            " " span.arrow aria-label=(words.say("side-arrow")) { "→" } " "
            bdi.have title=(observed) { (cut(&observed, BRIEF)) }
        }
    }
}

fn in_short(words: Words, side: &Side) -> String {
    let state = side.state.as_deref().map(|state| words.word("state", state));
    let value = side.value.as_deref().map(|value| clean(value).into_owned());
    // Where a state says it, the value only explains it: that is for the drift's own page.
    let said: Vec<String> = state.or(value).into_iter().chain(ports(side)).collect();
    if said.is_empty() { "–".to_owned() } else { said.join(" ") }
}
