//! Bugs that were fixed, most of them where two rules meet.

use std::{
    cell::RefCell,
    future::Future,
    rc::Rc,
    sync::{Arc, Mutex},
    task::Poll,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use actix_http::HttpMessage;
use actix_service::Service;
use actix_web::{
    App, Error, HttpRequest, HttpResponse,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    middleware::{Next, from_fn},
    test::{TestRequest, init_service},
    web,
};
use futures_util::future::poll_fn;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sessions::{
    SecretKey, Session, SessionConfig, SessionError, SessionExt, SessionInterface,
    SessionMiddleware, SessionState, SignedCookie, TrySession,
    backend::Backend,
    error::{ExtractError, OpenError, SaveError},
    interface::{NullSession, OpenContext, Opened, SaveContext, Saved},
    policy::{OnSaveError, SaveWhen},
    request::Clock,
    test::{TestClient, TestClock},
};
use sessions_tests::{Answer, Browser, Logged, Switched, key, left_by, seeded};

#[derive(Clone, SessionInterface)]
struct Keyed {
    config: SessionConfig,
}

fn keyed(config: SessionConfig) -> Keyed {
    Keyed { config: config.secret_key(key(1)) }
}

// The dictionary.

#[test]
fn numbers_that_parsing_rounds_to_one_are_a_change() {
    let number = 1_u128 << 100;
    let stored = json!({"deep": 0}).to_string().replace('0', &format!("[{number}]"));
    let mut dictionary = SessionState::from_json(stored).unwrap();
    dictionary.insert("deep", &[number]).unwrap();
    assert!(!dictionary.is_modified());
    dictionary.insert("deep", &[number + 1]).unwrap();
    assert!(dictionary.is_modified());
    assert_eq!(dictionary.get::<Vec<u128>>("deep").unwrap(), Some(vec![number + 1]));
}

#[test]
fn a_value_too_deep_to_be_read_again_is_refused() {
    let nested = |depth: usize| -> Value {
        (0..depth).fold(Value::Null, |inner, _| Value::Array(vec![inner]))
    };
    let mut dictionary = SessionState::new();
    dictionary.insert("user", &1).unwrap();
    let err = dictionary.insert("draft", &nested(128)).unwrap_err();
    assert!(matches!(err, SessionError::Encode { .. }));
    dictionary.insert("draft", &nested(127)).unwrap();
    let saved = SessionState::from_json(dictionary.to_json()).unwrap();
    assert_eq!(saved.get("draft").unwrap(), Some(nested(127)));
}

#[actix_web::test]
async fn a_rollback_does_not_move_the_beginning_of_a_session() {
    let time = TestClock::new();
    // A session from before the limit was set.
    let config = || SessionConfig::new().permanent(true);
    let client = TestClient::with_clock(&keyed(config()), time.clock());
    let seeded = seeded(&client, TestRequest::default(), json!({"user": 1})).await.to_request();
    let cookie = seeded.headers().get("cookie").unwrap().to_str().unwrap();
    let limited =
        config().absolute_timeout(Duration::from_secs(3_600)).save_when(SaveWhen::Success);
    let sessions = SessionMiddleware::new(keyed(limited)).with_clock(time.clock());
    let missing = |session: Session| async move {
        HttpResponse::NotFound().body(session.contains_key("user").to_string())
    };
    let app = init_service(App::new().wrap(sessions).default_service(web::to(missing))).await;
    let mut browser = Browser::new();
    browser.set_cookie("session", cookie.strip_prefix("session=").unwrap());
    let mut seen = Vec::new();
    for _ in 0..3 {
        seen.push(browser.get(&app, "/").await.body);
        time.advance(Duration::from_secs(3_000));
    }
    assert_eq!(seen, ["true", "true", "false"]);
}

// The slot.

/// Signed cookies that take a while to open.
#[derive(Clone)]
struct Slow(SignedCookie);

/// Waits until it is polled again, so many times.
async fn wait(mut times: u32) {
    poll_fn(|task| {
        task.waker().wake_by_ref();
        times = times.saturating_sub(1);
        if times == 0 { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}

impl Backend for Slow {
    async fn open(&self, cx: &OpenContext<'_>) -> Result<Opened<SessionState>, OpenError> {
        wait(5).await;
        self.0.open(cx).await
    }

    async fn save(
        &self,
        dictionary: &SessionState,
        cx: &SaveContext<'_>,
    ) -> Result<Saved, SaveError> {
        self.0.save(dictionary, cx).await
    }
}

#[derive(Clone, SessionInterface)]
#[session(path = "/")]
struct Wide {
    backend: Slow,
}

#[derive(Clone, SessionInterface)]
#[session(path = "/app")]
struct Narrow {
    backend: Slow,
}

#[actix_web::test]
async fn two_sessions_in_one_cookie_are_refused_while_both_are_being_opened() {
    async fn both(wide: Option<Session<Wide>>, narrow: Option<Session<Narrow>>) -> String {
        format!("{} {}", wide.is_some(), narrow.is_some())
    }
    let app = App::new()
        .wrap(Narrow { backend: Slow(SignedCookie::new(key(1))) })
        .wrap(Wide { backend: Slow(SignedCookie::new(key(2))) })
        .default_service(web::to(both));
    let answer = Browser::new().get(&init_service(app).await, "/app/x").await;
    assert_eq!((answer.status.as_u16(), answer.body.as_str()), (500, ""));
    assert_eq!(answer.cookies(), []);
}

#[actix_web::test]
async fn a_session_refused_after_it_was_written_is_an_error_whoever_took_it() {
    async fn both(wide: TrySession<Wide>, request: HttpRequest) -> &'static str {
        wide.into_result().unwrap().insert("a", 1).unwrap();
        assert!(request.session_of::<Narrow>().await.is_err());
        "all is well"
    }
    let app = App::new()
        .wrap(Narrow { backend: Slow(SignedCookie::new(key(1))) })
        .wrap(Wide { backend: Slow(SignedCookie::new(key(2))) })
        .default_service(web::to(both));
    let answer = Browser::new().get(&init_service(app).await, "/app/x").await;
    assert_eq!((answer.status.as_u16(), answer.body.as_str()), (500, ""));
}

#[actix_web::test]
async fn an_opening_that_ends_after_the_response_is_an_error() {
    let tasks: Rc<RefCell<Vec<actix_web::rt::task::JoinHandle<()>>>> = Rc::default();
    let spawned = Rc::clone(&tasks);
    let handler = move |request: HttpRequest| {
        let spawned = Rc::clone(&spawned);
        async move {
            // Begun here, and not waited for.
            let mut opening = Box::pin(async move { request.session_of::<Wide>().await });
            assert!(poll_fn(|cx| Poll::Ready(opening.as_mut().poll(cx).is_pending())).await);
            spawned.borrow_mut().push(actix_web::rt::spawn(async move {
                assert!(matches!(opening.await, Err(ExtractError::Closed)));
            }));
            "answered"
        }
    };
    let wide = Wide { backend: Slow(SignedCookie::new(key(1))) };
    let app = init_service(App::new().wrap(wide).default_service(web::to(handler))).await;
    assert_eq!(Browser::new().get(&app, "/").await.body, "answered");
    let task = tasks.borrow_mut().pop().unwrap();
    task.await.unwrap();
}

#[actix_web::test]
async fn a_handle_that_outlives_a_dropped_request_refuses_writes() {
    let kept: Rc<RefCell<Option<Session>>> = Rc::default();
    let keep = Rc::clone(&kept);
    let handler = move |session: Session| {
        session.insert("a", 1).unwrap();
        *keep.borrow_mut() = Some(session);
        std::future::pending::<&'static str>()
    };
    let app = App::new().wrap(keyed(SessionConfig::new())).default_service(web::to(handler));
    let app = init_service(app).await;
    let mut request = Box::pin(app.call(TestRequest::default().to_request()));
    assert!(poll_fn(|cx| Poll::Ready(request.as_mut().poll(cx).is_pending())).await);
    drop(request);
    let session = kept.borrow_mut().take().unwrap();
    assert!(matches!(session.insert("b", 2), Err(SessionError::Saved)));
    assert_eq!(session.get::<u32>("a").unwrap(), Some(1));
}

#[actix_web::test]
async fn between_two_sessions_the_outer_one_is_the_only_one_before_and_after() {
    async fn between(
        request: ServiceRequest,
        next: Next<impl MessageBody>,
    ) -> Result<ServiceResponse<impl MessageBody>, Error> {
        request.session().await?.insert("before", 1)?;
        let response = next.call(request).await?;
        response.session().await?.insert("after", 2)?;
        Ok(response)
    }
    #[derive(Clone, SessionInterface)]
    #[session(cookie_name = "inner")]
    struct Inner {
        config: SessionConfig,
    }
    let inner = Inner { config: SessionConfig::new().secret_key(key(2)) };
    let app = App::new().wrap(from_fn(between)).wrap(keyed(SessionConfig::new())).service(
        web::scope("/scope")
            .wrap(inner)
            .route("/used", web::to(|s: Session<Inner>| async move { s.len().to_string() }))
            .route("/unused", web::to(|| async { "0" })),
    );
    let app = init_service(app).await;
    for path in ["/scope/used", "/scope/unused"] {
        let answer = Browser::new().get(&app, path).await;
        assert_eq!((answer.status.as_u16(), answer.body.as_str()), (200, "0"), "{path}");
        let request = TestRequest::default()
            .insert_header(("cookie", format!("session={}", answer.cookie().unwrap().value)));
        let left = TestClient::new(&keyed(SessionConfig::new()));
        let response = actix_web::test::call_service(
            &init_service(App::new().wrap(keyed(SessionConfig::new()))).await,
            request.to_request(),
        )
        .await;
        let left = left_by(&left, &response).await;
        assert_eq!(Value::Object(left), json!({"after": 2, "before": 1}));
    }
}

// Null sessions.

fn guest(_: &Guests, _: NullSession) -> SessionState {
    SessionState::from_json(r#"{"guest":true}"#).expect("JSON")
}

#[derive(Clone, SessionInterface)]
#[session(on_load_error = "null", null_session = guest)]
struct Guests {
    backend: Switched,
}

#[actix_web::test]
async fn a_null_session_that_is_not_known_as_one_never_replaces_the_real_one() {
    let (backend, switches) = Switched::new(SignedCookie::new(key(1)));
    let write = |session: Session| async move {
        session.insert("a", 1).unwrap();
        "written"
    };
    let app =
        init_service(App::new().wrap(Guests { backend }).default_service(web::to(write))).await;
    switches.fail_open(true);
    let mut browser = Browser::new();
    browser.set_cookie("session", "the real one");
    let answer = browser.get(&app, "/").await;
    assert_eq!((answer.status.as_u16(), answer.cookies().len()), (500, 0));
}

// Saving.

#[derive(Clone, SessionInterface)]
struct Switchable {
    backend: Switched,
    config: SessionConfig,
}

#[actix_web::test]
async fn emptying_a_session_that_fails_is_an_error_even_where_failures_are_logged() {
    let (backend, switches) = Switched::new(SignedCookie::new(key(1)));
    let config = SessionConfig::new().on_save_error(OnSaveError::Log);
    let sessions = Switchable { backend, config };
    let clear = |session: Session| async move { session.clear().map(|()| "bye") };
    let app = init_service(App::new().wrap(sessions.clone()).default_service(web::to(clear))).await;
    let seeded = seeded(&TestClient::new(&sessions), TestRequest::default(), json!({"a": 1})).await;
    switches.fail_save(true);
    let answer = Answer::of(&app, seeded).await;
    assert_eq!((answer.status.as_u16(), answer.body.as_str()), (503, ""));
}

#[actix_web::test]
async fn a_refresh_that_no_longer_fits_leaves_the_cookie_alone() {
    let config = || SessionConfig::new().permanent(true);
    let client = TestClient::new(&keyed(config()));
    // As long as a cookie may be, without the time the session began.
    let text = "x".repeat(2_990);
    let seeded = seeded(&client, TestRequest::default(), json!({"text": text})).await;
    let limited = keyed(config().absolute_timeout(Duration::from_secs(86_400)));
    let read = |session: Session| async move { session.len().to_string() };
    let app = init_service(App::new().wrap(limited).default_service(web::to(read))).await;
    let answer = Answer::of(&app, seeded).await;
    assert_eq!((answer.status.as_u16(), answer.body.as_str()), (200, "2"));
    assert_eq!(answer.cookie(), None);
}

fn in_the_far_future(_: &FarFuture, _: &SessionState, now: SystemTime) -> Option<SystemTime> {
    now.checked_add(Duration::from_secs(1 << 40))
}

#[derive(Clone, SessionInterface)]
#[session(expiration_time = in_the_far_future, lifetime = "400 days")]
struct FarFuture {
    backend: SignedCookie,
}

#[actix_web::test]
async fn no_clock_and_no_expiry_makes_a_date_that_headers_do_not_have() {
    let days = |days: u64| Duration::from_secs(days * 86_400);
    for now in [UNIX_EPOCH - days(3_650), UNIX_EPOCH, UNIX_EPOCH + days(2_932_896)] {
        let sessions = FarFuture { backend: SignedCookie::new(key(1)) };
        let sessions = SessionMiddleware::new(sessions).with_clock(Clock::from_fn(move || now));
        let write = |session: Session| async move { session.insert("a", 1).map(|()| "kept") };
        let app = init_service(App::new().wrap(sessions).default_service(web::to(write))).await;
        let answer = Browser::new().get(&app, "/").await;
        assert_eq!(answer.cookie().unwrap().attribute("Max-Age"), Some("34560000"));
    }
}

#[actix_web::test]
async fn an_outer_session_that_fails_does_not_undo_what_an_inner_one_saved() {
    #[derive(Clone, SessionInterface)]
    #[session(cookie_name = "inner")]
    struct Inner {
        config: SessionConfig,
    }
    async fn leave(
        inner: Session<Inner>,
        outer: Session<Switchable>,
    ) -> actix_web::Result<&'static str> {
        inner.purge()?;
        outer.insert("a", 1)?;
        Ok("never seen")
    }
    async fn forbids(
        request: ServiceRequest,
        next: Next<impl MessageBody>,
    ) -> Result<ServiceResponse<impl MessageBody>, Error> {
        next.call(request).await.and_then(|response| {
            if response.status().is_success() {
                Err(actix_web::error::ErrorForbidden("no entry"))
            } else {
                Ok(response)
            }
        })
    }
    let (backend, switches) = Switched::new(SignedCookie::new(key(1)));
    let outer = Switchable { backend, config: SessionConfig::new() };
    let inner = Inner { config: SessionConfig::new().secret_key(key(2)) };
    switches.fail_save(true);
    let app = App::new().wrap(inner.clone()).wrap(outer.clone()).default_service(web::to(leave));
    let answers_in = init_service(app).await;
    let app = App::new()
        .wrap(from_fn(forbids))
        .wrap(inner.clone())
        .wrap(outer)
        .default_service(web::to(leave));
    let fails_in = init_service(app).await;
    let client = TestClient::new(&inner);
    let seeded = || seeded(&client, TestRequest::default(), json!({"user": 1}));
    let answers = [
        Answer::of(&answers_in, seeded().await).await,
        Answer::of(&fails_in, seeded().await).await,
    ];
    for answer in answers {
        assert_eq!((answer.status.as_u16(), answer.body.as_str()), (503, ""));
        let cookie = answer.cookie().expect("the logout of the inner session");
        assert_eq!((cookie.name.as_str(), cookie.is_removal()), ("inner", true));
    }
}

// Typed content.

#[derive(Serialize, Deserialize)]
struct Settings {
    theme: Option<String>,
    size: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self { theme: Some("dark".into()), size: 12 }
    }
}

#[derive(Clone, SessionInterface)]
#[session(data = Settings)]
struct Themed {
    backend: SignedCookie,
}

#[actix_web::test]
async fn a_default_does_not_depend_on_which_other_fields_are_stored() {
    let read = |session: Session<Themed>| async move {
        let settings = session.snapshot().unwrap();
        format!("{:?} {}", settings.theme, settings.size)
    };
    let sessions = Themed { backend: SignedCookie::new(key(1)) };
    let app = init_service(App::new().wrap(sessions.clone()).default_service(web::to(read))).await;
    let client = TestClient::new(&sessions);
    let cases = [
        (json!({"size": 9}), "Some(\"dark\") 9"),
        (json!({"other": 1}), "Some(\"dark\") 12"),
        (json!({"theme": null, "size": 9}), "None 9"),
    ];
    for (stored, expected) in cases {
        let seeded = seeded(&client, TestRequest::default(), stored).await;
        assert_eq!(Answer::of(&app, seeded).await.body, expected);
    }
}

// What a person sees.

#[actix_web::test]
async fn an_error_of_the_session_that_a_handler_returns_is_logged_once() {
    let handler = |session: Session| async move { session.get::<u32>("name").map(|_| "never") };
    let sessions = keyed(SessionConfig::new());
    let app =
        init_service(App::new().wrap(sessions.clone()).default_service(web::to(handler))).await;
    let seeded =
        seeded(&TestClient::new(&sessions), TestRequest::default(), json!({"name": "a"})).await;
    let logged = Logged::start();
    assert_eq!(Answer::of(&app, seeded).await.status, 500);
    let lines = logged.take_own();
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].1.contains("the value of `name` is not of the requested type"), "{lines:?}");
}

