//! Who is logged in, as one request asks: found once, however often it is asked.

use std::{
    cell::RefCell,
    future::pending,
    rc::Rc,
    sync::Arc,
    task::{Context, Waker},
    time::{Duration, SystemTime},
};

use actix_web::{
    Error, HttpMessage, HttpRequest,
    http::header::{self, HeaderValue},
};
use futures_util::{future::LocalBoxFuture, lock::Mutex};
#[cfg(feature = "flask")]
use sessions::session::layers::attached;
use sessions::{
    Session, SessionError, SessionExt,
    session::{
        SessionSelector, is_bearer,
        layers::{refuse, write_login_note},
    },
};

#[cfg(feature = "flask")]
use crate::{client::Client, flask::FlaskUser};
use crate::{
    error::LoginError,
    next_page::with_next,
    note::LoginNote,
    user::{User, Users},
};

/// Where clients are sent. Both are visible ASCII.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pages {
    pub(crate) login: Option<String>,
    pub(crate) confirm: Option<String>,
}

/// A user who is logged in.
pub(crate) struct Login<T> {
    pub(crate) user: Arc<T>,
    /// The note of the login, where it was made by this crate.
    note: Option<LoginNote>,
    now: SystemTime,
}

impl<T> Login<T> {
    /// Whether the user proved who it is less than `limit` ago.
    pub(crate) fn is_recent(&self, limit: Duration) -> bool {
        self.note.as_ref().is_some_and(|note| note.is_recent(self.now, limit))
    }
}

/// The logins around a request, in its extensions.
struct CurrentLogins<T>(Rc<dyn Asked<T>>);

/// What a request asks of its logins, with the type of their users alone.
trait Asked<T> {
    /// Returns who is logged in. Never ends if that cannot be known: the middleware then answers.
    fn login(self: Rc<Self>, request: HttpRequest) -> LocalBoxFuture<'static, Option<Login<T>>>;
    fn pages(&self) -> &Pages;
}

/// The logins of one request.
pub(crate) struct RequestLogins<U: Users, I> {
    users: Arc<U>,
    pages: Arc<Pages>,
    /// Until when an owner without a login of this crate is logged in.
    adopts_until: Option<SystemTime>,
    /// The user that was found, or that there is none. Locked while the users are asked, so that extractors
    /// of one handler ask once.
    found: Mutex<Option<Found<U::User>>>,
    outage: RefCell<Outage>,
    session: std::marker::PhantomData<fn() -> I>,
}

struct Found<T> {
    id: String,
    user: Option<Arc<T>>,
}

/// Why it cannot be known who is logged in, and who is to be told.
#[derive(Default)]
struct Outage {
    err: Option<Error>,
    middleware: Option<Waker>,
}

impl<U: Users, I: SessionSelector> RequestLogins<U, I> {
    /// Puts the logins into the extensions of a request.
    pub(crate) fn offer(
        users: &Arc<U>,
        pages: &Arc<Pages>,
        adopts_until: Option<SystemTime>,
        request: &HttpRequest,
    ) -> Rc<Self> {
        let logins = Rc::new(Self {
            users: Arc::clone(users),
            pages: Arc::clone(pages),
            adopts_until,
            found: Mutex::new(None),
            outage: RefCell::default(),
            session: std::marker::PhantomData,
        });
        let current = CurrentLogins(Rc::<Self>::clone(&logins));
        request.extensions_mut().insert::<CurrentLogins<U::User>>(current);
        logins
    }

    async fn try_login(&self, request: &HttpRequest) -> Result<Option<Login<U::User>>, Error> {
        let session = request.session_of::<I>().await?;
        let now = session.now();
        #[cfg(feature = "flask")]
        if let Some(client) = attached::<I, Client>(&session)
            && let Some(flask) = &client.flask
        {
            let Some(FlaskUser { id, note }) = flask.user(&session)? else { return Ok(None) };
            let user = self.user(id).await?;
            return Ok(user.map(|user| Login { user, note, now }));
        }
        let Some(id) = session.owner() else { return Ok(None) };
        let adopts = || self.adopts_until.is_some_and(|until| now < until);
        let note = match session.login_note::<LoginNote>() {
            Ok(Some(note)) => Some(note),
            Ok(None) if adopts() => None,
            // A note that this crate did not write logs nobody in.
            _ => return Ok(None),
        };
        let Some(user) = self.user(id).await? else { return Ok(None) };
        match &note {
            Some(note) if note.is_of(&*user) => {}
            Some(_) => return Ok(None),
            None => adopt(&session, &*user)?,
        }
        Ok(Some(Login { user, note, now }))
    }

