//! Strings as Flask writes them: ASCII only unless it is set otherwise, with Python's unpaired
//! surrogates.

use std::{borrow::Cow, fmt::Write};

use crate::codec::unicode_escape::code_unit;

/// Appends a string with its quotes.
pub(super) fn push_string(out: &mut String, text: &str, ascii: bool) {
    out.push('"');
    text.chars().for_each(|char| push_char(out, char, ascii));
    out.push('"');
}

/// Appends a string with its quotes, given the text between the quotes of another JSON string.
pub(super) fn push_escaped(out: &mut String, text: &str, ascii: bool) -> Option<()> {
    out.push('"');
    for piece in pieces(text) {
        match piece? {
            Ok(char) => push_char(out, char, ascii),
            Err(surrogate) => push_unit(out, surrogate),
        }
    }
    out.push('"');
    Some(())
}

fn push_char(out: &mut String, char: char, ascii: bool) {
    match char {
        '"' => out.push_str("\\\""),
        '\\' => out.push_str("\\\\"),
        '\u{8}' => out.push_str("\\b"),
        '\u{c}' => out.push_str("\\f"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        ' '..='~' => out.push(char),
        '\u{7f}'.. if !ascii => out.push(char),
        _ => char.encode_utf16(&mut [0; 2]).iter().for_each(|unit| push_unit(out, *unit)),
    }
}

fn push_unit(out: &mut String, unit: u16) {
    write!(out, "\\u{unit:04x}").expect("writing to a string does not fail");
}

/// Decodes the text between the quotes of a JSON string to UTF-8 that is extended to surrogates.
/// The order of these bytes is the order of the code points.
pub(super) fn code_points(text: &str) -> Option<Cow<'_, [u8]>> {
    if !text.contains('\\') {
        return Some(Cow::Borrowed(text.as_bytes()));
    }
    let mut bytes = Vec::with_capacity(text.len());
    for piece in pieces(text) {
        match piece? {
            Ok(char) => bytes.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes()),
            Err(unit) => {
                let [high, low] = unit.to_be_bytes();
                bytes.extend([
                    0xe0 | high >> 4,
                    0x80 | (high & 0xf) << 2 | low >> 6,
                    0x80 | low & 0x3f,
                ]);
            }
        }
    }
    Some(Cow::Owned(bytes))
}

/// Decodes the text between the quotes of a JSON string to characters and unpaired surrogates. An
/// item is `None` for an invalid escape.
fn pieces(text: &str) -> impl Iterator<Item = Option<Result<char, u16>>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let mut chars = rest.chars();
        let char = chars.next()?;
        if char != '\\' {
            rest = chars.as_str();
            return Some(Some(Ok(char)));
        }
        let escape = chars.next();
        rest = chars.as_str();
        let char = match escape {
            Some(char @ ('"' | '\\' | '/')) => char,
            Some('b') => '\u{8}',
            Some('f') => '\u{c}',
            Some('n') => '\n',
            Some('r') => '\r',
            Some('t') => '\t',
            Some('u') => return Some(code_unit(&mut rest)),
            _ => return Some(None),
        };
        Some(Some(Ok(char)))
    })
}

#[cfg(test)]
mod tests {
    use super::push_escaped;

    #[test]
    fn strings_are_ascii() {
        let cases = [
            ("\"é\"", r#""\u00e9""#),
            ("\"\u{7f}~ \"", r#""\u007f~ ""#),
            ("\"𝕏\"", r#""\ud835\udd4f""#),
            (r#""\uD835\uDD4F""#, r#""\ud835\udd4f""#),
            (r#""\ud835x\udd4f""#, r#""\ud835x\udd4f""#),
            (r#""\ud835\ud835\udd4f""#, r#""\ud835\ud835\udd4f""#),
            (r#""\u0041\/\b\f\n\r\t\"\\""#, r#""A/\b\f\n\r\t\"\\""#),
            (r#""\u001F""#, r#""\u001f""#),
        ];
        for (json, expected) in cases {
            let mut written = String::new();
            push_escaped(&mut written, &json[1..json.len() - 1], true).unwrap();
            assert_eq!(written, expected, "{json}");
        }
    }
}
