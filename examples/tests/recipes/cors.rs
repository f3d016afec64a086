//! A page of another origin calls the API.

include!(concat!(env!("OUT_DIR"), "/cors.rs"));

use actix_http::Request;
use actix_service::Service;
use actix_web::{
    App, Error,
    body::MessageBody,
    dev::ServiceResponse,
    http::Method,
    test::{TestRequest, init_service},
};
use serde_json::json;
use sessions::{SessionConfig, test::TestClient};
use sessions_tests::{Answer, Switched, seeded};

const OURS: &str = "https://app.example.com";
const THEIRS: &str = "https://evil.example";

async fn application(
    sessions: ApiSessions,
) -> impl Service<Request, Response = ServiceResponse<impl MessageBody>, Error = Error> {
    init_service(App::new().configure(|config| api(config, sessions))).await
}

fn sessions() -> ApiSessions {
    ApiSessions { backend: ServerSide::new(MemoryStore::new()) }
}

fn named_origin(answer: &Answer) -> Option<&str> {
    answer.all("access-control-allow-origin").into_iter().next()
}

/// Asks for the user from a page of this origin, with the cookie of a session.
async fn ask<S, B>(app: &S, sessions: &ApiSessions, origin: &str) -> Answer
where
    S: Service<Request, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody,
{
    let request = TestRequest::get().uri("/api/me").insert_header(("origin", origin));
    let request = seeded(&TestClient::new(sessions), request, json!({"user": "alice"})).await;
    Answer::of(app, request).await
}

#[actix_web::test]
async fn a_preflight_opens_no_session() {
    let sessions = sessions();
    let app = application(sessions.clone()).await;
    let preflight = TestRequest::default()
        .method(Method::OPTIONS)
        .uri("/api/me")
        .insert_header(("origin", OURS))
        .insert_header(("access-control-request-method", "POST"))
        .insert_header(("access-control-request-headers", "content-type"));
    let answer = Answer::of(&app, preflight).await;
    assert_eq!(answer.status, 200);
    assert_eq!(named_origin(&answer), Some(OURS));
    assert_eq!(answer.all("access-control-allow-credentials"), ["true"]);
    assert!(!answer.all("vary").join(",").contains("Cookie"), "the session is untouched");
}

#[actix_web::test]
async fn a_page_of_the_allowed_origin_reads_its_session_and_no_other_page_does() {
    let sessions = sessions();
    let app = application(sessions.clone()).await;
    let answer = ask(&app, &sessions, OURS).await;
    assert_eq!(answer.body, "alice");
    assert_eq!(named_origin(&answer), Some(OURS));
    assert_eq!(answer.all("access-control-allow-credentials"), ["true"]);
    let [vary] = answer.all("vary")[..] else { panic!("{:?}", answer.all("vary")) };
    let varies: Vec<_> = vary.split(", ").collect();
    assert!(varies.contains(&"Origin") && varies.contains(&"Cookie"), "{vary}");

    // The browser shows this answer to no page.
    assert_eq!(named_origin(&ask(&app, &sessions, THEIRS).await), None);
}

#[actix_web::test]
async fn any_origin_with_credentials_names_whoever_asks() {
    let wrong = Cors::default().allow_any_origin().supports_credentials();
    let sessions = sessions();
    let app = init_service(
        App::new().service(web::scope("/api").wrap(sessions.clone()).wrap(wrong).service(me)),
    )
    .await;
    let answer = ask(&app, &sessions, THEIRS).await;
    assert_eq!((answer.body.as_str(), named_origin(&answer)), ("alice", Some(THEIRS)));
    assert_eq!(answer.all("access-control-allow-credentials"), ["true"]);
}

#[actix_web::test]
async fn a_failure_reaches_the_page_where_cors_is_outside_and_not_where_it_is_inside() {
    let failing = || {
        let (sessions, switches) = Switched::sessions(SessionConfig::new());
        switches.fail_open(true);
        sessions
    };
    let outside = web::scope("/api").wrap(failing()).wrap(cors()).service(me);
    let inside = web::scope("/api").wrap(cors()).wrap(failing()).service(me);
    let (outside, inside) = (
        init_service(App::new().service(outside)).await,
        init_service(App::new().service(inside)).await,
    );
    let request = || TestRequest::get().uri("/api/me").insert_header(("origin", OURS));
    let answer = Answer::of(&outside, request()).await;
    assert_eq!((answer.status.as_u16(), named_origin(&answer)), (503, Some(OURS)));
    let answer = Answer::of(&inside, request()).await;
    assert_eq!((answer.status.as_u16(), named_origin(&answer)), (503, None));
}
