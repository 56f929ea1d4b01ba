//! Versions of the API, and of TrueNAS. Pure.

/// A version of the JSON-RPC API: `v25.10.0`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ApiVersion {
    number: (u32, u32, u32),
    /// As the server spells it, which is also its path.
    text: String,
}

/// The newest release whose answers are known. A newer server serves this one, too, and adapts its answers.
const NEWEST: (u32, u32) = (26, 0);
/// The oldest release that is read.
const OLDEST: (u32, u32) = (24, 4);

impl ApiVersion {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut parts = text.strip_prefix('v')?.split('.').map(|part| part.parse::<u32>().ok());
        let number = (parts.next()??, parts.next()??, parts.next()??);
        let plain = text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.');
        (plain && parts.next().is_none()).then(|| Self { number, text: text.to_owned() })
    }
}

impl std::fmt::Display for ApiVersion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

/// The path to connect to: the newest version that is known, or else the oldest that is served. `current` changes its
/// shape with every update, so it is for servers that serve no version at all.
pub(super) fn path(served: &[ApiVersion]) -> String {
    let known = served.iter().filter(|version| (version.number.0, version.number.1) <= NEWEST).max();
    match known.or_else(|| served.iter().min()) {
        Some(version) => format!("/api/{version}"),
        None => "/api/current".to_owned(),
    }
}

/// Whether answers of this TrueNAS (`TrueNAS-SCALE-24.04.2`, `25.10.1`) are known.
pub(super) fn is_known(release: &str) -> Option<bool> {
    let number = release.trim_start_matches(|c: char| !c.is_ascii_digit());
    let mut parts = number.split(['.', '-']).map(|part| part.parse::<u32>().ok());
    let version = (parts.next()??, parts.next()??);
    Some((OLDEST..=NEWEST).contains(&version))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(served: &[&str]) -> String {
        path(&served.iter().filter_map(|text| ApiVersion::parse(text)).collect::<Vec<_>>())
    }

    #[test]
    fn the_newest_known_version_is_pinned_and_current_is_a_last_resort() {
        assert_eq!(chosen(&["v25.04.0", "v25.10.0", "v25.04.1"]), "/api/v25.10.0");
        assert_eq!(chosen(&["v25.10.5", "v26.0.0", "v27.0.0"]), "/api/v26.0.0");
        assert_eq!(chosen(&["v28.04.0", "v27.10.0"]), "/api/v27.10.0");
        assert_eq!(chosen(&["weird"]), "/api/current");
    }

    #[test]
    fn releases_are_told_apart() {
        for (release, known) in [
            ("TrueNAS-SCALE-24.04.2", Some(true)),
            ("25.10.7", Some(true)),
            ("26.0.0-BETA.3", Some(true)),
            ("TrueNAS-SCALE-23.10.1", Some(false)),
            ("27.0.0", Some(false)),
            ("MASTER", None),
        ] {
            assert_eq!(is_known(release), known, "{release}");
        }
    }
}
