//! The right to open a session, which one of those who ask has.

use std::task::Waker;

use super::{AnySlot, Phase, Slot, log_failure};
use crate::{
    error::{ExtractError, OpenError},
    interface::SessionInterface,
};

/// The right to open the session. Dropped without [`finish`](Self::finish), as when a timeout drops
/// the handler, it leaves the session unopened.
pub(super) struct Claim<'s, I: SessionInterface> {
    pub(super) slot: &'s Slot<I>,
}

impl<I: SessionInterface> Claim<'_, I> {
    pub(super) fn finish(self, opened: Result<I::Content, OpenError>) -> Result<(), ExtractError> {
        let (next, result) = match opened {
            Ok(content) => (Phase::Open(content), Ok(())),
            Err(err) => {
                log_failure(self.slot.interface_name(), &err);
                (Phase::Failed(err.clone()), Err(err.into()))
            }
        };
        if self.settle(next) {
            return result;
        }
        // Meanwhile the session was refused, or the response was made.
        match &*self.slot.phase() {
            Phase::Failed(err) => Err(err.clone().into()),
            _ => Err(ExtractError::Closed),
        }
    }

    /// Moves on from `Opening`; returns whether it was that.
    fn settle(&self, next: Phase<I::Content>) -> bool {
        let mut phase = self.slot.phase();
        let Phase::Opening(waiting) = &mut *phase else { return false };
        let waiting = std::mem::take(waiting);
        *phase = next;
        drop(phase);
        waiting.into_iter().for_each(Waker::wake);
        true
    }
}

impl<I: SessionInterface> Drop for Claim<'_, I> {
    fn drop(&mut self) {
        self.settle(Phase::Unopened);
    }
}
