//! Nothing that can be printed shows a key or a token, and no error quotes a value.

use std::{
    collections::HashMap,
    fmt::{Debug, Write},
    sync::{Arc, Mutex},
};

use actix_web::{
    App, HttpMessage, HttpResponse,
    test::{TestRequest, call_service, init_service},
    web,
};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser};
use serde_json::json;
use sessions::{
    EncryptedCookie, KeyRing, MemoryStore, SecretKey, ServerSide, Session, SessionConfig,
    SessionInterface, SessionMiddleware, SessionState, SharedKeys, SignedCookie, TrySession,
    backend::Backend,
    error::{OpenError, SaveError},
    interface::{OpenContext, Opened, SaveContext, Saved},
    test::TestClient,
};
use sessions_tests::{Mode, SetCookie, seeded};

const KEY: &str = "Zk3vQ8rT1yWn5LxB7dGmPc0HsJf9aEu2";
const FALLBACK: &str = "q7Yp2MsX9cVb4NhK6tRw1ZgUe8LaDj3F";

/// Everything that must not be seen, in the spellings that a derived `Debug` would give it.
#[derive(Clone, Debug, Default)]
struct Secrets {
    spellings: Vec<String>,
}

impl Secrets {
    fn keys() -> Self {
        let mut secrets = Self::default();
        for key in [KEY, FALLBACK] {
            secrets.add(key);
        }
        secrets
    }

    fn add(&mut self, secret: &str) {
        for part in secret.split('.').chain([secret]).filter(|part| part.len() >= 6) {
            let hex = format!("{:x?}", part.as_bytes()).replace(", ", "");
            // As a list of numbers, in one line and in many.
            let numbers = format!("{:?}", part.as_bytes());
            self.spellings
                .extend([part, &hex, &numbers].map(|it| it.trim_matches(['[', ']']).to_owned()));
        }
    }

    /// Looks for them in both forms of `Debug`.
    fn assert_none_in(&self, what: &str, value: &dyn Debug) {
        for shown in [format!("{value:?}"), format!("{value:#?}")] {
            let one_line =
                shown.split_whitespace().collect::<Vec<_>>().join(" ").replace(",]", "]");
            for secret in &self.spellings {
                let found = shown.contains(secret.as_str()) || one_line.contains(secret.as_str());
                assert!(!found, "{what} shows `{secret}`: {shown}");
            }
        }
    }
}

fn secret_key(text: &str) -> SecretKey {
    SecretKey::from_bytes(text).expect("it is strong")
}

fn ring() -> KeyRing {
    KeyRing::new(secret_key(KEY)).with_fallback(secret_key(FALLBACK))
}

fn config() -> SessionConfig {
    SessionConfig::new().secret_key(secret_key(KEY)).secret_key_fallback(secret_key(FALLBACK))
}

#[derive(Clone, Debug, SessionInterface)]
struct AppSessions {
    backend: Watched,
    config: SessionConfig,
}

/// Keeps the `Debug` of what interfaces get to see, in a handle on a list.
#[derive(Clone, Debug)]
struct Watched {
    inner: Mode,
    seen: Seen,
}

