//! The event stream: a task that holds it, and the board on which it leaves what it learnt. What lives here:
//! reconnecting, the watchdog, bursts made one hint. What does not: truth. An event only says "look again".

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use evenkeel_core::{Gap, GapKind};
use tokio::sync::Notify;
use tokio::time::Instant;

use super::client::{Client, Events};
use super::restarts::{Happening, Tracker};
use super::settle::Settle;
use super::wire::{EventLine, short};
use crate::Hint;

/// An event is its container's labels and little else; the largest engines' stay below 100 kB.
const LONGEST_LINE: usize = 1024 * 1024;
/// A stream that lasted this long was a good one: the next attempt is made at once again.
const CALM: Duration = Duration::from_secs(10);

/// How the stream stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Stream {
    /// Not asked for, or not open yet.
    Closed,
    /// Events arrive.
    Open,
    /// It ended, or could not be opened.
    Lost(Gap),
}

/// A moment in the life of a stream that is open. While it is the same one, the same daemon held the stream and said nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Moment {
    /// How often the stream was opened.
    pub(super) opening: u64,
    /// Lines that were heard, in all openings.
    pub(super) lines: u64,
}

/// What the task and the source both know.
#[derive(Debug)]
pub(super) struct Board {
    notes: Mutex<Notes>,
    bell: Notify,
}

#[derive(Debug)]
struct Notes {
    tracker: Tracker,
    settle: Settle,
    stream: Stream,
    /// Where it is, or was when it ended.
    moment: Moment,
    /// The first reason since the last hint was taken, and how many followed it.
    pending: Option<(String, usize)>,
}

impl Board {
    pub(super) fn new(restart_window: Duration, settle: Duration) -> Self {
        let notes = Notes {
            tracker: Tracker::new(restart_window),
            settle: Settle::new(settle),
            stream: Stream::Closed,
            moment: Moment::default(),
            pending: None,
        };
        Self { notes: Mutex::new(notes), bell: Notify::new() }
    }

    /// The next hint. A burst is collected for `debounce` from its first event on, so that a restless engine delays a
    /// hint but cannot prevent it. Cancel-safe: the reasons are taken at the very end.
    pub(super) async fn hint(&self, debounce: Duration) -> Hint {
        loop {
            let rung = self.bell.notified();
            if self.lock().pending.is_some() {
                if !debounce.is_zero() {
                    tokio::time::sleep(debounce).await;
                }
                if let Some((reason, more)) = self.lock().pending.take() {
                    let reason = if more == 0 { reason } else { format!("{reason} (and {more} more)") };
                    return Hint { reason };
                }
            }
            rung.await;
        }
    }

    pub(super) fn stream(&self) -> Stream {
        self.lock().stream.clone()
    }

    /// Where the stream is, while it is open.
    pub(super) fn moment(&self) -> Option<Moment> {
        let notes = self.lock();
        (notes.stream == Stream::Open).then_some(notes.moment)
    }

    pub(super) fn with_tracker<T>(&self, f: impl FnOnce(&mut Tracker) -> T) -> T {
        f(&mut self.lock().tracker)
    }

    pub(super) fn with_settle<T>(&self, f: impl FnOnce(&mut Settle) -> T) -> T {
        f(&mut self.lock().settle)
    }

    /// A reason to look once more that the source itself found.
    pub(super) fn look_again(&self, reason: &str) {
        self.signal(reason.to_owned());
    }

    /// The first reason to look again that nobody has taken.
    #[cfg(any(test, fuzzing))]
    pub(super) fn reason(&self) -> Option<String> {
        self.lock().pending.as_ref().map(|(reason, _)| reason.clone())
    }

