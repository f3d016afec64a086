//! What an application says about its users: [`User`] and [`Users`].

use std::{fmt::Display, future::Future};

/// A user of the application.
///
/// # Examples
///
/// ```
/// use std::fmt::Display;
/// use sessions_login::User;
///
/// struct Account {
///     id: i64,
///     password_hash: String,
/// }
///
/// impl User for Account {
///     fn id(&self) -> impl Display {
///         self.id
///     }
///
///     fn stamp(&self) -> impl AsRef<[u8]> {
///         &self.password_hash
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a user",
    label = "not a user of the application",
    note = "implement `sessions_login::User` for it: its id, and a stamp such as the password's hash"
)]
pub trait User: 'static {
    /// Returns the id that [`Users::find`] finds this user by, for example a number or a UUID. It is the
    /// [owner](sessions::Session::owner) of the user's sessions.
    fn id(&self) -> impl Display;

    /// Returns what a login is good for: when it changes, all sessions end that logged in with the former
    /// one. Usually the hash of the password. A session holds a hash of it.
    ///
    /// # Security
    ///
    /// The client can read that hash with [`SignedCookie`](sessions::SignedCookie). Return what nobody can
    /// guess, such as a password's hash with its salt, never the password, and never nothing: without a
    /// stamp a changed password ends no session.
    fn stamp(&self) -> impl AsRef<[u8]>;
}

/// Where the application keeps its users.
///
/// # Examples
///
/// ```
/// # use std::fmt::Display;
/// # #[derive(Clone)]
/// # struct Account { id: i64, password_hash: String }
/// # impl sessions_login::User for Account {
/// #     fn id(&self) -> impl Display { self.id }
/// #     fn stamp(&self) -> impl AsRef<[u8]> { &self.password_hash }
/// # }
/// # struct Database;
/// # impl Database {
/// #     async fn account(&self, _: i64) -> Result<Option<Account>, std::io::Error> { Ok(None) }
/// # }
/// use actix_web::error::ErrorServiceUnavailable;
/// use sessions_login::Users;
///
/// struct Accounts {
///     database: Database,
/// }
///
/// impl Users for Accounts {
///     type User = Account;
///
///     async fn find(&self, id: &str) -> actix_web::Result<Option<Account>> {
///         // An id that is not one of ours is nobody's.
///         let Ok(id) = id.parse() else { return Ok(None) };
///         self.database.account(id).await.map_err(ErrorServiceUnavailable)
///     }
/// }
/// ```
pub trait Users: 'static {
    /// The type of a user.
    type User: User;

    /// Returns the user with this [id](User::id), or `None` when there is none, or one who must not log in
    /// any more.
    ///
    /// Called at most once for a request, and only if the request asks who is logged in.
    ///
    /// # Errors
    ///
    /// The application's own, when the users cannot be asked. The client gets that error, whatever the
    /// request asked for: an outage must not look like nobody.
    fn find(&self, id: &str) -> impl Future<Output = actix_web::Result<Option<Self::User>>>;
}
