//! What has changed since somebody last looked, counted: enough to know that looking again is worth it. Not here: what it
//! changed to; that is always read anew.

/// A part of what is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// An event happened.
    Events,
    /// A ledger changed.
    Drifts,
    /// What is declared or seen, by whom, or how completely.
    Sources,
    /// The outbox.
    Deliveries,
    /// Proposals, the kill switch, the brake.
    Repairs,
    /// Silences.
    Silences,
    /// Which part this process has, and whether it can work.
    Process,
}

impl Part {
    /// Every part.
    pub const ALL: [Self; 7] = [
        Self::Events,
        Self::Drifts,
        Self::Sources,
        Self::Deliveries,
        Self::Repairs,
        Self::Silences,
        Self::Process,
    ];

    /// Its word, as the stream says it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Events => "events",
            Self::Drifts => "drifts",
            Self::Sources => "sources",
            Self::Deliveries => "deliveries",
            Self::Repairs => "repairs",
            Self::Silences => "silences",
            Self::Process => "process",
        }
    }
}

/// How often each part has changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Changes([u64; Part::ALL.len()]);

impl Changes {
    /// This part changed.
    pub fn note(&mut self, part: Part) {
        let count = &mut self.0[part as usize];
        *count = count.wrapping_add(1);
    }

    /// Everything may have changed.
    #[must_use]
    pub fn all(mut self) -> Self {
        Part::ALL.into_iter().for_each(|part| self.note(part));
        self
    }

    /// Both together.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.0.iter_mut().zip(other.0).for_each(|(mine, theirs)| *mine = mine.wrapping_add(theirs));
        self
    }

    /// Which parts differ from what somebody saw.
    pub fn since(self, seen: Self) -> impl Iterator<Item = Part> {
        Part::ALL.into_iter().filter(move |part| self.0[*part as usize] != seen.0[*part as usize])
    }

    /// Whether this part differs from what somebody saw.
    pub(crate) fn differs(self, seen: Self, part: Part) -> bool {
        self.0[part as usize] != seen.0[part as usize]
    }
}
