//! Signed cookies, and encrypted ones, through the middleware: age, name, salt, digest, keys, and
//! invalid payloads.

use std::time::{Duration, UNIX_EPOCH};

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
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sessions::{
    KeyRing, SecretKey, Session, SessionConfig, SessionInterface, SessionMiddleware, SharedKeys,
    SignedCookie, backend::HashAlgorithm, policy::CookieName, test::TestClock,
};
use sessions_tests::{Answer, AppSessions, Mode, SetCookie, key};
use sha2::Sha256;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const SALT: &str = "the tests' own salt";
const HAND: &str = "key of the hand-made: Zk3vQ8rT1yWn5LxB7dGmPc0HsJf9aEu2";

/// An application of one backend and configuration, and its clock.
struct Site {
    sessions: AppSessions<Mode>,
    time: TestClock,
}

impl Site {
    fn new(backend: impl Into<Mode>, config: SessionConfig) -> Self {
        let backend = backend.into();
        Self { sessions: AppSessions { backend, config }, time: TestClock::new() }
    }

    /// With the key and the salt of the hand-made tokens.
    fn by_hand() -> Self {
        let key = SecretKey::from_bytes(HAND).expect("it is strong");
        Self::new(SignedCookie::new(key), SessionConfig::new().salt(SALT))
    }

    fn at(self, time: &TestClock) -> Self {
        Self { time: time.clone(), ..self }
    }

    /// `GET` tells what the session holds, `POST /x` sets `user` to `x`.
    async fn app(
        &self,
    ) -> impl Service<Request, Response = ServiceResponse<impl MessageBody>, Error = Error> {
        let sessions = SessionMiddleware::new(self.sessions.clone());
        let read = async |session: Session| match session.get::<Value>("user") {
            Ok(Some(user)) => user.as_str().expect("a text").to_owned(),
            Ok(None) if session.is_empty() && session.is_new() => "new".to_owned(),
            other => format!("{other:?} {:?}", session.keys()),
        };
        let write = async |session: Session, user: web::Path<String>| {
            session.insert("user", user.into_inner()).map(|()| HttpResponse::Ok())
        };
        init_service(
            App::new()
                .wrap(sessions.with_clock(self.time.clock()))
                .route("/{user}", web::post().to(write))
                .default_service(web::get().to(read)),
        )
        .await
    }

    async fn token(&self, user: &str) -> String {
        let request = TestRequest::post().uri(&format!("/{user}"));
        Answer::of(&self.app().await, request).await.cookie().expect("it is saved").value
    }

    async fn open(&self, token: &str) -> (String, Option<SetCookie>) {
        let name = self.sessions.policies().cookie_name();
        open(&self.app().await, name, token.as_bytes()).await.expect("it can be sent")
    }

    async fn user(&self, token: &str) -> String {
        self.open(token).await.0
    }
}

/// Sends a token; `None` where it cannot be sent.
async fn open<S, B>(app: &S, name: &str, token: &[u8]) -> Option<(String, Option<SetCookie>)>
where
    S: Service<Request, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody,
{
    let header = HeaderValue::from_bytes(&[name.as_bytes(), b"=", token].concat()).ok()?;
    let answer = Answer::of(app, TestRequest::default().insert_header((COOKIE, header))).await;
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(token));
    let cookie = answer.cookie();
    Some((answer.body, cookie))
}

fn hmac(key: &[u8], text: &[u8]) -> Vec<u8> {
    let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(key).expect("any length");
    mac.update(text);
    mac.finalize().into_bytes().to_vec()
}

/// Signs these texts, of which the format demands nothing, with the hand-made key.
fn sign_parts(payload: &str, seconds: &str) -> String {
    let signed = format!("{payload}.{seconds}");
    let mac = hmac(&hmac(HAND.as_bytes(), SALT.as_bytes()), signed.as_bytes());
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(mac))
}

fn sign(payload: &[u8], seconds: &[u8]) -> String {
    sign_parts(&URL_SAFE_NO_PAD.encode(payload), &URL_SAFE_NO_PAD.encode(seconds))
}

/// The clock's time as tokens have it.
fn seconds(time: &TestClock) -> Vec<u8> {
    let now = time.now().duration_since(UNIX_EPOCH).expect("a time after 1970").as_secs();
    now.to_be_bytes().into_iter().skip_while(|byte| *byte == 0).collect()
}

// Age.

#[actix_web::test]
async fn a_token_lives_for_its_lifetime_to_the_second() {
    for mode in [0, 1] {
        let in_mode = |keys: SharedKeys| Mode::in_cookie(keys)[mode].clone();
        for permanent in [true, false] {
            let config = SessionConfig::new().lifetime(14 * DAY).permanent(permanent);
            let site = Site::new(in_mode(key(1).into()), config);
            let token = site.token("alice").await;
            site.time.advance(14 * DAY);
            assert_eq!(site.user(&token).await, "alice");
            site.time.advance(Duration::from_secs(1));
            assert_eq!(site.user(&token).await, "new");
        }
    }
}

