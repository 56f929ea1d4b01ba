//! Asking, whatever the way: the websocket while it stands, REST where there is none, `midclt`. What does not live here:
//! the order of questions (`look`), and what answers mean.

use std::sync::Arc;
use std::time::Duration;

use evenkeel_core::{Gap, GapKind};
use serde_json::Value;
use tokio::sync::Semaphore;

use super::board::{Board, Link};
use super::config::{Address, Config, Transport};
use super::dial::Dial;
use super::question::Question;
use super::refusal::Refused;
use super::rest::Rest;
use super::shell::Shell;
use super::socket::Socket;
use super::wire::{self, Row, Rows};
use super::{Error, link};

/// The server works on ten calls of a session at a time and drops them above twenty.
const MOST_CALLS: usize = 8;
/// REST calls at a time; each is a login of its own.
const MOST_REQUESTS: usize = 4;

/// The ways to one TrueNAS.
#[derive(Debug)]
pub(super) struct Client {
    way: Way,
    place: String,
    patience: Duration,
    turns: Semaphore,
}

#[derive(Debug)]
enum Way {
    Web { dial: Arc<Dial>, board: Arc<Board>, rest: Option<Rest> },
    Rest(Rest),
    Shell(Shell),
}

/// The way that is open right now.
pub(super) enum Open<'a> {
    Socket(Arc<Socket>),
    Rest(&'a Rest),
    Shell(&'a Shell),
}

impl Client {
    pub(super) fn new(config: &Config, board: &Arc<Board>) -> Result<Self, Error> {
        let way = match (&config.address, config.transport) {
            (Address::Shell(target), _) => Way::Shell(Shell::new(config, target)),
            (Address::Web(url), Transport::Rest) => Way::Rest(Rest::new(config, url)?),
            (Address::Web(url), Transport::Auto | Transport::Websocket | Transport::Ssh) => {
                let rest =
                    (config.transport == Transport::Auto).then(|| Rest::new(config, url)).transpose()?;
                Way::Web { dial: Arc::new(Dial::new(config, url)?), board: Arc::clone(board), rest }
            }
        };
        let turns = match way {
            Way::Web { .. } => MOST_CALLS,
            Way::Rest(_) => MOST_REQUESTS,
            // Each is a login.
            Way::Shell(_) => 1,
        };
        // Upgrade, login and subscriptions each have the time of an answer.
        let patience = config.timeout.saturating_mul(2);
        Ok(Self { way, place: config.address.to_string(), patience, turns: Semaphore::new(turns) })
    }

    /// What keeps the socket, where there is one to keep.
    pub(super) fn keeper(&self) -> Option<impl Future<Output = ()> + Send + 'static> {
        match &self.way {
            Way::Web { dial, board, .. } => Some(link::keep(Arc::clone(dial), Arc::clone(board))),
            Way::Rest(_) | Way::Shell(_) => None,
        }
    }

    /// The websocket's dial, where there may be one.
    pub(super) fn dial(&self) -> Option<&Dial> {
        match &self.way {
            Way::Web { dial, .. } => Some(dial),
            Way::Rest(_) | Way::Shell(_) => None,
        }
    }

    /// The way to ask now, or why there is none.
    pub(super) async fn open(&self) -> Result<Open<'_>, Gap> {
        match &self.way {
            Way::Rest(rest) => Ok(Open::Rest(rest)),
            Way::Shell(shell) => Ok(Open::Shell(shell)),
            Way::Web { board, rest, .. } => match (board.link(self.patience, &self.place).await, rest) {
                (Link::Up(socket), _) => Ok(Open::Socket(socket)),
                (Link::NoJsonRpc, Some(rest)) => Ok(Open::Rest(rest)),
                (Link::NoJsonRpc, None) => {
                    let why = format!(
                        "{}: this TrueNAS has no JSON-RPC, which came with 25.04; use transport = \"rest\"",
                        self.place
                    );
                    Err(Gap::new(GapKind::Malformed, why))
                }
                (Link::Down(gap), _) => Err(gap),
                (Link::Opening, _) => {
                    Err(Gap::new(GapKind::NotYetObserved, format!("{}: not connected yet", self.place)))
                }
            },
        }
    }

    /// Asks through the way that is open.
    pub(super) async fn ask(&self, open: &Open<'_>, question: Question) -> Result<Value, Refused> {
        // Never closed.
        let _turn = self.turns.acquire().await;
        match open {
            Open::Socket(socket) => socket.ask(question).await,
            Open::Rest(rest) => rest.ask(question).await,
            Open::Shell(shell) => shell.ask(question).await,
        }
    }

    /// Why the way has ended meanwhile, if it has: then what was answered and what was not is an accident.
    pub(super) fn lost(open: &Open<'_>) -> Option<Gap> {
        match open {
            Open::Socket(socket) => socket.over(),
            Open::Rest(_) | Open::Shell(_) => None,
        }
    }

    /// Asks for a list.
    pub(super) async fn rows<T: Row>(&self, open: &Open<'_>, question: Question) -> Result<Rows<T>, Refused> {
        let answer = self.ask(open, question).await?;
        let placed =
            |gap: Gap| Gap::new(gap.kind, format!("{}: {}: {}", self.place, question.method(), gap.why));
        let mut rows = wire::rows(&answer).map_err(|gap| Refused::Failed(placed(gap)))?;
        rows.gap = rows.gap.map(placed);
        Ok(rows)
    }

    /// The address, for phrases.
    pub(super) fn place(&self) -> &str {
        &self.place
    }
}
