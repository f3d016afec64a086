//! Reads a JSON text that may hold keys, without leaving copies of them: `serde_json` drops the
//! buffer in which it decodes escapes as it is.
//!
//! The dialect is that of Python's `json.loads`, since Flask reads the same variables.

use zeroize::Zeroizing;

use super::value::Value;
use crate::codec::unicode_escape::code_unit;

/// How deep lists and objects may nest: no setting has values inside each other.
const MAX_DEPTH: u32 = 100;

/// The longest integer that Python reads, in digits; a longer one stays a text.
const MAX_DIGITS: usize = 4_300;

/// Returns the value of a JSON text, or `None` when the text is not JSON.
pub(super) fn parse(text: &str) -> Option<Value> {
    let mut reader = Reader { text, at: 0 };
    let value = match reader.value(MAX_DEPTH) {
        Ok(value) => value,
        Err(Stop::TooDeep) => return Some(Value::Other { is_empty: false }),
        Err(Stop::NotJson) => return None,
    };
    reader.space();
    (reader.at == text.len()).then_some(value)
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
}

enum Stop {
    NotJson,
    TooDeep,
}

type Read<T> = Result<T, Stop>;

impl<'t> Reader<'t> {
    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn accept(&mut self, token: &str) -> bool {
        let found = self.rest().starts_with(token);
        self.at += if found { token.len() } else { 0 };
        found
    }

    fn expect(&mut self, token: &str) -> Read<()> {
        if self.accept(token) { Ok(()) } else { Err(Stop::NotJson) }
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn value(&mut self, depth: u32) -> Read<Value> {
        self.space();
        for (word, value) in [
            ("null", Value::Null),
            ("true", Value::Bool(true)),
            ("false", Value::Bool(false)),
            ("NaN", Value::Float(f64::NAN)),
            ("Infinity", Value::Float(f64::INFINITY)),
            ("-Infinity", Value::Float(f64::NEG_INFINITY)),
        ] {
            if self.accept(word) {
                return Ok(value);
            }
        }
        match self.peek() {
            Some(b'"') => self.string(),
            Some(b'[') => self.list(depth.checked_sub(1).ok_or(Stop::TooDeep)?),
            Some(b'{') => self.object(depth.checked_sub(1).ok_or(Stop::TooDeep)?),
            _ => self.number(),
        }
    }

    fn list(&mut self, depth: u32) -> Read<Value> {
        let mut list = Vec::new();
        self.expect("[")?;
        self.space();
        if self.accept("]") {
            return Ok(Value::List(list));
        }
        loop {
            list.push(self.value(depth)?);
            self.space();
            if self.accept("]") {
                return Ok(Value::List(list));
            }
            self.expect(",")?;
        }
    }

    fn object(&mut self, depth: u32) -> Read<Value> {
        self.expect("{")?;
        self.space();
        if self.accept("}") {
            return Ok(Value::Other { is_empty: true });
        }
        loop {
            self.space();
            self.string()?;
            self.space();
            self.expect(":")?;
            self.value(depth)?;
            self.space();
            if self.accept("}") {
                return Ok(Value::Other { is_empty: false });
            }
            self.expect(",")?;
        }
    }

    /// Reads a string, or the kind that no setting takes for one with an unpaired surrogate.
    fn string(&mut self) -> Read<Value> {
        self.expect("\"")?;
        // Never longer than its spelling, so the buffer does not grow: growing would leave a copy.
        let length = closing_quote(self.rest()).ok_or(Stop::NotJson)?;
        let mut text = Zeroizing::new(String::with_capacity(length));
        let mut is_text = true;
        loop {
            let char = self.rest().chars().next().ok_or(Stop::NotJson)?;
            self.at += char.len_utf8();
            match char {
                '"' => break,
                '\\' => match self.escape()? {
                    Some(char) => text.push(char),
                    None => is_text = false,
                },
                '\0'..' ' => return Err(Stop::NotJson),
                _ => text.push(char),
            }
        }
        Ok(if is_text { Value::Text(text) } else { Value::Other { is_empty: false } })
    }

    fn escape(&mut self) -> Read<Option<char>> {
        let escape = self.peek().ok_or(Stop::NotJson)?;
        self.at += 1;
        Ok(Some(match escape {
            b'"' | b'\\' | b'/' => char::from(escape),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => return self.code_unit(),
            _ => return Err(Stop::NotJson),
        }))
    }

    /// Reads the digits after `\u`, and a second half; `None` for an unpaired surrogate.
    fn code_unit(&mut self) -> Read<Option<char>> {
        let mut rest = self.rest();
        let unit = code_unit(&mut rest).ok_or(Stop::NotJson)?;
        self.at = self.text.len() - rest.len();
        Ok(unit.ok())
    }

    fn number(&mut self) -> Read<Value> {
        let start = self.at;
        self.accept("-");
        let digits = self.digits()?;
        if digits.len() > 1 && digits.starts_with('0') {
            return Err(Stop::NotJson);
        }
        let mut is_whole = true;
        if self.accept(".") {
            is_whole = false;
            self.digits()?;
        }
        if self.accept("e") || self.accept("E") {
            is_whole = false;
            let _ = self.accept("+") || self.accept("-");
            self.digits()?;
        }
        if is_whole && digits.len() > MAX_DIGITS {
            return Err(Stop::NotJson);
        }
        let number = &self.text[start..self.at];
        match number.parse() {
            Ok(whole) => Ok(Value::Number(whole)),
            Err(_) => number.parse().map(Value::Float).map_err(|_| Stop::NotJson),
        }
    }

    fn digits(&mut self) -> Read<&'t str> {
        let rest = self.rest();
        let end = rest.find(|char: char| !char.is_ascii_digit()).unwrap_or(rest.len());
        self.at += end;
        if end == 0 { Err(Stop::NotJson) } else { Ok(&rest[..end]) }
    }
}

