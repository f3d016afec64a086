//! Taking over the sessions of actix-session: what is let in, what stays out, and that logging out
//! ends both.

use std::{
    collections::HashMap,
    future::pending,
    io,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant, UNIX_EPOCH},
};

use actix_http::Request;
use actix_service::Service;
use actix_web::{
    App, Error, HttpRequest, HttpResponse, body::MessageBody, dev::ServiceResponse,
    test::init_service, web,
};
use aes_gcm::{
    Aes256Gcm, KeyInit,
    aead::{Aead, Payload},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, Mac};
use serde_json::{Value, json};
use sessions::{
    Backend, CookieName, CookiePath, EncryptedCookie, ImportMode, MemoryStore, ServerSide, Session,
    SessionConfig, SessionInterface, SessionMiddleware, SignedCookie,
    flask::FlaskCookie,
    import::{
        ActixIdentity, ActixSession, ActixSessionKey, ActixSessionRecords, ImportActixSession,
    },
    store::{BoxFuture, StoreError},
    test::TestClock,
};
use sessions_tests::{Browser, Logged, SetCookie, key};
use sha2::Sha256;
use tokio::sync::Notify;

const OWN: &str = "app";
const OLD: &str = "id";

#[derive(Clone, SessionInterface)]
#[session(secure = false)]
struct Sessions<B: Backend + Clone> {
    backend: ImportActixSession<B>,
    config: SessionConfig,
}

/// Where a handler waits: that it has come, that it may go on.
static GATE: (Notify, Notify) = (Notify::const_new(), Notify::const_new());

fn config() -> SessionConfig {
    SessionConfig::new().cookie_name(CookieName::from_static(OWN))
}

/// Bytes that no check finds weak.
fn old_bytes() -> Vec<u8> {
    (0..64_u32).map(|n| u8::try_from(n * 151 % 251).expect("it is below 251")).collect()
}

fn old_key() -> ActixSessionKey {
    ActixSessionKey::from_bytes(&old_bytes()).expect("a strong key")
}

fn encoded(value: &str) -> String {
    value.bytes().fold(String::new(), |encoded, byte| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' => encoded + &char::from(byte).to_string(),
        _ => encoded + &format!("%{byte:02X}"),
    })
}

/// A value as the `cookie` crate's signed jar makes it.
fn signed(content: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(&old_bytes()[..32]).expect("any length");
    mac.update(content.as_bytes());
    encoded(&(STANDARD.encode(mac.finalize().into_bytes()) + content))
}

/// A value as the `cookie` crate's private jar makes it.
fn private(content: &str, name: &str) -> String {
    let cipher = Aes256Gcm::new_from_slice(&old_bytes()[32..]).expect("32 bytes");
    let nonce = [7; 12];
    let payload = Payload { msg: content.as_bytes(), aad: name.as_bytes() };
    let sealed = cipher.encrypt(&nonce.into(), payload).expect("short enough");
    encoded(&STANDARD.encode([&nonce[..], &sealed].concat()))
}

/// A session as actix-session keeps it: each value is the text of its JSON.
fn state(entries: &Value) -> String {
    let entries = entries.as_object().expect("an object");
    let texts = entries.iter().map(|(key, value)| (key.clone(), Value::String(value.to_string())));
    Value::Object(texts.collect()).to_string()
}

fn alice() -> String {
    state(&json!({"actix_identity.user_id": "alice", "cart": [1, 2.5, {"n": "é"}], "seen": true}))
}

/// The records of actix-session, which fail on command.
#[derive(Clone, Default)]
struct Shelf {
    records: Arc<Mutex<HashMap<String, String>>>,
    trouble: Arc<Mutex<Option<&'static str>>>,
}

impl Shelf {
    fn with(session_key: &str, record: String) -> Self {
        let shelf = Self::default();
        shelf.records().insert(session_key.to_owned(), record);
        shelf
    }

    fn records(&self) -> std::sync::MutexGuard<'_, HashMap<String, String>> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn has(&self, trouble: Option<&'static str>) {
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = trouble;
    }

    async fn answer<T>(&self, answer: impl FnOnce() -> T) -> Result<T, StoreError> {
        let trouble = *self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        match trouble {
            None => Ok(answer()),
            Some("hangs") => pending().await,
            Some(other) => Err(StoreError::unavailable(io::Error::other(other))),
        }
    }
}

