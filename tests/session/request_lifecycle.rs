//! The life of a request: opened on first use, saved at the end, failures answered.

use std::{cell::RefCell, future::Future, rc::Rc, sync::Arc, task::Poll};

use actix_web::{
    App, Error, HttpRequest, HttpResponse,
    body::{BodyStream, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    error::{ErrorForbidden, ErrorImATeapot},
    http::{StatusCode, header},
    middleware::{Next, from_fn},
    test::{TestRequest, init_service},
    web,
};
use futures_util::{future::poll_fn, stream};
use sessions::{
    Dictionary, ExtractError, OnLoadError, OnSaveError, OpenMode, SaveWhen, Session, SessionConfig,
    SessionError, SessionExt, SessionInterface, SignedCookie, TrySession, test::TestSessions,
};
use sessions_tests::{Answer, Browser, Switched, Switches, key};

#[derive(Clone, SessionInterface)]
struct AppSessions {
    backend: Switched,
    config: SessionConfig,
}

fn configured(config: SessionConfig) -> (AppSessions, Arc<Switches>) {
    let (backend, switches) = Switched::new(SignedCookie::new(key(1)));
    (AppSessions { backend, config }, switches)
}

fn plain() -> (AppSessions, Arc<Switches>) {
    configured(SessionConfig::new())
}

async fn count(session: Session) -> actix_web::Result<String> {
    Ok(session.update("visits", |n: Option<u32>| n.unwrap_or(0) + 1)?.to_string())
}

async fn read(session: Session) -> actix_web::Result<String> {
    Ok(session.get::<u32>("visits")?.map_or_else(|| "none".to_owned(), |visits| visits.to_string()))
}

async fn untouched() -> &'static str {
    "static"
}

// Opening.

#[actix_web::test]
async fn invariant_1_untouched_is_free() {
    for config in [SessionConfig::new(), SessionConfig::new().permanent(true)] {
        let (sessions, switches) = configured(config);
        let app =
            init_service(App::new().wrap(sessions.clone()).route("/", web::get().to(untouched)))
                .await;
        let seeded = TestSessions::new(&sessions)
            .seed(TestRequest::default(), serde_json::json!({"a": 1}))
            .await;
        let requests = [
            TestRequest::default(),
            TestRequest::default().insert_header(("cookie", "session=junk; =; %")),
            TestRequest::with_uri("/not/found"),
            seeded,
        ];
        let before = switches.counts();
        switches.fail_open(true);
        for request in requests {
            let answer = Answer::of(&app, request).await;
            assert!(answer.status == 200 || answer.status == 404);
            for name in [header::VARY, header::SET_COOKIE, header::CACHE_CONTROL] {
                assert_eq!(answer.all(name), Vec::<&str>::new());
            }
        }
        assert_eq!(switches.counts(), before);
    }
}

#[actix_web::test]
async fn extracting_alone_is_no_access() {
    let (sessions, switches) = plain();
    let app = init_service(
        App::new().wrap(sessions).default_service(web::to(|_: Session| async { "ok" })),
    )
    .await;
    let answer = Browser::new().get(&app, "/").await;
    assert_eq!(switches.counts(), (1, 0));
    assert!(answer.all(header::VARY).is_empty());
    assert_eq!(answer.cookie(), None);
}

#[actix_web::test]
async fn concurrent_extractors_open_once() {
    async fn four(
        a: Session,
        b: Option<Session>,
        c: Result<Session, Error>,
        d: TrySession,
    ) -> String {
        a.insert("a", 1).unwrap();
        let others = [b.unwrap(), c.unwrap(), d.into_result().unwrap()];
        others.iter().map(|session| session.get::<u32>("a").unwrap().unwrap().to_string()).collect()
    }
    let (sessions, switches) = plain();
    let app = init_service(App::new().wrap(sessions).default_service(web::to(four))).await;
    assert_eq!(Browser::new().get(&app, "/").await.body, "111");
    assert_eq!(switches.counts(), (1, 1));
}

