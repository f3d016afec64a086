//! How handlers, middleware and guards come by the session.

use std::{
    fmt,
    future::Future,
    mem,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use actix_web::{
    FromRequest, HttpMessage, HttpRequest,
    dev::{Extensions, Payload, ServiceRequest, ServiceResponse},
    guard::GuardContext,
};
use futures_util::future::{FutureExt, LocalBoxFuture, Map};

use super::{Inferred, Session, SessionSelector};
use crate::{
    error::{ExtractError, OpenError},
    request::{CurrentSlot, Opening},
};

/// The future of the extractor of [`Session`]: boxed once, where the session has to be opened.
pub struct Extracting<I: SessionSelector = Inferred> {
    stage: Stage<I>,
}

enum Stage<I: SessionSelector> {
    Done(Option<Result<Session<I>, ExtractError>>),
    Opening { slot: Arc<I::Slot>, fut: LocalBoxFuture<'static, Result<(), ExtractError>> },
}

impl<I: SessionSelector> Extracting<I> {
    fn done(result: Result<Session<I>, ExtractError>) -> Self {
        Self { stage: Stage::Done(Some(result)) }
    }
}

impl<I: SessionSelector> Unpin for Extracting<I> {}

impl<I: SessionSelector> Future for Extracting<I> {
    type Output = Result<Session<I>, ExtractError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.stage {
            Stage::Done(result) => {
                Poll::Ready(result.take().expect("a future is not polled after its end"))
            }
            Stage::Opening { fut, .. } => {
                let opened = ready!(fut.as_mut().poll(cx));
                let stage = mem::replace(&mut self.stage, Stage::Done(None));
                let Stage::Opening { slot, .. } = stage else {
                    unreachable!("it was opening just now")
                };
                Poll::Ready(opened.map(|()| Session::of(slot)))
            }
        }
    }
}

impl<I: SessionSelector> fmt::Debug for Extracting<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Extracting").finish_non_exhaustive()
    }
}

/// Opens the session of the request, unless that is done.
///
/// # Errors
///
/// [`ExtractError`]. When the session cannot be opened, the middleware answers the client with the
/// error whatever the handler returns, `Option<Session>` and `Result<Session, _>` included: an
/// outage must not look like nobody being logged in. [`TrySession`] lets a handler decide.
impl<I: SessionSelector> FromRequest for Session<I> {
    type Error = ExtractError;
    type Future = Extracting<I>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Extracting<I> {
        let found = find::<I>(&request.extensions());
        match found {
            Err(err) => {
                log_misuse(request, &err);
                refuse(&request.extensions(), &err);
                Extracting::done(Err(err))
            }
            Ok(slot) => match I::erased(&slot).open(request) {
                Opening::Done(result) => Extracting::done(result.map(|()| Session::of(slot))),
                Opening::Waiting(fut) => Extracting { stage: Stage::Opening { slot, fut } },
            },
        }
    }
}

/// The session, or why it could not be opened: for handlers that have an answer of their own to an
/// outage of the store.
///
/// Whoever takes it decides: the middleware lets the handler's response through, and saves
/// nothing. With the policy `open = "eager"` the handler is not asked: the session is opened before
/// it. A handler that asks for the wrong session, or for two in one cookie, is answered with 500 all
/// the same.
///
/// # Examples
///
/// ```
/// use actix_web::{HttpResponse, get};
/// use sessions::{Session, TrySession};
///
/// #[get("/")]
/// async fn front_page(session: TrySession) -> actix_web::Result<HttpResponse> {
///     let Ok(session) = session.into_result() else {
///         return Ok(HttpResponse::Ok().body("Welcome. Logging in does not work right now."));
///     };
///     let name: Option<String> = session.get("name")?;
///     Ok(HttpResponse::Ok().body(format!("Welcome, {}.", name.as_deref().unwrap_or("stranger"))))
/// }
/// ```
pub struct TrySession<I: SessionSelector = Inferred> {
    result: Result<Session<I>, ExtractError>,
}

impl<I: SessionSelector> TrySession<I> {
    /// Returns the session or the error.
    ///
    /// # Errors
    ///
    /// [`ExtractError`] as the extractor of [`Session`] has it.
    pub fn into_result(self) -> Result<Session<I>, ExtractError> {
        self.result
    }
}

impl<I: SessionSelector> fmt::Debug for TrySession<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TrySession").field(&self.result).finish()
    }
}

impl<I: SessionSelector> FromRequest for TrySession<I> {
    type Error = std::convert::Infallible;
    type Future =
        Map<Extracting<I>, fn(Result<Session<I>, ExtractError>) -> Result<Self, Self::Error>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        if let Ok(slot) = find::<I>(&request.extensions()) {
            I::any(&slot).take_failure();
        }
        Session::from_request(request, payload).map(|result| Ok(Self { result }))
    }
}