type Seen = Arc<Mutex<Vec<(&'static str, String)>>>;

impl Watched {
    fn see(&self, what: &'static str, value: &dyn Debug) {
        let shown = [format!("{value:?}"), format!("{value:#?}")];
        self.seen.lock().expect("nothing panics here").extend(shown.map(|shown| (what, shown)));
    }
}

impl Backend for Watched {
    async fn open(&self, cx: &OpenContext<'_>) -> Result<Opened<SessionState>, OpenError> {
        self.see("OpenContext", cx);
        self.see("CookieValues", cx.cookies());
        self.see("Settings", cx.settings());
        let opened = self.inner.open(cx).await?;
        self.see("SessionState", &opened);
        Ok(opened)
    }

    async fn save(&self, content: &SessionState, cx: &SaveContext<'_>) -> Result<Saved, SaveError> {
        self.see("SaveContext", cx);
        self.see("SessionState", content);
        let saved = self.inner.save(content, cx).await?;
        self.see("Saved", &saved);
        Ok(saved)
    }
}

/// A finished `Debug` text, to be looked through as it is.
struct Shown(String);

impl Debug for Shown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

#[test]
fn invariant_10_secrets_do_not_leak_from_what_holds_keys() {
    let (secrets, ring) = (Secrets::keys(), ring());
    let backend = SignedCookie::new(ring.clone());
    let watched = Watched { inner: Mode::Signed(backend.clone()), seen: Seen::default() };
    let sessions = AppSessions { backend: watched, config: config() };
    let keys = SharedKeys::new(ring.clone());
    let shown: [(&str, &dyn Debug); 13] = [
        ("SecretKey", ring.current()),
        ("KeyRing", &ring),
        ("SharedKeys", &keys),
        ("KeyUses", &keys.uses()),
        ("ServerSide", &ServerSide::new(MemoryStore::new()).signed(keys.clone())),
        ("SignedCookie", &backend),
        ("EncryptedCookie", &EncryptedCookie::new(keys.clone())),
        ("SessionConfig", &config()),
        ("a derived struct", &sessions),
        ("SessionMiddleware", &SessionMiddleware::new(sessions.clone())),
        ("Policies", &sessions.policies()),
        ("TestClient", &TestClient::new(&sessions)),
        ("Saved", &Saved::token(format!("{KEY}.abcdef.{FALLBACK}"))),
    ];
    for (what, value) in shown {
        secrets.assert_none_in(what, value);
    }
}

#[test]
fn invariant_10_secrets_do_not_leak_from_errors_about_keys() {
    let short = &KEY[..20];
    let mut secrets = Secrets::default();
    secrets.add(short);
    let json = format!(r#"{{"secret_key": "{short}"}}"#);
    let list = format!(r#"{{"secret_key_fallbacks": ["{short}"]}}"#);
    let no_list = format!(r#"{{"secret_key_fallbacks": "{short}"}}"#);
    let wrong_type = format!(r#"{{"secret_key": ["{short}"]}}"#);
    let mut errors: Vec<Box<dyn std::error::Error>> = vec![
        SecretKey::from_bytes(short).unwrap_err().into(),
        SecretKey::from_hex(short).unwrap_err().into(),
        SecretKey::from_base64(&format!("{short}!")).unwrap_err().into(),
        SessionConfig::from_vars([("SECRET_KEY", short)]).unwrap_err().into(),
        SessionConfig::from_vars([("SECRET_KEY_FALLBACKS", short)]).unwrap_err().into(),
    ];
    for text in [&json, &list, &no_list, &wrong_type] {
        errors.push(serde_json::from_str::<SessionConfig>(text).unwrap_err().into());
    }
    for err in &errors {
        secrets.assert_none_in("an error", err);
        secrets.assert_none_in("an error", &Shown(err.to_string()));
    }
}

#[actix_web::test]
async fn invariant_10_secrets_do_not_leak_from_what_holds_tokens() {
    async fn handler(session: Session, again: TrySession) -> HttpResponse {
        session.insert("seen", true).unwrap();
        let shown = format!("{session:?} {again:?} {session:#?} {again:#?}");
        HttpResponse::Ok().body(shown)
    }
    for mode in Mode::in_cookie(ring()) {
        let seen = Seen::default();
        let backend = Watched { inner: mode, seen: Arc::clone(&seen) };
        let sessions = AppSessions { backend, config: SessionConfig::new() };
        let client = TestClient::new(&sessions);
        let mut secrets = Secrets::keys();

        let request =
            seeded(&client, TestRequest::default(), json!({"user": "alice"})).await.to_request();
        let sent = request.headers().get("cookie").unwrap().to_str().unwrap().to_owned();
        secrets.add(sent.split_once('=').unwrap().1);

        let app = init_service(App::new().wrap(sessions).default_service(web::to(handler))).await;
        let response = call_service(&app, request).await;
        let set = response.headers().get("set-cookie").unwrap().to_str().unwrap();
        let set = SetCookie::parse(set);
        secrets.add(&set.value);

        let body = actix_web::test::read_body(response).await;
        secrets.assert_none_in("Session", &Shown(String::from_utf8_lossy(&body).into_owned()));
        let seen = seen.lock().unwrap();
        let kinds: std::collections::BTreeSet<_> = seen.iter().map(|(what, _)| *what).collect();
        assert_eq!(kinds.len(), 6, "{kinds:?}");
        for (what, shown) in seen.iter() {
            secrets.assert_none_in(what, &Shown(shown.clone()));
        }
    }
}

// Values.

const VALUE: &str = "4111-1111-1111-1111";

/// Refuses every value with a message that quotes it.
struct Quotes(String);

impl<'de> Deserialize<'de> for Quotes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Err(de::Error::custom(format!("{text} is no such thing")))
    }
}

impl Serialize for Quotes {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(ser::Error::custom(format!("{} is no such thing", self.0)))
    }
}

#[derive(Debug, Deserialize)]
enum Choice {
    Known,
}

#[derive(Clone, SessionInterface)]
#[session(data = Payment, on_decode_error = "error")]
struct Strict {
    backend: SignedCookie,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Payment {
    number: u64,
    kind: String,
}

/// Returns the message, those of the sources, and what `Debug` shows, of the error and its sources.
fn everything(err: &(dyn std::error::Error + 'static)) -> String {
    let mut text = String::new();
    let mut next = Some(err);
    while let Some(err) = next {
        writeln!(text, "{err}\n{err:?}\n{err:#?}").expect("a string takes all");
        next = err.source();
    }
    text
}

#[track_caller]
fn assert_no_value(err: &(dyn std::error::Error + 'static), position: bool) {
    let text = everything(err);
    for part in [VALUE, "4111", "true", "invalid type", "unknown variant", "no such thing"] {
        assert!(!text.contains(part), "{part} in: {text}");
    }
    assert_eq!(text.contains("line 1, column"), position, "{text}");
}

#[actix_web::test]
async fn invariant_10_errors_about_values_quote_none_and_say_where_they_failed() {
    let mut plain = SessionState::new();
    for (key, value) in [("text", json!(VALUE)), ("yes", json!(true)), ("list", json!([VALUE]))] {
        plain.insert(key, &value).expect("it is written");
    }
    assert_no_value(&plain.get::<u32>("text").unwrap_err(), true);
    assert_no_value(&plain.get::<u32>("yes").unwrap_err(), true);
    assert_no_value(&plain.get::<Vec<u32>>("list").unwrap_err(), true);
    assert_no_value(&plain.get::<Choice>("text").unwrap_err(), true);
    // serde names no place for it.
    assert_no_value(&plain.get::<Quotes>("text").err().expect("it is refused"), false);
    assert_no_value(&plain.insert("new", &Quotes(VALUE.to_owned())).unwrap_err(), false);
    assert_no_value(&SaveError::internal(plain.get::<u32>("text").unwrap_err()), true);
    assert_no_value(&OpenError::internal(plain.get::<u32>("yes").unwrap_err()), true);

    let strict = Strict { backend: SignedCookie::new(secret_key(KEY)) };
    let client = TestClient::new(&strict);
    let handler = |session: Session<Strict>| async move {
        assert_no_value(&session.read(|payment| payment.number).unwrap_err(), true);
        assert_no_value(&session.snapshot().unwrap_err(), true);
        assert_no_value(&session.take::<bool>("number").unwrap_err(), true);
        assert_no_value(
            &session.update("number", |n: Option<u32>| n.unwrap_or(0)).unwrap_err(),
            true,
        );
        let saved = session.save_now().await.expect("nothing failed");
        assert_no_value(&saved.get::<u32>("number").unwrap_err(), true);
        HttpResponse::Ok().finish()
    };
    let app = init_service(App::new().wrap(strict).default_service(web::to(handler))).await;
    let request =
        seeded(&client, TestRequest::default(), json!({"number": VALUE, "kind": "a"})).await;
    assert_eq!(call_service(&app, request.to_request()).await.status(), 200);
}

/// A message of our own codecs is shown, since it quotes nothing: each of them is known.
#[test]
fn errors_about_values_keep_the_messages_of_our_own() {
    let mut plain = SessionState::new();
    let by_list = HashMap::from([(vec![1], 1)]);
    let err = plain.insert("map", &by_list).unwrap_err();
    assert!(everything(&err).contains("key must be a string"), "{}", everything(&err));
    let deep = (0..200).fold(json!(1), |inner, _| json!([inner]));
    let err = plain.insert("deep", &deep).unwrap_err();
    assert!(everything(&err).contains("deeper than 127 levels"), "{}", everything(&err));
}
