//! What handlers ask for: [`LoggedIn`] and [`RecentLogin`].

use std::{fmt, ops::Deref, sync::Arc, time::Duration};

use actix_web::{FromRequest, HttpRequest, dev::Payload};
use futures_util::future::LocalBoxFuture;

use crate::{
    error::LoginError,
    login::{login_of, not_recent},
    user::User,
};

/// The user who is logged in.
///
/// A request of nobody does not reach the handler: see [`LoginError`]. A handler for users and visitors
/// takes `Option<LoggedIn<_>>`; where the users cannot be asked, that handler does not run either.
///
/// # Examples
///
/// ```
/// # use std::fmt::Display;
/// # struct Account { id: i64, name: String, password_hash: String }
/// # impl sessions_login::User for Account {
/// #     fn id(&self) -> impl Display { self.id }
/// #     fn stamp(&self) -> impl AsRef<[u8]> { &self.password_hash }
/// # }
/// use actix_web::get;
/// use sessions_login::LoggedIn;
///
/// #[get("/me")]
/// async fn me(user: LoggedIn<Account>) -> String {
///     format!("You are {}.", user.name)
/// }
/// ```
pub struct LoggedIn<T> {
    user: Arc<T>,
}

impl<T> LoggedIn<T> {
    /// Returns the user, to be shared.
    pub fn into_arc(self) -> Arc<T> {
        self.user
    }
}

impl<T> Deref for LoggedIn<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.user
    }
}

impl<T> Clone for LoggedIn<T> {
    fn clone(&self) -> Self {
        Self { user: Arc::clone(&self.user) }
    }
}

impl<T> fmt::Debug for LoggedIn<T> {
    /// Does not show the user.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoggedIn").finish_non_exhaustive()
    }
}

impl<T: User> FromRequest for LoggedIn<T> {
    type Error = LoginError;
    type Future = LocalBoxFuture<'static, Result<Self, LoginError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move { Ok(Self { user: login_of(&request).await?.user }) })
    }
}

/// The user who is logged in and has proved it less than `MINUTES` ago, with the password for example: for
/// what must not be done on a screen that somebody left (OWASP ASVS 5.0, 7.5.1 and 7.5.3).
///
/// [`log_in`](crate::LoginSession::log_in) and [`confirm`](crate::LoginSession::confirm) are such proofs. A
/// request of nobody, or of a user whose proof is older, does not reach the handler: see [`LoginError`].
/// `RecentLogin<_, 0>` does not compile:
///
/// ```compile_fail,E0080
/// # use std::fmt::Display;
/// # struct Account { id: i64, password_hash: String }
/// # impl sessions_login::User for Account {
/// #     fn id(&self) -> impl Display { self.id }
/// #     fn stamp(&self) -> impl AsRef<[u8]> { &self.password_hash }
/// # }
/// # #[actix_web::post("/delete")]
/// async fn delete(user: sessions_login::RecentLogin<Account, 0>) -> &'static str {
///     "deleted"
/// }
/// # let _ = actix_web::App::new().service(delete);
/// ```
///
/// # Examples
///
/// ```
/// # use std::fmt::Display;
/// # struct Account { id: i64, password_hash: String }
/// # impl sessions_login::User for Account {
/// #     fn id(&self) -> impl Display { self.id }
/// #     fn stamp(&self) -> impl AsRef<[u8]> { &self.password_hash }
/// # }
/// use actix_web::post;
/// use sessions_login::RecentLogin;
///
/// #[post("/account/delete")]
/// async fn delete(user: RecentLogin<Account, 15>) -> String {
///     format!("Account {} is deleted.", user.id)
/// }
/// ```
pub struct RecentLogin<T, const MINUTES: u32> {
    user: Arc<T>,
}

impl<T, const MINUTES: u32> RecentLogin<T, MINUTES> {
    const LIMIT: Duration = {
        assert!(MINUTES > 0, "`RecentLogin<_, 0>` lets nobody through; give at least one minute");
        Duration::from_secs(MINUTES as u64 * 60)
    };

    /// Returns the user, to be shared.
    pub fn into_arc(self) -> Arc<T> {
        self.user
    }
}

impl<T, const MINUTES: u32> Deref for RecentLogin<T, MINUTES> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.user
    }
}

impl<T, const MINUTES: u32> Clone for RecentLogin<T, MINUTES> {
    fn clone(&self) -> Self {
        Self { user: Arc::clone(&self.user) }
    }
}

impl<T, const MINUTES: u32> fmt::Debug for RecentLogin<T, MINUTES> {
    /// Does not show the user.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecentLogin").field("minutes", &MINUTES).finish_non_exhaustive()
    }
}

impl<T: User, const MINUTES: u32> FromRequest for RecentLogin<T, MINUTES> {
    type Error = LoginError;
    type Future = LocalBoxFuture<'static, Result<Self, LoginError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let login = login_of(&request).await?;
            if login.is_recent(Self::LIMIT) {
                Ok(Self { user: login.user })
            } else {
                Err(not_recent::<T>(&request))
            }
        })
    }
}
