//! Repairs: proposals, controls, callbacks.

use jiff::Timestamp;

use super::Inner;
use crate::error::{Error, Result};
use crate::query::{Cursor, Page};
use crate::repairs::{Callback, ProposalFilter, ProposalRow, RepairCommit, Repairs, TokenHash};

impl Inner {
    fn unwritten<T>(&self) -> Result<T> {
        Err(Error::Refused { at: self.at.to_string(), why: "repairs are not kept here".to_owned() })
    }

    pub(super) async fn repairs(&self, _since: Timestamp) -> Result<Repairs> {
        self.unwritten()
    }

    pub(super) async fn commit_repair(&self, _step: &RepairCommit) -> Result<()> {
        self.unwritten()
    }

    pub(super) async fn callback(&self, _token: TokenHash) -> Result<Option<Callback>> {
        self.unwritten()
    }

    pub(super) async fn proposals(
        &self,
        _filter: &ProposalFilter,
        _after: Option<Cursor>,
        _limit: u32,
    ) -> Result<Page<ProposalRow>> {
        self.unwritten()
    }
}