impl ActixSessionRecords for Shelf {
    fn load<'a>(
        &'a self,
        session_key: &'a str,
    ) -> BoxFuture<'a, Result<Option<String>, StoreError>> {
        Box::pin(self.answer(|| self.records().get(session_key).cloned()))
    }

    fn delete<'a>(&'a self, session_key: &'a str) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(self.answer(|| drop(self.records().remove(session_key))))
    }
}

fn server_side(time: &TestClock) -> ServerSide<MemoryStore> {
    ServerSide::new(MemoryStore::with_clock(time.clock()))
}

fn in_cookies() -> SignedCookie {
    SignedCookie::new(key(1))
}

async fn app<B: Backend + Clone>(
    backend: ImportActixSession<B>,
    config: SessionConfig,
    time: &TestClock,
) -> impl Service<Request, Response = ServiceResponse<impl MessageBody>, Error = Error> {
    let sessions = Sessions { backend, config };
    init_service(
        App::new()
            .wrap(SessionMiddleware::new(sessions).with_clock(time.clock()))
            .route("/plain", web::get().to(|| async { "plain" }))
            .default_service(web::to(act)),
    )
    .await
}

/// Does what the path says, one word after the other: `/read/insert-a`.
async fn act(request: HttpRequest, session: Session) -> actix_web::Result<HttpResponse> {
    let mut said = String::new();
    for word in request.path().split('/').filter(|word| !word.is_empty()) {
        let (verb, object) = word.split_once('-').unwrap_or((word, ""));
        match verb {
            "read" => said = serde_json::to_string(&session.entries()?)?,
            "user" => {
                let user: Option<String> = session.get("actix_identity.user_id")?;
                said = user.unwrap_or_else(|| "nobody".to_owned());
            }
            "owner" => said = session.owner().unwrap_or_else(|| "nobody".to_owned()),
            "new" => said = session.is_new().to_string(),
            "insert" => session.insert(object, true)?,
            "big" => session.insert("big", "x".repeat(4_096))?,
            "clear" => session.clear()?,
            "purge" => said = format!("{:?}", session.purge()?),
            "renew" => session.renew()?,
            "wait" => {
                GATE.0.notify_one();
                GATE.1.notified().await;
            }
            "fail" => return Ok(HttpResponse::InternalServerError().finish()),
            other => return Err(actix_web::error::ErrorNotFound(other.to_owned())),
        }
    }
    Ok(HttpResponse::Ok().body(said))
}

fn with_old(value: &str) -> Browser {
    let mut browser = Browser::new();
    browser.set_cookie(OLD, value);
    browser
}

fn named<'c>(cookies: &'c [SetCookie], name: &str) -> Option<&'c SetCookie> {
    cookies.iter().find(|cookie| cookie.name == name)
}

#[actix_web::test]
async fn takes_over_a_session_at_its_first_use() {
    let time = TestClock::new();
    let old = [
        (ActixSession::signed(old_key()), signed(&alice())),
        (ActixSession::private(old_key()), private(&alice(), OLD)),
        (ActixSession::private(old_key()).records(Shelf::with("k", alice())), private("k", OLD)),
        (ActixSession::signed(old_key()).records(Shelf::with("k", alice())), signed("k")),
    ];
    for (old, value) in old {
        for with_records in [false, true] {
            let mut browser = with_old(&value);
            let import = |old: &ActixSession| ImportActixSession::new(in_cookies(), old.clone());
            let kept = ImportActixSession::new(server_side(&time), old.clone());
            let (count, read, cookies, again) = if with_records {
                let app = app(kept.clone(), config(), &time).await;
                let untouched = browser.get(&app, "/plain").await;
                assert!(untouched.cookies().is_empty());
                let read = browser.get(&app, "/read").await;
                let again = browser.get(&app, "/new").await;
                (kept.taken_over(), read.body.clone(), read.cookies(), again)
            } else {
                let import = import(&old);
                let app = app(import.clone(), config(), &time).await;
                let read = browser.get(&app, "/read").await;
                let again = browser.get(&app, "/new").await;
                (import.taken_over(), read.body.clone(), read.cookies(), again)
            };
            let read: Value = serde_json::from_str(&read).unwrap();
            let expected = json!({
                "actix_identity.user_id": "alice", "cart": [1, 2.5, {"n": "é"}], "seen": true
            });
            assert_eq!(read, expected);
            assert_eq!(cookies.len(), 1, "{cookies:?}");
            assert_eq!(cookies[0].name, OWN);
            assert_eq!(browser.cookie(OLD), Some(value.as_str()), "copied, not moved");
            assert_eq!((again.body.as_str(), again.cookies().len()), ("false", 0));
            assert_eq!(count, 1);
        }
    }
}