#[actix_web::test]
async fn an_opening_that_is_dropped_can_be_done_again() {
    /// Asks for the session, and gives up after the first poll.
    async fn impatient(
        request: ServiceRequest,
        next: Next<impl MessageBody>,
    ) -> Result<ServiceResponse<impl MessageBody>, Error> {
        {
            let mut opening = Box::pin(request.session());
            let first = poll_fn(|cx| Poll::Ready(opening.as_mut().poll(cx).is_pending())).await;
            assert!(first, "the backend waits once");
        }
        next.call(request).await
    }
    let app = init_service(
        App::new()
            .wrap(from_fn(impatient))
            .wrap(sessions::SessionMiddleware::new(Waits))
            .default_service(web::to(count)),
    )
    .await;
    assert_eq!(Browser::new().get(&app, "/").await.body, "1");
}

/// Opens a new session after having waited once.
struct Waits;

impl SessionInterface for Waits {
    type Content = Dictionary;

    async fn open_session(
        &self,
        _: sessions::OpenContext<'_>,
    ) -> Result<Option<Dictionary>, sessions::OpenError> {
        let mut waited = false;
        poll_fn(|cx| {
            cx.waker().wake_by_ref();
            if std::mem::replace(&mut waited, true) { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
        Ok(Some(Dictionary::new()))
    }

    async fn save_session(
        &self,
        _: &Dictionary,
        _: sessions::SaveContext<'_>,
    ) -> Result<sessions::Saved, sessions::SaveError> {
        Ok(sessions::Saved::Nothing)
    }
}

#[actix_web::test]
async fn extractors_that_wait_for_each_other_all_get_the_session() {
    async fn three(a: Session, b: Session, c: Session) -> String {
        a.insert("a", 7).unwrap();
        format!("{:?}{:?}", b.get::<u8>("a").unwrap(), c.get::<u8>("a").unwrap())
    }
    let app = init_service(
        App::new().wrap(sessions::SessionMiddleware::new(Waits)).default_service(web::to(three)),
    )
    .await;
    assert_eq!(Browser::new().get(&app, "/").await.body, "Some(7)Some(7)");
}

#[actix_web::test]
async fn eager_opens_before_the_handler_and_refreshes_what_nobody_used() {
    let (sessions, switches) =
        configured(SessionConfig::new().open(OpenMode::Eager).permanent(true));
    let app = init_service(
        App::new()
            .wrap(sessions)
            .route("/", web::get().to(count))
            .route("/static", web::get().to(untouched)),
    )
    .await;
    let mut browser = Browser::new();
    browser.get(&app, "/").await;
    let answer = browser.get(&app, "/static").await;
    assert_eq!(answer.body, "static");
    assert!(answer.cookie().is_some());
    assert_eq!(answer.all(header::VARY), ["Cookie"]);
    assert_eq!(switches.counts(), (2, 2));
}

#[actix_web::test]
async fn an_error_in_an_eager_open_answers_without_the_handler() {
    let (sessions, switches) = configured(SessionConfig::new().open(OpenMode::Eager));
    let called = Rc::new(RefCell::new(0));
    let calls = Rc::clone(&called);
    let handler = move || {
        *calls.borrow_mut() += 1;
        async { "handled" }
    };
    let app = init_service(App::new().wrap(sessions).default_service(web::to(handler))).await;
    switches.fail_open(true);
    let answer = Browser::new().get(&app, "/").await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(*called.borrow(), 0);
    switches.fail_open(false);
    assert_eq!(Browser::new().get(&app, "/").await.body, "handled");
    assert_eq!(*called.borrow(), 1);
}

#[actix_web::test]
async fn opening_after_the_response_is_an_error() {
    async fn late(
        request: ServiceRequest,
        next: Next<impl MessageBody>,
    ) -> Result<ServiceResponse<impl MessageBody>, Error> {
        let response = next.call(request).await?;
        let err = response.session().await.unwrap_err();
        assert!(matches!(err, ExtractError::Closed));
        Ok(response)
    }
    let (sessions, _) = plain();
    let app = init_service(
        App::new().wrap(sessions).wrap(from_fn(late)).default_service(web::to(untouched)),
    )
    .await;
    assert_eq!(Browser::new().get(&app, "/").await.body, "static");
}

// No request clone while the inner service routes.

#[actix_web::test]
async fn invariant_12_no_request_clone_is_alive_while_the_inner_service_routes() {
    async fn show(
        request: HttpRequest,
        session: Session,
        path: web::Path<(String, u32)>,
    ) -> String {
        let visits = session.update("visits", |n: Option<u32>| n.unwrap_or(0) + 1).unwrap();
        format!("{} {} {} {visits}", path.0, path.1, request.match_pattern().unwrap())
    }
    async fn opens(
        request: ServiceRequest,
        next: Next<impl MessageBody>,
    ) -> Result<ServiceResponse<impl MessageBody>, Error> {
        request.session().await?.insert("seen", request.path())?;
        next.call(request).await
    }
    for mode in [OpenMode::Lazy, OpenMode::Eager] {
        let (sessions, _) = configured(SessionConfig::new().open(mode));
        let app = init_service(App::new().wrap(from_fn(opens)).wrap(sessions.clone()).service(
            web::scope("/{tenant}").wrap(from_fn(opens)).service(web::scope("/orders").service(
                web::resource("/{number}").wrap(from_fn(opens)).route(web::get().to(show)),
            )),
        ))
        .await;
        let answer = Browser::new().get(&app, "/acme/orders/17").await;
        assert_eq!(answer.body, "acme 17 /{tenant}/orders/{number} 1");

        let wrapped_inside = init_service(
            App::new().service(
                web::scope("/{tenant}")
                    .wrap(sessions)
                    .service(web::resource("/orders/{number}").to(show)),
            ),
        )
        .await;
        let answer = Browser::new().get(&wrapped_inside, "/acme/orders/17").await;
        assert_eq!(answer.body, "acme 17 /{tenant}/orders/{number} 1");
    }
}

// Failures of opening.

#[actix_web::test]
async fn an_outage_is_503_whatever_the_handler_makes_of_it() {
    async fn optional(session: Option<Session>) -> &'static str {
        if session.is_some() { "somebody" } else { "nobody" }
    }
    async fn result(session: Result<Session, Error>) -> &'static str {
        if session.is_ok() { "somebody" } else { "nobody" }
    }
    let (sessions, switches) = plain();
    let app = init_service(
        App::new()
            .wrap(sessions)
            .route("/plain", web::get().to(read))
            .route("/option", web::get().to(optional))
            .route("/result", web::get().to(result)),
    )
    .await;
    let mut browser = Browser::new();
    browser.set_cookie("session", "kept");
    switches.fail_open(true);
    for path in ["/plain", "/option", "/result"] {
        let answer = browser.get(&app, path).await;
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{path}");
        assert_eq!(answer.all(header::RETRY_AFTER), ["1"], "{path}");
        assert_eq!(answer.body, "", "{path}");
    }
    switches.fail_open(false);
    assert_eq!(browser.get(&app, "/option").await.body, "somebody");
}

#[actix_web::test]
async fn invariant_4_a_failed_load_is_never_followed_by_a_save() {
    async fn stubborn(request: HttpRequest) -> &'static str {
        for _ in 0..3 {
            assert!(request.session().await.is_err());
        }
        "handled"
    }
    for on_load_error in [OnLoadError::Error, OnLoadError::Null] {
        let config = SessionConfig::new().on_load_error(on_load_error).permanent(true);
        let (sessions, switches) = configured(config);
        let app = init_service(
            App::new()
                .wrap(sessions)
                .route("/count", web::get().to(count))
                .route("/read", web::get().to(read))
                .route("/stubborn", web::get().to(stubborn))
                .route("/try", web::get().to(|_: TrySession| async { "tried" })),
        )
        .await;
        let mut browser = Browser::new();
        browser.get(&app, "/count").await;
        let cookie = browser.cookie("session").unwrap().to_owned();
        let before = switches.counts();

        switches.fail_open(true);
        let paths: &[&str] = if on_load_error == OnLoadError::Null {
            &["/count", "/read", "/try"]
        } else {
            &["/count", "/stubborn", "/try"]
        };
        for path in paths {
            let answer = browser.get(&app, path).await;
            assert_eq!(answer.cookies(), [], "{path}");
            assert!(answer.all(header::VARY).is_empty(), "{path}");
        }
        assert_eq!(
            switches.counts(),
            (before.0 + 3, before.1),
            "opened once for each request, never saved"
        );
        assert_eq!(browser.cookie("session"), Some(cookie.as_str()));

        switches.fail_open(false);
        assert_eq!(browser.get(&app, "/count").await.body, "2");
    }
}

