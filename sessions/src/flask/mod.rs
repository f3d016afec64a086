//! One session for a Flask and an Actix application (feature `flask`).
//!
//! An application that moves from Flask to Actix route by route keeps one login: both read and
//! write the same cookie. The backend is [`FlaskCookie`], which writes the same bytes as Flask 3.1
//! with itsdangerous 2.2.
//! [`SessionConfig::from_flask_prefixed_env`](crate::SessionConfig::from_flask_prefixed_env) reads the
//! settings of the Flask application as its `from_prefixed_env` does.
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
//!     let old: Option<(i32, i32)> = session.get("position")?; // a tuple, or a list
//!     session.insert("position", Tuple((1, 2)))?; // a tuple
//!     Ok(HttpResponse::Ok().body(format!("{user} was at {old:?}")))
//! }
//!
//! #[actix_web::main]
//! async fn main() -> std::io::Result<()> {
//!     let config = SessionConfig::from_flask_prefixed_env("FLASK_")?;
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
//! - The session must be Flask's own, in the cookie. Sessions that **Flask-Session** keeps in
//!   Redis, a database or files cannot be read.
//! - The Flask application uses Flask's own JSON provider, without tags of its own. If it sets
//!   `sort_keys` or `ensure_ascii`, set the same with [`FlaskCookie::with_sort_keys`] and
//!   [`FlaskCookie::with_ensure_ascii`].
//! - Both applications need the same cookie name, domain, path and lifetime. Give both the same
//!   environment.
//! - If the key is short, replace it in the Flask application as soon as you can, with the old one
//!   as a fallback. Until then,
//!   [`SecretKey::for_interoperation`](crate::SecretKey::for_interoperation) accepts it.
//!
//! # Values
//!
//! | Python | in the cookie | read as | written by |
//! |---|---|---|---|
//! | `None`, `bool`, `str`, `list` | JSON | `Option`, `bool`, `String`, `Vec` | the same |
//! | `int`, `float` | JSON, floats as `repr` writes them | integers, `f64` | the same |
//! | `dict` | JSON, keys sorted by code point | maps, structs | the same |
//! | `tuple` | `{" t": [...]}` | Rust tuples, `Vec`, [`Tuple`] | [`Tuple`] |
//! | `bytes` | `{" b": "base64"}` | `Vec<u8>`, [`Bytes`] | [`Bytes`], and serde's bytes |
//! | `Markup` | `{" m": "text"}` | `String`, [`Markup`] | [`Markup`] |
//! | `UUID` | `{" u": "hex"}` | `uuid::Uuid`, [`Uuid`] | [`Uuid`] |
//! | `datetime` | `{" d": "HTTP date"}`, UTC, whole seconds | [`DateTime`] | [`DateTime`] |
//! | a `dict` that looks like one of these | `{" di": {...}}` | maps, structs | the same |
//!
//! [`Value`] is any of them: a value that is read as one is written unchanged. `serde_json::Value`,
//! and so [`Session::entries`](crate::Session::entries), shows the content of a tag: a tuple as an
//! array, bytes as base64, a UUID as its digits. So does a type for which serde buffers, such as an
//! untagged enum.
//!
//! Flask can write `NaN`, infinities, integers of more than 64 bits and unpaired surrogates, for
//! which Rust has no value. They are kept unchanged. Only a `get` of such a value is an error, and
//! writing one is an error too.
//!
//! # Keys of Flask and its extensions
//!
//! | key | of | here |
//! |---|---|---|
//! | `_permanent` | Flask | [`Session::permanent`](crate::Session::permanent), `set_permanent` |
//! | `_flashes` | Flask | [`Session::flash`](crate::Session::flash), `take_flashes`: each application shows the messages of the other; Flask's default category is `message` |
//! | `_user_id`, `_fresh`, `_id`, `_remember`, `_remember_seconds` | Flask-Login | ordinary keys, which `FlaskLogin` of the crate `actix-web-sessions-login` reads and writes as Flask-Login does: who logs in, or out, on one side does so on both. Without it `session.get::<String>("_user_id")` is the id of the logged-in user; leave the writing to Flask then |
//! | `csrf_token` | Flask-WTF | an ordinary key. A form carries this value, signed by the Flask application |
//! | `_owner` | this crate | [`Session::set_owner`](crate::Session::set_owner). Flask keeps it as an ordinary key and logs no user in by it: also set `_user_id` |
//! | `_login` | this crate | [`Session::set_owner_with`](crate::Session::set_owner_with), and `FlaskLogin`. Flask keeps it as an ordinary key |
//! | `_remembered` | this crate | [`Session::set_remembered`](crate::Session::set_remembered). Flask keeps it as an ordinary key, and refuses a cookie that is older than its own lifetime |
//! | `_lifetimes` | this crate | [`Session::set_lifetimes`](crate::Session::set_lifetimes). Flask keeps it as an ordinary key, and knows nothing of these timeouts: a cookie that has expired here may open there, until Flask's own lifetime |
//! | `_started` | this crate | written at a login, and if `absolute_timeout` is set; no accessor shows it. Flask keeps it as an ordinary key, and must not use the name itself |
//! | `_seal` | this crate | written if several cookies of the name came, and only for the second and later tokens of one second; no accessor shows it. As with `_started`, Flask must not use the name itself |
//!
//! # What differs from Flask
//!
//! | | Flask | here |
//! |---|---|---|
//! | setting a key to the value it has | sets the cookie again | is not a change; [`Session::set_modified`](crate::Session::set_modified) sets it again |
//! | a cookie signed by a clock that is ahead | refused | accepted up to 60 seconds ahead |
//! | base64 in another spelling, for example with junk in it | accepted | refused, since Flask never writes it |
//! | a compressed payload | inflated, however large | inflated to at most 64 KiB, or [`FlaskCookie::with_max_inflated`] |
//! | a signed payload that is not a session | an error | a new session |
//! | a value nested deeper than 127 levels | accepted | a new session; writing one is an error |
//! | a cookie of more than 4,096 bytes | sent, and dropped by browsers | an error when it is saved: what compression makes of a session is not known before |
//! | a session of more JSON than is inflated | accepted, and lost here | an error where it is written |
//! | two cookies of the name | the first is used | the newest that verifies is used |
//! | emptying the session where several cookies of the name came | removes the cookie of the present domain and path; the other one opens again | sets an empty session, which is newer than all of them |
//! | a setting with which Flask fails at each request, or browsers drop its cookie | accepted at the start | refused at the start |
//! | `SameSite=None` without `Secure`, a lifetime of more than 400 days, of nothing, or `true` | accepted | refused at the start |
//! | `SECRET_KEY_FALLBACKS` is a text or a dictionary | each letter or name is a key | refused at the start |
//! | `SECRET_KEY_FALLBACKS` holds an empty text, or what is no text | accepted, or a 500 for each cookie under no other key | refused at the start |
//! | a cookie's name that is no token of RFC 6265, such as `a/b` | sent, and read again if Werkzeug can | refused at the start |
//! | a domain with letters outside ASCII, or `true`, `false` or `none` in other letter cases | encoded by IDNA, or a host of that name | refused at the start: write `xn--…` or `false` |
//! | a domain with `_`, or with a part that begins or ends with `-` | sent | refused at the start, since it is no host name |
//! | a path with a segment `.` or `..` | sent, and matches no request of a browser | refused at the start |
//! | the value of a flag, such as `Secure=1` | the setting | none: `Secure` |
//! | a setting that is on and looks off, such as `SESSION_COOKIE_SECURE=0` | on | on, with a warning |
//! | a key that is removed and set again, with `sort_keys = False` | moves behind the others | stays in its place |
//! | a spelling that Flask does not write twice, such as a dictionary with numbers as keys | changes with the session | stays as it is |
//! | the expiry of a permanent cookie | `Expires` | `Expires` and `Max-Age` |
//! | a response that sets the cookie | may be cached by shared caches | is made `private` by its `Cache-Control` |
//! | `SECRET_KEY` is not set | the null session | the null session |
//!
//! After a change of the cookie's domain or path, browsers send the former cookie too, and Flask may use
//! that one, even after a logout here. Take a new cookie name with the change, in both applications.
//!
//! An unchanged session keeps its payload byte for byte. A changed one is compressed by C zlib,
//! like Python's. If another crate of the program switches `flate2` to another implementation, the
//! bytes may differ; Flask still reads them.

pub(crate) mod cookie;
mod session;

pub use self::cookie::FlaskCookie;
pub(crate) use self::session::{JsonSettings, session_to_json, unescape_session};
pub use crate::{
    codec::flask::{Bytes, DateTime, DateTimeError, Markup, Tuple, Uuid, UuidError, Value},
    token::flask::{HashAlgorithm, KeyDerivation},
};
