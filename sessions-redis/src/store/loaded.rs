//! The answer of `load.lua`.

use std::time::Duration;

use sessions::store::{Loaded, Record, Revision, StoreError, Timestamp};

use crate::error::corrupt;

/// Parses the answer: revision, milliseconds left, touched, the time, and the record. One text is parsed faster
/// than a list.
pub(super) fn parse_loaded(answer: &[u8]) -> Result<Loaded, StoreError> {
    let mut rest = answer;
    let mut number = || {
        let (number, after) = split_number(rest).ok_or_else(corrupt)?;
        rest = after;
        Ok(number)
    };
    let (revision, left, touched, now) = (number()?, number()?, number()?, number()?);
    Ok(Loaded {
        record: Record::from_bytes(rest)?.into(),
        revision: Revision::new(revision),
        expires_in: Duration::from_millis(left),
        touched: touched == 1,
        now: Timestamp::new(now),
    })
}

/// Splits off a number and the space after it. A negative number is refused: the record lost its expiry, and was
/// tampered with.
fn split_number(text: &[u8]) -> Option<(u64, &[u8])> {
    let mut number = 0_u64;
    for (at, byte) in text.iter().enumerate() {
        match byte {
            // Nineteen digits fit.
            b'0'..=b'9' if at < 19 => number = number * 10 + u64::from(byte - b'0'),
            b' ' if at > 0 => return Some((number, &text[at + 1..])),
            _ => break,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use sessions::store::StoreError;

    use super::{parse_loaded, split_number};

    #[test]
    fn a_number_is_digits_before_a_space() {
        assert_eq!(split_number(b"0 rest"), Some((0, &b"rest"[..])));
        assert_eq!(split_number(b"9007199254740993 "), Some((9_007_199_254_740_993, &b""[..])));
        let longest = [&[b'9'; 19][..], b" 1 2"].concat();
        assert_eq!(split_number(&longest), Some((9_999_999_999_999_999_999, &b"1 2"[..])));
        for wrong in
            ["", " ", " 1 ", "1", "-1 ", "+1 ", "1.5 ", "1e3 ", "12345678901234567890 ", "nan "]
        {
            assert_eq!(split_number(wrong.as_bytes()), None, "{wrong:?}");
        }
    }

    #[test]
    fn what_is_not_written_by_the_store_is_corrupt() {
        for wrong in ["", "1 2 0 4", "1 2 0 4 ", " 2 0 4 2 ", "1 -1 0 4 2 ", "1 2 0 4 no record"] {
            let parsed = parse_loaded(wrong.as_bytes());
            assert!(matches!(parsed, Err(StoreError::Corrupt { .. })), "{wrong:?}");
        }
    }
}