    fn signal(&self, reason: String) {
        let mut notes = self.lock();
        match &mut notes.pending {
            Some((_, more)) => *more = more.saturating_add(1),
            None => notes.pending = Some((reason, 0)),
        }
        drop(notes);
        self.bell.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, Notes> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The stream is open: whatever happened before is in the list that is read now. Returns when to look once more.
    fn opened(&self) -> Option<Duration> {
        let due = {
            let mut notes = self.lock();
            notes.stream = Stream::Open;
            notes.moment.opening += 1;
            notes.settle.stream_began(Instant::now())
        };
        self.signal("the event stream is open".to_owned());
        due
    }

    /// The stream ended.
    fn ended(&self, gap: Gap) {
        let reason = format!("the event stream ended: {gap}");
        {
            let mut notes = self.lock();
            notes.stream = Stream::Lost(gap);
            notes.settle.stream_ended(Instant::now());
        }
        self.signal(reason);
    }

    /// The stream could not be opened. That the engine is away was signalled when its stream ended.
    fn not_opened(&self, gap: Gap, engine_is_away: bool) {
        let mut notes = self.lock();
        if engine_is_away {
            notes.settle.unreachable(Instant::now());
        }
        notes.stream = Stream::Lost(gap);
    }

    /// Takes one line of the stream in.
    pub(super) fn line(&self, line: &[u8]) {
        if line.iter().all(u8::is_ascii_whitespace) {
            return;
        }
        self.lock().moment.lines += 1;
        let Ok(event) = serde_json::from_slice::<EventLine>(line) else {
            self.signal("an event that could not be read".to_owned());
            return;
        };
        if let Some(reason) = self.event(&event) {
            self.signal(reason);
        }
    }

    /// Notes the event; returns the reason to look again, if it is one.
    fn event(&self, event: &EventLine) -> Option<String> {
        if event.kind.as_deref().is_some_and(|kind| kind != "container") {
            return None;
        }
        // `health_status: healthy`
        let action = event.action.as_deref().unwrap_or_default();
        let action = action.split(':').next().unwrap_or_default().trim();
        let id = event.actor.id.as_deref().unwrap_or_default();
        let now = Instant::now();
        let mut notes = self.lock();
        let happening = match action {
            "kill" | "stop" => Some(Happening::Asked),
            "die" | "died" => {
                notes.settle.died(id, now);
                let code = event.actor.attributes.exit_code.as_deref();
                Some(Happening::Died { exit_code: code.and_then(|code| code.parse().ok()) })
            }
            "start" => {
                notes.settle.started(id);
                Some(Happening::Started)
            }
            "destroy" | "remove" => Some(Happening::Destroyed),
            "create" | "oom" | "pause" | "unpause" | "rename" | "health_status" | "update" => None,
            _ => return None,
        };
        if let Some(happening) = happening {
            notes.tracker.happened(id, happening, now);
        }
        // A signal on its way changes nothing yet; the death that may follow does.
        if action == "kill" {
            return None;
        }
        let name = event.actor.attributes.name.as_deref().unwrap_or_else(|| short(id));
        Some(format!("{action} {}", name.chars().filter(|c| !c.is_control()).take(100).collect::<String>()))
    }
}

/// Holds the stream until cancelled from outside.
pub(super) async fn listen(client: Arc<Client>, board: Arc<Board>, watchdog: Duration) {
    let mut pauses = pauses();
    loop {
        // In a box: what is needed for a moment should not lie in every engine's task for good.
        match Box::pin(client.events()).await {
            Ok(response) => {
                tracing::debug!("the event stream is open");
                let opened = Instant::now();
                let due = board.opened();
                let gap = follow(response, &client, &board, watchdog, due).await;
                tracing::debug!(%gap, "the event stream ended");
                board.ended(gap);
                if opened.elapsed() >= CALM {
                    pauses = self::pauses();
                }
            }
            Err(gap) => {
                // A stream that is refused or held up by a proxy says nothing about the engine behind it.
                let suspicious = matches!(gap.kind, GapKind::Unreachable | GapKind::TimedOut);
                let away = suspicious && Box::pin(client.ping()).await.is_err();
                board.not_opened(gap, away);
            }
        }
        let pause = pauses.next().unwrap_or(Duration::from_secs(30));
        tokio::time::sleep(pause).await;
    }
}

/// From 0.2 s to 30 s: the jitter adds up to as much again.
fn pauses() -> ExponentialBackoff {
    ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(200))
        .with_max_delay(Duration::from_secs(15))
        .without_max_times()
        .with_jitter()
        .build()
}

/// Reads the stream to its end; returns why it ended.
async fn follow(
    mut events: Events,
    client: &Client,
    board: &Board,
    watchdog: Duration,
    due: Option<Duration>,
) -> Gap {
    let mut lines = Lines::default();
    let settled = tokio::time::sleep(due.unwrap_or_default());
    tokio::pin!(settled);
    let mut settling = due.is_some();
    loop {
        let chunk = tokio::select! {
            biased;
            // Before what is said: an engine that never rests has settled all the same.
            () = &mut settled, if settling => {
                settling = false;
                board.signal("the engine had time to settle".to_owned());
                continue;
            }
            chunk = chunk(&mut events, client, watchdog) => chunk,
        };
        match chunk {
            Ok(Some(bytes)) => {
                if lines.feed(&bytes, |line| board.line(line)).is_err() {
                    return Gap::new(GapKind::Malformed, "an event is longer than 1 MiB");
                }
            }
            Ok(None) => return Gap::new(GapKind::Unreachable, "the engine closed the event stream"),
            Err(gap) => return gap,
        }
    }
}

