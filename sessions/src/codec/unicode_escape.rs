//! The escape `\uXXXX` of JSON strings (RFC 8259, section 7).

/// How long an escape is.
const ESCAPE: usize = 6;

/// Reads the digits after `\u`, and the second half of a surrogate pair.
pub(crate) fn code_unit(rest: &mut &str) -> Option<Result<char, u16>> {
    let unit = four_digits(rest)?;
    let low = rest.strip_prefix("\\u").and_then(four_digits_of);
    let pair = low.and_then(|low| char::decode_utf16([unit, low]).next()?.ok());
    match (char::from_u32(unit.into()), pair) {
        (Some(char), _) => Some(Ok(char)),
        (None, Some(char)) => {
            *rest = &rest[ESCAPE..];
            Some(Ok(char))
        }
        (None, None) => Some(Err(unit)),
    }
}

fn four_digits(rest: &mut &str) -> Option<u16> {
    let unit = four_digits_of(rest)?;
    *rest = &rest[4..];
    Some(unit)
}

fn four_digits_of(text: &str) -> Option<u16> {
    let digits = text.get(..4).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
    u16::from_str_radix(digits?, 16).ok()
}
