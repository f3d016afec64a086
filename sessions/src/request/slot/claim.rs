//! The right to open a session, which one of those who ask has.

use std::{sync::Arc, task::Waker};

use actix_web::HttpRequest;

use super::{AnySlot, Phase, Slot, open::log_failure};
use crate::{error::ExtractError, interface::SessionInterface};

/// The right to open the session. Dropped before the session is opened, as when a timeout drops the
/// handler, it leaves it unopened.
pub(super) struct Claim<I: SessionInterface> {
    slot: Arc<Slot<I>>,
    is_settled: bool,
}

impl<I: SessionInterface> Claim<I> {
    pub(super) fn new(slot: Arc<Slot<I>>) -> Self {
        Self { slot, is_settled: false }
    }

    pub(super) async fn open(mut self, request: &HttpRequest) -> Result<(), ExtractError> {
        let (next, result) = match self.slot.open_content(request).await {
            Ok(session) => (Phase::Open(Arc::new(session)), Ok(())),
            Err(err) => {
                log_failure(self.slot.interface_name(), &err);
                (Phase::Failed(err.clone()), Err(err.into()))
            }
        };
        self.is_settled = true;
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

impl<I: SessionInterface> Drop for Claim<I> {
    fn drop(&mut self) {
        if !self.is_settled {
            self.settle(Phase::Unopened);
        }
    }
}
