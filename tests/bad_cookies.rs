//! Cookies that were valid once, and cookies that never were: ten thousand that open nothing.

use std::{collections::BTreeSet, time::Duration};

use actix_http::Request;
use actix_service::Service;
use actix_web::{
    App, Error, HttpResponse,
    body::MessageBody,
    dev::ServiceResponse,
    http::header::{COOKIE, HeaderValue},
    test::{TestRequest, init_service},
    web,
};
use sessions::{
    Session, SessionConfig, SessionInterface, SessionMiddleware, SignedCookie, test::TestClock,
};
use sessions_tests::{Answer, SetCookie, key};

#[derive(Clone, SessionInterface)]
struct AppSessions {
    backend: SignedCookie,
    config: SessionConfig,
}

/// `GET` tells whether the session is new, `POST /x` sets `user` to `x`.
async fn app(
    number: u8,
    config: SessionConfig,
    time: TestClock,
) -> impl Service<Request, Response = ServiceResponse<impl MessageBody>, Error = Error> {
    let sessions = AppSessions { backend: SignedCookie::new(key(number)), config };
    let read = async |session: Session| match (session.is_new(), session.len()) {
        (true, 0) => "new",
        (false, 1) => "one key",
        _ => "something else",
    };
    let write = async |session: Session, user: web::Path<String>| {
        session.insert("user", user.into_inner()).map(|()| HttpResponse::Ok())
    };
    init_service(
        App::new()
            .wrap(SessionMiddleware::new(sessions).with_clock(time.clock()))
            .route("/{user}", web::post().to(write))
            .default_service(web::get().to(read)),
    )
    .await
}

async fn token<S, B>(app: &S, user: &str) -> Vec<u8>
where
    S: Service<Request, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody,
{
    let answer = Answer::of(app, TestRequest::post().uri(&format!("/{user}"))).await;
    answer.cookie().expect("the session is saved").value.into_bytes()
}

/// Sends a token; `None` where it cannot be sent.
async fn open<S, B>(app: &S, token: &[u8]) -> Option<(u16, String, Option<SetCookie>)>
where
    S: Service<Request, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody,
{
    let header = HeaderValue::from_bytes(&[b"session=", token].concat()).ok()?;
    let answer = Answer::of(app, TestRequest::default().insert_header((COOKIE, header))).await;
    let cookie = answer.cookie();
    Some((answer.status.as_u16(), answer.body, cookie))
}

/// `SplitMix64`: the same numbers in every run of a seed.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % limit as u64).expect("below a usize")
    }

    fn byte(&mut self) -> u8 {
        self.next().to_le_bytes()[0]
    }

    /// Spoils a token, or makes something up.
    fn spoil(&mut self, valid: &[Vec<u8>], foreign: &[Vec<u8>]) -> Vec<u8> {
        let mut token = valid[self.below(valid.len())].clone();
        let at = self.below(token.len());
        match self.below(12) {
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
                parts[part] = other.split(|byte| *byte == b'.').nth(part).expect("as many");
                token = parts.join(&b'.');
            }
            7 => token.clone_from(&foreign[self.below(foreign.len())]),
            8 => token[at] ^= 0x20,
            9 => (0..=self.below(20)).for_each(|_| token.push(self.byte())),
            10 => token = (0..self.below(300)).map(|_| self.byte()).collect(),
            _ => {
                let other = self.below(token.len());
                token.swap(at, other);
            }
        }
        token
    }
}

#[actix_web::test]
async fn invariant_3_a_bad_cookie_is_no_session() {
    const SEED: u64 = 0x5e55_1045;
    println!("seed {SEED:#x}");
    let mut random = Random(SEED);
    let time = TestClock::new();
    let app = app(1, SessionConfig::new(), time.clone()).await;
    let mut valid = Vec::new();
    let mut foreign = Vec::new();
    for user in ["a", "alice", "bob-with-a-longer-name", "zoe"] {
        valid.push(token(&app, user).await);
        for (number, salt) in [(2, "session"), (1, "other"), (1, "session")] {
            let other = self::app(number, SessionConfig::new().salt(salt), time.clone()).await;
            foreign.push(token(&other, user).await);
        }
        time.advance(Duration::from_secs(1));
        valid.push(token(&app, user).await);
    }
    for token in &valid {
        assert_eq!(open(&app, token).await.unwrap(), (200, "one key".to_owned(), None));
    }
    let mut tried = BTreeSet::new();
    let full = std::env::var_os("SESSIONS_TEST_FULL").is_some();
    let figure = if full { 1_000_000 } else { 10_000 };
    while tried.len() < figure {
        let token = random.spoil(&valid, &foreign);
        // What stands before a semicolon is the cookie, without the space around it.
        let first = token.split(|byte| *byte == b';').next().unwrap_or_default();
        if valid.iter().any(|valid| valid == first.trim_ascii()) {
            continue;
        }
        let Some((status, body, cookie)) = open(&app, &token).await else {
            continue;
        };
        let shown = String::from_utf8_lossy(&token);
        assert_eq!((status, body.as_str(), cookie), (200, "new", None), "{shown}");
        tried.insert(token);
    }
    println!("{} bad cookies: none accepted", tried.len());
}
