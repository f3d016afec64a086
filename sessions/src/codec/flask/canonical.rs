//! Rewrites JSON as Flask writes it: keys sorted by code point, ASCII only, no white space,
//! Python's floats.

use std::borrow::Cow;

use super::{
    number::push_number,
    tag::Tag,
    text::{code_points, push_escaped, push_string},
};

/// The meaning of an object whose only key is the key of a tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dicts {
    /// A dictionary, which is escaped so that Flask does not read it as a tag.
    Plain,
    /// A tagged value.
    Tagged,
}

/// How JSON is spelt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Style {
    pub(crate) dicts: Dicts,
    /// Whether characters outside ASCII are escaped: `ensure_ascii` of Flask's JSON provider.
    pub(crate) ascii: bool,
}

impl From<Dicts> for Style {
    /// Returns the style of Flask's defaults.
    fn from(dicts: Dicts) -> Self {
        Self { dicts, ascii: true }
    }
}

/// Returns the JSON of a session: members that were opened, in their order, and those that are new.
///
/// The new ones stand among the others where their keys belong, if `sort` says so and the others are
/// sorted, else behind them.
pub(crate) fn session(opened: Vec<Member<'_>>, new: Vec<Member<'_>>, sort: bool) -> String {
    let mut members = opened;
    let sort = sort && members.is_sorted_by(|one, next| one.order < next.order);
    members.extend(new);
    if sort {
        members.sort_by(|one, other| one.order.cmp(&other.order));
    }
    let mut json = String::new();
    // The session itself is always a dictionary, never a tagged value.
    push_object(&mut json, &members, Dicts::Plain);
    json
}

/// Returns this JSON text as Flask writes it, or `None` when it is not valid JSON.
pub(crate) fn value(json: &str, style: impl Into<Style>) -> Option<String> {
    let out = String::with_capacity(json.len());
    let mut rewriter = Rewriter { text: json, at: 0, style: style.into(), out };
    rewriter.space();
    rewriter.value()?;
    rewriter.space();
    (rewriter.at == json.len()).then_some(rewriter.out)
}

/// Escapes a dictionary that looks like a tag.
pub(crate) fn escaped(tag: Tag, value: &str) -> String {
    format!("{{\" di\":{{\"{}__\":{value}}}}}", tag.key())
}

struct Rewriter<'j> {
    text: &'j str,
    at: usize,
    style: Style,
    out: String,
}

/// A member of an object, with its sort key in Python: the code points of its key, in UTF-8 that is
/// extended to surrogates.
pub(crate) struct Member<'j> {
    order: Cow<'j, [u8]>,
    key: String,
    value: Cow<'j, str>,
}

impl<'j> Member<'j> {
    /// Makes a member of the text between the quotes of its key and that of its value, both as they
    /// are. Returns `None` for an invalid key.
    pub(crate) fn kept(text: &'j str, value: &'j str) -> Option<Self> {
        Some(Self { order: code_points(text)?, key: format!("\"{text}\""), value: value.into() })
    }

    /// Makes a member from the text between the quotes of its key. A value that is not valid JSON is
    /// kept unchanged.
    pub(crate) fn rewritten(text: &'j str, json: &'j str, style: Style) -> Option<Self> {
        let value = value(json, style).map_or(json.into(), Cow::Owned);
        Self::spelt(text, value, style)
    }

    /// Makes a member of a key and its JSON text.
    pub(crate) fn new(key: &'j str, json: &'j str, style: Style) -> Self {
        let mut quoted = String::with_capacity(key.len() + 2);
        push_string(&mut quoted, key, style.ascii);
        let value = value(json, style).map_or(json.into(), Cow::Owned);
        Self { order: Cow::Borrowed(key.as_bytes()), key: quoted, value }
    }

    fn spelt(text: &'j str, value: Cow<'j, str>, style: Style) -> Option<Self> {
        let mut key = String::with_capacity(text.len() + 2);
        push_escaped(&mut key, text, style.ascii)?;
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
                push_escaped(&mut self.out, text, self.style.ascii)
            }
            b'{' => self.object(),
            b'[' => self.array(),
            _ => self.scalar(),
        }
    }

    /// Consumes a string; returns the text between its quotes.
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
        push_members(&mut self.out, members, self.style.dicts);
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
            members.push(Member::spelt(text, value.into(), self.style)?);
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

