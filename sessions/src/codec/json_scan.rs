//! Splits a JSON object into its members without parsing their values, without recursion or
//! allocation.
//!
//! Values that JSON parsers refuse (`NaN`, integers beyond 64 bits, unpaired surrogates) are
//! accepted: only a `get` of such a value fails.

use std::ops::Range;

use memchr::memchr2;

/// How deep arrays and objects may nest inside one value.
const MAX_DEPTH: u32 = 127;

/// The position of a member in the scanned text.
#[derive(Debug, PartialEq)]
pub(crate) struct Member {
    /// The key without its quotes, still escaped.
    pub(crate) key: Range<usize>,
    /// Whether the key contains an escape and must be decoded before it is compared.
    pub(crate) escaped: bool,
    /// The value's JSON text.
    pub(crate) value: Range<usize>,
}

/// Calls `visit` with each member of the JSON object in `text`, in order. Returns `None` when
/// `visit` does, or when the text is not one well-formed object, possibly after some calls.
pub(crate) fn members(text: &str, mut visit: impl FnMut(Member) -> Option<()>) -> Option<()> {
    let mut scanner = Scanner::new(text);
    scanner.space();
    scanner.expect(b'{')?;
    scanner.space();
    if !scanner.accept(b'}') {
        loop {
            scanner.space();
            let key = scanner.at + 1;
            let escaped = scanner.string()?;
            let key = key..scanner.at - 1;
            scanner.space();
            scanner.expect(b':')?;
            scanner.space();
            let value = scanner.at;
            scanner.value()?;
            visit(Member { key, escaped, value: value..scanner.at })?;
            scanner.space();
            if !scanner.accept(b',') {
                break;
            }
        }
        scanner.expect(b'}')?;
    }
    scanner.space();
    (scanner.at == text.len()).then_some(())
}

/// Returns the members of the JSON object in `text`, or `None` when the text is not one.
#[cfg(feature = "flask")]
pub(crate) fn member_list(text: &str) -> Option<Vec<Member>> {
    let mut list = Vec::new();
    members(text, |member| {
        list.push(member);
        Some(())
    })?;
    Some(list)
}

/// Returns the elements of the JSON array in `text`, or `None` when the text is not one.
pub(crate) fn elements(text: &str) -> Option<Vec<Range<usize>>> {
    let mut scanner = Scanner::new(text);
    let mut elements = Vec::new();
    scanner.space();
    scanner.expect(b'[')?;
    scanner.space();
    if !scanner.accept(b']') {
        loop {
            scanner.space();
            let start = scanner.at;
            scanner.value()?;
            elements.push(start..scanner.at);
            scanner.space();
            if !scanner.accept(b',') {
                break;
            }
        }
        scanner.expect(b']')?;
    }
    scanner.space();
    (scanner.at == text.len()).then_some(elements)
}

/// Whether `text` is one value, with at most white space around it.
pub(crate) fn is_value(text: &str) -> bool {
    let mut scanner = Scanner::new(text);
    scanner.space();
    scanner.value().is_some() && {
        scanner.space();
        scanner.at == text.len()
    }
}

/// Whether `text`, which a serialiser wrote, is certainly one string without escapes, number or name.
pub(crate) fn is_plain_scalar(text: &str) -> bool {
    match text.as_bytes() {
        [b'"', string @ .., b'"'] => memchr2(b'"', b'\\', string).is_none(),
        word => !word.is_empty() && word.iter().all(|byte| is_of_word(*byte)),
    }
}

fn is_of_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b'.')
}

pub(super) struct Scanner<'t> {
    pub(super) text: &'t str,
    bytes: &'t [u8],
    pub(super) at: usize,
}