#[actix_web::test]
async fn with_try_session_the_handler_decides() {
    async fn decides(session: TrySession) -> actix_web::Result<HttpResponse> {
        match session.into_result() {
            Ok(session) => Ok(HttpResponse::Ok().body(format!("{}", session.len()))),
            Err(_) => Ok(HttpResponse::Accepted().body("later")),
        }
    }
    let (sessions, switches) = plain();
    let app = init_service(App::new().wrap(sessions).default_service(web::to(decides))).await;
    assert_eq!(Browser::new().get(&app, "/").await.body, "0");
    switches.fail_open(true);
    let answer = Browser::new().get(&app, "/").await;
    assert_eq!((answer.status, answer.body.as_str()), (StatusCode::ACCEPTED, "later"));
}

#[actix_web::test]
async fn on_load_error_null_gives_the_null_session() {
    async fn handler(session: Session) -> String {
        let err = session.insert("a", 1).unwrap_err();
        assert!(matches!(err, SessionError::Null(_)));
        format!("{} keys; {err}", session.len())
    }
    let (sessions, switches) = configured(SessionConfig::new().on_load_error(OnLoadError::Null));
    let app = init_service(App::new().wrap(sessions).default_service(web::to(handler))).await;
    switches.fail_open(true);
    let answer = Browser::new().get(&app, "/").await;
    assert_eq!(answer.status, 200);
    assert!(
        answer.body.starts_with("0 keys; there is no session to write to: it could not be loaded"),
        "{}",
        answer.body
    );
}

