//! How handlers, middleware and guards get the session.

use std::future::ready;

use actix_web::{
    App, Error, HttpRequest, HttpResponse,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    guard::{GuardContext, fn_guard},
    http::StatusCode,
    middleware::{Next, from_fn},
    test::{TestRequest, init_service},
    web,
};
use sessions::{
    OpenedSessionExt, Session, SessionConfig, SessionExt, SessionInterface, SignedCookie,
    TrySession, error::ExtractError, policy::OpenMode,
};
use sessions_tests::{Answer, Browser, key};

#[derive(Clone, SessionInterface)]
struct AppSessions {
    backend: SignedCookie,
    config: SessionConfig,
}

#[derive(Clone, SessionInterface)]
#[session(cookie_name = "admin")]
struct AdminSessions {
    backend: SignedCookie,
}

fn app_sessions(config: SessionConfig) -> AppSessions {
    AppSessions { backend: SignedCookie::new(key(1)), config }
}

fn admin_sessions() -> AdminSessions {
    AdminSessions { backend: SignedCookie::new(key(2)) }
}

// Nothing is wrapped.

#[actix_web::test]
async fn without_the_middleware_the_error_names_what_to_wrap() {
    let request = TestRequest::default().to_http_request();
    assert_eq!(
        request.session().await.unwrap_err().to_string(),
        "no session for this route; wrap the `App`, or the scope of this handler, \
         with a session interface; wrap a middleware that uses the session before it, since Actix \
         calls the last `wrap` first",
    );
    assert_eq!(
        request.session_of::<AppSessions>().await.unwrap_err().to_string(),
        "no session for this route; wrap the `App`, or the scope of this handler, \
         with session::extract::AppSessions; wrap a middleware that uses the session before it, \
         since Actix calls the last `wrap` first",
    );
    assert!(request.opened_session().is_none());
    assert!(request.opened_session_of::<AppSessions>().is_none());
}

#[actix_web::test]
async fn without_the_middleware_handlers_answer_an_empty_500() {
    async fn tries(session: TrySession) -> HttpResponse {
        let err = session.into_result().unwrap_err();
        assert!(matches!(err, ExtractError::NotWrapped { .. }));
        HttpResponse::Accepted().finish()
    }
    let app = init_service(
        App::new()
            .route("/plain", web::to(|_: Session| async { "never" }))
            .route("/named", web::to(|_: Session<AppSessions>| async { "never" }))
            .route("/tries", web::to(tries)),
    )
    .await;
    for path in ["/plain", "/named"] {
        let answer = Browser::new().get(&app, path).await;
        assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR, "{path}");
        assert_eq!(answer.body, "", "{path}");
    }
    assert_eq!(Browser::new().get(&app, "/tries").await.status, StatusCode::ACCEPTED);
}

#[actix_web::test]
async fn a_session_of_another_interface_than_the_wrapped_one_is_an_error() {
    let named = |request: HttpRequest| async move {
        request.session_of::<AdminSessions>().await.unwrap_err().to_string()
    };
    let optional = |session: Option<Session<AdminSessions>>| ready(session.is_some().to_string());
    let app = init_service(
        App::new()
            .wrap(app_sessions(SessionConfig::new()))
            .route("/named", web::to(named))
            .route("/optional", web::to(optional)),
    )
    .await;
    let answer = Browser::new().get(&app, "/named").await;
    assert!(answer.body.contains("with session::extract::AdminSessions;"), "{}", answer.body);
    // It must not look as if no user were logged in.
    let answer = Browser::new().get(&app, "/optional").await;
    assert_eq!((answer.status.as_u16(), answer.body.as_str()), (500, ""));
}

// Two are wrapped.

#[actix_web::test]
async fn where_two_are_wrapped_the_plain_session_is_an_error_that_names_both() {
    let plain =
        |request: HttpRequest| async move { request.session().await.unwrap_err().to_string() };
    let app = init_service(
        App::new()
            .wrap(app_sessions(SessionConfig::new()))
            .wrap(admin_sessions())
            .route("/text", web::to(plain))
            .route("/status", web::to(|_: Session| async { "never" })),
    )
    .await;
    assert_eq!(
        Browser::new().get(&app, "/text").await.body,
        "`Session` is ambiguous here, since both `session::extract::AppSessions` and `session::extract::AdminSessions` \
         are wrapped; write `Session<AppSessions>` or `Session<AdminSessions>`",
    );
    let answer = Browser::new().get(&app, "/status").await;
    assert_eq!((answer.status.as_u16(), answer.body.as_str()), (500, ""));
}

