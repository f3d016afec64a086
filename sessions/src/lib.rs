//! Sessions for Actix Web: Flask's `SessionInterface`, complete, with policies that are checked
//! before they run and nothing lost in silence.
//!
//! A *session* is what a handler holds: a dictionary that belongs to one client and lasts from
//! request to request. An *interface* says how sessions are opened and saved, and how their cookie
//! looks; `#[derive(SessionInterface)]` writes it for a struct. A *backend*, the struct's field,
//! turns the *token* in the cookie into a session and back.
//!
//! ```no_run
//! use actix_web::{App, HttpServer, Responder, get};
//! use sessions::{SecretKey, Session, SessionInterface, SignedCookie};
//!
//! #[derive(Clone, SessionInterface)]
//! #[session(cookie_name = "__Host-app", samesite = "Strict", permanent = true, lifetime = "14 days")]
//! struct AppSessions {
//!     backend: SignedCookie,
//! }
//!
//! #[get("/")]
//! async fn index(session: Session) -> actix_web::Result<impl Responder> {
//!     let visits = session.update("visits", |n: Option<u32>| n.unwrap_or(0) + 1)?;
//!     Ok(format!("visit number {visits}"))
//! }
//!
//! #[actix_web::main]
//! async fn main() -> std::io::Result<()> {
//!     let sessions = AppSessions { backend: SignedCookie::new(SecretKey::from_env("SECRET_KEY")?) };
//!     HttpServer::new(move || App::new().wrap(sessions.clone()).service(index))
//!         .bind(("127.0.0.1", 8080))?
//!         .run()
//!         .await
//! }
//! ```
//!
//! # What happens to a request
//!
//! 1. The middleware offers a session and does nothing else: no parsing, no clock, no I/O.
//! 2. The session is *opened* when a handler takes [`Session`], or a middleware asks for it. A
//!    cookie that does not verify opens a new session; a store that does not answer is an error.
//! 3. The handler reads and writes. A write where there is no session, or no longer one to write to,
//!    is an error there and then.
//! 4. The session is *saved* when the handler has returned, if it changed or a policy says so, and
//!    the response gets `Set-Cookie`, `Vary: Cookie` and a `Cache-Control` that keeps it private.
//!
//! Clients see a status and an empty body when something is wrong; the reason is in the log, under
//! the target `sessions`. [`check`](trait@SessionInterface#method.check) in `main` ends a program whose
//! policies are wrong with one line.
//!
//! # Where to go next
//!
//! - [`Session`]: what handlers do with a session.
//! - [`SessionInterface`](trait@SessionInterface): the contract, policy by policy; the derive's
//!   [page](derive@SessionInterface) lists the attributes.
//! - [`SignedCookie`], [`EncryptedCookie`], [`ServerSide`]: the backends, and what each protects from.
//! - [`store`]: the stores of server-side sessions, and how to write one.
//! - [`SessionConfig`]: the policies at run time, from code, a file or the environment.
//! - `test` (feature `test`): sessions for the tests of an application.
//!
//! # Features
//!
//! | name | description | default |
//! |---|---|---|
//! | `derive` | `#[derive(SessionInterface)]` | yes |
//! | `flask` | one session for a Flask and an Actix application: [`flask`] | no |
//! | `import-actix-session` | [`import`]: takes over the sessions of an application on actix-session | no |
//! | `test` | seed and read sessions in tests, set their clock; check a store, and have it fail | no |

#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod backend;
mod clock;
mod codec;
mod cookie;
mod dictionary;
pub mod error;
#[cfg(feature = "flask")]
pub mod flask;
#[cfg(feature = "import-actix-session")]
pub mod import;
pub mod interface;
pub mod key;
pub mod policy;
pub mod request;
pub mod session;
mod state;
pub mod store;
#[cfg(feature = "test")]
pub mod test;
mod token;

#[cfg(feature = "derive")]
#[doc = include_str!("derive.md")]
pub use sessions_derive::SessionInterface;

#[doc(inline)]
pub use crate::{
    backend::{AnyBackend, EncryptedCookie, ServerSide, SignedCookie},
    error::SessionError,
    interface::SessionInterface,
    key::{KeyRing, SecretKey, SharedKeys},
    policy::{SameSite, SessionConfig},
    request::SessionMiddleware,
    session::{OpenedSessionExt, ReadSession, Session, SessionExt, TrySession},
    state::SessionState,
    store::MemoryStore,
};

/// What the code that the derive writes calls. Not for anyone else.
#[doc(hidden)]
pub mod __private {
    pub use std::{borrow::Cow, future::Ready, time::SystemTime};

    pub use actix_service::{Service, Transform};
    pub use actix_web::{
        Error, HttpRequest,
        dev::{ServiceRequest, ServiceResponse},
    };

    pub use crate::{backend::confidential::confidential, request::middleware::new_transform};
}

/// The signature by itself, for our benches. Not for anyone else.
#[cfg(feature = "__benches")]
#[doc(hidden)]
#[path = "benches.rs"]
pub mod __benches;

/// The README's examples, compiled.
#[cfg(all(doctest, feature = "flask", feature = "test"))]
#[doc = include_str!("../../README.md")]
struct Readme;

/// The steps of the migrations, compiled.
#[cfg(all(doctest, feature = "flask", feature = "import-actix-session"))]
#[doc = include_str!("../../docs/migration.md")]
struct Migration;