// Failures of saving.

#[actix_web::test]
async fn a_failed_save_is_an_empty_500_without_cookie() {
    let (sessions, switches) = plain();
    let app = init_service(App::new().wrap(sessions).default_service(web::to(count))).await;
    let mut browser = Browser::new();
    browser.get(&app, "/").await;
    switches.fail_save(true);
    let answer = browser.get(&app, "/").await;
    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(answer.body, "");
    assert_eq!(answer.cookie(), None);
    switches.fail_save(false);
    assert_eq!(browser.get(&app, "/").await.body, "2");
}

#[actix_web::test]
async fn on_save_error_log_lets_the_response_through_but_never_for_purge_and_renew() {
    async fn purge(session: Session) -> actix_web::Result<&'static str> {
        session.purge()?;
        Ok("gone")
    }
    async fn renew(session: Session) -> actix_web::Result<&'static str> {
        session.renew()?;
        Ok("new")
    }
    let (sessions, switches) = configured(SessionConfig::new().on_save_error(OnSaveError::Log));
    let app = init_service(
        App::new()
            .wrap(sessions)
            .route("/count", web::get().to(count))
            .route("/purge", web::get().to(purge))
            .route("/renew", web::get().to(renew)),
    )
    .await;
    let mut browser = Browser::new();
    browser.get(&app, "/count").await;
    switches.fail_save(true);
    let answer = browser.get(&app, "/count").await;
    assert_eq!((answer.status.as_u16(), answer.body.as_str(), answer.cookie()), (200, "2", None));
    for path in ["/purge", "/renew"] {
        let answer = browser.get(&app, path).await;
        assert_eq!(
            (answer.status.as_u16(), answer.body.as_str(), answer.cookie()),
            (500, "", None),
            "{path}"
        );
    }
}

