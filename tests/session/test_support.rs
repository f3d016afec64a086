//! What an application's own tests use: sessions to begin with, sessions that are left, and time.

use std::{borrow::Cow, time::Duration};

use actix_http::{HttpMessage, Request};
use actix_service::Service;
use actix_web::{
    App, Error, HttpRequest, HttpResponse,
    body::MessageBody,
    dev::ServiceResponse,
    http::header::{COOKIE, HOST},
    test::{TestRequest, call_service, init_service},
    web,
};
use serde::Serialize;
use serde_json::{Value, json};
use sessions::{
    SameSite, Session, SessionConfig, SessionInterface, SessionMiddleware, SessionState,
    SignedCookie,
    policy::CookieName,
    test::{TestClock, TestSessions},
};
use sessions_tests::{AppSessions, Switched, key};

fn plain() -> AppSessions {
    AppSessions::signed(SessionConfig::new())
}

/// What it does to the session is the last part of the path.
async fn act(session: Session, request: HttpRequest) -> actix_web::Result<HttpResponse> {
    match request.path().rsplit('/').next() {
        Some("count") => drop(session.update("n", |n: Option<u32>| n.unwrap_or(0) + 1)?),
        Some("clear") => session.clear()?,
        Some("purge") => drop(session.purge()?),
        _ => {}
    }
    let content = Value::Object(session.entries()?);
    Ok(HttpResponse::Ok().insert_header(("x-new", session.is_new().to_string())).json(content))
}

async fn app<I: SessionInterface>(
    middleware: SessionMiddleware<I>,
) -> impl Service<Request, Response = ServiceResponse<impl MessageBody>, Error = Error> {
    init_service(
        App::new()
            .wrap(middleware)
            .route("/static", web::get().to(HttpResponse::Ok))
            .default_service(web::to(act)),
    )
    .await
}

fn content(dictionary: &SessionState) -> Value {
    serde_json::from_str(&dictionary.to_json()).expect("it is JSON")
}

async fn body(response: ServiceResponse<impl MessageBody>) -> Value {
    actix_web::test::read_body_json(response).await
}

// Seeding.

#[actix_web::test]
async fn a_seeded_session_is_one_that_a_former_request_left() {
    #[derive(Serialize)]
    struct Seed {
        user: &'static str,
        roles: [u8; 2],
    }
    let sessions = plain();
    let app = app(SessionMiddleware::new(sessions.clone())).await;
    let client = TestSessions::new(&sessions);
    let request = client.seed(TestRequest::default(), Seed { user: "alice", roles: [1, 2] }).await;
    let response = call_service(&app, request.to_request()).await;
    assert_eq!(response.headers().get("x-new").unwrap(), "false");
    assert_eq!(body(response).await, json!({"user": "alice", "roles": [1, 2]}));
}

#[actix_web::test]
async fn seeding_keeps_what_the_request_has_besides() {
    let sessions = plain();
    let app = app(SessionMiddleware::new(sessions.clone())).await;
    let client = TestSessions::new(&sessions);
    let request = TestRequest::post().uri("/count").insert_header((COOKIE, "theme=dark"));
    let request = client.seed(request, json!({"n": 1})).await.to_request();
    assert_eq!((request.method().as_str(), request.path()), ("POST", "/count"));
    let cookies: Vec<_> = request.headers().get_all(COOKIE).collect();
    assert!(cookies.iter().any(|cookie| cookie.as_bytes() == b"theme=dark"), "{cookies:?}");
    assert_eq!(body(call_service(&app, request).await).await, json!({"n": 2}));
}

#[actix_web::test]
async fn a_seeded_session_starts_as_its_policies_say() {
    let time = TestClock::new();
    let config = SessionConfig::new().permanent(true).absolute_timeout(Duration::from_secs(60));
    let sessions = AppSessions::signed(config);
    let client = TestSessions::with_clock(&sessions, time.clock());
    let app = app(SessionMiddleware::new(sessions.clone()).with_clock(time.clock())).await;
    let seed = async || client.seed(TestRequest::default(), json!({"n": 1})).await.to_request();
    let (now, later) = (seed().await, seed().await);
    time.advance(Duration::from_secs(59));
    let alive = call_service(&app, now).await;
    assert_eq!(body(alive).await, json!({"_permanent": true, "n": 1}));
    time.advance(Duration::from_secs(1));
    assert_eq!(body(call_service(&app, later).await).await, json!({}));
}

#[actix_web::test]
#[should_panic(expected = "the content of a session must be a JSON object")]
async fn seeding_something_else_than_an_object_panics() {
    TestSessions::new(&plain()).seed(TestRequest::default(), ["a", "b"]).await;
}