#[actix_web::test]
async fn where_two_are_wrapped_each_is_had_by_its_interface() {
    async fn both(
        app: Session<AppSessions>,
        admin: Session<AdminSessions>,
    ) -> actix_web::Result<String> {
        let next = |n: Option<u32>| n.unwrap_or(0) + 1;
        Ok(format!("{} {}", app.update("n", next)?, admin.update("n", move |n| next(n) * 10)?))
    }
    async fn one(admin: Session<AdminSessions>) -> actix_web::Result<String> {
        Ok(format!("{:?}", admin.get::<u32>("n")?))
    }
    let app = init_service(
        App::new()
            .wrap(app_sessions(SessionConfig::new()))
            .wrap(admin_sessions())
            .route("/both", web::to(both))
            .route("/one", web::to(one)),
    )
    .await;
    let mut browser = Browser::new();
    assert_eq!(browser.get(&app, "/both").await.body, "1 10");
    assert_eq!(browser.get(&app, "/both").await.body, "2 110");
    assert!(browser.cookie("session").is_some() && browser.cookie("admin").is_some());
    let answer = browser.get(&app, "/one").await;
    assert_eq!((answer.body.as_str(), answer.cookie()), ("Some(110)", None));
}

// Middleware.

#[actix_web::test]
async fn middleware_gets_the_session_from_whatever_it_holds() {
    async fn around(
        request: ServiceRequest,
        next: Next<impl MessageBody>,
    ) -> Result<ServiceResponse<impl MessageBody>, Error> {
        assert!(request.opened_session().is_none());
        request.session().await?.insert("from request", 1)?;
        assert!(request.opened_session().is_some());
        assert!(request.opened_session_of::<AdminSessions>().is_none());
        let response = next.call(request).await?;
        let of = response.session_of::<AppSessions>().await?;
        of.insert("from response", of.len())?;
        assert_eq!(response.session().await?.len(), 3);
        assert!(response.opened_session().is_some());
        Ok(response)
    }
    async fn handler(request: HttpRequest) -> actix_web::Result<String> {
        request.session_of::<AppSessions>().await?.insert("from handler", 2)?;
        let session = request.opened_session_of::<AppSessions>().expect("it is open");
        Ok(session.keys().join(", "))
    }
    let app = init_service(
        App::new()
            .wrap(from_fn(around))
            .wrap(app_sessions(SessionConfig::new()))
            .default_service(web::to(handler)),
    )
    .await;
    let mut browser = Browser::new();
    assert_eq!(browser.get(&app, "/").await.body, "from handler, from request");
    let second = browser.get(&app, "/").await;
    assert_eq!(second.body, "from handler, from request, from response");
}

// Guards.

fn has_session(context: &GuardContext<'_>) -> bool {
    context.opened_session().is_some()
}

fn is_admin(context: &GuardContext<'_>) -> bool {
    let session = context.opened_session_of::<AppSessions>();
    session.is_some_and(|session| session.get("admin").is_ok_and(|admin| admin == Some(true)))
}

fn guarded(config: &mut web::ServiceConfig) {
    config
        .route("/seen", web::get().guard(fn_guard(has_session)).to(|| async { "open" }))
        .route("/admin", web::get().guard(fn_guard(is_admin)).to(|| async { "admin" }))
        .route("/{any}", web::get().to(|| async { "closed" }))
        .route(
            "/login",
            web::post()
                .to(|session: Session| ready(session.insert("admin", true).map(|()| "welcome"))),
        );
}

async fn opens(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    request.session().await?;
    next.call(request).await
}

#[actix_web::test]
async fn a_guard_sees_no_session_that_is_opened_lazily() {
    let sessions = app_sessions(SessionConfig::new().open(OpenMode::Lazy));
    let app = init_service(App::new().wrap(sessions).configure(guarded)).await;
    let mut browser = Browser::new();
    let login = browser.send(&app, TestRequest::post().uri("/login")).await;
    assert_eq!(login.body, "welcome");
    assert_eq!(browser.get(&app, "/seen").await.body, "closed");
    assert_eq!(browser.get(&app, "/admin").await.body, "closed");
}

#[actix_web::test]
async fn a_guard_sees_a_session_that_is_opened_eagerly() {
    let sessions = app_sessions(SessionConfig::new().open(OpenMode::Eager));
    let app = init_service(App::new().wrap(sessions).configure(guarded)).await;
    let mut browser = Browser::new();
    assert_eq!(browser.get(&app, "/seen").await.body, "open");
    assert_eq!(browser.get(&app, "/admin").await.body, "closed");
    browser.send(&app, TestRequest::post().uri("/login")).await;
    let admin = browser.get(&app, "/admin").await;
    assert_eq!(admin.body, "admin");
    assert_eq!(admin.all("vary"), ["Cookie"]);
}

#[actix_web::test]
async fn a_guard_sees_a_session_that_a_middleware_opened() {
    let sessions = app_sessions(SessionConfig::new());
    let app = init_service(App::new().wrap(from_fn(opens)).wrap(sessions).configure(guarded)).await;
    let mut browser = Browser::new();
    browser.send(&app, TestRequest::post().uri("/login")).await;
    assert_eq!(browser.get(&app, "/seen").await.body, "open");
    assert_eq!(browser.get(&app, "/admin").await.body, "admin");
}

#[actix_web::test]
async fn a_guard_outside_the_middleware_sees_no_session() {
    let app = init_service(App::new().service(
        web::scope("").guard(fn_guard(has_session)).route("/", web::get().to(|| async { "open" })),
    ))
    .await;
    assert_eq!(Answer::of(&app, TestRequest::default()).await.status, StatusCode::NOT_FOUND);
}