    /// Returns the user with this id. A login of this very request may have changed it.
    async fn user(&self, id: String) -> Result<Option<Arc<U::User>>, Error> {
        let mut found = self.found.lock().await;
        if let Some(found) = found.as_ref().filter(|found| found.id == id) {
            return Ok(found.user.clone());
        }
        let user = self.users.find(&id).await?.map(Arc::new);
        *found = Some(Found { id, user: user.clone() });
        Ok(user)
    }
}

impl<U: Users, I> RequestLogins<U, I> {
    /// Takes the error that the client gets instead of an answer, or notes who waits for it.
    pub(crate) fn poll_outage(&self, cx: &Context<'_>) -> Option<Error> {
        let mut outage = self.outage.borrow_mut();
        let err = outage.err.take();
        if err.is_none() && !outage.middleware.as_ref().is_some_and(|it| it.will_wake(cx.waker())) {
            outage.middleware = Some(cx.waker().clone());
        }
        err
    }

    fn fail(&self, err: Error) {
        let mut outage = self.outage.borrow_mut();
        outage.err = Some(err);
        let middleware = outage.middleware.take();
        drop(outage);
        if let Some(middleware) = middleware {
            middleware.wake();
        }
    }
}

impl<U: Users, I: SessionSelector> Asked<U::User> for RequestLogins<U, I> {
    fn login(
        self: Rc<Self>,
        request: HttpRequest,
    ) -> LocalBoxFuture<'static, Option<Login<U::User>>> {
        Box::pin(async move {
            let result = self.try_login(&request).await;
            drop(request);
            match result {
                Ok(login) => login,
                // An error would become a `None` in `Option<LoggedIn<_>>`, and the handler would take an
                // outage for nobody. So the handler never runs: the middleware answers in its place.
                Err(err) => {
                    self.fail(err);
                    pending().await
                }
            }
        })
    }

    fn pages(&self) -> &Pages {
        &self.pages
    }
}

/// Notes the login of an owner that had none. The rights are what they were, so the session keeps its token:
/// the requests of one page adopt it together.
fn adopt<I: SessionSelector>(session: &Session<I>, user: &impl User) -> Result<(), SessionError> {
    match write_login_note(session, Some(&LoginNote::unproved(user))) {
        // The handler has saved the session, and asks after that: the next request notes it.
        Err(SessionError::Saved) => Ok(()),
        written => written,
    }
}

/// Returns who is logged in.
pub(crate) async fn login_of<T: User>(request: &HttpRequest) -> Result<Login<T>, LoginError> {
    let logins = logins_of::<T>(request)?;
    let login = Rc::clone(&logins).login(request.clone()).await;
    login.ok_or_else(|| {
        if is_bearer(request) {
            return LoginError::InvalidToken;
        }
        let login = logins.pages().login.as_deref();
        LoginError::Nobody { login_page: page_for(request, login) }
    })
}

/// Returns that the login is too long ago.
pub(crate) fn not_recent<T: User>(request: &HttpRequest) -> LoginError {
    let logins = logins_of::<T>(request).ok();
    let confirm = logins.as_deref().and_then(|logins| logins.pages().confirm.as_deref());
    LoginError::NotRecent { confirm_page: page_for(request, confirm) }
}

fn logins_of<T: User>(request: &HttpRequest) -> Result<Rc<dyn Asked<T>>, LoginError> {
    let current = request.extensions().get().map(|CurrentLogins::<T>(logins)| Rc::clone(logins));
    current.ok_or_else(|| {
        let err = LoginError::NotWrapped { user: std::any::type_name::<T>() };
        // Also in `Option<LoggedIn<_>>`, which would be nobody.
        refuse(request, &err);
        err
    })
}

/// Returns the page that the client of this request is sent to, if it can be sent.
fn page_for(request: &HttpRequest, page: Option<&str>) -> Option<String> {
    page.filter(|_| asks_for_a_page(request) && !is_bearer(request))
        .map(|page| with_next(page, request))
}

/// Whether a browser asks for a page that it shows, not a script for data.
fn asks_for_a_page(request: &HttpRequest) -> bool {
    let header = |name| request.headers().get(name).map(HeaderValue::as_bytes);
    if let Some(mode) = header("sec-fetch-mode") {
        return mode == b"navigate";
    }
    // Browsers from before Fetch Metadata (2023 in Safari), and plain http, which has none.
    let accepts = request.headers().get_all(header::ACCEPT);
    accepts.filter_map(|accept| accept.to_str().ok()).any(|accept| accept.contains("text/html"))
        && header("x-requested-with").is_none()
}
