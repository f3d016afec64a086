//! Opening: on first use, once, and what the client gets when it fails.

use std::{cell::RefCell, future::Future, rc::Rc, task::Poll};

use actix_web::{
    App, Error, FromRequest, HttpRequest, HttpResponse,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    http::{StatusCode, header},
    middleware::{Next, from_fn},
    test::{TestRequest, init_service},
    web,
};
use futures_util::future::poll_fn;
use sessions::{
    Session, SessionConfig, SessionError, SessionExt, SessionInterface, SessionState, TrySession,
    error::ExtractError,
    policy::{OnLoadError, OpenMode},
    test::TestClient,
};
use sessions_tests::{Answer, Browser, Switched, seeded};

use super::{count, plain, read, untouched};

#[actix_web::test]
async fn invariant_1_untouched_is_free() {
    for config in [SessionConfig::new(), SessionConfig::new().permanent(true)] {
        let (sessions, switches) = Switched::sessions(config);
        let app =
            init_service(App::new().wrap(sessions.clone()).route("/", web::get().to(untouched)))
                .await;
        let seeded = seeded(
            &TestClient::new(&sessions),
            TestRequest::default(),
            serde_json::json!({"a": 1}),
        )
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
    /// Asks for the session, and gives up before the first poll, and after it.
    async fn impatient(
        request: ServiceRequest,
        next: Next<impl MessageBody>,
    ) -> Result<ServiceResponse<impl MessageBody>, Error> {
        drop(<Session>::extract(request.request()));
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
    type Content = SessionState;

    async fn open_session(
        &self,
        _: sessions::interface::OpenContext<'_>,
    ) -> Result<sessions::interface::Opened<SessionState>, sessions::error::OpenError> {
        let mut waited = false;
        poll_fn(|cx| {
            cx.waker().wake_by_ref();
            if std::mem::replace(&mut waited, true) { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
        Ok(SessionState::new().into())
    }

    async fn save_session(
        &self,
        _: &SessionState,
        _: sessions::interface::SaveContext<'_>,
    ) -> Result<sessions::interface::Saved, sessions::error::SaveError> {
        Ok(sessions::interface::Saved::unchanged())
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
        Switched::sessions(SessionConfig::new().open(OpenMode::Eager).permanent(true));
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
    let (sessions, switches) = Switched::sessions(SessionConfig::new().open(OpenMode::Eager));
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
async fn invariant_15_no_request_clone_is_alive_while_the_inner_service_routes() {
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
        let (sessions, _) = Switched::sessions(SessionConfig::new().open(mode));
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
        let (sessions, switches) = Switched::sessions(config);
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
            // Also where the handler answers: it does so because of the cookie.
            let handled = *path == "/try" && on_load_error == OnLoadError::Null;
            let expected: &[&str] = if handled { &[] } else { &["Cookie"] };
            assert_eq!(answer.all(header::VARY), expected, "{path}");
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
    let (sessions, switches) =
        Switched::sessions(SessionConfig::new().on_load_error(OnLoadError::Null));
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
