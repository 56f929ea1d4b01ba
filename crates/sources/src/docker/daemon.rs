//! What a daemon says of itself: its version, who it is, how many containers it counts. To answer it starts programs, which
//! takes longer than its list, so it is asked again only when something may be different. What does not live here: what
//! its words mean.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use evenkeel_core::Gap;
use tokio::time::Instant;

use super::client::{self, Client, Question};
use super::events::{Board, Moment};
use super::reach::shortfall;
use super::wire::{Container, Info, List, Version};

/// It is asked again after this long, though it said nothing: of its machine's new name it tells nobody, and the stream may be
/// filtered like the list.
const WITNESS: Duration = Duration::from_secs(120);

/// Asks it, and keeps what it said.
#[derive(Debug)]
pub(super) struct Daemon {
    client: Arc<Client>,
    board: Arc<Board>,
    /// And which opening of the stream it was said in.
    version: Mutex<Option<(u64, Version)>>,
    count: Mutex<Option<Count>>,
}

/// Its count, which went with this list.
#[derive(Debug)]
struct Count {
    moment: Moment,
    at: Instant,
    lot: Lot,
    info: Info,
}

impl Count {
    /// Whether it would say the same again: all the while it was the same daemon, which told of nothing, and the list shows
    /// nothing new.
    fn holds(&self, moment: Option<Moment>, lot: Lot, now: Instant) -> bool {
        Some(self.moment) == moment && self.lot == lot && now.duration_since(self.at) < WITNESS
    }
}

/// Which containers a list holds and in which state each is, in eight bytes, whatever its order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Lot(u64);

impl Lot {
    fn of(list: &List) -> Self {
        let one = |container: &Container| {
            let mut hasher = DefaultHasher::new();
            (&container.id, &container.state).hash(&mut hasher);
            hasher.finish()
        };
        Self(list.containers.iter().map(one).fold(list.odd.len() as u64, u64::wrapping_add))
    }
}

impl Daemon {
    pub(super) fn new(client: Arc<Client>, board: Arc<Board>) -> Self {
        Self { client, board, version: Mutex::default(), count: Mutex::default() }
    }

    /// Its version. As long as it holds the event stream it is the same daemon.
    pub(super) async fn version(&self) -> Result<Version, Gap> {
        let opening = self.board.moment().map(|moment| moment.opening);
        let kept = self.version.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((_, version)) = kept.filter(|(of, _)| Some(*of) == opening) {
            return Ok(version);
        }
        let version: Version = client::object(&self.client, Question::Version).await?;
        // If another one answered, the next opening is another as well.
        if let Some(opening) = opening {
            *self.version.lock().unwrap_or_else(PoisonError::into_inner) = Some((opening, version.clone()));
        }
        Ok(version)
    }

    /// Who it is, and how far its count says that this list is not all there is.
    pub(super) async fn witness(&self, list: &List, podman: bool) -> (Result<Info, Gap>, Option<Gap>) {
        let (moment, lot) = (self.board.moment(), Lot::of(list));
        if let Some(info) = self.kept(moment, lot) {
            return (Ok(info), None);
        }
        self.forget();
        let info = client::object::<Info>(&self.client, Question::Info).await;
        let short = shortfall(list, &info, podman);
        if let (Ok(info), Some(moment), None) = (&info, moment, &short) {
            let count = Count { moment, at: Instant::now(), lot, info: info.clone() };
            *self.count.lock().unwrap_or_else(PoisonError::into_inner) = Some(count);
        }
        (info, short)
    }

    /// The next time it is asked, whatever it said.
    pub(super) fn forget(&self) {
        *self.count.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn kept(&self, moment: Option<Moment>, lot: Lot) -> Option<Info> {
        let count = self.count.lock().unwrap_or_else(PoisonError::into_inner);
        count
            .as_ref()
            .filter(|count| count.holds(moment, lot, Instant::now()))
            .map(|count| count.info.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::super::wire;
    use super::*;

    fn lot(rows: &[(&str, &str)]) -> Lot {
        let row =
            |(id, state): &(&str, &str)| serde_json::json!({ "Id": id, "Names": ["/x"], "State": state });
        let rows: Vec<_> = rows.iter().map(row).collect();
        Lot::of(&wire::list(serde_json::Value::from(rows).to_string().as_bytes()).unwrap())
    }

    #[test]
    fn a_count_holds_while_nothing_is_heard_nothing_is_seen_and_not_for_ever() {
        let (moment, at) = (Moment { opening: 1, lines: 7 }, Instant::now());
        let same = lot(&[("a", "running"), ("b", "exited")]);
        let count = Count { moment, at, lot: same, info: Info::default() };
        assert!(count.holds(Some(moment), lot(&[("b", "exited"), ("a", "running")]), at));
        for (why, moment, lot, after) in [
            ("the stream is closed", None, same, 0),
            ("another opening", Some(Moment { opening: 2, ..moment }), same, 0),
            ("it said something", Some(Moment { lines: 8, ..moment }), same, 0),
            ("one is gone", Some(moment), lot(&[("a", "running")]), 0),
            ("one came", Some(moment), lot(&[("a", "running"), ("b", "exited"), ("c", "running")]), 0),
            ("one ended", Some(moment), lot(&[("a", "exited"), ("b", "exited")]), 0),
            ("they changed places", Some(moment), lot(&[("a", "exited"), ("b", "running")]), 0),
            ("it was long ago", Some(moment), same, 120),
        ] {
            assert!(!count.holds(moment, lot, at + Duration::from_secs(after)), "{why}");
        }
    }
}
