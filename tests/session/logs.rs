//! What is logged: each event once, and nothing of tokens and keys.

use std::{
    future::{Ready, ready},
    time::Duration,
};

use actix_http::Request;
use actix_service::{IntoServiceFactory, Service, ServiceFactory};
use actix_web::{
    App, Error, HttpRequest, HttpResponse,
    body::MessageBody,
    dev::{AppConfig, ServiceResponse},
    http::header::{CACHE_CONTROL, COOKIE, SET_COOKIE},
    test::{TestRequest, init_service},
    web,
};
use serde_json::json;
use sessions::{
    SameSite, Session, SessionConfig, SessionInterface, SessionMiddleware, SessionState,
    SignedCookie, TrySession,
    error::SaveError,
    interface::{SaveContext, Saved},
    policy::{CookieName, OnLoadError, OnSaveError, OpenMode},
    test::{TestClient, TestClock},
};
use sessions_tests::{Answer, Browser, Logged, Switched, key, seeded};
use tracing::Level;

async fn act(session: Session, request: HttpRequest) -> actix_web::Result<HttpResponse> {
    let mut response = HttpResponse::Ok();
    match request.path() {
        "/read" => drop(session.keys()),
        "/count" => drop(session.update("n", |n: Option<u32>| n.unwrap_or(0) + 1)?),
        "/purge" => drop(session.purge()?),
        "/own" => {
            session.renew()?;
            session.insert("n", 1)?;
            response.append_header((SET_COOKIE, "session=own"));
            response.append_header((SET_COOKIE, "session=own; Path=/again"));
        }
        "/public" => {
            session.insert("n", 1)?;
            response.append_header((CACHE_CONTROL, "public"));
            response.append_header((CACHE_CONTROL, "s-maxage=60"));
        }
        other => panic!("nothing to do at {other}"),
    }
    Ok(response.finish())
}

async fn app<I: SessionInterface>(
    middleware: SessionMiddleware<I>,
) -> impl Service<Request, Response = ServiceResponse<impl MessageBody>, Error = Error> {
    let several = |_: Option<Session>, _: TrySession, _: Result<Session, Error>, _: Session| {
        ready("answered")
    };
    init_service(
        App::new()
            .wrap(middleware)
            .route("/several", web::get().to(several))
            .default_service(web::to(act)),
    )
    .await
}

/// The one event there is: its level, and its text.
#[track_caller]
fn the_event(logged: &Logged) -> (Level, String) {
    let mut lines = logged.take_own();
    assert_eq!(lines.len(), 1, "{lines:?}");
    lines.remove(0)
}

#[track_caller]
fn assert_event(logged: &Logged, level: Level, parts: &[&str]) {
    let (found, text) = the_event(logged);
    assert_eq!(found, level, "{text}");
    for part in parts {
        assert!(text.contains(part), "no {part:?} in: {text}");
    }
}

// Opening.

#[actix_web::test]
async fn what_goes_well_is_no_event() {
    let (sessions, _) = Switched::sessions(SessionConfig::new().permanent(true));
    let logged = Logged::start();
    let app = app(SessionMiddleware::new(sessions)).await;
    let mut browser = Browser::new();
    for path in ["/read", "/count", "/count", "/read", "/several", "/purge", "/read"] {
        assert_eq!(browser.get(&app, path).await.status, 200, "{path}");
    }
    assert_eq!(logged.take_own(), []);
}

#[actix_web::test]
async fn a_bad_cookie_is_one_event_with_its_reason_and_without_its_text() {
    let time = TestClock::new();
    let (sessions, _) = Switched::sessions(SessionConfig::new());
    let client = TestClient::with_clock(&sessions, time.clock());
    let app = app(SessionMiddleware::new(sessions.clone()).with_clock(time.clock())).await;
    let seed = async || {
        let request = seeded(&client, TestRequest::default(), json!({"n": 1})).await;
        let cookie = request.to_http_request().headers().get(COOKIE).unwrap().clone();
        cookie.to_str().unwrap().to_owned()
    };
    let expired = seed().await;
    time.advance(Duration::from_secs(32 * 24 * 60 * 60));
    let valid = seed().await;
    time.advance(Duration::from_secs(3_600));
    let future = seed().await;
    time.go_back(Duration::from_secs(3_600));
    let forged = valid.replacen("session=", "session=x", 1);
    let logged = Logged::start();
    for (cookie, reason, text) in [
        ("session=gibberish", "format", "it is not in the format of a token"),
        ("session=", "format", "it is not in the format of a token"),
        (&forged, "signature", "its signature does not verify"),
        (&expired, "expired", "it is older than its lifetime"),
        (&future, "future", "it was signed in the future"),
    ] {
        let request = TestRequest::with_uri("/several").insert_header((COOKIE, cookie));
        assert_eq!(Answer::of(&app, request).await.status, 200);
        let expected = format!("session cookie refused: {text} reason={reason:?}");
        assert_eq!(the_event(&logged), (Level::INFO, expected));
    }
    let request = TestRequest::with_uri("/read");
    let three = request.insert_header((COOKIE, "session=a; session=b; session=b; session=c"));
    Answer::of(&app, three).await;
    assert_eq!(logged.take_own().len(), 3, "one for each");
}

