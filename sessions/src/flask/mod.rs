//! One session for a Flask and an Actix application (feature `flask`).
//!
//! An application that moves from Flask to Actix route by route keeps one login: both read and write
//! the same cookie. [`FlaskCookie`] is the backend, to the byte what Flask 3.1 with itsdangerous 2.2
//! writes inside a request, and [`SessionConfig::from_flask_env`](crate::SessionConfig::from_flask_env)
//! takes the settings that the Flask application has.
//!
//! ```no_run
//! use actix_web::{App, HttpResponse, HttpServer, Responder, get};
//! use sessions::{flask::{FlaskCookie, Tuple}, Session, SessionConfig, SessionInterface};
//!
//! #[derive(Clone, SessionInterface)]
//! struct SharedSessions {
//!     config: SessionConfig,
//!     backend: FlaskCookie,
//! }
//!
//! #[get("/position")]
//! async fn position(session: Session) -> actix_web::Result<impl Responder> {
//!     let Some(user) = session.get::<String>("_user_id")? else {
//!         return Ok(HttpResponse::Unauthorized().finish());
//!     };
//!     let former: Option<(i32, i32)> = session.get("position")?; // a tuple, or a list
//!     session.insert("position", Tuple((1, 2)))?; // a tuple
//!     Ok(HttpResponse::Ok().body(format!("{user} was at {former:?}")))
//! }
//!
//! #[actix_web::main]
//! async fn main() -> std::io::Result<()> {
//!     let config = SessionConfig::from_flask_env()?;
//!     let sessions = SharedSessions { backend: FlaskCookie::from_config(&config), config };
//!     sessions.check()?;
//!     HttpServer::new(move || App::new().wrap(sessions.clone()).service(position))
//!         .bind(("127.0.0.1", 8080))?
//!         .run()
//!         .await
//! }
//! ```
//!
//! # Before the first step
//!
//! - The session must be Flask's own, in the cookie. What **Flask-Session** keeps in Redis, a database
//!   or files is not read.
//! - The Flask application has Flask's own JSON provider, and no tags of its own.
//! - Both have the same cookie name, domain and path, and the same lifetime. Give both the same
//!   environment.
//! - If the key is short, replace it in the Flask application, with the former one as a fallback, as
//!   soon as you can: [`SecretKey::for_interoperation`](crate::SecretKey::for_interoperation) takes it
//!   meanwhile.
//!
//! # Values
//!
//! | Python | in the cookie | read as | written by |
//! |---|---|---|---|
//! | `None`, `bool`, `str`, `list` | JSON | `Option`, `bool`, `String`, `Vec` | the same |
//! | `int`, `float` | JSON, floats as `repr` writes them | integers, `f64` | the same |
//! | `dict` | JSON, keys sorted by code point | maps, structs | the same |
//! | `tuple` | `{" t": [...]}` | Rust tuples, `Vec`, [`Tuple`] | [`Tuple`] |
//! | `bytes` | `{" b": "base64"}` | `Vec<u8>`, [`Bytes`] | [`Bytes`], and what serde has for bytes |
//! | `Markup` | `{" m": "text"}` | `String`, [`Markup`] | [`Markup`] |
//! | `UUID` | `{" u": "hex"}` | `uuid::Uuid`, [`Uuid`] | [`Uuid`] |
//! | `datetime` | `{" d": "HTTP date"}`, UTC, whole seconds | [`DateTime`] | [`DateTime`] |
//! | a `dict` that looks like one of these | `{" di": {...}}` | maps, structs | the same |
//!
//! [`Value`] is any of them, and what is read as a [`Value`] is written again as it was.
//! `serde_json::Value`, and so [`Session::entries`](crate::Session::entries), shows what is behind a
//! tag: a tuple as an array, bytes as base64, a UUID as its digits. Inside what serde buffers, an
//! untagged enum say, a tag is seen in the same way.
//!
//! `NaN`, infinities, integers of more than 64 bits and surrogates without a partner are values that
//! Flask can write and we cannot represent. They pass through untouched, and only the `get` that asks
//! for one is an error; to write one is an error too.
//!
//! # Keys of Flask and its extensions
//!
//! | key | of | here |
//! |---|---|---|
//! | `_permanent` | Flask | [`Session::permanent`](crate::Session::permanent), `set_permanent` |
//! | `_flashes` | Flask | [`Session::flash`](crate::Session::flash), `take_flashes`: each shows the messages of the other; Flask's default category is `message` |
//! | `_user_id`, `_fresh`, `_id` | Flask-Login | keys like others: `session.get::<String>("_user_id")` is who is logged in. With Flask-Login's session protection `_id` depends on the client's address and browser, so leave it as it is |
//! | `csrf_token` | Flask-WTF | a key like others. What a form carries is this value signed by the Flask application |
//! | `_owner` | ours | [`Session::set_owner`](crate::Session::set_owner). Flask keeps it as a key like others, and does not log anybody in by it: set `_user_id` as well |
//! | `_started` | ours | written where `absolute_timeout` is set, and shown by no accessor. Flask keeps it as a key like others; one that it writes itself must have another name |
//!
//! # What differs from Flask
//!
//! | | Flask | here |
//! |---|---|---|
//! | a value set to what it is already | sets the cookie again | is no change; [`Session::set_modified`](crate::Session::set_modified) sets it again |
//! | a cookie that another clock signed in the future | refused | taken up to 60 seconds ahead |
//! | base64 of another spelling, with junk in it say | read | refused, since Flask never writes it |
//! | a compressed payload | inflated, however large | at most 64 KiB, or [`FlaskCookie::with_max_inflated`] |
//! | a signed payload that is no session | an error | a new session |
//! | a value nested deeper than 127 levels | read | a new session; to write it is an error |
//! | a cookie of more than 4,096 bytes | sent, and dropped by browsers | an error |
//! | two cookies of the name | the first counts | the newest that verifies counts |
//! | `SameSite=None` without `Secure`, a lifetime of more than 400 days | taken | refused when the service is built |
//! | the expiry of a permanent cookie | `Expires` | `Max-Age` as well |
//! | a response that sets the cookie | may be cached | is `private`, by its `Cache-Control` |
//! | `SECRET_KEY` is not set | the null session | the null session |
//!
//! A session that did not change keeps its payload to the byte. One that did is compressed by C zlib,
//! as Python does; if another crate of the program switches `flate2` to another implementation, the
//! bytes may differ, and Flask reads them all the same.

pub(crate) mod cookie;
mod session;

pub use self::cookie::FlaskCookie;
pub(crate) use self::session::{session, unescaped};
pub use crate::{
    codec::flask::{Bytes, DateTime, Markup, NoDateTime, NoUuid, Tuple, Uuid, Value},
    token::flask::{HashAlgorithm, KeyDerivation},
};
