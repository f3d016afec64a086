//! Forged tokens: every mutation of a valid one, and an application that has to refuse it.

use std::future::{Ready, ready};

use actix_http::Request;
use actix_service::Service;
use actix_web::{
    Error,
    body::MessageBody,
    dev::ServiceResponse,
    http::header::{COOKIE, HeaderValue},
    test::TestRequest,
};
use sessions::Session;

use crate::Answer;

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// `SplitMix64`: the same numbers in every run of a seed.
#[derive(Debug)]
pub struct Random(pub u64);

impl Random {
    /// Returns the next number.
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Returns a number below this one.
    ///
    /// # Panics
    ///
    /// When that is 0.
    pub fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.number() % limit as u64).expect("below a usize")
    }

    fn byte(&mut self) -> u8 {
        self.number().to_le_bytes()[0]
    }

    /// Spoils one of the valid tokens at random, takes a foreign one, or makes something up.
    ///
    /// # Panics
    ///
    /// When there is no token of either kind.
    pub fn spoil(&mut self, valid: &[Vec<u8>], foreign: &[Vec<u8>]) -> Vec<u8> {
        let mut token = valid[self.below(valid.len())].clone();
        let at = self.below(token.len());
        match self.below(14) {
            0 => token[at] ^= 1 << self.below(8),
            1 => token.truncate(at),
            2 => drop(token.drain(..=at)),
            3 => token.insert(at, self.byte()),
            4 => {
                let other = &valid[self.below(valid.len())];
                token.truncate(at);
                token.extend(&other[self.below(other.len())..]);
            }
            5 => {
                let mut parts: Vec<&[u8]> = token.split(|byte| *byte == b'.').collect();
                let (one, other) = (self.below(parts.len()), self.below(parts.len()));
                parts.swap(one, other);
                token = parts.join(&b'.');
            }
            6 => {
                let mut parts: Vec<&[u8]> = token.split(|byte| *byte == b'.').collect();
                let other = &valid[self.below(valid.len())];
                let part = self.below(parts.len());
                parts[part] = other.split(|byte| *byte == b'.').nth(part).unwrap_or_default();
                token = parts.join(&b'.');
            }
            7 => token.clone_from(&foreign[self.below(foreign.len())]),
            8 => token[at] ^= 0x20,
            9 => (0..=self.below(20)).for_each(|_| token.push(self.byte())),
            10 => token = (0..self.below(300)).map(|_| self.byte()).collect(),
            11 => token[at] = ALPHABET[self.below(64)],
            12 => {
                // What decodes, in any mode: 57 bytes or more of base64url.
                token = (0..self.below(200) + 60).map(|_| ALPHABET[self.below(64)]).collect();
            }
            _ => {
                let other = self.below(token.len());
                token.swap(at, other);
            }
        }
        token
    }
}

/// Returns everything systematic that can be done to a token besides [`flipped_bits`]: bytes swapped,
/// added, dropped and put into the other case, cuts, splices with other tokens at each place, parts
/// in every order, other spellings of the same bytes, and junk before, behind and between.
pub fn mutations(token: &[u8], others: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    for at in 0..token.len() {
        let (before, behind) = token.split_at(at);
        let with = |byte: &[u8]| [before, byte, &behind[1..]].concat();
        all.push(before.to_vec());
        all.push(behind.to_vec());
        all.push(with(&[]));
        all.push(with(&[behind[0] ^ 0x20]));
        all.push(with(format!("%{:02X}", behind[0]).as_bytes()));
        all.push(with(&[behind[0], behind[0]]));
        for stride in [1, 2, 4, 7, token.len() / 2] {
            let mut swapped = token.to_vec();
            swapped.swap(at, (at + stride) % token.len());
            all.push(swapped);
        }
        for junk in [&b"A"[..], b".", b"=", b"-", b"\xff"] {
            all.push([before, junk, behind].concat());
        }
        for other in others {
            let (other_before, other_behind) = other.split_at(at.min(other.len()));
            all.push([before, other_behind].concat());
            all.push([other_before, behind].concat());
        }
    }
    all.extend(reordered(token, others));
    all.extend(respelt(token));
    all
}

/// Returns the token with each single bit flipped.
pub fn flipped_bits(token: &[u8]) -> Vec<Vec<u8>> {
    let flip = |at: usize, bit: usize| {
        let mut flipped = token.to_vec();
        flipped[at] ^= 1 << bit;
        flipped
    };
    (0..token.len()).flat_map(|at| (0..8).map(move |bit| flip(at, bit))).collect()
}