#[actix_web::test]
#[should_panic(expected = "the content of a session must be a JSON object: ")]
async fn seeding_what_cannot_be_json_panics() {
    let keys = std::collections::BTreeMap::from([(vec![1], 1)]);
    TestSessions::new(&plain()).seed(TestRequest::default(), keys).await;
}

#[actix_web::test]
#[should_panic(expected = "seed at least one key")]
async fn seeding_nothing_panics() {
    TestSessions::new(&plain()).seed(TestRequest::default(), json!({})).await;
}

#[actix_web::test]
#[should_panic(expected = "`_started` cannot be seeded: the key `_started` is reserved")]
async fn seeding_a_key_of_the_framework_panics() {
    TestSessions::new(&plain()).seed(TestRequest::default(), json!({"_started": 1})).await;
}

#[actix_web::test]
#[should_panic(expected = "`big` cannot be seeded: `big` does not fit in the session")]
async fn seeding_more_than_a_cookie_holds_panics() {
    let content = json!({"big": "x".repeat(5_000)});
    TestSessions::new(&plain()).seed(TestRequest::default(), content).await;
}

#[derive(Clone, SessionInterface)]
struct KeylessSessions {
    config: SessionConfig,
}

#[actix_web::test]
#[should_panic(expected = "`n` cannot be seeded: there is no session to write to: no secret key")]
async fn seeding_a_null_session_panics_with_its_reason() {
    let sessions = KeylessSessions { config: SessionConfig::new() };
    TestSessions::new(&sessions).seed(TestRequest::default(), json!({"n": 1})).await;
}

#[derive(Clone, SessionInterface)]
struct SwitchedSessions {
    backend: Switched,
}

#[actix_web::test]
#[should_panic(expected = "the session cannot be saved: the session store is unavailable")]
async fn seeding_where_saving_fails_panics() {
    let (backend, switches) = Switched::new(SignedCookie::new(key(1)));
    switches.fail_save(true);
    let client = TestSessions::new(&SwitchedSessions { backend });
    client.seed(TestRequest::default(), json!({"n": 1})).await;
}

#[actix_web::test]
#[should_panic(expected = "the session cannot be opened: the session store is unavailable")]
async fn reading_where_opening_fails_panics() {
    let (backend, switches) = Switched::new(SignedCookie::new(key(1)));
    let sessions = SwitchedSessions { backend };
    let app = app(SessionMiddleware::new(sessions.clone())).await;
    let response = call_service(&app, TestRequest::with_uri("/count").to_request()).await;
    switches.fail_open(true);
    TestSessions::new(&sessions).left_by(&response).await;
}

#[test]
#[should_panic(expected = "the policies are wrong: ")]
fn an_interface_whose_policies_are_wrong_panics() {
    let config = SessionConfig::new().cookie_secure(false).cookie_samesite(SameSite::None);
    let _ = TestSessions::new(&AppSessions::signed(config));
}

// Reading.

#[actix_web::test]
async fn what_is_left_is_what_the_response_sets() {
    let sessions = plain();
    let app = app(SessionMiddleware::new(sessions.clone())).await;
    let client = TestSessions::new(&sessions);
    let first = call_service(&app, TestRequest::with_uri("/count").to_request()).await;
    let left = client.left_by(&first).await;
    assert_eq!(content(&left), json!({"n": 1}));
    assert!(!left.is_new());
    let request = client.seed(TestRequest::with_uri("/count"), json!({"n": 7, "a": 1})).await;
    let second = call_service(&app, request.to_request()).await;
    assert_eq!(content(&client.left_by(&second).await), json!({"a": 1, "n": 8}));
    assert_eq!(client.left_by(&second).await.get::<u32>("n").unwrap(), Some(8));
}

#[actix_web::test]
async fn nothing_is_left_by_a_response_that_removes_the_cookie() {
    let sessions = plain();
    let app = app(SessionMiddleware::new(sessions.clone())).await;
    let client = TestSessions::new(&sessions);
    for path in ["/clear", "/purge"] {
        let request = client.seed(TestRequest::with_uri(path), json!({"n": 1})).await;
        let left = client.left_by(&call_service(&app, request.to_request()).await).await;
        assert!(left.is_empty() && left.is_new(), "{path}");
    }
}