#[actix_web::test]
async fn what_our_session_says_counts_from_then_on() {
    let time = TestClock::new();
    let import = ImportActixSession::new(in_cookies(), ActixSession::signed(old_key()));
    let app = app(import, config(), &time).await;
    let mut browser = with_old(&signed(&alice()));
    browser.get(&app, "/insert-mine").await;
    browser.set_cookie(OLD, &signed(&state(&json!({"actix_identity.user_id": "mallory"}))));
    let read: Value = serde_json::from_str(&browser.get(&app, "/read").await.body).unwrap();
    assert_eq!(read["actix_identity.user_id"], "alice");
    assert_eq!(read["mine"], true);
}

#[actix_web::test]
async fn moving_removes_the_old_cookie_and_deletes_the_old_record() {
    let time = TestClock::new();
    let shelf = Shelf::with("k", alice());
    let old = ActixSession::private(old_key())
        .cookie_path(CookiePath::from_static("/app"))
        .records(shelf.clone());
    let import = ImportActixSession::new(server_side(&time), old);
    let app = app(import, config().import(ImportMode::Move), &time).await;
    let mut browser = with_old(&private("k", OLD));
    // A handler that fails takes the session over all the same.
    let answer = browser.get(&app, "/user/fail").await;
    assert_eq!(answer.status, 500);
    let cookies = answer.cookies();
    assert_eq!(cookies.len(), 2, "{cookies:?}");
    let removal = named(&cookies, OLD).unwrap();
    assert!(removal.is_removal());
    assert_eq!(removal.attribute("Path"), Some("/app"));
    assert!(shelf.records().is_empty());
    assert_eq!(browser.get(&app, "/user").await.body, "alice");
}

#[actix_web::test]
async fn a_record_that_cannot_be_deleted_does_not_keep_a_session_from_moving() {
    let time = TestClock::new();
    let shelf = Shelf::with("k", alice());
    let old = ActixSession::signed(old_key()).records(shelf.clone());
    let import = ImportActixSession::new(server_side(&time), old);
    let app = app(import, config().import(ImportMode::Move), &time).await;
    let mut browser = with_old(&signed("k"));
    let logged = Logged::start();
    browser.get(&app, "/user").await;
    shelf.has(Some("connection refused"));
    browser.set_cookie(OLD, &signed("k"));
    // With the next response that sets our cookie.
    let answer = browser.get(&app, "/insert-a").await;
    assert_eq!(answer.status, 200);
    let lines: Vec<_> = logged.take();
    assert!(
        lines.iter().any(|line| line.text.contains("former store is not deleted")),
        "{lines:#?}"
    );
}

#[actix_web::test]
async fn what_does_not_fit_is_not_moved() {
    let time = TestClock::new();
    let large = state(&json!({"actix_identity.user_id": "alice", "text": "x".repeat(4_000)}));
    let shelf = Shelf::with("k", large);
    let old = ActixSession::signed(old_key()).records(shelf.clone());
    let import = ImportActixSession::new(in_cookies(), old);
    let app = app(import.clone(), config().import(ImportMode::Move), &time).await;
    let mut browser = with_old(&signed("k"));
    for _ in 0..2 {
        let answer = browser.get(&app, "/user").await;
        assert_eq!((answer.status.as_u16(), answer.body.as_str()), (200, "alice"));
        assert!(answer.cookies().is_empty());
    }
    assert_eq!(browser.get(&app, "/insert-a").await.status, 500);
    assert_eq!(shelf.records().len(), 1);
    assert_eq!(import.taken_over(), 0);
}

