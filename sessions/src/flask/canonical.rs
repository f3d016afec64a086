//! JSON as Flask writes it: keys sorted by code point, ASCII only, no white space, Python's floats.

use std::{borrow::Cow, fmt::Write};

use super::tag::Tag;

/// What an object with one key that is also a tag's stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dicts {
    /// Itself, a dictionary: written so that Flask does not take it for a tag.
    Plain,
    /// A tagged value.
    Tagged,
}

/// Returns the dictionary of these members as Flask writes it: keys and JSON texts, and those whose
/// keys are no Rust strings, in their quotes.
///
/// A value that is no JSON at all is left as it is.
pub(super) fn dictionary<'d>(
    named: impl Iterator<Item = (&'d str, &'d str)>,
    unnamed: impl Iterator<Item = (&'d str, &'d str)>,
    dicts: Dicts,
) -> String {
    let value = |json: &str| value(json, dicts).unwrap_or_else(|| json.to_owned());
    let named = named.map(|(key, json)| {
        let mut quoted = String::with_capacity(key.len() + 2);
        push_string(&mut quoted, key);
        Member { order: Cow::Borrowed(key.as_bytes()), key: quoted, value: value(json) }
    });
    let unnamed = unnamed.filter_map(|(quoted, json)| {
        let text = quoted.strip_prefix('"')?.strip_suffix('"')?;
        Member::new(text, value(json))
    });
    let mut json = String::new();
    // A session is a dictionary, whatever its values are.
    push_members(&mut json, named.chain(unnamed).collect(), Dicts::Plain);
    json
}

/// Returns this JSON text as Flask writes it, or `None` when it is none.
pub(super) fn value(json: &str, dicts: Dicts) -> Option<String> {
    let mut rewriter =
        Rewriter { text: json, at: 0, dicts, out: String::with_capacity(json.len()) };
    rewriter.space();
    rewriter.value()?;
    rewriter.space();
    (rewriter.at == json.len()).then_some(rewriter.out)
}

/// Returns a dictionary that looks like a tag, so that it does not.
pub(super) fn escaped(tag: Tag, value: &str) -> String {
    format!("{{\" di\":{{\"{}__\":{value}}}}}", tag.key())
}

struct Rewriter<'j> {
    text: &'j str,
    at: usize,
    dicts: Dicts,
    out: String,
}

/// A member of an object, with what Python sorts it by: the code points of its key, as UTF-8 would
/// have them if surrogates were characters.
struct Member<'j> {
    order: Cow<'j, [u8]>,
    key: String,
    value: String,
}

impl<'j> Member<'j> {
    /// Takes what stands between the quotes of the key.
    fn new(text: &'j str, value: String) -> Option<Self> {
        let mut key = String::with_capacity(text.len() + 2);
        push_escaped(&mut key, text)?;
        Some(Self { order: code_points(text)?, key, value })
    }
}

impl<'j> Rewriter<'j> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn accept(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn value(&mut self) -> Option<()> {
        match self.peek()? {
            b'"' => {
                let text = self.string()?;
                push_escaped(&mut self.out, text)
            }
            b'{' => self.object(),
            b'[' => self.array(),
            _ => self.scalar(),
        }
    }

    /// Consumes a string; returns what stands between its quotes.
    fn string(&mut self) -> Option<&'j str> {
        self.accept(b'"').then_some(())?;
        let start = self.at;
        loop {
            match self.peek()? {
                b'"' => {
                    self.at += 1;
                    return self.text.get(start..self.at - 1);
                }
                b'\\' => self.at += 2,
                0..0x20 => return None,
                _ => self.at += 1,
            }
        }
    }

    fn array(&mut self) -> Option<()> {
        self.accept(b'[').then_some(())?;
        self.out.push('[');
        self.space();
        if !self.accept(b']') {
            loop {
                self.space();
                self.value()?;
                self.space();
                if self.accept(b']') {
                    break;
                }
                self.accept(b',').then_some(())?;
                self.out.push(',');
            }
        }
        self.out.push(']');
        Some(())
    }

    fn object(&mut self) -> Option<()> {
        let members = self.members()?;
        push_members(&mut self.out, members, self.dicts);
        Some(())
    }

    fn members(&mut self) -> Option<Vec<Member<'j>>> {
        let mut members = Vec::new();
        self.accept(b'{').then_some(())?;
        self.space();
        if self.accept(b'}') {
            return Some(members);
        }
        loop {
            self.space();
            let text = self.string()?;
            self.space();
            self.accept(b':').then_some(())?;
            self.space();
            let outer = std::mem::take(&mut self.out);
            let parsed = self.value();
            let value = std::mem::replace(&mut self.out, outer);
            parsed?;
            members.push(Member::new(text, value)?);
            self.space();
            if self.accept(b'}') {
                return Some(members);
            }
            self.accept(b',').then_some(())?;
        }
    }

    fn scalar(&mut self) -> Option<()> {
        let start = self.at;
        while matches!(
            self.peek(),
            Some(b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'+' | b'-' | b'.')
        ) {
            self.at += 1;
        }
        let text = &self.text[start..self.at];
        match text {
            "null" | "true" | "false" | "NaN" | "Infinity" | "-Infinity" => self.out.push_str(text),
            _ => push_number(&mut self.out, text)?,
        }
        Some(())
    }
}

