//! Logins for `actix-web-sessions`: who is logged in, who may go where, and when it was proved.
//!
//! ```sh
//! cargo add actix-web-sessions actix-web-sessions-login
//! ```
//!
//! ```no_run
//! use std::{fmt::Display, sync::Arc};
//!
//! use actix_web::{App, HttpServer, Responder, error::ErrorUnauthorized, get, post, web};
//! use sessions::{SecretKey, Session, SessionInterface, SignedCookie};
//! use sessions_login::{Gate, LoggedIn, LoginSession, Logins, NextPage, RecentLogin, User, Users};
//!
//! #[derive(Clone, SessionInterface)]
//! #[session(cookie_name = "__Host-app", absolute_timeout = "8 hours")]
//! struct AppSessions {
//!     backend: SignedCookie,
//! }
//!
//! #[derive(Clone)]
//! struct Account {
//!     name: String,
//!     password_hash: String,
//!     is_admin: bool,
//! }
//!
//! impl User for Account {
//!     fn id(&self) -> impl Display {
//!         &self.name
//!     }
//!
//!     fn stamp(&self) -> impl AsRef<[u8]> {
//!         &self.password_hash
//!     }
//! }
//!
//! /// A database, in an application of yours.
//! #[derive(Clone)]
//! struct Accounts(Arc<[Account]>);
//!
//! impl Users for Accounts {
//!     type User = Account;
//!
//!     async fn find(&self, id: &str) -> actix_web::Result<Option<Account>> {
//!         Ok(self.0.iter().find(|account| account.name == id).cloned())
//!     }
//! }
//!
//! #[derive(serde::Deserialize)]
//! struct Credentials {
//!     name: String,
//!     password: String,
//! }
//!
//! #[post("/login")]
//! async fn login(
//!     session: Session,
//!     form: web::Form<Credentials>,
//!     next: NextPage,
//!     accounts: web::Data<Accounts>,
//! ) -> actix_web::Result<impl Responder> {
//!     let account = accounts.find(&form.name).await?;
//!     let account = account.filter(|account| verify(&form.password, &account.password_hash));
//!     let account = account.ok_or_else(|| ErrorUnauthorized("name or password is wrong"))?;
//!     session.log_in(&account)?;
//!     Ok(next.or("/me"))
//! }
//!
//! #[get("/me")]
//! async fn me(user: LoggedIn<Account>) -> String {
//!     format!("You are {}.", user.name)
//! }
//!
//! #[post("/delete")]
//! async fn delete(user: RecentLogin<Account, 15>, session: Session) -> actix_web::Result<String> {
//!     session.log_out()?;
//!     Ok(format!("{} is deleted.", user.name))
//! }
//!
//! #[get("/users")]
//! async fn users(accounts: web::Data<Accounts>) -> String {
//!     accounts.0.len().to_string()
//! }
//!
//! # fn verify(_: &str, _: &str) -> bool { true }
//! #[actix_web::main]
//! async fn main() -> std::io::Result<()> {
//!     let accounts = Accounts(Arc::new([]));
//!     let sessions = AppSessions { backend: SignedCookie::new(SecretKey::from_env("SECRET_KEY")?) };
//!     HttpServer::new(move || {
//!         let admin = web::scope("/admin").wrap(Gate::<Account>::allow(|user| user.is_admin));
//!         App::new()
//!             .app_data(web::Data::new(accounts.clone()))
//!             .service(admin.service(users))
//!             .service((login, me, delete))
//!             .wrap(Logins::new(accounts.clone()).login_page("/login"))
//!             .wrap(sessions.clone())
//!     })
//!     .bind(("127.0.0.1", 8080))?
//!     .run()
//!     .await
//! }
//! ```
//!
//! - [`User`] and [`Users`] say who your users are and where they are found.
//! - [`Logins`] stands around the routes that ask who is logged in, within the session.
//! - [`LoginSession`] logs in and out: `session.log_in(&user)`, `log_out`, `confirm`.
//! - [`LoggedIn`] and [`RecentLogin`] are what handlers take; `Option<LoggedIn<_>>` for users and visitors.
//! - [`Gate`] lets some users through to a scope.
//! - [`SameOrigin`] refuses requests that other sites make in a user's browser.
//! - [`Logins::devices`] notes where each login was made, and [`LoginDevice`] reads it, from a list of
//!   sessions too.
//! - [`NextPage`] goes back to the page that a user wanted before the login.
//!
//! | the request | a browser that asks for a page | another client |
//! |---|---|---|
//! | of nobody | 303 to the login page, with `next` | 401 |
//! | of a user whose proof is not recent | 303 to the confirm page, with `next` | 403 |
//! | of a user whom the gate does not allow | 403 | 403 |
//! | while the users cannot be asked | the error of [`Users::find`] | the error of [`Users::find`] |
//! | while the store of the session cannot be asked | 503 | 503 |
//! | where no [`Logins`] stand around the route | 500, and a line in the log | 500, and a line in the log |
//!
//! A request that does not ask costs the session and the users nothing. One that asks reads the session
//! and asks the users once.
//!
//! # Features
//!
//! | name | description | default |
//! |---|---|---|
//! | `flask` | shares logins with a Flask application and its Flask-Login: `FlaskLogin` | no |
//!
//! # Security
//!
//! - A login gives the session a new token. What an attacker planted before it is worth nothing after it.
//! - A login ends in every backend when the user's [stamp](User::stamp) changes, when
//!   [`Users::find`] no longer finds the user, and when the session ends. With a store,
//!   [`end_all`](sessions::ServerSide::end_all) ends all sessions of a user by its id.
//! - What a session notes about its login is out of reach for handlers that write keys.
//! - An owner that was set by [`Session::set_owner`](sessions::Session::set_owner), without
//!   [`log_in`](LoginSession::log_in), has no stamp and is nobody here, unless
//!   [`adopt_owners_until`](Logins::adopt_owners_until) says otherwise.

#![cfg_attr(docsrs, feature(doc_cfg))]

mod client;
mod device;
mod error;
mod extract;
#[cfg(feature = "flask")]
mod flask;
mod gate;
mod login;
mod middleware;
mod next_page;
mod note;
mod same_origin;
mod session;
mod user;

#[cfg(feature = "flask")]
#[cfg_attr(docsrs, doc(cfg(feature = "flask")))]
pub use self::flask::{FlaskLogin, SessionProtection};
pub use self::{
    device::Device,
    error::LoginError,
    extract::{LoggedIn, RecentLogin},
    gate::{Gate, GateService},
    middleware::{Logins, LoginsFuture, LoginsService},
    next_page::NextPage,
    same_origin::{CrossSiteError, SameOrigin, SameOriginService},
    session::{LoginDevice, LoginSession},
    user::{User, Users},
};
