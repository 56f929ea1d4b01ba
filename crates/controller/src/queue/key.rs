//! What the queue knows a thing by. What does not live here: the things; whoever numbers them keeps the names.

/// The number of a thing that can wait. Numbers are dense, from 0: the queue keeps a slot for each up to the highest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(u32);

impl Key {
    /// The key of this number.
    pub const fn new(number: u32) -> Self {
        Self(number)
    }

    /// The number, as a place in a vector.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}
