//! Encrypted cookies: what the client sees of them, and tokens of another implementation.
//! `tests/golden/make_encrypted.py` makes those.

use std::{
    collections::BTreeSet,
    time::{Duration, UNIX_EPOCH},
};

use actix_http::Request;
use actix_service::Service;
use actix_web::{
    App, Error, HttpResponse,
    body::MessageBody,
    dev::ServiceResponse,
    http::header::COOKIE,
    test::{TestRequest, init_service},
    web,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Deserialize;
use serde_json::{Map, Value};
use sessions::{
    EncryptedCookie, SecretKey, Session, SessionConfig, SessionInterface, SessionMiddleware,
    policy::CookieName, request::Clock,
};
use sessions_tests::{Answer, Logged, key};

#[derive(Clone, SessionInterface)]
#[session(confidential)]
struct AppSessions {
    backend: EncryptedCookie,
    config: SessionConfig,
}

/// `GET` dumps the session, `POST` replaces it by what is sent.
async fn app(
    key: SecretKey,
    config: SessionConfig,
    now: u64,
) -> impl Service<Request, Response = ServiceResponse<impl MessageBody>, Error = Error> {
    let sessions = AppSessions { backend: EncryptedCookie::new(key), config };
    let clock = Clock::from_fn(move || UNIX_EPOCH + Duration::from_secs(now));
    let dump = async |session: Session| session.entries().map(|it| HttpResponse::Ok().json(it));
    let fill = async |session: Session, content: web::Json<Map<String, Value>>| {
        session.clear()?;
        session.extend(content.into_inner()).map(|()| HttpResponse::Ok())
    };
    init_service(
        App::new()
            .wrap(SessionMiddleware::new(sessions).with_clock(clock))
            .route("/", web::post().to(fill))
            .default_service(web::get().to(dump)),
    )
    .await
}

/// An application like any other, and a token of it.
async fn usual()
-> (impl Service<Request, Response = ServiceResponse<impl MessageBody>, Error = Error>, String) {
    let app = app(key(1), SessionConfig::new(), 1_767_225_600).await;
    let token =
        fill(&app, &serde_json::json!({"user": "alice"})).await.cookie().expect("set").value;
    (app, token)
}

async fn fill<S, B>(app: &S, content: &Value) -> Answer
where
    S: Service<Request, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody,
{
    Answer::of(app, TestRequest::post().set_json(content)).await
}

async fn read<S, B>(app: &S, name: &str, token: &str) -> Map<String, Value>
where
    S: Service<Request, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody,
{
    let request = TestRequest::default().insert_header((COOKIE, format!("{name}={token}")));
    serde_json::from_str(&Answer::of(app, request).await.body).expect("JSON")
}

#[derive(Deserialize)]
struct Golden {
    key: String,
    name: String,
    salt: Option<String>,
    now: u64,
    content: Map<String, Value>,
    token: String,
}

impl Golden {
    fn config(&self) -> SessionConfig {
        let name = CookieName::new(self.name.clone()).expect("a name");
        let config = SessionConfig::new().cookie_name(name);
        match &self.salt {
            Some(salt) => config.salt(salt.as_str()),
            None => config,
        }
    }
}

#[actix_web::test]
async fn reads_every_token_of_another_implementation_and_none_elsewhere() {
    let vectors: Vec<Golden> =
        serde_json::from_str(include_str!("../golden/encrypted.json")).expect("JSON");
    assert_eq!(vectors.len(), 60);
    let (mut read_elsewhere, mut elsewhere) = (0, 0);
    for golden in &vectors {
        let secret = SecretKey::from_bytes(golden.key.as_bytes()).expect("a strong key");
        let app = app(secret, golden.config(), golden.now).await;
        assert_eq!(read(&app, &golden.name, &golden.token).await, golden.content);
        for other in vectors.iter().step_by(5) {
            let purpose = |it: &Golden| (it.key.clone(), it.name.clone(), it.salt.clone());
            if purpose(other) != purpose(golden) {
                elsewhere += 1;
                let content = read(&app, &golden.name, &other.token).await;
                read_elsewhere += usize::from(!content.is_empty());
            }
        }
    }
    println!("{} tokens read, {elsewhere} of other purposes: {read_elsewhere} read", vectors.len());
    assert_eq!(read_elsewhere, 0);
}

#[actix_web::test]
async fn the_client_sees_nothing_of_the_session_but_its_length() {
    let app = app(key(1), SessionConfig::new(), 1_767_225_600).await;
    let mut tokens = BTreeSet::new();
    let mut lengths = BTreeSet::new();
    for _ in 0..100 {
        let answer = fill(&app, &serde_json::json!({"user": "alice", "role": "admin"})).await;
        let token = answer.cookie().expect("it is saved").value;
        let bytes = URL_SAFE_NO_PAD.decode(&token).expect("base64");
        assert_eq!(bytes[0], 1, "the version");
        // No shorter ones: two bytes occur among so many random ones.
        for seen in ["user", "alice", "role", "admin", "\":\"a"] {
            assert!(!bytes.windows(seen.len()).any(|part| part == seen.as_bytes()), "{seen}");
        }
        lengths.insert(token.len());
        tokens.insert(token);
    }
    assert_eq!((tokens.len(), lengths.len()), (100, 1), "each is another, all are as long");
}

#[actix_web::test]
async fn a_session_fits_up_to_4096_bytes_of_name_and_value() {
    let app = app(key(1), SessionConfig::new(), 1_767_225_600).await;
    // 4,089 characters hold 3,066 bytes, of which 57 are not the session's, and `{"a":""}` is 8.
    let room = 3_066 - 57 - 8;
    let fits = fill(&app, &serde_json::json!({"a": "x".repeat(room)})).await;
    let cookie = fits.cookie().expect("it fits");
    assert_eq!(cookie.name.len() + cookie.value.len(), 7 + 3_066 * 4 / 3);
    let too_large = fill(&app, &serde_json::json!({"a": "x".repeat(room + 1)})).await;
    assert_eq!((too_large.status.as_u16(), too_large.cookie()), (500, None));
}

/// What a padding oracle would need: a difference (ASP.NET, CVE-2010-3332).
#[actix_web::test]
async fn nobody_is_told_how_far_a_forgery_got() {
    let (app, token) = usual().await;
    let bytes = URL_SAFE_NO_PAD.decode(&token).expect("base64");
    let changed = |at: usize| {
        let mut bytes = bytes.clone();
        bytes[at] ^= 1;
        URL_SAFE_NO_PAD.encode(bytes)
    };
    let forged = [
        ("the version", changed(0)),
        ("the salt", changed(1)),
        ("the ciphertext", changed(33)),
        ("the tag", changed(bytes.len() - 1)),
        ("too short for a tag", URL_SAFE_NO_PAD.encode(&bytes[..40])),
        ("too short for a salt", URL_SAFE_NO_PAD.encode(&bytes[..20])),
        ("only a version", URL_SAFE_NO_PAD.encode([1])),
        ("empty", String::new()),
        ("no base64", "not-base64!".to_owned()),
        ("padded", format!("{token}=")),
    ];
    let logged = Logged::start();
    let mut seen = BTreeSet::new();
    for (what, token) in forged {
        let request = TestRequest::default().insert_header((COOKIE, format!("session={token}")));
        let answer = Answer::of(&app, request).await;
        let mut headers: Vec<_> =
            answer.headers.iter().map(|(name, value)| format!("{name}: {value:?}")).collect();
        headers.sort();
        assert_eq!((answer.status.as_u16(), answer.body.as_str()), (200, "{}"), "{what}");
        seen.insert(format!("{headers:?} {:?}", logged.take_own()));
    }
    assert_eq!(seen.len(), 1, "{seen:#?}");
    assert!(seen.iter().all(|seen| seen.contains("it does not decrypt")), "{seen:?}");
}