/// Appends an object: sorted, and escaped if it is a dictionary that looks like a tag.
fn push_members(out: &mut String, mut members: Vec<Member<'_>>, dicts: Dicts) {
    if !members.is_sorted_by(|one, next| one.order < next.order) {
        members.sort_by(|one, other| one.order.cmp(&other.order));
        // The sort is stable and the last of equal keys wins.
        members.reverse();
        members.dedup_by(|one, other| one.order == other.order);
        members.reverse();
    }
    if let ([member], Dicts::Plain) = (members.as_slice(), dicts)
        && let Some(tag) = Tag::of_bytes(&member.order)
    {
        out.push_str(&escaped(tag, &member.value));
        return;
    }
    out.push('{');
    for (number, member) in members.iter().enumerate() {
        if number > 0 {
            out.push(',');
        }
        out.push_str(&member.key);
        out.push(':');
        out.push_str(&member.value);
    }
    out.push('}');
}

/// Appends a string with its quotes.
pub(super) fn push_string(out: &mut String, text: &str) {
    out.push('"');
    text.chars().for_each(|char| push_char(out, char));
    out.push('"');
}

/// Appends a string with its quotes, given what stands between those of another spelling.
fn push_escaped(out: &mut String, text: &str) -> Option<()> {
    out.push('"');
    for piece in pieces(text) {
        match piece? {
            Ok(char) => push_char(out, char),
            Err(surrogate) => push_unit(out, surrogate),
        }
    }
    out.push('"');
    Some(())
}

