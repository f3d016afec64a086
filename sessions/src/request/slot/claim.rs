//! The claim to open a session, which one task has.

use std::{sync::Arc, task::Waker};

use actix_web::HttpRequest;

use super::{OpenSession, Phase, Preparation, Slot};
use crate::{
    error::{ExtractError, OpenError},
    interface::SessionInterface,
};

/// The claim to open the session. If it is dropped before that, for example because a timeout drops
/// the handler, the session stays unopened.
pub(super) struct Claim<I: SessionInterface> {
    slot: Arc<Slot<I>>,
    is_finished: bool,
}

/// The result of an attempt to open the session at once.
pub(super) enum Attempt<I: SessionInterface> {
    Done(Result<(), ExtractError>),
    /// The interface may have to wait.
    Waits(Claim<I>, Preparation),
}

impl<I: SessionInterface> Claim<I> {
    pub(super) fn new(slot: Arc<Slot<I>>) -> Self {
        Self { slot, is_finished: false }
    }

    /// Opens the session now, where the interface need not wait.
    pub(super) fn open_at_once(self, request: &HttpRequest) -> Attempt<I> {
        let opened = match self.slot.prepare(request) {
            Ok(prepared) => match self.slot.open_at_once(request, &prepared) {
                Some(opened) => opened,
                None => return Attempt::Waits(self, prepared),
            },
            Err(err) => Err(err),
        };
        Attempt::Done(self.opened(opened))
    }

    /// Opens the session after an attempt to do so at once.
    pub(super) async fn open(
        self,
        request: &HttpRequest,
        prepared: Preparation,
    ) -> Result<(), ExtractError> {
        let opened = self.slot.open_content(request, &prepared).await;
        self.opened(opened)
    }

    fn opened(
        mut self,
        opened: Result<OpenSession<I::Content>, OpenError>,
    ) -> Result<(), ExtractError> {
        let (next, result) = match opened {
            Ok(session) => (Phase::Open(session), Ok(())),
            Err(err) => (Phase::Failed(err.clone()), Err(err.into())),
        };
        self.is_finished = true;
        if self.finish(next) {
            return result;
        }
        // The session was refused, or the response was made, while it was being opened.
        match &*self.slot.phase() {
            Phase::Failed(err) => Err(err.clone().into()),
            _ => Err(ExtractError::Closed),
        }
    }

    /// Moves the slot from `Opening` to `next`; returns whether it was in `Opening`.
    fn finish(&self, next: Phase<I::Content>) -> bool {
        let mut phase = self.slot.phase();
        let Phase::Opening(waiting) = &mut *phase else { return false };
        let waiting = std::mem::take(waiting);
        *phase = next;
        drop(phase);
        if !waiting.is_empty() {
            wake_all(waiting);
        }
        true
    }
}

#[cold]
fn wake_all(waiting: Vec<Waker>) {
    waiting.into_iter().for_each(Waker::wake);
}

impl<I: SessionInterface> Drop for Claim<I> {
    fn drop(&mut self) {
        if !self.is_finished {
            self.finish(Phase::Unopened);
        }
    }
}
