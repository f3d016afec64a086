//! The middleware: [`Logins`].

use std::{
    fmt,
    future::{Future, Ready, ready},
    marker::PhantomData,
    net::IpAddr,
    pin::Pin,
    rc::Rc,
    sync::Arc,
    task::{Context, Poll},
    time::SystemTime,
};

use actix_service::{Service, Transform, forward_ready};
use actix_web::{
    Error, HttpRequest,
    dev::{ServiceRequest, ServiceResponse},
};
use pin_project_lite::pin_project;
use sessions::session::{Inferred, SessionSelector};

#[cfg(feature = "flask")]
use crate::flask::FlaskLogin;
use crate::{
    client::{Devices, Notes},
    login::{Pages, RequestLogins},
    user::Users,
};

/// Finds out who is logged in, for the routes that it is wrapped around.
///
/// Wrap it before the session, since Actix calls the last `wrap` first:
/// `App::new().wrap(Logins::new(accounts)).wrap(sessions)`.
///
/// It does nothing until a handler asks, with [`LoggedIn`](crate::LoggedIn) or
/// [`RecentLogin`](crate::RecentLogin), or a [`Gate`](crate::Gate) does. Then the session is opened, and the
/// users are asked for its owner: once for each request.
///
/// If they cannot be asked, the handler does not run, whatever it asked for, and the client gets the
/// error of [`Users::find`], or that of the session's store.
pub struct Logins<U, I = Inferred> {
    users: Arc<U>,
    pages: Arc<Pages>,
    notes: Notes,
    adopts_until: Option<SystemTime>,
    session: PhantomData<fn() -> I>,
}

impl<U: Users> Logins<U> {
    /// Returns the logins of these users, in the only session of the request.
    pub fn new(users: U) -> Self {
        Self {
            users: Arc::new(users),
            pages: Arc::default(),
            notes: Notes::default(),
            adopts_until: None,
            session: PhantomData,
        }
    }
}

impl<U: Users, I> Logins<U, I> {
    /// Sets the login page: where a browser is sent that asks for a page when nobody is logged in. The page
    /// that it asked for is in the parameter `next` of the query, for [`NextPage`](crate::NextPage).
    /// Without a login page every client gets 401.
    ///
    /// # Panics
    ///
    /// When `page` is not a path or URL of visible ASCII.
    #[must_use]
    pub fn login_page(mut self, page: impl Into<String>) -> Self {
        self.pages_mut().login = Some(checked(page.into()));
        self
    }

    /// Sets the page that asks for the password again: where a browser is sent that asks for a page for
    /// which the login is not recent enough, with its `next`. It calls
    /// [`confirm`](crate::LoginSession::confirm). Without one every client gets 403.
    ///
    /// # Panics
    ///
    /// When `page` is not a path or URL of visible ASCII.
    #[must_use]
    pub fn confirm_page(mut self, page: impl Into<String>) -> Self {
        self.pages_mut().confirm = Some(checked(page.into()));
        self
    }

    /// Notes with each login where it was made: the client's user agent, and the address of its connection,
    /// for [`LoginDevice::device`](crate::LoginDevice::device). Not noted by default.
    ///
    /// Only routes within these logins note it. It is personal data: say so where you tell users what you
    /// keep (docs/login.md).
    #[must_use]
    pub fn devices(mut self) -> Self {
        self.notes.devices = Some(Devices::default());
        self
    }

    /// Notes [devices](Self::devices) with the address that this function returns, for example behind a proxy.
    ///
    /// # Security
    ///
    /// `X-Forwarded-For` and `Forwarded` begin with what the client itself sent, and so does actix-web's
    /// `realip_remote_addr`. Take the address from what your own proxy wrote, and only where no client
    /// reaches the application without it.
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
    /// # struct Accounts;
    /// # impl sessions_login::Users for Accounts {
    /// #     type User = Account;
    /// #     async fn find(&self, _: &str) -> actix_web::Result<Option<Account>> { Ok(None) }
    /// # }
    /// use sessions_login::Logins;
    ///
    /// // nginx: proxy_set_header X-Real-IP $remote_addr;
    /// let logins = Logins::new(Accounts).client_address(|request| {
    ///     request.headers().get("x-real-ip")?.to_str().ok()?.parse().ok()
    /// });
    /// # let _ = logins;
    /// ```
    #[must_use]
    pub fn client_address(
        mut self,
        address: impl Fn(&HttpRequest) -> Option<IpAddr> + Send + Sync + 'static,
    ) -> Self {
        self.notes.devices = Some(Devices::by_address(address));
        self
    }

