//! The change set: what a request did to its session, to be done again on a newer state.

use std::{fmt, sync::Arc};

use super::Dictionary;
use crate::error::SessionError;

/// A closure that can run again: an `update` of one key, or a `modify` of typed content.
pub(crate) type Replay = Arc<dyn Fn(&mut Dictionary) -> Result<(), SessionError> + Send + Sync>;

/// What a request did to its session, in its order.
///
/// For interfaces that save to a store which more than one request can write: when another request
/// has saved in the meantime, [`apply_to`](Self::apply_to) does the same to the newer state.
/// Requests that changed different keys then do not erase each other.
#[derive(Clone, Default)]
pub struct ChangeSet {
    /// Shared with a save that goes on when the request is dropped. `None` before the first.
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
    /// What was opened, key and value: only that is removed.
    Clear {
        opened: Vec<(Box<str>, String)>,
    },
    Replay(Replay),
}

impl ChangeSet {
    /// Replays the steps on a newer dictionary: sets and removals as they are, closures of
    /// `update` run again, and a `clear` removes only what no other request has changed.
    pub(crate) fn replay(&self, newer: &mut Dictionary) -> Result<(), SessionError> {
        for step in self.steps() {
            match step {
                Step::Set { key, json } => newer.put(key, json.clone()),
                Step::Remove { key } => {
                    newer.take_out(key);
                }
                Step::Clear { opened } => {
                    for (key, json) in opened {
                        if newer.raw(key) == Some(json) {
                            newer.take_out(key);
                        }
                    }
                }
                Step::Replay(replay) => replay(newer)?,
            }
        }
        Ok(())
    }

    /// Whether the request did nothing.
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

    /// What this request did before goes as well.
    pub(super) fn clear<'a>(&mut self, opened: impl Iterator<Item = (&'a str, &'a str)>) {
        let opened = opened.map(|(key, json)| (key.into(), json.into())).collect();
        self.steps = Some(Arc::new(vec![Step::Clear { opened }]));
    }

    pub(super) fn replayable(&mut self, replay: Replay) {
        self.steps_mut().push(Step::Replay(replay));
    }
}

/// The change set of a dictionary.
impl Dictionary {
    /// Keeps the change set from here on.
    pub(crate) fn keep_changes(&mut self) {
        self.changes.get_or_insert_default();
    }

    /// Returns what was done since [`keep_changes`](Self::keep_changes), if that was called.
    pub(crate) fn changes(&self) -> Option<&ChangeSet> {
        self.changes.as_ref()
    }

    /// Applies the outcome of a closure that ran on the state of `revision`, and notes how to
    /// `replay` it. Returns `false`, having done nothing, when the dictionary has changed since.
    pub(crate) fn update_at(
        &mut self,
        revision: u64,
        outcome: impl FnOnce(&mut Self) -> Result<(), SessionError>,
        replay: Option<Replay>,
    ) -> Result<bool, SessionError> {
        if self.revision != revision {
            return Ok(false);
        }
        // The closure stands for its outcome, which is therefore not noted.
        let changes = self.changes.take();
        let done = outcome(self);
        self.changes = changes;
        done?;
        if let (Some(changes), Some(replay)) = (&mut self.changes, replay) {
            changes.replayable(replay);
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
    /// Shows how many steps there are, and neither keys nor values.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChangeSet").field("len", &self.steps().len()).finish_non_exhaustive()
    }
}
