//! The floor: what a signed cookie costs whoever reads and writes it, with the crates and the key
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

static BASE64: LazyLock<Simd> = LazyLock::new(|| {
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
        let signed = |members: &[_]| {
            let json = json(members);
            let token = sign(&keyed, &json);
            Signed { json, token }
        };
        Self { small: signed(&payload::small()), large: signed(&payload::large()), keyed }
    }

    fn open(&self, token: &str) -> Option<Vec<(usize, usize)>> {
        let (payload, signature) = token.split_at_checked(token.len() - MAC_TEXT - 1)?;
        let mut tag = [0; 36];
        let length = BASE64.decode_slice(signature.strip_prefix('.')?, &mut tag).ok()?;
        let mut mac = self.keyed.clone();
        mac.update(payload.as_bytes());
        mac.verify_slice(&tag[..length]).ok()?;
        split(&BASE64.decode(payload).ok()?)
    }

    fn signed(&self, workload: Workload) -> &Signed {
        if workload.carries() == Carries::Large { &self.large } else { &self.small }
    }
}

/// Base64 of the text, a dot, and the signature over what is before it.
fn sign(keyed: &Hmac<Sha256>, json: &str) -> String {
    let mut token = String::with_capacity(json.len() * 4 / 3 + MAC_TEXT + 4);
    BASE64.encode_string(json, &mut token);
    let mut mac = keyed.clone();
    mac.update(token.as_bytes());
    token.push('.');
    BASE64.encode_string(mac.finalize().into_bytes(), &mut token);
    token
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
                    black_box(self.open(black_box(token)));
                }
                Workload::Write | Workload::WriteLarge => {
                    black_box(self.open(black_box(token)));
                    black_box(sign(&self.keyed, black_box(json)));
                }
                Workload::Create => {
                    black_box(sign(&self.keyed, black_box(json)));
                }
            }
        }
    }

    fn answer(&self, workload: Workload) -> Answer {
        let token = &self.signed(workload).token;
        let cookie = matches!(workload, Workload::Write | Workload::WriteLarge | Workload::Create);
        Answer {
            status: if self.open(token).is_some() { 200 } else { 500 },
            cookie: cookie.then(|| token.clone()),
        }
    }

    fn fill(&mut self, bytes: usize) {
        let json = json(&payload::of_size(bytes));
        self.large = Signed { token: sign(&self.keyed, &json), json };
    }

    fn crowd(&mut self, _sessions: usize) {}

    fn add_cookies(&mut self, _others: usize) {}
}

#[cfg(test)]
mod tests {
    use super::{Floor, json, split};
    use crate::payload;

    #[test]
    fn opens_what_it_signed_and_nothing_else() {
        let floor = Floor::new();
        assert_eq!(floor.open(&floor.small.token).unwrap().len(), 5);
        assert_eq!(floor.open(&floor.large.token).unwrap().len(), 39);
        for at in 0..floor.small.token.len() {
            let mut other = floor.small.token.clone().into_bytes();
            other[at] = if other[at] == b'A' { b'B' } else { b'A' };
            assert!(floor.open(&String::from_utf8(other).unwrap()).is_none(), "{at}");
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
