//! What an application's own tests use: a client with a session, the session that a response leaves, and time.

use std::{borrow::Cow, time::Duration};

use actix_http::{HttpMessage, Request};
use actix_service::Service;
use actix_web::{
    App, Error, HttpRequest, HttpResponse,
    body::MessageBody,
    dev::ServiceResponse,
    http::header::{COOKIE, HOST},
    test::{TestRequest, call_service, init_service, read_body},
    web,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sessions::{
    Lifetimes, MemoryStore, SameSite, ServerSide, Session, SessionConfig, SessionError,
    SessionInterface, SessionMiddleware, SignedCookie,
    policy::CookieName,
    test::{TestClient, TestClock},
};
use sessions_login::{LoginSession, User};
use sessions_tests::{AppSessions, Mode, Switched, key};

fn plain() -> AppSessions {
    AppSessions::signed(SessionConfig::new())
}

/// What it does to the session is the last part of the path.
async fn act(session: Session, request: HttpRequest) -> actix_web::Result<HttpResponse> {
    match request.path().rsplit('/').next() {
        Some("count") => drop(session.update("n", |n: Option<u32>| n.unwrap_or(0) + 1)?),
        Some("clear") => session.clear()?,
        Some("purge") => drop(session.purge()?),
        Some("buy") => {
            let owner = session.owner().unwrap_or_else(|| "nobody".to_owned());
            session.flash("success", format!("Sent to {owner}."))?;
        }
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

/// The content of a session, as JSON.
fn content<I: SessionInterface>(session: &Session<I>) -> Value {
    Value::Object(session.entries().expect("it is JSON"))
}

async fn body(response: ServiceResponse<impl MessageBody>) -> Value {
    actix_web::test::read_body_json(response).await
}

fn n(number: u32) -> impl FnOnce(&Session<AppSessions>) -> Result<(), SessionError> {
    move |session| session.insert("n", number)
}

struct Alice;

impl User for Alice {
    fn id(&self) -> impl std::fmt::Display {
        "alice"
    }

    fn stamp(&self) -> impl AsRef<[u8]> {
        "the hash of a password"
    }
}

// A session before a request.

#[actix_web::test]
async fn with_every_backend_the_closure_has_the_handle_of_handlers() {
    for mode in Mode::all(key(1)).into_iter().chain([Mode::flask(key(1))]) {
        let name = mode.name();
        let sessions = AppSessions { backend: mode, config: SessionConfig::new() };
        let client = TestClient::new(&sessions);
        let app = app(client.middleware()).await;
        let buy = TestRequest::post().uri("/buy");
        let request = client.with(buy, |session| session.log_in(&Alice)).await;
        let response = call_service(&app, request.to_request()).await;
        assert_eq!(response.headers().get("x-new").unwrap(), "false", "{name}");
        let after = client.session_after(&response).await;
        assert_eq!(after.owner().as_deref(), Some("alice"), "{name}");
        let flashes = after.take_flashes().unwrap();
        assert_eq!(flashes, [("success".into(), "Sent to alice.".into())], "{name}");

        let kiosk = Lifetimes::new().idle_timeout(Duration::from_secs(60));
        let laptop = client.another();
        let request = laptop
            .with(TestRequest::default(), |session| {
                session.set_lifetimes(kiosk)?;
                session.set_permanent(true)?;
                session.flash("info", "text")
            })
            .await;
        let response = call_service(&app, request.to_request()).await;
        let after = laptop.session_after(&response).await;
        assert_eq!((after.lifetimes(), after.permanent()), (kiosk, true), "{name}");
        assert_eq!(after.owner(), None, "{name}");
    }
}

#[actix_web::test]
async fn a_session_of_a_client_is_one_that_a_former_request_left() {
    #[derive(Serialize, Deserialize, PartialEq, Debug)]
    struct Roles([u8; 2]);
    let client = TestClient::new(&plain());
    let app = app(client.middleware()).await;
    let request = client
        .with(TestRequest::default(), |session| {
            session.insert("user", "alice")?;
            session.insert("roles", Roles([1, 2]))
        })
        .await;
    let response = call_service(&app, request.to_request()).await;
    assert_eq!(response.headers().get("x-new").unwrap(), "false");
    assert_eq!(body(response).await, json!({"user": "alice", "roles": [1, 2]}));
}

#[actix_web::test]
async fn typed_content_is_changed_and_read_as_in_a_handler() {
    #[derive(Default, Serialize, Deserialize)]
    struct Cart {
        items: Vec<String>,
    }
    #[derive(Clone, SessionInterface)]
    #[session(data = Cart)]
    struct Shop {
        backend: ServerSide<MemoryStore>,
    }
    async fn add(session: Session<Shop>) -> actix_web::Result<String> {
        Ok(session
            .modify(|cart| {
                cart.items.push("cup".into());
                cart.items.len()
            })?
            .to_string())
    }
    let client = TestClient::new(&Shop { backend: ServerSide::new(MemoryStore::new()) });
    let app = App::new().wrap(client.middleware()).default_service(web::to(add));
    let app = init_service(app).await;
    let request = client
        .with(TestRequest::default(), |session| {
            session.modify(|cart| cart.items.push("tea".into()))
        })
        .await;
    let response = client.call(&app, request).await;
    let after = client.session_after(&response).await;
    assert_eq!(after.snapshot().unwrap().items, ["tea", "cup"]);
}

#[actix_web::test]
async fn a_request_keeps_what_it_has_besides() {
    let client = TestClient::new(&plain());
    let app = app(client.middleware()).await;
    let request = TestRequest::post().uri("/count").insert_header((COOKIE, "theme=dark"));
    let request = client.with(request, n(1)).await.to_request();
    assert_eq!((request.method().as_str(), request.path()), ("POST", "/count"));
    let cookies: Vec<_> = request.headers().get_all(COOKIE).collect();
    assert!(cookies.iter().any(|cookie| cookie.as_bytes() == b"theme=dark"), "{cookies:?}");
    assert_eq!(body(call_service(&app, request).await).await, json!({"n": 2}));
}

#[actix_web::test]
async fn a_session_of_a_client_starts_as_its_policies_say() {
    let time = TestClock::new();
    let config = SessionConfig::new().permanent(true).absolute_timeout(Duration::from_secs(60));
    let client = TestClient::with_clock(&AppSessions::signed(config), time.clock());
    let app = app(client.middleware()).await;
    let seed = async || client.another().with(TestRequest::default(), n(1)).await.to_request();
    let (now, later) = (seed().await, seed().await);
    time.advance(Duration::from_secs(59));
    let alive = call_service(&app, now).await;
    assert_eq!(body(alive).await, json!({"_permanent": true, "n": 1}));
    time.advance(Duration::from_secs(1));
    assert_eq!(body(call_service(&app, later).await).await, json!({}));
}

#[actix_web::test]
#[should_panic(expected = "the session cannot be changed: the key `_started` is reserved")]
async fn a_change_that_is_an_error_panics() {
    let client = TestClient::new(&plain());
    client.with(TestRequest::default(), |session| session.insert("_started", 1)).await;
}

#[actix_web::test]
#[should_panic(expected = "the session cannot be changed: `big` does not fit in the session")]
async fn more_than_a_cookie_holds_panics() {
    let client = TestClient::new(&plain());
    client.with(TestRequest::default(), |session| session.insert("big", "x".repeat(5_000))).await;
}

#[derive(Clone, SessionInterface)]
struct KeylessSessions {
    config: SessionConfig,
}

#[actix_web::test]
#[should_panic(expected = "there is no session to write to: no secret key")]
async fn a_null_session_panics_with_its_reason() {
    let client = TestClient::new(&KeylessSessions { config: SessionConfig::new() });
    client.with(TestRequest::default(), |session| session.insert("n", 1)).await;
}

#[derive(Clone, SessionInterface)]
struct SwitchedSessions {
    backend: Switched,
}

#[actix_web::test]
#[should_panic(expected = "the session cannot be saved: the session store is unavailable")]
async fn where_saving_fails_it_panics() {
    let (backend, switches) = Switched::new(SignedCookie::new(key(1)));
    switches.fail_save(true);
    let client = TestClient::new(&SwitchedSessions { backend });
    client.with(TestRequest::default(), |session| session.insert("n", 1)).await;
}

#[actix_web::test]
#[should_panic(expected = "the session cannot be opened: the session store is unavailable")]
async fn where_opening_fails_it_panics() {
    let (backend, switches) = Switched::new(SignedCookie::new(key(1)));
    let client = TestClient::new(&SwitchedSessions { backend });
    let app = app(client.middleware()).await;
    let response = call_service(&app, TestRequest::with_uri("/count").to_request()).await;
    switches.fail_open(true);
    client.session_after(&response).await;
}

#[test]
#[should_panic(expected = "the policies are wrong: ")]
fn an_interface_whose_policies_are_wrong_panics() {
    let config = SessionConfig::new().cookie_secure(false).cookie_samesite(SameSite::None);
    let _ = TestClient::new(&AppSessions::signed(config));
}

// The jar.

#[actix_web::test]
async fn a_client_keeps_its_cookie_between_requests_and_another_has_none() {
    for mode in Mode::all(key(1)) {
        let name = mode.name();
        let client = TestClient::new(&AppSessions { backend: mode, config: SessionConfig::new() });
        let app = app(client.middleware()).await;
        let call = async |client: &TestClient<_>, path: &str| {
            body(client.call(&app, TestRequest::with_uri(path)).await).await
        };
        assert_eq!(call(&client, "/count").await, json!({"n": 1}), "{name}");
        assert_eq!(call(&client, "/count").await, json!({"n": 2}), "{name}");
        // The next change goes on with the session.
        let request = client.with(TestRequest::with_uri("/count"), |s| s.insert("a", 1)).await;
        let response = client.call(&app, request).await;
        assert_eq!(response.request().headers().get_all(COOKIE).count(), 1, "{name}");
        assert_eq!(body(response).await, json!({"a": 1, "n": 3}), "{name}");
        assert_eq!(call(&client.another(), "/count").await, json!({"n": 1}), "{name}");
        assert_eq!(call(&client, "/purge").await, json!({}), "{name}");
        let response = client.call(&app, TestRequest::with_uri("/read")).await;
        assert!(response.request().headers().get(COOKIE).is_none(), "{name}: it was removed");
    }
}

#[actix_web::test]
async fn a_client_says_where_it_comes_from_unless_its_request_does() {
    let client = TestClient::new(&plain());
    let said = async |request: HttpRequest| {
        let headers = request.headers().get_all("sec-fetch-site");
        headers.map(|value| value.to_str().unwrap_or("?").to_owned()).collect::<Vec<_>>().join(",")
    };
    let app = App::new().wrap(client.middleware()).default_service(web::to(said));
    let app = init_service(app).await;
    let rows = [
        (("accept", "*/*"), "same-origin"),
        (("sec-fetch-site", "cross-site"), "cross-site"),
        (("origin", "https://evil.test"), ""),
        (("authorization", "Bearer ses_x"), ""),
    ];
    for (header, expected) in rows {
        let response = client.call(&app, TestRequest::post().insert_header(header)).await;
        assert_eq!(read_body(response).await, expected, "{header:?}");
    }
}

#[actix_web::test]
async fn a_closure_that_logs_out_leaves_no_cookie() {
    let client = TestClient::new(&plain());
    client.with(TestRequest::default(), n(1)).await;
    let request = client.with(TestRequest::default(), Session::purge).await.to_request();
    assert!(request.headers().get(COOKIE).is_none());
}

// A session after a response.

#[actix_web::test]
async fn the_session_after_a_response_is_what_it_sets() {
    let client = TestClient::new(&plain());
    let app = app(client.middleware()).await;
    let first = call_service(&app, TestRequest::with_uri("/count").to_request()).await;
    let after = client.session_after(&first).await;
    assert_eq!(content(&after), json!({"n": 1}));
    assert!(!after.is_new());
    // It is the client's from now on.
    let request = client.with(TestRequest::with_uri("/count"), |s| s.insert("a", 1)).await;
    let second = call_service(&app, request.to_request()).await;
    assert_eq!(content(&client.session_after(&second).await), json!({"a": 1, "n": 2}));
    assert_eq!(client.session_after(&second).await.get::<u32>("n").unwrap(), Some(2));
}

#[actix_web::test]
async fn nothing_is_there_after_a_response_that_removes_the_cookie() {
    let client = TestClient::new(&plain());
    let app = app(client.middleware()).await;
    for path in ["/clear", "/purge"] {
        let request = client.with(TestRequest::with_uri(path), n(1)).await;
        let response = call_service(&app, request.to_request()).await;
        let after = client.session_after(&response).await;
        assert!(after.is_empty() && after.is_new(), "{path}");
    }
}

#[actix_web::test]
async fn a_response_that_leaves_the_cookie_alone_leaves_the_session() {
    let client = TestClient::new(&plain());
    let app = app(client.middleware()).await;
    for path in ["/static", "/read"] {
        let request = client.with(TestRequest::with_uri(path), n(1)).await;
        let response = call_service(&app, request.to_request()).await;
        assert_eq!(content(&client.session_after(&response).await), json!({"n": 1}), "{path}");
        let none = call_service(&app, TestRequest::with_uri(path).to_request()).await;
        assert!(client.session_after(&none).await.is_new(), "{path}");
    }
}

#[actix_web::test]
async fn the_session_is_found_beside_other_cookies() {
    let client = TestClient::new(&plain());
    let app = app(client.middleware()).await;
    let other = TestRequest::with_uri("/static").insert_header((COOKIE, "theme=dark; id=\"x\""));
    let request = client.with(other, n(1)).await;
    let response = call_service(&app, request.to_request()).await;
    assert_eq!(content(&client.session_after(&response).await), json!({"n": 1}));
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
async fn one_clock_is_that_of_client_middleware_and_store() {
    for mode in Mode::all(key(1)) {
        let name = mode.name();
        let time = TestClock::new();
        let config = SessionConfig::new().idle_timeout(Duration::from_secs(60));
        let client = TestClient::with_clock(&AppSessions { backend: mode, config }, time.clock());
        let app = app(client.middleware()).await;
        let request = client.with(TestRequest::with_uri("/count"), |s| s.insert("n", 1)).await;
        time.advance(Duration::from_secs(59));
        let response = client.call(&app, request).await;
        assert_eq!(content(&client.session_after(&response).await), json!({"n": 2}), "{name}");
        time.advance(Duration::from_secs(59));
        assert!(!client.session_after(&response).await.is_new(), "{name}");
        let response = client.call(&app, TestRequest::with_uri("/read")).await;
        time.advance(Duration::from_secs(60));
        assert!(client.session_after(&response).await.is_new(), "{name}");
        let response = client.call(&app, TestRequest::with_uri("/count")).await;
        assert_eq!(body(response).await, json!({"n": 1}), "{name}");
    }
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
    let admin = || TestRequest::with_uri("/admin/count");
    let host = || TestRequest::with_uri("/count").insert_header((HOST, "b.example"));
    for (like, name) in [(admin as fn() -> TestRequest, "admin"), (host, "at-b.example")] {
        let client = TestClient::new(&sessions).for_request(like().to_http_request());
        let app = app(client.middleware()).await;
        let request = client.with(like(), |session| session.insert("n", 1)).await.to_request();
        let cookie = request.headers().get(COOKIE).unwrap().to_str().unwrap();
        assert_eq!(cookie.split('=').next(), Some(name));
        let response = call_service(&app, request).await;
        assert_eq!(content(&client.session_after(&response).await), json!({"n": 2}), "{name}");
        let again = call_service(&app, like().to_request()).await;
        assert_eq!(content(&client.session_after(&again).await), json!({"n": 1}), "{name}");
    }
}

#[actix_web::test]
async fn a_request_may_have_the_sessions_of_two_interfaces() {
    #[derive(Clone, SessionInterface)]
    #[session(cookie_name = "theme")]
    struct Theme {
        backend: ServerSide<MemoryStore>,
    }
    async fn show(shop: Session<AppSessions>, theme: Session<Theme>) -> actix_web::Result<String> {
        theme.update("n", |n: Option<u32>| n.unwrap_or(0) + 1)?;
        Ok(format!("{:?} {:?}", shop.get::<u32>("n")?, theme.get::<u32>("n")?))
    }
    let shop = TestClient::new(&plain());
    let theme = TestClient::new(&Theme { backend: ServerSide::new(MemoryStore::new()) });
    let app = App::new().wrap(shop.middleware()).wrap(theme.middleware());
    let app = init_service(app.default_service(web::to(show))).await;
    let request = shop.with(TestRequest::default(), n(7)).await;
    let request = theme.with(request, |session| session.insert("n", 1)).await;
    let response = call_service(&app, request.to_request()).await;
    assert_eq!(content(&shop.session_after(&response).await), json!({"n": 7}));
    assert_eq!(content(&theme.session_after(&response).await), json!({"n": 2}));
    assert_eq!(read_body(response).await, "Some(7) Some(2)");
}

#[actix_web::test]
async fn of_two_interfaces_each_reads_its_own_cookie() {
    let other = SessionConfig::new().cookie_name(CookieName::from_static("other"));
    let (of_one, of_other) =
        (TestClient::new(&plain()), TestClient::new(&AppSessions::signed(other)));
    let app = app(of_one.middleware()).await;
    let request = of_one.with(TestRequest::with_uri("/count"), n(1)).await;
    let response = call_service(&app, request.to_request()).await;
    assert_eq!(content(&of_one.session_after(&response).await), json!({"n": 2}));
    assert!(of_other.session_after(&response).await.is_new());
}