/// Asserts that nobody is logged in from here on, even in a browser that kept the old cookie.
async fn assert_logged_out<S, B>(app: &S, browser: &mut Browser, old: &str)
where
    S: Service<Request, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody,
{
    assert_eq!(browser.get(app, "/user").await.body, "nobody");
    browser.set_cookie(OLD, old);
    for path in ["/user", "/user", "/insert-a/user", "/user"] {
        assert_eq!(browser.get(app, path).await.body, "nobody", "{path}");
    }
}

#[actix_web::test]
async fn logging_out_is_not_undone_by_the_old_cookie() {
    let time = TestClock::new();
    for mode in [ImportMode::Copy, ImportMode::Move] {
        for ending in ["/purge", "/clear", "/user/purge", "/renew/purge", "/purge/insert-farewell"]
        {
            for used_before in [false, true] {
                let value = signed(&alice());
                let old = ActixSession::signed(old_key());
                let import = ImportActixSession::new(server_side(&time), old);
                let app = app(import, config().import(mode), &time).await;
                let mut browser = with_old(&value);
                if used_before {
                    assert_eq!(browser.get(&app, "/user").await.body, "alice");
                }
                let answer = browser.get(&app, ending).await;
                assert_eq!(answer.status, 200);
                let cookies = answer.cookies();
                if mode == ImportMode::Copy || !used_before {
                    assert!(named(&cookies, OLD).unwrap().is_removal(), "{ending}: {cookies:?}");
                }
                if !ending.contains("farewell") {
                    let own = named(&cookies, OWN).unwrap();
                    assert_eq!(own.value, "ended");
                    assert_eq!(own.attribute("Max-Age"), Some("34560000"));
                }
                assert_logged_out(&app, &mut browser, &value).await;
            }
        }
    }
}

#[actix_web::test]
async fn logging_out_deletes_the_old_record() {
    let time = TestClock::new();
    for used_before in [false, true] {
        let shelf = Shelf::with("k", alice());
        let old = ActixSession::private(old_key()).records(shelf.clone());
        let import = ImportActixSession::new(server_side(&time), old);
        let app = app(import, config(), &time).await;
        let mut browser = with_old(&private("k", OLD));
        if used_before {
            browser.get(&app, "/user").await;
        }
        // Until that is done, the logout is not.
        shelf.has(Some("connection refused"));
        if used_before {
            assert_eq!(browser.get(&app, "/purge").await.status, 500);
        } else {
            assert_eq!(browser.get(&app, "/purge").await.status, 503);
        }
        assert_eq!(shelf.records().len(), 1);
        shelf.has(None);
        assert_eq!(browser.get(&app, "/purge").await.status, 200);
        assert!(shelf.records().is_empty());
        assert_logged_out(&app, &mut browser, &private("k", OLD)).await;
    }
}

#[actix_web::test]
async fn a_request_that_began_before_a_logout_does_not_bring_the_session_back() {
    let time = TestClock::new();
    let shelf = Shelf::with("k", alice());
    let records = ActixSession::signed(old_key()).records(shelf.clone());
    let cookies = ActixSession::signed(old_key());
    for (old, value, elsewhere) in [
        (cookies, signed(&alice()), false),
        (records.clone(), signed("k"), false),
        (records, signed("k"), true),
    ] {
        shelf.records().insert("k".to_owned(), alice());
        let import = ImportActixSession::new(server_side(&time), old.clone());
        let slow = app(import.clone(), config(), &time).await;
        // Another process: it shares nothing but the former store.
        let other =
            if elsewhere { ImportActixSession::new(server_side(&time), old) } else { import };
        let other = app(other, config(), &time).await;
        let mut early = with_old(&value);
        let logout = async {
            GATE.0.notified().await;
            assert_eq!(with_old(&value).get(&other, "/purge").await.status, 200);
            GATE.1.notify_one();
        };
        let (answer, ()) = futures_util::future::join(early.get(&slow, "/user/wait"), logout).await;
        assert_eq!((answer.status.as_u16(), answer.body.as_str()), (409, ""));
        assert_eq!((early.cookie(OLD), early.cookie(OWN)), (None, Some("ended")));
        assert_logged_out(&slow, &mut early, &value).await;
    }
}