#[actix_web::test]
async fn a_clock_that_goes_back_is_followed_for_a_minute() {
    for mode in [0, 1] {
        let in_mode = |keys: SharedKeys| Mode::in_cookie(keys)[mode].clone();
        let site = Site::new(in_mode(key(1).into()), SessionConfig::new());
        let token = site.token("alice").await;
        site.time.go_back(Duration::from_secs(60));
        assert_eq!(site.user(&token).await, "alice");
        site.time.go_back(Duration::from_secs(1));
        assert_eq!(site.user(&token).await, "new");
        site.time.go_back(365 * DAY);
        assert_eq!(site.user(&token).await, "new");
        // And none the worse when the clock is right again.
        site.time.advance(365 * DAY + Duration::from_secs(61));
        assert_eq!(site.user(&token).await, "alice");
    }
}

#[actix_web::test]
async fn times_at_the_edges_of_their_range_are_times() {
    let site = Site::by_hand();
    let payload = br#"{"user":"alice"}"#;
    assert_eq!(site.user(&sign(payload, &seconds(&site.time))).await, "alice");
    let refused: [&[u8]; 9] = [
        &[],
        &[0],
        &[1],
        &[0, 0, 0, 0, 0, 0, 0, 0],
        &[0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
        &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe],
        &[0xff; 8],
        &[0xff; 9],
        &[0xff; 40],
    ];
    for time in refused {
        assert_eq!(site.user(&sign(payload, time)).await, "new", "{time:x?}");
    }
    // With a leading zero the time has another spelling than its own.
    let padded = [vec![0], seconds(&site.time)].concat();
    assert_eq!(site.user(&sign(payload, &padded)).await, "new");
}

