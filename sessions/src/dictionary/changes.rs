//! The change set: the changes of a request, to be replayed on a newer state of the session.

use std::{fmt, sync::Arc};

use super::Dictionary;
use crate::error::SessionError;

/// A closure that can run again: an `update` of one key, or a `modify` of typed content.
pub(crate) type Replay = Arc<dyn Fn(&mut Dictionary) -> Result<(), SessionError> + Send + Sync>;

/// The changes of a request to its session, in order.
///
/// For a backend whose store several requests write: if another request saved first,
/// [`apply_to`](Self::apply_to) applies the changes to the newer state. Concurrent requests that
/// change different keys then keep each other's changes.
#[derive(Clone, Default)]
pub struct ChangeSet {
    /// Shared with a save that continues after the request is dropped. `None` before the first
    /// step.
    steps: Option<Arc<Vec<Step>>>,
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
        for step in self.steps() {
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
        self.steps().is_empty()
    }

    fn steps(&self) -> &[Step] {
        self.steps.as_ref().map_or(&[], |steps| steps.as_slice())
    }

    fn steps_mut(&mut self) -> &mut Vec<Step> {
        Arc::make_mut(self.steps.get_or_insert_default())
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

    /// Replaces the steps so far, which a clear undoes.
    pub(super) fn clear<'a>(&mut self, opened: impl Iterator<Item = (&'a str, &'a str)>) {
        let opened = opened.map(|(key, json)| (key.into(), json.into())).collect();
        self.steps = Some(Arc::new(vec![Step::Clear { opened }]));
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
            *changes = ChangeSet::default();
        }
    }
}

impl fmt::Debug for ChangeSet {
    /// Shows the number of steps, but neither keys nor values.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChangeSet").field("len", &self.steps().len()).finish_non_exhaustive()
    }
}