// Errors of inner middleware.

/// Lets the handler run, then answers with an error of its own.
async fn forbids(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let response = next.call(request).await?;
    if response.status().is_success() { Err(ErrorForbidden("no entry")) } else { Ok(response) }
}

#[derive(Clone, SessionInterface)]
#[session(cookie_name = "outer")]
struct OuterSessions {
    backend: SignedCookie,
}

#[actix_web::test]
async fn an_inner_error_keeps_its_answer_and_gets_the_cookies_of_two_wraps() {
    async fn both(
        inner: Session<AppSessions>,
        outer: Session<OuterSessions>,
    ) -> actix_web::Result<&'static str> {
        inner.insert("inner", 1)?;
        outer.insert("outer", 2)?;
        Ok("never seen")
    }
    let (sessions, _) = plain();
    let outer = OuterSessions { backend: SignedCookie::new(key(2)) };
    let app = init_service(
        App::new().wrap(from_fn(forbids)).wrap(sessions).wrap(outer).default_service(web::to(both)),
    )
    .await;
    let answer = Browser::new().get(&app, "/").await;
    assert_eq!((answer.status, answer.body.as_str()), (StatusCode::FORBIDDEN, "no entry"));
    let names: Vec<_> = answer.cookies().into_iter().map(|cookie| cookie.name).collect();
    assert_eq!(names, ["session", "outer"]);
    assert_eq!(answer.all(header::VARY), ["Cookie"]);
    assert_eq!(answer.all(header::CACHE_CONTROL), ["private, no-cache=\"Set-Cookie\""]);
}

#[actix_web::test]
async fn the_response_of_an_inner_error_can_be_asked_for_twice() {
    let (sessions, _) = plain();
    let app = init_service(
        App::new().wrap(from_fn(forbids)).wrap(sessions).default_service(web::to(count)),
    )
    .await;
    let err = actix_service::Service::call(&app, TestRequest::default().to_request())
        .await
        .err()
        .unwrap();
    for _ in 0..2 {
        let response = err.error_response();
        assert_eq!(response.status(), StatusCode::FORBIDDEN);
        assert_eq!(response.headers().get_all(header::SET_COOKIE).count(), 1);
    }
    assert_eq!(err.to_string(), "no entry");
}

#[actix_web::test]
async fn an_inner_error_of_an_untouched_session_passes_as_it_is() {
    let (sessions, _) = plain();
    let app = init_service(
        App::new().wrap(from_fn(forbids)).wrap(sessions).default_service(web::to(untouched)),
    )
    .await;
    let answer = Browser::new().get(&app, "/").await;
    assert_eq!((answer.status, answer.body.as_str()), (StatusCode::FORBIDDEN, "no entry"));
    assert!(answer.all(header::VARY).is_empty());
}

// What is saved when.