#[actix_web::test]
async fn a_token_signed_at_second_zero_is_one() {
    let site = Site::by_hand();
    site.time.go_back(site.time.now().duration_since(UNIX_EPOCH).unwrap());
    let token = site.token("alice").await;
    assert_eq!(token, sign(br#"{"user":"alice"}"#, &[]));
    assert_eq!(site.user(&token).await, "alice");
}

// What a token is bound to.

#[actix_web::test]
async fn a_token_opens_where_name_salt_digest_and_key_are_its_own_and_nowhere_else() {
    let time = TestClock::new();
    let named = |name| SessionConfig::new().cookie_name(CookieName::from_static(name));
    let backend = |number| SignedCookie::new(key(number));
    let sites = [
        Site::new(backend(1), SessionConfig::new()),
        Site::new(backend(1), named("admin")),
        Site::new(backend(1), named("Session")),
        Site::new(backend(1), SessionConfig::new().salt("cookie-session")),
        Site::new(backend(1), SessionConfig::new().salt("cookie-sessiom")),
        Site::new(backend(1), SessionConfig::new().salt("session")),
        Site::new(backend(1), SessionConfig::new().salt("")),
        Site::new(backend(1).with_hash(HashAlgorithm::Sha512), SessionConfig::new()),
        Site::new(backend(2), SessionConfig::new()),
        Site::new(backend(2).with_hash(HashAlgorithm::Sha512), named("admin")),
    ]
    .map(|site| site.at(&time));
    for (from, signing) in sites.iter().enumerate() {
        let token = signing.token("alice").await;
        for (to, opening) in sites.iter().enumerate() {
            let expected = if from == to { "alice" } else { "new" };
            assert_eq!(opening.user(&token).await, expected, "{from} to {to}");
        }
    }
}

#[actix_web::test]
async fn under_one_salt_of_its_own_a_token_opens_under_any_name() {
    for mode in [0, 1] {
        let in_mode = |keys: SharedKeys| Mode::in_cookie(keys)[mode].clone();
        let config = SessionConfig::new().salt("shared");
        let one = Site::new(in_mode(key(1).into()), config.clone());
        let config = config.cookie_name(CookieName::from_static("other"));
        let other = Site::new(in_mode(key(1).into()), config).at(&one.time);
        assert_eq!(other.user(&one.token("alice").await).await, "alice");
    }
}

// Keys.

#[actix_web::test]
async fn a_token_under_a_fallback_key_is_signed_anew_by_the_request_that_uses_it() {
    for mode in [0, 1] {
        let in_mode = |keys: SharedKeys| Mode::in_cookie(keys)[mode].clone();
        let time = TestClock::new();
        let alone = |number| Site::new(in_mode(key(number).into()), SessionConfig::new()).at(&time);
        let ring = KeyRing::new(key(2)).with_fallback(key(1));
        let both = Site::new(in_mode(ring.into()), SessionConfig::new()).at(&time);
        let old = alone(1).token("alice").await;
        let (user, cookie) = both.open(&old).await;
        assert_eq!(user, "alice");
        let new = cookie.expect("it is signed anew").value;
        assert_eq!(alone(2).user(&new).await, "alice");
        assert_eq!(alone(1).user(&new).await, "new");
        let (user, cookie) = both.open(&new).await;
        assert_eq!((user.as_str(), cookie), ("alice", None));
    }
}

/// All sequences of different numbers below `n`, of every length from 1.
fn orderings(n: u8) -> Vec<Vec<u8>> {
    let mut all: Vec<Vec<u8>> = vec![Vec::new()];
    let mut at = 0;
    while at < all.len() {
        let longer = (0..n).filter(|next| !all[at].contains(next));
        let longer: Vec<_> = longer.map(|next| [all[at].as_slice(), &[next]].concat()).collect();
        all.extend(longer);
        at += 1;
    }
    all.split_off(1)
}

#[actix_web::test]
async fn in_every_order_of_keys_the_first_signs_and_all_of_them_verify() {
    let time = TestClock::new();
    let sites = [0, 1, 2, 3, 4]
        .map(|number| Site::new(SignedCookie::new(key(number)), SessionConfig::new()).at(&time));
    let mut alone = Vec::new();
    let mut tokens = Vec::new();
    for site in &sites {
        tokens.push(site.token("alice").await);
        alone.push(site.app().await);
    }
    let orderings = orderings(5);
    assert_eq!(orderings.len(), 325);
    for order in orderings {
        let ring = KeyRing::new(key(order[0]));
        let ring = order[1..].iter().fold(ring, |ring, n| ring.with_fallback(key(*n)));
        let site = Site::new(SignedCookie::new(ring), SessionConfig::new()).at(&time);
        let app = site.app().await;
        for (number, token) in (0_u8..).zip(&tokens) {
            let (user, cookie) = open(&app, "session", token.as_bytes()).await.unwrap();
            let known = order.contains(&number);
            assert_eq!(user == "alice", known, "{order:?} {number}");
            // Signed again unless it is signed by the first already.
            assert_eq!(cookie.is_some(), known && number != order[0], "{order:?} {number}");
        }
        let new = site.token("bob").await;
        for (number, alone) in (0_u8..).zip(&alone) {
            let (user, _) = open(alone, "session", new.as_bytes()).await.unwrap();
            assert_eq!(user == "bob", number == order[0], "{order:?} {number}");
        }
    }
}

// What is no token.

#[actix_web::test]
async fn a_signed_payload_that_is_no_json_object_is_no_session() {
    let site = Site::by_hand();
    let now = seconds(&site.time);
    let deep =
        [b"{\"user\":".as_slice(), &b"[".repeat(10_000), &b"]".repeat(10_000), b"}"].concat();
    let payloads: [&[u8]; 20] = [
        b"",
        b" ",
        b"null",
        b"true",
        b"1",
        b"\"alice\"",
        b"[]",
        b"[{\"user\":\"alice\"}]",
        b"{",
        b"{\"user\":}",
        b"{\"user\":\"alice\"",
        b"{\"user\":\"alice\"}}",
        b"{\"user\":\"alice\",}",
        b"{\"user\":\"alice\"} {}",
        b"{'user':'alice'}",
        b"{user:\"alice\"}",
        b"{\"user\":\"al\xff\"}",
        b"\xef\xbb\xbf{\"user\":\"alice\"}",
        b"x\x9c\x01\x00\x00\xff\xff",
        &deep,
    ];
    for payload in payloads {
        let shown = String::from_utf8_lossy(&payload[..payload.len().min(40)]).into_owned();
        assert_eq!(site.user(&sign(payload, &now)).await, "new", "{shown}");
    }
    let time = URL_SAFE_NO_PAD.encode(&now);
    for payload in ["", "!!!!", "e30=", "e31", "e30\u{e9}", "e30 ", "e30.e30", ".e30"] {
        assert_eq!(site.user(&sign_parts(payload, &time)).await, "new", "{payload}");
    }
    for time in ["", "A", "!!!!", "AAAA", "e30="] {
        let payload = URL_SAFE_NO_PAD.encode(r#"{"user":"alice"}"#);
        assert_eq!(site.user(&sign_parts(&payload, time)).await, "new", "{time}");
    }
    assert_eq!(site.user(&sign(b" { \"user\" : \"alice\" } ", &now)).await, "alice");
}

#[actix_web::test]
async fn values_that_no_rust_type_holds_pass_through_untouched() {
    let site = Site::by_hand();
    let payload = r#"{"big":123456789012345678901234567890,"nan":NaN,"s":"\ud800","user":"alice"}"#;
    let token = sign(payload.as_bytes(), &seconds(&site.time));
    site.time.advance(Duration::from_secs(1));
    let request =
        TestRequest::post().uri("/bob").insert_header((COOKIE, format!("session={token}")));
    let answer = Answer::of(&site.app().await, request).await;
    let cookie = answer.cookie().expect("it is saved");
    let written = payload.replace("alice", "bob");
    assert_eq!(cookie.value, sign(written.as_bytes(), &seconds(&site.time)));
}