#[actix_web::test]
async fn a_missing_key_is_logged_with_what_to_set() {
    let handler = |session: Session| async move { session.len().to_string() };
    let app = App::new().wrap(Keyed { config: SessionConfig::new() });
    let app = init_service(app.default_service(web::to(handler))).await;
    let logged = Logged::start();
    for _ in 0..3 {
        assert_eq!(Browser::new().get(&app, "/").await.body, "0");
    }
    let lines = logged.take_own();
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].1.contains("no secret key is set") && lines[0].1.contains("SECRET_KEY"));
}

#[test]
fn an_error_that_ends_a_main_shows_its_message() {
    let shown = |err: std::io::Error| format!("{err:?}");
    let key = SecretKey::from_env("SESSIONS_NO_SUCH_KEY").unwrap_err();
    assert!(shown(key.into()).contains("try `export SESSIONS_NO_SUCH_KEY=$(openssl rand"));
    let setting = SessionConfig::from_vars([("SESSION_OPEN", "later")]).unwrap_err();
    assert!(shown(setting.into()).contains("`SESSION_OPEN` is invalid: expected"));
    let policies = keyed(SessionConfig::new().lifetime(Duration::ZERO)).check().unwrap_err();
    assert!(shown(policies.into()).contains("`lifetime`"));
}

