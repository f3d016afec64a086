//! A slot with its interface erased, for handles and for the list of a request's slots.

use std::{
    any::Any,
    sync::{Arc, MutexGuard, PoisonError, atomic::Ordering},
    task::{Poll, Waker},
    time::SystemTime,
};

use actix_web::HttpRequest;
use futures_util::future::LocalBoxFuture;
use sessions_policy::{CookiePolicy, OnDecodeError};

use super::{Attempt, Claim, Claimed, Phase, Preparation, SaveNow, ServiceState, Slot};
use crate::{
    dictionary::Encoder,
    error::{ExtractError, NullSession, OpenError, SaveError, SessionError},
    interface::{AliveContext, IsAlive, SessionContent, SessionInterface, Transport, known},
    request::{
        bearer::BearerToken,
        save::{bearer_token, save_now},
        saved_session::SavedSession,
    },
    state::{Extensions, SessionState},
};

/// A slot with its interface erased.
pub trait AnySlot: Any + Send + Sync {
    /// Calls `look` once with the state of the session.
    fn read(&self, look: &mut dyn FnMut(&SessionState));

    /// Calls `change` once with the state, unless the session is saved.
    fn write(
        &self,
        change: &mut dyn FnMut(&mut SessionState) -> Result<(), SessionError>,
    ) -> Result<(), SessionError>;

    /// Opens the session if it is not open yet. Where that has to wait, returns what is left to do.
    fn open_at_once(&self, request: &HttpRequest) -> Opening;

    /// Goes on with the opening that [`open_at_once`](Self::open_at_once) left. Dropping the future gives it up.
    fn open_later(self: Arc<Self>, request: &HttpRequest, left: Left) -> OpeningFuture;

    /// Saves the session now and closes it.
    fn save_now(self: Arc<Self>) -> LocalBoxFuture<'static, Result<SavedSession, SaveError>>;

    /// Saves the session now, closes it, and hands its token out.
    fn bearer_token(self: Arc<Self>) -> LocalBoxFuture<'static, Result<BearerToken, SaveError>>;

    /// Whether clients without cookies send the token in `Authorization`.
    fn takes_bearer(&self) -> bool;
    fn transport(&self) -> Transport;

    /// Asks whether the session still lives. `since` is when the handler first asked.
    fn is_alive(&self, since: SystemTime) -> IsAlive;

    /// Returns the encoder of the session, if it is open.
    fn encoder(&self) -> Option<Encoder>;

    /// Whether the session is open or being opened.
    fn is_used(&self) -> bool;

    /// Fails the session with this error, even if it is open.
    fn refuse(&self, err: &OpenError);

    /// Whether this session's cookie collides with the given one: their names are equal, and so are their paths, or the
    /// request uses both sessions.
    fn collides(&self, request: &HttpRequest, cookie: &CookiePolicy) -> bool;

    /// Leaves the answer to a failed opening to the handler.
    fn handle_failure(&self);
    fn outer(&self) -> Option<&Arc<dyn AnySlot>>;
    /// What crates that build on this one attached.
    fn attached(&self) -> MutexGuard<'_, Extensions>;
    fn interface_name(&self) -> &'static str;

    /// The time by the middleware's clock.
    fn now(&self) -> SystemTime;
    fn on_decode_error(&self) -> OnDecodeError;
}

/// The first result of opening a session: it is done, or it waits.
#[expect(missing_debug_implementations, reason = "the type is not reachable from outside")]
pub enum Opening {
    /// The encoder of the open session, whose format and limits do not change any more.
    Done(Result<Encoder, ExtractError>),
    Waits(Left),
}

/// What is left to do to open a session, by [`AnySlot::open_later`].
#[must_use = "other tasks wait for the session until `open_later` is called"]
#[expect(missing_debug_implementations, reason = "the type is not reachable from outside")]
pub enum Left {
    /// The session is being opened, by this caller: it must pass this on at once.
    Open(Preparation),
    /// Another task opens it.
    Wait,
}

pub(crate) type OpeningFuture = LocalBoxFuture<'static, Result<Encoder, ExtractError>>;

/// The slot closest to the handler, in the request's extensions.
pub(crate) struct CurrentSlot(pub(crate) Arc<dyn AnySlot>);

impl<I: SessionInterface> AnySlot for Slot<I> {
    fn read(&self, look: &mut dyn FnMut(&SessionState)) {
        let phase = self.phase();
        if let Phase::Open(session) = &*phase {
            return look(session.content.state());
        }
        drop(phase);
        match self.closed() {
            Some(session) => look(session.content.state()),
            // The session was refused after it was opened.
            None => look(&SessionState::null(NullSession::refused())),
        }
    }

