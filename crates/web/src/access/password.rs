//! Passwords: the form of their hashes, how strong one must be, and whether a password fits. Not here: whose they are, and
//! how often one may be tried.

use std::fmt;

use argon2::password_hash::phc::PasswordHash as Phc;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Argon2, Params};
use evenkeel_core::Secret;
use sha2::{Digest, Sha256};

/// The least cost, as OWASP has it: memory in KiB, and so many passes over it.
const LEAST: [(u32, u32); 5] = [(47_104, 1), (19_456, 2), (12_288, 3), (9_216, 4), (7_168, 5)];
/// More than this for one try would let anybody who asks bring the machine down.
const MOST_MEMORY: u32 = 1_048_576;
const MOST_PASSES: u32 = 32;
const MOST_LANES: u32 = 16;
const SHORTEST_SALT: usize = 16;
const SHORTEST_OUTPUT: usize = 32;
/// Shorter ones are found by trying.
const SHORTEST_PASSWORD: usize = 8;
/// Longer ones are no password of anybody's.
const LONGEST_PASSWORD: usize = 1024;

/// What a password is held against: argon2id, as `$argon2id$v=19$m=…,t=…,p=…$salt$hash`.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(Phc);

/// Why a text is no hash of a password, or none that holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HashError {
    /// It is something else: perhaps the password itself.
    #[error("is not a hash of the form `$argon2id$v=19$…`; `evenkeel passwd NAME` prints the line to paste")]
    Form,
    /// It is made in another way.
    #[error("is not argon2id, version 19; `evenkeel passwd NAME` prints the line to paste")]
    Algorithm,
    /// It is too cheap to try passwords against it.
    #[error(
        "is too weak: argon2id takes at least 19456 KiB and 2 passes (m=19456,t=2,p=1), a salt of 16 bytes and a hash \
         of 32; `evenkeel passwd NAME` makes one"
    )]
    Weak,
    /// It is so costly that a few logins at once would stop everything else.
    #[error("is too costly: at most 1048576 KiB, 32 passes and 16 lanes for one login")]
    Costly,
}

/// Why a password is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// It can be guessed.
    #[error("a password has at least {SHORTEST_PASSWORD} characters")]
    Short,
    /// It cannot be meant.
    #[error("a password has at most {LONGEST_PASSWORD} bytes")]
    Long,
    /// It could not be hashed.
    #[error("the password could not be hashed")]
    Failed,
}

impl PasswordHash {
    /// Reads a hash.
    ///
    /// # Errors
    /// Where it is none, or would not hold. The text is not repeated: it may be the password.
    pub fn parse(text: &str) -> Result<Self, HashError> {
        let hash = Phc::new(text.trim()).map_err(|_| HashError::Form)?;
        if hash.algorithm.as_str() != "argon2id" || hash.version != Some(19) {
            return Err(HashError::Algorithm);
        }
        let params = Params::try_from(&hash).map_err(|_| HashError::Form)?;
        let (memory, passes, lanes) = (params.m_cost(), params.t_cost(), params.p_cost());
        let salt = hash.salt.as_ref().map_or(0, |salt| salt.len());
        let output = hash.hash.as_ref().map_or(0, |output| output.len());
        if !LEAST.iter().any(|(m, t)| memory >= *m && passes >= *t)
            || salt < SHORTEST_SALT
            || output < SHORTEST_OUTPUT
        {
            return Err(HashError::Weak);
        }
        if memory > MOST_MEMORY || passes > MOST_PASSES || lanes > MOST_LANES {
            return Err(HashError::Costly);
        }
        Ok(Self(hash))
    }

    /// Of this password, with this salt.
    ///
    /// # Errors
    /// Where the password is too short or too long.
    pub fn of(password: &Secret, salt: [u8; 16]) -> Result<Self, PasswordError> {
        let password = password.expose();
        if password.chars().count() < SHORTEST_PASSWORD {
            return Err(PasswordError::Short);
        }
        if password.len() > LONGEST_PASSWORD {
            return Err(PasswordError::Long);
        }
        let made = Argon2::default().hash_password_with_salt(password.as_bytes(), &salt);
        made.map(Self).map_err(|_| PasswordError::Failed)
    }

    /// Whether the password fits. Takes tens of milliseconds and megabytes.
    pub(super) fn fits(&self, password: &Secret) -> bool {
        let password = password.expose().as_bytes();
        password.len() <= LONGEST_PASSWORD && Argon2::default().verify_password(password, &self.0).is_ok()
    }

    /// What it takes to try one password.
    pub(super) fn cost(&self) -> u64 {
        Params::try_from(&self.0).map_or(0, |params| u64::from(params.m_cost()) * u64::from(params.t_cost()))
    }

    /// This hash, in a form that tells whether it is another one and nothing else.
    pub(super) fn credential(&self) -> String {
        Sha256::digest(self.line().as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The hash as it is written in the configuration.
    pub fn line(&self) -> String {
        self.0.to_string()
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_fits_its_own_hash_and_no_other() {
        let hash = PasswordHash::of(&Secret::new("correct horse"), [3; 16]).unwrap();
        let read = PasswordHash::parse(&hash.line()).unwrap();
        assert!(read.fits(&Secret::new("correct horse")));
        assert!(!read.fits(&Secret::new("correct horse ")));
        assert!(!read.fits(&Secret::new("")));
        assert_eq!(format!("{read:?}"), "***");
    }

    #[test]
    fn a_hash_that_would_not_hold_is_refused() {
        let salt = "AwMDAwMDAwMDAwMDAwMDAw";
        let out = "c29tZWhhc2hzb21laGFzaHNvbWVoYXNoc29tZWhhc2g";
        let of = |head: &str| PasswordHash::parse(&format!("{head}${salt}${out}"));
        assert!(of("$argon2id$v=19$m=19456,t=2,p=1").is_ok());
        assert!(of("$argon2id$v=19$m=65536,t=3,p=4").is_ok());
        assert_eq!(of("$argon2id$v=19$m=19455,t=2,p=1"), Err(HashError::Weak));
        assert_eq!(of("$argon2id$v=19$m=47104,t=1,p=1"), of("$argon2id$v=19$m=47104,t=1,p=1"));
        assert_eq!(of("$argon2id$v=19$m=4096,t=30,p=1"), Err(HashError::Weak));
        assert_eq!(of("$argon2id$v=19$m=2097152,t=2,p=1"), Err(HashError::Costly));
        assert_eq!(of("$argon2i$v=19$m=65536,t=3,p=1"), Err(HashError::Algorithm));
        assert_eq!(of("$argon2id$v=16$m=65536,t=3,p=1"), Err(HashError::Algorithm));
        assert_eq!(of("$argon2id$m=65536,t=3,p=1"), Err(HashError::Algorithm));
        for text in
            ["", "hunter2hunter2", "$", "$argon2id$v=19$m=19456,t=2,p=1", "$2b$12$abcdefghijklmnopqrstuv"]
        {
            assert!(PasswordHash::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_password_that_can_be_guessed_or_cannot_be_meant_is_not_taken() {
        assert_eq!(PasswordHash::of(&Secret::new("short"), [0; 16]), Err(PasswordError::Short));
        let long = "x".repeat(LONGEST_PASSWORD + 1);
        assert_eq!(PasswordHash::of(&Secret::new(long), [0; 16]), Err(PasswordError::Long));
    }
}