impl<'t> Scanner<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self { text, bytes: text.as_bytes(), at: 0 }
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    pub(super) fn accept(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    pub(super) fn expect(&mut self, byte: u8) -> Option<()> {
        self.accept(byte).then_some(())
    }

    #[inline]
    pub(super) fn space(&mut self) {
        if self.peek().is_some_and(|byte| byte <= b' ') {
            self.skip_space();
        }
    }

    #[cold]
    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    /// Consumes a string with its quotes; returns whether it has an escape.
    pub(super) fn string(&mut self) -> Option<bool> {
        let mut escaped = false;
        self.expect(b'"')?;
        loop {
            self.at += plain_length(self.bytes.get(self.at..)?);
            match self.peek()? {
                b'"' => break,
                b'\\' if *self.bytes.get(self.at + 1)? >= b' ' => {
                    escaped = true;
                    self.at += 2;
                }
                // A control character.
                _ => return None,
            }
        }
        self.at += 1;
        Some(escaped)
    }

    pub(super) fn value(&mut self) -> Option<()> {
        match self.peek()? {
            b'"' => self.string().map(|_| ()),
            b'{' | b'[' => self.nested(),
            _ => self.scalar(),
        }
    }

    /// Consumes a number, a literal, or a word of other writers (`NaN`, `-Infinity`).
    fn scalar(&mut self) -> Option<()> {
        let start = self.at;
        while matches!(
            self.peek(),
            Some(b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'+' | b'-' | b'.')
        ) {
            self.at += 1;
        }
        (self.at > start).then_some(())
    }

    /// Consumes an array or an object, whose end depends only on strings and brackets.
    fn nested(&mut self) -> Option<()> {
        // One bit per open bracket, set for an object.
        let mut open = 0_u128;
        let mut depth = 0_u32;
        loop {
            match self.peek()? {
                b'"' => {
                    self.string()?;
                    continue;
                }
                bracket @ (b'{' | b'[') => {
                    if depth == MAX_DEPTH {
                        return None;
                    }
                    open = open << 1 | u128::from(bracket == b'{');
                    depth += 1;
                }
                bracket @ (b'}' | b']') => {
                    if (open & 1 == 1) != (bracket == b'}') {
                        return None;
                    }
                    open >>= 1;
                    depth -= 1;
                }
                _ => {}
            }
            self.at += 1;
            if depth == 0 {
                return Some(());
            }
        }
    }
}

/// Returns the number of bytes before the end of a string, an escape or a control character.
fn plain_length(bytes: &[u8]) -> usize {
    let mut rest = bytes;
    // Most keys are short and end within the first word.
    if let Some((word, behind)) = rest.split_first_chunk() {
        if let Some(at) = first_special(*word) {
            return at;
        }
        rest = behind;
    }
    while let Some((block, behind)) = rest.split_first_chunk()
        && is_plain(block)
    {
        rest = behind;
    }
    while let Some((word, behind)) = rest.split_first_chunk() {
        if let Some(at) = first_special(*word) {
            return bytes.len() - rest.len() + at;
        }
        rest = behind;
    }
    let at = rest.iter().position(|byte| is_special(*byte));
    at.map_or(bytes.len(), |at| bytes.len() - rest.len() + at)
}

/// Whether a byte is a quote, a backslash or a control character. With one bit flipped, the quote
/// and the control characters are the only bytes below `!`.
#[expect(clippy::needless_bitwise_bool, reason = "without branches the loop is vectorised")]
fn is_special(byte: u8) -> bool {
    (byte ^ 2 < b'!') | (byte == b'\\')
}

/// Whether none of sixteen bytes is special. The compiler vectorises it.
fn is_plain(block: &[u8; 16]) -> bool {
    !block.iter().fold(false, |found, byte| found | is_special(*byte))
}

/// Returns the position of the first special byte among eight.
fn first_special(bytes: [u8; 8]) -> Option<usize> {
    const fn all(byte: u8) -> u64 {
        u64::from_le_bytes([byte; 8])
    }
    let word = u64::from_le_bytes(bytes);
    // A byte that is less than the subtrahend borrows, which sets its highest bit and maybe those
    // of later bytes; only the first one matters.
    let quote_or_control = (word ^ all(2)).wrapping_sub(all(b'!'));
    let backslash = (word ^ all(b'\\')).wrapping_sub(all(1));
    let special = (quote_or_control | backslash) & !word & all(0x80);
    (special != 0).then(|| special.trailing_zeros() as usize / 8)
}

#[cfg(test)]
mod tests {
    use super::{is_plain_scalar, is_value, members, plain_length};

