//! Updates that can run more than once: in the request, when the session changed between their read
//! and their write, and in the backend, on a newer state.

use std::{marker::PhantomData, sync::Arc};

use serde::{Serialize, de::DeserializeOwned};

use super::{Session, SessionSelector, running_update::RunningUpdate};
use crate::{
    dictionary::{Dictionary, Encoder, JsonText, Replay},
    error::SessionError,
    state::SessionState,
};

/// How often an update runs when other handles keep changing the session between its read and its
/// write.
pub(super) const MAX_TRIES: usize = 1_000;

/// An update in three steps. The middle one runs without the session's lock: the handler's closure
/// and its types may read the session.
pub(super) trait Replayable: Sized + Send + Sync + 'static {
    type Loaded;
    type Outcome;
    type Answer;

    /// Returns the key that is updated, or `None` for several.
    fn key(&self) -> Option<&str>;

    /// Fails when a handler is not allowed to make this update.
    fn check(&self, state: &SessionState) -> Result<(), SessionError>;
    fn load(&self, dictionary: &Dictionary) -> Result<Self::Loaded, SessionError>;
    fn run(&self, loaded: Self::Loaded) -> Result<(Self::Outcome, Self::Answer), SessionError>;
    fn apply(
        &self,
        outcome: Self::Outcome,
        dictionary: &mut Dictionary,
    ) -> Result<(), SessionError>;

    /// Returns what makes the update on a newer state: it runs again there.
    fn replay(self: &Arc<Self>, _answer: &Self::Answer) -> Replay {
        let update = Arc::clone(self);
        Arc::new(move |dictionary| {
            let loaded = update.load(dictionary)?;
            let (outcome, _) = update.run(loaded)?;
            update.apply(outcome, dictionary)
        })
    }
}

impl<I: SessionSelector> Session<I> {
    pub(super) fn run_update<U: Replayable>(&self, update: U) -> Result<U::Answer, SessionError> {
        let update = Arc::new(update);
        for _ in 0..MAX_TRIES {
            let (revision, is_replayed, loaded) = self.look(|state| {
                update.check(state)?;
                let dictionary = state.dictionary();
                let loaded = update.load(dictionary)?;
                Ok((dictionary.revision(), state.changes().is_some(), loaded))
            })?;
            let (outcome, answer) = {
                let _running = RunningUpdate::of(I::any(&self.slot));
                update.run(loaded)?
            };
            let replay =
                is_replayed.then(|| (update.key().map(Into::into), update.replay(&answer)));
            let applied = self.change(|state| {
                state.update_at(revision, |dictionary| update.apply(outcome, dictionary), replay)
            })?;
            if applied {
                return Ok(answer);
            }
        }
        Err(SessionError::Contended)
    }
}

/// An update of one key.
pub(super) struct KeyUpdate<A, T, F> {
    pub(super) key: Box<str>,
    pub(super) with: A,
    pub(super) change: F,
    pub(super) value: PhantomData<fn() -> T>,
}

impl<A, T, F> Replayable for KeyUpdate<A, T, F>
where
    A: Send + Sync + 'static,
    T: Serialize + DeserializeOwned + 'static,
    F: Fn(&A, Option<T>) -> T + Send + Sync + 'static,
{
    type Loaded = (Encoder, Option<JsonText>);
    type Outcome = String;
    type Answer = T;

    fn key(&self) -> Option<&str> {
        Some(&self.key)
    }

    fn check(&self, state: &SessionState) -> Result<(), SessionError> {
        state.check_writable(&self.key)
    }

    fn load(&self, dictionary: &Dictionary) -> Result<Self::Loaded, SessionError> {
        Ok((dictionary.encoder(), dictionary.raw(&self.key).map(Into::into)))
    }

    fn run(&self, (encoder, json): Self::Loaded) -> Result<(String, T), SessionError> {
        let format = encoder.format();
        let value = json.map(|json| format.decode(&self.key, &json)).transpose()?;
        let changed = (self.change)(&self.with, value);
        Ok((encoder.encode(&self.key, &changed)?, changed))
    }

    fn apply(&self, outcome: String, dictionary: &mut Dictionary) -> Result<(), SessionError> {
        dictionary.insert_json(&self.key, outcome)
    }
}
