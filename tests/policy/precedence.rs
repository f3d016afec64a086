//! Where a key is given twice: to the backend, and to the configuration.

use actix_web::{App, test::init_service, web};
use serde_json::json;
use sessions::{Session, SessionConfig, SignedCookie, test::TestClient};
use sessions_tests::{Answer, AppSessions, ConfiguredSessions, key, seeded};

#[actix_web::test]
async fn beside_a_backend_the_keys_of_the_configuration_are_not_used() {
    async fn read(session: Session) -> String {
        session.keys().join(" ")
    }
    let config = || SessionConfig::new().secret_key(key(2)).secret_key_fallback(key(3));
    let sessions = AppSessions { backend: SignedCookie::new(key(1)), config: config() };
    let app = init_service(App::new().wrap(sessions.clone()).default_service(web::to(read))).await;
    let seed = async |key| {
        let config = SessionConfig::new().secret_key(key);
        let client = TestClient::new(&ConfiguredSessions { config });
        seeded(&client, actix_web::test::TestRequest::default(), json!({"a": 1})).await
    };
    assert_eq!(Answer::of(&app, seed(key(1)).await).await.body, "a");
    for unused in [key(2), key(3)] {
        assert_eq!(Answer::of(&app, seed(unused).await).await.body, "");
    }
    // Without a backend they are.
    let app = App::new().wrap(ConfiguredSessions { config: config() });
    let app = init_service(app.default_service(web::to(read))).await;
    for used in [key(2), key(3)] {
        assert_eq!(Answer::of(&app, seed(used).await).await.body, "a");
    }
}