#[actix_web::test]
async fn any_backend_takes_over() {
    let time = TestClock::new();
    let old = || ActixSession::private(old_key());
    let encrypted = ImportActixSession::new(EncryptedCookie::new(key(1)), old());
    let flask = ImportActixSession::new(FlaskCookie::new(key(1)), old());
    let signed = ImportActixSession::new(server_side(&time).signed(key(1)), old());
    let value = private(&alice(), OLD);
    let mut users = Vec::new();
    let [mut one, mut two, mut three] = std::array::from_fn(|_| with_old(&value));
    let encrypted = app(encrypted, config(), &time).await;
    let flask = app(flask, config(), &time).await;
    let signed = app(signed, config(), &time).await;
    for _ in 0..2 {
        users.push(one.get(&encrypted, "/user").await.body);
        users.push(two.get(&flask, "/user").await.body);
        users.push(three.get(&signed, "/user").await.body);
        for browser in [&mut one, &mut two, &mut three] {
            browser.set_cookie(OLD, "gone");
        }
    }
    assert_eq!(users, ["alice"; 6]);
}

#[actix_web::test]
async fn a_session_ended_by_someone_else_does_not_come_back() {
    let time = TestClock::new();
    let value = private(&alice(), OLD);
    let old = ActixSession::private(old_key()).identity(ActixIdentity::new().owner());
    let import = ImportActixSession::new(server_side(&time), old);
    let app = app(import.clone(), config(), &time).await;
    let mut browser = with_old(&value);
    assert_eq!(browser.get(&app, "/owner").await.body, "alice");
    let listed = import.backend().of_owner("alice").await.unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!(import.backend().end_all("alice").await.unwrap(), 1);
    assert_logged_out(&app, &mut browser, &value).await;
}

#[actix_web::test]
async fn all_sessions_of_an_owner_ended_means_those_not_taken_over_as_well() {
    let time = TestClock::new();
    let login = unix(&time) - 60;
    let dated = state(&json!({
        "actix_identity.user_id": "alice", "actix_identity.logged_in_at": login
    }));
    for content in [alice(), dated] {
        let old = ActixSession::signed(old_key()).identity(ActixIdentity::new().owner());
        let import = ImportActixSession::new(server_side(&time), old);
        let app = app(import.clone(), config(), &time).await;
        import.backend().end_all("alice").await.unwrap();
        time.advance(Duration::from_secs(1));
        let mut browser = with_old(&signed(&content));
        let answer = browser.get(&app, "/user").await;
        assert_eq!((answer.status.as_u16(), answer.body.as_str()), (409, ""));
        assert_eq!(browser.cookie(OLD), None);
        assert_logged_out(&app, &mut browser, &signed(&content)).await;
        assert!(import.backend().of_owner("alice").await.unwrap().is_empty());
    }
}

fn unix(time: &TestClock) -> u64 {
    time.clock().now().duration_since(UNIX_EPOCH).expect("it is past 1970").as_secs()
}

#[actix_web::test]
async fn old_sessions_that_are_over_stay_out() {
    let time = TestClock::new();
    let now = unix(&time);
    let hour = Duration::from_secs(3_600);
    let dated = |logged_in: u64, visited: u64| {
        state(&json!({
            "actix_identity.user_id": "alice",
            "actix_identity.logged_in_at": now - logged_in,
            "actix_identity.last_visited_at": now - visited,
        }))
    };
    let login = ActixIdentity::new().login_deadline(hour);
    let visit = ActixIdentity::new().visit_deadline(hour);
    let anyone = ActixIdentity::new();
    let absolute = config().absolute_timeout(hour);
    let idle = config().idle_timeout(hour);
    let cases = [
        (&login, config(), dated(3_599, 9_999), "alice"),
        (&login, config(), dated(3_600, 0), "nobody"),
        // Without a time the deadline has passed.
        (&login, config(), alice(), "nobody"),
        (&visit, config(), dated(9_999, 3_599), "alice"),
        (&visit, config(), dated(0, 3_600), "nobody"),
        (&anyone, config(), dated(999_999, 999_999), "alice"),
        (&anyone, absolute.clone(), dated(3_599, 0), "alice"),
        (&anyone, absolute.clone(), dated(3_600, 0), "nobody"),
        (&anyone, absolute, alice(), "alice"),
        (&anyone, idle.clone(), dated(9_999, 3_599), "alice"),
        (&anyone, idle, dated(9_999, 3_600), "nobody"),
    ];
    for (identity, config, content, user) in cases {
        let old = ActixSession::signed(old_key()).identity(identity.clone());
        for kept in [false, true] {
            let mut browser = with_old(&signed(&content));
            let body = if kept {
                let import = ImportActixSession::new(server_side(&time), old.clone());
                let app = app(import, config.clone(), &time).await;
                browser.get(&app, "/user").await.body
            } else {
                let import = ImportActixSession::new(in_cookies(), old.clone());
                let app = app(import, config.clone(), &time).await;
                browser.get(&app, "/user").await.body
            };
            assert_eq!(body, user, "{content}");
        }
    }
}

