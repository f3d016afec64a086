//! Saving at once, in a store that answers at once: without a queue, a task, or a copy of the backend.
//!
//! Only what is written most: a new session, or changes of one that nobody has written meanwhile. The rules
//! are those of `save`, which everything else is left to.

use std::pin::pin;

use futures_util::FutureExt;

use super::{
    ServerSide,
    open::{Found, Origin, SavedRecord},
    save::Saving,
    timeouts::ttl,
};
use crate::{
    backend::circuit_breaker::Write,
    error::SaveError,
    interface::{SaveContext, Saved},
    state::{SessionState, SessionStatus},
    store::{CreateOutcome, ReplaceOutcome, Store, StoreError, Timestamp},
    token::split::SplitToken,
};

impl<S: Store> ServerSide<S> {
    pub(super) fn save_session_at_once(
        &self,
        state: &SessionState,
        cx: &SaveContext<'_>,
    ) -> Option<Result<Saved, SaveError>> {
        if !self.store.answers_at_once() {
            return None;
        }
        let saving = self.saving(state, cx);
        let saved = saving.save_at_once()?;
        Some(saved.map(|saved| saving.ending(saved)))
    }
}

impl<S: Store> Saving<'_, S> {
    fn save_at_once(&self) -> Option<Result<Saved, SaveError>> {
        // Without what opening left, the session is another backend's.
        match (&self.opened?.origin, self.cx.session_status()) {
            _ if self.state.logs_in() || self.state.adopted().is_some() => None,
            (Origin::New, SessionStatus::Changed) => self.create_at_once(),
            (Origin::Record(found), SessionStatus::Unchanged) => {
                self.refresh(found).now_or_never().map(Ok)
            }
            (Origin::Record(found), SessionStatus::Changed) => self.change_at_once(found),
            _ => None,
        }
    }

    fn create_at_once(&self) -> Option<Result<Saved, SaveError>> {
        let payload = match self.backend.payload(self.state) {
            Ok(payload) => payload.filter(|payload| payload.owner.is_none())?,
            Err(err) => return Some(Err(err)),
        };
        let token = match SplitToken::random() {
            Ok(token) => token,
            Err(err) => return Some(Err(SaveError::internal(err))),
        };
        let new = self.new_record(&token, payload);
        let (record, ttl) = new.record(None);
        let create = self.backend.store.create(&new.key, &record, ttl);
        let created = pin!(self.backend.write(Write::Create, &self.deadline, create));
        match written(created.now_or_never()) {
            Ok(CreateOutcome::Created(_)) => {
                let saved = SavedRecord { key: new.key, epoch: new.epoch };
                Some(Ok(self.created(&token, saved, None)))
            }
            // Another id is to be drawn.
            Ok(CreateOutcome::Exists) => None,
            Err(err) => Some(Err(err)),
        }
    }

    fn change_at_once(&self, found: &Found) -> Option<Result<Saved, SaveError>> {
        let base = &found.base;
        if found.by_grace || found.epoch != base.record.epoch {
            return None;
        }
        let payload = match self.backend.payload(self.state) {
            Ok(payload) => payload?,
            Err(err) => return Some(Err(err)),
        };
        let (ttl, store_now) = (ttl(self.cx.settings()), self.store_now(found));
        let asks_index =
            self.backend.index_to_ask(&base.record, ttl.of(&base.record), store_now).is_some();
        if asks_index
            || payload.owner != base.record.owner()
            || payload.lifetimes != base.record.lifetimes
        {
            return None;
        }
        let mut record = payload.replacing(&base.record);
        let ttl = ttl.set(&mut record, store_now, Timestamp::default());
        let replace = self.backend.store.replace(&found.key, base.revision, &record, ttl);
        let replaced = pin!(self.backend.write(Write::Replace, &self.deadline, replace));
        match written(replaced.now_or_never()) {
            Ok(ReplaceOutcome::Replaced(_)) => Some(Ok(self.held(found))),
            Ok(ReplaceOutcome::Gone) => Some(Err(SaveError::Gone)),
            // The changes are to be made on what another request wrote.
            Ok(ReplaceOutcome::Conflict) => None,
            Err(err) => Some(Err(err)),
        }
    }
}

/// Returns the result of a write. One that waits may be done or not, so that it must not be made again.
fn written<T>(polled: Option<Result<T, StoreError>>) -> Result<T, SaveError> {
    polled.ok_or_else(|| SaveError::internal(MadeToWait))?.map_err(SaveError::from)
}

#[derive(Debug, thiserror::Error)]
#[error(
    "the store made a write wait, although its `answers_at_once` says that it never does; return `false` there"
)]
struct MadeToWait;
