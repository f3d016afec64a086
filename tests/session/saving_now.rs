//! `save_now`: what it saves, and what the client gets when it fails or is dropped.

use std::sync::Arc;

use actix_http::Request;
use actix_service::Service;
use actix_web::{
    App, Error, HttpResponse, body::MessageBody, dev::ServiceResponse, http::StatusCode,
    test::init_service, web,
};
use futures_util::FutureExt;
use sessions::{
    MemoryStore, ServerSide, Session, SessionConfig, SessionError,
    error::SaveError,
    policy::SaveWhen,
    test::{Fault, FaultStore},
};
use sessions_tests::{AppSessions, Browser, StoredSessions, Switched, Switches};
use tokio::task::yield_now;

/// Writes and saves now; the path says what comes after it.
async fn act(session: Session, then: web::Path<String>) -> actix_web::Result<HttpResponse> {
    session.insert(&then, true)?;
    match then.as_str() {
        "read" => Ok(HttpResponse::Ok().body(session.keys().join(" "))),
        "refuse" => {
            session.save_now().await?;
            Ok(HttpResponse::InternalServerError().finish())
        }
        "write" => {
            session.save_now().await?;
            assert!(matches!(session.insert("late", 1), Err(SessionError::Saved)));
            assert!(matches!(session.save_now().await, Err(SaveError::Saved)));
            Ok(HttpResponse::Ok().finish())
        }
        "decide" => match session.save_now().await {
            Ok(_) => Ok(HttpResponse::Ok().finish()),
            Err(err) => Ok(HttpResponse::Accepted().body(err.to_string())),
        },
        // Polled once: the store is at work.
        "drop" => {
            assert!(session.save_now().now_or_never().is_none());
            Ok(HttpResponse::Ok().body("answered"))
        }
        other => panic!("nothing to do at {other}"),
    }
}

async fn with_switches() -> (
    impl Service<Request, Response = ServiceResponse<impl MessageBody>, Error = Error>,
    Arc<Switches>,
) {
    let config = SessionConfig::new().save_when(SaveWhen::Success);
    let (sessions, switches): (AppSessions<Switched>, _) = Switched::sessions(config);
    let app = App::new().wrap(sessions).route("/{then}", web::get().to(act));
    (init_service(app).await, switches)
}

#[actix_web::test]
async fn it_saves_as_for_a_response_with_status_200_and_closes_the_session() {
    let (app, _) = with_switches().await;
    let mut browser = Browser::new();
    let answer = browser.get(&app, "/refuse").await;
    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(answer.cookie().is_some(), "the response carries the cookie");
    assert_eq!(browser.get(&app, "/write").await.status, StatusCode::OK);
    assert_eq!(browser.get(&app, "/read").await.body, "read refuse write");
}

#[actix_web::test]
async fn the_handler_answers_a_failure_and_the_request_does_not_save_again() {
    let (app, switches) = with_switches().await;
    switches.fail_save(true);
    let answer = Browser::new().get(&app, "/decide").await;
    assert_eq!(
        (answer.status, answer.body.starts_with("the session store"), answer.cookie()),
        (StatusCode::ACCEPTED, true, None)
    );
    assert_eq!(switches.counts(), (1, 1));
}

#[actix_web::test]
async fn dropped_before_it_completes_it_is_an_empty_500() {
    let store = FaultStore::new(MemoryStore::new());
    let sessions = StoredSessions { backend: ServerSide::new(store.clone()) };
    let app = init_service(App::new().wrap(sessions).route("/{then}", web::get().to(act))).await;
    store.on_every_call(Fault::Hangs);
    let answer = Browser::new().get(&app, "/drop").await;
    assert_eq!(
        (answer.status, answer.body.as_str(), answer.cookie()),
        (StatusCode::INTERNAL_SERVER_ERROR, "", None)
    );
    yield_now().await;
}
