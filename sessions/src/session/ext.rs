//! The session for middleware and guards: [`SessionExt`] and [`OpenedSessionExt`].

use std::future::Future;

use actix_web::{
    HttpMessage, HttpRequest,
    dev::{Extensions, ServiceRequest, ServiceResponse},
    guard::GuardContext,
};

use super::{
    Inferred, Session, SessionSelector,
    extractors::{find, log_misuse},
};
use crate::{
    error::ExtractError,
    request::{CurrentSlot, Opening, is_bearer_request},
};

/// Opens the session in a middleware, from an `HttpRequest`, a `ServiceRequest` or a
/// `ServiceResponse`.
///
/// Wrap a middleware that uses the session before the session itself, since Actix calls the last
/// `wrap` first: `App::new().wrap(from_fn(count_pages)).wrap(sessions)`.
///
/// # Examples
///
/// ```
/// use actix_web::{
///     Error, body::MessageBody, dev::{ServiceRequest, ServiceResponse}, middleware::Next,
/// };
/// use sessions::SessionExt;
///
/// /// Counts the pages of a session.
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
    /// Returns the only session of the request; opens it if necessary.
    ///
    /// # Errors
    ///
    /// [`ExtractError`].
    fn session(&self) -> impl Future<Output = Result<Session, ExtractError>> {
        self.session_of::<Inferred>()
    }

    /// Returns the session of the interface `I`; opens it if necessary.
    ///
    /// # Errors
    ///
    /// [`ExtractError`].
    fn session_of<I: SessionSelector>(
        &self,
    ) -> impl Future<Output = Result<Session<I>, ExtractError>>;
}

/// Returns the session if it is open already: for guards, which cannot wait for a store.
///
/// A session is open before guards run with the policy `open = "eager"`, or if a middleware opened
/// it.
pub trait OpenedSessionExt {
    /// Returns the only session of the request, or `None` if it is not open.
    fn opened_session(&self) -> Option<Session> {
        self.opened_session_of()
    }

    /// Returns the session of the interface `I`, or `None` if it is not open.
    fn opened_session_of<I: SessionSelector>(&self) -> Option<Session<I>>;
}

impl SessionExt for HttpRequest {
    async fn session_of<I: SessionSelector>(&self) -> Result<Session<I>, ExtractError> {
        let found = find::<I>(&self.extensions());
        let slot = found.inspect_err(|err| log_misuse(self, err))?;
        let encoder = match I::any(&slot).open_at_once(self) {
            Opening::Done(opened) => opened?,
            Opening::Waits(left) => I::erased(&slot).open_later(self, left).await?,
        };
        Ok(Session::new(slot, encoder))
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
    let encoder = I::any(&slot).encoder()?;
    Some(Session::new(slot, encoder))
}

/// Whether the request has `Authorization: Bearer`, and each session around this route takes its token from there:
/// then no session cookie of the request is read. Opens no session. `false` where no session is wrapped around the
/// caller.
///
/// For middleware: what protects cookies, such as a check of the request's origin, is not needed then, and a client
/// without cookies wants a status, not a page.
pub fn is_bearer(request: &HttpRequest) -> bool {
    if !is_bearer_request(request) {
        return false;
    }
    let mut next = request.extensions().get::<CurrentSlot>().map(|CurrentSlot(slot)| slot.clone());
    if next.is_none() {
        return false;
    }
    while let Some(slot) = next {
        if !slot.takes_bearer() {
            return false;
        }
        next = slot.outer().cloned();
    }
    true
}
