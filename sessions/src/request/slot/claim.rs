//! The claim to open a session, which one task has.

use std::{ops::Deref, task::Waker};

use actix_web::HttpRequest;

use super::{OpenSession, Phase, Preparation, Slot};
use crate::{
    dictionary::Encoder,
    error::{ExtractError, OpenError},
    interface::{SessionContent, SessionInterface},
};

/// The claim to open the session. If it is dropped before that, for example because a timeout drops
/// the handler, the session stays unopened.
pub(super) struct Claim<I: SessionInterface, S: Deref<Target = Slot<I>>> {
    slot: S,
    is_finished: bool,
}

/// The result of an attempt to open the session at once.
pub(super) enum Attempt<I: SessionInterface, S: Deref<Target = Slot<I>>> {
    Done(Result<Encoder, ExtractError>),
    /// The interface may have to wait.
    Waits(Claim<I, S>, Preparation),
}

impl<I: SessionInterface, S: Deref<Target = Slot<I>>> Claim<I, S> {
    pub(super) fn new(slot: S) -> Self {
        Self { slot, is_finished: false }
    }

    /// Opens the session now, where the interface need not wait.
    pub(super) fn open_at_once(self, request: &HttpRequest) -> Attempt<I, S> {
        let opened = match self.slot.prepare(request) {
            Ok(prepared) => match self.slot.open_at_once(request, prepared) {
                Ok(opened) => opened,
                Err(prepared) => return Attempt::Waits(self, prepared),
            },
            Err(err) => Err(err),
        };
        Attempt::Done(self.opened(opened))
    }

    /// Gives the claim up for another one of the same slot, which the caller makes next: it stays in `Opening`.
    pub(super) fn hand_over(mut self) {
        self.is_finished = true;
    }

    /// Opens the session after an attempt to do so at once.
    pub(super) async fn open(
        self,
        request: &HttpRequest,
        prepared: Preparation,
    ) -> Result<Encoder, ExtractError> {
        let opened = self.slot.open_content(request, prepared).await;
        self.opened(opened)
    }

    fn opened(
        mut self,
        opened: Result<OpenSession<I::Content>, OpenError>,
    ) -> Result<Encoder, ExtractError> {
        let (next, result) = match opened {
            Ok(session) => {
                let encoder = session.content.state().encoder();
                (Phase::Open(session), Ok(encoder))
            }
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

impl<I: SessionInterface, S: Deref<Target = Slot<I>>> Drop for Claim<I, S> {
    fn drop(&mut self) {
        if !self.is_finished {
            self.finish(Phase::Unopened);
        }
    }
}
