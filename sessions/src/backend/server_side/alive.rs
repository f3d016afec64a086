//! Whether the session of a request still lives: asked without using it.

use super::{
    ServerSide,
    open::{LoadState, SavedRecord, has_expired},
};
use crate::{
    backend::circuit_breaker::Deadline,
    interface::{AliveContext, IsAlive, known},
    state::{SessionState, SessionStatus},
    store::{Store, StoreError},
};

impl<S: Store> ServerSide<S> {
    /// Whether the record that the request opened or saved is still there, has not expired, and stands for
    /// the same rights.
    pub(super) fn record_is_alive(&self, state: &SessionState, cx: &AliveContext<'_>) -> IsAlive {
        let is_being_replaced = !cx.is_saved() && state.status() == SessionStatus::Renewed;
        let current = state.extensions().get::<LoadState>().and_then(LoadState::current);
        let Some(SavedRecord { key, epoch }) = current.filter(|_| !is_being_replaced) else {
            return known(!cx.is_saved());
        };
        let (backend, settings, clock) = (self.clone(), cx.settings().clone(), cx.clock.clone());
        Box::pin(async move {
            let deadline = Deadline::after(backend.deadlines.request);
            match backend.call(&deadline, backend.store.load(&key, None)).await {
                Ok(Some(loaded)) => {
                    Ok(loaded.record.epoch == epoch
                        && !has_expired(&loaded, &settings, clock.now()))
                }
                // What cannot be read opens nothing.
                Ok(None) | Err(StoreError::Corrupt { .. }) => Ok(false),
                Err(err) => Err(err.into()),
            }
        })
    }
}