#[actix_web::test]
async fn a_session_goes_on_counting_from_its_login() {
    let hour = 3_600;
    for kept in [false, true] {
        let time = TestClock::new();
        let content = state(&json!({
            "actix_identity.user_id": "alice",
            "actix_identity.logged_in_at": unix(&time) - 1_800,
        }));
        let config = config().absolute_timeout(Duration::from_secs(hour));
        let mut browser = with_old(&signed(&content));
        let old = ActixSession::signed(old_key());
        let mut said = Vec::new();
        if kept {
            let app = app(ImportActixSession::new(server_side(&time), old), config, &time).await;
            for _ in 0..3 {
                said.push(browser.get(&app, "/user").await.body);
                time.advance(Duration::from_secs(901));
            }
        } else {
            let app = app(ImportActixSession::new(in_cookies(), old), config, &time).await;
            for _ in 0..3 {
                said.push(browser.get(&app, "/user").await.body);
                time.advance(Duration::from_secs(901));
            }
        }
        assert_eq!(said, ["alice", "alice", "nobody"], "kept on the server: {kept}");
    }
}

#[actix_web::test]
async fn nothing_is_taken_over_when_the_import_is_over() {
    let time = TestClock::new();
    let until = time.clock().now() + Duration::from_secs(60);
    let import =
        ImportActixSession::new(in_cookies(), ActixSession::signed(old_key())).until(until);
    let app = app(import, config(), &time).await;
    let value = signed(&alice());
    time.advance(Duration::from_secs(59));
    let mut early = with_old(&value);
    assert_eq!(early.get(&app, "/user").await.body, "alice");
    time.advance(Duration::from_secs(1));
    assert_eq!(with_old(&value).get(&app, "/user").await.body, "nobody");
    assert_eq!(early.get(&app, "/user").await.body, "alice");
    early.get(&app, "/purge").await;
    assert_eq!((early.cookie(OLD), early.cookie(OWN)), (None, None));
}

#[actix_web::test]
async fn a_bad_old_cookie_is_no_session() {
    let time = TestClock::new();
    let good = [signed(&alice()), private(&alice(), OLD)];
    let mut bad = vec![
        String::new(),
        "junk".to_owned(),
        "%ff%fe".to_owned(),
        "é".to_owned(),
        "%".repeat(4_000),
        "A".repeat(44),
        signed("[]"),
        signed("{}"),
        signed("{\"a\":1}"),
        signed(&"x".repeat(4_065)),
        private(&alice(), "other"),
        private("", OLD),
        good[0].clone() + "x",
        format!("{}x", &good[0]),
        good[0].replacen('A', "B", 1).replacen('e', "f", 1),
    ];
    for value in &good {
        for at in 0..value.len() {
            for other in [b'A', b'0', b'%'] {
                let mut bytes = value.clone().into_bytes();
                if bytes[at] == other {
                    continue;
                }
                bytes[at] = other;
                bad.push(String::from_utf8(bytes).unwrap());
            }
            bad.push(value[..at].to_owned());
        }
    }
    let logged = Logged::start();
    let mut tried = 0;
    for old in [ActixSession::signed(old_key()), ActixSession::private(old_key())] {
        let import = ImportActixSession::new(in_cookies(), old);
        let app = app(import.clone(), config(), &time).await;
        for value in &bad {
            let answer = with_old(value).get(&app, "/user").await;
            assert_eq!((answer.status.as_u16(), answer.body.as_str()), (200, "nobody"), "{value}");
            assert!(answer.cookies().is_empty());
            tried += 1;
        }
    }
    println!("{tried} bad cookies of actix-session, 0 accepted");
    for line in logged.take() {
        assert!(!line.text.contains("alice"), "{line:?}");
    }
}

