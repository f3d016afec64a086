//! A slot whatever its interface: what handles and the search through a request's slots need.

use std::{
    any::Any,
    sync::{Arc, atomic::Ordering},
    task::{Poll, Waker},
};

use actix_web::HttpRequest;
use futures_util::future::LocalBoxFuture;
use sessions_policy::CookiePolicy;

use super::{Claim, Claimed, Closed, Phase, Slot, UNSHARED};
use crate::{
    error::{CookieError, ExtractError, NullSession, OpenError, SaveError, SessionError},
    interface::{SessionContent, SessionInterface},
    request::{save::save_now, saved_session::SavedSession},
    state::SessionState,
};

/// A slot whatever its interface.
pub trait AnySlot: Any + Send + Sync {
    /// Calls `look` once with the dictionary of an opened session.
    fn read(&self, look: &mut dyn FnMut(&SessionState));

    /// Calls `change` once with the dictionary, unless the session is saved.
    fn write(
        &self,
        change: &mut dyn FnMut(&mut SessionState) -> Result<(), SessionError>,
    ) -> Result<(), SessionError>;

    /// Opens the session unless that is done; waits while someone else is at it.
    fn open(self: Arc<Self>, request: &HttpRequest) -> Opening;

    /// Saves the session now, and closes it.
    fn save_now(self: Arc<Self>) -> LocalBoxFuture<'static, Result<SavedSession, SaveError>>;
    fn is_open(&self) -> bool;

    /// Whether the session is open or being opened.
    fn is_used(&self) -> bool;

    /// Makes this session one that could not be opened, even if it is open.
    fn refuse(&self, err: &OpenError);

    fn cookie_policy(&self, request: &HttpRequest) -> Result<Arc<CookiePolicy>, CookieError>;
    fn take_failure(&self);
    fn outer(&self) -> Option<&Arc<dyn AnySlot>>;
    fn interface_name(&self) -> &'static str;
}

/// What opening a session comes to at once.
#[expect(missing_debug_implementations, reason = "nobody outside gets it")]
pub enum Opening {
    Done(Result<(), ExtractError>),
    Waiting(LocalBoxFuture<'static, Result<(), ExtractError>>),
}

/// What a request's extensions hold: the slot closest to the handler.
pub(crate) struct CurrentSlot(pub(crate) Arc<dyn AnySlot>);

impl<I: SessionInterface> AnySlot for Slot<I> {
    fn read(&self, look: &mut dyn FnMut(&SessionState)) {
        let phase = self.phase();
        let closed = match &*phase {
            Phase::Open(session) => return look(session.content.state()),
            Phase::Closed(Closed { session: Some(session), .. }) => Arc::clone(session),
            // Refused after it was opened.
            _ => return look(&SessionState::null(NullSession::refused())),
        };
        drop(phase);
        look(closed.content.state());
    }

    fn write(
        &self,
        change: &mut dyn FnMut(&mut SessionState) -> Result<(), SessionError>,
    ) -> Result<(), SessionError> {
        match &mut *self.phase() {
            Phase::Open(session) => {
                change(Arc::get_mut(session).expect(UNSHARED).content.state_mut())
            }
            Phase::Failed(_) => Err(SessionError::Null(NullSession::refused())),
            _ => Err(SessionError::Saved),
        }
    }

    fn open(self: Arc<Self>, request: &HttpRequest) -> Opening {
        match self.claim(None) {
            Poll::Ready(Ok(Claimed::Open)) => Opening::Done(Ok(())),
            Poll::Ready(Ok(Claimed::Ours)) => {
                let (claim, request) = (Claim::new(self), request.clone());
                Opening::Waiting(Box::pin(async move { claim.open(&request).await }))
            }
            Poll::Ready(Err(err)) => Opening::Done(Err(err)),
            Poll::Pending => {
                let request = request.clone();
                Opening::Waiting(Box::pin(async move { Self::open(&self, &request).await }))
            }
        }
    }

    fn save_now(self: Arc<Self>) -> LocalBoxFuture<'static, Result<SavedSession, SaveError>> {
        Box::pin(async move { save_now(&self).await })
    }

    fn is_open(&self) -> bool {
        matches!(*self.phase(), Phase::Open(_) | Phase::Closed(Closed { session: Some(_), .. }))
    }

    fn is_used(&self) -> bool {
        !matches!(*self.phase(), Phase::Unopened | Phase::Failed(_))
    }

    fn refuse(&self, err: &OpenError) {
        let mut phase = self.phase();
        match std::mem::replace(&mut *phase, Phase::Failed(err.clone())) {
            Phase::Unopened => {}
            Phase::Opening(waiting) => {
                drop(phase);
                waiting.into_iter().for_each(Waker::wake);
            }
            // What was written to it is lost: nobody answers that but the middleware.
            Phase::Open(_) => self.failure_taken.store(false, Ordering::Relaxed),
            done @ (Phase::Failed(_) | Phase::Closed(_)) => *phase = done,
        }
    }

    fn cookie_policy(&self, request: &HttpRequest) -> Result<Arc<CookiePolicy>, CookieError> {
        if let Phase::Open(session) | Phase::Closed(Closed { session: Some(session), .. }) =
            &*self.phase()
        {
            return Ok(Arc::clone(&session.cookie.policy));
        }
        self.service.cookie_for(request)
    }

    fn take_failure(&self) {
        self.failure_taken.store(true, Ordering::Relaxed);
    }

    fn outer(&self) -> Option<&Arc<dyn AnySlot>> {
        self.outer.as_ref()
    }

    fn interface_name(&self) -> &'static str {
        std::any::type_name::<I>()
    }
}
