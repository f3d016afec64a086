//! Tokens of the real itsdangerous, read and written to the byte, and the spellings it tolerates
//! and we do not. `tests/golden/make.py` makes the tokens.

use std::time::{Duration, UNIX_EPOCH};

use actix_web::{App, HttpResponse, test::TestRequest, test::init_service, web};
use serde::Deserialize;
use serde_json::{Map, Value};
use sessions::{
    SecretKey, Session, SessionConfig, SessionInterface, SessionMiddleware, SignedCookie,
    backend::HashAlgorithm, request::Clock,
};
use sessions_tests::Answer;

#[derive(Deserialize)]
struct Golden {
    key: String,
    salt: String,
    digest: String,
    now: u64,
    content: Map<String, Value>,
    token: String,
}

#[derive(Clone, SessionInterface)]
struct GoldenSessions {
    backend: SignedCookie,
    config: SessionConfig,
}

fn vectors() -> Vec<Golden> {
    let vectors: Vec<Golden> =
        serde_json::from_str(include_str!("../golden/itsdangerous.json")).expect("JSON");
    assert_eq!(vectors.len(), 128);
    vectors
}

impl Golden {
    fn middleware(&self) -> SessionMiddleware<GoldenSessions> {
        let digest = match self.digest.as_str() {
            "sha256" => HashAlgorithm::Sha256,
            "sha512" => HashAlgorithm::Sha512,
            other => panic!("no digest {other}"),
        };
        let key = SecretKey::from_bytes(self.key.as_bytes()).expect("a strong key");
        let time = UNIX_EPOCH + Duration::from_secs(self.now);
        let sessions = GoldenSessions {
            backend: SignedCookie::new(key).with_hash(digest),
            config: SessionConfig::new().salt(self.salt.as_str()),
        };
        SessionMiddleware::new(sessions).with_clock(Clock::from_fn(move || time))
    }

    /// Returns what a session opened from `token` holds.
    async fn read(&self, token: &[u8]) -> Map<String, Value> {
        let dump = |session: Session| async move {
            HttpResponse::Ok().json(session.entries().expect("JSON"))
        };
        let app =
            init_service(App::new().wrap(self.middleware()).default_service(web::to(dump))).await;
        let cookie = [b"session=", token].concat();
        let cookie =
            actix_web::http::header::HeaderValue::from_bytes(&cookie).expect("bytes of a header");
        let answer =
            Answer::of(&app, TestRequest::default().insert_header(("cookie", cookie))).await;
        serde_json::from_str(&answer.body).expect("JSON")
    }

    /// Returns the token of a session that holds the content.
    async fn write(&self) -> String {
        let content = self.content.clone();
        let fill = move |session: Session| {
            let content = content.clone();
            async move {
                session.extend(content).expect("JSON");
                HttpResponse::Ok().finish()
            }
        };
        let app =
            init_service(App::new().wrap(self.middleware()).default_service(web::to(fill))).await;
        let answer = Answer::of(&app, TestRequest::default()).await;
        answer.cookie().expect("the session is saved").value
    }
}

#[actix_web::test]
async fn reads_every_token_of_itsdangerous() {
    for golden in vectors() {
        assert_eq!(golden.read(golden.token.as_bytes()).await, golden.content, "{}", golden.token);
    }
}

#[actix_web::test]
async fn writes_every_token_as_itsdangerous_does() {
    for golden in vectors() {
        assert_eq!(golden.write().await, golden.token);
    }
}

#[actix_web::test]
async fn another_salt_key_or_digest_reads_nothing() {
    let vectors = vectors();
    let mut accepted = 0;
    for (at, golden) in vectors.iter().enumerate().step_by(5) {
        for (other_at, other) in vectors.iter().enumerate().step_by(7) {
            let same = (&golden.key, &golden.salt, &golden.digest)
                == (&other.key, &other.salt, &other.digest);
            // A token from another time is refused for its age, which is not the point here.
            if same || at == other_at {
                continue;
            }
            let at_the_same_time = Golden {
                now: golden.now,
                key: other.key.clone(),
                salt: other.salt.clone(),
                digest: other.digest.clone(),
                content: Map::new(),
                token: String::new(),
            };
            accepted +=
                usize::from(!at_the_same_time.read(golden.token.as_bytes()).await.is_empty());
        }
    }
    assert_eq!(accepted, 0);
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// The other spellings of a base64 text whose last character has spare bits.
fn spare_bits(token: &[u8]) -> Vec<Vec<u8>> {
    let last = *token.last().expect("a token");
    let index = ALPHABET.iter().position(|byte| *byte == last).expect("base64");
    // A MAC of 32 bytes leaves 2 bits, one of 64 bytes leaves 4.
    (0..64)
        .filter(|other| *other != index && other >> 4 == index >> 4)
        .map(|other| [&token[..token.len() - 1], &[ALPHABET[other]]].concat())
        .collect()
}

#[actix_web::test]
async fn refuses_what_itsdangerous_tolerates() {
    let mut tried = 0;
    for golden in vectors().iter().step_by(16) {
        let token = golden.token.as_bytes();
        let dots: Vec<usize> = (0..token.len()).filter(|at| token[*at] == b'.').collect();
        let mut forms = spare_bits(token);
        for junk in [
            &b"="[..],
            b"==",
            b" ",
            b"\t",
            b"\"",
            b"%3D",
            b"\xff",
            b"\xc3\xa9",
            b"+",
            b"/",
            b"!",
            b".",
        ] {
            forms.push([token, junk].concat());
            forms.push([junk, token].concat());
            for dot in &dots {
                forms.push([&token[..*dot], junk, &token[*dot..]].concat());
            }
            forms.push([&token[..token.len() - 3], junk, &token[token.len() - 3..]].concat());
        }
        for form in forms {
            // Space and tab around a cookie's value are no part of it.
            if form.trim_ascii() == token {
                continue;
            }
            tried += 1;
            assert!(golden.read(&form).await.is_empty(), "{}", String::from_utf8_lossy(&form));
        }
    }
    println!("{tried} spellings refused");
    assert!(tried > 400);
}

#[actix_web::test]
async fn refuses_every_flipped_bit_and_every_cut() {
    let golden = vectors().swap_remove(2);
    let token = golden.token.as_bytes();
    let mut tried = 0;
    for at in 0..token.len() {
        for bit in 0..8 {
            let mut flipped = token.to_vec();
            flipped[at] ^= 1 << bit;
            // These two end the cookie, and what is left of it is a cut.
            if actix_web::http::header::HeaderValue::from_bytes(&flipped).is_ok() {
                assert!(
                    golden.read(&flipped).await.is_empty(),
                    "{}",
                    String::from_utf8_lossy(&flipped)
                );
                tried += 1;
            }
        }
        assert!(golden.read(&token[..at]).await.is_empty(), "{at}");
    }
    println!("{tried} flipped bits refused");
}
