//! The tokens of the simulated NetBox, and what its refusals say. What does not live here: what their user may see or add
//! (`limits`).

use super::version::NetboxVersion;

pub(super) const READER_V1: &str = "0123456789abcdef0123456789abcdef01234567";
pub(super) const READER_V2: &str = "nbt_labkey123456.abcdefghijklmnopqrstuvwxyz0123456789ABCD";
pub(super) const WRITER_V1: &str = "89abcdef0123456789abcdef0123456789abcdef";
pub(super) const WRITER_V2: &str = "nbt_labkey654321.ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789abcd";

/// What a token may do, before its user's permissions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// Only read.
    Reader,
    /// Write as well.
    Writer,
}

/// The texts are NetBox's; the version goes by the token's form from 4.5 on, not by the keyword.
pub(super) fn authenticate(version: NetboxVersion, header: Option<&str>) -> Result<Token, &'static str> {
    const NONE: &str = "Authentication credentials were not provided.";
    let (keyword, token) = header.and_then(|header| header.split_once(' ')).ok_or(NONE)?;
    let is_token = keyword.eq_ignore_ascii_case("token");
    let is_bearer = keyword.eq_ignore_ascii_case("bearer");
    let one_of = |reader, writer| match token {
        token if token == reader => Some(Token::Reader),
        token if token == writer => Some(Token::Writer),
        _ => None,
    };
    if version < NetboxVersion::V4_5 {
        return match (is_token, one_of(READER_V1, WRITER_V1)) {
            (false, _) => Err(NONE),
            (true, Some(token)) => Ok(token),
            (true, None) if token.contains(' ') => {
                Err("Invalid token header. Token string should not contain spaces.")
            }
            (true, None) => Err("Invalid token"),
        };
    }
    if !is_token && !is_bearer {
        return Err(NONE);
    }
    match token.starts_with("nbt_") {
        true => one_of(READER_V2, WRITER_V2).ok_or("Invalid v2 token"),
        false => one_of(READER_V1, WRITER_V1).ok_or("Invalid v1 token"),
    }
}
