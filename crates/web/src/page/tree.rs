//! Where everything is: site, cluster, node, machine, service, with what is declared and what is seen of each; as a drawing,
//! and as a list for whoever does not see drawings. Not here: which part of the world a page shows.

use std::collections::{BTreeMap, BTreeSet};

use evenkeel_core::HostName;
use maud::{Markup, html};

use super::asked::Asked;
use super::fleet::Line;
use super::icon;
use super::services::Standing;
use super::text::{clean, cut, name};
use super::verdict::HostStand;
use super::words::Words;
use crate::services::{ServiceStatus, Sight};
use crate::state::HostStatus;

/// Units of the drawing: the height of a row, how far a branch is set in, where the columns begin, and how wide it is.
const ROW: usize = 28;
const STEP: usize = 24;
const DECLARED: usize = 350;
const SEEN: usize = 455;
const WIDTH: usize = 600;
/// How long a name may be before the columns.
const NAME: usize = 34;

/// One place, and what is in it.
pub(super) struct Node {
    /// What it is called.
    label: String,
    /// What kind of place it is, as a key.
    kind: &'static str,
    /// How it stands; `None` for places that only hold others.
    stand: Option<HostStand>,
    /// What NetBox says, and what is seen.
    sides: Option<(String, String)>,
    link: Option<String>,
    within: Vec<Node>,
}

impl Node {
    /// A place that only holds others.
    pub(super) fn holding(
        kind: &'static str,
        label: String,
        link: Option<String>,
        within: Vec<Self>,
    ) -> Self {
        Self { label, kind, stand: None, sides: None, link, within }
    }

    /// A machine.
    pub(super) fn host(asked: &Asked, line: Line<'_>, within: Vec<Self>) -> Self {
        let Line { host, drifts: _, stand } = line;
        Self {
            label: clean(host.host.as_str()).into_owned(),
            kind: "tree-host",
            stand: Some(stand),
            sides: Some((declared(asked.words, host.declared), machine(asked.words, host))),
            link: Some(asked.host(host.host.as_str())),
            within,
        }
    }

    /// So many machines that stand so.
    pub(super) fn counted(label: String, stand: HostStand) -> Self {
        Self { label, kind: "tree-hosts", stand: Some(stand), sides: None, link: None, within: Vec::new() }
    }

    /// A service.
    pub(super) fn service(words: Words, service: &ServiceStatus, open: usize) -> Self {
        let stand = match Standing::of(service, open) {
            Standing::Differs => HostStand::Drift,
            Standing::Unknown => HostStand::Blind,
            Standing::Unwatched => HostStand::Unwatched,
            Standing::Accepted => HostStand::Undeclared,
            Standing::InSync => HostStand::InSync,
            Standing::Idle => HostStand::Idle,
        };
        let seen = match (service.sight, &service.observed) {
            (Sight::Present, Some(seen)) => match seen.state.known() {
                Ok(state) => words.word("state", state.as_str()),
                Err(_) => words.say("not-known"),
            },
            (Sight::Present, None) | (Sight::Absent, _) => words.word("state", "absent"),
            (Sight::Unknown, _) => words.say("not-known"),
            (Sight::Unwatched, _) => words.say("tree-unwatched"),
        };
        Self {
            label: clean(service.service.as_str()).into_owned(),
            kind: "tree-service",
            stand: Some(stand),
            sides: Some((declared(words, service.declared), seen)),
            link: None,
            within: Vec::new(),
        }
    }
}

fn declared(words: Words, declared: Option<bool>) -> String {
    words.say(match declared {
        Some(true) => "tree-declared",
        Some(false) => "tree-undeclared",
        None => "not-known",
    })
}

/// The machine as those say who see it.
fn machine(words: Words, host: &HostStatus) -> String {
    let mut states = host.machines.iter().filter_map(|machine| machine.state.as_ref());
    match (states.next(), host.machines.is_empty(), host.blind.len() == host.sources.len()) {
        (Some(state), _, _) => words.word("state", state),
        (None, false, _) => words.say("not-known"),
        (None, true, _) if host.sources.is_empty() => words.say("tree-unwatched"),
        (None, true, true) => words.say("not-known"),
        // Nobody sees the machine, but what looks into it answers.
        (None, true, false) => words.say("tree-answers"),
    }
}

