//! The releases the lab can be, and what each of them serves.

/// A release of TrueNAS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TruenasVersion {
    /// 24.04 Dragonfish: apps on Kubernetes, REST, no JSON-RPC.
    V24_04,
    /// 24.10 Electric Eel: apps on Docker, REST, no JSON-RPC.
    V24_10,
    /// 25.04.0 Fangtooth: JSON-RPC, Incus, and no virtual machines under libvirt.
    V25_04,
    /// 25.10 Goldeye: JSON-RPC, Incus for containers, libvirt for virtual machines, REST for the last time.
    V25_10,
    /// 26: no REST, no Incus.
    V26,
}

impl TruenasVersion {
    /// Every release, oldest first.
    pub const ALL: [Self; 5] = [Self::V24_04, Self::V24_10, Self::V25_04, Self::V25_10, Self::V26];

    /// As `system.info` says it.
    pub fn release(self) -> &'static str {
        match self {
            Self::V24_04 => "TrueNAS-SCALE-24.04.2",
            Self::V24_10 => "TrueNAS-SCALE-24.10.2",
            Self::V25_04 => "TrueNAS-25.04.0",
            Self::V25_10 => "25.10.1",
            Self::V26 => "26.0.0-BETA.3",
        }
    }

    /// What `GET /api/versions` lists; nothing where there is no such path.
    pub fn api_versions(self) -> &'static [&'static str] {
        match self {
            Self::V24_04 | Self::V24_10 => &[],
            Self::V25_04 => &["v25.04.0"],
            Self::V25_10 => &["v25.04.0", "v25.04.1", "v25.04.2", "v25.10.0", "v25.10.1"],
            Self::V26 => &["v25.04.0", "v25.04.2", "v25.10.0", "v25.10.5", "v26.0.0"],
        }
    }

    /// Whether REST v2.0 is served.
    pub fn has_rest(self) -> bool {
        self < Self::V26
    }

    /// Whether this release has the method.
    pub fn has(self, method: &str) -> bool {
        match method {
            "app.query" | "docker.status" | "docker.network.query" => self >= Self::V24_10,
            "chart.release.query" | "kubernetes.config" => self == Self::V24_04,
            "vm.query" => self != Self::V25_04,
            "virt.instance.query" | "virt.global.config" => matches!(self, Self::V25_04 | Self::V25_10),
            "container.query" => self == Self::V26,
            "system.info" | "system.state" | "pool.query" | "alert.list" | "core.subscribe" | "core.ping"
            | "auth.login_ex" => true,
            _ => false,
        }
    }
}
