//! What a client does next: ask for a page, or come with another cookie.

use std::time::Duration;

use fastrand::Rng;
use serde_json::{Map, Value, json};

use super::{
    http::encode,
    jar::Jar,
    settings::{FORMER_KEYS, KEY, Settings},
    token::Token,
};

const KEYS: [&str; 8] = ["a", "b", "count", "boom", "ümlaut", "a\"b\\", " t", "_x"];
const TEXTS: [&str; 8] =
    ["", "tea", "<b>&amp;\"'", "naïve", "日本", "\u{1f375}", "\u{7f}\u{0}\n", "/\u{2028}"];
/// Sessions that no page makes, as Flask writes them: the types that JSON has no words for, what
/// other extensions keep, and keys that look like tags.
const SESSIONS: [&str; 6] = [
    r#"{"b":{" b":"AAEC/w=="},"d":{" d":"Thu, 29 Feb 2024 12:30:45 GMT"},"t":{" t":[1,{" t":[]}]},"u":{" u":"6ba7b8109dad11d180b400c04fd430c8"}}"#,
    r#"{"_flashes":[{" t":["message","hello"]}],"_permanent":true,"m":{" m":"<b>bold</b>"}}"#,
    r#"{"_fresh":true,"_id":"5f0c","_user_id":"7","csrf_token":"d3b0"}"#,
    r#"{"a":{" di":{" t__":[1,2]}},"l":[{" t":[{" b":""}]},1.5,1e+16]}"#,
    r#"{" di":{" t__":"not a tuple"}}"#,
    r#"{"_permanent":false,"z":null}"#,
];

/// How far from its limit the age of a token is, in seconds: both sides must see it alike.
const MARGIN: u64 = 60;

/// A page to ask for.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    /// Without its folder.
    pub(crate) page: String,
}

impl Step {
    pub(crate) fn random(random: &mut Rng) -> Self {
        let key = encode(random.choice(KEYS).expect("there are keys"));
        let page = match random.u32(..100) {
            0..22 => format!("/set?key={key}&json={}", encode(&value(random, 3).to_string())),
            22..36 => format!("/get?key={key}"),
            36..48 => "/dump".to_owned(),
            48..55 => format!("/pop?key={key}"),
            55..58 => "/clear".to_owned(),
            58..62 => format!("/permanent?on={}", random.u32(..2)),
            62..69 => {
                format!("/setdefault?key={key}&json={}", encode(&value(random, 2).to_string()))
            }
            69..75 => format!("/contains?key={key}"),
            75..81 => "/nothing".to_owned(),
            81..87 => {
                let vary = ["Accept", "accept-encoding, Origin", "Cookie", "COOKIE, Accept", "*"];
                format!("/vary?value={}", encode(random.choice(vary).expect("there are some")))
            }
            87..90 => "/boom".to_owned(),
            90..95 => {
                format!("/flash?message={}", encode(random.choice(TEXTS).expect("there are texts")))
            }
            _ => "/flashes".to_owned(),
        };
        Self { page }
    }

    pub(crate) fn permanent() -> Self {
        Self { page: "/permanent?on=1".to_owned() }
    }
}

/// Now and then, gives the client another cookie. Returns what was done, for the log.
pub(crate) fn disturb(
    random: &mut Rng,
    jar: &mut Jar,
    settings: &Settings,
) -> Option<&'static str> {
    let done = match random.u32(..100) {
        0..4 => "a session that no page makes",
        4..7 => "a former key",
        7..10 => "a session about to be too old",
        10..12 => "a session that is too old",
        12..14 => "another key",
        14..16 => "a cut cookie",
        16..17 => "another letter",
        17..19 => "no cookie",
        _ => return None,
    };
    let token = jar.token().and_then(Token::parse)?;
    let signed = [KEY].iter().chain(&FORMER_KEYS).any(|key| token.is_signed_by(key));
    if done.starts_with("a session") && done.ends_with("too old") && !signed {
        // A damaged cookie opens no session: Flask answers 500 to garbage that its
        // own key signed.
        return None;
    }
    let json = random.choice(SESSIONS).expect("there are sessions");
    let text = jar.token().unwrap_or_default().to_owned();
    let lifetime = settings.lifetime();
    let seconds = Duration::from_secs;
    jar.replace_token(match done {
        "a session that no page makes" => Token::of_json(json, KEY),
        "a former key" => Token::of_json(json, random.choice(FORMER_KEYS).expect("there are keys")),
        "a session about to be too old" => token.older(seconds(lifetime - MARGIN), KEY),
        "a session that is too old" => token.older(seconds(lifetime + MARGIN), KEY),
        "another key" => Token::of_json(json, "an unknown key"),
        "a cut cookie" => text[..random.usize(..text.len())].to_owned(),
        "another letter" => {
            let at = random.usize(..text.len());
            let other = if text.as_bytes()[at] == b'A' { "B" } else { "A" };
            format!("{}{other}{}", &text[..at], &text[at + 1..])
        }
        _ => {
            jar.clear();
            return Some(done);
        }
    });
    Some(done)
}

fn value(random: &mut Rng, depth: u32) -> Value {
    let text = |random: &mut Rng| random.choice(TEXTS).expect("there are texts").to_owned();
    match random.u32(..if depth == 0 { 7 } else { 10 }) {
        0 => Value::Null,
        1 => random.bool().into(),
        2 => random.i64(-1_000..1_000).into(),
        3 => random.choice([i64::MAX, i64::MIN, 1 << 53, -1]).into(),
        4 => json!(random.choice([0.1, -0.0, 1e16, 1.5e-7, 123_456.789, 1e22, 5e-324, 1e300])),
        5 | 6 => text(random).into(),
        7 => (0..random.usize(..4)).map(|_| value(random, depth - 1)).collect(),
        8 => {
            let tag = random.choice([" t", " b", " di", " d", " x"]).expect("there are some");
            json!({ tag: value(random, depth - 1) })
        }
        _ => {
            let members = (0..random.usize(..4)).map(|_| (text(random), value(random, depth - 1)));
            Value::Object(members.collect::<Map<_, _>>())
        }
    }
}
