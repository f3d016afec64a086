//! The change set: the changes of a request, to be replayed on a newer state of the session.

use std::{
    fmt, mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::Dictionary;
use crate::error::SessionError;

/// A closure that can run again: an `update` of one key, or a `modify` of typed content.
pub(crate) type Replay = Arc<dyn Fn(&mut Dictionary) -> Result<(), SessionError> + Send + Sync>;

/// The changes of a request to its session, in order.
///
/// For a backend whose store several requests write: if another request saved first,
/// [`apply_to`](Self::apply_to) applies the changes to the newer state. Concurrent requests that
/// change different keys then keep each other's changes.
#[derive(Default)]
pub struct ChangeSet {
    steps: Mutex<Steps>,
}

/// Shared with a save that continues after the request is dropped. `None` before the first step.
type Steps = Option<Arc<Vec<Step>>>;

/// Changes that are not made. Their closures belong to the application, so they are dropped without
/// the session's lock.
#[derive(Default)]
pub(crate) struct Discarded(Vec<ChangeSet>);

impl Discarded {
    pub(super) fn push(&mut self, changes: ChangeSet) {
        if !changes.is_empty() {
            self.0.push(changes);
        }
    }
}

#[derive(Clone)]
enum Step {
    Set {
        key: Box<str>,
        json: String,
    },
    Remove {
        key: Box<str>,
    },
    /// The opened keys and values: a key with another value is not removed.
    Clear {
        opened: Vec<(Box<str>, String)>,
    },
    Replay(Replay),
}

impl ChangeSet {
    /// Replays the steps on a newer dictionary.
    pub(crate) fn replay(&self, newer: &mut Dictionary) -> Result<(), SessionError> {
        for step in self.steps().iter().flat_map(|steps| steps.iter()) {
            match step {
                Step::Set { key, json } => newer.set_untracked(key, json.clone()),
                Step::Remove { key } => {
                    newer.remove_untracked(key);
                }
                Step::Clear { opened } => {
                    for (key, json) in opened {
                        if newer.raw(key) == Some(json) {
                            newer.remove_untracked(key);
                        }
                    }
                }
                Step::Replay(replay) => replay(newer)?,
            }
        }
        Ok(())
    }

    /// Whether the request changed nothing.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Drops the steps. A save that is under way keeps its own reference to them.
    pub(crate) fn release(&self) {
        let steps = self.lock().take();
        // After the lock is given back.
        drop(steps);
    }

    fn len(&self) -> usize {
        self.lock().as_ref().map_or(0, |steps| steps.len())
    }

    fn steps(&self) -> Steps {
        self.lock().clone()
    }

    fn steps_mut(&mut self) -> &mut Vec<Step> {
        let steps = self.steps.get_mut().unwrap_or_else(PoisonError::into_inner);
        Arc::make_mut(steps.get_or_insert_default())
    }

    fn lock(&self) -> MutexGuard<'_, Steps> {
        self.steps.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn set(&mut self, key: &str, json: &str) {
        let steps = self.steps_mut();
        if let Some(Step::Set { key: last, json: value }) = steps.last_mut()
            && **last == *key
        {
            *value = json.into();
            return;
        }
        steps.push(Step::Set { key: key.into(), json: json.into() });
    }

    pub(super) fn remove(&mut self, key: &str) {
        self.steps_mut().push(Step::Remove { key: key.into() });
    }

    /// Replaces the steps so far, which a clear undoes, and returns them.
    pub(super) fn clear<'a>(&mut self, opened: impl Iterator<Item = (&'a str, &'a str)>) -> Self {
        let opened = opened.map(|(key, json)| (key.into(), json.into())).collect();
        let before = mem::take(self);
        self.steps_mut().push(Step::Clear { opened });
        before
    }

    pub(super) fn push_replay(&mut self, replay: Replay) {
        self.steps_mut().push(Step::Replay(replay));
    }
}

/// # The change set of a dictionary
impl Dictionary {
    /// Starts to record the change set.
    pub(crate) fn keep_changes(&mut self) {
        self.changes.get_or_insert_default();
    }

    /// Returns the changes since [`keep_changes`](Self::keep_changes), or `None` without that call.
    pub(crate) fn changes(&self) -> Option<&ChangeSet> {
        self.changes.as_ref()
    }

    /// Applies the outcome of a closure that ran on the state of `revision`, and records `replay`.
    /// Returns `false` and does nothing if the dictionary has changed since that revision.
    pub(crate) fn update_at(
        &mut self,
        revision: u64,
        outcome: impl FnOnce(&mut Self) -> Result<(), SessionError>,
        replay: Option<Replay>,
    ) -> Result<bool, SessionError> {
        if self.revision != revision {
            return Ok(false);
        }
        // The change set records the closure instead of its outcome.
        let changes = self.changes.take();
        let done = outcome(self);
        self.changes = changes;
        done?;
        if let (Some(changes), Some(replay)) = (&mut self.changes, replay) {
            changes.push_replay(replay);
        }
        Ok(true)
    }

    pub(super) fn discard_changes(&mut self) {
        if let Some(changes) = &mut self.changes {
            self.discarded.push(mem::take(changes));
        }
    }

    /// Returns what changes discarded.
    pub(crate) fn take_discarded(&mut self) -> Discarded {
        mem::take(&mut self.discarded)
    }
}

impl Clone for ChangeSet {
    fn clone(&self) -> Self {
        Self { steps: Mutex::new(self.steps()) }
    }
}

impl fmt::Debug for ChangeSet {
    /// Shows the number of steps, but neither keys nor values.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChangeSet").field("len", &self.len()).finish_non_exhaustive()
    }
}
