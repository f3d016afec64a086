//! A handler that is cut off.

include!(concat!(env!("OUT_DIR"), "/cut_off.rs"));

use std::{future::pending, panic::AssertUnwindSafe};

use actix_http::Request;
use actix_service::Service;
use actix_web::{App, HttpResponse, Result, error::ErrorInternalServerError, test::init_service};
use futures_util::FutureExt;
use sessions::{Session, SessionConfig, policy::SaveWhen};
use sessions_tests::{Answer, AppSessions as Configured, Jar};

/// Writes one of two values, and is cut off as the path says.
async fn half(session: Session, how: web::Path<String>) -> Result<HttpResponse> {
    session.insert("order", 7)?;
    match how.as_str() {
        "slow" => pending::<()>().await,
        "panics" => panic!("told to"),
        "renews" => {
            session.renew()?;
            pending::<()>().await;
        }
        "fails" => return Err(ErrorInternalServerError("told to")),
        _ => {}
    }
    session.insert("paid", true)?;
    Ok(HttpResponse::Ok().finish())
}

async fn read(session: Session) -> String {
    session.keys().join(" ")
}

/// Answers for a handler that panics.
async fn catches(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let answered = AssertUnwindSafe(next.call(request)).catch_unwind().await;
    answered.unwrap_or_else(|_| Err(ErrorInternalServerError("the handler panicked")))
}

/// The session that was there before, and what a request left of it: its keys and whether its token changed.
async fn left<S, B>(app: &S, how: &str) -> (u16, String, bool)
where
    S: Service<Request, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody,
{
    let mut jar = Jar::new();
    jar.get(app, "/pages/half/whole").await;
    jar.get(app, "/pages/clear").await;
    let token = |jar: &Jar| jar.sent_to("/")[0].value.clone();
    let before = token(&jar);
    let Answer { status, .. } = jar.get(app, &format!("/pages/half/{how}")).await;
    let keys = jar.get(app, "/pages/read").await.body;
    (status.as_u16(), keys, token(&jar) != before)
}

fn routes() -> actix_web::Scope {
    async fn clear(session: Session) -> Result<&'static str> {
        session.clear()?;
        session.insert("user", 1)?;
        Ok("cleared")
    }
    web::scope("/pages")
        .route("/half/{how}", web::get().to(half))
        .route("/clear", web::get().to(clear))
        .route("/read", web::get().to(read))
}

#[actix_web::test]
async fn outside_of_the_sessions_a_timeout_or_a_caught_panic_saves_nothing() {
    tokio::time::pause();
    let sessions = AppSessions { backend: ServerSide::new(MemoryStore::new()) };
    let app = init_service(
        App::new().wrap(from_fn(catches)).configure(|config| pages(config, sessions, routes())),
    )
    .await;
    for (how, status) in [("slow", 504), ("renews", 504), ("panics", 500)] {
        assert_eq!(left(&app, how).await, (status, "user".to_owned(), false), "{how}");
    }
    assert_eq!(left(&app, "whole").await.1, "order paid user");
}

/// The same with the middleware inside of the sessions.
async fn inside(save_when: SaveWhen, how: &str) -> (u16, String, bool) {
    let config = SessionConfig::new().save_when(save_when);
    let sessions = Configured { backend: ServerSide::new(MemoryStore::new()), config };
    let routes = routes().wrap(from_fn(within_two_seconds)).wrap(from_fn(catches)).wrap(sessions);
    left(&init_service(App::new().service(routes)).await, how).await
}

#[actix_web::test]
async fn inside_of_the_sessions_what_was_written_before_is_saved() {
    tokio::time::pause();
    for (how, status, renewed) in
        [("slow", 504, false), ("panics", 500, false), ("fails", 500, false), ("renews", 504, true)]
    {
        let expected = (status, "order user".to_owned(), renewed);
        assert_eq!(inside(SaveWhen::Always, how).await, expected, "{how}");
    }
}

#[actix_web::test]
async fn inside_of_the_sessions_save_when_leaves_the_data_out() {
    tokio::time::pause();
    for save_when in [SaveWhen::Not5xx, SaveWhen::Success] {
        for (how, status, renewed) in [
            ("slow", 504, false),
            ("panics", 500, false),
            ("fails", 500, false),
            ("renews", 504, true),
        ] {
            let expected = (status, "user".to_owned(), renewed);
            assert_eq!(inside(save_when, how).await, expected, "{save_when} {how}");
        }
    }
}
