//! A request with a session of its own.

use actix_web::test::TestRequest;
use serde::Serialize;
use serde_json::{Map, Value};
use sessions::{SessionInterface, test::TestClient};

/// Gives a request a new session with this content, a JSON object.
///
/// # Panics
///
/// When the content is something else, or cannot be saved.
pub async fn seeded<I: SessionInterface>(
    client: &TestClient<I>,
    request: TestRequest,
    content: impl Serialize,
) -> TestRequest {
    let content = serde_json::to_value(content).expect("it is JSON");
    let Value::Object(content) = content else { panic!("{content} is no object") };
    client.another().with(request, |session| session.extend(content)).await
}

/// Returns the content of the session that a response leaves.
///
/// # Panics
///
/// When the session cannot be opened.
pub async fn left_by<I: SessionInterface, B>(
    client: &TestClient<I>,
    response: &actix_web::dev::ServiceResponse<B>,
) -> Map<String, Value> {
    client.session_after(response).await.entries().expect("it is JSON")
}