    fn split(text: &str) -> Option<Vec<(&str, &str)>> {
        let mut found = Vec::new();
        members(text, |member| {
            found.push((&text[member.key], &text[member.value]));
            Some(())
        })?;
        Some(found)
    }

    #[test]
    fn splits_an_object_into_its_members() {
        let text = r#" { "a" : 1 ,"b":{"x":[1,"}"]}, "c\"d":"e\\" } "#;
        let expected = [("a", "1"), ("b", r#"{"x":[1,"}"]}"#), (r#"c\"d"#, r#""e\\""#)];
        assert_eq!(split(text).unwrap(), expected);
        assert_eq!(split("{}").unwrap(), []);
    }

    #[test]
    fn a_string_ends_at_its_first_special_byte_wherever_that_is() {
        for length in 0..100 {
            for byte in 0..=255u8 {
                // The bytes after it must not matter.
                for behind in [b'a', b'"', b'\n', 0xff] {
                    let mut text = vec![b'!'; length];
                    text.push(byte);
                    text.resize(length + 20, behind);
                    let special = |byte: &u8| *byte < 0x20 || b"\"\\".contains(byte);
                    let expected = text.iter().position(special);
                    assert_eq!(plain_length(&text), expected.unwrap_or(text.len()), "{text:?}");
                }
            }
        }
    }

    #[test]
    fn keeps_values_that_json_readers_refuse() {
        let text = r#"{"n":NaN,"i":-Infinity,"big":123456789012345678901234567890,"s":"\ud800"}"#;
        assert_eq!(split(text).unwrap().len(), 4);
    }

    #[test]
    fn refuses_what_is_not_one_object() {
        let broken = [
            "",
            "null",
            "[]",
            "1",
            "\"a\"",
            "{",
            "}",
            "{}x",
            "{}{}",
            "{\"a\"}",
            "{\"a\":}",
            "{\"a\":1,}",
            "{,}",
            "{a:1}",
            "{\"a\":1 \"b\":2}",
            "{\"a\":[}",
            "{\"a\":[}]}",
            "{\"a\":\"}",
            "{\"a\":\"\\",
            "{\"a\\",
            "{\"a\":\"\n\"}",
            "{\"a\":\"\\\n\"}",
            "{\"\u{1}\":1}",
            "{\"a\":{\"b\":1]}",
            "\u{feff}{}",
        ];
        for text in broken {
            assert_eq!(split(text), None, "{text}");
        }
    }

    #[test]
    fn bounds_the_depth_of_nesting() {
        let nested = |depth: usize| format!("{{\"a\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
        assert!(split(&nested(127)).is_some());
        assert!(split(&nested(128)).is_none());
        assert!(split(&nested(1_000_000)).is_none());
    }

    #[test]
    fn any_cut_of_a_good_text_is_refused() {
        let text = r#"{"a":1,"b":{"x":[1,"}"]},"c":"e\\"}"#;
        for end in 0..text.len() {
            assert_eq!(split(&text[..end]), None, "{}", &text[..end]);
        }
    }

    #[test]
    fn tells_one_value_from_several() {
        for text in ["1", " {} ", "\"a\"", "[1,2]", "NaN"] {
            assert!(is_value(text), "{text}");
        }
        for text in ["", "1,2", "{},\"b\":1", "1}", "\"a"] {
            assert!(!is_value(text), "{text}");
        }
    }

    #[test]
    fn a_plain_scalar_is_one_value() {
        for text in
            ["1", "-2.5e-7", "1e+300", "true", "null", "\"\"", "\"a b, {c}: [d]\"", "\"\u{e9}\""]
        {
            assert!(is_plain_scalar(text) && is_value(text), "{text}");
        }
        let others =
            ["", "\"", "1,2", "1 ", "[]", "{}", "[],1", "{},\"b\":1", "\"a\",\"b\"", "\"a\":\"b\""];
        for text in others.into_iter().chain(["\"a\\\"", "\"a\\\"b\"", "1}"]) {
            assert!(!is_plain_scalar(text), "{text}");
        }
    }
}
