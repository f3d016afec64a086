//! Middleware further out sees a failure of the session as it sees one of a handler: as a response with the
//! error inside. The access log of Actix's `Logger` is tested in `tests/log_lines.rs`.

use actix_cors::Cors;
use actix_http::Request;
use actix_service::Service;
use actix_web::{
    App, Error, HttpRequest,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    error::ErrorForbidden,
    http::{
        StatusCode,
        header::{
            ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, COOKIE, HeaderName, HeaderValue, ORIGIN,
            RETRY_AFTER, SET_COOKIE, VARY,
        },
    },
    middleware::{DefaultHeaders, ErrorHandlerResponse, ErrorHandlers, Next, from_fn},
    test::{TestRequest, init_service},
    web,
};
use sessions::{
    Session, SessionConfig, SessionExt,
    error::{OpenError, SaveError},
    policy::OpenMode,
};
use sessions_tests::{Answer, Browser, Switched, Switches};

async fn count(session: Session) -> actix_web::Result<String> {
    Ok(session.update("n", |n: Option<u32>| n.unwrap_or(0) + 1)?.to_string())
}

const PAGE: HeaderName = HeaderName::from_static("x-page");

/// Gives a failure a page of its own, as an application does.
#[expect(clippy::unnecessary_wraps, reason = "`ErrorHandlers` takes such a function")]
fn page<B>(mut response: ServiceResponse<B>) -> actix_web::Result<ErrorHandlerResponse<B>> {
    let err = response.response().error().expect("the error is inside");
    let kind = match (err.as_error::<OpenError>(), err.as_error::<SaveError>()) {
        (Some(_), _) => "not opened",
        (_, Some(_)) => "not saved",
        _ => "not the session's",
    };
    response.headers_mut().insert(PAGE, HeaderValue::from_static(kind));
    Ok(ErrorHandlerResponse::Response(response.map_into_left_body()))
}

async fn app(
    mode: OpenMode,
) -> (
    impl Service<Request, Response = ServiceResponse<impl MessageBody>, Error = Error>,
    std::sync::Arc<Switches>,
) {
    let (sessions, switches) = Switched::sessions(SessionConfig::new().open(mode));
    let handlers = ErrorHandlers::new()
        .handler(StatusCode::SERVICE_UNAVAILABLE, page)
        .handler(StatusCode::CONFLICT, page);
    let app = App::new()
        .wrap(sessions)
        .wrap(DefaultHeaders::new().add(("x-frame-options", "DENY")).add((VARY, "Accept")))
        .wrap(handlers)
        .wrap(Cors::default().allowed_origin("https://shop.example"))
        .default_service(web::to(count));
    (init_service(app).await, switches)
}

#[actix_web::test]
async fn error_handlers_default_headers_and_cors_see_a_failure_of_the_session() {
    for mode in [OpenMode::Lazy, OpenMode::Eager] {
        for (opens, kind) in [(false, "not opened"), (true, "not saved")] {
            let (app, switches) = app(mode).await;
            let request = || TestRequest::default().insert_header((ORIGIN, "https://shop.example"));
            let answer = Answer::of(&app, request()).await;
            assert_eq!(answer.status, 200);
            let cookie = answer.cookie().expect("a session begins");
            switches.fail_open(!opens);
            switches.fail_save(opens);
            let cookie = (COOKIE, format!("{}={}", cookie.name, cookie.value));
            let answer = Answer::of(&app, request().insert_header(cookie)).await;
            assert_eq!((answer.status.as_u16(), answer.body.as_str()), (503, ""));
            assert_eq!(answer.all(PAGE), [kind]);
            assert_eq!(answer.all("x-frame-options"), ["DENY"]);
            assert_eq!(answer.all(ACCESS_CONTROL_ALLOW_ORIGIN), ["https://shop.example"]);
            assert_eq!(answer.all(RETRY_AFTER), ["1"]);
            assert_eq!(answer.all(CACHE_CONTROL), ["no-store"]);
            assert!(answer.all(VARY).iter().any(|vary| vary.contains("Cookie")), "{answer:?}");
        }
    }
}

/// A failure that the application's middleware makes of it is the application's: it stays an error, with
/// the headers of the session, which is saved.
#[actix_web::test]
async fn an_error_of_an_inner_middleware_stays_one_and_its_session_is_saved() {
    async fn forbids(
        request: ServiceRequest,
        _: Next<impl MessageBody + 'static>,
    ) -> Result<ServiceResponse<impl MessageBody>, Error> {
        request.session().await?.insert("seen", true)?;
        Err::<ServiceResponse, _>(ErrorForbidden("no entry"))
    }

    let (sessions, _) = Switched::sessions(SessionConfig::new());
    let app = App::new().wrap(from_fn(forbids)).wrap(sessions).default_service(web::to(count));
    let app = init_service(app).await;
    let err = app.call(TestRequest::default().to_request()).await.expect_err("an error");
    assert_eq!(
        (err.to_string().as_str(), err.as_response_error().status_code()),
        ("no entry", StatusCode::FORBIDDEN)
    );
    let response = err.error_response();
    assert!(response.headers().contains_key(SET_COOKIE));
    assert_eq!(response.headers().get(VARY).expect("it used the session"), "Cookie");
}

/// An error of an extractor is a response before it reaches any middleware.
#[actix_web::test]
async fn an_error_of_our_extractors_is_a_response_within_the_session_already() {
    async fn within(
        request: ServiceRequest,
        next: Next<impl MessageBody>,
    ) -> Result<ServiceResponse<impl MessageBody>, Error> {
        let response = next.call(request).await?;
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        Ok(response)
    }
    async fn reads(_: HttpRequest, session: Session) -> String {
        session.len().to_string()
    }

    let (sessions, switches) = Switched::sessions(SessionConfig::new());
    let app = App::new().wrap(from_fn(within)).wrap(sessions).default_service(web::to(reads));
    let app = init_service(app).await;
    switches.fail_open(true);
    assert_eq!(Browser::new().get(&app, "/").await.status, 503);
}