#[actix_web::test]
async fn two_different_valid_cookies_are_one_event() {
    let (sessions, _) = Switched::sessions(SessionConfig::new());
    let client = TestClient::new(&sessions);
    let app = app(SessionMiddleware::new(sessions.clone())).await;
    let request = seeded(&client, TestRequest::with_uri("/read"), json!({"n": 1})).await;
    let request = seeded(&client, request, json!({"n": 1})).await;
    let logged = Logged::start();
    Answer::of(&app, request).await;
    assert_eq!(logged.take_own(), [], "the same twice is one");
    let request = seeded(&client, TestRequest::with_uri("/read"), json!({"n": 1})).await;
    let request = seeded(&client, request, json!({"n": 2})).await;
    logged.take();
    Answer::of(&app, request).await;
    assert_event(&logged, Level::WARN, &["two different session cookies verify"]);
}

#[actix_web::test]
async fn a_failed_opening_is_one_event_however_often_the_session_is_asked_for() {
    let cases = [
        (SessionConfig::new(), 503),
        (SessionConfig::new().open(OpenMode::Eager), 503),
        (SessionConfig::new().on_load_error(OnLoadError::Null), 200),
    ];
    for (config, status) in cases {
        for path in ["/read", "/several"] {
            let (sessions, switches) = Switched::sessions(config.clone());
            let app = app(SessionMiddleware::new(sessions)).await;
            switches.fail_open(true);
            let logged = Logged::start();
            assert_eq!(Browser::new().get(&app, path).await.status, status);
            let parts = ["session not opened", "AppSessions", "unavailable: told to fail"];
            assert_event(&logged, Level::ERROR, &parts);
        }
    }
}

#[actix_web::test]
async fn a_handler_without_the_middleware_is_one_event_that_names_the_path() {
    let app = init_service(App::new().default_service(web::to(act))).await;
    let logged = Logged::start();
    assert_eq!(Browser::new().get(&app, "/read").await.status, 500);
    assert_event(&logged, Level::ERROR, &["no session for this route; wrap the `App`", "/read"]);
}

#[derive(Clone, SessionInterface)]
#[session(samesite = by_path)]
struct ByPath {
    backend: SignedCookie,
    config: SessionConfig,
}

fn by_path(_: &ByPath, request: &HttpRequest) -> SameSite {
    if request.path() == "/read" { SameSite::None } else { SameSite::Lax }
}

#[actix_web::test]
async fn a_policy_that_is_wrong_for_one_request_is_one_event_with_its_reason() {
    let config = SessionConfig::new().cookie_secure(false);
    let sessions = ByPath { backend: SignedCookie::new(key(1)), config };
    let app = app(SessionMiddleware::new(sessions)).await;
    let logged = Logged::start();
    assert_eq!(Browser::new().get(&app, "/count").await.status, 200);
    assert_eq!(logged.take_own(), []);
    assert_eq!(Browser::new().get(&app, "/read").await.status, 500);
    let parts = ["session not opened", "`samesite = \"None\"` requires `secure`"];
    assert_event(&logged, Level::ERROR, &parts);
}

// Saving.

#[actix_web::test]
async fn a_failed_saving_is_one_event() {
    for (on_save_error, down) in [(OnSaveError::Error, 503), (OnSaveError::Log, 200)] {
        let (sessions, switches) =
            Switched::sessions(SessionConfig::new().on_save_error(on_save_error));
        let app = app(SessionMiddleware::new(sessions)).await;
        let logged = Logged::start();
        switches.fail_save(true);
        assert_eq!(Browser::new().get(&app, "/count").await.status, down);
        let parts = ["session not saved", "AppSessions", "unavailable: told to fail"];
        assert_event(&logged, Level::ERROR, &parts);
    }
}

#[derive(Clone, SessionInterface)]
#[session(save_with = with_a_space)]
struct Spaced {
    backend: SignedCookie,
}

