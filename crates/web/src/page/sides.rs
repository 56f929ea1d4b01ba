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

/// What either side says.
type Both = (Option<String>, Option<String>);

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
                @for line in lines(words, kind, expected, observed) {
                    @let differs = differs(&line, expected.is_none(), observed.is_none());
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

/// Whether a line is part of the difference. What a side that is there does not speak about is no difference.
fn differs(line: &Line, is_undeclared: bool, is_absent: bool) -> bool {
    line.expected != line.observed
        && (line.expected.is_some() || is_undeclared)
        && (line.observed.is_some() || is_absent)
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

fn lines(words: Words, kind: EventType, expected: Option<&Side>, observed: Option<&Side>) -> Vec<Line> {
    if let Some(open) = observed.and_then(|side| answering(words, kind, side)) {
        let label = words.say("side-ports");
        return vec![Line { label, expected: expected.and_then(ports), observed: Some(open) }];
    }
    let pick = |read: &dyn Fn(&Side) -> Option<String>| (expected.and_then(read), observed.and_then(read));
    let field = expected.or(observed).and_then(|side| side.field.as_deref());
    let value = field.map_or_else(
        || words.say(if kind.is_blindness() { "side-why" } else { "side-value" }),
        |field| words.word("field", field),
    );
    let all: [(String, Both); 5] = [
        (words.say("side-state"), pick(&|side| side.state.as_deref().map(|s| words.word("state", s)))),
        (words.say("side-ports"), pick(&|side| ports(side))),
        (words.say("side-role"), pick(&|side| side.role.as_deref().map(|r| clean(r).into_owned()))),
        (words.say("side-image"), pick(&|side| side.image.as_deref().map(|i| clean(i).into_owned()))),
        (value, pick(&|side| side.value.as_deref().map(|v| clean(v).into_owned()))),
    ];
    let line = |(label, (expected, observed))| Line { label, expected, observed };
    all.into_iter().map(line).filter(|line| line.expected.is_some() || line.observed.is_some()).collect()
}

/// Of ports that are closed, those are named that are not.
fn answering(words: Words, kind: EventType, side: &Side) -> Option<String> {
    (kind == EventType::PortMismatch && side.state.as_deref() == Some("closed")).then(|| {
        let open = ports(side).unwrap_or_else(|| words.say("none"));
        words.with("side-answering", [("ports", open.into())])
    })
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
        expected.map_or_else(|| none(words, kind, true), |side| in_short(words, kind, side)),
        observed.map_or_else(|| none(words, kind, false), |side| in_short(words, kind, side)),
    );
    html! {
        span.brief {
            bdi.want title=(words.say("side-expected")) { (cut(&expected, BRIEF)) }
            " " span.arrow aria-label=(words.say("side-arrow")) { "→" } " "
            bdi.have title=(observed) { (cut(&observed, BRIEF)) }
        }
    }
}

fn in_short(words: Words, kind: EventType, side: &Side) -> String {
    if let Some(open) = answering(words, kind, side) {
        return open;
    }
    let state = side.state.as_deref().map(|state| words.word("state", state));
    let value = side.value.as_deref().map(|value| clean(value).into_owned());
    // Where a state says it, the value only explains it: that is for the drift's own page.
    let said: Vec<String> = state.or(value).into_iter().chain(ports(side)).collect();
    if said.is_empty() { "–".to_owned() } else { said.join(" ") }
}
