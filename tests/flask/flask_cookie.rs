//! Flask's cookie as a client and both applications see it: keys, settings, limits, what is shared.

use std::time::Duration;

use actix_web::HttpResponse;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use flate2::{Compression, write::ZlibEncoder};
use sessions::{
    KeyRing, SecretKey, Session, SessionConfig, SessionError, SharedKeys, SignedCookie,
    error::KeyError,
    flask::{FlaskCookie, HashAlgorithm, KeyDerivation, Tuple},
    test::TestClock,
};
use sessions_tests::{
    FLASK_KEY, Logged, SharedSessions, flask_cookie, flask_json, key, sign_payload,
};

async fn user(sessions: SharedSessions, cookie: &str) -> Option<String> {
    user_at(&TestClock::new(), sessions, cookie).await
}

async fn user_at(time: &TestClock, sessions: SharedSessions, cookie: &str) -> Option<String> {
    let handler = |session: Session| async move {
        HttpResponse::Ok().json(session.get::<String>("user").expect("a text"))
    };
    let answer = sessions.answer_at(time, cookie, handler).await;
    serde_json::from_str(&answer.body).expect("JSON")
}

fn alice() -> String {
    flask_cookie(r#"{"user":"alice"}"#)
}

// Keys.

#[test]
fn a_short_key_comes_in_through_the_named_door_only() {
    for short in ["x", "dev", "secret", &"k".repeat(64)] {
        assert!(SecretKey::from_bytes(short).is_err());
        assert!(SecretKey::for_interoperation(short).is_ok());
        assert!(SessionConfig::from_vars([("SECRET_KEY", short)]).is_err());
        assert!(SessionConfig::from_flask_vars([("SECRET_KEY", short)]).is_ok());
        let list = format!("[\"{short}\"]");
        assert!(SessionConfig::from_vars([("SECRET_KEY_FALLBACKS", list.as_str())]).is_err());
        assert!(SessionConfig::from_flask_vars([("SECRET_KEY_FALLBACKS", list.as_str())]).is_ok());
    }
    assert!(matches!(SecretKey::for_interoperation(""), Err(KeyError::Empty)));
    let err =
        SessionConfig::from_flask_vars([("SECRET_KEY_FALLBACKS", r#"["a",""]"#)]).unwrap_err();
    assert!(err.to_string().contains("the key is empty"), "{err}");
}

#[test]
fn debug_does_not_leak_a_short_key() {
    let config = SessionConfig::from_flask_vars([("SECRET_KEY", "hunter2-and-more")]).unwrap();
    let sessions = SharedSessions::with_config(config);
    assert!(!format!("{sessions:?}").contains("hunter2"));
}

#[actix_web::test]
async fn an_empty_key_is_the_null_session() {
    for vars in [vec![], vec![("SECRET_KEY", "")], vec![("SECRET_KEY_FALLBACKS", r#"["dev"]"#)]] {
        let config = SessionConfig::from_flask_vars(vars).unwrap();
        let sessions = SharedSessions::with_config(config);
        assert_eq!(user(sessions.clone(), &alice()).await, None);
        let written = sessions.open(r#"{"user":"alice"}"#, |session| session.insert("a", 1)).await;
        assert!(matches!(written, Err(SessionError::Null(_))));
    }
}

#[actix_web::test]
async fn a_cookie_under_a_fallback_key_is_signed_anew_with_the_same_payload() {
    let vars = [("SECRET_KEY", "new"), ("SECRET_KEY_FALLBACKS", r#"["older","dev"]"#)];
    let sessions = SharedSessions::with_config(SessionConfig::from_flask_vars(vars).unwrap());
    let cookie = alice();
    let answer = sessions.clone().answer(&cookie, |_| async { HttpResponse::Ok().finish() }).await;
    let new = answer.cookie().expect("it is signed anew").value;
    assert_ne!(new, cookie);
    assert_eq!(new.split('.').next(), cookie.split('.').next());
    assert_eq!(user(SharedSessions::new(), &new).await, None);
    let answer = sessions.answer(&new, |_| async { HttpResponse::Ok().finish() }).await;
    assert_eq!(answer.cookie(), None);
}

#[actix_web::test]
async fn keys_are_replaced_while_the_server_runs() {
    let keys = SharedKeys::new(SecretKey::for_interoperation(FLASK_KEY).unwrap());
    let backend = FlaskCookie::new(keys.clone());
    let sessions = SharedSessions { config: SessionConfig::flask(), backend };
    assert_eq!(user(sessions.clone(), &alice()).await.as_deref(), Some("alice"));
    keys.replace(KeyRing::new(key(1)));
    assert_eq!(user(sessions.clone(), &alice()).await, None);
    let known = SharedSessions::with_config(SessionConfig::flask().keys(keys.clone()));
    keys.replace(KeyRing::new(SecretKey::for_interoperation(FLASK_KEY).unwrap()));
    assert_eq!(user(known, &alice()).await.as_deref(), Some("alice"));
    assert_eq!(sessions.backend.keys().expect("keys").uses().current(), 1);
}

#[actix_web::test]
async fn a_cookie_opens_where_digest_derivation_and_salt_are_its_own_and_nowhere_else() {
    let backends: Vec<FlaskCookie> = HashAlgorithm::ALL
        .iter()
        .flat_map(|digest| {
            KeyDerivation::ALL.iter().map(|derivation| {
                FlaskCookie::new(SecretKey::for_interoperation(FLASK_KEY).expect("a key"))
                    .with_hash(*digest)
                    .with_key_derivation(*derivation)
            })
        })
        .collect();
    assert_eq!(backends.len(), 48);
    let sessions = |backend: &FlaskCookie, salt: &str| SharedSessions {
        config: SessionConfig::flask().salt(salt),
        backend: backend.clone(),
    };
    let log_in = |session: Session| async move {
        session.insert("user", "alice").expect("a session");
        HttpResponse::Ok().finish()
    };
    for (at, backend) in backends.iter().enumerate() {
        let answer = sessions(backend, "cookie-session").answer("", log_in).await;
        let cookie = answer.cookie().expect("saved").value;
        for (other_at, other) in backends.iter().enumerate() {
            let known = user(sessions(other, "cookie-session"), &cookie).await.is_some();
            assert_eq!(known, at == other_at, "{backend:?} {other:?}");
        }
        // `none` does without the salt.
        let under_other_salt = user(sessions(backend, "other"), &cookie).await.is_some();
        assert_eq!(under_other_salt, at % 4 == 3, "{backend:?}");
    }
}

/// The format is the same where the digest is, and the salt keeps them apart.
#[actix_web::test]
async fn a_session_of_ours_and_one_of_flask_are_not_mistaken_for_each_other() {
    use actix_web::{App, HttpRequest, test::TestRequest, test::init_service, web};
    #[derive(Clone, sessions::SessionInterface)]
    struct Signed {
        config: SessionConfig,
        backend: SignedCookie,
    }
    let clock = TestClock::new().clock();
    let sessions = Signed { config: SessionConfig::new(), backend: SignedCookie::new(key(1)) };
    let sessions = sessions::SessionMiddleware::new(sessions).with_clock(clock);
    let log_in = |session: Session, _: HttpRequest| async move {
        session.insert("user", "alice").expect("a session");
        HttpResponse::Ok().finish()
    };
    let app = init_service(App::new().wrap(sessions).default_service(web::to(log_in))).await;
    let ours = sessions_tests::Answer::of(&app, TestRequest::default()).await;
    let ours = ours.cookie().expect("saved").value;
    let flask = SharedSessions {
        config: SessionConfig::flask(),
        backend: FlaskCookie::new(key(1)).with_hash(HashAlgorithm::Sha256),
    };
    assert_eq!(user(flask, &ours).await, None);
}

// Settings.

#[actix_web::test]
async fn what_the_environment_does_not_say_is_as_in_flask() {
    let vars =
        [("SECRET_KEY", "dev"), ("SERVER_NAME", "example.com"), ("APPLICATION_ROOT", "/app")];
    let sessions = SharedSessions::with_config(SessionConfig::from_flask_vars(vars).unwrap());
    let insert = |session: Session| async move {
        session.insert("a", 1).expect("a session");
        HttpResponse::Ok().finish()
    };
    let cookie = sessions.answer("", insert).await.cookie().expect("saved");
    assert_eq!(cookie.name, "session");
    let attributes = [("HttpOnly", ""), ("Path", "/app")];
    let mut written = cookie.attributes.clone();
    written.sort();
    assert_eq!(written, attributes.map(|(name, value)| (name.to_owned(), value.to_owned())));
}

#[test]
fn what_the_environment_says_counts() {
    let vars = [
        ("FLASK_SECRET_KEY", "dev"),
        ("SESSION_COOKIE_SECURE", "1"),
        ("SESSION_COOKIE_SAMESITE", "Strict"),
        ("SESSION_OPEN", "lazy"),
    ];
    let config = SessionConfig::from_flask_vars(vars).unwrap();
    let written = format!("{config:?}");
    assert!(written.contains("secret_key: None"), "{written}");
    for (name, wrong) in [("SESSION_COOKIE_SAMESITE", "Sometimes"), ("SECRET_KEY_FALLBACKS", "dev")]
    {
        let err = SessionConfig::from_flask_vars([(name, wrong)]).unwrap_err();
        assert_eq!(err.name(), name);
    }
}

#[actix_web::test]
async fn the_age_of_a_cookie_is_limited_whether_it_is_permanent_or_not() {
    for json in [r#"{"user":"alice"}"#, r#"{"_permanent":true,"user":"alice"}"#] {
        let cookie = flask_cookie(json);
        let key = SecretKey::for_interoperation(FLASK_KEY).unwrap();
        let config = SessionConfig::flask().secret_key(key).lifetime(Duration::from_secs(60));
        let sessions = SharedSessions::with_config(config);
        let time = TestClock::new();
        for (seconds, known) in [(0, true), (60, true), (1, false)] {
            time.advance(Duration::from_secs(seconds));
            assert_eq!(
                user_at(&time, sessions.clone(), &cookie).await.is_some(),
                known,
                "{seconds}"
            );
        }
    }
}

// Limits.

fn compressed(bytes: &[u8]) -> String {
    use std::io::Write;
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).expect("memory");
    let compressed = encoder.finish().expect("memory");
    sign_payload(&format!(".{}", URL_SAFE_NO_PAD.encode(compressed)))
}

fn of_size(bytes: usize) -> String {
    let frame = r#"{"user":"alice","x":""}"#.len();
    format!(r#"{{"user":"alice","x":"{}"}}"#, "x".repeat(bytes - frame))
}

#[actix_web::test]
async fn a_cookie_that_inflates_to_more_than_the_limit_is_no_session() {
    let limit = FlaskCookie::DEFAULT_MAX_INFLATED;
    assert_eq!(limit, 65_536);
    for (size, known) in [(100, true), (limit, true), (limit + 1, false), (10 << 20, false)] {
        let cookie = compressed(of_size(size).as_bytes());
        assert!(cookie.len() < 20_000);
        assert_eq!(user(SharedSessions::new(), &cookie).await.is_some(), known, "{size}");
    }
    let SharedSessions { config, backend } = SharedSessions::new();
    let sessions = SharedSessions { config, backend: backend.with_max_inflated(100) };
    for (size, known) in [(100, true), (101, false)] {
        for cookie in [compressed(of_size(size).as_bytes()), flask_cookie(&of_size(size))] {
            assert_eq!(user(sessions.clone(), &cookie).await.is_some(), known, "{size}");
        }
    }
}

#[actix_web::test]
async fn a_signed_payload_that_flask_would_not_write_is_no_session() {
    let zlib = |json: &str| compressed(json.as_bytes());
    let plain = |bytes: &[u8]| sign_payload(&URL_SAFE_NO_PAD.encode(bytes));
    let forms = [
        sign_payload(""),
        sign_payload("."),
        sign_payload(".e30"),
        sign_payload("e30="),
        sign_payload("e31"),
        sign_payload("e30 "),
        sign_payload(&format!(".{}", URL_SAFE_NO_PAD.encode("{}"))),
        plain(b""),
        plain(b"null"),
        plain(b"[]"),
        plain(b"{\"user\":\"al\xff\"}"),
        plain(br#"{" t":["user","alice"]}"#),
        plain(br#"{" b":"eA=="}"#),
        plain(br#"{" di":{"user":"alice"}}"#),
        plain(br#"{" di":{"user__":"alice","a":1}}"#),
        plain(br#"{" di":"user"}"#),
        plain(br#"{" di":[]}"#),
        plain(br#"{"user":"alice","\x":1}"#),
        zlib("[]"),
        zlib(r#"{"user":"alice""#),
    ];
    for cookie in forms {
        let handler = |session: Session| async move {
            HttpResponse::Ok().json((session.is_new(), session.is_empty()))
        };
        let answer = SharedSessions::new().answer(&cookie, handler).await;
        assert_eq!((answer.status.as_u16(), &*answer.body), (200, "[true,true]"), "{cookie}");
        assert_eq!(answer.cookie(), None);
    }
}

#[actix_web::test]
async fn a_session_that_is_too_large_for_its_cookie_is_an_error() {
    let fill = |noise: bool| {
        move |session: Session| async move {
            // Digits of powers of three do not compress well.
            let text = if noise {
                (0..3_000_u64)
                    .map(|n| 3_u64.wrapping_pow(u32::try_from(n).expect("small")).to_string())
                    .collect()
            } else {
                "x".repeat(60_000)
            };
            session.insert("text", text).expect("a session");
            HttpResponse::Ok().finish()
        }
    };
    let answer = SharedSessions::new().answer("", fill(false)).await;
    assert!(answer.cookie().expect("it is compressed").value.len() < 1_000);
    let logged = Logged::start();
    let answer = SharedSessions::new().answer("", fill(true)).await;
    assert_eq!((answer.status.as_u16(), answer.cookie()), (500, None));
    let said = format!("{:?}", logged.take_own());
    assert!(said.contains("does not fit in its cookie"), "{said}");
    assert!(said.contains("the largest key is `text`"), "{said}");
}

// What both share.

const FLASK: &str = r#"{"_flashes":[{" t":["message",{" m":"<b>hi</b>"}]}],"_fresh":true,"_id":"0f","_permanent":true,"_user_id":"7","csrf_token":"b5d1"}"#;

#[actix_web::test]
async fn messages_are_shared_and_those_of_flask_stay_what_they_are() {
    let flash = |session: &Session| session.flash("error", "ü").unwrap();
    let json = SharedSessions::new().write(&flask_cookie(FLASK), flash).await;
    let mine = r#"{" m":"<b>hi</b>"}]},{" t":["error","\u00fc"]}]"#;
    assert_eq!(json, FLASK.replace(r#"{" m":"<b>hi</b>"}]}]"#, mine));
    assert_eq!(
        SharedSessions::new().write("", flash).await,
        r#"{"_flashes":[{" t":["error","\u00fc"]}]}"#
    );
    let taken = SharedSessions::new().open(&json, |session| session.take_flashes().unwrap()).await;
    let expected = [("message", "<b>hi</b>"), ("error", "ü")];
    assert_eq!(taken, expected.map(|(category, text)| (category.to_owned(), text.to_owned())));
    let take = |session: &Session| drop(session.take_flashes().unwrap());
    let left = SharedSessions::new().write(&flask_cookie(&json), take).await;
    assert_eq!(left, FLASK.replace(r#""_flashes":[{" t":["message",{" m":"<b>hi</b>"}]}],"#, ""));
}

#[actix_web::test]
async fn a_session_that_is_not_permanent_says_so_where_that_is_set() {
    let set = |session: &Session| session.set_permanent(false).unwrap();
    assert_eq!(SharedSessions::new().write("", set).await, r#"{"_permanent":false}"#);
    let json = SharedSessions::new().write(&flask_cookie(FLASK), set).await;
    assert_eq!(json, FLASK.replace(r#""_permanent":true"#, r#""_permanent":false"#));
}

#[actix_web::test]
async fn messages_that_are_no_list_are_an_error_and_stay() {
    let cookie = r#"{"_flashes":{" t":[]}}"#;
    let flashed = SharedSessions::new().open(cookie, |session| session.flash("error", "no")).await;
    assert!(matches!(flashed, Err(SessionError::Decode { .. })));
}

#[actix_web::test]
async fn what_flask_login_and_flask_wtf_keep_stays_intact() {
    let touch = |session: &Session| {
        assert!(session.permanent());
        assert_eq!(session.get::<String>("_user_id").unwrap().as_deref(), Some("7"));
        assert_eq!(session.get::<bool>("_fresh").unwrap(), Some(true));
        session.insert("zeta", 1).unwrap();
    };
    let json = SharedSessions::new().write(&flask_cookie(FLASK), touch).await;
    assert_eq!(json, FLASK.replace(r#""b5d1"}"#, r#""b5d1","zeta":1}"#));
    let log_in = |session: &Session| {
        session.insert("_user_id", "8").unwrap();
        session.insert("_fresh", true).unwrap();
    };
    let json = SharedSessions::new().write("", log_in).await;
    assert_eq!(json, r#"{"_fresh":true,"_user_id":"8"}"#);
}

#[actix_web::test]
async fn owner_and_start_are_keys_like_others_to_flask() {
    let sessions = SharedSessions::new();
    let config = sessions.config.absolute_timeout(Duration::from_secs(3_600));
    let sessions = SharedSessions::with_config(config);
    let log_in = |session: &Session| session.set_owner("é7").unwrap();
    let json = sessions.clone().write("", log_in).await;
    assert_eq!(json, r#"{"_owner":"\u00e97","_started":1767225600}"#);
    let owner = sessions.clone().open(&json, |session| (session.owner(), session.keys())).await;
    assert_eq!(owner, (Some("é7".to_owned()), vec!["_owner".to_owned()]));
    // A session that Flask began gets its start from its signature.
    let insert = |session: &Session| session.insert("a", 1).unwrap();
    let json = sessions.write(&alice(), insert).await;
    assert_eq!(json, r#"{"_started":1767225600,"a":1,"user":"alice"}"#);
}

#[actix_web::test]
async fn an_equal_value_is_no_change_and_costs_no_cookie() {
    let json = r#"{"a":{" t":[1,"\u00e9"]},"b":1.5}"#;
    let handler = |session: Session| async move {
        session.insert("a", Tuple((1, "é"))).expect("a session");
        session.insert("b", 1.5).expect("a session");
        HttpResponse::Ok().finish()
    };
    let answer = SharedSessions::new().answer(&flask_cookie(json), handler).await;
    assert_eq!(answer.cookie(), None);
    let handler = |session: Session| async move {
        session.insert("a", (1, "é")).expect("a session");
        HttpResponse::Ok().finish()
    };
    let answer = SharedSessions::new().answer(&flask_cookie(json), handler).await;
    let changed = r#"{"a":[1,"\u00e9"],"b":1.5}"#;
    assert_eq!(flask_json(&answer.cookie().expect("a list is no tuple").value), changed);
}
