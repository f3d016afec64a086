//! The extractors of handlers: [`Session`] and [`TrySession`].

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
    dev::{Extensions, Payload},
};
use futures_util::future::{FutureExt, Map};

use super::{Inferred, Session, SessionSelector};
use crate::{
    error::{ExtractError, OpenError},
    events::event,
    request::{CurrentSlot, Opening, OpeningFuture},
};

/// The future of the extractor of [`Session`]. It allocates only if the session is not open yet.
pub struct Extracting<I: SessionSelector = Inferred> {
    stage: Stage<I>,
}

enum Stage<I: SessionSelector> {
    Done(Option<Result<Session<I>, ExtractError>>),
    Opening { slot: Arc<I::Slot>, fut: OpeningFuture },
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
                Poll::Ready(result.take().expect("a future is not polled after completion"))
            }
            Stage::Opening { fut, .. } => {
                let opened = ready!(fut.as_mut().poll(cx));
                let stage = mem::replace(&mut self.stage, Stage::Done(None));
                let Stage::Opening { slot, .. } = stage else {
                    unreachable!("the stage was `Opening` a line above")
                };
                Poll::Ready(opened.map(|encoder| Session::new(slot, encoder)))
            }
        }
    }
}

impl<I: SessionSelector> fmt::Debug for Extracting<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Extracting").finish_non_exhaustive()
    }
}

/// Opens the session of the request if it is not open yet.
///
/// # Errors
///
/// [`ExtractError`]. If the session cannot be opened, the middleware sends the client that error
/// whatever the handler returns, even to a handler that takes `Option<Session>` or `Result<Session,
/// _>`: an outage must not look like a client that is not logged in. [`TrySession`] lets the
/// handler decide.
impl<I: SessionSelector> FromRequest for Session<I> {
    type Error = ExtractError;
    type Future = Extracting<I>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Extracting<I> {
        let found = find::<I>(&request.extensions());
        match found {
            Err(err) => {
                log_misuse(request, &err);
                refuse_misuse(&request.extensions(), &err);
                Extracting::done(Err(err))
            }
            Ok(slot) => match I::any(&slot).open_at_once(request) {
                Opening::Done(opened) => {
                    Extracting::done(opened.map(|encoder| Session::new(slot, encoder)))
                }
                Opening::Waits(left) => {
                    let fut = I::erased(&slot).open_later(request, left);
                    Extracting { stage: Stage::Opening { slot, fut } }
                }
            },
        }
    }
}

/// The session, or the error that kept it from being opened: for a handler with its own answer to
/// an outage of the store.
///
/// The middleware sends that handler's response and saves nothing. With the policy `open = "eager"`
/// the session is opened before the handler, which an outage then does not reach. A handler that
/// asks for a session that is not wrapped, or for two sessions in one cookie, still gets 500.
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
    /// The [`ExtractError`] of the extractor of [`Session`].
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
            I::any(&slot).handle_failure();
        }
        Session::from_request(request, payload).map(|result| Ok(Self { result }))
    }
}

pub(super) fn find<I: SessionSelector>(
    extensions: &Extensions,
) -> Result<Arc<I::Slot>, ExtractError> {
    match extensions.get::<CurrentSlot>() {
        Some(CurrentSlot(innermost)) => I::pick(innermost),
        None => Err(ExtractError::NotWrapped { missing: I::missing() }),
    }
}

/// Writes the line of a request that asks for the wrong session, once. It says so even where the handler
/// answers without a session.
pub(super) fn log_misuse(request: &HttpRequest, err: &ExtractError) {
    struct Written;

    if request.extensions_mut().insert(Written).is_none() {
        event!(SessionMisused, path = request.path(), "{err}");
    }
}

/// Fails the request of a handler that asks for the wrong session. That is a bug, and must not look
/// like a client that is not logged in, even with `Option<Session>`.
fn refuse_misuse(extensions: &Extensions, err: &ExtractError) {
    let misuse = matches!(err, ExtractError::Ambiguous { .. } | ExtractError::NotWrapped { .. });
    if let (Some(CurrentSlot(slot)), true) = (extensions.get(), misuse) {
        slot.refuse(&OpenError::internal(err.clone()));
    }
}
