//! The doors to what is sent: a sender's inbox as the HTTP surface sees it.

use std::sync::Arc;

use evenkeel_core::{Secret, SourceId};
use evenkeel_sources::Source;
use evenkeel_sources::push::{Accepted, Form, PushSource, Refused};
use evenkeel_web::{Intake, Receipt, Rejection, Remark};
use jiff::Timestamp;

/// One sender's inbox and what the sender shows to be let in.
pub struct Inbox {
    /// Where it goes.
    pub source: Arc<PushSource>,
    /// The sender's token.
    pub token: Secret,
}

impl Intake for Inbox {
    fn source(&self) -> &SourceId {
        self.source.id()
    }

    fn token(&self) -> &Secret {
        &self.token
    }

    fn accept(&self, body: &[u8], lines: bool, now: Timestamp) -> Result<Receipt, Rejection> {
        let form = if lines { Form::Lines } else { Form::Either };
        self.source.accept(body, form, now).map(receipt).map_err(rejection)
    }
}

fn receipt(accepted: Accepted) -> Receipt {
    let Accepted { accepted, duplicates, partial, refused } = accepted;
    Receipt { accepted, duplicates, partial: remarks(partial), refused: remarks(refused) }
}

fn rejection(refused: Refused) -> Rejection {
    let words = refused.to_string();
    match refused {
        Refused::TooBig { .. } | Refused::TooMany { .. } => Rejection::TooLarge(words),
        Refused::NotJson { .. } | Refused::Empty => Rejection::NotJson(words),
        Refused::All(refusals) => Rejection::Refused(remarks(refusals)),
    }
}

fn remarks<T: ToString>(of: Vec<(usize, T)>) -> Vec<Remark> {
    of.into_iter().map(|(line, reason)| Remark { line, reason: reason.to_string() }).collect()
}
