//! The events of an import from actix-session.

use std::time::{Duration, SystemTime};

use actix_web::{App, HttpRequest, test::init_service, web};
use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sessions::{
    MemoryStore, ServerSide, Session, SessionConfig, SessionInterface,
    import::{
        ActixIdentity, ActixSession, ActixSessionKey, ActixSessionRecords, ImportActixSession,
    },
    policy::{CookieName, ImportMode},
    store::{BoxFuture, StoreError},
    test::{Fault, FaultStore, Operation},
};
use sessions_tests::Browser;
use sha2::Sha256;

#[derive(Clone, SessionInterface)]
#[session(secure = false)]
struct Imported {
    backend: ImportActixSession<ServerSide<FaultStore<MemoryStore>>>,
    config: SessionConfig,
}

/// One record, which cannot be deleted.
struct OneRecord(Option<String>);

impl ActixSessionRecords for OneRecord {
    fn load<'a>(
        &'a self,
        _session_key: &'a str,
    ) -> BoxFuture<'a, Result<Option<String>, StoreError>> {
        Box::pin(async { Ok(self.0.clone()) })
    }

    fn delete<'a>(&'a self, _session_key: &'a str) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async { Err(StoreError::Timeout) })
    }
}

fn bytes() -> Vec<u8> {
    (0..64_u32).map(|n| u8::try_from(n * 151 % 251).expect("it is below 251")).collect()
}

/// A value as the `cookie` crate's signed jar makes it.
fn signed(content: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(&bytes()[..32]).expect("any length");
    mac.update(content.as_bytes());
    let value = STANDARD.encode(mac.finalize().into_bytes()) + content;
    value.bytes().fold(String::new(), |encoded, byte| encoded + &format!("%{byte:02X}"))
}

/// A session as actix-session keeps it: each value is the text of its JSON.
fn state(entries: &Value) -> String {
    let entries = entries.as_object().expect("an object");
    let texts = entries.iter().map(|(key, value)| (key.clone(), Value::String(value.to_string())));
    Value::Object(texts.collect()).to_string()
}

async fn act(session: Session, request: HttpRequest) -> actix_web::Result<String> {
    if request.path() == "/purge" {
        session.purge()?;
    }
    Ok(session.keys().len().to_string())
}

/// Sends these cookies of actix-session, a request for each path.
async fn visit(
    legacy: ActixSession,
    store: &FaultStore<MemoryStore>,
    cookies: &[&str],
    paths: &[&str],
) {
    let config = SessionConfig::new().cookie_name(CookieName::from_static("app"));
    let config = config.import(ImportMode::Move);
    let until = SystemTime::now() + Duration::from_secs(3_600);
    let backend = ImportActixSession::new(ServerSide::new(store.clone()), legacy, until);
    let app = App::new().wrap(Imported { backend, config }).default_service(web::to(act));
    let app = init_service(app).await;
    for path in paths {
        let request = actix_web::test::TestRequest::with_uri(path);
        let request = cookies.iter().fold(request, |request, cookie| {
            request.append_header(("Cookie", format!("id={cookie}")))
        });
        Browser::new().send(&app, request).await;
    }
}

pub(super) async fn sessions_are_imported() {
    let key = || ActixSessionKey::from_bytes(&bytes()).expect("a strong key");
    let store = || FaultStore::new(MemoryStore::new());
    let content = |n: u32| signed(&state(&json!({"actix_identity.user_id": "alice", "n": n})));
    let legacy = || ActixSession::signed(key());
    // Done, and ended.
    visit(legacy(), &store(), &[&content(1)], &["/", "/purge", "/"]).await;
    visit(legacy(), &store(), &[&content(1), &content(2)], &["/"]).await;
    visit(legacy(), &store(), &[&signed(r#"{"n":"1","cut":"{"}"#)], &["/"]).await;
    let forged = content(1).replacen("%41", "%42", 1);
    for bad in ["junk", &forged, &signed("{}")] {
        visit(legacy(), &store(), &[bad], &["/"]).await;
    }
    let identity = ActixIdentity::new().login_deadline(Duration::from_secs(60));
    visit(legacy().identity(identity), &store(), &[&content(1)], &["/"]).await;
    let in_store = |record| ActixSession::signed(key()).records(OneRecord(record));
    let session_key = signed(&"k".repeat(64));
    visit(in_store(None), &store(), &[&session_key], &["/"]).await;
    let record = state(&json!({"n": 1}));
    visit(in_store(Some(record)), &store(), &[&session_key], &["/"]).await;
    // A mark that cannot be read.
    let store = store();
    let unreadable = StoreError::Corrupt { problem: "it is cut off" };
    store.on_call_of(Operation::Load, 1, Fault::Fails(unreadable));
    visit(legacy(), &store, &[&content(1)], &["/"]).await;
}