/// Parts in other orders, left out, doubled, and taken from other tokens.
fn reordered(token: &[u8], others: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let split = |token: &[u8]| -> Vec<Vec<u8>> {
        token.split(|byte| *byte == b'.').map(<[u8]>::to_vec).collect()
    };
    let parts = split(token);
    let mut all = vec![[token, b".", token].concat(), [token, token].concat()];
    for one in 0..parts.len() {
        let mut fewer = parts.clone();
        fewer.remove(one);
        all.push(fewer.join(&b'.'));
        for other in 0..=parts.len() {
            let mut more = parts.clone();
            more.insert(other, parts[one].clone());
            all.push(more.join(&b'.'));
            let mut swapped = parts.clone();
            swapped.swap(one, other.min(parts.len() - 1));
            all.push(swapped.join(&b'.'));
        }
        for other in others {
            for part in split(other) {
                let mut exchanged = parts.clone();
                exchanged[one] = part;
                all.push(exchanged.join(&b'.'));
            }
        }
    }
    all
}

/// Other spellings of the same bytes, and junk that lenient decoders pass over.
fn respelt(token: &[u8]) -> Vec<Vec<u8>> {
    let mut all = vec![token.to_ascii_lowercase(), token.to_ascii_uppercase()];
    let plain = |byte: &u8| match byte {
        b'-' => b'+',
        b'_' => b'/',
        byte => *byte,
    };
    all.push(token.iter().map(plain).collect());
    // The last character of each part has bits to spare.
    for end in (1..=token.len()).filter(|end| token.get(*end).is_none_or(|byte| *byte == b'.')) {
        for last in ALPHABET {
            let mut other = token.to_vec();
            other[end - 1] = *last;
            all.push(other);
        }
        for junk in JUNK {
            all.push([&token[..end], junk, &token[end..]].concat());
        }
    }
    all.extend(JUNK.iter().map(|junk| [junk, token].concat()));
    all
}

const JUNK: [&[u8]; 24] = [
    b"=",
    b"==",
    b"===",
    b" ",
    b"\t",
    b" x",
    b"\"",
    b"'",
    b"%3D",
    b"%00",
    b"%2E",
    b"\\",
    b",",
    b"+",
    b"/",
    b"!",
    b"~",
    b"\xc2\xa0",
    b"\xff",
    b"\xef\xbb\xbf",
    b"AAAA",
    b"....",
    b"\x80",
    b".e30",
];

/// What became of forged tokens.
#[derive(Debug, PartialEq, Eq)]
pub struct Tally {
    /// How many were sent.
    pub tried: usize,
    /// Those that opened a session.
    pub accepted: Vec<String>,
}

/// A handler that tells whether there is a session.
#[expect(clippy::needless_pass_by_value, reason = "handlers own what they take")]
pub fn is_new(session: Session) -> Ready<&'static str> {
    ready(if session.is_new() && session.is_empty() { "new" } else { "a session" })
}

/// Sends forged tokens to an application whose handler is [`is_new`], `batch` of them in each
/// request. Leaves out those that are valid after all, and what no header can carry.
///
/// # Panics
///
/// When a batch of forged tokens hides a valid one: nothing would be shown then.
pub async fn forge<S, B>(
    app: &S,
    cookie_name: &str,
    batch: usize,
    valid: &[Vec<u8>],
    forged: impl IntoIterator<Item = Vec<u8>>,
) -> Tally
where
    S: Service<Request, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody,
{
    let mut tally = Tally { tried: 0, accepted: Vec::new() };
    let mut forged = forged.into_iter().filter(|token| !is_valid(token, valid)).filter_map(|it| {
        HeaderValue::from_bytes(&[cookie_name.as_bytes(), b"=", &it].concat()).ok()
    });
    let mut last = Vec::new();
    loop {
        let headers: Vec<_> = forged.by_ref().take(batch).collect();
        if headers.is_empty() {
            break;
        }
        tally.tried += headers.len();
        if opens(app, &headers).await {
            for header in &headers {
                if opens(app, std::slice::from_ref(header)).await {
                    tally.accepted.push(String::from_utf8_lossy(header.as_bytes()).into_owned());
                }
            }
            assert!(!tally.accepted.is_empty(), "together they open a session, alone they do not");
        }
        last = headers;
    }
    last.truncate(batch - 1);
    let valid = [cookie_name.as_bytes(), b"=", &valid[0]].concat();
    last.push(HeaderValue::from_bytes(&valid).expect("a valid token"));
    assert!(opens(app, &last).await, "a valid token is found behind forged ones");
    tally
}

/// Whether a server sees a valid token: what stands before a semicolon is the cookie, without the
/// space around it.
fn is_valid(token: &[u8], valid: &[Vec<u8>]) -> bool {
    let first = token.split(|byte| *byte == b';').next().unwrap_or_default();
    valid.iter().any(|valid| valid == first.trim_ascii())
}

async fn opens<S, B>(app: &S, cookies: &[HeaderValue]) -> bool
where
    S: Service<Request, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody,
{
    let request = cookies
        .iter()
        .fold(TestRequest::default(), |request, cookie| request.append_header((COOKIE, cookie)));
    let answer = Answer::of(app, request).await;
    let cookie = answer.cookie();
    assert_eq!(answer.status, 200, "{cookies:?}");
    answer.body != "new" || cookie.is_some()
}
