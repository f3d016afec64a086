//! Compares JSON texts by their values, in one pass and without parsing numbers.

use std::ops::Range;

use super::json_scan::Scanner;

/// Whether two JSON texts have the same value.
///
/// Different texts may: by the order of keys, an escape, or white space. Numbers are the same if their
/// texts are: parsing may round.
pub(crate) fn same_value(one: &str, other: &str) -> bool {
    one == other || {
        let mut pair = Pair { one: Scanner::new(one), other: Scanner::new(other) };
        pair.value() && pair.is_at_end()
    }
}

/// Two texts, which are the same up to where their scanners are.
struct Pair<'t> {
    one: Scanner<'t>,
    other: Scanner<'t>,
}

/// What comes next in both lists or objects.
#[derive(PartialEq, Eq)]
enum Next {
    Item,
    End,
    Different,
}

impl Pair<'_> {
    fn value(&mut self) -> bool {
        self.space();
        match (self.one.peek(), self.other.peek()) {
            (Some(b'['), Some(b'[')) => self.list(),
            (Some(b'{'), Some(b'{')) => self.object(),
            (Some(b'"'), Some(b'"')) => self.string(),
            _ => self.scalar(),
        }
    }

    fn list(&mut self) -> bool {
        self.accept(b'[');
        loop {
            match self.next(b']') {
                Next::Item if self.value() => {}
                Next::End => return true,
                Next::Item | Next::Different => return false,
            }
        }
    }

    /// Compares members in the order of the texts, and sorts them where that differs.
    fn object(&mut self) -> bool {
        let starts = [self.one.at, self.other.at];
        self.accept(b'{');
        loop {
            match self.next(b'}') {
                Next::Item if !self.string() => {
                    [self.one.at, self.other.at] = starts;
                    return self.unordered();
                }
                Next::Item => {
                    self.space();
                    if !self.accept(b':') || !self.value() {
                        return false;
                    }
                }
                Next::End => return true,
                Next::Different => return false,
            }
        }
    }

    fn unordered(&mut self) -> bool {
        let (Some(one), Some(other)) = (members(&mut self.one), members(&mut self.other)) else {
            return false;
        };
        let value = |scanner: &Scanner<'_>, range: Range<usize>| scanner.text[range].to_owned();
        one.len() == other.len()
            && one.into_iter().zip(other).all(|((key, range), (other_key, other_range))| {
                let values = || (value(&self.one, range), value(&self.other, other_range));
                key == other_key && {
                    let (one, other) = values();
                    same_value(&one, &other)
                }
            })
    }

    fn string(&mut self) -> bool {
        let (Some((one, one_escaped)), Some((other, other_escaped))) =
            (string(&mut self.one), string(&mut self.other))
        else {
            return false;
        };
        let decode = |text| serde_json::from_str::<String>(text).ok();
        one == other
            || (one_escaped || other_escaped)
                && decode(one).is_some_and(|one| Some(one) == decode(other))
    }

    fn scalar(&mut self) -> bool {
        let starts = [self.one.at, self.other.at];
        if self.one.value().is_none() || self.other.value().is_none() {
            return false;
        }
        self.one.text[starts[0]..self.one.at] == self.other.text[starts[1]..self.other.at]
    }

    /// Moves to the next item, or behind the end.
    fn next(&mut self, close: u8) -> Next {
        self.space();
        match [self.one.accept(close), self.other.accept(close)] {
            [true, true] => return Next::End,
            [false, false] => {}
            _ => return Next::Different,
        }
        // Before the first item there is none.
        if self.one.accept(b',') != self.other.accept(b',') {
            return Next::Different;
        }
        self.space();
        Next::Item
    }

    fn accept(&mut self, byte: u8) -> bool {
        self.one.accept(byte) & self.other.accept(byte)
    }

    fn space(&mut self) {
        self.one.space();
        self.other.space();
    }

    fn is_at_end(&mut self) -> bool {
        self.space();
        self.one.peek().is_none() && self.other.peek().is_none()
    }
}

/// Consumes a string; returns it with its quotes, and whether it has an escape.
fn string<'t>(scanner: &mut Scanner<'t>) -> Option<(&'t str, bool)> {
    let start = scanner.at;
    let escaped = scanner.string()?;
    Some((&scanner.text[start..scanner.at], escaped))
}

/// Consumes an object; returns its decoded keys and the places of their values, sorted by key.
fn members(scanner: &mut Scanner<'_>) -> Option<Vec<(String, Range<usize>)>> {
    let mut members = Vec::<(String, Range<usize>)>::new();
    scanner.expect(b'{')?;
    scanner.space();
    while !scanner.accept(b'}') {
        scanner.accept(b',');
        scanner.space();
        let (key, _) = string(scanner)?;
        let key = serde_json::from_str(key).ok()?;
        scanner.space();
        scanner.expect(b':')?;
        scanner.space();
        let start = scanner.at;
        scanner.value()?;
        members.push((key, start..scanner.at));
        scanner.space();
    }
    members.sort_by(|(one, _), (other, _)| one.cmp(other));
    Some(members)
}

#[cfg(test)]
mod tests {
    use super::same_value;

    #[test]
    fn texts_of_one_value_are_the_same() {
        for (one, other) in [
            ("1", " 1 "),
            ("\"é\"", r#""\u00e9""#),
            ("[1,2]", "[ 1 , 2 ]"),
            ("[]", "[ ]"),
            ("{}", "{ }"),
            (r#"{"a":1,"b":[2,{"c":"é"}]}"#, r#" {"b" : [ 2 ,{"\u0063":"\u00e9"}],"a":1}"#),
            (r#"{"a":{"x":1,"y":2},"b":1}"#, r#"{"b":1,"a":{"y":2,"x":1}}"#),
            ("12345678901234567890123", "12345678901234567890123"),
        ] {
            assert!(same_value(one, other), "{one} {other}");
            assert!(same_value(other, one), "{other} {one}");
        }
    }

    #[test]
    fn texts_of_two_values_differ() {
        for (one, other) in [
            ("1", "2"),
            ("1", "1.0"),
            ("12345678901234567890", "12345678901234567891"),
            ("1", "\"1\""),
            ("[1,2]", "[2,1]"),
            ("[1,2]", "[1]"),
            ("[1]", "[1,2]"),
            ("[]", "{}"),
            ("[1]", "[[1]]"),
            (r#"{"a":1}"#, r#"{"a":2}"#),
            (r#"{"a":1}"#, r#"{"b":1}"#),
            (r#"{"a":1}"#, r#"{"a":1,"b":1}"#),
            (r#"{"a":1,"b":2}"#, r#"{"b":1,"a":2}"#),
            (r#""\u00e9""#, r#""\u00e8""#),
            ("\"a\"", "\"a"),
            ("NaN", "null"),
        ] {
            assert!(!same_value(one, other), "{one} {other}");
            assert!(!same_value(other, one), "{other} {one}");
        }
    }
}
