//! Who is logged in, as it is kept. What does not live here: who may log in, and for how long; that is the web surface's.

use jiff::Timestamp;

use crate::repairs::TokenHash;

/// One that is logged in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionRow {
    /// SHA-256 of what their browser shows. What it shows is kept nowhere.
    pub token: TokenHash,
    /// Who.
    pub name: String,
    /// What they logged in with, in a form that opens nothing: another password is another credential.
    pub credential: String,
    /// When they logged in.
    pub created_at: Timestamp,
    /// When they were last seen.
    pub seen_at: Timestamp,
    /// When it is over, however busy they are.
    pub ends_at: Timestamp,
}

/// How many sessions somebody may have; the oldest go. Whoever logs in again and again fills no database.
pub(crate) const MOST: i64 = 50;