/// Appends an object, with sorted keys.
fn push_members(out: &mut String, mut members: Vec<Member<'_>>, dicts: Dicts) {
    if !members.is_sorted_by(|one, next| one.order < next.order) {
        members.sort_by(|one, other| one.order.cmp(&other.order));
        // The sort is stable, and the last of equal keys wins.
        members.reverse();
        members.dedup_by(|one, other| one.order == other.order);
        members.reverse();
    }
    push_object(out, &members, dicts);
}

/// Appends an object, escaped if it is a dictionary that looks like a tag.
fn push_object(out: &mut String, members: &[Member<'_>], dicts: Dicts) {
    if let ([member], Dicts::Plain) = (members, dicts)
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

#[cfg(test)]
mod tests {
    use super::{Dicts, Member, Style, session, value};

    fn tagged(json: &str) -> Option<String> {
        value(json, Dicts::Tagged)
    }

    #[test]
    fn integers_and_pythons_words_are_left_alone() {
        for json in ["0", "-1", "123456789012345678901234567890", "NaN", "Infinity", "-Infinity"] {
            assert_eq!(tagged(json).as_deref(), Some(json));
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

    const FLASK: Style = Style { dicts: Dicts::Tagged, ascii: true };

    #[test]
    fn a_session_that_looks_like_a_tag_is_escaped_and_values_of_no_json_are_left_alone() {
        let whole = |members: &[(&'static str, &'static str)]| {
            let new = members.iter().map(|(key, json)| Member::new(key, json, FLASK));
            session(Vec::new(), new.collect(), true)
        };
        assert_eq!(whole(&[]), "{}");
        assert_eq!(whole(&[(" t", "[1]")]), r#"{" di":{" t__":[1]}}"#);
        assert_eq!(whole(&[("é", "[1 2]"), (" t", "[1]")]), r#"{" t":[1],"\u00e9":[1 2]}"#);
    }

    #[test]
    fn what_was_opened_keeps_its_place_and_new_members_are_sorted_among_sorted_ones() {
        let whole = |opened: &[(&'static str, &'static str)], sort| {
            let opened = opened.iter().map(|(key, json)| Member::kept(key, json).expect("a key"));
            let new = [("é", "\"é\""), ("c", "{\"z\":1,\"a\":[\"ü\"]}")];
            let new = new.map(|(key, json)| Member::new(key, json, FLASK)).into();
            session(opened.collect(), new, sort)
        };
        let sorted = [("b", "{\"z\":1, \"a\":2}"), ("d", "1e5"), ("\\ud835", "\"é\"")];
        let c = r#""c":{"a":["\u00fc"],"z":1}"#;
        let e = r#""\u00e9":"\u00e9""#;
        let [b, d, last] = ["\"b\":{\"z\":1, \"a\":2}", "\"d\":1e5", "\"\\ud835\":\"é\""];
        assert_eq!(whole(&sorted, true), format!("{{{b},{c},{d},{e},{last}}}"));
        assert_eq!(whole(&sorted, false), format!("{{{b},{d},{last},{e},{c}}}"));
        let [b_, d_, last_] = sorted;
        assert_eq!(whole(&[d_, b_, last_], true), format!("{{{d},{b},{last},{e},{c}}}"));
    }

    #[test]
    fn without_ascii_only_strings_are_escaped_as_python_does_then() {
        let style = Style { ascii: false, ..FLASK };
        let json = r#"{"\u00e9\u0000":"\u7f16\ud83d\ude00\u007f\u2028\\\"\n\u0001\ud800"}"#;
        let expected = "{\"é\\u0000\":\"编😀\u{7f}\u{2028}\\\\\\\"\\n\\u0001\\ud800\"}";
        assert_eq!(value(json, style).as_deref(), Some(expected));
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