/// Returns where the string ends that this text is the rest of.
fn closing_quote(text: &str) -> Option<usize> {
    let mut escaped = false;
    text.bytes().position(|byte| {
        let ends = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        ends
    })
}

#[cfg(test)]
mod tests {
    use super::{MAX_DIGITS, Value, parse};

    /// Says what a value is.
    fn shown(value: &Value) -> String {
        match value {
            Value::Null => "null".to_owned(),
            Value::Bool(value) => value.to_string(),
            Value::Number(number) => number.to_string(),
            Value::Float(float) => format!("{float:?}"),
            Value::Text(text) => format!("'{}'", text.as_str()),
            Value::List(list) => {
                format!("[{}]", list.iter().map(shown).collect::<Vec<_>>().join(","))
            }
            Value::Other { is_empty } => if *is_empty { "{}" } else { "other" }.to_owned(),
        }
    }

    #[test]
    fn json_is_read_as_python_reads_it() {
        let (long, longer) = ("1".repeat(MAX_DIGITS), "1".repeat(MAX_DIGITS + 1));
        let deep = format!("{}{}", "[".repeat(400), "]".repeat(400));
        let cases = [
            ("null", "null"),
            (" true\n", "true"),
            ("\t\rfalse", "false"),
            ("NaN", "NaN"),
            ("-Infinity", "-inf"),
            ("0", "0"),
            ("-0", "-0.0"),
            ("18446744073709551616", "1.8446744073709552e19"),
            ("-1", "-1.0"),
            ("1.50", "1.5"),
            ("1e3", "1000.0"),
            ("1E-400", "0.0"),
            ("1e400", "inf"),
            (&long, "inf"),
            (r#""a\"\\\/\b\f\n\r\t\u0041\ud83d\ude00é""#, "'a\"\\/\u{8}\u{c}\n\r\tA😀é'"),
            (r#""\ud83d""#, "other"),
            (r#""\ude00\ud83d""#, "other"),
            ("[]", "[]"),
            (r#"[ "a" , 1 , [null] , {} ]"#, "['a',1,[null],{}]"),
            (r#"{ "a" : [ { "b" : null } ] , "c" : 1 }"#, "other"),
            (&deep, "other"),
        ];
        for (text, expected) in cases {
            let value = parse(text).map(|value| shown(&value));
            assert_eq!(value.as_deref(), Some(expected), "{}", &text[..text.len().min(60)]);
        }
        for text in [
            "",
            " ",
            "nul",
            "True",
            "None",
            "nullx",
            "null null",
            "+1",
            "01",
            "-",
            "1.",
            ".5",
            "1e",
            "'a'",
            "\"a",
            "\"a\nb\"",
            "\"\\x\"",
            "\"\\u12\"",
            "\"\\u+123\"",
            "[1,]",
            "[1",
            "{1:2}",
            "{\"a\"}",
            "{\"a\":1,}",
            "\u{feff}null",
            "\"a\"b",
            &longer,
        ] {
            assert!(parse(text).is_none(), "{}", &text[..text.len().min(60)]);
        }
    }
}
