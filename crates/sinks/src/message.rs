//! What people are told: one message for one event, or for many. Pure. What does not live here: how a sink writes it,
//! and when it is sent.
//!
//! Names and sentences come from systems that anybody may have named anything: every text here is one line without
//! control characters, and whoever writes it into another language (JSON, Markdown) escapes it there.

use evenkeel_core::remediation::{Code, Notice};
use evenkeel_core::{DriftId, Event, Severity, Subject, Transition};
use jiff::Timestamp;

/// Longest title, in characters: phones cut it far earlier.
const TITLE: usize = 120;
/// Longest line, in characters.
const LINE: usize = 400;
/// How many consequences a message about one drift names.
const FOLDED: usize = 5;

/// Why people are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// Something drifted.
    Open,
    /// What had drifted is gone.
    Resolved,
    /// Something still stands.
    Reminder,
    /// What there was, and what stands.
    Digest,
    /// Remediation has something to say.
    Notice,
    /// Somebody tries whether messages arrive.
    Test,
}

impl Tone {
    /// The lower-case word templates see.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Resolved => "resolved",
            Self::Reminder => "reminder",
            Self::Digest => "digest",
            Self::Notice => "notice",
            Self::Test => "test",
        }
    }
}

/// One line of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// What the lines after it are about.
    Heading(String),
    /// One of several.
    Item(String),
    /// A sentence.
    Text(String),
}

/// What people are told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The idempotency key: the same at every attempt.
    pub id: String,
    /// Why.
    pub tone: Tone,
    /// The worst of what it is about.
    pub severity: Severity,
    /// One line.
    pub title: String,
    /// The rest.
    pub lines: Vec<Line>,
    /// The one drift it is about, by its handle.
    pub handle: Option<String>,
    /// How many events it tells; 1 for a notice.
    pub count: usize,
    /// When.
    pub at: Timestamp,
}

impl Message {
    /// The message about one event.
    pub fn of(event: &Event) -> Self {
        let tone = tone_of(event.transition);
        let mut lines = vec![Line::Text(one_line(&event.details, LINE))];
        if event.folded_count > 0 {
            lines.push(Line::Text(consequences(event)));
        }
        if event.flapping {
            lines.push(Line::Text(
                "It comes and goes; further changes are held back until it is quiet.".into(),
            ));
        }
        Self {
            id: event.id.to_string(),
            tone,
            severity: event.severity,
            title: one_line(&format!("{}{}", before(event.transition), headline(event)), TITLE),
            lines,
            handle: Some(event.handle.clone()),
            count: 1,
            at: event.created_at,
        }
    }

    /// The message about one notice.
    pub fn of_notice(notice: &Notice) -> Self {
        let Notice { id, kind: _, code, text, actor: _, at, drift_id, handle, proposal } = notice;
        let drift = drift_id.as_deref().and_then(DriftId::parse);
        let about = drift.map(|drift| format!(": {}", place(&drift))).unwrap_or_default();
        let (severity, words) = opening(*code);
        let mut lines = vec![Line::Text(one_line(text, LINE))];
        if let Some(proposal) = proposal {
            lines.push(Line::Text(format!("Proposal {}.", proposal.handle())));
        }
        Self {
            id: id.to_string(),
            tone: Tone::Notice,
            severity,
            title: one_line(&format!("{words}{about}"), TITLE),
            lines,
            handle: handle.clone(),
            count: 1,
            at: *at,
        }
    }

    /// The lines as plain text.
    pub fn text(&self) -> String {
        let line = |line: &Line| match line {
            Line::Heading(text) => format!("\n{text}"),
            Line::Item(text) => format!("- {text}"),
            Line::Text(text) => text.clone(),
        };
        self.lines.iter().map(line).collect::<Vec<_>>().join("\n").trim_start().to_owned()
    }

    /// The lines as Markdown, names escaped.
    pub fn markdown(&self) -> String {
        let line = |line: &Line| match line {
            Line::Heading(text) => format!("\n**{}**\n", escape_markdown(text)),
            Line::Item(text) => format!("- {}", escape_markdown(text)),
            // Two blanks at its end keep the line a line.
            Line::Text(text) => format!("{}  ", escape_markdown(text)),
        };
        self.lines.iter().map(line).collect::<Vec<_>>().join("\n").trim().to_owned()
    }

    /// Whether Markdown shows more than plain text does.
    pub fn has_structure(&self) -> bool {
        self.lines.iter().any(|line| matches!(line, Line::Heading(_)))
    }
}

/// The event in few words: its type and where.
pub fn headline(event: &Event) -> String {
    let kind = event.event_type.code();
    match (&event.service, &event.hostname) {
        (Some(service), Some(host)) => format!("{kind}: {service} on {host}"),
        (Some(service), None) => format!("{kind}: {service}"),
        (None, Some(host)) => format!("{kind}: {host}"),
        (None, None) => format!("{kind}: {}", event.source),
    }
}