#[actix_web::test]
async fn a_response_that_leaves_the_cookie_alone_leaves_the_session() {
    let sessions = plain();
    let app = app(SessionMiddleware::new(sessions.clone())).await;
    let client = TestSessions::new(&sessions);
    for path in ["/static", "/read"] {
        let request = client.seed(TestRequest::with_uri(path), json!({"n": 1})).await;
        let response = call_service(&app, request.to_request()).await;
        assert_eq!(content(&client.left_by(&response).await), json!({"n": 1}), "{path}");
        let none = call_service(&app, TestRequest::with_uri(path).to_request()).await;
        assert!(client.left_by(&none).await.is_new(), "{path}");
    }
}

#[actix_web::test]
async fn the_session_that_is_left_is_found_beside_other_cookies() {
    let sessions = plain();
    let app = app(SessionMiddleware::new(sessions.clone())).await;
    let client = TestSessions::new(&sessions);
    let other = TestRequest::with_uri("/static").insert_header((COOKIE, "theme=dark; id=\"x\""));
    let request = client.seed(other, json!({"n": 1})).await;
    let response = call_service(&app, request.to_request()).await;
    assert_eq!(content(&client.left_by(&response).await), json!({"n": 1}));
}

// Time.

#[actix_web::test]
async fn clones_of_a_test_clock_share_its_time() {
    let time = TestClock::new();
    let (clock, other) = (time.clock(), time.clone());
    let begin = clock.now();
    other.advance(Duration::from_secs(90));
    time.go_back(Duration::from_secs(30));
    assert_eq!(clock.now(), begin + Duration::from_secs(60));
    assert_eq!(clock.now(), other.now());
    assert_eq!(TestClock::default().now(), begin);
}

#[actix_web::test]
async fn seeding_and_reading_take_their_time_from_the_clock() {
    let time = TestClock::new();
    let sessions = AppSessions::signed(SessionConfig::new().lifetime(Duration::from_secs(60)));
    let app = app(SessionMiddleware::new(sessions.clone()).with_clock(time.clock())).await;
    let client = TestSessions::with_clock(&sessions, time.clock());
    let request = client.seed(TestRequest::with_uri("/count"), json!({"n": 1})).await;
    let response = call_service(&app, request.to_request()).await;
    time.advance(Duration::from_secs(60));
    assert_eq!(content(&client.left_by(&response).await), json!({"n": 2}));
    time.advance(Duration::from_secs(1));
    assert!(client.left_by(&response).await.is_new());
}

// Interfaces that look at the request.

#[derive(Clone, SessionInterface)]
#[session(cookie_name = by_host_or_path)]
struct ManySites {
    backend: SignedCookie,
}

fn by_host_or_path<'p>(_: &'p ManySites, request: &'p HttpRequest) -> Cow<'p, str> {
    if request.path().starts_with("/admin/") {
        return "admin".into();
    }
    let host = request.headers().get(HOST).and_then(|host| host.to_str().ok());
    host.map_or("none".into(), |host| format!("at-{host}").into())
}

#[actix_web::test]
async fn policies_are_asked_with_the_request_that_is_set() {
    let sessions = ManySites { backend: SignedCookie::new(key(1)) };
    let app = app(SessionMiddleware::new(sessions.clone())).await;
    let admin = || TestRequest::with_uri("/admin/count");
    let host = || TestRequest::with_uri("/count").insert_header((HOST, "b.example"));
    for (like, name) in [(admin as fn() -> TestRequest, "admin"), (host, "at-b.example")] {
        let client = TestSessions::new(&sessions).for_request(like().to_http_request());
        let request = client.seed(like(), json!({"n": 1})).await.to_request();
        let cookie = request.headers().get(COOKIE).unwrap().to_str().unwrap();
        assert_eq!(cookie.split('=').next(), Some(name));
        let response = call_service(&app, request).await;
        assert_eq!(content(&client.left_by(&response).await), json!({"n": 2}), "{name}");
        let again = call_service(&app, like().to_request()).await;
        assert_eq!(content(&client.left_by(&again).await), json!({"n": 1}), "{name}");
    }
}

#[actix_web::test]
async fn of_two_interfaces_each_reads_its_own_cookie() {
    let (one, other) = (
        plain(),
        AppSessions::signed(SessionConfig::new().cookie_name(CookieName::from_static("other"))),
    );
    let (of_one, of_other) = (TestSessions::new(&one), TestSessions::new(&other));
    let app = app(SessionMiddleware::new(one.clone())).await;
    let request = of_one.seed(TestRequest::with_uri("/count"), json!({"n": 1})).await;
    let response = call_service(&app, request.to_request()).await;
    assert_eq!(content(&of_one.left_by(&response).await), json!({"n": 2}));
    assert!(of_other.left_by(&response).await.is_new());
}