    /// Shares the logins with a Flask application and its Flask-Login, in one session: see [`FlaskLogin`].
    #[cfg(feature = "flask")]
    #[cfg_attr(docsrs, doc(cfg(feature = "flask")))]
    #[must_use]
    pub fn flask_login(mut self, login: FlaskLogin) -> Self {
        self.notes.flask = Some(login);
        self
    }

    /// Takes owners of sessions for logged in that were not logged in by this crate, until that time: for
    /// an application that called [`Session::set_owner`](sessions::Session::set_owner) before, or imports
    /// the sessions of actix-session.
    ///
    /// The first request of such a session that asks who is logged in notes the user's present
    /// [stamp](crate::User::stamp): the session ends when that changes. The login is not recent, until
    /// [`confirm`](crate::LoginSession::confirm).
    ///
    /// # Security
    ///
    /// Until that time `set_owner` alone logs a user in. A password that is changed before the session is
    /// used again does not end it: end all sessions of the user then.
    #[must_use]
    pub fn adopt_owners_until(mut self, until: SystemTime) -> Self {
        self.adopts_until = Some(until);
        self
    }

    /// Keeps the logins in the session of this interface, in an application that has several sessions.
    #[must_use]
    pub fn in_session<J: SessionSelector>(self) -> Logins<U, J> {
        let Self { users, pages, notes, adopts_until, .. } = self;
        Logins { users, pages, notes, adopts_until, session: PhantomData }
    }

    fn pages_mut(&mut self) -> &mut Pages {
        Arc::make_mut(&mut self.pages)
    }
}

fn checked(page: String) -> String {
    let is_visible = !page.is_empty() && page.bytes().all(|byte| byte.is_ascii_graphic());
    assert!(is_visible, "`{}` is no page: give a path such as `/login`", page.escape_debug());
    page
}

impl<U, I> Clone for Logins<U, I> {
    fn clone(&self) -> Self {
        Self {
            users: Arc::clone(&self.users),
            pages: Arc::clone(&self.pages),
            notes: self.notes.clone(),
            adopts_until: self.adopts_until,
            session: PhantomData,
        }
    }
}

impl<U, I> fmt::Debug for Logins<U, I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Logins")
            .field("pages", &self.pages)
            .field("notes", &self.notes)
            .finish_non_exhaustive()
    }
}

impl<S, B, U, I> Transform<S, ServiceRequest> for Logins<U, I>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
    U: Users,
    I: SessionSelector,
{
    type Response = ServiceResponse<B>;
    type Error = Error;
    type Transform = LoginsService<S, U, I>;
    type InitError = ();
    type Future = Ready<Result<Self::Transform, ()>>;

    fn new_transform(&self, service: S) -> Self::Future {
        ready(Ok(LoginsService { service, logins: self.clone() }))
    }
}

/// The service of [`Logins`].
pub struct LoginsService<S, U, I = Inferred> {
    service: S,
    logins: Logins<U, I>,
}

impl<S, B, U, I> Service<ServiceRequest> for LoginsService<S, U, I>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
    U: Users,
    I: SessionSelector,
{
    type Response = ServiceResponse<B>;
    type Error = Error;
    type Future = LoginsFuture<S::Future, U, I>;

    forward_ready!(service);

    fn call(&self, request: ServiceRequest) -> Self::Future {
        let Logins { users, pages, notes, adopts_until, .. } = &self.logins;
        notes.tell::<I>(request.request());
        let logins = RequestLogins::offer(users, pages, *adopts_until, request.request());
        LoginsFuture { inner: Some(self.service.call(request)), logins }
    }
}

impl<S, U, I> fmt::Debug for LoginsService<S, U, I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoginsService").field("logins", &self.logins).finish_non_exhaustive()
    }
}

pin_project! {
    /// The future of [`LoginsService`].
    pub struct LoginsFuture<F, U: Users, I> {
        // Dropped when an outage ends the request.
        #[pin]
        inner: Option<F>,
        logins: Rc<RequestLogins<U, I>>,
    }
}

impl<F, B, U, I> Future for LoginsFuture<F, U, I>
where
    F: Future<Output = Result<ServiceResponse<B>, Error>>,
    U: Users,
{
    type Output = Result<ServiceResponse<B>, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let inner = this.inner.as_mut().as_pin_mut();
        let polled = inner.expect("a future is not polled after completion").poll(cx);
        // Before what the handler says, who may have asked beside its own work.
        if let Some(err) = this.logins.poll_outage(cx) {
            this.inner.set(None);
            return Poll::Ready(Err(err));
        }
        polled
    }
}

impl<F, U: Users, I> fmt::Debug for LoginsFuture<F, U, I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoginsFuture").finish_non_exhaustive()
    }
}
