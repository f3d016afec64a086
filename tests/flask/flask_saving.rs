//! Flask's behaviours of keys, opening and saving: what is kept, and what cannot be is an error.

use std::{cell::Cell, rc::Rc};

use actix_http::Request;
use actix_service::Service;
use actix_web::{
    App, Error, HttpResponse,
    body::{BodyStream, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    middleware::{Next, from_fn},
    test::{TestRequest, init_service},
    web,
};
use futures_util::stream;
use sessions::{
    Session, SessionConfig, SessionError, SessionExt, SessionInterface, SessionState,
    error::{OpenError, SaveError, SessionLimit},
    interface::{NullSession, OpenContext, Opened, SaveContext, Saved},
    policy::OpenMode,
};
use sessions_tests::{Browser, ConfiguredSessions, key};

use crate::{read, set, signed};

async fn app(
    config: SessionConfig,
) -> impl Service<Request, Response = ServiceResponse<impl MessageBody>, Error = Error> {
    init_service(
        App::new()
            .wrap(ConfiguredSessions { config })
            .route("/read", web::get().to(read))
            .route("/set", web::get().to(set))
            .route("/fill/{length}", web::get().to(fill)),
    )
    .await
}

/// Writes one key of the length, between two of a hundred bytes.
async fn fill(session: Session, length: web::Path<usize>) -> actix_web::Result<&'static str> {
    session.insert("aaa", "x".repeat(100))?;
    session.insert("large", "x".repeat(*length))?;
    session.insert("zzz", "x".repeat(100))?;
    Ok("filled")
}

// Keys.

#[actix_web::test]
async fn without_a_secret_key_reading_gives_nothing_and_writing_is_an_error() {
    let app = app(SessionConfig::new()).await;
    let mut browser = Browser::new();
    assert_eq!(browser.get(&app, "/read").await.body, "none");
    let answer = browser.get(&app, "/set").await;
    assert_eq!((answer.status.as_u16(), answer.body.as_str()), (500, ""));
    assert_eq!(answer.cookie(), None);
}

#[actix_web::test]
async fn keys_can_be_rotated_three_times_and_each_session_moves_to_the_current_one() {
    let mut browser = Browser::new();
    browser.get(&app(signed()).await, "/set").await;
    let oldest = browser.cookie("session").expect("set").to_owned();

    let mut config = signed();
    for number in 2..=4 {
        let alone = app(SessionConfig::new().secret_key(key(number))).await;
        config = config.secret_key_fallback(key(number - 1)).secret_key(key(number));
        let rotated = app(config.clone()).await;

        let answer = browser.get(&alone, "/read").await;
        assert_eq!((answer.body.as_str(), answer.cookie()), ("none", None));

        let answer = browser.get(&rotated, "/read").await;
        assert_eq!(answer.body, "1");
        assert!(answer.cookie().is_some(), "signed again under key {number}");

        let answer = browser.get(&alone, "/read").await;
        assert_eq!((answer.body.as_str(), answer.cookie()), ("1", None));

        let mut returning = Browser::new();
        returning.set_cookie("session", &oldest);
        assert_eq!(returning.get(&rotated, "/read").await.body, "1", "{number}");
    }
}

// What happens around the handler.

#[actix_web::test]
async fn what_a_middleware_inside_changes_after_the_handler_is_saved() {
    async fn after(
        request: ServiceRequest,
        next: Next<impl MessageBody>,
    ) -> Result<ServiceResponse<impl MessageBody>, Error> {
        let response = next.call(request).await?;
        let session = response.session().await?;
        session.update("a", |n: Option<u32>| n.unwrap_or(0) + 1)?;
        Ok(response)
    }
    let app = init_service(
        App::new()
            .wrap(from_fn(after))
            .wrap(ConfiguredSessions { config: signed() })
            .default_service(web::to(read)),
    )
    .await;
    let mut browser = Browser::new();
    let mut bodies = Vec::new();
    for _ in 0..3 {
        bodies.push(browser.get(&app, "/").await.body);
    }
    assert_eq!(bodies, ["none", "1", "2"]);
}

/// Opens nothing, or fails to.
#[derive(Clone, SessionInterface)]
#[session(open_with = open_none, save_with = save_never)]
struct NoneSessions {
    config: SessionConfig,
}

async fn open_none(
    _: &NoneSessions,
    cx: OpenContext<'_>,
) -> Result<Opened<SessionState>, OpenError> {
    if cx.request().path() == "/fails" {
        return Err(OpenError::internal(std::io::Error::other("no luck")));
    }
    Ok(Opened::Null(NullSession::new("none for this route")))
}

