//! A value gets another type.

include!(concat!(env!("OUT_DIR"), "/changed_types.rs"));

use std::future::ready;

use actix_web::{
    App, Result,
    test::{TestRequest, init_service},
    web,
};
use serde_json::{Map, Value, json};
use sessions::{SignedCookie, test::TestClient};
use sessions_tests::{AppSessions, left_by, seeded};

/// Runs a handler on a session with this content. Returns its answer, and the content afterwards.
async fn run(
    content: Value,
    handler: impl Fn(Session) -> Result<String> + Clone + 'static,
) -> (u16, String, Map<String, Value>) {
    let sessions = AppSessions::<SignedCookie>::signed(sessions::SessionConfig::new());
    let handler = move |session: Session| ready(handler(session));
    let app =
        init_service(App::new().wrap(sessions.clone()).default_service(web::to(handler))).await;
    let client = TestClient::new(&sessions);
    let request = seeded(&client, TestRequest::default(), content).await;
    let response = actix_web::test::call_service(&app, request.to_request()).await;
    let left = left_by(&client, &response).await;
    let status = response.status().as_u16();
    let body = actix_web::test::read_body(response).await;
    (status, String::from_utf8_lossy(&body).into_owned(), left)
}

#[actix_web::test]
async fn a_value_of_a_former_type_is_an_error_of_each_access_and_stays() {
    type Access = fn(&Session) -> Result<(), SessionError>;
    let former = || json!({"cart": ["tea", "tea"]});
    let accesses: [Access; 4] = [
        |session| session.get::<Cart>("cart").map(drop),
        |session| session.take::<Cart>("cart").map(drop),
        |session| session.get_or_insert_with("cart", Cart::default).map(drop),
        |session| session.update("cart", Option::<Cart>::unwrap_or_default).map(drop),
    ];
    for access in accesses {
        let asked = move |session: Session| {
            let err = access(&session).expect_err("it is a list");
            assert!(
                matches!(&err, SessionError::Decode { key, .. } if &**key == "cart"),
                "{err:?}"
            );
            Err(err.into())
        };
        let (status, body, left) = run(former(), asked).await;
        assert_eq!((status, body.as_str()), (500, ""));
        assert_eq!(Value::from(left), former());
    }
}

#[actix_web::test]
async fn a_cart_is_carried_over_once_and_the_former_version_still_reads_its_own() {
    let read = |session: Session| Ok(serde_json::to_string(&cart(&session)?)?);
    let (_, body, left) = run(json!({"cart": ["tea", "tea", "milk"]}), read).await;
    assert_eq!(body, r#"{"items":{"milk":1,"tea":2}}"#);
    assert_eq!(left["cart"], json!(["tea", "tea", "milk"]));
    assert_eq!(left["cart2"], json!({"items": {"milk": 1, "tea": 2}}));
    // What the former version adds meanwhile is not carried over again.
    let both = json!({"cart": ["tea"], "cart2": {"items": {"milk": 3}}});
    let (_, body, left) = run(both.clone(), read).await;
    assert_eq!(body, r#"{"items":{"milk":3}}"#);
    assert_eq!(Value::from(left), both);
    assert_eq!(run(json!({"user": 7}), read).await.1, r#"{"items":{}}"#);
}

#[actix_web::test]
async fn a_value_that_is_not_worth_carrying_over_is_removed() {
    let read = |session: Session| Ok(format!("{:?}", theme(&session)?));
    let (status, body, left) = run(json!({"theme": "dark", "user": 7}), read).await;
    assert_eq!((status, body.as_str()), (200, "None"));
    assert_eq!(Value::from(left), json!({"user": 7}));
    let (_, body, left) = run(json!({"theme": 2}), read).await;
    assert_eq!((body.as_str(), Value::from(left)), ("Some(2)", json!({"theme": 2})));
}
