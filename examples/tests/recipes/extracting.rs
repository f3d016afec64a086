//! `Session::extract`.

include!(concat!(env!("OUT_DIR"), "/extracting.rs"));

use actix_web::{
    App,
    test::{TestRequest, init_service},
    web,
};
use serde_json::json;
use sessions::test::TestClient;
use sessions_tests::{Answer, AppSessions, seeded};

#[actix_web::test]
async fn both_ways_find_the_session_of_the_request() {
    async fn tell(request: HttpRequest, session: Session) -> Result<String> {
        session.insert("user", "alice")?;
        let named = Session::<AppSessions>::extract(&request).await?.get::<String>("user")?;
        Ok(format!("{:?} {:?} {named:?}", user(&request).await?, user_of(&request).await?))
    }
    let sessions = AppSessions::signed(sessions::SessionConfig::new());
    let app = init_service(App::new().wrap(sessions.clone()).default_service(web::to(tell))).await;
    let request =
        seeded(&TestClient::new(&sessions), TestRequest::default(), json!({"a": 1})).await;
    let alice = r#"Some("alice")"#;
    assert_eq!(Answer::of(&app, request).await.body, format!("{alice} {alice} {alice}"));
}