/// Machines beneath those that carry them. A node that is no host of the list stands for itself.
pub(super) fn carried<'a>(
    asked: &Asked,
    lines: impl IntoIterator<Item = Line<'a>>,
    services: &dyn Fn(Line<'a>) -> Vec<Node>,
) -> Vec<Node> {
    let lines: Vec<Line<'a>> = lines.into_iter().collect();
    let listed: BTreeSet<&HostName> = lines.iter().map(|line| &line.host.host).collect();
    let mut by_node: BTreeMap<&HostName, Vec<Line<'a>>> = BTreeMap::new();
    let mut top = Vec::new();
    for line in lines.iter().copied() {
        match line.host.node.as_ref().filter(|node| **node != line.host.host) {
            Some(node) => by_node.entry(node).or_default().push(line),
            None => top.push(line),
        }
    }
    let mut nodes: Vec<Node> = Vec::new();
    let guests = |guests: Vec<Line<'a>>| -> Vec<Node> {
        guests.into_iter().map(|line| Node::host(asked, line, services(line))).collect()
    };
    for line in top {
        let mut within = services(line);
        within.extend(guests(by_node.remove(&line.host.host).unwrap_or_default()));
        nodes.push(Node::host(asked, line, within));
    }
    for (node, lines) in by_node {
        // A node that is carried itself, or that nobody lists.
        let label = clean(node.as_str()).into_owned();
        let link = listed.contains(node).then(|| asked.host(node.as_str()));
        nodes.push(Node::holding("tree-node", label, link, guests(lines)));
    }
    nodes
}

/// One row of the drawing.
struct Row<'a> {
    depth: usize,
    node: &'a Node,
    /// The row of what holds it.
    parent: Option<usize>,
}

fn rows<'a>(nodes: &'a [Node], depth: usize, parent: Option<usize>, out: &mut Vec<Row<'a>>) {
    for node in nodes {
        let at = out.len();
        out.push(Row { depth, node, parent });
        rows(&node.within, depth + 1, Some(at), out);
    }
}

/// The drawing, and the same as a list.
pub(super) fn tree(asked: &Asked, nodes: &[Node], title: &str) -> Markup {
    let words = asked.words;
    let mut all = Vec::new();
    rows(nodes, 0, None, &mut all);
    let height = (all.len() + 1) * ROW;
    let count = words.count("tree-count", all.len());
    html! {
        div.drawing tabindex="0" role="region" aria-label=(title) {
            svg.tree viewBox=(format!("0 0 {WIDTH} {height}")) width=(WIDTH) height=(height) role="img" aria-label=(format!("{title}. {count}")) {
                title { (title) }
                desc { (count) " " (words.say("tree-desc")) }
                text.head x=(DECLARED) y="18" { (words.say("side-expected")) }
                text.head x=(SEEN) y="18" { (words.say("side-observed")) }
                path.branch d=(branches(&all)) {}
                @for (at, row) in all.iter().enumerate() { (drawn(row, at)) }
            }
        }
        details.as-list {
            summary { (words.say("tree-list")) }
            (list(words, nodes))
        }
    }
}

fn middle(row: usize) -> usize {
    (row + 1) * ROW + ROW / 2
}

/// Where the mark of a row stands.
fn mark_at(depth: usize) -> usize {
    8 + depth * STEP
}

/// Lines from what holds to what is held.
fn branches(rows: &[Row<'_>]) -> String {
    use std::fmt::Write;
    let mut path = String::new();
    for (at, row) in rows.iter().enumerate() {
        if let Some(parent) = row.parent {
            let (x, y) = (mark_at(row.depth - 1) + 9, middle(at));
            // Writing to a string cannot fail.
            let _ = write!(path, "M{x} {}V{y}H{}", middle(parent) + 11, mark_at(row.depth) - 3);
        }
    }
    path
}

fn drawn(row: &Row<'_>, at: usize) -> Markup {
    let Row { depth, node, parent: _ } = row;
    let (x, y) = (mark_at(*depth), middle(at));
    let class = node.stand.map_or("place", HostStand::as_str);
    html! {
        g class=(class) {
            @match node.stand {
                Some(stand) => path.mark d=(icon::outline(stand)) transform=(format!("translate({x} {}) scale(.75)", y - 9)) {},
                None => path.mark d=(PLACE) transform=(format!("translate({x} {}) scale(.75)", y - 9)) {},
            }
            text.label x=(x + 26) y=(y + 5) { (cut(&node.label, NAME.saturating_sub(depth * 2))) }
            @if let Some((declared, seen)) = &node.sides {
                text x=(DECLARED) y=(y + 5) { (cut(declared, 16)) }
                text x=(SEEN) y=(y + 5) { (cut(seen, 20)) }
            }
        }
    }
}

/// The mark of what only holds others.
const PLACE: &str = "M3 6h7l2 2.5h9V19H3z";

fn list(words: Words, nodes: &[Node]) -> Markup {
    html! {
        ul.nested {
            @for node in nodes {
                li {
                    span.quiet { (words.say(node.kind)) } " "
                    @match &node.link { Some(link) => a href=(link) { (name(&node.label)) }, None => (name(&node.label)) }
                    @if let Some((declared, seen)) = &node.sides {
                        ": " (declared) ", " (words.with("tree-seen", [("state", seen.clone().into())]))
                    }
                    @if let Some(stand) = node.stand { " – " (words.word("stand", stand.as_str())) }
                    @if !node.within.is_empty() { (list(words, &node.within)) }
                }
            }
        }
    }
}