#[actix_web::test]
async fn save_when_decides_about_data_and_never_about_purge_and_renew() {
    async fn act(
        session: Session,
        path: web::Path<(String, u16)>,
    ) -> actix_web::Result<HttpResponse> {
        let (act, status) = path.into_inner();
        match act.as_str() {
            "insert" => session.insert("b", 2)?,
            "purge" => {
                session.purge()?;
                session.insert("farewell", true)?;
            }
            "renew" => {
                session.renew()?;
                session.insert("b", 2)?;
            }
            other => panic!("no act {other}"),
        }
        Ok(HttpResponse::build(StatusCode::from_u16(status).unwrap()).finish())
    }
    let cases = [(SaveWhen::Always, 599), (SaveWhen::Not5xx, 499), (SaveWhen::Success, 399)];
    for (save_when, last_saving) in cases {
        let (sessions, _) = configured(SessionConfig::new().save_when(save_when));
        let app = init_service(
            App::new().wrap(sessions.clone()).route("/{act}/{status}", web::get().to(act)),
        )
        .await;
        let client = TestSessions::new(&sessions);
        for status in [200, 302, 404, 499, 500, 503] {
            let saves = status <= last_saving;
            for act in ["insert", "purge", "renew"] {
                let request = TestRequest::with_uri(&format!("/{act}/{status}"));
                let request = client.seed(request, serde_json::json!({"a": 1})).await;
                let response = actix_web::test::call_service(&app, request.to_request()).await;
                let sets = response.headers().contains_key(header::SET_COOKIE);
                let keys: Vec<_> =
                    client.left_by(&response).await.iter().map(|(key, _)| key.to_owned()).collect();
                let expected: (bool, &[&str]) = match (act, saves) {
                    ("insert" | "renew", true) => (true, &["a", "b"]),
                    ("insert", false) => (false, &["a"]),
                    ("renew", false) => (true, &["a"]),
                    ("purge", true) => (true, &["farewell"]),
                    _ => (true, &[]),
                };
                let found: Vec<&str> = keys.iter().map(String::as_str).collect();
                assert_eq!((sets, found.as_slice()), expected, "{save_when} {act} {status}");
            }
        }
    }
}

#[actix_web::test]
async fn a_handler_error_saves_as_any_response_does() {
    async fn fails(session: Session) -> actix_web::Result<&'static str> {
        session.insert("tries", 1)?;
        Err(ErrorImATeapot("short and stout"))
    }
    let (sessions, _) = plain();
    let app = init_service(App::new().wrap(sessions).default_service(web::to(fails))).await;
    let answer = Browser::new().get(&app, "/").await;
    assert_eq!((answer.status.as_u16(), answer.body.as_str()), (418, "short and stout"));
    assert!(answer.cookie().is_some());
}

#[actix_web::test]
async fn what_is_written_after_a_purge_is_a_new_session() {
    async fn leave(session: Session) -> actix_web::Result<&'static str> {
        session.purge()?;
        assert!(session.is_empty() && session.is_new());
        session.flash("info", "goodbye")?;
        Ok("left")
    }
    let (sessions, _) = plain();
    let app = init_service(
        App::new()
            .wrap(sessions.clone())
            .route("/count", web::get().to(count))
            .route("/leave", web::get().to(leave)),
    )
    .await;
    let mut browser = Browser::new();
    browser.get(&app, "/count").await;
    assert_eq!(browser.get(&app, "/leave").await.body, "left");
    assert_eq!(browser.get(&app, "/count").await.body, "1");
}

#[actix_web::test]
async fn purging_where_no_cookie_came_sets_none() {
    async fn purge(session: Session) -> actix_web::Result<&'static str> {
        session.purge()?;
        Ok("gone")
    }
    let (sessions, _) = plain();
    let app = init_service(App::new().wrap(sessions).default_service(web::to(purge))).await;
    let answer = Browser::new().get(&app, "/").await;
    assert_eq!(answer.cookie(), None);
    assert_eq!(answer.all(header::VARY), ["Cookie"]);

    let mut browser = Browser::new();
    browser.set_cookie("session", "junk");
    assert!(browser.get(&app, "/").await.cookie().unwrap().is_removal());
}

// Streams.

#[actix_web::test]
async fn a_streamed_body_reads_the_session_and_writing_is_an_error() {
    async fn streams(session: Session) -> actix_web::Result<HttpResponse> {
        session.insert("a", 1)?;
        let body = stream::once(async move {
            let refused = [
                session.insert("b", 2),
                session.remove("a").map(drop),
                session.clear(),
                session.purge().map(drop),
                session.renew(),
                session.rollback(),
                session.set_permanent(true),
                session.set_modified(true),
                session.flash("info", "late"),
                session.update("a", |n: Option<u32>| n.unwrap_or(0) + 1).map(drop),
            ];
            assert!(refused.iter().all(|result| matches!(result, Err(SessionError::Saved))));
            let text = format!("{:?} {}", session.get::<u32>("a").unwrap(), session.len());
            Ok::<_, Error>(web::Bytes::from(text))
        });
        Ok(HttpResponse::Ok().body(BodyStream::new(Box::pin(body))))
    }
    let (sessions, _) = plain();
    let app = init_service(App::new().wrap(sessions).default_service(web::to(streams))).await;
    let answer = Browser::new().get(&app, "/").await;
    assert_eq!(answer.body, "Some(1) 1");
    assert!(answer.cookie().is_some());
}

