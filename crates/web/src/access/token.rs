//! Tokens of the configuration: how one is made, and what is kept of it. Not here: how one is shown, and whose it is.

use std::fmt;

use evenkeel_core::Secret;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// What tokens of ours begin with, so that scanners of repositories know one that was left in one.
const PREFIX: &str = "evk_";

/// The SHA-256 of a token. A token is random enough that nothing slower is needed, and whoever reads the configuration
/// has nothing to show.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct TokenDigest([u8; 32]);

/// Why a text is no digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DigestError {
    /// It does not begin as one.
    #[error(
        "must begin with `sha256:`; `evenkeel token NAME` makes a token and prints the line with its hash"
    )]
    Form,
    /// It is not of 64 hexadecimal digits.
    #[error("must have 64 hexadecimal digits after `sha256:`; `evenkeel token NAME` prints the line")]
    Digits,
}

impl TokenDigest {
    /// Of this token.
    pub fn of(token: &str) -> Self {
        Self(Sha256::digest(token.as_bytes()).into())
    }

    /// Reads `sha256:…`.
    ///
    /// # Errors
    /// Where it is anything else, with what to do.
    pub fn parse(text: &str) -> Result<Self, DigestError> {
        let digits = text.strip_prefix("sha256:").ok_or(DigestError::Form)?;
        let bytes = from_hex(digits.as_bytes()).ok_or(DigestError::Digits)?;
        Ok(Self(bytes.try_into().map_err(|_| DigestError::Digits)?))
    }

    /// Whether this is the token, in a time that does not tell how much of it is right.
    pub(super) fn is_of(&self, shown: &Self) -> bool {
        self.0.ct_eq(&shown.0).into()
    }
}

impl fmt::Display for TokenDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("sha256:")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for TokenDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// A token of these random bits.
pub fn token_of(random: [u8; 32]) -> Secret {
    let digits: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
    Secret::new(format!("{PREFIX}{digits}"))
}

/// Bytes of hexadecimal digits.
pub(crate) fn from_hex(text: &[u8]) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let (pairs, rest) = text.as_chunks::<2>();
    let bytes = pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?));
    bytes.collect::<Option<Vec<u8>>>().filter(|_| rest.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_read_as_it_is_written_and_shows_nothing_by_itself() {
        let token = token_of([7; 32]);
        let digest = TokenDigest::of(token.expose());
        assert_eq!(TokenDigest::parse(&digest.to_string()), Ok(digest));
        assert_eq!(format!("{digest:?}"), "***");
        assert_eq!(token.expose().len(), 68);
    }

    #[test]
    fn what_is_no_digest_is_refused() {
        assert_eq!(TokenDigest::parse("hunter2"), Err(DigestError::Form));
        for digits in ["", "00", "zz", &"0".repeat(63), &"0".repeat(66)] {
            assert_eq!(TokenDigest::parse(&format!("sha256:{digits}")), Err(DigestError::Digits), "{digits}");
        }
    }
}
