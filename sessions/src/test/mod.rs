//! Support for the tests of an application: a client with a session, the session that a response leaves, and a
//! clock that a test sets.
//!
//! # Examples
//!
//! ```
//! # use sessions::{SecretKey, Session, SessionConfig, SessionInterface};
//! # #[derive(Clone, SessionInterface)]
//! # struct AppSessions { config: SessionConfig }
//! use std::time::Duration;
//!
//! use actix_web::{App, Responder, Result, get, post, test::{TestRequest, call_and_read_body, init_service}};
//! use sessions::test::{TestClient, TestClock};
//!
//! #[post("/buy")]
//! async fn buy(session: Session) -> Result<impl Responder> {
//!     let user = session.owner().unwrap_or_else(|| "nobody".to_owned());
//!     session.flash("success", format!("Sent to {user}."))?;
//!     Ok("thanks")
//! }
//!
//! #[get("/")]
//! async fn index(session: Session) -> String {
//!     session.owner().unwrap_or_else(|| "nobody".to_owned())
//! }
//!
//! # #[actix_web::main]
//! # async fn main() -> Result<(), sessions::SessionError> {
//! # let sessions = AppSessions { config: SessionConfig::new().secret_key(SecretKey::generate()) };
//! let time = TestClock::new();
//! let client = TestClient::with_clock(&sessions, time.clock());
//! let app = init_service(App::new().wrap(client.middleware()).service((buy, index))).await;
//!
//! // A session to begin with, and the one that a response leaves.
//! let request = client.with(TestRequest::post().uri("/buy"), |s| s.set_owner("alice")).await;
//! let response = client.call(&app, request).await;
//! let after = client.session_after(&response).await;
//! assert_eq!(after.take_flashes()?, [("success".into(), "Sent to alice.".into())]);
//!
//! // The client keeps its cookie, until its session is over.
//! time.advance(Duration::from_secs(32 * 24 * 60 * 60));
//! let request = client.with(TestRequest::get(), |_| Ok(())).await;
//! assert_eq!(call_and_read_body(&app, request.to_request()).await, "nobody");
//! # Ok(())
//! # }
//! ```

mod client;
mod clock;
mod fault;
mod gate;
mod operation;
pub mod store;

pub use self::{
    client::TestClient,
    clock::TestClock,
    fault::{Fault, FaultStore},
    gate::{Gate, Moment},
    operation::Operation,
};
