//! Support for the tests of an application: seed a session, read the one a response left, set the
//! clock.
//!
//! Everything uses the application's own interface, backend and keys, so that a browser could have any
//! seeded session.
//!
//! # Examples
//!
//! ```
//! # use sessions::{SecretKey, Session, SessionConfig, SessionInterface};
//! # #[derive(Clone, SessionInterface)]
//! # struct AppSessions { config: SessionConfig }
//! use actix_web::{App, get, test::{TestRequest, call_service, init_service}};
//! use serde_json::json;
//! use sessions::test::TestSessions;
//!
//! #[get("/account")]
//! async fn account(session: Session) -> actix_web::Result<String> {
//!     session.insert("seen", true)?;
//!     Ok(session.get::<String>("user")?.unwrap_or_else(|| "nobody".to_owned()))
//! }
//!
//! # #[actix_web::main]
//! # async fn main() {
//! # let sessions = AppSessions { config: SessionConfig::new().secret_key(SecretKey::generate()) };
//! let app = init_service(App::new().wrap(sessions.clone()).service(account)).await;
//! let client = TestSessions::new(&sessions);
//!
//! let request = client.seed(TestRequest::get().uri("/account"), json!({"user": "alice"})).await;
//! let response = call_service(&app, request.to_request()).await;
//!
//! assert_eq!(client.left_by(&response).await.get::<bool>("seen").unwrap(), Some(true));
//! # }
//! ```

mod clock;
mod fault;
mod gate;
mod operation;
mod sessions;
pub mod store;

pub use self::{
    clock::TestClock,
    fault::{Fault, FaultStore},
    gate::{Gate, Moment},
    operation::Operation,
    sessions::TestSessions,
};