async fn save_never(
    _: &NoneSessions,
    _: &SessionState,
    _: SaveContext<'_>,
) -> Result<Saved, SaveError> {
    panic!("neither a null session nor a failed one is saved")
}

#[actix_web::test]
async fn opening_none_gives_the_null_session() {
    async fn handler(session: Session) -> String {
        let refused = matches!(session.insert("a", 1), Err(SessionError::Null(_)));
        format!("{} keys, refused: {refused}", session.len())
    }
    for mode in [OpenMode::Lazy, OpenMode::Eager] {
        let config = signed().open(mode);
        let app = init_service(
            App::new().wrap(NoneSessions { config }).default_service(web::to(handler)),
        )
        .await;
        let answer = Browser::new().get(&app, "/").await;
        assert_eq!(answer.body, "0 keys, refused: true", "{mode}");
        assert_eq!(answer.cookie(), None, "{mode}");
    }
}

#[actix_web::test]
async fn an_error_in_opening_answers_500_without_the_handler() {
    for mode in [OpenMode::Lazy, OpenMode::Eager] {
        let calls = Rc::new(Cell::new(0));
        let counted = Rc::clone(&calls);
        let handler = move |_: Session| {
            counted.set(counted.get() + 1);
            async { "handled" }
        };
        let config = signed().open(mode);
        let app = init_service(
            App::new().wrap(NoneSessions { config }).default_service(web::to(handler)),
        )
        .await;
        let answer = Browser::new().get(&app, "/fails").await;
        assert_eq!((answer.status.as_u16(), answer.body.as_str()), (500, ""));
        assert_eq!(calls.get(), 0, "{mode}");
        assert_eq!(Browser::new().get(&app, "/opens").await.body, "handled");
        assert_eq!(calls.get(), 1, "{mode}");
    }
}

#[actix_web::test]
async fn a_streamed_body_reads_the_session_and_cannot_write_to_it() {
    async fn streamed(session: Session) -> actix_web::Result<HttpResponse> {
        session.insert("a", 1)?;
        let body = stream::once(async move {
            let read = session.get::<u32>("a").map_err(Error::from)?;
            let written = session.insert("b", 2).map_err(|err| err.to_string());
            Ok::<_, Error>(web::Bytes::from(format!("{read:?} {}", written.unwrap_err())))
        });
        Ok(HttpResponse::Ok().body(BodyStream::new(Box::pin(body))))
    }
    let app = init_service(
        App::new()
            .wrap(ConfiguredSessions { config: signed() })
            .route("/streamed", web::get().to(streamed))
            .route(
                "/keys",
                web::get().to(|session: Session| async move { session.keys().join(" ") }),
            ),
    )
    .await;
    let mut browser = Browser::new();
    let answer = browser.get(&app, "/streamed").await;
    assert!(answer.body.starts_with("Some(1) the session is already saved"), "{}", answer.body);
    assert_eq!(browser.get(&app, "/keys").await.body, "a");
}

#[actix_web::test]
async fn a_key_that_does_not_fit_is_an_error_where_it_is_written() {
    let app = app(signed()).await;
    let mut browser = Browser::new();
    browser.get(&app, "/set").await;
    let answer = browser.get(&app, "/fill/4000").await;
    assert_eq!((answer.status.as_u16(), answer.body.as_str()), (500, ""));
    assert_eq!(browser.get(&app, "/read").await.body, "1", "what was there is kept");

    let request = TestRequest::with_uri("/fill/4000").to_request();
    let answer = app.call(request).await.expect("the handler's own answer");
    let err = answer.response().error().expect("its error");
    match err.as_error::<SessionError>() {
        Some(SessionError::TooLarge { key, limit: SessionLimit::Cookie }) => {
            assert_eq!(&**key, "large");
        }
        other => panic!("another error: {other:?}"),
    }
    assert!(err.to_string().starts_with("`large` does not fit in the session: "), "{err}");
}

#[actix_web::test]
async fn a_session_fits_up_to_4096_bytes_of_name_and_value() {
    let app = app(signed()).await;
    let mut largest = 0;
    for length in (2_500..2_900).rev() {
        let answer = Browser::new().get(&app, &format!("/fill/{length}")).await;
        if answer.status.as_u16() == 500 {
            continue;
        }
        assert_eq!(answer.body, "filled", "{length}");
        let cookie = answer.cookie().expect("it fits");
        largest = cookie.name.len() + cookie.value.len();
        break;
    }
    // No base64 text is one byte longer than a multiple of four.
    assert!((4_095..=4_096).contains(&largest), "{largest}");
}