fn with_a_space(
    _: &Spaced,
    _: &SessionState,
    _: SaveContext<'_>,
) -> Ready<Result<Saved, SaveError>> {
    ready(Ok(Saved::token("not-for-the log".to_owned())))
}

#[actix_web::test]
async fn a_token_that_no_cookie_may_hold_is_one_event_without_the_token() {
    let sessions = Spaced { backend: SignedCookie::new(key(1)) };
    let app = app(SessionMiddleware::new(sessions)).await;
    let logged = Logged::start();
    let answer = Browser::new().get(&app, "/count").await;
    assert_eq!((answer.status.as_u16(), answer.cookie()), (500, None));
    let (level, text) = the_event(&logged);
    assert_eq!(level, Level::ERROR);
    assert!(text.contains("a character that is not allowed in a cookie"), "{text}");
    assert!(!text.contains("not-for-the"), "{text}");
}

#[actix_web::test]
async fn a_cookie_or_a_cache_control_that_is_overruled_is_one_event() {
    let (sessions, _) = Switched::sessions(SessionConfig::new());
    let app = app(SessionMiddleware::new(sessions)).await;
    let logged = Logged::start();
    Browser::new().get(&app, "/own").await;
    assert_event(&logged, Level::WARN, &["sets the session's cookie by itself", "session"]);
    Browser::new().get(&app, "/public").await;
    assert_event(&logged, Level::WARN, &["lets shared caches keep it"]);
}

// Building.

#[derive(Clone, SessionInterface)]
#[session(cookie_name = "fixed", lifetime = "14 days", samesite = by_nobody)]
struct Fixed {
    backend: SignedCookie,
    config: SessionConfig,
}

fn by_nobody(_: &Fixed, _: &HttpRequest) -> SameSite {
    SameSite::Lax
}

#[actix_web::test]
async fn settings_that_attributes_override_are_one_event_when_the_service_is_built() {
    let config = SessionConfig::new()
        .cookie_name(CookieName::from_static("from-config"))
        .lifetime(Duration::from_secs(1))
        .cookie_samesite(SameSite::Strict)
        .permanent(true);
    let sessions = Fixed { backend: SignedCookie::new(key(1)), config };
    let logged = Logged::start();
    let app = app(SessionMiddleware::new(sessions)).await;
    let (level, text) = the_event(&logged);
    assert_eq!(level, Level::WARN);
    let names = text.rsplit("remove one or the other: ").next().unwrap().split(' ').take(3);
    let mut names: Vec<_> = names.map(|name| name.trim_matches(',')).collect();
    names.sort_unstable();
    assert_eq!(names, ["cookie_name", "cookie_samesite", "lifetime"], "{text}");
    assert!(text.contains("logs::Fixed") && !text.contains("permanent"), "{text}");
    let answer = Browser::new().get(&app, "/count").await;
    assert_eq!(answer.cookie().map(|cookie| cookie.name).as_deref(), Some("fixed"));
    assert_eq!(logged.take_own(), []);
}

#[actix_web::test]
async fn wrong_policies_are_one_event_with_the_reason_and_no_service() {
    let lifetime = SessionConfig::new().lifetime(Duration::ZERO);
    let insecure = SessionConfig::new().cookie_secure(false);
    let cases = [
        lifetime,
        insecure.clone().cookie_name(CookieName::from_static("__Host-id")),
        insecure.cookie_samesite(SameSite::None),
    ];
    for config in cases {
        let (sessions, _) = Switched::sessions(config);
        let reason = sessions.check().unwrap_err().to_string();
        let logged = Logged::start();
        let factory = App::new().wrap(sessions).default_service(web::to(act)).into_factory();
        let built = factory.new_service(AppConfig::default()).await;
        assert!(built.is_err());
        let parts = ["session policies are wrong", "AppSessions", &reason];
        assert_event(&logged, Level::ERROR, &parts);
    }
}

#[actix_web::test]
async fn a_server_name_that_gives_no_domain_is_one_event() {
    for (name, part) in [
        ("localhost:8080", "without a dot"),
        ("192.0.2.1", "is an IP address"),
        ("exa mple.com", "no cookie domain from this server name"),
    ] {
        let (sessions, _) = Switched::sessions(SessionConfig::new().server_name(name));
        let logged = Logged::start();
        let app = app(SessionMiddleware::new(sessions)).await;
        for _ in 0..3 {
            Browser::new().get(&app, "/count").await;
        }
        assert_event(&logged, Level::WARN, &[part, name]);
    }
}