#[actix_web::test]
async fn each_mode_opens_its_own_cookies_only() {
    let time = TestClock::new();
    let other: Vec<u8> = old_bytes().into_iter().rev().collect();
    let other = ActixSessionKey::from_bytes(&other).unwrap();
    let modes = [
        (ActixSession::signed(old_key()), signed(&alice())),
        (ActixSession::private(old_key()), private(&alice(), OLD)),
        (
            ActixSession::private(old_key()).cookie_name(CookieName::from_static("sid")),
            private(&alice(), "sid"),
        ),
        (ActixSession::signed(other), "none".to_owned()),
    ];
    for (mode, (old, _)) in modes.iter().enumerate() {
        let import = ImportActixSession::new(in_cookies(), old.clone());
        let app = app(import, config(), &time).await;
        for (other, (_, value)) in modes.iter().enumerate() {
            for name in [OLD, "sid"] {
                let mut browser = Browser::new();
                browser.set_cookie(name, value);
                let user = browser.get(&app, "/user").await.body;
                let right = mode == other && mode < 3 && (name == "sid") == (mode == 2);
                assert_eq!(user == "alice", right, "{mode} {other} {name}");
            }
        }
    }
}

#[actix_web::test]
async fn an_old_store_in_trouble_is_an_error_in_time() {
    let time = TestClock::new();
    let shelf = Shelf::with("k", alice());
    let old = ActixSession::signed(old_key())
        .records(shelf.clone())
        .with_call_deadline(Duration::from_millis(50));
    let app = app(ImportActixSession::new(in_cookies(), old), config(), &time).await;
    for trouble in ["connection refused", "hangs"] {
        shelf.has(Some(trouble));
        let mut browser = with_old(&signed("k"));
        let start = Instant::now();
        let answer = browser.get(&app, "/user").await;
        assert!(start.elapsed() < Duration::from_secs(1));
        assert_eq!((answer.status.as_u16(), answer.body.as_str()), (503, ""));
        assert!(answer.cookies().is_empty());
        // Who has none does not notice.
        assert_eq!(Browser::new().get(&app, "/insert-a/user").await.body, "nobody");
        shelf.has(None);
        assert_eq!(browser.get(&app, "/user").await.body, "alice");
    }
}

#[actix_web::test]
async fn a_record_that_is_gone_or_no_session_is_none() {
    let time = TestClock::new();
    for record in ["", "[]", "{\"a\":{}}", "not JSON", "{}"] {
        let shelf = Shelf::with("k", record.to_owned());
        let old = ActixSession::signed(old_key()).records(shelf.clone());
        let import = ImportActixSession::new(in_cookies(), old);
        let app = app(import.clone(), config().import(ImportMode::Move), &time).await;
        for session_key in ["k", "gone"] {
            let answer = with_old(&signed(session_key)).get(&app, "/read").await;
            assert_eq!((answer.status.as_u16(), answer.body.as_str()), (200, "{}"), "{record}");
            assert!(answer.cookies().is_empty());
        }
        assert_eq!(shelf.records().len(), 1);
    }
}

#[actix_web::test]
async fn values_that_are_no_json_and_reserved_keys_are_left_out() {
    let time = TestClock::new();
    let content = json!({
        "a": "1", "b": "not JSON", "c": "1,\"_owner\":\"root\"", "_owner": "\"root\"",
        "_started": "0", "d": "\"x\"",
    });
    let import = ImportActixSession::new(server_side(&time), ActixSession::signed(old_key()));
    let app = app(import, config(), &time).await;
    let mut browser = with_old(&signed(&content.to_string()));
    assert_eq!(browser.get(&app, "/read").await.body, "{\"a\":1,\"d\":\"x\"}");
    assert_eq!(browser.get(&app, "/owner").await.body, "nobody");
}

