//! The change set: the changes of a request, to be replayed on a newer state of the session.

use std::{
    fmt, mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use smallvec::SmallVec;

use super::{
    Dictionary, Replay, same_value,
    step::{Step, coalesce, conditional},
};
use crate::error::{SaveError, SessionError};

/// How many steps a change set has at least before they are coalesced.
const MIN_COALESCED: usize = 64;

/// The changes of a request to its session, in order.
///
/// For a backend whose store several requests write: if another request saved first,
/// [`apply_to`](Self::apply_to) applies the changes to the newer state. Concurrent requests that
/// change different keys then keep each other's changes.
#[derive(Default)]
pub struct ChangeSet {
    steps: Mutex<Steps>,
    /// A step took a value, or requires one, so that a step may be conditional.
    takes: bool,
    /// How many steps are coalesced next.
    coalesce_at: usize,
    discarded: Discarded,
}

/// Shared with a save that continues after the request is dropped. `None` before the first step.
type Steps = Option<Arc<StepList>>;

/// Most requests change a few keys.
type StepList = SmallVec<[Step; 4]>;

/// Changes that are not made. Their closures belong to the application, so they are dropped without
/// the session's lock.
#[derive(Default)]
pub(crate) struct Discarded(Vec<Arc<StepList>>);

impl ChangeSet {
    /// Replays the steps on a newer dictionary.
    pub(crate) fn replay(&self, newer: &mut Dictionary) -> Result<(), SaveError> {
        self.steps().map_or(Ok(()), |steps| replay_all(&steps, newer))
    }

    /// Whether the request changed nothing.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether the request took a value that it had not set itself: it is superseded where another
    /// request took or changed it meanwhile.
    pub fn is_conditional(&self) -> bool {
        self.takes && self.steps().is_some_and(|steps| conditional(&steps).contains(&true))
    }

    /// Drops the steps. A save that is under way keeps its own reference to them.
    pub(crate) fn release(&self) {
        let steps = self.lock().take();
        // After the lock is given back.
        drop(steps);
    }

    pub(super) fn len(&self) -> usize {
        self.lock().as_ref().map_or(0, |steps| steps.len())
    }

    fn steps(&self) -> Steps {
        self.lock().clone()
    }

    fn own(&mut self) -> &mut Steps {
        self.steps.get_mut().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> MutexGuard<'_, Steps> {
        self.steps.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&mut self, step: Step) {
        self.takes |= matches!(step, Step::Take { .. } | Step::Require { .. });
        let coalesce_at = self.coalesce_at.max(MIN_COALESCED);
        let steps = Arc::make_mut(self.own().get_or_insert_default());
        steps.push(step);
        if steps.len() >= coalesce_at {
            let (kept, dropped) = coalesce(mem::take(steps).into_vec());
            *steps = kept.into();
            self.coalesce_at = 2 * steps.len();
            self.discarded.0.push(Arc::new(dropped.into()));
        }
    }

    /// Drops all steps.
    fn discard(&mut self) {
        self.coalesce_at = 0;
        self.takes = false;
        let steps = self.own().take();
        self.discarded.0.extend(steps);
    }

    pub(super) fn set(&mut self, key: &str, json: &str) {
        let is_last = |step: &Step| matches!(step, Step::Set { key: last, .. } if **last == *key);
        if let Some(steps) = self.own()
            && steps.last().is_some_and(is_last)
        {
            Arc::make_mut(steps).pop();
        }
        self.push(Step::Set { key: key.into(), json: json.into() });
    }

    pub(super) fn set_if_absent(&mut self, key: &str, json: &str) {
        self.push(Step::SetIfAbsent { key: key.into(), json: json.into() });
    }

    pub(super) fn remove(&mut self, key: &str) {
        self.push(Step::Remove { key: key.into() });
    }

    pub(super) fn take(&mut self, key: &str, json: &str) {
        self.push(Step::Take { key: key.into(), json: json.into() });
    }

    pub(super) fn push_replay(&mut self, key: Option<Box<str>>, replay: Replay) {
        self.push(Step::Replay { key, replay });
    }

    /// Replaces the steps so far, which a clear undoes. `opened` is what it removes, sorted by key.
    pub(super) fn clear<'o, O>(&mut self, opened: impl FnOnce() -> O)
    where
        O: Iterator<Item = (&'o str, &'o str)>,
    {
        let steps = self.steps().unwrap_or_default();
        let cleared = steps.iter().find_map(|step| match step {
            Step::Clear { opened } => Some(Arc::clone(opened)),
            _ => None,
        });
        let opened = cleared.unwrap_or_else(|| owned(opened()).into());
        self.undo_with(&opened);
        self.push(Step::Clear { opened });
    }

    /// Drops the steps and keeps their conditions: the handler was given the values. `opened` is what
    /// the session was opened with, sorted by key.
    pub(super) fn undo<'o, O>(&mut self, opened: impl FnOnce() -> O)
    where
        O: Iterator<Item = (&'o str, &'o str)>,
    {
        if self.is_conditional() {
            self.undo_with(&owned(opened()));
        } else {
            self.discard();
        }
    }

    fn undo_with(&mut self, opened: &[(Box<str>, String)]) {
        let opened_value = |key: &str| {
            let at = opened.binary_search_by(|(candidate, _)| (**candidate).cmp(key)).ok()?;
            Some(opened[at].1.clone())
        };
        let steps = self.steps().unwrap_or_default();
        self.discard();
        for (step, _) in
            steps.iter().zip(conditional(&steps)).filter(|(_, is_condition)| *is_condition)
        {
            match step {
                Step::Take { key, .. } => {
                    let (key, opened) = (key.clone(), opened_value(key));
                    self.push(Step::Require { key, opened });
                }
                other => self.push(other.clone()),
            }
        }
    }
}

fn owned<'o>(members: impl Iterator<Item = (&'o str, &'o str)>) -> Vec<(Box<str>, String)> {
    members.map(|(key, json)| (key.into(), json.into())).collect()
}

