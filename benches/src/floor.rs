//! The floor: what a signed cookie costs any implementation, with the crates and the key
//! state that we use. One HMAC, one pass of base64, one split of the JSON; for a write one more of
//! the first two. No framework, no session.

use std::{hint::black_box, sync::LazyLock};

use base64::{
    Engine,
    engine::{DecodePaddingMode, GeneralPurposeConfig, Simd},
};
use hmac::{Hmac, KeyInit, Mac};
use memchr::memchr2;
use sha2::Sha256;

use crate::{
    payload::{self, json},
    site::{Answer, Site},
    workload::{Carries, Workload},
};

pub(crate) static BASE64: LazyLock<Simd> = LazyLock::new(|| {
    let config = GeneralPurposeConfig::new().with_encode_padding(false);
    Simd::url_safe(config.with_decode_padding_mode(DecodePaddingMode::RequireNone))
});

/// Bytes of an HMAC-SHA256, as base64url.
const MAC_TEXT: usize = 43;

/// A key and two signed texts.
pub struct Floor {
    keyed: Hmac<Sha256>,
    small: Signed,
    large: Signed,
}

/// A session's JSON, and its token.
struct Signed {
    json: String,
    token: String,
}

impl Floor {
    /// Signs the two sessions.
    pub fn new() -> Self {
        let keyed = Hmac::<Sha256>::new_from_slice(&[7; 32]).expect("HMAC takes any key");
        let signs = |members: &[_]| {
            let json = json(members);
            let token = signed(&keyed, &json);
            Signed { json, token }
        };
        Self { small: signs(&payload::small()), large: signs(&payload::large()), keyed }
    }

    fn signed(&self, workload: Workload) -> &Signed {
        if workload.carries() == Carries::Large { &self.large } else { &self.small }
    }
}

/// A session that was read.
pub(crate) struct Opened {
    pub(crate) json: Vec<u8>,
    /// Where its strings stand, keys and values.
    pub(crate) strings: Vec<(usize, usize)>,
    /// The key of its record, in a store.
    pub(crate) key: Option<[u8; 32]>,
}

impl Opened {
    /// Splits the JSON of a session.
    pub(crate) fn of(json: Vec<u8>) -> Option<Self> {
        let strings = split(&json)?;
        Some(Self { json, strings, key: None })
    }
}

pub(crate) fn open(keyed: &Hmac<Sha256>, token: &[u8]) -> Option<Opened> {
    let (payload, signature) = token.split_at_checked(token.len().checked_sub(MAC_TEXT + 1)?)?;
    let mut tag = [0; 36];
    let length = BASE64.decode_slice(signature.strip_prefix(b".")?, &mut tag).ok()?;
    let mut mac = keyed.clone();
    mac.update(payload);
    mac.verify_slice(&tag[..length]).ok()?;
    Opened::of(BASE64.decode(payload).ok()?)
}

fn signed(keyed: &Hmac<Sha256>, json: &str) -> String {
    let mut token = String::with_capacity(json.len() * 4 / 3 + MAC_TEXT + 4);
    sign(keyed, json.as_bytes(), &mut token);
    token
}

/// Appends base64 of the text, a dot, and the signature over what is before it.
pub(crate) fn sign(keyed: &Hmac<Sha256>, json: &[u8], token: &mut String) {
    let start = token.len();
    BASE64.encode_string(json, token);
    let mut mac = keyed.clone();
    mac.update(&token.as_bytes()[start..]);
    token.push('.');
    BASE64.encode_string(mac.finalize().into_bytes(), token);
}

/// Where the strings of a JSON text stand. Enough to find the members of a flat object.
fn split(json: &[u8]) -> Option<Vec<(usize, usize)>> {
    let mut strings = Vec::with_capacity(48);
    let mut at = 0;
    let mut start = None;
    while let Some(found) = memchr2(b'"', b'\\', &json[at..]) {
        at += found + 1;
        if json[at - 1] == b'\\' {
            at += 1;
        } else if let Some(start) = start.take() {
            strings.push((start, at - 1));
        } else {
            start = Some(at);
        }
    }
    start.is_none().then_some(strings)
}

impl Default for Floor {
    fn default() -> Self {
        Self::new()
    }
}

impl Site for Floor {
    fn run(&self, workload: Workload, times: u32) {
        let Signed { json, token } = self.signed(workload);
        for _ in 0..times {
            match workload {
                Workload::Untouched | Workload::Unused => black_box(()),
                Workload::Read | Workload::ReadLarge => {
                    black_box(open(&self.keyed, black_box(token).as_bytes()));
                }
                Workload::Write | Workload::WriteLarge => {
                    black_box(open(&self.keyed, black_box(token).as_bytes()));
                    black_box(signed(&self.keyed, black_box(json)));
                }
                Workload::Create => {
                    black_box(signed(&self.keyed, black_box(json)));
                }
            }
        }
    }

    fn answer(&self, workload: Workload) -> Answer {
        let token = &self.signed(workload).token;
        let cookie = matches!(workload, Workload::Write | Workload::WriteLarge | Workload::Create);
        Answer {
            status: if open(&self.keyed, token.as_bytes()).is_some() { 200 } else { 500 },
            cookie: cookie.then(|| token.clone()),
        }
    }

    fn fill(&mut self, bytes: usize) {
        let json = json(&payload::of_size(bytes));
        self.large = Signed { token: signed(&self.keyed, &json), json };
    }

    fn crowd(&mut self, _sessions: usize) {}

    fn add_cookies(&mut self, _others: usize) {}
}

#[cfg(test)]
mod tests {
    use super::{Floor, json, open, split};
    use crate::payload;

    #[test]
    fn opens_what_it_signed_and_nothing_else() {
        let floor = Floor::new();
        let opens = |token: &[u8]| open(&floor.keyed, token);
        let strings =
            |signed: &super::Signed| opens(signed.token.as_bytes()).unwrap().strings.len();
        assert_eq!((strings(&floor.small), strings(&floor.large)), (5, 39));
        for at in 0..floor.small.token.len() {
            let mut other = floor.small.token.clone().into_bytes();
            other[at] = if other[at] == b'A' { b'B' } else { b'A' };
            assert!(opens(&other).is_none(), "{at}");
        }
    }

    #[test]
    fn finds_the_strings() {
        let text = json(&payload::small());
        let strings = split(text.as_bytes()).unwrap();
        assert_eq!(&text[strings[0].0..strings[0].1], "csrf");
        assert!(split(br#"{"a":"b\"c"}"#).is_some_and(|strings| strings.len() == 2));
        assert!(split(br#"{"a":"b"#).is_none());
    }
}
