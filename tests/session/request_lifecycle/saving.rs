//! Saving: what is saved when, and what the client gets when it fails.

use actix_web::{
    App, Error, HttpResponse,
    body::{BodyStream, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    error::{ErrorForbidden, ErrorImATeapot},
    http::{StatusCode, header},
    middleware::{Next, from_fn},
    test::{TestRequest, init_service},
    web,
};
use futures_util::stream;
use sessions::{
    Session, SessionConfig, SessionError, SessionInterface, SignedCookie,
    policy::{OnSaveError, SaveWhen},
    test::TestClient,
};
use sessions_tests::{AppSessions, Browser, Switched, key, seeded};

use super::{count, plain, untouched};

// Failures of saving.

#[actix_web::test]
async fn a_failed_save_is_an_empty_503_without_cookie() {
    let (sessions, switches) = plain();
    let app = init_service(App::new().wrap(sessions).default_service(web::to(count))).await;
    let mut browser = Browser::new();
    browser.get(&app, "/").await;
    switches.fail_save(true);
    let answer = browser.get(&app, "/").await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.body, "");
    assert_eq!(answer.cookie(), None);
    switches.fail_save(false);
    assert_eq!(browser.get(&app, "/").await.body, "2");
}

#[actix_web::test]
async fn on_save_error_log_lets_the_response_through_but_never_for_purge_renew_and_rotate() {
    async fn purge(session: Session) -> actix_web::Result<&'static str> {
        session.purge()?;
        Ok("gone")
    }
    async fn renew(session: Session) -> actix_web::Result<&'static str> {
        session.renew()?;
        Ok("new")
    }
    async fn rotate(session: Session) -> actix_web::Result<&'static str> {
        session.rotate()?;
        Ok("other")
    }
    let (sessions, switches) =
        Switched::sessions(SessionConfig::new().on_save_error(OnSaveError::Log));
    let app = init_service(
        App::new()
            .wrap(sessions)
            .route("/count", web::get().to(count))
            .route("/purge", web::get().to(purge))
            .route("/renew", web::get().to(renew))
            .route("/rotate", web::get().to(rotate)),
    )
    .await;
    let mut browser = Browser::new();
    browser.get(&app, "/count").await;
    switches.fail_save(true);
    let answer = browser.get(&app, "/count").await;
    assert_eq!((answer.status.as_u16(), answer.body.as_str(), answer.cookie()), (200, "2", None));
    for path in ["/purge", "/renew", "/rotate"] {
        let answer = browser.get(&app, path).await;
        assert_eq!(
            (answer.status.as_u16(), answer.body.as_str(), answer.cookie()),
            (503, "", None),
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
        inner: Session<AppSessions<Switched>>,
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
async fn save_when_decides_about_data_and_never_about_purge_renew_and_rotate() {
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
            "rotate" => {
                session.rotate()?;
                session.insert("b", 2)?;
            }
            other => panic!("no act {other}"),
        }
        Ok(HttpResponse::build(StatusCode::from_u16(status).unwrap()).finish())
    }
    let cases = [(SaveWhen::Always, 599), (SaveWhen::Not5xx, 499), (SaveWhen::Success, 399)];
    for (save_when, last_saving) in cases {
        let (sessions, _) = Switched::sessions(SessionConfig::new().save_when(save_when));
        let app = init_service(
            App::new().wrap(sessions.clone()).route("/{act}/{status}", web::get().to(act)),
        )
        .await;
        let client = TestClient::new(&sessions);
        for status in [200, 302, 404, 499, 500, 503] {
            let saves = status <= last_saving;
            for act in ["insert", "purge", "renew", "rotate"] {
                let request = TestRequest::with_uri(&format!("/{act}/{status}"));
                let request = seeded(&client, request, serde_json::json!({"a": 1})).await;
                let response = actix_web::test::call_service(&app, request.to_request()).await;
                let sets = response.headers().contains_key(header::SET_COOKIE);
                let keys = client.session_after(&response).await.keys();
                let expected: (bool, &[&str]) = match (act, saves) {
                    ("insert" | "renew" | "rotate", true) => (true, &["a", "b"]),
                    ("insert", false) => (false, &["a"]),
                    ("renew" | "rotate", false) => (true, &["a"]),
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
                session.rotate(),
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