#[actix_web::test]
async fn the_debug_of_a_save_shows_no_token_of_another_session() {
    #[derive(Clone)]
    struct Outer(SignedCookie, Arc<Mutex<String>>);
    impl SessionInterface for Outer {
        type Content = SessionState;

        async fn open_session(
            &self,
            cx: OpenContext<'_>,
        ) -> Result<Opened<SessionState>, OpenError> {
            self.0.open(&cx).await
        }

        async fn save_session(
            &self,
            content: &SessionState,
            cx: SaveContext<'_>,
        ) -> Result<Saved, SaveError> {
            *self.1.lock().unwrap() = format!("{cx:?}");
            self.0.save(content, &cx).await
        }

        fn cookie_name<'a>(&'a self, _: &'a HttpRequest) -> std::borrow::Cow<'a, str> {
            "outer".into()
        }
    }
    async fn both(inner: Session<Keyed>, outer: Session<Outer>) -> &'static str {
        inner.insert("a", 1).unwrap();
        outer.insert("b", 1).unwrap();
        "written"
    }
    let outer = Outer(SignedCookie::new(key(3)), Arc::default());
    let app = App::new()
        .wrap(keyed(SessionConfig::new()))
        .wrap(SessionMiddleware::new(outer.clone()))
        .default_service(web::to(both));
    let answer = Browser::new().get(&init_service(app).await, "/").await;
    let inner = answer.cookies().into_iter().find(|cookie| cookie.name == "session").unwrap();
    let debug = outer.1.lock().unwrap().clone();
    assert!(debug.contains("SaveContext") && !debug.contains(&inner.value), "{debug}");
}