// Headers.

#[actix_web::test]
async fn vary_is_merged_into_one_header() {
    let cases: [(&[&str], &str); 6] = [
        (&[], "Cookie"),
        (&["Accept-Encoding"], "Accept-Encoding, Cookie"),
        (&["cookie"], "cookie"),
        (&["Accept-Encoding", "Origin, COOKIE"], "Accept-Encoding, Origin, COOKIE"),
        (&["*"], "*"),
        (&["Accept-Encoding", "*"], "*"),
    ];
    for (given, expected) in cases {
        let handler = move |session: Session| async move {
            session.insert("a", 1).unwrap();
            let mut response = HttpResponse::Ok();
            for value in given {
                response.append_header((header::VARY, *value));
            }
            response.finish()
        };
        let (sessions, _) = plain();
        let app = init_service(App::new().wrap(sessions).default_service(web::to(handler))).await;
        assert_eq!(Browser::new().get(&app, "/").await.all(header::VARY), [expected], "{given:?}");
    }
}

#[actix_web::test]
async fn a_response_that_sets_the_cookie_is_private() {
    let cases: [(&[&str], &[&str]); 8] = [
        (&[], &["private, no-cache=\"Set-Cookie\""]),
        (&["no-store"], &["no-store"]),
        (&["max-age=60"], &["private, max-age=60"]),
        (&["max-age=60, private"], &["max-age=60, private"]),
        (&["public, max-age=60"], &["private, max-age=60"]),
        (&["PUBLIC"], &["private"]),
        (&["s-maxage=600", "no-cache=\"Set-Cookie, X\""], &["private, no-cache=\"Set-Cookie, X\""]),
        (&["private, s-maxage=1"], &["private"]),
    ];
    for (given, expected) in cases {
        let handler = move |session: Session, path: web::Path<String>| async move {
            if *path == "write" {
                session.insert("a", 1).unwrap();
            } else {
                session.len();
            }
            let mut response = HttpResponse::Ok();
            for value in given {
                response.append_header((header::CACHE_CONTROL, *value));
            }
            response.finish()
        };
        let (sessions, _) = plain();
        let app =
            init_service(App::new().wrap(sessions).route("/{act}", web::get().to(handler))).await;
        assert_eq!(
            Browser::new().get(&app, "/write").await.all(header::CACHE_CONTROL),
            expected,
            "{given:?}"
        );
        assert_eq!(
            Browser::new().get(&app, "/read").await.all(header::CACHE_CONTROL),
            given,
            "{given:?}"
        );
    }
}

#[actix_web::test]
async fn invariant_7_one_cookie() {
    async fn sets_by_itself(session: Session) -> actix_web::Result<HttpResponse> {
        session.insert("a", 1)?;
        session.renew()?;
        Ok(HttpResponse::Ok()
            .append_header((header::SET_COOKIE, "session=mine; Path=/"))
            .append_header((header::SET_COOKIE, "other=1"))
            .append_header((header::SET_COOKIE, "session2=2"))
            .finish())
    }
    let (sessions, _) = configured(SessionConfig::new().permanent(true));
    let app =
        init_service(App::new().wrap(sessions).default_service(web::to(sets_by_itself))).await;
    let names: Vec<_> = Browser::new()
        .get(&app, "/")
        .await
        .cookies()
        .into_iter()
        .map(|cookie| cookie.name)
        .collect();
    assert_eq!(names, ["other", "session2", "session"]);
}
