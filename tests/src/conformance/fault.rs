//! What goes wrong. What does not live here: how a system does it (`rigs`), and what comes of it (`expect`).

/// A fault of a source, of the way to it, or of what it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// Nobody is there.
    Down,
    /// Answers take longer, within what is waited for.
    Slow,
    /// Answers never come.
    Hang,
    /// 401.
    Unauthorized,
    /// 403.
    Forbidden,
    /// 200 with nothing in it.
    Empty,
    /// 200 with most of it missing.
    Shrunken,
    /// 200 with half a body.
    Truncated,
    /// 200 with something else.
    Malformed,
    /// A word that no version has said so far.
    UnknownWord,
    /// A row twice.
    Duplicate,
    /// The connection breaks.
    Reset,
    /// The system is started anew.
    Restart,
    /// The system's clock is off by hours.
    ClockSkew,
    /// It is down, and the controller is started anew meanwhile.
    Controller,
}

impl Fault {
    /// All of them, in the table's order.
    pub const ALL: [Self; 15] = [
        Self::Down,
        Self::Slow,
        Self::Hang,
        Self::Unauthorized,
        Self::Forbidden,
        Self::Empty,
        Self::Shrunken,
        Self::Truncated,
        Self::Malformed,
        Self::UnknownWord,
        Self::Duplicate,
        Self::Reset,
        Self::Restart,
        Self::ClockSkew,
        Self::Controller,
    ];

    /// In the table's words.
    pub fn title(self) -> &'static str {
        match self {
            Self::Down => "down",
            Self::Slow => "slow",
            Self::Hang => "hang",
            Self::Unauthorized => "401",
            Self::Forbidden => "403",
            Self::Empty => "empty",
            Self::Shrunken => "shrunken",
            Self::Truncated => "truncated",
            Self::Malformed => "malformed",
            Self::UnknownWord => "unknown enum",
            Self::Duplicate => "duplicate",
            Self::Reset => "reset",
            Self::Restart => "restart",
            Self::ClockSkew => "clock skew",
            Self::Controller => "controller restarted while down",
        }
    }
}
