//! Cookies of the real Flask, read and written to the byte. `tests/golden/make_flask.py` makes them.

use std::time::{Duration, UNIX_EPOCH};

use actix_web::{App, HttpResponse, test::TestRequest, test::init_service, web};
use serde::Deserialize;
use serde_json::{Map, Value};
use sessions::{
    Clock, SecretKey, Session, SessionConfig, SessionInterface, SessionMiddleware,
    flask::{Digest, FlaskCookie, KeyDerivation},
};
use sessions_tests::Answer;

#[derive(Deserialize)]
struct Golden {
    now: u64,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    settings: Settings,
    plain: bool,
    content: Map<String, Value>,
    cookie: String,
}

#[derive(Deserialize)]
#[serde(default)]
struct Settings {
    key: String,
    digest: String,
    derivation: String,
    salt: Option<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            key: "dev".to_owned(),
            digest: "sha1".to_owned(),
            derivation: "hmac".to_owned(),
            salt: None,
        }
    }
}

#[derive(Clone, SessionInterface)]
struct Shared {
    config: SessionConfig,
    backend: FlaskCookie,
}

fn golden() -> Golden {
    let golden: Golden = serde_json::from_str(include_str!("golden/flask.json")).expect("JSON");
    assert_eq!(golden.cases.len(), 114);
    golden
}

impl Case {
    fn middleware(&self, now: u64) -> SessionMiddleware<Shared> {
        let Settings { key, digest, derivation, salt } = &self.settings;
        let digest = Digest::ALL.iter().find(|one| one.name() == digest).expect("a digest");
        let derivation =
            KeyDerivation::ALL.iter().find(|one| one.name() == derivation).expect("a derivation");
        let key = SecretKey::for_interoperation(key.as_bytes()).expect("a key");
        let mut config = SessionConfig::flask().secret_key(key);
        if let Some(salt) = salt {
            config = config.salt(salt.as_str());
        }
        let backend =
            FlaskCookie::from_config(&config).with_digest(*digest).with_key_derivation(*derivation);
        let time = UNIX_EPOCH + Duration::from_secs(now);
        SessionMiddleware::new(Shared { config, backend }).with_clock(Clock::from_fn(move || time))
    }

    /// Returns what a session opened from the cookie holds.
    async fn read(&self, now: u64) -> Map<String, Value> {
        let dump = |session: Session| async move {
            HttpResponse::Ok().json(session.entries().expect("JSON"))
        };
        let app = App::new().wrap(self.middleware(now)).default_service(web::to(dump));
        let request =
            TestRequest::default().insert_header(("cookie", format!("session={}", self.cookie)));
        let answer = Answer::of(&init_service(app).await, request).await;
        serde_json::from_str(&answer.body).expect("JSON")
    }

    /// Returns the cookie of a session that holds the content.
    async fn write(&self, now: u64) -> String {
        let content = self.content.clone();
        let fill = move |session: Session| {
            let content = content.clone();
            async move {
                session.extend(content).expect("JSON");
                HttpResponse::Ok().finish()
            }
        };
        let app = App::new().wrap(self.middleware(now)).default_service(web::to(fill));
        let answer = Answer::of(&init_service(app).await, TestRequest::default()).await;
        answer.cookie().expect("the session is saved").value
    }
}

#[actix_web::test]
async fn writes_what_is_plain_json_as_flask_does() {
    let Golden { now, cases } = golden();
    for case in cases.iter().filter(|case| case.plain) {
        assert_eq!(case.write(now).await, case.cookie, "{:?}", case.content);
    }
}

#[actix_web::test]
async fn reads_what_is_plain_json() {
    let Golden { now, cases } = golden();
    let looks_like_a_tag =
        |case: &Case| Value::from(case.content.clone()).to_string().contains("\" ");
    for case in cases.iter().filter(|case| case.plain && !looks_like_a_tag(case)) {
        assert_eq!(case.read(now).await, case.content, "{}", case.cookie);
    }
}
