//! Cookies of the real Flask, read and written to the byte. `tests/golden/make_flask.py` makes them.

use std::time::{Duration, UNIX_EPOCH};

use actix_web::{App, HttpResponse, test::TestRequest, test::init_service, web};
use serde::Deserialize;
use serde_json::{Map, Value};
use sessions::{
    SecretKey, Session, SessionConfig, SessionError, SessionInterface, SessionMiddleware,
    flask::{self, FlaskCookie, HashAlgorithm, KeyDerivation},
    request::Clock,
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
    touched: String,
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
    let golden: Golden = serde_json::from_str(include_str!("../golden/flask.json")).expect("JSON");
    assert_eq!(golden.cases.len(), 114);
    golden
}

impl Case {
    fn middleware(&self, now: u64) -> SessionMiddleware<Shared> {
        let Settings { key, digest, derivation, salt } = &self.settings;
        let digest = HashAlgorithm::ALL.iter().find(|one| one.name() == digest).expect("a digest");
        let derivation =
            KeyDerivation::ALL.iter().find(|one| one.name() == derivation).expect("a derivation");
        let key = SecretKey::for_interoperation(key.as_bytes()).expect("a key");
        let mut config = SessionConfig::flask().secret_key(key);
        if let Some(salt) = salt {
            config = config.salt(salt.as_str());
        }
        let backend =
            FlaskCookie::from_config(&config).with_hash(*digest).with_key_derivation(*derivation);
        let time = UNIX_EPOCH + Duration::from_secs(now);
        SessionMiddleware::new(Shared { config, backend }).with_clock(Clock::from_fn(move || time))
    }

    /// Answers a request that carries the cookie.
    async fn answer<F, R>(&self, now: u64, handler: F) -> Answer
    where
        F: Fn(Session) -> R + Clone + 'static,
        R: Future<Output = HttpResponse> + 'static,
    {
        let handler = move |session: Session| handler(session);
        let app = App::new().wrap(self.middleware(now)).default_service(web::to(handler));
        let request =
            TestRequest::default().insert_header(("cookie", format!("session={}", self.cookie)));
        Answer::of(&init_service(app).await, request).await
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
async fn reads_every_session_as_other_readers_of_json_are_to_see_it() {
    let Golden { now, cases } = golden();
    for case in cases {
        // What no reader of JSON sees, `content` leaves out.
        let seen: Vec<String> = case.content.keys().cloned().collect();
        let dump = move |session: Session| {
            let get = |key: &String| Ok((key.clone(), session.get(key)?.unwrap_or(Value::Null)));
            let dump: Result<Map<String, Value>, SessionError> = seen.iter().map(get).collect();
            async { HttpResponse::Ok().json(dump.expect("values of JSON")) }
        };
        let answer = case.answer(now, dump).await;
        let content: Map<String, Value> = serde_json::from_str(&answer.body).expect("JSON");
        assert_eq!(content, case.content, "{}", case.cookie);
    }
}

#[actix_web::test]
async fn a_request_that_touches_one_key_leaves_all_others_to_the_byte() {
    let Golden { now, cases } = golden();
    for case in cases {
        let touch = |session: Session| async move {
            session.insert("touched", 1).expect("a session");
            HttpResponse::Ok().finish()
        };
        let answer = case.answer(now, touch).await;
        assert_eq!(answer.cookie().expect("saved").value, case.touched, "{}", case.cookie);
    }
}

#[actix_web::test]
async fn a_session_that_is_only_signed_anew_is_the_same_to_the_byte() {
    let Golden { now, cases } = golden();
    for case in cases {
        let sign_anew = |session: Session| async move {
            session.set_modified(true).expect("a session");
            HttpResponse::Ok().finish()
        };
        let answer = case.answer(now, sign_anew).await;
        assert_eq!(answer.cookie().expect("saved").value, case.cookie);
    }
}

#[actix_web::test]
async fn every_value_is_written_again_as_the_type_of_python_that_it_is() {
    let Golden { now, cases } = golden();
    let mut tagged = 0;
    // The last one holds what is no value of ours.
    for case in &cases[..cases.len() - 1] {
        tagged += usize::from(!case.plain);
        let keys: Vec<String> = case.content.keys().cloned().collect();
        let rewrite = move |session: Session| {
            let values: Vec<_> = keys
                .iter()
                .map(|key| (key.clone(), session.get::<flask::Value>(key).expect("a value")))
                .collect();
            session.purge().expect("a session");
            session.extend(values).expect("values");
            async { HttpResponse::Ok().finish() }
        };
        let answer = case.answer(now, rewrite).await;
        assert_eq!(answer.cookie().expect("saved").value, case.cookie, "{:?}", case.content);
    }
    assert_eq!(tagged, 14);
}
