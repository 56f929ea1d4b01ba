//! Many events, one message. Pure. What does not live here: when it is sent.

use std::cmp::Reverse;

use evenkeel_core::{Event, Severity, Transition};
use evenkeel_sinks::message::{Line, Message, Tone, headline, one_line};

/// How many names one list has; the rest is a number.
pub(super) const NAMED: usize = 20;
/// Longest line, in characters.
const LINE: usize = 200;

/// What makes a group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum By {
    /// The site that NetBox says.
    #[default]
    Site,
    /// The host.
    Host,
    /// Nothing: all is one group.
    All,
}

/// One event of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Item {
    pub(super) event: Event,
    /// What it told has ended before anybody heard of it.
    pub(super) over: bool,
}

impl Item {
    /// Whether people have something to worry about.
    fn is_trouble(&self) -> bool {
        match self.event.transition {
            Transition::Opened | Transition::Reopened | Transition::Changed | Transition::Reminder => {
                !self.over
            }
            Transition::Resolved => false,
        }
    }
}

/// The message about these. `place` says what they have in common (`at bruce`, `on box2`), or nothing.
pub(super) fn message(place: &str, items: &[Item]) -> Option<Message> {
    let first = items.first()?;
    if let ([only], false) = (items, first.over) {
        return Some(Message::of(&only.event));
    }
    let troubles: Vec<&Item> = items.iter().filter(|item| item.is_trouble()).collect();
    let worst = troubles.iter().map(|item| item.event.severity).max();
    let worst = worst.or_else(|| items.iter().map(|item| item.event.severity).max());
    let id = items.iter().map(|item| item.event.id.to_string()).min()?;
    let at = items.iter().map(|item| item.event.created_at).max()?;
    let handle = match items {
        [only] => Some(only.event.handle.clone()),
        [] | [_, ..] => None,
    };
    Some(Message {
        // Others may have joined since an attempt that failed: then it is another message.
        id: if items.len() == 1 { id } else { format!("{id}-{}", items.len()) },
        tone: if troubles.is_empty() { Tone::Resolved } else { Tone::Open },
        severity: worst.unwrap_or(Severity::Info),
        title: one_line(&title(place, items, troubles.len()), 120),
        lines: lines(items),
        handle,
        count: items.len(),
        at,
    })
}

fn title(place: &str, items: &[Item], troubles: usize) -> String {
    let over = items.iter().filter(|item| item.over).count();
    let resolved = items.len() - troubles - over;
    let mut said = Vec::new();
    if troubles > 0 {
        said.push(if troubles == 1 { "1 drift".to_owned() } else { format!("{troubles} drifts") });
    }
    if resolved > 0 {
        said.push(format!("{resolved} resolved"));
    }
    if over > 0 {
        said.push(format!("{over} already over"));
    }
    let place = if place.is_empty() { String::new() } else { format!(" {place}") };
    format!("{}{place}", said.join(", "))
}

fn lines(items: &[Item]) -> Vec<Line> {
    let mut sorted: Vec<&Item> = items.iter().collect();
    sorted
        .sort_by_cached_key(|item| (!item.is_trouble(), Reverse(item.event.severity), headline(&item.event)));
    let words = |item: &&Item| {
        let before = match item.event.transition {
            Transition::Opened => "",
            Transition::Reopened => "again ",
            Transition::Changed => "changed ",
            Transition::Resolved => "resolved ",
            Transition::Reminder => "still ",
        };
        let over = if item.over { " (already over)" } else { "" };
        format!("{before}{}{over}", headline(&item.event))
    };
    list(sorted.iter().map(words), items.len())
}

/// At most so many items, and how many there are beside.
pub(super) fn list(items: impl Iterator<Item = String>, count: usize) -> Vec<Line> {
    let mut lines: Vec<Line> = items.take(NAMED).map(|item| Line::Item(one_line(&item, LINE))).collect();
    if count > NAMED {
        lines.push(Line::Text(format!("and {} more", count - NAMED)));
    }
    lines
}

#[cfg(test)]
pub(super) mod tests {
    use std::sync::Arc;

    use evenkeel_core::{EventId, EventType};
    use jiff::Timestamp;

    use super::*;

    pub(in super::super) fn event(host: &str, transition: Transition, severity: Severity) -> Event {
        let at: Timestamp = "2026-01-10T21:00:00Z".parse().unwrap();
        let mut random = [0; 10];
        random.iter_mut().zip(host.bytes()).for_each(|(byte, letter)| *byte = letter);
        Event {
            id: EventId::new(at, random),
            hostname: Some(host.into()),
            service: None,
            event_type: EventType::VmDown,
            expected: None,
            observed: None,
            severity,
            details: format!("{host} is down."),
            source: Arc::from("proxmox"),
            created_at: at,
            transition,
            drift_id: format!("VM_DOWN|host:{host}||"),
            handle: "7K3M9Q2A".into(),
            first_seen: at,
            last_seen: at,
            flapping: false,
            baseline: false,
            folded: Vec::new(),
            folded_count: 0,
            announce: true,
            drift: None,
        }
    }

    fn item(host: &str, transition: Transition, severity: Severity) -> Item {
        Item { event: event(host, transition, severity), over: false }
    }

    #[test]
    fn one_event_is_told_as_itself() {
        let alone = item("box", Transition::Opened, Severity::High);
        assert_eq!(message("at bruce", std::slice::from_ref(&alone)), Some(Message::of(&alone.event)));
        assert_eq!(message("at bruce", &[]), None);
    }

    #[test]
    fn a_burst_is_one_message_with_a_list_that_ends() {
        let items: Vec<Item> =
            (0..57).map(|n| item(&format!("vm{n:02}"), Transition::Opened, Severity::Medium)).collect();
        let told = message("at bruce", &items).unwrap();
        assert_eq!((told.title.as_str(), told.count, told.tone), ("57 drifts at bruce", 57, Tone::Open));
        assert_eq!(told.lines.len(), NAMED + 1);
        assert_eq!(told.lines[0], Line::Item("VM_DOWN: vm00".into()));
        assert_eq!(told.lines[NAMED], Line::Text("and 37 more".into()));
    }

    #[test]
    fn the_worst_trouble_comes_first_and_gives_the_severity() {
        let items = [
            item("a", Transition::Resolved, Severity::Critical),
            item("b", Transition::Opened, Severity::Low),
            item("c", Transition::Reopened, Severity::High),
            Item { over: true, ..item("d", Transition::Opened, Severity::Critical) },
        ];
        let told = message("", &items).unwrap();
        assert_eq!(told.title, "2 drifts, 1 resolved, 1 already over");
        assert_eq!((told.severity, told.tone), (Severity::High, Tone::Open));
        let lines = ["again VM_DOWN: c", "VM_DOWN: b", "VM_DOWN: d (already over)", "resolved VM_DOWN: a"];
        assert_eq!(told.lines, lines.map(|line| Line::Item(line.into())));
    }

    #[test]
    fn what_is_all_over_is_a_recovery() {
        let over = Item { over: true, ..item("a", Transition::Opened, Severity::Critical) };
        let told = message("on a", &[over]).unwrap();
        assert_eq!((told.tone, told.title.as_str()), (Tone::Resolved, "1 already over on a"));
        assert_eq!(told.handle.as_deref(), Some("7K3M9Q2A"));
    }
}
