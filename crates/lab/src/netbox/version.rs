//! The versions that can be simulated. 4.2, 4.5 and 4.6 answer as recorded; 4.0 and 4.7 after their release notes.

/// A version of NetBox.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum NetboxVersion {
    /// 4.0.11: changelog below `extras/`, disks in GB, no MAC model. By release notes.
    V4_0,
    /// 4.2.9, as recorded.
    V4_2,
    /// 4.5.2, as recorded.
    V4_5,
    /// 4.6.8, as recorded.
    V4_6,
    /// 4.7.0: `port_mappings`, select custom fields as objects. By release notes.
    V4_7,
}

impl NetboxVersion {
    /// Every version, oldest first.
    pub const ALL: [Self; 5] = [Self::V4_0, Self::V4_2, Self::V4_5, Self::V4_6, Self::V4_7];

    /// With the patch level.
    pub fn full(self) -> &'static str {
        match self {
            Self::V4_0 => "4.0.11",
            Self::V4_2 => "4.2.9",
            Self::V4_5 => "4.5.2",
            Self::V4_6 => "4.6.8",
            Self::V4_7 => "4.7.0",
        }
    }

    /// The minor number.
    pub fn minor(self) -> u16 {
        match self {
            Self::V4_0 => 0,
            Self::V4_2 => 2,
            Self::V4_5 => 5,
            Self::V4_6 => 6,
            Self::V4_7 => 7,
        }
    }
}
