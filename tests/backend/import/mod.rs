//! Taking over the sessions of actix-session. Old cookies are made here by hand.

mod logging_out;
mod nested;
mod once;
mod outages;
mod refused;
mod taking_over;

use std::{
    collections::HashMap,
    future::pending,
    io,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, UNIX_EPOCH},
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
    MemoryStore, ServerSide, Session, SessionConfig, SessionInterface, SessionMiddleware,
    SignedCookie,
    backend::Backend,
    import::{ActixSession, ActixSessionKey, ActixSessionRecords, ImportActixSession},
    policy::CookieName,
    store::{BoxFuture, StoreError},
    test::TestClock,
};
use sessions_tests::{Browser, SetCookie, key};
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

/// An import that ends long after the test.
fn importing<B: Backend>(backend: B, old: ActixSession, time: &TestClock) -> ImportActixSession<B> {
    ImportActixSession::new(backend, old, time.clock().now() + Duration::from_secs(90 * 86_400))
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
    app_of(Sessions { backend, config }, time).await
}

async fn app_of(
    sessions: impl SessionInterface,
    time: &TestClock,
) -> impl Service<Request, Response = ServiceResponse<impl MessageBody>, Error = Error> {
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
            "remove" => drop(session.remove(object)?),
            "clear" => session.clear()?,
            "login" => session.set_owner(object)?,
            "purge" => said = format!("{:?}", session.purge()?),
            "renew" => session.renew()?,
            "token" => session.bearer_token().await?.as_str().clone_into(&mut said),
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

fn unix(time: &TestClock) -> u64 {
    time.clock().now().duration_since(UNIX_EPOCH).expect("it is past 1970").as_secs()
}