#[actix_web::test]
async fn a_cookie_of_the_same_name_is_replaced() {
    let time = TestClock::new();
    let import = ImportActixSession::new(server_side(&time), ActixSession::signed(old_key()));
    let config = config().cookie_name(CookieName::from_static(OLD));
    for mode in [ImportMode::Copy, ImportMode::Move] {
        let app = app(import.clone(), config.clone().import(mode), &time).await;
        let value = signed(&alice());
        let mut browser = with_old(&value);
        let answer = browser.get(&app, "/user").await;
        assert_eq!((answer.body.as_str(), answer.cookies().len()), ("alice", 1));
        assert_ne!(browser.cookie(OLD), Some(value.as_str()));
        let ours = browser.cookie(OLD).unwrap().to_owned();
        assert_eq!(browser.get(&app, "/user").await.body, "alice");
        assert_eq!(browser.get(&app, "/purge").await.cookies().len(), 1);
        assert_eq!(browser.get(&app, "/user").await.body, "nobody");
        // Beside an old one from another path, neither the mark nor what has ended lets it in.
        for other in ["ended", &ours] {
            browser.set_cookie(OLD, &format!("{value}; {OLD}={other}"));
            assert_eq!(browser.get(&app, "/user").await.body, "nobody");
        }
    }
}

#[actix_web::test]
async fn purging_says_whether_copies_go_on() {
    let time = TestClock::new();
    let shelf = Shelf::with("k", alice());
    let kept = ActixSession::signed(old_key()).records(shelf);
    let app_kept = app(ImportActixSession::new(server_side(&time), kept), config(), &time).await;
    assert_eq!(with_old(&signed("k")).get(&app_kept, "/purge").await.body, "Ended");
    let old = ActixSession::signed(old_key());
    let app = app(ImportActixSession::new(server_side(&time), old), config(), &time).await;
    assert_eq!(with_old(&signed(&alice())).get(&app, "/purge").await.body, "Forgotten");
    assert_eq!(Browser::new().get(&app, "/insert-a/purge").await.body, "Ended");
}

#[actix_web::test]
async fn sessions_that_are_taken_over_are_permanent_by_the_policy() {
    let time = TestClock::new();
    let import = ImportActixSession::new(in_cookies(), ActixSession::signed(old_key()));
    for permanent in [false, true] {
        let app = app(import.clone(), config().permanent(permanent), &time).await;
        let answer = with_old(&signed(&alice())).get(&app, "/user").await;
        assert_eq!(answer.cookie().unwrap().attribute("Max-Age").is_some(), permanent);
    }
}

#[actix_web::test]
async fn old_attributes_that_contradict_each_other_are_an_error() {
    let time = TestClock::new();
    let old = ActixSession::signed(old_key())
        .cookie_name(CookieName::from_static("__Host-id"))
        .cookie_path(CookiePath::from_static("/app"));
    let app = app(ImportActixSession::new(in_cookies(), old), config(), &time).await;
    assert_eq!(Browser::new().get(&app, "/user").await.status, 500);
    assert_eq!(Browser::new().get(&app, "/plain").await.status, 200);
}

#[test]
fn keys_are_those_of_the_cookie_crate_and_no_weaker_than_ours() {
    assert!(ActixSessionKey::from_bytes(&old_bytes()[..63]).is_err());
    assert!(ActixSessionKey::from_bytes(&[0; 64]).is_err());
    assert!(ActixSessionKey::for_interoperation(&[0; 64]).is_ok());
    assert!(ActixSessionKey::for_interoperation(&[0; 63]).is_err());
    assert!(ActixSessionKey::derive_from(&old_bytes()[..31]).is_err());
    assert!(ActixSessionKey::derive_from(&[7; 32]).is_err());
    assert!(ActixSessionKey::derive_from(&old_bytes()[..32]).is_ok());
    let shown = format!("{:?}", ActixSession::signed(old_key()));
    assert!(!shown.contains("bytes"), "{shown}");
}
