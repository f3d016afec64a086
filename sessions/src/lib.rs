//! Sessions for Actix Web: Flask's `SessionInterface`, complete and typed, with policies that are
//! checked before the server starts.
//!
//! - A [*session*](Session) is a dictionary that belongs to one client and lasts from request to
//!   request. Handlers read and write it.
//! - An [*interface*](trait@SessionInterface) says how an application opens and saves its sessions.
//!   `#[derive(SessionInterface)]` implements it for a struct.
//! - A [*backend*](backend), the field of that struct, turns the token in the cookie into a session
//!   and back.
//! - A [*key*](SecretKey) signs or encrypts the cookie.
//! - A [*store*](store) keeps the sessions of a server-side backend.
//! - A [*policy*](policy) is one setting of the interface, for example `samesite` or `lifetime`.
//!
//! ```no_run
//! use actix_web::{App, HttpServer, Responder, get};
//! use sessions::{SecretKey, Session, SessionInterface, SignedCookie};
//!
//! #[derive(Clone, SessionInterface)]
//! #[session(cookie_name = "__Host-app", samesite = "Strict")]
//! #[session(permanent = true, lifetime = "14 days")]
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
//!     let key = SecretKey::from_env("SECRET_KEY")?;
//!     let sessions = AppSessions { backend: SignedCookie::new(key) };
//!     sessions.check()?;
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
//! 2. The session is *opened* when a handler takes [`Session`] or a middleware asks for it. A
//!    cookie that does not verify opens a new session; a store that does not answer is an error.
//! 3. The handler reads and writes. A write that cannot be kept is an error at once.
//! 4. The session is *saved* after the handler returns, if it changed or a policy says so. The
//!    response gets `Set-Cookie`, `Vary: Cookie` and a private `Cache-Control`.
//!
//! When something fails, the client sees a status and an empty body, and the log has the reason,
//! under the target `sessions`, with the name of an [event](events) in each line. Call [`check`](trait@SessionInterface#method.check) in `main` to
//! report wrong policies before the server starts.
//!
//! # Where to go next
//!
//! - [`Session`]: the methods that handlers use.
//! - [`derive(SessionInterface)`](derive@SessionInterface): every attribute, with its default.
//! - [`SignedCookie`], [`EncryptedCookie`], [`ServerSide`]: the backends and what each protects
//!   against.
//! - [`SessionConfig`]: policies at run time, from code, a file or the environment.
//! - [`store`]: the stores of server-side sessions, and how to write one.
//! - [`SessionInterface`](trait@SessionInterface): the contract, to implement by hand.
//! - [`HealthCheck`]: answers load balancers and Kubernetes whether the store serves sessions.
//! - `test` (feature `test`): sessions in the tests of an application.
//! - In the repository, `docs/recipes.md`: callbacks by POST from a payment or identity provider,
//!   several applications on localhost, CORS with credentials, a value that gets another type, a cookie
//!   that gets another domain or path, timeouts. `docs/values.md`: which values a session keeps, which it
//!   refuses, and what JSON loses. `docs/security.md`, `docs/reliability.md` and `docs/migration.md` have
//!   the rest, and `docs/promises.md` the promises, each beside the tests that hold it.
//!
//! # Features
//!
//! | name | description | default |
//! |---|---|---|
//! | `derive` | `#[derive(SessionInterface)]` | yes |
//! | `flask` | [`flask`]: one session for a Flask and an Actix application | no |
//! | `metrics` | [`events`] as counters, and the store's latency, for the crate `metrics` | no |
//! | `import-actix-session` | [`import`]: imports the sessions of an application on actix-session | no |
//! | `test` | `test`: give a test's requests sessions, read those that responses leave, set the clock, check a store or make it fail | no |

#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod backend;
mod clock;
mod codec;
mod cookie;
mod dictionary;
pub mod error;
pub mod events;
#[cfg(feature = "flask")]
pub mod flask;
pub mod health;
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
    health::HealthCheck,
    interface::SessionInterface,
    key::{KeyRing, SecretKey, SharedKeys},
    policy::{SameSite, SessionConfig},
    request::SessionMiddleware,
    session::{OpenedSessionExt, ReadSession, Session, SessionExt, TrySession},
    state::SessionState,
    store::{Lifetimes, MemoryStore, SealedStore},
};

/// The items that derived code uses. Private: they change without notice.
#[doc(hidden)]
pub mod __private {
    pub use std::{borrow::Cow, future::Ready, time::SystemTime};

    pub use actix_service::{Service, Transform};
    pub use actix_web::{
        Error, HttpRequest,
        body::MessageBody,
        dev::{ServiceRequest, ServiceResponse},
    };

    pub use crate::{
        backend::{confidential::confidential, stable_token::stable_token},
        error::Outages,
        request::middleware::new_transform,
    };
}

/// The signature alone, for the benches. Private: it changes without notice.
#[cfg(feature = "__benches")]
#[doc(hidden)]
#[path = "benches.rs"]
pub mod __benches;

/// The steps of the migrations, compiled.
#[cfg(all(doctest, feature = "flask", feature = "import-actix-session"))]
#[doc = include_str!("../../docs/migration.md")]
struct Migration;