    fn write(
        &self,
        change: &mut dyn FnMut(&mut SessionState) -> Result<(), SessionError>,
    ) -> Result<(), SessionError> {
        let mut phase = self.phase();
        let state = match &mut *phase {
            Phase::Open(session) => session.content.state_mut(),
            Phase::Failed(_) => return Err(SessionError::Null(NullSession::refused())),
            _ => return Err(SessionError::Saved),
        };
        let changed = change(state);
        let discarded = state.take_discarded();
        drop(phase);
        // Closures of the application, whose values may use the session when they are dropped.
        drop(discarded);
        changed
    }

    fn open_at_once(&self, request: &HttpRequest) -> Opening {
        match self.claim(None) {
            Poll::Ready(Ok(Claimed::Open(encoder))) => Opening::Done(Ok(encoder)),
            Poll::Ready(Ok(Claimed::Granted)) => match Claim::new(self).open_at_once(request) {
                Attempt::Done(result) => Opening::Done(result),
                Attempt::Waits(claim, prepared) => {
                    claim.hand_over();
                    Opening::Waits(Left::Open(prepared))
                }
            },
            Poll::Ready(Err(err)) => Opening::Done(Err(err)),
            Poll::Pending => Opening::Waits(Left::Wait),
        }
    }

    fn open_later(self: Arc<Self>, request: &HttpRequest, left: Left) -> OpeningFuture {
        let request = request.clone();
        match left {
            Left::Open(prepared) => {
                let claim = Claim::new(self);
                Box::pin(async move { claim.open(&request, prepared).await })
            }
            Left::Wait => Box::pin(async move { self.open(&request).await }),
        }
    }

    fn save_now(self: Arc<Self>) -> LocalBoxFuture<'static, Result<SavedSession, SaveError>> {
        Box::pin(async move { save_now(&self).await })
    }

    fn bearer_token(self: Arc<Self>) -> LocalBoxFuture<'static, Result<BearerToken, SaveError>> {
        Box::pin(async move { bearer_token(&self).await })
    }

    fn takes_bearer(&self) -> bool {
        self.service.takes_bearer
    }

    fn transport(&self) -> Transport {
        match self.session(&self.phase()) {
            Some(session) if session.cookie.bearer.is_some() => Transport::Bearer,
            _ => Transport::Cookie,
        }
    }

    fn is_alive(&self, since: SystemTime) -> IsAlive {
        // A clock of the application may use the session.
        let now = self.now();
        let phase = self.phase();
        let Some(session) = self.session(&phase) else { return known(false) };
        let is_saved = matches!(&*phase, Phase::Closed(SaveNow::Done(_)));
        let ServiceState { interface, settings, clock, .. } = &*self.service;
        if session.content.state().null_session().is_some() {
            return known(false);
        }
        let is_saved = is_saved || self.is_over.load(Ordering::Acquire);
        interface
            .is_alive(&session.content, &AliveContext { settings, clock, now, since, is_saved })
    }

    fn encoder(&self) -> Option<Encoder> {
        self.session(&self.phase()).map(|session| session.content.state().encoder())
    }

    fn is_used(&self) -> bool {
        !matches!(*self.phase(), Phase::Unopened | Phase::Failed(_))
    }

    fn refuse(&self, err: &OpenError) {
        let mut phase = self.phase();
        if matches!(*phase, Phase::Failed(_) | Phase::Closed(_)) {
            return;
        }
        let before = std::mem::replace(&mut *phase, Phase::Failed(err.clone()));
        drop(phase);
        match before {
            Phase::Opening(waiting) => waiting.into_iter().for_each(Waker::wake),
            // Its changes are lost, so the middleware must fail the request even after `TrySession`.
            Phase::Open(_) => self.failure_handled.store(false, Ordering::Relaxed),
            Phase::Unopened | Phase::Failed(_) | Phase::Closed(_) => {}
        }
    }

    fn collides(&self, request: &HttpRequest, cookie: &CookiePolicy) -> bool {
        let collides = |own: &CookiePolicy, is_used: bool| {
            own.name() == cookie.name() && (own.path() == cookie.path() || is_used)
        };
        if let Some(session) = self.session(&self.phase()) {
            return collides(self.service.cookie(&session.cookie.policy), true);
        }
        match self.service.cookie_for(request) {
            Ok(own) => collides(self.service.cookie(&own), self.is_used()),
            // Wrong policies are a failure of this session alone.
            Err(_) => false,
        }
    }

    fn handle_failure(&self) {
        self.failure_handled.store(true, Ordering::Relaxed);
    }

    fn outer(&self) -> Option<&Arc<dyn AnySlot>> {
        self.outer.as_ref()
    }

    fn attached(&self) -> MutexGuard<'_, Extensions> {
        self.attached.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn interface_name(&self) -> &'static str {
        std::any::type_name::<I>()
    }

    fn now(&self) -> SystemTime {
        self.service.clock.now()
    }

    fn on_decode_error(&self) -> OnDecodeError {
        self.service.settings.on_decode_error()
    }
}