/// The next piece of the stream. In silence the engine is asked whether it is there, since a hung one keeps the stream
/// open; one that has answered something else meanwhile has said so already.
async fn chunk(
    events: &mut Events,
    client: &Client,
    watchdog: Duration,
) -> Result<Option<bytes::Bytes>, Gap> {
    loop {
        let begun = Instant::now();
        if let Ok(result) = tokio::time::timeout(watchdog, events.chunk()).await {
            return result;
        }
        if client.has_answered_since(begun) {
            continue;
        }
        tokio::select! {
            biased;
            result = events.chunk() => return result,
            alive = Box::pin(client.ping()) => alive?,
        }
    }
}

/// Puts lines together that arrive in pieces.
#[derive(Debug, Default)]
pub(super) struct Lines(Vec<u8>);

/// A line is too long to be an event.
#[derive(Debug)]
pub(super) struct TooLong;

impl Lines {
    pub(super) fn feed(&mut self, bytes: &[u8], mut take: impl FnMut(&[u8])) -> Result<(), TooLong> {
        let mut pieces = bytes.split(|byte| *byte == b'\n');
        // `split` yields at least one piece: what continues the line begun before.
        let mut piece = pieces.next().unwrap_or_default();
        for next in pieces {
            self.0.extend_from_slice(piece);
            take(&self.0);
            self.0.clear();
            piece = next;
        }
        self.0.extend_from_slice(piece);
        if self.0.len() > LONGEST_LINE { Err(TooLong) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn board() -> Board {
        Board::new(Duration::from_secs(600), Duration::from_secs(10))
    }

    fn event(action: &str) -> Vec<u8> {
        format!(
            r#"{{"status":"x","Type":"container","Action":"{action}","Actor":{{"ID":"abc","Attributes":{{"name":"sonarr","exitCode":"3","DB_PASSWORD":"hunter2"}}}},"time":1}}"#
        )
        .into_bytes()
    }

    #[test]
    fn a_line_cut_anywhere_is_one_line() {
        let text = b"{\"a\":1}\n{\"b\":2}\n\n{\"c\":3}\n";
        for size in 1..text.len() {
            let mut lines = Lines::default();
            let mut seen = Vec::new();
            for piece in text.chunks(size) {
                lines.feed(piece, |line| seen.push(String::from_utf8_lossy(line).into_owned())).unwrap();
            }
            assert_eq!(seen, ["{\"a\":1}", "{\"b\":2}", "", "{\"c\":3}"], "pieces of {size}");
        }
    }

    #[test]
    fn a_line_without_end_is_given_up() {
        let mut lines = Lines::default();
        let piece = vec![b'x'; 64 * 1024];
        let fed = (0..17).map(|_| lines.feed(&piece, |_| {})).filter(Result::is_err).count();
        assert_eq!(fed, 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_burst_is_one_hint() {
        let board = board();
        for action in ["die", "stop", "start", "health_status: healthy"] {
            board.line(&event(action));
        }
        let hint = board.hint(Duration::from_millis(200)).await;
        assert_eq!(hint.reason, "die sonarr (and 3 more)");
        let more = tokio::time::timeout(Duration::from_secs(60), board.hint(Duration::ZERO)).await;
        assert!(more.is_err(), "{more:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_hint_that_is_not_awaited_to_the_end_is_not_lost() {
        let board = board();
        board.line(&event("die"));
        let cut =
            tokio::time::timeout(Duration::from_millis(10), board.hint(Duration::from_millis(200))).await;
        assert!(cut.is_err());
        assert_eq!(board.hint(Duration::from_millis(200)).await.reason, "die sonarr");
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_unknown_or_not_about_containers_is_no_hint_but_garbage_is() {
        let board = board();
        board.line(&event("exec_start: sh -c secret"));
        board.line(&event("teleport"));
        board.line(br#"{"Type":"network","Action":"create","Actor":{"ID":"n"}}"#);
        board.line(b"  ");
        assert!(tokio::time::timeout(Duration::from_secs(1), board.hint(Duration::ZERO)).await.is_err());
        board.line(b"<html>");
        assert_eq!(board.hint(Duration::ZERO).await.reason, "an event that could not be read");
    }

    #[test]
    fn deaths_and_starts_reach_the_count_of_restarts() {
        let board = board();
        for action in ["die", "start", "kill", "die", "stop", "start"] {
            board.line(&event(action));
        }
        assert_eq!(board.with_tracker(|tracker| tracker.count("abc", Instant::now())), 1);
    }

    #[test]
    fn pauses_grow_from_a_fifth_of_a_second_to_half_a_minute() {
        let pauses: Vec<Duration> = pauses().take(50).collect();
        assert!(
            pauses[0] >= Duration::from_millis(200) && pauses[0] <= Duration::from_millis(400),
            "{pauses:?}"
        );
        assert!(pauses.iter().all(|pause| *pause <= Duration::from_secs(30)), "{pauses:?}");
        assert!(pauses[49] >= Duration::from_secs(15));
    }
}