/// How much a notice matters to whoever reads it, and how it begins. That the brake is on wakes people: until somebody
/// looks, nothing is repaired. That it is off does not.
fn opening(code: Code) -> (Severity, String) {
    let (severity, words) = match code {
        Code::BrakeEngaged => (Severity::Critical, "The brake is on"),
        Code::Escalated => (Severity::High, "A person is needed"),
        Code::ApprovalWanted => (Severity::Medium, "Approval wanted"),
        Code::BrakeReleased => (Severity::Low, "The brake is off"),
        // Nobody is told these (`Code::is_announced`).
        Code::Proposed
        | Code::Approved
        | Code::Rejected
        | Code::Expired
        | Code::Withdrawn
        | Code::Dispatched
        | Code::SendFailed
        | Code::Acknowledged
        | Code::Succeeded
        | Code::Failed
        | Code::TimedOut
        | Code::AnsweredLate
        | Code::Verified
        | Code::NotVerified
        | Code::Halted
        | Code::Resumed => return (Severity::Info, code.as_str().replace('_', " ")),
    };
    (severity, words.to_owned())
}

fn place(drift: &DriftId) -> String {
    let subject = match &drift.subject {
        Subject::Host(host) => host.to_string(),
        Subject::Source(source) => source.to_string(),
    };
    match &drift.service {
        Some(service) => format!("{service} on {subject}"),
        None => subject,
    }
}

fn tone_of(transition: Transition) -> Tone {
    match transition {
        Transition::Opened | Transition::Reopened | Transition::Changed => Tone::Open,
        Transition::Resolved => Tone::Resolved,
        Transition::Reminder => Tone::Reminder,
    }
}

fn before(transition: Transition) -> &'static str {
    match transition {
        Transition::Opened => "",
        Transition::Reopened => "Again: ",
        Transition::Changed => "Changed: ",
        Transition::Resolved => "Resolved: ",
        Transition::Reminder => "Still: ",
    }
}

fn consequences(event: &Event) -> String {
    let named: Vec<&str> = event.folded.iter().take(FOLDED).map(String::as_str).collect();
    let all = usize::try_from(event.folded_count).unwrap_or(usize::MAX);
    let more = all.saturating_sub(named.len());
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    one_line(&format!("It explains {all}: {}{more}.", named.join(", ")), LINE)
}

/// One line of at most so many characters. Control characters and those that turn the direction of writing become
/// blanks: they could make a line read as another.
pub fn one_line(text: &str, most: usize) -> String {
    let harmless = |c: char| match c {
        '\u{200e}'
        | '\u{200f}'
        | '\u{2028}'
        | '\u{2029}'
        | '\u{202a}'..='\u{202e}'
        | '\u{2066}'..='\u{2069}' => ' ',
        c if c.is_control() => ' ',
        c => c,
    };
    let line: String = text.chars().map(harmless).collect();
    let line = line.trim();
    match line.char_indices().nth(most) {
        None => line.to_owned(),
        Some(_) => line.chars().take(most.saturating_sub(1)).chain(['…']).collect(),
    }
}

/// Text that Markdown shows as it is: nothing in it is a link, an emphasis, or a mention of everybody.
pub fn escape_markdown(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if matches!(
            c,
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '<' | '>' | '(' | ')' | '#' | '|' | '~' | '&'
        ) {
            escaped.push('\\');
        }
        escaped.push(c);
        // A mention needs its name right behind the sign.
        if c == '@' {
            escaped.push('\u{200b}');
        }
    }
    escaped.replace("://", ":\u{200b}//")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{HOSTILE, brake, notice};

    #[test]
    fn a_line_stays_one_line_whatever_it_is_made_of() {
        assert_eq!(one_line("a\nb\u{202e}c\u{0}d ", 99), "a b c d");
        assert_eq!(one_line("ääääää", 4), "äää…");
        assert_eq!(one_line("ääää", 4), "ääää");
    }

    #[test]
    fn a_notice_says_what_is_wanted_and_where_and_weighs_what_it_asks() {
        let told = Message::of_notice(&notice(Code::ApprovalWanted));
        assert_eq!(told.title, "Approval wanted: freshrss on box2-daily");
        assert_eq!(told.lines[1], Line::Text("Proposal EJE00VWG.".into()));
        assert_eq!((told.tone, told.handle.as_deref()), (Tone::Notice, Some("7K3M9Q2A")));
        assert_eq!(
            (Message::of_notice(&brake()).title.as_str(), brake().proposal),
            ("The brake is on", None)
        );
        let mut weights: Vec<_> =
            Code::ALL.into_iter().filter(|code| code.is_announced()).map(|code| opening(code).0).collect();
        weights.sort();
        assert_eq!(weights, [Severity::Low, Severity::Medium, Severity::High, Severity::Critical]);
        let hostile = Notice { text: HOSTILE.into(), drift_id: Some("?".into()), ..notice(Code::Escalated) };
        let told = Message::of_notice(&hostile);
        assert_eq!(told.title, "A person is needed");
        assert!(!told.text().contains('\u{202e}') && told.text().lines().count() == 2, "{}", told.text());
    }

    #[test]
    fn markdown_shows_a_hostile_name_as_it_is() {
        assert_eq!(escape_markdown("[x](y) @all **b**"), "\\[x\\]\\(y\\) @\u{200b}all \\*\\*b\\*\\*");
        assert_eq!(escape_markdown("http://evil.example"), "http:\u{200b}//evil.example");
        assert_eq!(escape_markdown("box2-media.lan: 8096/tcp"), "box2-media.lan: 8096/tcp");
    }
}