/// The session for middleware, on whatever it holds: `HttpRequest`, `ServiceRequest`,
/// `ServiceResponse`.
///
/// A middleware that uses the session stands before it among the `wrap`s, since Actix calls the last
/// one first: `App::new().wrap(from_fn(count_pages)).wrap(sessions)`.
///
/// # Examples
///
/// ```
/// use actix_web::{
///     Error, body::MessageBody, dev::{ServiceRequest, ServiceResponse}, middleware::Next,
/// };
/// use sessions::SessionExt;
///
/// /// Counts the pages of a session. For `App::wrap(from_fn(count_pages))`.
/// async fn count_pages(
///     request: ServiceRequest,
///     next: Next<impl MessageBody>,
/// ) -> Result<ServiceResponse<impl MessageBody>, Error> {
///     let session = request.session().await?;
///     session.update("pages", |pages: Option<u64>| pages.unwrap_or(0) + 1)?;
///     next.call(request).await
/// }
/// ```
pub trait SessionExt: OpenedSessionExt {
    /// Opens the only session of the request, unless that is done.
    ///
    /// # Errors
    ///
    /// [`ExtractError`].
    fn session(&self) -> impl Future<Output = Result<Session, ExtractError>> {
        self.session_of::<Inferred>()
    }

    /// Opens the session of the interface `I`, unless that is done.
    ///
    /// # Errors
    ///
    /// [`ExtractError`].
    fn session_of<I: SessionSelector>(
        &self,
    ) -> impl Future<Output = Result<Session<I>, ExtractError>>;
}

/// The session where it is open already: all that guards can see, since they cannot wait.
///
/// Sessions are open before guards run with the policy `open = "eager"`, or when a middleware
/// opened them.
pub trait OpenedSessionExt {
    /// Returns the only session of the request if it is open.
    fn opened_session(&self) -> Option<Session> {
        self.opened_session_of()
    }

    /// Returns the session of the interface `I` if it is open.
    fn opened_session_of<I: SessionSelector>(&self) -> Option<Session<I>>;
}

impl SessionExt for HttpRequest {
    async fn session_of<I: SessionSelector>(&self) -> Result<Session<I>, ExtractError> {
        let found = find::<I>(&self.extensions());
        let slot = found.inspect_err(|err| log_misuse(self, err))?;
        match I::erased(&slot).open(self) {
            Opening::Done(result) => result?,
            Opening::Waiting(fut) => fut.await?,
        }
        Ok(Session::of(slot))
    }
}

impl SessionExt for ServiceRequest {
    fn session_of<I: SessionSelector>(
        &self,
    ) -> impl Future<Output = Result<Session<I>, ExtractError>> {
        self.request().session_of()
    }
}

impl<B> SessionExt for ServiceResponse<B> {
    fn session_of<I: SessionSelector>(
        &self,
    ) -> impl Future<Output = Result<Session<I>, ExtractError>> {
        self.request().session_of()
    }
}

impl OpenedSessionExt for HttpRequest {
    fn opened_session_of<I: SessionSelector>(&self) -> Option<Session<I>> {
        opened(&self.extensions())
    }
}

impl OpenedSessionExt for ServiceRequest {
    fn opened_session_of<I: SessionSelector>(&self) -> Option<Session<I>> {
        opened(&self.extensions())
    }
}

impl<B> OpenedSessionExt for ServiceResponse<B> {
    fn opened_session_of<I: SessionSelector>(&self) -> Option<Session<I>> {
        opened(&self.request().extensions())
    }
}

impl OpenedSessionExt for GuardContext<'_> {
    fn opened_session_of<I: SessionSelector>(&self) -> Option<Session<I>> {
        opened(&self.req_data())
    }
}

fn opened<I: SessionSelector>(extensions: &Extensions) -> Option<Session<I>> {
    let slot = find::<I>(extensions).ok()?;
    I::any(&slot).is_open().then(|| Session::of(slot))
}

fn find<I: SessionSelector>(extensions: &Extensions) -> Result<Arc<I::Slot>, ExtractError> {
    match extensions.get::<CurrentSlot>() {
        Some(CurrentSlot(innermost)) => I::pick(innermost),
        None => Err(ExtractError::NotWrapped { missing: I::missing() }),
    }
}

fn log_misuse(request: &HttpRequest, err: &ExtractError) {
    tracing::error!(target: "sessions", path = request.path(), "{err}");
}

/// A handler that asks for the wrong session is mended, not answered: `Option<Session>` must not
/// make of it that nobody is logged in.
fn refuse(extensions: &Extensions, err: &ExtractError) {
    let misuse = matches!(err, ExtractError::Ambiguous { .. } | ExtractError::NotWrapped { .. });
    if let (Some(CurrentSlot(slot)), true) = (extensions.get(), misuse) {
        slot.refuse(&OpenError::internal(err.clone()));
    }
}