fn push_char(out: &mut String, char: char) {
    match char {
        '"' => out.push_str("\\\""),
        '\\' => out.push_str("\\\\"),
        '\u{8}' => out.push_str("\\b"),
        '\u{c}' => out.push_str("\\f"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        ' '..='~' => out.push(char),
        _ => char.encode_utf16(&mut [0; 2]).iter().for_each(|unit| push_unit(out, *unit)),
    }
}

fn push_unit(out: &mut String, unit: u16) {
    write!(out, "\\u{unit:04x}").expect("writing to a string does not fail");
}

/// Returns the code points of what stands between the quotes of a string, as UTF-8 would have them
/// if surrogates were characters: the order of these bytes is the order of the code points.
fn code_points(text: &str) -> Option<Cow<'_, [u8]>> {
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

/// Reads the characters, and the surrogates without a partner, of what stands between the quotes of
/// a string. `None` in the row for what is no escape.
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

/// Reads the digits behind `\u`, and the second half of a pair.
fn code_unit(rest: &mut &str) -> Option<Result<char, u16>> {
    let unit = four_digits(rest)?;
    let low = rest.strip_prefix("\\u").and_then(four_digits_of);
    let pair = low.and_then(|low| char::decode_utf16([unit, low]).next()?.ok());
    match (char::from_u32(unit.into()), pair) {
        (Some(char), _) => Some(Ok(char)),
        (None, Some(char)) => {
            *rest = &rest["\\uXXXX".len()..];
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

/// Appends a number: an integer as it is, a float as Python's `repr` writes it.
fn push_number(out: &mut String, text: &str) -> Option<()> {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, exponent) = match unsigned.find(['e', 'E']) {
        Some(at) => (&unsigned[..at], unsigned[at + 1..].parse().ok()?),
        None => (unsigned, 0_i32),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !is_digits(whole) || !is_digits(fraction) {
        return None;
    }
    if mantissa.len() == unsigned.len() && !mantissa.contains('.') {
        out.push_str(text);
        return Some(());
    }
    if unsigned.len() < text.len() {
        out.push('-');
    }
    push_float(
        out,
        &[whole, fraction].concat(),
        exponent.checked_add(i32::try_from(whole.len()).ok()?)?,
    );
    Some(())
}

/// Appends the number `0.digits` times ten to the power of `point`.
fn push_float(out: &mut String, digits: &str, point: i32) {
    let significant = digits.trim_start_matches('0');
    let zeros = i32::try_from(digits.len() - significant.len()).unwrap_or(i32::MAX);
    let significant = significant.trim_end_matches('0');
    if significant.is_empty() {
        out.push_str("0.0");
        return;
    }
    let point = point.saturating_sub(zeros);
    let length = i32::try_from(significant.len()).unwrap_or(i32::MAX);
    let push_zeros = |out: &mut String, number: i32| (0..number).for_each(|_| out.push('0'));
    if point <= -4 || point > 16 {
        let (first, others) = significant.split_at(1);
        out.push_str(first);
        if !others.is_empty() {
            out.push('.');
            out.push_str(others);
        }
        write!(out, "e{:+03}", point - 1).expect("writing to a string does not fail");
    } else if point <= 0 {
        out.push_str("0.");
        push_zeros(out, -point);
        out.push_str(significant);
    } else if length <= point {
        out.push_str(significant);
        push_zeros(out, point - length);
        out.push_str(".0");
    } else {
        let (whole, fraction) = significant.split_at(usize::try_from(point).unwrap_or_default());
        out.push_str(whole);
        out.push('.');
        out.push_str(fraction);
    }
}

#[cfg(test)]
mod tests {
    use super::{Dicts, dictionary, value};

    fn tagged(json: &str) -> Option<String> {
        value(json, Dicts::Tagged)
    }

    #[test]
    fn floats_are_written_as_python_does() {
        let cases = [
            ("0.0", "0.0"),
            ("-0.0", "-0.0"),
            ("0e7", "0.0"),
            ("1.50", "1.5"),
            ("1e1", "10.0"),
            ("1E+1", "10.0"),
            ("1e15", "1000000000000000.0"),
            ("1e16", "1e+16"),
            ("1234567890123456.0", "1234567890123456.0"),
            ("12345678901234567.0", "1.2345678901234567e+16"),
            ("0.0001", "0.0001"),
            ("0.00001", "1e-05"),
            ("0.000012", "1.2e-05"),
            ("1.7976931348623157e308", "1.7976931348623157e+308"),
            ("5e-324", "5e-324"),
            ("-1.5e-7", "-1.5e-07"),
            ("123.456", "123.456"),
        ];
        for (json, expected) in cases {
            assert_eq!(tagged(json).as_deref(), Some(expected), "{json}");
            assert_eq!(tagged(expected).as_deref(), Some(expected));
        }
    }

    #[test]
    fn integers_and_pythons_words_are_left_alone() {
        for json in ["0", "-1", "123456789012345678901234567890", "NaN", "Infinity", "-Infinity"] {
            assert_eq!(tagged(json).as_deref(), Some(json));
        }
    }

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
            assert_eq!(tagged(json).as_deref(), Some(expected), "{json}");
        }
    }

    #[test]
    fn keys_are_sorted_by_code_point_and_the_last_of_equal_ones_counts() {
        let json = r#" { "b" : 1 , "𝕏" : 2 , "\ud835" : 3 , "\uffff" : 4, "a" : [ { } , [ ] ] , "\u0062" : 5 } "#;
        let expected = r#"{"a":[{},[]],"b":5,"\ud835":3,"\uffff":4,"\ud835\udd4f":2}"#;
        assert_eq!(tagged(json).as_deref(), Some(expected));
    }

    #[test]
    fn dictionaries_that_look_like_tags_are_escaped_where_they_are_none() {
        let json = r#"{"a":{" t":{" b":[{" x":{" di":1}}]}}}"#;
        let expected = r#"{"a":{" di":{" t__":{" di":{" b__":[{" x":{" di":{" di__":1}}}]}}}}}"#;
        assert_eq!(value(json, Dicts::Plain).as_deref(), Some(expected));
        assert_eq!(tagged(json).as_deref(), Some(json));
    }

    #[test]
    fn a_session_that_looks_like_a_tag_is_escaped_and_values_of_no_json_are_left_alone() {
        let whole = |members: &[(&'static str, &'static str)]| {
            dictionary(members.iter().copied(), std::iter::empty(), Dicts::Tagged)
        };
        assert_eq!(whole(&[]), "{}");
        assert_eq!(whole(&[(" t", "[1]")]), r#"{" di":{" t__":[1]}}"#);
        assert_eq!(whole(&[(" t", "[1]"), ("é", "[1 2]")]), r#"{" t":[1],"\u00e9":[1 2]}"#);
    }

    #[test]
    fn what_is_no_json_is_none() {
        for text in [
            "",
            "[1 2]",
            "[1,]",
            "{\"a\"}",
            "{\"a\":1,}",
            "nan",
            "+1",
            ".5",
            "1e",
            "\"\\x\"",
            "\"\\u12\"",
            "\"\\u+123\"",
            "1 1",
            "[",
            "{\"a\":[}",
            "--1",
            "1.2.3",
            "\"\n\"",
        ] {
            assert_eq!(tagged(text), None, "{text}");
        }
    }
}
