//! Clients without cookies: the program of `docs/bearer.md`.

include!(concat!(env!("OUT_DIR"), "/api_client.rs"));

use actix_web::{
    http::header,
    test::{TestRequest, init_service},
};
use serde_json::Value;
use sessions_tests::Answer;

#[actix_web::test]
async fn the_program_of_the_page_logs_in_counts_refreshes_and_logs_out() {
    let sessions = AppSessions { backend: ServerSide::new(MemoryStore::new()) };
    let app = App::new().wrap(sessions).configure(routes);
    let app = init_service(app).await;
    let attempt = async |password: &str| {
        let form = json!({"name": "alice", "password": password});
        Answer::of(&app, TestRequest::post().uri("/api/login").set_json(form)).await
    };
    let token = |answer: &Answer| {
        let body: Value = serde_json::from_str(&answer.body).expect("JSON");
        assert_eq!(body["token_type"], "Bearer");
        body["access_token"].as_str().expect("a token").to_owned()
    };
    let ask = async |request: TestRequest, token: &str| {
        let credentials = (header::AUTHORIZATION, format!("Bearer {token}"));
        Answer::of(&app, request.insert_header(credentials)).await
    };
    let visit = async |token: &str| {
        let answer = ask(TestRequest::get().uri("/api/visits"), token).await;
        (answer.status.as_u16(), answer.body)
    };

    assert_eq!(attempt("wrong").await.status, 401);
    let answer = attempt("secret").await;
    assert_eq!(answer.cookie(), None);
    let first = token(&answer);
    assert_eq!(visit(&first).await, (200, r#"{"user":"alice","visits":1}"#.to_owned()));

    let second = token(&ask(TestRequest::post().uri("/api/refresh"), &first).await);
    assert!(second.starts_with("ses_") && second != first);
    assert_eq!(visit(&second).await, (200, r#"{"user":"alice","visits":2}"#.to_owned()));

    assert_eq!(ask(TestRequest::post().uri("/api/logout"), &second).await.status, 204);
    assert_eq!(visit(&second).await.0, 401);
    assert_eq!(ask(TestRequest::post().uri("/api/refresh"), &second).await.status, 401);
}