pub(super) fn replay_all(steps: &[Step], newer: &mut Dictionary) -> Result<(), SaveError> {
    for step in steps {
        match step {
            Step::Set { key, json } => newer.set_untracked(key, json.clone()),
            Step::SetIfAbsent { key, json } => {
                if newer.raw(key).is_none() {
                    newer.set_untracked(key, json.clone());
                }
            }
            Step::Remove { key } => {
                newer.remove_untracked(key);
            }
            Step::Take { key, json } => {
                require(newer, key, Some(json))?;
                newer.remove_untracked(key);
            }
            Step::Require { key, opened } => require(newer, key, opened.as_deref())?,
            Step::Clear { opened } => {
                for (key, json) in opened.iter() {
                    if newer.raw(key) == Some(json) {
                        newer.remove_untracked(key);
                    }
                }
            }
            Step::Replay { replay, .. } => replay(newer).map_err(SaveError::internal)?,
        }
    }
    Ok(())
}

/// Fails unless the key has this value.
fn require(newer: &Dictionary, key: &str, expected: Option<&str>) -> Result<(), SaveError> {
    let is_met = match (newer.raw(key), expected) {
        (Some(present), Some(expected)) => same_value(present, expected),
        (present, expected) => present == expected,
    };
    if is_met { Ok(()) } else { Err(SaveError::Superseded) }
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
        replay: Option<(Option<Box<str>>, Replay)>,
    ) -> Result<bool, SessionError> {
        if self.revision != revision {
            return Ok(false);
        }
        // The change set records the closure instead of its outcome.
        let changes = self.changes.take();
        self.is_updating = true;
        let done = outcome(self);
        self.is_updating = false;
        self.changes = changes;
        done?;
        if let (Some(changes), Some((key, replay))) = (&mut self.changes, replay) {
            changes.push_replay(key, replay);
        }
        Ok(true)
    }

    pub(super) fn discard_changes(&mut self) {
        if let Some(changes) = &mut self.changes {
            changes.discard();
        }
    }

    /// Whether a change is recorded.
    pub(crate) fn holds_changes(&mut self) -> bool {
        self.changes.as_mut().is_some_and(|changes| changes.own().is_some())
    }

    /// Returns what changes discarded.
    pub(crate) fn take_discarded(&mut self) -> Discarded {
        self.changes.as_mut().map(|changes| mem::take(&mut changes.discarded)).unwrap_or_default()
    }
}

impl Clone for ChangeSet {
    fn clone(&self) -> Self {
        Self { steps: Mutex::new(self.steps()), takes: self.takes, ..Self::default() }
    }
}

impl fmt::Debug for ChangeSet {
    /// Shows the number of steps, but neither keys nor values.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChangeSet").field("len", &self.len()).finish_non_exhaustive()
    }
}
