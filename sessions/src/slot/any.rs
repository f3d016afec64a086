//! A slot whatever its interface: what handles and the search through a request's slots need.

use std::{
    any::Any,
    sync::{Arc, atomic::Ordering},
    task::Waker,
};

use actix_web::HttpRequest;
use futures_util::future::LocalBoxFuture;
use sessions_policy::CookiePolicy;

use super::{Phase, Slot};
use crate::{
    content::SessionContent,
    dictionary::Dictionary,
    early::EarlySave,
    error::{CookieError, ExtractError, OpenError, SaveError, SessionError},
    interface::SessionInterface,
    null::NullSession,
    save,
};

/// A slot whatever its interface.
pub trait AnySlot: Any + Send + Sync {
    /// Calls `look` once with the dictionary of an opened session.
    fn read(&self, look: &mut dyn FnMut(&Dictionary));

    /// Calls `change` once with the dictionary, unless the session is saved.
    fn write(
        &self,
        change: &mut dyn FnMut(&mut Dictionary) -> Result<(), SessionError>,
    ) -> Result<(), SessionError>;

    fn open_boxed(
        self: Arc<Self>,
        request: HttpRequest,
    ) -> LocalBoxFuture<'static, Result<(), ExtractError>>;

    /// Saves the session now, and closes it.
    fn save_now(self: Arc<Self>) -> LocalBoxFuture<'static, Result<EarlySave, SaveError>>;
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

/// What a request's extensions hold: the slot closest to the handler.
pub(crate) struct Innermost(pub(crate) Arc<dyn AnySlot>);

impl<I: SessionInterface> AnySlot for Slot<I> {
    fn read(&self, look: &mut dyn FnMut(&Dictionary)) {
        if let Some(content) = self.sealed.get() {
            return look(content.dictionary());
        }
        let phase = self.phase();
        if let Phase::Open(content) = &*phase {
            return look(content.dictionary());
        }
        drop(phase);
        match self.sealed.get() {
            // Sealed between the two looks.
            Some(content) => look(content.dictionary()),
            // Refused after it was opened.
            None => look(&Dictionary::null(NullSession::refused())),
        }
    }

    fn write(
        &self,
        change: &mut dyn FnMut(&mut Dictionary) -> Result<(), SessionError>,
    ) -> Result<(), SessionError> {
        match &mut *self.phase() {
            Phase::Open(content) => change(content.dictionary_mut()),
            Phase::Failed(_) => Err(SessionError::Null(NullSession::refused())),
            _ => Err(SessionError::Saved),
        }
    }

    fn open_boxed(
        self: Arc<Self>,
        request: HttpRequest,
    ) -> LocalBoxFuture<'static, Result<(), ExtractError>> {
        Box::pin(async move { self.open(&request).await })
    }

    fn save_now(self: Arc<Self>) -> LocalBoxFuture<'static, Result<EarlySave, SaveError>> {
        Box::pin(async move { save::save_now(&self).await })
    }

    fn is_open(&self) -> bool {
        self.sealed.get().is_some() || matches!(*self.phase(), Phase::Open(_))
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
            done @ (Phase::Failed(_) | Phase::Closed) => *phase = done,
        }
    }

    fn cookie_policy(&self, request: &HttpRequest) -> Result<Arc<CookiePolicy>, CookieError> {
        match self.cookie.get() {
            Some(cookie) => Ok(Arc::clone(&cookie.policy)),
            None => self.site.cookie_for(request),
        }
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
