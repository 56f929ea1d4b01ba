//! Does a page add up? NetBox ignores what it does not know with a 200, so nothing about a page is taken on trust.
//!
//! Pure. What does not live here: asking again (`walk`).

/// So many rows may be added to a list while it is read, beside as many again as it had.
const MEANWHILE: u64 = 10_000;

/// What a page says about itself.
#[derive(Clone, Copy, Debug)]
pub(super) struct Claim<'a> {
    /// The ids of its rows, in order.
    pub(super) ids: &'a [u64],
    /// How many rows there are beyond the cursor, this page included.
    pub(super) count: Option<u64>,
    /// Whether more follow.
    pub(super) more: bool,
}

/// Checks a page that was asked for rows beyond `cursor`. The error is a phrase.
pub(super) fn page(claim: &Claim<'_>, cursor: u64) -> Result<(), String> {
    let Claim { ids, count, more } = *claim;
    let mut last = cursor;
    for &id in ids {
        if id == last {
            return Err(format!("row {id} came twice"));
        }
        if id < last {
            return Err(format!(
                "row {id} came after row {last} though rows were asked for in ascending order"
            ));
        }
        last = id;
    }
    let Some(count) = count else {
        return Err("the page does not say how many rows there are".to_owned());
    };
    let rows = ids.len() as u64;
    match (more, rows) {
        (true, 0) => Err("an empty page says that more follow".to_owned()),
        (true, rows) if rows >= count => {
            Err(format!("{rows} of {count} rows came, yet more are said to follow"))
        }
        (false, rows) if rows != count => {
            Err(format!("{rows} of {count} rows came, and no more are said to follow"))
        }
        (true | false, _) => Ok(()),
    }
}

/// Checks how many rows have come of a list that announced so many at its beginning. Some may be added while it is read;
/// a list that goes on and on is none, and would fill the memory.
pub(super) fn so_far(rows: u64, announced: u64) -> Result<(), String> {
    if rows <= announced.saturating_mul(2).saturating_add(MEANWHILE) {
        return Ok(());
    }
    Err(format!("{rows} rows came of {announced} that were announced, and still more are said to follow"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_that_goes_on_and_on_is_given_up() {
        assert_eq!(so_far(0, 0), Ok(()));
        assert_eq!(so_far(14_106, 14_106), Ok(()));
        assert_eq!(so_far(MEANWHILE + 20, 10), Ok(()), "added while it was read");
        let why = so_far(MEANWHILE + 21, 10).unwrap_err();
        assert_eq!(why, "10021 rows came of 10 that were announced, and still more are said to follow");
    }

    fn check(ids: &[u64], count: u64, more: bool, cursor: u64) -> Result<(), String> {
        page(&Claim { ids, count: Some(count), more }, cursor)
    }

    #[test]
    fn pages_that_add_up_pass() {
        assert_eq!(check(&[], 0, false, 0), Ok(()));
        assert_eq!(check(&[3, 5], 2, false, 2), Ok(()));
        assert_eq!(check(&[3, 5], 9, true, 2), Ok(()));
    }

    #[test]
    fn a_page_that_was_answered_with_another_does_not_pass() {
        for (ids, count, more, cursor) in [
            (&[3, 3][..], 2, false, 0),
            (&[5, 3], 2, false, 0),
            (&[3, 5], 2, false, 3),
            (&[3, 5], 2, false, 4),
            (&[3, 5], 14, false, 0),
            (&[3, 5], 2, true, 0),
            (&[], 3, false, 0),
            (&[], 3, true, 0),
        ] {
            assert!(check(ids, count, more, cursor).is_err(), "{ids:?} {count} {more} {cursor}");
        }
        assert!(page(&Claim { ids: &[1], count: None, more: false }, 0).is_err());
    }
}
